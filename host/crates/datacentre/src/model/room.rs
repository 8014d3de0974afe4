//! Whether the disk has room for what the data centre must keep.
//!
//! Invariant: what failed for want of room is told apart from every other failure, as it passes once there is some.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Error, ErrorCode, ffi};

/// How many writes had no room so far.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicU64);

impl Room {
    /// Says that the database failed, to whoever runs the data centre, and counts it where there was no room.
    pub(crate) fn tell(&self, error: &Error) {
        if is_no_room(error) {
            self.0.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "the data centre's database or its disk is full");
        } else {
            tracing::error!(%error, "the data centre's database failed");
        }
    }

    pub(crate) fn refused(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether the database had no room to write: SQLite tells a full disk from a quota or another bound on files by its code.
pub(crate) fn is_no_room(error: &Error) -> bool {
    matches!(error, Error::SqliteFailure(failure, _) if failure.code == ErrorCode::DiskFull
        || matches!(failure.extended_code, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE))
}

/// The same of a file.
pub(crate) fn is_no_room_for_file(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
