//! What an account keeps for its scripts: inbox, cursors, outbox, and what it has seen of peers and messages.
//!
//! Invariant: what a script has handled and the calls that it made meanwhile are written as one.

use std::io::Write;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tgl::{Message, MessageId, Peer, PeerId, Request};

use crate::error::BrokerError;
use crate::event::SharedEvent;

/// Events that wait in the inbox for a script that runs.
pub const INBOX_EVENTS_MAX: u64 = 1_000_000;

/// Events that wait for a script that does not run.
pub const AWAY_EVENTS_MAX: u64 = 100_000;

/// How much the inbox takes on disk, in all.
pub const INBOX_BYTES_MAX: u64 = 1 << 30;

/// A future that may go to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A call's place in the outbox. Of one script, calls leave in the order of their places.
pub type OutboxPlace = u64;

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// How many calls.
    pub calls: u64,
    /// How large they are as they are kept.
    pub bytes: u64,
}

/// How large something is as it is kept: in bytes of JSON.
pub fn size(value: &impl Serialize) -> u64 {
    struct Counter(u64);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // What cannot be written down is refused when it is.
        Err(_) => 0,
    }
}

/// What an account keeps for its scripts, each by its name within the account. Every method takes microseconds and may be
/// called from any thread; each fails with [`BrokerError::NotNow`] or [`BrokerError::Failed`].
pub trait Ledger: Send + Sync + 'static {
    /// Says that the script runs, and gives its cursor: the events after it are the script's to handle. One that is new
    /// begins at the inbox's end.
    fn join(&self, script: &str) -> Result<u64, BrokerError>;

    /// Says that the script does not run any more. Its events and calls wait for it, and it holds nobody up.
    fn part(&self, script: &str) -> Result<(), BrokerError>;

    /// The number of the last event that was written.
    fn inbox_seq(&self) -> u64;

    /// Events up to here have left the inbox.
    fn pruned_seq(&self) -> u64;

    /// The events after this one, the oldest first, at most `limit` of them.
    fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Arc<SharedEvent>)>, BrokerError>;

    /// The script has handled the events up to `seq`, and these are the calls it made: those that have room to leave, and
    /// those that wait for [`Self::take_waiting`], what was staged before them. Written with what other scripts have done.
    fn commit<'a>(
        &'a self,
        script: &'a str,
        seq: u64,
        taken: &'a [Request],
        waiting: &'a [Request],
    ) -> BoxFuture<'a, Result<(), BrokerError>>;

    /// Calls of a callback that still runs: they count once [`Self::commit`] says so, and are gone after a restart.
    fn stage(&self, script: &str, calls: &[Request]) -> Result<(), BrokerError>;

    /// Forgets what was staged.
    fn unstage(&self, script: &str) -> Result<(), BrokerError>;

    /// What an earlier run left waits for its turn, and nobody for its completion: its ids are 0. Gives how many calls.
    fn resume_outbox(&self, script: &str) -> Result<u64, BrokerError>;

    /// Takes the calls that wait after this place and are wanted, at most so many, in their order. `wanted` is asked of
    /// each, by its place and its conversation, until there are enough; what it passes over stays.
    fn take_waiting(
        &self,
        script: &str,
        after: OutboxPlace,
        limit: usize,
        wanted: &mut dyn FnMut(OutboxPlace, Option<PeerId>) -> bool,
    ) -> Result<Vec<Request>, BrokerError>;

    /// Takes the calls into this conversation that wait at these places, at most so many, with the last one's place.
    fn take_waiting_in(
        &self,
        script: &str,
        lane: PeerId,
        places: RangeInclusive<OutboxPlace>,
        limit: usize,
    ) -> Result<(Vec<Request>, Option<OutboxPlace>), BrokerError>;

    /// How much of the script's waits or is under way.
    fn outbox_load(&self, script: &str) -> Load;

    /// The peer as it was last seen; none if it never was.
    fn peer(&self, id: PeerId) -> Result<Option<Peer>, BrokerError>;

    /// The message, if it is still held.
    fn message(&self, id: MessageId) -> Result<Option<Message>, BrokerError>;

    /// The topic in which a message lies: the message that began it.
    fn topic(&self, id: MessageId) -> Result<Option<MessageId>, BrokerError>;
}
