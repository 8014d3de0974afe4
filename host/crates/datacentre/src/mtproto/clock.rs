//! Time as MTProto writes it: <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
//!
//! Invariant: within one [`MessageIds`] no identifier is given twice and each is greater than the one before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(crate) fn unix_s() -> i32 {
    i32::try_from(since_epoch().as_secs()).unwrap_or(i32::MAX)
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
#[derive(Debug, Default)]
pub(crate) struct MessageIds {
    last: i64,
}

impl MessageIds {
    /// The next identifier.
    pub(crate) fn next(&mut self, kind: Kind) -> i64 {
        let now = since_epoch();
        let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
        let now = (now.as_secs() << 32 | fraction).cast_signed() & !3;
        self.last = now.max((self.last & !3) + 4) | if kind == Kind::Answer { 1 } else { 3 };
        self.last
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
