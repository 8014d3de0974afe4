//! How long a script that crashed waits before it is started again.
//!
//! Invariant: a script that crashes at every start is not started for ever.

use std::time::Duration;

/// The first wait; each further one is twice as long.
const WAIT_MS_MIN: u64 = 1_000;
/// The longest wait.
const WAIT_MS_MAX: u64 = 60_000;
/// A life as long as this makes up for the crashes before it.
const QUIET_LIFE: Duration = Duration::from_secs(60);
/// Crashes in a row before the script had its first event, after which it is not started again.
const LOAD_CRASHES_MAX: u32 = 5;

/// The crashes in a row of one script.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    crashes: u32,
    load_crashes: u32,
}

impl Backoff {
    /// Takes note of a crash after a life of this length, and gives the wait before the next one; none if there should
    /// not be one.
    pub(crate) fn crashed(&mut self, life: Duration, was_loaded: bool) -> Option<Duration> {
        if life >= QUIET_LIFE {
            self.crashes = 0;
        }
        self.load_crashes = if was_loaded { 0 } else { self.load_crashes + 1 };
        if self.load_crashes >= LOAD_CRASHES_MAX {
            return None;
        }
        let wait_ms = WAIT_MS_MIN.saturating_mul(1 << self.crashes.min(16)).min(WAIT_MS_MAX);
        self.crashes = self.crashes.saturating_add(1);
        Some(Duration::from_millis(wait_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_a_quiet_life() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> =
            (0..8).filter_map(|_| backoff.crashed(Duration::from_secs(1), true)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.crashed(Duration::from_secs(61), true), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_script_that_crashes_at_every_start_is_given_up() {
        let mut backoff = Backoff::default();
        let starts = (0..20).take_while(|_| backoff.crashed(Duration::ZERO, false).is_some()).count();
        assert_eq!(starts, LOAD_CRASHES_MAX as usize - 1);
    }
}
