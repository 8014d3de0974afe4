//! Moves SQLite's log into the file itself, beside the writers: the disk's flush takes milliseconds, and whoever writes
//! an event must not wait for it. <https://www.sqlite.org/wal.html#ckpt>
//!
//! Invariant: at most one checkpoint of an account runs at a time, and no lock of the store is held meanwhile.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rusqlite::Connection;

/// Transactions between two checkpoints.
const TRANSACTIONS_MAX: u32 = 500;

pub(crate) struct Checkpointer {
    path: PathBuf,
    transactions: AtomicU32,
    is_running: Arc<AtomicBool>,
}

impl Checkpointer {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, transactions: AtomicU32::new(0), is_running: Arc::default() }
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
            let checkpoint =
                Connection::open(&path).and_then(|db| db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
            if let Err(error) = checkpoint {
                tracing::debug!(%error, path = %path.display(), "a checkpoint is left to a writer");
            }
            is_running.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work).is_err() {
            self.is_running.store(false, Ordering::Release);
        }
    }
}
