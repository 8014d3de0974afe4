//! How much one script may use: one table, from which come [`Limits`], the configuration's keys and docs/LIMITS.md.
//!
//! Invariant: a limit stands in the table with its default and with what happens where it is reached, or the host does not
//! compile.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

/// The table of limits, given to the macro that is named: `tgl::limits!(section)`.
///
/// The columns: the name, with the unit last; its type; its default; what it bounds; what happens where it is reached.
#[macro_export]
macro_rules! limits {
    ($with:ident) => { $with! {
        memory_bytes_max: usize = 64 << 20,
            "Linear memory, over all memories of the component. The Python component takes 22 MiB of it before any script is \
             loaded, shared with every other script until it is written to.",
            "Growth fails within the script: `MemoryError` in Python.";
        table_elements_max: usize = 20_000,
            "Function table elements, over all tables. The Python component needs 5,700.",
            "Growth fails within the script.";
        open_files_max: usize = 1_000,
            "Files and folders that are open at one time.",
            "One more is refused: `EMFILE`.";
        resources_max: usize = 4_096,
            "Files, streams and other handles at one time. An open file may take four.",
            "The script is stopped and started anew.";
        host_call_bytes_max: usize = 2 << 20,
            "Bytes that one call may hand to the host, and that a callback's error text may have.",
            "The script is stopped and started anew.";
        cpu_ms_max: u64 = 2_000,
            "CPU time of one callback. It catches endless loops, and is no share of the CPU: guests yield every 10 ms.",
            "The script is stopped and started anew.";
        cpu_ms_per_min_max: u64 = 30_000,
            "CPU time within a minute, over all lives of the script. The default is half of one core.",
            "The script waits, and its events with it.";
        load_ms_max: u64 = 10_000,
            "CPU time of instantiation, and again of loading a script with its packages.",
            "The script is stopped and started anew.";
        wall_ms_max: u64 = 60_000,
            "Time from a callback's begin to its end, sleep and file access included.",
            "The script is stopped and started anew.";
        start_crashes_max: u32 = 5,
            "Crashes in a row before the script is through with its start. A script that crashes waits before it is started anew: \
             a second, then twice as long each time, up to a minute.",
            "It is given up, and not started again by itself.";
        output_bytes_per_s: u64 = 64 << 10,
            "Bytes written for what it prints, logs and fails at, in the long run.",
            "What is more is dropped, and its amount logged.";
        output_burst_bytes_max: u64 = 1 << 20,
            "The same at once, before `output_bytes_per_s` holds.",
            "What is more is dropped, and its amount logged.";
        log_line_bytes_max: usize = 4 << 10,
            "One log line.",
            "A longer one is cut.";
        random_bytes_max: u64 = 64 << 10,
            "Random bytes for one request.",
            "The script is stopped and started anew.";
        calls_pending_max: usize = 100_000,
            "Calls that have not completed yet, over all lives of the script; those that cannot be held in memory wait on disk.",
            "With more than half of them no event is delivered; one more is refused, with a line.";
        calls_bytes_max: u64 = 64 << 20,
            "What they take, as they are written down.",
            "The same.";
        stored_bytes_max: u64 = 50 << 20,
            "What the script's private folder holds, with what was deleted from it and is still open. Each file, folder and link \
             counts 4 KiB more, so there may be 12,800 by default.",
            "A write fails: `OSError` in Python; what is loaded is not saved, with a line.";
        chat_sends_per_s: u32 = 1,
            "Messages into one chat within a second, in the long run; five may follow each other at once.",
            "Sends wait for their turn, those into other chats not.";
        group_sends_per_min: u32 = 20,
            "Messages into one group or channel within a minute, in the long run.",
            "The same.";
        sends_per_s: u32 = 30,
            "Messages in all within a second, in the long run. A raw query counts as one.",
            "The same.";
        loop_rounds_max: u32 = 60,
            "Times in a row that one peer may answer within 2 s what the script sends into a chat: so answers a script, not a person.",
            "Sends into that chat are 10 s apart until an answer takes longer, with a line that names both.";
    } };
}

/// One limit, in words.
#[derive(Clone, Copy, Debug)]
pub struct LimitRow {
    /// Its name, with the unit last.
    pub name: &'static str,
    /// Without a word of anybody's.
    pub default: u64,
    /// What it bounds.
    pub bounds: &'static str,
    /// What happens where it is reached.
    pub reached: &'static str,
}

