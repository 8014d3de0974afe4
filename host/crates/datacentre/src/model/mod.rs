//! What the data centre must keep: one SQLite file with keys, users, chats, messages and each user's log of updates.
//!
//! Invariant: everything one method changes is one transaction, and what is answered or pushed was committed before.

pub(crate) mod channels;
pub(crate) mod chats;
mod checkpoint;
pub(crate) mod contacts;
pub(crate) mod dialogs;
pub(crate) mod disk;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod invites;
pub(crate) mod keys;
mod limits;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod posts;
pub(crate) mod qts;
pub(crate) mod room;
mod schema;
pub(crate) mod secret_chats;
pub(crate) mod snapshot;
pub(crate) mod uploads;
pub(crate) mod users;

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use checkpoint::Checkpointer;
use disk::Disk;
pub(crate) use limits::Limits;
use room::Room;
pub(crate) use rusqlite::{Connection as Db, Result, Row, params};
use rusqlite::{OptionalExtension, Params};
use sha2::{Digest, Sha256};

/// The database's name in the data directory.
pub(crate) const DATABASE_FILE: &str = "datacentre.sqlite";
const LOCK_FILE: &str = "datacentre.lock";
/// The directory of files that clients uploaded.
const FILES_DIRECTORY: &str = "files";
/// How many files on disk are looked at, at one start, for those that no row has.
const FILES_SWEPT_MAX: usize = 100_000;
/// How long to wait for the lock, and how often to try.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(10);
/// Prepared statements kept; all that this crate has fit.
const STATEMENTS_KEPT_MAX: usize = 256;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// SQLite's own words: not a database, no permission, disk full.
    #[error("cannot open the data centre's database {path}: {source}")]
    Sqlite { path: String, source: rusqlite::Error },
    /// The files cannot be made.
    #[error("cannot make the data centre's database {path}: {source}; choose a data directory you may write to")]
    File { path: String, source: io::Error },
    /// Another data centre has it.
    #[error(
        "the data centre's database {path} is in use: another data centre runs with this data directory; stop it, or choose another directory"
    )]
    InUse { path: String },
    /// Written by a newer program.
    #[error(
        "the data centre's database {path} has version {found}, this program knows {known}: use a newer program, or another data directory"
    )]
    TooNew { path: String, found: i32, known: i32 },
}

impl OpenError {
    /// Whether there was no room on the disk.
    pub(crate) fn is_no_room(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => room::is_no_room(source),
            Self::File { source, .. } => room::is_no_room_for_file(source),
            Self::InUse { .. } | Self::TooNew { .. } => false,
        }
    }
}

/// The data centre's memory.
pub(crate) struct Model {
    db: Mutex<Db>,
    secret: [u8; 32],
    /// Files' bytes.
    pub(crate) disk: Disk,
    /// How much may be kept.
    pub(crate) limits: Limits,
    /// Whether there is room for it.
    pub(crate) room: Arc<Room>,
    _checkpointer: Checkpointer,
    /// Locked as long as this lives: two data centres in one directory would not know of each other's updates.
    _lock: File,
}

impl Model {
    /// Opens the database in `data_dir`, making it when there is none.
    pub(crate) fn open(data_dir: &Path, limits: Limits) -> Result<Model, OpenError> {
        let path = data_dir.join(DATABASE_FILE);
        let shown = || path.display().to_string();
        let sqlite = |source| OpenError::Sqlite { path: shown(), source };
        let private =
            |name| private_file(&data_dir.join(name)).map_err(|source| OpenError::File { path: shown(), source });
        let lock = private(LOCK_FILE)?;
        if !locked(&lock) {
            return Err(OpenError::InUse { path: shown() });
        }
        // SQLite keeps the rights of this file, and gives them to those it puts beside it.
        private(DATABASE_FILE)?;
        let db = Db::open(&path).map_err(sqlite)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_MAX);
        if let Some(found) = schema::prepare(&db).map_err(sqlite)? {
            return Err(OpenError::TooNew { path: shown(), found, known: schema::VERSION });
        }
        bound_size(&db, limits.database_bytes_max).map_err(sqlite)?;
        let secret = secret(&db).map_err(sqlite)?;
        let checkpointer = Checkpointer::start(&path, &db).map_err(sqlite)?;
        let disk =
            Disk::open(&data_dir.join(FILES_DIRECTORY)).map_err(|source| OpenError::File { path: shown(), source })?;
        let room = Arc::default();
        Ok(Model { db: Mutex::new(db), secret, disk, limits, room, _checkpointer: checkpointer, _lock: lock })
    }

    /// The database, for one method at a time.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Db> {
        // A panic while it was held rolled its transaction back: the database is as it was before.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what no row refers to any more, rows and bytes, as far as one sweep goes.
    pub(crate) fn sweep_files(&self, now: i32) -> Result<()> {
        let gone = files::sweep(&self.lock(), now, now - self.limits.upload_life_s)?;
        gone.into_iter().for_each(|blob| self.disk.remove(blob));
        Ok(())
    }

    /// Removes bytes that have no row: an end between taking the row and the bytes away left them.
    pub(crate) fn sweep_disk(&self) -> Result<()> {
        let ids = self.disk.ids(FILES_SWEPT_MAX).unwrap_or_default();
        let db = self.lock();
        for id in ids {
            if !files::blob_exists(&db, id)? {
                self.disk.remove(id);
            }
        }
        Ok(())
    }

    /// The access hash with which `viewer` may name the user `target`.
    pub(crate) fn access_hash(&self, viewer: i64, target: i64) -> i64 {
        self.hash("access", viewer, target)
    }

    /// The access hash with which `viewer` may name the channel `target`.
    pub(crate) fn channel_access_hash(&self, viewer: i64, target: i64) -> i64 {
        self.hash("channel", viewer, target)
    }

    /// The access hash with which `viewer` may name the secret chat `target`.
    pub(crate) fn secret_chat_access_hash(&self, viewer: i64, target: i32) -> i64 {
        self.hash("secret chat", viewer, i64::from(target))
    }

    fn hash(&self, purpose: &str, a: i64, b: i64) -> i64 {
        i64::from_le_bytes(self.tag(purpose, a, b)[..8].try_into().expect("eight of 32 bytes"))
    }

    /// Bytes only this data centre can make for these two numbers.
    pub(crate) fn tag(&self, purpose: &str, a: i64, b: i64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(purpose.as_bytes());
        hash.update(a.to_le_bytes());
        hash.update(b.to_le_bytes());
        hash.finalize().into()
    }
}

