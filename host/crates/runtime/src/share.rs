//! A script's share of the CPU: so much time within a minute.
//!
//! Invariant: a script that has used more waits, and nobody else for it. Nothing is dropped.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// What of its share a script has left.
#[derive(Debug)]
pub(crate) struct Share {
    per_min: Duration,
    /// What it has used that is not made up for by time that has passed.
    owed: Duration,
    /// What it had used in all by then.
    used: Duration,
    at: Instant,
}

impl Share {
    pub(crate) fn new(ms_per_min: u64, now: Instant) -> Self {
        Self { per_min: Duration::from_millis(ms_per_min.max(1)), owed: Duration::ZERO, used: Duration::ZERO, at: now }
    }

    /// With so much used in all: until when the script has to wait, if it has.
    pub(crate) fn held_until(&mut self, used: Duration, now: Instant) -> Option<Instant> {
        let ratio = self.per_min.as_secs_f64() / MINUTE.as_secs_f64();
        let made_up = now.saturating_duration_since(self.at).mul_f64(ratio);
        self.owed = self.owed.saturating_sub(made_up) + used.saturating_sub(self.used);
        (self.used, self.at) = (used, now);
        let too_much = self.owed.checked_sub(self.per_min).filter(|over| !over.is_zero())?;
        now.checked_add(too_much.div_f64(ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_used_its_share_waits_until_time_has_made_up_for_it() {
        let begun = Instant::now();
        let at = |s| begun + Duration::from_secs(s);
        let used = Duration::from_secs;
        let mut share = Share::new(30_000, begun);
        // (when, used in all, waits so long)
        for (when, total, expected) in [
            (0, 29, None),
            (0, 30, None),
            (0, 31, Some(2)),
            (1, 31, Some(1)),
            (2, 31, None),
            (2, 40, Some(18)),
            (80, 70, None),
        ] {
            let held = share.held_until(used(total), at(when)).map(|until| until - at(when));
            let held_s = held.map(|held| held.as_secs_f64().round() as u64);
            assert_eq!(held_s, expected, "at {when} s, {total} s used");
        }
    }
}
