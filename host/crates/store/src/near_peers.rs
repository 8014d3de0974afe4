//! Peers that were looked at of late: each message, and each call into a conversation, needs a few of them several times.
//!
//! Invariant: a peer is given as it was last committed. What somebody has read while another state was being written is not
//! kept; and no more are kept than [`NEAR_PEERS_MAX`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tgl::PeerId;

use crate::peers::PeerRecord;

/// Peers that are kept. The largest, a group with all its members, takes some kilobytes.
pub(crate) const NEAR_PEERS_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct NearPeers(Mutex<Near>);

#[derive(Debug, Default)]
struct Near {
    records: HashMap<PeerId, PeerRecord>,
    /// Grows each time that peers were written.
    writes: u64,
}

/// How often peers had been written when one was looked for here in vain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

impl NearPeers {
    /// The peer, if it is here.
    pub(crate) fn get(&self, id: PeerId) -> Result<PeerRecord, Moment> {
        let near = self.near();
        near.records.get(&id).cloned().ok_or(Moment(near.writes))
    }

    /// Keeps what was read after that moment.
    pub(crate) fn keep(&self, record: &PeerRecord, since: Moment) {
        let mut near = self.near();
        if near.writes == since.0 {
            near.put(record.clone());
        }
    }

    /// These were written and committed.
    pub(crate) fn replace(&self, written: HashMap<PeerId, PeerRecord>) {
        if !written.is_empty() {
            let mut near = self.near();
            near.writes += 1;
            written.into_values().for_each(|record| near.put(record));
        }
    }

    /// The file has others now.
    pub(crate) fn forget_all(&self) {
        let mut near = self.near();
        near.writes += 1;
        near.records.clear();
    }

    fn near(&self) -> MutexGuard<'_, Near> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Near {
    fn put(&mut self, record: PeerRecord) {
        // Those that are in use are back at once.
        if self.records.len() >= NEAR_PEERS_MAX {
            self.records.clear();
        }
        self.records.insert(record.peer.id(), record);
    }
}

#[cfg(test)]
mod tests {
    use tgl::{Peer, PeerDetails, User};

    use super::*;

    fn named(id: i64, name: &str) -> PeerRecord {
        let peer = Peer { name: name.to_owned(), details: PeerDetails::User(User { id, ..User::default() }) };
        PeerRecord { peer, access_hash: None, facts: crate::PeerFacts::default() }
    }

    fn write(near: &NearPeers, records: impl IntoIterator<Item = PeerRecord>) {
        near.replace(records.into_iter().map(|record| (record.peer.id(), record)).collect());
    }

    fn name(near: &NearPeers, id: i64) -> Option<String> {
        near.get(PeerId::user(id)).ok().map(|record| record.peer.name)
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let near = NearPeers::default();
        let before = near.get(PeerId::user(1)).unwrap_err();
        write(&near, [named(2, "Other")]);
        near.keep(&named(1, "Old"), before);
        assert_eq!((name(&near, 1), name(&near, 2)), (None, Some("Other".to_owned())));
        near.keep(&named(1, "New"), near.get(PeerId::user(1)).unwrap_err());
        assert_eq!(name(&near, 1), Some("New".to_owned()));
    }

    #[test]
    fn no_more_are_kept_than_the_bound_says() {
        let near = NearPeers::default();
        for id in 0..10 * NEAR_PEERS_MAX as i64 {
            write(&near, [named(id, "Name")]);
        }
        write(&near, (0..10 * NEAR_PEERS_MAX as i64).map(|id| named(id, "Name")));
        assert!(near.near().records.len() <= NEAR_PEERS_MAX);
    }
}
