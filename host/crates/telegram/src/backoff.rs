//! How long to wait before something that failed is tried again.
//!
//! Invariant: no pause is longer than [`PAUSE_MAX`].

use std::time::Duration;

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause after this many failures in a row: none without one, then the first one, which each further failure doubles.
pub(crate) fn backoff(first: Duration, failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
    first.saturating_mul(1 << doublings.min(16)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [0, 1, 2, 3, 7, 8, 9, u32::MAX].map(|failures| backoff(Duration::from_millis(200), failures));
        assert_eq!(pauses.map(|pause| pause.as_millis()), [0, 200, 400, 800, 12_800, 25_600, 30_000, 30_000]);
    }
}
