//! Which errors of a tenant are told.
//!
//! Invariant: within an hour each kind is admitted once, and [`ERRORS_TOLD_PER_HOUR_MAX`] kinds at most; all others are counted.

use std::collections::BTreeSet;
use std::time::Duration;

use config::ERRORS_TOLD_PER_HOUR_MAX;
use tokio::time::Instant;

/// An hour begins with its first error.
const HOUR: Duration = Duration::from_secs(3_600);

/// An hour of a tenant's. Before its first error it has not begun.
#[derive(Default)]
pub(super) struct Hour {
    ends_at: Option<Instant>,
    kinds: BTreeSet<String>,
    more: u64,
}

impl Hour {
    /// Whether an error of this kind is told now. One that is not is counted.
    pub(super) fn admits(&mut self, kind: &str, now: Instant) -> bool {
        if self.ends_at.is_some_and(|end| now >= end) {
            // How many more there were is told with the next hour's.
            *self = Self { more: self.more, ..Self::default() };
        }
        self.ends_at.get_or_insert(now + HOUR);
        let is_new = self.kinds.len() < ERRORS_TOLD_PER_HOUR_MAX && !self.kinds.contains(kind);
        if is_new {
            self.kinds.insert(kind.to_owned());
        } else {
            self.more = self.more.saturating_add(1);
        }
        is_new
    }

    /// When it is over, if it has begun.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }

    /// Ends it where it is over, and gives how many errors were not told.
    pub(super) fn end(&mut self, now: Instant) -> u64 {
        if self.ends_at.is_none_or(|end| now < end) {
            return 0;
        }
        std::mem::take(self).more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_once_an_hour_and_so_many_kinds_at_most() {
        let begin = Instant::now();
        let at = |minute: u64| begin + Duration::from_secs(60 * minute);
        let mut hour = Hour::default();
        assert_eq!((hour.ends_at(), hour.end(begin)), (None, 0), "no hour before the first error");
        let told = |hour: &mut Hour, minute| (0..100).filter(|kind| hour.admits(&kind.to_string(), at(minute))).count();
        assert_eq!(told(&mut hour, 0), ERRORS_TOLD_PER_HOUR_MAX);
        assert_eq!(told(&mut hour, 59), 0);
        assert_eq!((hour.ends_at(), hour.end(at(59))), (Some(at(60)), 0), "it is not over");
        assert_eq!(hour.end(at(60)), 190);
        assert_eq!(hour.end(at(60)), 0, "told once");
        assert!(hour.admits("7", at(90)), "the next hour begins with its first error");
        assert_eq!(hour.ends_at(), Some(at(150)));
        // An error that comes before the end was noticed.
        assert!(!hour.admits("7", at(149)) && hour.admits("7", at(151)));
        assert_eq!(hour.end(at(211)), 1, "what was counted stays counted");
    }
}
