//! Time as MTProto writes it: <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
//!
//! Invariant: within one [`MessageIds`] no identifier is given twice and each is greater than the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clock of one data centre. It goes as the machine's does, unless a test has set it otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Seconds since 1970.
    pub(crate) fn unix_s(&self) -> i32 {
        i32::try_from(self.since_epoch().as_secs()).unwrap_or(i32::MAX)
    }

    /// Sets it so many seconds ahead of the machine's.
    pub(crate) fn set_ahead(&self, ahead_s: i64) {
        self.0.store(ahead_s, Ordering::Relaxed);
    }

    fn since_epoch(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead_s = self.0.load(Ordering::Relaxed);
        let ahead = Duration::from_secs(ahead_s.unsigned_abs());
        if ahead_s < 0 { now.saturating_sub(ahead) } else { now.saturating_add(ahead) }
    }
}

/// The second in which a message identifier was made.
pub(crate) fn second_of(msg_id: i64) -> i64 {
    msg_id >> 32
}

/// What a server message is, which its identifier tells by its lowest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In answer to a message of the client.
    Answer,
    /// Of the server's own accord.
    Notice,
}

/// Makes the identifiers of one session's server messages.
#[derive(Debug)]
pub(crate) struct MessageIds {
    clock: Clock,
    last: i64,
}

impl MessageIds {
    /// The first one is still to come.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, last: 0 }
    }

    /// The next identifier.
    pub(crate) fn next(&mut self, kind: Kind) -> i64 {
        let now = self.clock.since_epoch();
        let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
        let now = (now.as_secs() << 32 | fraction).cast_signed() & !3;
        self.last = now.max((self.last & !3) + 4) | if kind == Kind::Answer { 1 } else { 3 };
        self.last
    }
}
