//! What is known of inbox and outbox without a look into the file: it is read at every step of every script.
//!
//! Invariant: it is changed under the writer's lock, once what it says is committed, and read without.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::near_peers::NearPeers;
use crate::recent::{Recent, RecentEvent};
use broker::{Load, SharedEvent};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Known {
    inbox_seq: AtomicU64,
    pruned_seq: AtomicU64,
    recent: Mutex<Recent>,
    pub(crate) near_peers: NearPeers,
    loads: Mutex<HashMap<String, Load>>,
}

impl Known {
    /// The sequence number of the inbox's last event.
    pub(crate) fn inbox_seq(&self) -> u64 {
        self.inbox_seq.load(Ordering::Acquire)
    }

    /// Everything up to here has left the inbox.
    pub(crate) fn pruned_seq(&self) -> u64 {
        self.pruned_seq.load(Ordering::Acquire)
    }

    /// See [`Recent::after`].
    pub(crate) fn recent_after(&self, seq: u64, limit: usize) -> Option<Vec<(u64, Arc<SharedEvent>)>> {
        self.recent().after(seq, limit)
    }

    /// How much of the script's is in the outbox.
    pub(crate) fn load_of(&self, script: &str) -> Load {
        self.loads().get(script).copied().unwrap_or_default()
    }

    /// All of it anew: what was known before holds no more.
    pub(crate) fn replace(&self, inbox_seq: u64, pruned_seq: u64, loads: HashMap<String, Load>) {
        *self.recent() = Recent::default();
        self.near_peers.forget_all();
        *self.loads() = loads;
        self.pruned_seq.store(pruned_seq, Ordering::Release);
        self.inbox_seq.store(inbox_seq, Ordering::Release);
    }

    /// These are the inbox's last events now.
    pub(crate) fn add_events(&self, events: Vec<RecentEvent>) {
        let Some(last) = events.last().map(|event| event.seq) else { return };
        let mut recent = self.recent();
        recent.add(events);
        // Before anybody is given them: who has handled an event is not ahead of the inbox.
        self.inbox_seq.store(last, Ordering::Release);
    }

    /// Everything up to here has left the inbox now.
    pub(crate) fn set_pruned_seq(&self, seq: u64) {
        self.recent().forget_to(seq);
        self.pruned_seq.store(seq, Ordering::Release);
    }

    pub(crate) fn set_load(&self, script: &str, load: Load) {
        self.loads().insert(script.to_owned(), load);
    }

    pub(crate) fn forget_load(&self, script: &str) {
        self.loads().remove(script);
    }

    pub(crate) fn count_put(&self, script: &str, put: Load) {
        if put.calls > 0 {
            let mut loads = self.loads();
            let load = loads.entry(script.to_owned()).or_default();
            load.calls += put.calls;
            load.bytes += put.bytes;
        }
    }

    /// Calls of these scripts, so large, have left the outbox.
    pub(crate) fn count_completed(&self, completed: Vec<(String, u64)>) {
        let mut loads = self.loads();
        for (script, bytes) in completed {
            if let Some(load) = loads.get_mut(&script) {
                load.calls = load.calls.saturating_sub(1);
                load.bytes = load.bytes.saturating_sub(bytes);
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loads(&self) -> MutexGuard<'_, HashMap<String, Load>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tgl::{Changes, Peer, PeerDetails, User};

    use super::*;

    #[test]
    fn no_event_is_given_that_the_inbox_is_not_said_to_have() {
        const EVENTS: u64 = 50_000;
        let known = Known::default();
        let peer = Peer { name: String::new(), details: PeerDetails::User(User::default()) };
        let event = Arc::new(tgl::Event::UserUpdate { user: peer, what: Changes::default() }.into());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for seq in 1..=EVENTS {
                    known.add_events(vec![RecentEvent { seq, event: Arc::clone(&event), bytes: 1 }]);
                }
            });
            let mut seen = 0;
            while seen < EVENTS {
                let given = known.recent_after(seen, 1_000).and_then(|given| given.last().map(|(seq, _)| *seq));
                seen = given.unwrap_or_else(|| known.inbox_seq());
                assert!(seen <= known.inbox_seq());
            }
        });
    }
}
