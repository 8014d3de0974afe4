//! Moves SQLite's log into the file itself, beside the writers: the disk's flush takes milliseconds, and whoever writes
//! an event must not wait for it. <https://www.sqlite.org/wal.html#ckpt>
//!
//! Only a log that was moved whole begins again at its start; one that keeps growing costs twice as much per page written,
//! as each is new to the system's cache. So the move is repeated until nothing came in between.
//!
//! What many deletions have left free in the file goes back to the system on the way, a little at a time.
//!
//! Invariant: at most one checkpoint of an account runs at a time, and no lock of the store is held meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Row};

/// Transactions between two checkpoints.
pub(crate) const TRANSACTIONS_MAX: u32 = 200;

/// How often in a row a checkpoint is repeated because something was written meanwhile.
const PASSES_MAX: usize = 3;

/// Free pages that stay in the file, for what comes next.
const FREE_PAGES_KEPT: i64 = 1_024;

/// Free pages that go back to the system in one transaction: whoever writes waits for no more than that.
const FREE_PAGES_AT_ONCE: i64 = 256;

/// The pause after that. Who waits to write looks again only now and then, and would hardly ever find the file free.
const FREE_PAGES_PAUSE: Duration = Duration::from_millis(10);

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

    /// Transactions since the last checkpoint.
    #[cfg(test)]
    pub(crate) fn transactions(&self) -> u32 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Says that something was written; begins a checkpoint on a thread of its own when there is enough for one.
    pub(crate) fn count_transaction(&self) {
        if self.transactions.fetch_add(1, Ordering::Relaxed) + 1 >= TRANSACTIONS_MAX {
            self.begin();
        }
    }

    /// Begins a checkpoint unless there is one at work.
    pub(crate) fn begin(&self) {
        if self.is_running.swap(true, Ordering::Acquire) {
            return;
        }
        self.transactions.store(0, Ordering::Relaxed);
        let (path, is_running) = (self.path.clone(), self.is_running.clone());
        let work = move || {
            if let Err(error) = tidy(&path) {
                tracing::debug!(%error, path = %path.display(), "a checkpoint is left to a writer");
            }
            is_running.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work).is_err() {
            self.is_running.store(false, Ordering::Release);
        }
    }
}

fn tidy(path: &Path) -> rusqlite::Result<()> {
    let db = Connection::open(path)?;
    move_log(&db)?;
    let mut free = free_pages(&db)?;
    while free > FREE_PAGES_KEPT {
        db.execute_batch(&format!("PRAGMA incremental_vacuum({FREE_PAGES_AT_ONCE})"))?;
        let left = free_pages(&db)?;
        if left >= free {
            // The file is of a time when that could not be done.
            return Ok(());
        }
        free = left;
        std::thread::sleep(FREE_PAGES_PAUSE);
        if free <= FREE_PAGES_KEPT {
            move_log(&db)?;
        }
    }
    Ok(())
}

fn free_pages(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "freelist_count", |row| row.get(0))
}

fn move_log(db: &Connection) -> rusqlite::Result<()> {
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
