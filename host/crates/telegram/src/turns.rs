//! When accounts connect: those that lost their connections together do not all come back in one moment.
//!
//! Invariant: in any time there are at most [`AT_ONCE`] turns more than [`APART`] fits into it, and who comes alone has one at
//! once.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::locked;

/// Between two turns in the long run: fifty accounts take a second.
const APART: Duration = Duration::from_millis(20);

/// Turns that may be at one moment: a person's few accounts do not wait for each other.
const AT_ONCE: u32 = 8;

/// Those of all accounts of this process.
pub(crate) static TURNS: Turns = Turns(Mutex::new(None));

/// Until when turns are used up.
pub(crate) struct Turns(Mutex<Option<Instant>>);

impl Turns {
    /// When somebody may connect who wants to now.
    pub(crate) fn take(&self, now: Instant) -> Instant {
        let mut used_to = locked(&self.0);
        let from = used_to.map_or(now, |used_to| used_to.max(now));
        *used_to = Some(from + APART);
        from.checked_sub(APART * (AT_ONCE - 1)).map_or(now, |turn| turn.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_accounts_that_come_at_once_are_spread_out() {
        let (turns, now) = (Turns(Mutex::new(None)), Instant::now());
        let at_once: Vec<Duration> = (0..50).map(|_| turns.take(now) - now).collect();
        let expected: Vec<Duration> = (0..50_u32).map(|place| APART * place.saturating_sub(AT_ONCE - 1)).collect();
        assert_eq!(at_once, expected);
        let later = now + Duration::from_secs(10);
        assert_eq!(turns.take(later), later, "who comes alone does not wait");
    }
}
