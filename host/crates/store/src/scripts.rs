//! The scripts that an account knows, and what is kept for each.
//!
//! Invariant: a name is one script's, whatever becomes of the file that it was run from. It names the script's private
//! folder too, so it is a file's name, and no two of an account differ in the case of letters alone.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior};
use tgl::Timestamp;

use crate::error::Fault;
use crate::peers::unix_time;
use crate::{AccountStore, DATABASE_FILE, LOCK_FILE, ScriptStore, StoreError, schema};

/// Longest name that is made up for a script, in bytes; a number may follow it.
const NAME_BYTES_MAX: usize = 100;

/// Where a script's place in its account comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It has none yet, and begins at the inbox's end.
    New,
    /// It was run before.
    Known,
    /// An earlier version kept it for all scripts of this file's name; from now on it is this one's.
    EarlierVersion,
    /// It was last run from another file, and goes on from this one because it was asked for by its name.
    OtherFile(PathBuf),
}

/// A script's place in its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// What it is called within the account.
    pub name: String,
    /// Where that comes from.
    pub origin: Origin,
    /// The events after this one are the script's to handle.
    pub cursor: u64,
}

/// A script, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRecord {
    /// What it is called within its account.
    pub name: String,
    /// The file that it was last run from; none where an earlier version ran it.
    pub path: Option<PathBuf>,
    /// It is at work now.
    pub is_running: bool,
    /// When it was last started.
    pub last_run: Option<Timestamp>,
    /// Events that it has not handled.
    pub waiting_events: u64,
    /// Events that it has not handled and that had to go, as more waited than may.
    pub lost_events: u64,
    /// Calls of its that have not completed.
    pub waiting_calls: u64,
    /// What both take.
    pub waiting_bytes: u64,
}

/// What came of forgetting a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// Nothing is kept for it any more.
    Done,
    /// There is no such script.
    Unknown,
    /// It is at work: nothing was changed.
    Running,
}

impl ScriptStore {
    /// Gives scripts their places, all or none: the ones they had, or new ones at the inbox's end. What the account receives
    /// from now on is theirs to handle. Each is told by its file and the name it was given, if any: it is the one that has
    /// the given name; without a given name, the one that was last run from this file without one.
    pub fn enrol(&self, scripts: &[(&Path, Option<&str>)]) -> Result<Vec<Enrolled>, StoreError> {
        let places = self.0.write(|db| {
            let transaction = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let mut known = all(&transaction)?;
            let place = |(path, given_name): &(&Path, Option<&str>)| {
                let (name, origin) = identify(&known, path, *given_name);
                put(&transaction, &name, path, given_name.is_some())?;
                remember(&mut known, &name, path, given_name.is_some());
                Ok((name, origin))
            };
            let places = scripts.iter().map(place).collect::<Result<Vec<_>, Fault>>()?;
            transaction.commit()?;
            Ok(places)
        })?;
        self.0.lock().reload_cursors().map_err(|fault| fault.at(&self.0.path))?;
        let enrolled = places.into_iter().map(|(name, origin)| {
            let cursor = self.join(&name)?;
            Ok(Enrolled { name, origin, cursor })
        });
        enrolled.collect()
    }

    /// Says that the script is not at work any more. Its events and calls wait for it, and it holds nobody up.
    pub fn part(&self, script: &str) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        state.joined.remove(script);
        let parted = state.connection.execute("UPDATE script SET is_running = 0 WHERE name = ?1", [script]);
        parted.map(|_| ()).map_err(|error| Fault::from(error).at(&self.0.path))
    }

    /// The messages among the events after `seq`, up to and with `end`. Handled ones count too.
    pub fn messages_between(&self, seq: u64, end: u64) -> Result<u64, StoreError> {
        self.0.read(|db| {
            // Messages are the events that must not come twice: they have keys, and keys outlast the events.
            let count = db
                .prepare_cached("SELECT COUNT(key) FROM inbox WHERE seq > ?1 AND seq <= ?2")?
                .query_row((seq as i64, end as i64), |row| row.get::<_, i64>(0))?;
            Ok(count as u64)
        })
    }
}

