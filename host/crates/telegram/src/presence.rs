//! Being online: the server lets it end after some minutes, so it is said again while a script wants it.
//!
//! Invariant: nothing is said unless a script has asked to be online, and nothing after one has asked to be offline.

use std::time::Duration;

use tgl::Presence;
use tokio::time::Instant;

/// How often it is said. Servers count one as online for five minutes:
/// <https://core.telegram.org/method/account.updateStatus>.
const REPEAT_AFTER: Duration = Duration::from_secs(60);

/// When an account has to say that it is online.
#[derive(Debug, Default)]
pub(crate) struct Repetition {
    next: Option<Instant>,
}

impl Repetition {
    /// A script has said how it is.
    pub(crate) fn set(&mut self, presence: Presence, now: Instant) {
        self.next = (presence == Presence::Online).then(|| now + REPEAT_AFTER);
    }

    /// When to say it, if ever.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether it is to be said now; the next time is a minute from now.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next.is_some_and(|next| now >= next);
        if is_due {
            self.next = Some(now + REPEAT_AFTER);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn online_is_said_once_a_minute_until_offline() {
        let (mut repetition, begin) = (Repetition::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(!repetition.is_due(at(1_000)), "nobody has asked for it");
        repetition.set(Presence::Online, begin);
        let said: Vec<u64> = (0..200).filter(|second| repetition.is_due(at(*second))).collect();
        assert_eq!(said, [60, 120, 180]);
        repetition.set(Presence::Offline, at(200));
        assert!(!repetition.is_due(at(1_000)) && repetition.next().is_none());
    }
}
