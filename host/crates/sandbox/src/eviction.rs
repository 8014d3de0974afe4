//! Which compiled program goes when the cache is full.
//!
//! Invariant: programs that are used again and again are not driven out by many that are used once.

use std::time::{Duration, SystemTime};

/// How long a program that was used again goes after all that were not.
const KEPT_S: u64 = 7 * 24 * 3_600;

/// A program in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) made_at: SystemTime,
    /// The same as `made_at` for one that has not been used since it was made.
    pub(crate) used_at: SystemTime,
}

impl Entry {
    /// Whether it was used again, and not long ago.
    fn is_kept(&self, now: SystemTime) -> bool {
        let unused = now.duration_since(self.used_at).unwrap_or_default();
        self.used_at != self.made_at && unused < Duration::from_secs(KEPT_S)
    }
}

/// The place of the program that goes first: of those that are not kept, else of all, the one that was used least lately.
pub(crate) fn next_to_go(entries: &[Entry], now: SystemTime) -> Option<usize> {
    let first = entries.iter().enumerate().min_by_key(|(_, entry)| (entry.is_kept(now), entry.used_at));
    first.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs as "name made used", days ago; the order in which they go.
    fn order(programs: &str) -> String {
        let now = SystemTime::now();
        let ago = |days: &str| now - Duration::from_secs(24 * 3_600 * days.parse::<u64>().expect("a number"));
        let mut entries: Vec<Entry> = programs
            .split(", ")
            .map(|program| match program.split(' ').collect::<Vec<_>>()[..] {
                [name, made, used] => Entry { name: name.into(), bytes: 1, made_at: ago(made), used_at: ago(used) },
                _ => panic!("{program}"),
            })
            .collect();
        let gone = std::iter::from_fn(|| next_to_go(&entries, now).map(|next| entries.remove(next).name));
        gone.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_used_again_goes_after_what_is_used_once() {
        for (programs, gone) in [
            ("a 3 3, b 2 2, c 1 1", "a b c"),
            ("a 3 0, b 2 1, c 1 1", "c b a"),
            ("a 6 5, b 2 2, c 1 1, d 0 0", "b c d a"),
            ("a 40 9, b 40 5, c 20 20, d 1 1", "c a d b"),
        ] {
            assert_eq!(order(programs), gone, "{programs}");
        }
    }
}
