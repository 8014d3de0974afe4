//! How long users take from a message that reaches them to what they send next, by the data centre's own clock: a measurement
//! in which no client of it is measured as well.
//!
//! Invariant: until somebody asks nothing is noted, and what is noted and not taken is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// Turn-arounds that nobody has taken yet; further ones are dropped.
const TURN_AROUNDS_MAX: usize = 1_024;
/// Users that have not answered yet; of further ones none is noted.
const USERS_MAX: usize = 1_024;

/// A user has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnAround {
    /// Who.
    pub user_id: i64,
    /// From the moment at which the last message to it was there to be written to its connections, to that at which its own
    /// next `messages.sendMessage` had been read.
    pub took: Duration,
}

/// Notes them where they are asked for. Clones are of the same data centre.
#[derive(Clone, Debug, Default)]
pub(crate) struct TurnArounds(Arc<Mutex<Option<Asked>>>);

#[derive(Debug)]
struct Asked {
    told: mpsc::Sender<TurnAround>,
    written: HashMap<i64, Instant>,
}

impl TurnArounds {
    /// From now on they are told here, until this is dropped or somebody else asks.
    pub(crate) fn ask(&self) -> mpsc::Receiver<TurnAround> {
        let (told, taken) = mpsc::channel(TURN_AROUNDS_MAX);
        *self.lock() = Some(Asked { told, written: HashMap::new() });
        taken
    }

    pub(crate) fn are_asked_for(&self) -> bool {
        self.lock().is_some()
    }

    /// A message is being written to this user's connections.
    pub(crate) fn writing(&self, user_id: i64) {
        let now = Instant::now();
        if let Some(Asked { written, .. }) = &mut *self.lock()
            && (written.len() < USERS_MAX || written.contains_key(&user_id))
        {
            written.insert(user_id, now);
        }
    }

    /// What this user sends had been read by then.
    pub(crate) fn read(&self, user_id: i64, at: Instant) {
        let mut asked = self.lock();
        let Some(Asked { told, written }) = &mut *asked else { return };
        let Some(written) = written.remove(&user_id) else { return };
        let turn_around = TurnAround { user_id, took: at.saturating_duration_since(written) };
        if let Err(mpsc::error::TrySendError::Closed(_)) = told.try_send(turn_around) {
            *asked = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
