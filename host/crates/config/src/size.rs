//! An amount as people write it in a file: a number, or a text with a unit of bytes.
//!
//! Invariant: it is a whole number that fits 63 bits, as TOML's do.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// The units of bytes.
const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// An amount: `500`, or of bytes also `"64 MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Self, NoSize> {
        let (number, unit_bytes) = match UNITS.iter().find(|(unit, _)| text.ends_with(unit)) {
            Some((unit, bytes)) => (text.trim_end_matches(unit).trim_end(), *bytes),
            None => (text, 1),
        };
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_bytes));
        size.filter(|size| i64::try_from(*size).is_ok()).map(Self).ok_or(NoSize)
    }
}

/// It is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSize;

impl fmt::Display for NoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount is a number, or of bytes also a text as \"64 MiB\" (KiB, MiB or GiB)")
    }
}

impl Error for NoSize {}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Amount;

        impl Visitor<'_> for Amount {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number that is not negative, or a text as \"64 MiB\" (KiB, MiB or GiB)")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                let unexpected = || E::invalid_value(Unexpected::Signed(number), &self);
                u64::try_from(number).map(Size).map_err(|_| unexpected())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Size, E> {
                Ok(Size(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                let has_unit = text.ends_with('B');
                let size = text.parse().ok().filter(|_| has_unit);
                size.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
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
