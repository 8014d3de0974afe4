//! The script's side: all that a script's runtime knows of its account.
//!
//! Invariant: nothing here says who the script is.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tgl::{AccountState, Completion, Message, MessageId, Peer, PeerId, RequestId};
use tokio::sync::watch;

use crate::error::BrokerError;
use crate::messages::{Backlog, Events, Joined, NewCall};
use crate::remote::{Remote, unexpected};
use crate::server::{Records, Server};
use crate::socket::Socket;
use crate::wire::{Answer, Ask};

/// A script's way to its account. Dropping it says that the script does not run any more.
///
/// Its methods fail as [`BrokerError`] says; after [`BrokerError::NotNow`] the same may be tried again.
pub struct Client {
    account: Account,
    state: watch::Receiver<AccountState>,
}

/// Where the account's side is.
#[allow(clippy::large_enum_variant, reason = "a script has one, for as long as it runs")]
enum Account {
    /// In this process.
    Here(Server),
    /// At the other end of a socket.
    There(Remote),
}

/// What a guest looks up while one of its callbacks runs. Cheap to clone.
#[derive(Clone)]
pub struct Lookups {
    account: LookupsAt,
}

#[derive(Clone)]
enum LookupsAt {
    Here(Records),
    There(Remote),
}

/// Asks over the socket, and takes the answer that belongs to the question.
macro_rules! answer {
    ($remote:ident, $ask:expr, $answer:pat => $given:expr) => {
        match $remote.ask($ask).await? {
            $answer => Ok($given),
            _ => Err(unexpected()),
        }
    };
}

impl Client {
    /// A way to an account in this process.
    pub fn here(server: Server) -> Self {
        let state = server.state();
        Self { account: Account::Here(server), state }
    }

    /// A way to the account at the other end of this socket, where [`crate::serve`] speaks. `said` counts what the script's
    /// side says by another way, what the script prints for example: no call is made before the other side has heard what was
    /// said before it. Must be called inside a Tokio runtime.
    pub fn there(socket: Socket, said: Arc<AtomicU64>) -> Self {
        let (remote, state) = Remote::new(socket, said);
        Self { account: Account::There(remote), state }
    }

    /// Takes up what an earlier run has left, and says where that is. To be called once, first.
    pub async fn join(&mut self) -> Result<Joined, BrokerError> {
        match &mut self.account {
            Account::Here(server) => server.join(),
            Account::There(remote) => answer!(remote, Ask::Join, Answer::Joined(joined) => joined),
        }
    }

    /// What a guest may look up.
    pub fn lookups(&self) -> Lookups {
        let account = match &self.account {
            Account::Here(server) => LookupsAt::Here(server.records().clone()),
            Account::There(remote) => LookupsAt::There(remote.clone()),
        };
        Lookups { account }
    }

    /// How the account stands.
    pub fn state(&mut self) -> watch::Ref<'_, AccountState> {
        self.state.borrow_and_update()
    }

    /// The number of the inbox's last event.
    pub fn inbox_seq(&self) -> u64 {
        match &self.account {
            Account::Here(server) => server.inbox_seq(),
            Account::There(remote) => remote.pulse().inbox_seq,
        }
    }

    /// How the script's calls stand.
    pub fn backlog(&self) -> Backlog {
        match &self.account {
            Account::Here(server) => server.backlog(),
            Account::There(remote) => remote.pulse().backlog,
        }
    }

    /// A new guest comes, whose calls have this id and higher ones. Nobody waits any more for those of the one before; they
    /// leave all the same.
    pub async fn begin_life(&mut self, first_id: RequestId) -> Result<(), BrokerError> {
        match &mut self.account {
            Account::Here(server) => {
                server.begin_life(first_id);
                Ok(())
            }
            Account::There(remote) => answer!(remote, Ask::BeginLife { first_id }, Answer::Done => ()),
        }
    }

    /// From now on calls leave: what was left from last time has been delivered.
    pub async fn open_gate(&mut self) -> Result<(), BrokerError> {
        match &mut self.account {
            Account::Here(server) => {
                server.open_gate();
                Ok(())
            }
            Account::There(remote) => answer!(remote, Ask::OpenGate, Answer::Done => ()),
        }
    }

    /// The events after this one, at most `limit` of them, and no more than [`crate::EVENTS_AT_ONCE_MAX`].
    pub async fn events(&mut self, after: u64, limit: usize) -> Result<Events, BrokerError> {
        match &mut self.account {
            Account::Here(server) => server.events(after, limit),
            Account::There(remote) => remote.events(after, limit).await,
        }
    }

    /// The script has handled the events up to this one, and has made these calls, those that were staged before them. Both
    /// are written as one; then the calls leave.
    pub async fn commit(&mut self, handled_seq: u64, calls: &[NewCall]) -> Result<(), BrokerError> {
        match &mut self.account {
            Account::Here(server) => server.commit(handled_seq, calls).await,
            Account::There(remote) => {
                let ask = Ask::Commit { handled_seq, calls: Cow::Borrowed(calls), said: remote.said() };
                answer!(remote, ask, Answer::Done => ())
            }
        }
    }

    /// What was staged is not to be made.
    pub async fn unstage(&mut self) -> Result<(), BrokerError> {
        match &mut self.account {
            Account::Here(server) => server.unstage(),
            Account::There(remote) => answer!(remote, Ask::Unstage, Answer::Done => ()),
        }
    }

    /// The next completion that follows events up to this one only, if there is one.
    pub async fn next_completion(&mut self, handled_seq: u64) -> Result<Option<Completion>, BrokerError> {
        match &mut self.account {
            Account::Here(server) => server.next_completion(handled_seq),
            Account::There(remote) => remote.next_completion(handled_seq).await,
        }
    }

    /// The script does not run any more: it holds up nobody, and what is left waits for its next run.
    pub async fn leave(&mut self) {
        match &mut self.account {
            Account::Here(server) => server.leave(),
            // One that is gone knows it already.
            Account::There(remote) => _ = remote.ask(Ask::Leave).await,
        }
    }

    /// Waits until there may be something to do: an event, a completion, room for calls. Gives a line for the script's log,
    /// if one has come. May be given up at any moment.
    pub async fn wait(&mut self) -> Result<Option<String>, BrokerError> {
        match &mut self.account {
            Account::Here(server) => tokio::select! {
                changed = self.state.changed() => changed.map(|()| None).map_err(|_| BrokerError::Closed),
                waited = server.wait() => waited,
            },
            Account::There(remote) => remote.wait().await,
        }
    }
}

impl Lookups {
    /// The peer as the account last saw it; none if it never did.
    pub async fn peer(&self, id: PeerId) -> Result<Option<Peer>, BrokerError> {
        match &self.account {
            LookupsAt::Here(records) => records.peer(id),
            LookupsAt::There(remote) => answer!(remote, Ask::Peer(id), Answer::Peer(peer) => peer),
        }
    }

    /// The message, if the account still holds it and the script may see it.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, BrokerError> {
        match &self.account {
            LookupsAt::Here(records) => records.message(id),
            LookupsAt::There(remote) => answer!(remote, Ask::Message(id), Answer::Message(message) => message),
        }
    }

    /// Calls of the callback that runs, too many to be held in memory: they are made once [`Client::commit`] says so.
    pub async fn stage(&self, calls: &[NewCall]) -> Result<(), BrokerError> {
        match &self.account {
            LookupsAt::Here(records) => records.stage(calls),
            LookupsAt::There(remote) => {
                answer!(remote, Ask::Stage { calls: Cow::Borrowed(calls) }, Answer::Done => ())
            }
        }
    }
}