/// The scripts of the account in `dir`, by name, also while another process has it open; none where there is no account.
/// Changes nothing.
///
/// # Errors
/// As [`crate::AccountStore::open`], except that an account in use can be looked at.
pub fn scripts(dir: &Path) -> Result<Vec<ScriptRecord>, StoreError> {
    let path = dir.join(DATABASE_FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = || {
        let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        list(&db, is_in_use(dir))
    };
    read().map_err(|fault: Fault| fault.at(&path))
}

/// Forgets a script of the account in `dir` that is not at work: its cursor and its calls, and, by `remove`, whatever else
/// is kept for it. Where `remove` fails nothing is forgotten.
///
/// # Errors
/// As [`crate::AccountStore::open`], except that an account in use will do.
pub fn forget(dir: &Path, name: &str, remove: impl FnOnce() -> std::io::Result<()>) -> Result<Forgotten, StoreError> {
    let path = dir.join(DATABASE_FILE);
    if !path.exists() {
        return Ok(Forgotten::Unknown);
    }
    // Kept until the end: meanwhile nobody starts the script.
    let held = match AccountStore::open(dir) {
        Ok(store) => Some(store),
        Err(StoreError::InUse { .. }) => None,
        Err(error) => return Err(error),
    };
    let forgotten = (|| {
        let db = Connection::open(&path)?;
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        let is_running: Option<bool> = transaction
            .query_row("SELECT is_running FROM script WHERE name = ?1", [name], |row| row.get(0))
            .optional()?;
        match is_running {
            None => return Ok(Forgotten::Unknown),
            Some(true) => return Ok(Forgotten::Running),
            Some(false) => {}
        }
        remove().map_err(|error| Fault::Refused(error.to_string()))?;
        transaction.execute("DELETE FROM outbox WHERE script = ?1", [name])?;
        transaction.execute("DELETE FROM script WHERE name = ?1", [name])?;
        transaction.commit()?;
        Ok(Forgotten::Done)
    })();
    drop(held);
    forgotten.map_err(|fault: Fault| fault.at(&path))
}

/// The name of the script that is meant, and where it comes from.
fn identify(scripts: &[Known], path: &Path, given_name: Option<&str>) -> (String, Origin) {
    if let Some(given) = given_name {
        let folded = given.to_lowercase();
        let same = |script: &&Known| script.folded_name == folded;
        let known = scripts.iter().find(|script| script.name == given).or_else(|| scripts.iter().find(same));
        return match known {
            None => (given.to_owned(), Origin::New),
            Some(known) => (known.name.clone(), known.origin_for(path)),
        };
    }
    if let Some(known) = scripts.iter().find(|script| !script.is_named && script.is_from(path)) {
        return (known.name.clone(), Origin::Known);
    }
    let file_name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    if let Some(known) = scripts.iter().find(|script| script.path.is_none() && script.name == file_name) {
        return (known.name.clone(), Origin::EarlierVersion);
    }
    let is_taken = |name: &str| {
        let folded = name.to_lowercase();
        scripts.iter().any(|script| script.folded_name == folded)
    };
    (new_name(path, is_taken), Origin::New)
}

/// Writes down that the script of this name runs, from this file.
fn put(transaction: &Transaction<'_>, name: &str, path: &Path, is_named: bool) -> Result<(), Fault> {
    let insert = "INSERT INTO script (name, cursor) VALUES (?1, (SELECT COALESCE(MAX(seq), 0) FROM inbox))
         ON CONFLICT (name) DO NOTHING";
    transaction.prepare_cached(insert)?.execute([name])?;
    let update = "UPDATE script SET path = ?2, is_named = ?3, is_running = 1, last_run = ?4 WHERE name = ?1";
    let about = (name, path.as_os_str().as_bytes(), is_named, unix_time());
    transaction.prepare_cached(update)?.execute(about)?;
    Ok(())
}

/// The same among the scripts that are known already.
fn remember(scripts: &mut Vec<Known>, name: &str, path: &Path, is_named: bool) {
    let now = Known::new(name.to_owned(), Some(path.to_owned()), is_named);
    match scripts.iter_mut().find(|script| script.name == name) {
        Some(known) => *known = now,
        None => scripts.push(now),
    }
}

/// A name for a script that nobody has named: its file's, with as many of the folders around it as it takes to be one that
/// nobody else has, and a number if all of them do not suffice.
fn new_name(path: &Path, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = String::new();
    for part in path.components().rev().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    }) {
        let part: String = part.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        let longer = if name.is_empty() { part } else { format!("{part}-{name}") };
        if longer.len() > NAME_BYTES_MAX && !name.is_empty() {
            break;
        }
        name = longer;
        name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
        if !is_taken(&name) {
            return name;
        }
    }
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    numbered.into_iter().find(|name| !is_taken(name)).unwrap_or(name)
}