macro_rules! make_limits {
    ($($name:ident: $type:ty = $default:expr, $bounds:literal, $reached:literal;)*) => {
        /// What one script may use. The defaults suit a chat script in Python.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Limits {
            $(
                #[doc = concat!($bounds, " ", $reached)]
                pub $name: $type,
            )*
        }

        impl Limits {
            /// Every limit, in words.
            pub const TABLE: &[LimitRow] = &[$(
                LimitRow { name: stringify!($name), default: $default as u64, bounds: $bounds, reached: $reached },
            )*];
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// Names one of [`Limits`].
        #[allow(non_camel_case_types, missing_docs, reason = "they are named as in the files")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Limit {
            $($name,)*
        }

        impl Limit {
            /// All of them, in the table's order.
            pub const ALL: [Self; Limits::TABLE.len()] = [$(Self::$name,)*];

            /// Its value here.
            pub fn of(self, limits: &Limits) -> u64 {
                match self {
                    $(Self::$name => limits.$name as u64,)*
                }
            }

            /// Gives it this value there, or the highest that it can have.
            pub fn set(self, limits: &mut Limits, value: u64) {
                match self {
                    $(Self::$name => limits.$name = value.try_into().unwrap_or(<$type>::MAX),)*
                }
            }
        }
    };
}

limits!(make_limits);

impl Limit {
    /// The limit of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.row().name == name)
    }

    /// Its row of the table.
    pub fn row(self) -> &'static LimitRow {
        &Limits::TABLE[self as usize]
    }

    /// That a script has reached it, what happens then, and how more is allowed.
    pub fn told(self, limits: &Limits) -> String {
        let LimitRow { name, reached, .. } = self.row();
        let value = self.of(limits);
        format!(
            "it has reached a limit, {name} = {value}: more by `{name} = N` in [limits] of the tenant's file, as far as the host's \
             own allows it, or by `tglhost run --limit {name}=N`. {reached}"
        )
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// How often a script has reached each of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitCounts([u32; Limit::ALL.len()]);

impl LimitCounts {
    /// These and those.
    pub fn and(&self, those: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].saturating_add(those.0[at])))
    }

    /// Whether this one was reached.
    pub fn has(&self, limit: Limit) -> bool {
        self.0[limit as usize] > 0
    }

    /// The limits that were reached, each with how often that was.
    pub fn reached(&self) -> impl Iterator<Item = (Limit, u32)> + '_ {
        Limit::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

/// Where those count that hold a script to its limits. Cheap to clone: every clone counts in one place.
#[derive(Clone, Debug, Default)]
pub struct LimitMeter(Arc<[AtomicU32; Limit::ALL.len()]>);

impl LimitMeter {
    /// The script has reached this limit once more.
    pub fn reached(&self, limit: Limit) {
        let count = &self.0[limit as usize];
        // Not beyond its type.
        let _ = count.try_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    }

    /// How often each was reached so far.
    pub fn counts(&self) -> LimitCounts {
        LimitCounts(std::array::from_fn(|at| self.0[at].load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_its_row_of_the_table_and_its_value() {
        let limits = Limits::default();
        for (limit, row) in Limit::ALL.into_iter().zip(Limits::TABLE) {
            assert_eq!((limit.row().name, limit.of(&limits)), (row.name, row.default));
            assert_eq!((format!("{limit:?}").as_str(), Limit::named(row.name)), (row.name, Some(limit)));
            let mut other = limits;
            limit.set(&mut other, 7);
            assert_eq!(limit.of(&other), 7);
        }
        let mut most = limits;
        Limit::sends_per_s.set(&mut most, u64::MAX);
        assert_eq!(most.sends_per_s, u32::MAX);
        assert_eq!(Limit::named("patience"), None);
    }

    #[test]
    fn what_was_reached_is_counted_in_one_place() {
        let meter = LimitMeter::default();
        meter.reached(Limit::cpu_ms_max);
        meter.clone().reached(Limit::cpu_ms_max);
        meter.reached(Limit::sends_per_s);
        let twice = meter.counts().and(&meter.counts());
        assert_eq!(twice.reached().collect::<Vec<_>>(), [(Limit::cpu_ms_max, 4), (Limit::sends_per_s, 2)]);
    }
}
