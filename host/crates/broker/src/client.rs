//! The script's side: all that a script's runtime knows of its account.
//!
//! Invariant: nothing here says who the script is.

use tgl::{AccountState, Completion, Message, MessageId, Peer, PeerId, RequestId};
use tokio::sync::watch;

use crate::error::BrokerError;
use crate::messages::{Events, Joined, NewCall, Standing};
use crate::server::{Records, Server};

/// A script's way to its account. Dropping it says that the script does not run any more.
///
/// Its methods fail as [`BrokerError`] says; after [`BrokerError::NotNow`] the same may be tried again.
pub struct Client {
    server: Server,
    state: watch::Receiver<AccountState>,
}

/// What a guest looks up while one of its callbacks runs. Cheap to clone.
#[derive(Clone)]
pub struct Lookups {
    records: Records,
}

impl Client {
    /// A way to an account in this process.
    pub fn new(server: Server) -> Self {
        let state = server.state();
        Self { server, state }
    }

    /// Takes up what an earlier run has left, and says where that is.
    pub async fn join(&mut self) -> Result<Joined, BrokerError> {
        self.server.join()
    }

    /// What a guest may look up.
    pub fn lookups(&self) -> Lookups {
        Lookups { records: self.server.records().clone() }
    }

    /// How the account stands.
    pub fn state(&mut self) -> watch::Ref<'_, AccountState> {
        self.state.borrow_and_update()
    }

    /// The number of the inbox's last event.
    pub fn inbox_seq(&self) -> u64 {
        self.server.inbox_seq()
    }

    /// How the script's calls stand.
    pub fn standing(&self) -> Standing {
        self.server.standing()
    }

    /// A new guest comes, whose calls have this id and higher ones. Nobody waits any more for those of the one before; they
    /// leave all the same.
    pub fn begin_life(&mut self, first_id: RequestId) {
        self.server.begin_life(first_id);
    }

    /// From now on calls leave: what was left from last time has been delivered.
    pub fn open_gate(&mut self) {
        self.server.open_gate();
    }

    /// The events after this one, at most `limit` of them.
    pub async fn events(&mut self, after: u64, limit: usize) -> Result<Events, BrokerError> {
        self.server.events(after, limit)
    }

    /// The script has handled the events up to this one, and has made these calls, those that were staged before them. Both
    /// are written as one; then the calls leave.
    pub async fn commit(&mut self, handled_seq: u64, calls: &[NewCall]) -> Result<(), BrokerError> {
        self.server.commit(handled_seq, calls).await
    }

    /// What was staged is not to be made.
    pub async fn unstage(&mut self) -> Result<(), BrokerError> {
        self.server.unstage()
    }

    /// The next completion that follows events up to this one only, if there is one.
    pub async fn next_completion(&mut self, handled_seq: u64) -> Result<Option<Completion>, BrokerError> {
        self.server.next_completion(handled_seq)
    }

    /// The script does not run any more: it holds up nobody, and what is left waits for its next run.
    pub async fn leave(&mut self) {
        self.server.leave();
    }

    /// Waits until there may be something to do: an event, a completion, room for calls. Gives a line for the script's log,
    /// if one has come. May be given up at any moment.
    pub async fn wait(&mut self) -> Result<Option<String>, BrokerError> {
        tokio::select! {
            changed = self.state.changed() => changed.map(|()| None).map_err(|_| BrokerError::Closed),
            waited = self.server.wait() => waited,
        }
    }
}

impl Lookups {
    /// The peer as the account last saw it; none if it never did.
    pub async fn peer(&self, id: PeerId) -> Result<Option<Peer>, BrokerError> {
        self.records.peer(id)
    }

    /// The message, if the account still holds it and the script may see it.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, BrokerError> {
        self.records.message(id)
    }

    /// Calls of the callback that runs, too many to be held in memory: they are made once [`Client::commit`] says so.
    pub async fn stage(&self, calls: &[NewCall]) -> Result<(), BrokerError> {
        self.records.stage(calls)
    }
}
