//! Copies the write-ahead log into the database from a thread of its own, so that no method waits for the disk.
//!
//! Invariant: the thread ends with the model it belongs to, and never holds up a writer.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Db, Result};

/// How often the log is copied.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);
/// How far the log may grow, in pages of 4 KiB, before a writer copies it itself after all.
const LOG_PAGES_MAX: i32 = 16_384;

/// The thread; dropping this ends it.
pub(super) struct Checkpointer {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts copying for this database, whose methods use the connection `writer`.
    pub(super) fn start(path: &Path, writer: &Db) -> Result<Checkpointer> {
        writer.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
        let db = Db::open(path)?;
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new().name("dc-checkpoint".to_owned()).spawn(move || work(&db, &stopped));
        // Without the thread the writer copies: slower, not wrong.
        let thread = thread.inspect_err(|error| tracing::warn!(%error, "no thread for the database's log")).ok();
        Ok(Checkpointer { stop: Some(stop), thread })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn work(db: &Db, stopped: &Receiver<()>) {
    while stopped.recv_timeout(CHECKPOINT_EVERY) == Err(RecvTimeoutError::Timeout) {
        let copied = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            tracing::warn!(%error, "cannot copy the database's log; it grows until this works again");
        }
    }
}
