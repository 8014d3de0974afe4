//! Copies the write-ahead log into the database from a thread of its own, so that no method waits for the disk.
//!
//! Only a log that was copied whole begins again at its start; one that keeps growing costs twice as much per page written,
//! as each is new to the system's cache. So copying is repeated until nothing came in between.
//!
//! Invariant: the thread ends with the model it belongs to, and never holds up a writer.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Row;

use super::{Db, Result};

/// How often the log is copied.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);
/// How far the log may grow, in pages of 4 KiB, before a writer copies it itself after all.
const LOG_PAGES_MAX: i32 = 4_096;
/// How often in a row copying is repeated because something was written meanwhile.
const PASSES_MAX: usize = 3;

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
        if let Err(error) = copy_log(db) {
            tracing::warn!(%error, "cannot copy the database's log; it grows until this works again");
        }
    }
}

fn copy_log(db: &Db) -> Result<()> {
    for _ in 0..PASSES_MAX {
        // How many pages the log has, and how many of them are in the database now.
        let pages = |row: &Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (logged, copied) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages)?;
        if logged == copied {
            break;
        }
    }
    Ok(())
}
