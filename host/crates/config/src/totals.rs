//! The section `[totals]`: how much all of a tenant's scripts may use together. Its rows are those of one table, from which comes
//! a part of docs/LIMITS.md too.
//!
//! Invariant: the limits of a tenant's scripts, added up, are within its totals, or its file is refused. So what is kept for each
//! script keeps the sum, wherever the script runs, and nobody has to count while they run.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use tgl::Limits;
use toml::Spanned;

use crate::limits::{none, too_much};
use crate::size::Size;

/// Scripts of a tenant where nothing else is said. The other totals are then what so many scripts may use on this host.
const SCRIPTS: u64 = 32;

/// The table of totals, given to the macro that is named: the name, which is that of the limit that is added up; the default;
/// what it bounds.
macro_rules! totals {
    ($with:ident) => {
        $with! {
            counted {
                scripts_max = SCRIPTS, "Scripts.";
                accounts_max = SCRIPTS, "Accounts of the tenant's own.";
            }
            added {
                memory_bytes_max, "Linear memory of all scripts.";
                cpu_ms_per_min_max, "CPU time of all scripts within a minute.";
                stored_bytes_max, "What all scripts' private folders hold.";
                calls_pending_max, "Calls of all scripts that have not completed yet.";
                output_bytes_per_s, "Bytes that all scripts may print and log in a second, in the long run.";
                sends_per_s, "Messages of all scripts within a second, in the long run.";
            }
        }
    };
}

/// One total, in words.
#[derive(Clone, Copy, Debug)]
pub struct TotalRow {
    /// Its name; of an added one that of the limit.
    pub name: &'static str,
    /// Without a word of anybody's.
    pub default: u64,
    /// What it bounds.
    pub bounds: &'static str,
}

macro_rules! make_totals {
    (
        counted { $($counted:ident = $count:expr, $counted_bounds:literal;)* }
        added { $($added:ident, $added_bounds:literal;)* }
    ) => {
        /// How much all of a tenant's scripts may use together.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct TotalsSection {
            $(
                #[doc = $counted_bounds]
                #[schemars(with = "Option<Size>")]
                $counted: Option<Spanned<Size>>,
            )*
            $(
                #[doc = $added_bounds]
                #[schemars(with = "Option<Size>")]
                $added: Option<Spanned<Size>>,
            )*
        }

        /// What a tenant may use in all.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Totals {
            $(pub(crate) $counted: u64,)*
            $($added: u64,)*
        }

        /// Every total, in words.
        pub fn totals() -> Vec<TotalRow> {
            let each = Totals::of(&Limits::default());
            vec![
                $(TotalRow { name: stringify!($counted), default: each.$counted, bounds: $counted_bounds },)*
                $(TotalRow { name: stringify!($added), default: each.$added, bounds: $added_bounds },)*
            ]
        }

        impl Totals {
            /// What [`SCRIPTS`] may use with these limits.
            fn of(each: &Limits) -> Self {
                Self { $($counted: $count,)* $($added: (each.$added as u64).saturating_mul(SCRIPTS),)* }
            }
        }

        impl TotalsSection {
            /// These totals, and where they say nothing what [`SCRIPTS`] may use with the host's limits. One of 0 is told
            /// with its span.
            pub(crate) fn of_host(&self, limits: &Limits, faults: &mut Vec<(Range<usize>, String)>) -> Totals {
                let mut totals = Totals::of(limits);
                $(read(&self.$counted, &mut totals.$counted, stringify!($counted), None, faults);)*
                $(read(&self.$added, &mut totals.$added, stringify!($added), None, faults);)*
                totals
            }

            /// These totals, and where they say nothing those above. Where one is more than is allowed above, that is told.
            pub(crate) fn within(&self, above: &Totals, faults: &mut Vec<(Range<usize>, String)>) -> Totals {
                let mut totals = *above;
                $(read(&self.$counted, &mut totals.$counted, stringify!($counted), Some(above.$counted), faults);)*
                $(read(&self.$added, &mut totals.$added, stringify!($added), Some(above.$added), faults);)*
                totals
            }
        }

        impl Totals {
            /// The totals that these limits go beyond, added up, each with the first of them that does.
            pub(crate) fn exceeded(&self, limits: &[Limits]) -> Vec<(usize, String)> {
                let mut exceeded = Vec::new();
                $(
                    let each = limits.iter().map(|limits| limits.$added as u64);
                    exceeded.extend(beyond(each, self.$added).map(|(first, sum)| {
                        (first, added_up(stringify!($added), limits.len(), sum, self.$added))
                    }));
                )*
                exceeded
            }
        }
    };
}

totals!(make_totals);

fn read(
    given: &Option<Spanned<Size>>,
    total: &mut u64,
    name: &str,
    above: Option<u64>,
    faults: &mut Vec<(Range<usize>, String)>,
) {
    let Some(given) = given else { return };
    match (given.get_ref().0, above) {
        (0, _) => faults.push((given.span(), none(name))),
        (size, Some(above)) if size > above => faults.push((given.span(), too_much(name, size, above))),
        (size, _) => *total = size,
    }
}

/// The place of the first by which the sum is more than it may be, and the whole sum.
fn beyond(each: impl Iterator<Item = u64> + Clone, total: u64) -> Option<(usize, u64)> {
    let sum = |so_far: &mut u64, one: u64| {
        *so_far = so_far.saturating_add(one);
        Some(*so_far)
    };
    let first = each.clone().scan(0, sum).position(|so_far| so_far > total)?;
    Some((first, each.fold(0, u64::saturating_add)))
}

fn added_up(name: &str, scripts: usize, sum: u64, total: u64) -> String {
    format!(
        "{name} of this tenant's {scripts} scripts is {sum} in all, and may be {total}: lower it in [limits] or for single \
         scripts, or raise it in [totals], here or where the host gives it"
    )
}
