//! `--limit`: how much each script may use.
//!
//! Invariant: every limit of the table can be given, each with an amount that is not zero.

use std::str::FromStr;

use config::Size;
use tgl::{Limit, Limits};

/// One limit and its value, as `memory_bytes_max=128MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenLimit {
    limit: Limit,
    value: u64,
}

impl GivenLimit {
    pub(super) fn apply(self, limits: &mut Limits) {
        self.limit.set(limits, self.value);
    }
}

impl FromStr for GivenLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("a limit is given as NAME=N, cpu_ms_max=5000 for example")?;
        let limit = Limit::named(name.trim()).ok_or_else(|| {
            let names = Limit::ALL.map(|limit| limit.row().name).join(", ");
            format!("there is no limit {}: there are {names}", name.trim())
        })?;
        if value.trim_end().ends_with('B') && !limit.row().name.contains("bytes") {
            return Err(format!("{limit} is no amount of bytes: give a number"));
        }
        match value.trim().parse().map_err(|error| format!("{error}"))? {
            Size(0) => Err(format!("{limit} is 0, and a script needs some of it: give at least 1")),
            Size(value) => Ok(Self { limit, value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_given_by_name_with_numbers_or_units_of_bytes() {
        for (text, expected) in [
            ("cpu_ms_max=5000", Ok((Limit::cpu_ms_max, 5_000))),
            ("memory_bytes_max=128 MiB", Ok((Limit::memory_bytes_max, 128 << 20))),
            ("memory_bytes_max = 128MiB", Ok((Limit::memory_bytes_max, 128 << 20))),
            ("cpu_ms_max", Err("NAME=N")),
            ("patience=5", Err("no limit patience")),
            ("cpu_ms_max=0", Err("at least 1")),
            ("cpu_ms_max=5 MiB", Err("no amount of bytes")),
            ("cpu_ms_max=-1", Err("an amount is")),
            ("cpu_ms_max=", Err("an amount is")),
        ] {
            match (text.parse::<GivenLimit>(), expected) {
                (Ok(given), Ok(expected)) => assert_eq!((given.limit, given.value), expected, "{text}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (given, _) => panic!("{text}: {given:?}"),
            }
        }
    }
}
