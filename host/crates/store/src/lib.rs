//! What one account must not lose, in one SQLite file: its session, the state of its updates, the inbox of events that
//! its scripts have not handled, the outbox of calls that have not completed, and the peers and messages it has seen.
//!
//! Invariant: whatever belongs together is written in one transaction ([`AccountStore::record`] for what the server
//! says, [`ScriptStore::handled`] for what a script has done), so that a process killed at any moment neither loses
//! an event or a call nor sees one twice. The file has two faces, and only the account's own gives its keys.

mod channels;
mod checkpoint;
mod commits;
mod error;
mod inbox;
mod known;
mod ledger;
mod media;
mod messages;
mod near_peers;
mod outbox;
mod peers;
mod recent;
mod schema;
mod scripts;
mod session;
mod snapshot;
mod summary;

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use broker::{AWAY_EVENTS_MAX, INBOX_BYTES_MAX, INBOX_EVENTS_MAX};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tgl::PeerId;

pub use channels::{CHANNELS_MAX, ChannelState, ServerMessage};
use checkpoint::Checkpointer;
use commits::Commits;
use error::Fault;
pub use error::StoreError;
use known::Known;
pub use media::{MediaFile, MediaKind, Thumbnail};
pub use messages::RESTORED_MAX;
use near_peers::NearPeers;
use outbox::Outbox;
pub use peers::{PeerFacts, PeerRecord};
use recent::RecentEvent;
pub use scripts::{Enrolled, Forgotten, Origin, ScriptRecord, forget, scripts};
pub use session::{DcRecord, Owner, UpdateState};
pub use snapshot::copy_to;
pub use summary::{AccountSummary, inspect};

/// The account's file in its directory.
pub const DATABASE_FILE: &str = "account.db";

/// Held locked for as long as the account is open, so that one session is never used by two processes.
const LOCK_FILE: &str = "account.lock";

/// How often an account that is in use is looked at again, and how long after each time.
const LOOKS_MAX: u32 = 5;
const LOOK_WAIT: std::time::Duration = std::time::Duration::from_millis(20);

/// Messages kept for look-ups, deleted ones included; the oldest go first.
pub const MESSAGES_MAX: u64 = 50_000;

/// Keys of delivered events remembered for recognising a second delivery; the oldest go first.
pub const EVENT_KEYS_MAX: u64 = 100_000;

/// How much is kept. Differs from the constants above only in tests that reach a bound.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the constants say it")]
pub struct Bounds {
    pub inbox_events_max: u64,
    pub away_events_max: u64,
    pub inbox_bytes_max: u64,
    pub messages_max: u64,
    pub event_keys_max: u64,
    /// How many rows go in one deletion.
    pub prune_step: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            inbox_events_max: INBOX_EVENTS_MAX,
            away_events_max: AWAY_EVENTS_MAX,
            inbox_bytes_max: INBOX_BYTES_MAX,
            messages_max: MESSAGES_MAX,
            event_keys_max: EVENT_KEYS_MAX,
            prune_step: 256,
        }
    }
}

/// One account's file, open, with all that the account needs: the session and its keys too. Cheap to clone; every method
/// takes microseconds and may be called from any thread.
#[derive(Clone)]
pub struct AccountStore(Arc<Inner>);

/// What the account's scripts need of the same file: inbox, outbox, cursors and look-ups. No key is to be had by it.
#[derive(Clone)]
pub struct ScriptStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// The one that writes.
    state: Mutex<State>,
    /// For look-ups, which wait for no writer.
    reader: Mutex<Connection>,
    known: Arc<Known>,
    commits: Commits,
    checkpointer: Checkpointer,
    /// Dropping it gives the account free.
    _lock: File,
}

struct State {
    connection: Connection,
    bounds: Bounds,
    known: Arc<Known>,
    /// How far each script of the account has come, running or not.
    cursors: HashMap<String, u64>,
    /// The scripts that joined in this run: only they may hold up the account.
    joined: HashSet<String>,
    /// What the inbox takes.
    inbox_bytes: u64,
    /// Messages recorded since the table was last cut to its bound.
    messages_since_prune: u64,
    outbox: Outbox,
}

