//! How far the data centre's clock is from this machine's. MTProto's message ids are times of the data centre's clock, and
//! it refuses those that are far off: <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
//!
//! Invariant: the difference comes from the data centre alone: from the key exchange, and from each refusal because of it.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The difference that the user is told of. Less bothers nobody.
const TOLD_S: u32 = 30;

/// One account's view of the data centre's clock.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    ahead_s: AtomicI32,
}

impl ServerClock {
    /// How many seconds the data centre is ahead of this machine.
    pub(crate) fn ahead_s(&self) -> i32 {
        self.ahead_s.load(Ordering::Relaxed)
    }

    /// It is this second at the data centre now.
    pub(crate) fn set(&self, second: i32) {
        self.set_ahead(second.wrapping_sub(unix_s()));
    }

    /// The data centre is so many seconds ahead of this machine.
    pub(crate) fn set_ahead(&self, ahead_s: i32) {
        let before = self.ahead_s.swap(ahead_s, Ordering::Relaxed);
        if ahead_s.abs_diff(before) >= TOLD_S {
            match ahead_s {
                ..=-1 => tracing::warn!(
                    "this machine's clock is {} s ahead of the data centre's; set it",
                    -i64::from(ahead_s)
                ),
                _ => tracing::warn!("this machine's clock is {ahead_s} s behind the data centre's; set it"),
            }
        }
    }
}

/// Seconds since 1970, as MTProto counts them.
fn unix_s() -> i32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_difference_is_kept() {
        for difference in [0, 30, -30, 86_400, -31_536_000, 31_536_000] {
            let clock = ServerClock::default();
            clock.set(unix_s() + difference);
            assert!((clock.ahead_s() - difference).abs() <= 1, "{difference}");
        }
    }
}