/// A script of the table.
struct Known {
    name: String,
    /// Its name, the case of letters aside.
    folded_name: String,
    path: Option<PathBuf>,
    is_named: bool,
}

impl Known {
    fn new(name: String, path: Option<PathBuf>, is_named: bool) -> Self {
        Self { folded_name: name.to_lowercase(), name, path, is_named }
    }

    fn is_from(&self, path: &Path) -> bool {
        // As bytes: paths part by part take ten times as long, and each script is compared with all.
        self.path.as_deref().is_some_and(|own| own.as_os_str() == path.as_os_str())
    }

    fn origin_for(&self, path: &Path) -> Origin {
        match &self.path {
            None => Origin::EarlierVersion,
            Some(own) if own == path => Origin::Known,
            Some(own) => Origin::OtherFile(own.clone()),
        }
    }
}

fn all(db: &Connection) -> Result<Vec<Known>, Fault> {
    let mut select = db.prepare_cached("SELECT name, path, is_named FROM script")?;
    let known = |row: &Row<'_>| Ok(Known::new(row.get(0)?, path_of(row, 1)?, row.get(2)?));
    Ok(select.query_map([], known)?.collect::<Result<_, _>>()?)
}

fn list(db: &Connection, is_in_use: bool) -> Result<Vec<ScriptRecord>, Fault> {
    let about = match schema::format(db)? {
        ..schema::SCRIPTS_FORMAT => "NULL, 0, NULL",
        _ => "path, is_running, last_run",
    };
    // Other readers of the inbox have names that no file can have.
    let mut select = db.prepare(&format!(
        "SELECT name, {about},
             (SELECT COUNT(event) FROM inbox WHERE seq > cursor),
             (SELECT COUNT(*) FROM outbox WHERE script = name),
             (SELECT COALESCE(SUM(LENGTH(event)), 0) FROM inbox WHERE seq > cursor)
                 + (SELECT COALESCE(SUM(LENGTH(call)), 0) FROM outbox WHERE script = name),
             (SELECT MAX(0, pruned_seq - cursor) FROM session)
         FROM script WHERE instr(name, '/') = 0 ORDER BY name"
    ))?;
    let count = |row: &Row<'_>, index| row.get::<_, i64>(index).map(|count| count as u64);
    let records = select.query_map([], |row| {
        Ok(ScriptRecord {
            name: row.get(0)?,
            path: path_of(row, 1)?,
            is_running: is_in_use && row.get(2)?,
            last_run: row.get(3)?,
            waiting_events: count(row, 4)?,
            waiting_calls: count(row, 5)?,
            waiting_bytes: count(row, 6)?,
            lost_events: count(row, 7)?,
        })
    })?;
    Ok(records.collect::<Result<_, _>>()?)
}

fn path_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<PathBuf>> {
    let bytes: Option<Vec<u8>> = row.get(index)?;
    Ok(bytes.map(|bytes| OsString::from_vec(bytes).into()))
}

/// Whether another process has the account open.
fn is_in_use(dir: &Path) -> bool {
    File::open(dir.join(LOCK_FILE)).is_ok_and(|lock| lock.try_lock_shared().is_err())
}
