//! The end of a script that has asked for it: it comes when its calls have completed.
//!
//! Invariant: the end comes. No event puts it off, since the script hears of none any more, and no call that it makes now.

use std::time::Duration;

use tgl::RequestId;
use tokio::time::Instant;

/// How long none of the calls may complete that were made before the script asked to end.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(30);

/// A script that has asked to end waits for its calls.
pub(crate) struct Drain {
    /// When the end comes though calls are pending.
    pub(crate) by: Instant,
    /// Calls below this id were made before it asked.
    later_id: RequestId,
}

impl Drain {
    /// The script asks to end now; `later_id` is the next call's.
    pub(crate) fn new(later_id: RequestId, now: Instant) -> Self {
        Self { by: now + DRAIN_MAX, later_id }
    }

    /// A call has completed: one more reason to wait for the others, if it was made before.
    pub(crate) fn completed(&mut self, id: RequestId, now: Instant) {
        if id < self.later_id {
            self.by = now + DRAIN_MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_made_before_put_the_end_off() {
        let begun = Instant::now();
        let later = begun + DRAIN_MAX / 2;
        let mut drain = Drain::new(5, begun);
        drain.completed(5, later);
        assert_eq!(drain.by, begun + DRAIN_MAX);
        drain.completed(4, later);
        assert_eq!(drain.by, later + DRAIN_MAX);
    }
}
