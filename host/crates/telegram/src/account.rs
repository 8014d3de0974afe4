//! An account as the rest of the host sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::Attachment;
use files::FileSpace;
use store::{AccountStore, StoreError};
use tgl::{AccountState, Connection, Grants, PeerDetails, PeerId, ScriptName, User};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::actor::{Actor, Attached, CALLS_UNDER_WAY_MAX};
use crate::config::AccountConfig;
use crate::context::Context;
use crate::held::Held;
use crate::intake::Intake;
use crate::session::StoreSession;
use crate::sync::locked;
use crate::transfers::{Seat, Transfers};

/// Requests of one script that may wait for the account to take them.
const REQUESTS_PENDING_MAX: usize = 256;

/// Lines for a script's log that may wait for it to take them; further ones are dropped.
const NOTES_PENDING_MAX: usize = 64;

/// How long the actor may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A running account. Dropping it ends its connections; what it knew is in the store at any moment.
#[derive(Debug)]
pub struct Account {
    state: watch::Receiver<AccountState>,
    held: watch::Receiver<Held>,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

/// What the account's owner tells its actor.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    attached: Mutex<Vec<Attached>>,
    is_stopping: Mutex<bool>,
    pub(crate) changed: Notify,
}

impl Shared {
    /// The scripts attached since the last time.
    pub(crate) fn take_attached(&self) -> Vec<Attached> {
        std::mem::take(&mut *locked(&self.attached))
    }

    /// Whether the actor is to end.
    pub(crate) fn is_stopping(&self) -> bool {
        *locked(&self.is_stopping)
    }
}

impl Account {
    /// Starts the account's actor. It connects by itself and stays connected. An account that nobody is logged in to
    /// starts as [`Connection::LoggedOut`]. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where the account's file cannot be read.
    pub fn start(config: AccountConfig) -> Result<Self, StoreError> {
        let begun_seq = config.store.inbox_seq();
        let (publish, state) =
            watch::channel(AccountState { begun_seq, inbox_seq: begun_seq, ..AccountState::default() });
        let shared = Arc::new(Shared::default());
        let session = Arc::new(StoreSession::open(config.store.clone(), &config.dc, config.proxy.clone())?);
        let owner = config.store.owner()?.filter(|_| session.key(session.home_dc()).is_some());
        let (_, mut held) = watch::channel(Held::default());
        let task = match owner {
            Some(owner) => {
                let intake = Intake::open(config.store.clone(), owner, publish.clone())?;
                held = intake.held();
                let context = Arc::new(Context::new(
                    config.store.clone(),
                    intake,
                    Transfers::new(session.clone(), config.api.api_id),
                ));
                let actor = Actor::new(config, session, context, shared.clone(), publish);
                Some(tokio::spawn(actor.run()))
            }
            None => {
                let reason = "nobody is logged in to this account; log in first".to_owned();
                publish.send_modify(|state| state.connection = Connection::LoggedOut(reason));
                None
            }
        };
        Ok(Self { state, held, shared, task })
    }

    /// How the account stands, now and with every change.
    pub fn state(&self) -> watch::Receiver<AccountState> {
        self.state.clone()
    }

    /// What waits for room, now and with every change.
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.clone()
    }

    /// Ties a script to the account. What is sent into the one end is done in its order; each request with an id other
    /// than 0 comes back as a completion on the other end, once. The script is let go when it drops the ends.
    /// At most [`CALLS_UNDER_WAY_MAX`] calls of a script are under way at a time, completions that it has not taken
    /// included; further ones wait in the channel. Paths in its calls are paths in its `files`, and no call does more than
    /// its `grants` allow.
    pub fn attach(&self, script: ScriptName, files: FileSpace, grants: Grants) -> Attachment {
        let (request_sender, requests) = mpsc::channel(REQUESTS_PENDING_MAX);
        let (completions, completion_receiver) = mpsc::channel(CALLS_UNDER_WAY_MAX);
        let (notes, note_receiver) = mpsc::channel(NOTES_PENDING_MAX);
        let seat = Arc::new(Seat::new(script, files, notes, grants));
        let attached = Attached { seat, requests, completions };
        locked(&self.shared.attached).push(attached);
        self.shared.changed.notify_one();
        let state = self.state.clone();
        Attachment { requests: request_sender, completions: completion_receiver, notes: note_receiver, state }
    }

    /// Ends the account's actor and its connections.
    pub async fn stop(mut self) {
        *locked(&self.shared.is_stopping) = true;
        self.shared.changed.notify_one();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_TIMEOUT, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// The user that is logged in, from the store alone: nothing is asked of the network. A store that cannot be read has
/// nobody logged in; the log says why.
pub fn is_logged_in(store: &AccountStore) -> Option<User> {
    logged_in(store).unwrap_or_else(|error| {
        tracing::error!(%error, "who is logged in cannot be read");
        None
    })
}

/// How people see the user: first and last name.
pub fn display_name(user: &User) -> String {
    let names = [&user.first_name, &user.last_name].into_iter().flatten();
    names.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn logged_in(store: &AccountStore) -> Result<Option<User>, StoreError> {
    let Some(dc) = store.home_dc()?.map(|dc_id| store.dc(dc_id)).transpose()?.flatten() else { return Ok(None) };
    let Some(owner) = store.owner()?.filter(|_| dc.auth_key.is_some()) else { return Ok(None) };
    Ok(store.peer(PeerId::user(owner.user_id))?.and_then(|peer| match peer.details {
        PeerDetails::User(user) => Some(user),
        _ => None,
    }))
}
