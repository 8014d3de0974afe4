//! The account's file as the broker has it: scripts' side of it, without a way to a key.
//!
//! Invariant: whether the same may succeed later is what [`StoreError::is_passing`] says.

use std::ops::RangeInclusive;
use std::sync::Arc;

use broker::{BoxFuture, BrokerError, Ledger, Load, OutboxPlace, SharedEvent};
use tgl::{Message, MessageId, Peer, PeerId, Request};

use crate::{ScriptStore, StoreError};

impl From<StoreError> for BrokerError {
    fn from(error: StoreError) -> Self {
        match error.is_passing() {
            true => Self::NotNow(error.to_string()),
            false => Self::Failed(error.to_string()),
        }
    }
}

impl Ledger for ScriptStore {
    fn join(&self, script: &str) -> Result<u64, BrokerError> {
        Ok(self.join(script)?)
    }

    fn part(&self, script: &str) -> Result<(), BrokerError> {
        Ok(self.part(script)?)
    }

    fn inbox_seq(&self) -> u64 {
        self.inbox_seq()
    }

    fn pruned_seq(&self) -> u64 {
        self.pruned_seq()
    }

    fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Arc<SharedEvent>)>, BrokerError> {
        Ok(self.inbox_after(seq, limit)?)
    }

    fn commit<'a>(
        &'a self,
        script: &'a str,
        seq: u64,
        taken: &'a [Request],
        waiting: &'a [Request],
    ) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move { Ok(self.handled_together(script, seq, taken, waiting).await?) })
    }

    fn stage(&self, script: &str, calls: &[Request]) -> Result<(), BrokerError> {
        Ok(self.stage(script, calls)?)
    }

    fn unstage(&self, script: &str) -> Result<(), BrokerError> {
        Ok(self.unstage(script)?)
    }

    fn resume_outbox(&self, script: &str) -> Result<u64, BrokerError> {
        Ok(self.resume_outbox(script)?)
    }

    fn take_waiting(
        &self,
        script: &str,
        after: OutboxPlace,
        limit: usize,
        wanted: &mut dyn FnMut(OutboxPlace, Option<PeerId>) -> bool,
    ) -> Result<Vec<Request>, BrokerError> {
        Ok(self.take_waiting(script, after, limit, wanted)?)
    }

    fn take_waiting_in(
        &self,
        script: &str,
        lane: PeerId,
        places: RangeInclusive<OutboxPlace>,
        limit: usize,
    ) -> Result<(Vec<Request>, Option<OutboxPlace>), BrokerError> {
        Ok(self.take_waiting_in(script, lane, places, limit)?)
    }

    fn outbox_load(&self, script: &str) -> Load {
        self.outbox_load(script)
    }

    fn peer(&self, id: PeerId) -> Result<Option<Peer>, BrokerError> {
        Ok(self.peer(id)?)
    }

    fn message(&self, id: MessageId) -> Result<Option<Message>, BrokerError> {
        Ok(self.message(id)?)
    }

    fn topic(&self, id: MessageId) -> Result<Option<MessageId>, BrokerError> {
        Ok(self.topic(id)?)
    }
}
