//! Moves SQLite's log into the file itself, beside the writers: the disk's flush takes milliseconds, and whoever writes
//! an event must not wait for it. <https://www.sqlite.org/wal.html#ckpt>
//!
//! Only a log that was moved whole begins again at its start; one that keeps growing costs twice as much per page written,
//! as each is new to the system's cache. So the move is repeated until nothing came in between.
//!
//! Invariant: at most one checkpoint of an account runs at a time, and no lock of the store is held meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rusqlite::{Connection, Row};

/// Transactions between two checkpoints.
pub(crate) const TRANSACTIONS_MAX: u32 = 200;

/// How often in a row a checkpoint is repeated because something was written meanwhile.
const PASSES_MAX: usize = 3;

pub(crate) struct Checkpointer {
    path: PathBuf,
    transactions: AtomicU32,
    is_running: Arc<AtomicBool>,
}

impl Checkpointer {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, transactions: AtomicU32::new(0), is_running: Arc::default() }
    }

    /// Waits for the checkpoint at work, if there is one.
    #[cfg(test)]
    pub(crate) fn wait(&self) {
        while self.is_running.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    /// Says that something was written; begins a checkpoint on a thread of its own when there is enough for one.
    pub(crate) fn count_transaction(&self) {
        let is_enough = self.transactions.fetch_add(1, Ordering::Relaxed) + 1 >= TRANSACTIONS_MAX;
        if !is_enough || self.is_running.swap(true, Ordering::Acquire) {
            return;
        }
        self.transactions.store(0, Ordering::Relaxed);
        let (path, is_running) = (self.path.clone(), self.is_running.clone());
        let work = move || {
            if let Err(error) = move_log(&path) {
                tracing::debug!(%error, path = %path.display(), "a checkpoint is left to a writer");
            }
            is_running.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work).is_err() {
            self.is_running.store(false, Ordering::Release);
        }
    }
}

fn move_log(path: &Path) -> rusqlite::Result<()> {
    let db = Connection::open(path)?;
    for _ in 0..PASSES_MAX {
        // How many pages the log has, and how many of them are in the file now.
        let pages = |row: &Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (logged, moved) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages)?;
        if logged == moved {
            break;
        }
    }
    Ok(())
}
