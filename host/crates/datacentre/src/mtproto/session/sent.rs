//! What this session sends: identifiers, sequence numbers, and the messages not yet acknowledged, kept for another time.
//! <https://core.telegram.org/mtproto/service_messages_about_messages#acknowledgment-of-receipt>
//!
//! Invariant: at most [`UNACKED_MAX`] messages of together [`UNACKED_BYTES_MAX`] are kept; the oldest are forgotten first,
//! and a message keeps its identifier however often it is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mtproto::clock::{self, Clock, Kind, MessageIds};

/// Messages kept until the client acknowledges them.
pub(crate) const UNACKED_MAX: usize = 512;
/// Their bytes.
pub(crate) const UNACKED_BYTES_MAX: usize = 2 << 20;
/// Clients must ignore messages older than 300 s, so older ones are not sent again.
const RESEND_AGE_S_MAX: i64 = 290;

/// See the module.
pub(crate) struct Sent {
    clock: Clock,
    ids: MessageIds,
    content_messages: i32,
    unacked: BTreeMap<i64, Outgoing>,
    unacked_bytes: usize,
    outbox: Vec<Outgoing>,
}

/// A message on its way.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
    pub(crate) body: Arc<[u8]>,
}

impl Sent {
    /// Nothing was sent yet.
    pub(crate) fn new(clock: Clock) -> Self {
        let ids = MessageIds::new(clock.clone());
        Self { clock, ids, content_messages: 0, unacked: BTreeMap::new(), unacked_bytes: 0, outbox: Vec::new() }
    }

    /// Puts a message into the outbox that the client must acknowledge; gives its identifier.
    pub(crate) fn content(&mut self, kind: Kind, body: Arc<[u8]>) -> i64 {
        let seq_no = self.content_messages.wrapping_mul(2) | 1;
        self.content_messages = self.content_messages.wrapping_add(1);
        let message = Outgoing { msg_id: self.ids.next(kind), seq_no, body };
        self.unacked_bytes += message.body.len();
        self.unacked.insert(message.msg_id, message.clone());
        while self.unacked.len() > UNACKED_MAX || self.unacked_bytes > UNACKED_BYTES_MAX {
            let Some((_, oldest)) = self.unacked.pop_first() else { break };
            self.unacked_bytes -= oldest.body.len();
        }
        let msg_id = message.msg_id;
        self.outbox.push(message);
        msg_id
    }

    /// Puts a message into the outbox that is not acknowledged.
    pub(crate) fn service(&mut self, kind: Kind, body: Vec<u8>) {
        let (msg_id, seq_no) = self.bare_head(kind);
        self.outbox.push(Outgoing { msg_id, seq_no, body: body.into() });
    }

    /// Identifier and sequence number for a message that is not acknowledged.
    pub(crate) fn bare_head(&mut self, kind: Kind) -> (i64, i32) {
        (self.ids.next(kind), self.content_messages.wrapping_mul(2))
    }

    /// The client has this message: forget it. Gives it, if it was still kept.
    pub(crate) fn acknowledge(&mut self, msg_id: i64) -> Option<Outgoing> {
        let message = self.unacked.remove(&msg_id)?;
        self.unacked_bytes -= message.body.len();
        Some(message)
    }

    /// Puts a message into the outbox once more; false when it is no longer kept.
    pub(crate) fn resend(&mut self, msg_id: i64) -> bool {
        let Some(message) = self.unacked.get(&msg_id) else { return false };
        if !self.outbox.iter().any(|waiting| waiting.msg_id == msg_id) {
            self.outbox.push(message.clone());
        }
        true
    }

    /// Puts all that is kept into the outbox once more, in order: the client has made a new connection.
    pub(crate) fn resend_all(&mut self) {
        let oldest_s = i64::from(self.clock.unix_s()) - RESEND_AGE_S_MAX;
        while let Some(entry) = self.unacked.first_entry().filter(|entry| clock::second_of(*entry.key()) < oldest_s) {
            self.unacked_bytes -= entry.remove().body.len();
        }
        self.outbox = self.unacked.values().cloned().collect();
    }

    /// What is in the outbox, in bytes.
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.outbox.iter().map(|message| message.body.len()).sum()
    }

    /// Empties the outbox.
    pub(crate) fn take_outbox(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outbox)
    }
}
