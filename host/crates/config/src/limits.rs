//! The section `[limits]`: how much each script may use. Its keys are those of the table of limits.
//!
//! Invariant: who has less to give gives no more: a script's limits are never above its tenant's, nor these above the host's.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use tgl::Limits;
use toml::Spanned;

use crate::size::Size;

macro_rules! section {
    ($($name:ident: $type:ty = $default:expr, $bounds:literal, $reached:literal;)*) => {
        /// How much each script may use.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct LimitsSection {
            $(
                #[doc = concat!($bounds, " ", $reached)]
                #[schemars(with = "Option<Size>")]
                $name: Option<Spanned<Size>>,
            )*
        }

        impl LimitsSection {
            /// These limits, and where they say nothing those above. Where one is more than is allowed above: its span, its
            /// name, and what is allowed.
            pub(crate) fn within(&self, above: &Limits, faults: &mut Vec<(Range<usize>, String)>) -> Limits {
                let mut limits = *above;
                $(
                    if let Some(given) = &self.$name {
                        let Size(size) = *given.get_ref();
                        match <$type>::try_from(size) {
                            Ok(0) => faults.push((given.span(), none(stringify!($name)))),
                            Ok(size) if size <= above.$name => limits.$name = size,
                            _ => faults.push((given.span(), too_much(stringify!($name), size, above.$name as u64))),
                        }
                    }
                )*
                limits
            }

            /// These limits, and where they say nothing the defaults. One of 0 is told with its span.
            pub(crate) fn of_host(&self, faults: &mut Vec<(Range<usize>, String)>) -> Limits {
                let mut limits = Limits::default();
                $(
                    if let Some(given) = &self.$name {
                        match given.get_ref().0 {
                            0 => faults.push((given.span(), none(stringify!($name)))),
                            size => limits.$name = <$type>::try_from(size).unwrap_or(<$type>::MAX),
                        }
                    }
                )*
                limits
            }
        }
    };
}

tgl::limits!(section);

pub(crate) fn none(name: &str) -> String {
    format!("{name} is 0, and a script needs some of it: leave the line out, or give at least 1")
}

pub(crate) fn too_much(name: &str, given: u64, allowed: u64) -> String {
    format!("{name} is {given}, and may be {allowed} at most here: lower it, or raise it where the host gives it")
}
