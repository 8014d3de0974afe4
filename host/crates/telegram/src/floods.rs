//! What the data centre wants no more of for a while: <https://core.telegram.org/api/errors#420-flood>.
//!
//! Invariant: a wait is shared by calls of one script, of one method and about one conversation, and by no others: those
//! ask for themselves, and are told where the whole account is meant.

use std::collections::HashMap;
use std::sync::Mutex;

use tgl::{PeerId, ScriptName};
use tokio::time::Instant;

use crate::sync::locked;

/// Waits that are remembered at a time. What comes beyond that waits all the same, but by itself.
const FLOODS_MAX: usize = 1_024;

/// Calls that wait together: they would only be told the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stream {
    pub(crate) script: ScriptName,
    /// The method's constructor.
    pub(crate) method: u32,
    pub(crate) conversation: Option<PeerId>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<HashMap<Stream, Instant>>);

impl Floods {
    /// Until when such calls have to wait.
    pub(crate) fn until(&self, stream: &Stream) -> Option<Instant> {
        locked(&self.0).get(stream).copied().filter(|until| *until > Instant::now())
    }

    /// The data centre wants no more such calls until then.
    pub(crate) fn set(&self, stream: Stream, until: Instant) {
        let mut waits = locked(&self.0);
        let now = Instant::now();
        waits.retain(|_, until| *until > now);
        if waits.len() < FLOODS_MAX || waits.contains_key(&stream) {
            waits.insert(stream, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stream(script: &str, method: u32, conversation: Option<i64>) -> Stream {
        Stream { script: script.into(), method, conversation: conversation.map(PeerId::user) }
    }

    #[test]
    fn only_the_like_wait_together() {
        let floods = Floods::default();
        let until = Instant::now() + Duration::from_secs(60);
        floods.set(stream("a", 1, Some(2)), until);
        for (other, expected) in [
            (stream("a", 1, Some(2)), Some(until)),
            (stream("b", 1, Some(2)), None),
            (stream("a", 2, Some(2)), None),
            (stream("a", 1, Some(3)), None),
            (stream("a", 1, None), None),
        ] {
            assert_eq!(floods.until(&other), expected, "{other:?}");
        }
    }

    #[test]
    fn so_many_waits_are_remembered_and_past_ones_make_room() {
        let floods = Floods::default();
        let now = Instant::now();
        for method in 0..FLOODS_MAX as u32 {
            floods.set(stream("a", method, None), if method == 0 { now } else { now + Duration::from_secs(60) });
        }
        assert_eq!(floods.until(&stream("a", 0, None)), None);
        let later = now + Duration::from_secs(90);
        for (method, expected) in [(5_000, Some(later)), (5_001, None), (1, Some(later))] {
            floods.set(stream("a", method, None), later);
            assert_eq!(floods.until(&stream("a", method, None)), expected, "{method}");
        }
    }
}