/// A private chat (by the other user's id), a basic group, or a channel (a supergroup is one). Stored as one number: a
/// group's is negative, a channel's below all groups'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Peer {
    User(i64),
    Chat(i64),
    Channel(i64),
}

/// Codes below this are channels'. Ids of basic groups are far smaller.
pub(crate) const CHANNEL_CODES: i64 = -1_000_000_000_000;

impl Peer {
    /// The number it is stored as.
    pub(crate) fn code(self) -> i64 {
        match self {
            Peer::User(id) => id,
            Peer::Chat(id) => -id,
            Peer::Channel(id) => CHANNEL_CODES - id,
        }
    }

    /// The peer stored as this number.
    pub(crate) fn from_code(code: i64) -> Peer {
        match code {
            code if code < CHANNEL_CODES => Peer::Channel(CHANNEL_CODES - code),
            code if code < 0 => Peer::Chat(-code),
            code => Peer::User(code),
        }
    }

    /// In whose box this user's messages with the peer lie: a channel has one of its own.
    pub(crate) fn box_owner(self, user: i64) -> i64 {
        if let Peer::Channel(_) = self { self.code() } else { user }
    }
}

/// Seconds since 1970, as Telegram's dates are.
pub(crate) fn unix_time() -> i32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// The time now, in nanoseconds.
pub(crate) fn unix_time_ns() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

/// Runs a statement; gives how many rows it changed.
pub(crate) fn run(db: &Db, sql: &str, params: impl Params) -> Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

/// The query's first row.
pub(crate) fn one<T>(
    db: &Db,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    db.prepare_cached(sql)?.query_row(params, read).optional()
}

/// All of the query's rows.
pub(crate) fn all<T>(
    db: &Db,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// The pattern for LIKE, with `\` as the escape, of what begins with this.
fn prefix_pattern(prefix: &str) -> String {
    let literal = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{literal}%")
}

/// A file that only its owner may read, made if there is none.
fn private_file(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(0o600).open(path)
}

/// Locks a file, waiting for a data centre that is just stopping.
fn locked(file: &File) -> bool {
    let begun = Instant::now();
    while file.try_lock().is_err() {
        if begun.elapsed() > LOCK_WAIT {
            return false;
        }
        std::thread::sleep(LOCK_RETRY);
    }
    true
}

/// Lets SQLite refuse what would make the database larger than this.
fn bound_size(db: &Db, bytes_max: i64) -> Result<()> {
    let page_bytes: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
    db.pragma_update_and_check(None, "max_page_count", bytes_max / page_bytes.max(1), |_| Ok(()))
}

fn secret(db: &Db) -> Result<[u8; 32]> {
    let fresh: [u8; 32] = random();
    run(db, "INSERT OR IGNORE INTO meta (name, value) VALUES ('secret', ?1)", [fresh])?;
    let kept = one(db, "SELECT value FROM meta WHERE name = 'secret'", [], |row| row.get(0))?;
    Ok(kept.unwrap_or(fresh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_refused_with_both_versions() {
        let dir = tempfile::tempdir().unwrap();
        drop(Model::open(dir.path(), Limits::default()).unwrap());
        let db = Db::open(dir.path().join(DATABASE_FILE)).unwrap();
        db.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
        let error = Model::open(dir.path(), Limits::default()).err().unwrap().to_string();
        assert!(error.contains(&format!("version {}", schema::VERSION + 1)), "{error}");
    }

    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let _model = Model::open(dir.path(), Limits::default()).unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_directory_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Model::open(dir.path(), Limits::default()).unwrap();
        let error = Model::open(dir.path(), Limits::default()).err().unwrap().to_string();
        assert!(error.contains("in use"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DATABASE_FILE), b"not a database, but long enough to be read as one").unwrap();
        assert!(matches!(Model::open(dir.path(), Limits::default()), Err(OpenError::Sqlite { .. })));
    }

    #[test]
    fn access_hashes_differ_by_viewer_and_survive() {
        let dir = tempfile::tempdir().unwrap();
        let model = Model::open(dir.path(), Limits::default()).unwrap();
        let hash = model.access_hash(1, 2);
        assert_ne!(hash, model.access_hash(2, 1));
        assert_ne!(hash, model.access_hash(1, 3));
        drop(model);
        assert_eq!(hash, Model::open(dir.path(), Limits::default()).unwrap().access_hash(1, 2));
    }
}