impl AccountStore {
    /// Opens the account in `dir`, making directory (0700) and file (0600) where they are missing.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open, [`StoreError::Damaged`] and [`StoreError::TooNew`]
    /// where the file cannot be understood, [`StoreError::DiskFull`] and [`StoreError::Failed`] where the system refuses.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_bounded(dir, Bounds::default())
    }

    /// The same with other bounds.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_bounded(dir: &Path, bounds: Bounds) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE_FILE);
        let failed = |source: std::io::Error| StoreError::of_system(&path, &source);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        let lock = private_file(&dir.join(LOCK_FILE)).map_err(failed)?;
        take(&lock).map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse { path: path.clone() },
            TryLockError::Error(source) => failed(source),
        })?;
        private_file(&path).map_err(failed)?;
        let known = Arc::<Known>::default();
        let opened = || -> Result<(State, Connection), Fault> {
            let connection = Connection::open(&path)?;
            schema::prepare(&connection)?;
            // Whoever was at work before us was killed.
            connection.execute("UPDATE script SET is_running = 0 WHERE is_running <> 0", [])?;
            let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            schema::prepare_reader(&reader)?;
            Ok((State::load(connection, bounds, Arc::clone(&known))?, reader))
        };
        let (state, reader) = opened().map_err(|fault| fault.at(&path))?;
        let checkpointer = Checkpointer::new(path.clone());
        Ok(Self(Arc::new(Inner {
            path,
            state: Mutex::new(state),
            reader: Mutex::new(reader),
            known,
            commits: Commits::default(),
            checkpointer,
            _lock: lock,
        })))
    }

    /// Writes what the server said, as one transaction: nothing of it where `write` or the commit fails. Gives what
    /// `write` gave and the inbox's last sequence number.
    ///
    /// # Errors
    /// [`StoreError::InboxFull`] where there is no room for the events, else what the disk says.
    pub fn record<T>(
        &self,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, u64), StoreError> {
        self.0.record(write)
    }

    /// The same file, as the account's scripts may have it.
    pub fn scripts(&self) -> ScriptStore {
        ScriptStore(Arc::clone(&self.0))
    }
}

impl Inner {
    /// See [`AccountStore::record`].
    fn record<T>(&self, write: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>) -> Result<(T, u64), StoreError> {
        let mut state = self.lock();
        let state = &mut *state;
        let seq = self.known.inbox_seq();
        let room = state.inbox_room(seq);
        let transaction = state
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| Fault::from(error).at(&self.path))?;
        let mut batch = Batch {
            transaction,
            path: &self.path,
            seq,
            room,
            events: Vec::new(),
            near_peers: &self.known.near_peers,
            peers: HashMap::new(),
            messages_put: 0,
            completed: Vec::new(),
        };
        let given = write(&mut batch)?;
        let done = batch.commit()?;
        let seq = done.seq;
        state.inbox_bytes += done.events.iter().map(|event| event.bytes).sum::<u64>();
        state.messages_since_prune += done.messages_put;
        self.known.count_completed(done.completed);
        self.known.near_peers.replace(done.peers);
        self.known.add_events(done.events);
        state.prune(seq).map_err(|fault| fault.at(&self.path))?;
        self.checkpointer.count_transaction();
        Ok((given, seq))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock has rolled its transaction back: the state is as it was before.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks something up, beside whoever writes.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        query(&self.reader.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|fault| fault.at(&self.path))
    }

    /// Writes something that has no part in inbox or outbox.
    fn write<T>(&self, statements: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        statements(&self.lock().connection).map_err(|fault| fault.at(&self.path))
    }
}

impl std::fmt::Debug for AccountStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ScriptStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// One transaction of [`AccountStore::record`]. It sees its own writes.
pub struct Batch<'a> {
    transaction: Transaction<'a>,
    path: &'a Path,
    seq: u64,
    room: u64,
    events: Vec<RecentEvent>,
    near_peers: &'a NearPeers,
    /// Those that it has written.
    peers: HashMap<PeerId, PeerRecord>,
    messages_put: u64,
    /// Whose calls have left the outbox, and how large they were.
    completed: Vec<(String, u64)>,
}

/// What a batch has changed.
struct Done {
    seq: u64,
    events: Vec<RecentEvent>,
    peers: HashMap<PeerId, PeerRecord>,
    messages_put: u64,
    completed: Vec<(String, u64)>,
}

impl Batch<'_> {
    fn commit(self) -> Result<Done, StoreError> {
        let Self { transaction, path, seq, events, peers, messages_put, completed, .. } = self;
        transaction.commit().map_err(|error| Fault::from(error).at(path))?;
        Ok(Done { seq, events, peers, messages_put, completed })
    }

    fn run<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        query(&self.transaction).map_err(|fault| fault.at(self.path))
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// Takes the account. Who only looks whether it is in use holds the lock for a moment too; that is waited for.
fn take(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..LOOKS_MAX {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_WAIT),
            taken => return taken,
        }
    }
    lock.try_lock()
}

/// The file, made with mode 0600 if it is missing.
fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
