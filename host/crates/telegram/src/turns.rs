//! When accounts connect: one after the other, so that those that lost their connections together do not all come back in one
//! moment.
//!
//! Invariant: turns lie [`APART`] apart at least, and who comes alone has one at once.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::locked;

/// Between two turns: fifty accounts take a second.
const APART: Duration = Duration::from_millis(20);

/// Those of all accounts of this process.
pub(crate) static TURNS: Turns = Turns(Mutex::new(None));

/// See the module.
pub(crate) struct Turns(Mutex<Option<Instant>>);

impl Turns {
    /// When somebody may connect who wants to now.
    pub(crate) fn take(&self, now: Instant) -> Instant {
        let mut last = locked(&self.0);
        let turn = last.map_or(now, |last| now.max(last + APART));
        *last = Some(turn);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_accounts_that_come_at_once_are_spread_out() {
        let (turns, now) = (Turns(Mutex::new(None)), Instant::now());
        let at_once: Vec<Duration> = (0..50).map(|_| turns.take(now) - now).collect();
        let expected: Vec<Duration> = (0..50).map(|place| APART * place).collect();
        assert_eq!(at_once, expected);
        let later = now + Duration::from_secs(10);
        assert_eq!(turns.take(later), later, "who comes alone does not wait");
        assert_eq!(turns.take(later), later + APART);
    }
}
