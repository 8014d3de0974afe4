//! How long a script that crashed waits before it is started again.
//!
//! Invariant: a script that crashes at every start is not started for ever.

use std::time::Duration;

/// The first wait, unless a script's configuration says another; each further one is twice as long.
pub const RESTART_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// A life as long as this makes up for the crashes before it.
const QUIET_LIFE: Duration = Duration::from_secs(60);

/// The crashes in a row of one script.
#[derive(Debug)]
pub struct Backoff {
    first_wait: Duration,
    start_crashes_max: u32,
    crashes: u32,
    start_crashes: u32,
}

impl Backoff {
    /// None so far. After so many in a row, of lives that were not through with their start, there is no further one.
    pub fn new(first_wait: Duration, start_crashes_max: u32) -> Self {
        Self { first_wait, start_crashes_max, crashes: 0, start_crashes: 0 }
    }

    /// Takes note of a crash after a life of this length, and gives the wait before the next one; none if there should
    /// not be one.
    pub fn crashed(&mut self, life: Duration, was_started: bool) -> Option<Duration> {
        if life >= QUIET_LIFE {
            self.crashes = 0;
        }
        self.start_crashes = if was_started { 0 } else { self.start_crashes + 1 };
        if self.start_crashes >= self.start_crashes_max {
            return None;
        }
        let wait = self.first_wait.saturating_mul(1 << self.crashes.min(16)).min(WAIT_MAX);
        self.crashes = self.crashes.saturating_add(1);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_a_quiet_life() {
        let mut backoff = Backoff::new(RESTART_WAIT, 5);
        let waits: Vec<u64> =
            (0..8).filter_map(|_| backoff.crashed(Duration::from_secs(1), true)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.crashed(Duration::from_secs(61), true), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_script_that_crashes_at_every_start_is_given_up() {
        for most in [1, 2, 5] {
            let mut backoff = Backoff::new(RESTART_WAIT, most);
            let starts = (0..20).take_while(|_| backoff.crashed(Duration::ZERO, false).is_some()).count();
            assert_eq!(starts, most as usize - 1);
        }
    }
}
