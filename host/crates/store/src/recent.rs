//! The newest events as they came: who keeps up is given them without a look into the file, and all scripts the same ones.
//!
//! Invariant: these are the inbox's last events without a gap, as many as the bounds allow.

use std::collections::VecDeque;
use std::sync::Arc;

use broker::SharedEvent;

/// Events that are held, and how large they are as they are kept.
pub(crate) const RECENT_EVENTS_MAX: usize = 1_024;
pub(crate) const RECENT_BYTES_MAX: u64 = 4 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    events: VecDeque<RecentEvent>,
    bytes: u64,
}

/// An event of the inbox, and how large it is there.
#[derive(Debug)]
pub(crate) struct RecentEvent {
    pub(crate) seq: u64,
    pub(crate) event: Arc<SharedEvent>,
    pub(crate) bytes: u64,
}

impl Recent {
    /// Adds what has just been put at the inbox's end.
    pub(crate) fn add(&mut self, events: Vec<RecentEvent>) {
        for event in events {
            self.bytes += event.bytes;
            self.events.push_back(event);
        }
        while self.events.len() > RECENT_EVENTS_MAX || self.bytes > RECENT_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    /// Forgets what is in the inbox no more: everything up to here.
    pub(crate) fn forget_to(&mut self, seq: u64) {
        while let Some(oldest) = self.events.pop_front_if(|event| event.seq <= seq) {
            self.bytes -= oldest.bytes;
        }
    }

    /// The events after `seq`, the oldest first, at most `limit` of them; nothing where not all of them are held.
    pub(crate) fn after(&self, seq: u64, limit: usize) -> Option<Vec<(u64, Arc<SharedEvent>)>> {
        let first = self.events.front()?.seq;
        let skipped = usize::try_from((seq + 1).checked_sub(first)?).ok()?;
        let given = self.events.iter().skip(skipped).take(limit);
        Some(given.map(|event| (event.seq, Arc::clone(&event.event))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seqs: std::ops::RangeInclusive<u64>, bytes: u64) -> Vec<RecentEvent> {
        let peer = tgl::Peer { name: String::new(), details: tgl::PeerDetails::User(tgl::User::default()) };
        let event = Arc::new(tgl::Event::UserUpdate { user: peer, what: tgl::Changes::default() }.into());
        seqs.map(|seq| RecentEvent { seq, event: Arc::clone(&event), bytes }).collect()
    }

    fn seqs(recent: &Recent, after: u64, limit: usize) -> Option<Vec<u64>> {
        Some(recent.after(after, limit)?.into_iter().map(|(seq, _)| seq).collect())
    }

    #[test]
    fn only_what_has_no_gap_is_given() {
        let mut recent = Recent::default();
        assert_eq!(seqs(&recent, 0, 10), None);
        recent.add(held(5..=9, 1));
        assert_eq!(seqs(&recent, 3, 10), None, "4 is not held");
        assert_eq!(seqs(&recent, 4, 2), Some(vec![5, 6]));
        assert_eq!(seqs(&recent, 7, 10), Some(vec![8, 9]));
        assert_eq!(seqs(&recent, 9, 10), Some(vec![]));
        recent.forget_to(7);
        assert_eq!((seqs(&recent, 6, 10), seqs(&recent, 7, 10)), (None, Some(vec![8, 9])));
    }

    #[test]
    fn no_more_is_held_than_its_bounds_say() {
        let mut recent = Recent::default();
        recent.add(held(1..=RECENT_EVENTS_MAX as u64 + 3, 1));
        assert_eq!((recent.events.len(), recent.events.front().map(|event| event.seq)), (RECENT_EVENTS_MAX, Some(4)));
        recent.add(held(2_000..=2_001, RECENT_BYTES_MAX));
        assert_eq!((seqs(&recent, 2_000, 10), recent.bytes), (Some(vec![2_001]), RECENT_BYTES_MAX));
    }
}
