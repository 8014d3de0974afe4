//! An amount as people write it in a file: a number, or a text with a unit of bytes.
//!
//! Invariant: it is a whole number that fits 63 bits, as TOML's do.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// The units of bytes.
const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// An amount: `500`, or of bytes also `"64 MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Amount;

        impl Visitor<'_> for Amount {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number that is not negative, or a text as \"64 MiB\" (KiB, MiB or GiB)")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
                let unexpected = || E::invalid_value(serde::de::Unexpected::Signed(number), &self);
                u64::try_from(number).map(Size).map_err(|_| unexpected())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Size, E> {
                Ok(Size(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                let unexpected = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                let (unit, bytes) = UNITS.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(unexpected)?;
                let number = text.trim_end_matches(unit).trim_end().parse::<u64>().map_err(|_| unexpected())?;
                let size = number.checked_mul(*bytes).filter(|size| i64::try_from(*size).is_ok());
                size.map(Size).ok_or_else(unexpected)
            }
        }

        from.deserialize_any(Amount)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+ ?(KiB|MiB|GiB)$" },
            ],
        })
    }
}
