//! What can go wrong with an account's file, in words for its owner.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

/// Why the store could not do what was asked. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not what the store has written.
    #[error("{} is damaged ({detail}); put a copy of it back, or move it away and log in again", .path.display())]
    Damaged {
        /// The account's file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A later version of the program has written the file.
    #[error("{} was written by a newer tglhost (format {found}, this one knows up to {known}); update tglhost", .path.display())]
    TooNew {
        /// The account's file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// Another process uses the account.
    #[error("{} is in use by another tglhost; stop that one first, or name another account or data directory", .path.display())]
    InUse {
        /// The account's file.
        path: PathBuf,
    },
    /// The scripts are too far behind.
    #[error("the inbox in {} is full; updates wait at the server until the account's scripts have caught up", .path.display())]
    InboxFull {
        /// The account's file.
        path: PathBuf,
    },
    /// The disk takes no more.
    #[error("there is no room for {}: {detail}; make room on its disk", .path.display())]
    DiskFull {
        /// The account's file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// The system refused.
    #[error("cannot use {}: {detail}; check that the disk has room and that the file may be written", .path.display())]
    Failed {
        /// The account's file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
}

impl StoreError {
    /// Whether the same may succeed later: the disk has room again, for example.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::InboxFull { .. } | Self::DiskFull { .. })
    }

    /// What the system said of a file.
    pub(crate) fn of_system(path: &Path, error: &std::io::Error) -> Self {
        let (path, detail) = (path.to_path_buf(), error.to_string());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull { path, detail }
            }
            _ => Self::Failed { path, detail },
        }
    }
}

/// An error that does not know yet which file it is about.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Content(String),
    /// A bound of the store's own.
    Refused(String),
    TooNew {
        found: i64,
        known: i64,
    },
}

impl Fault {
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_path_buf();
        match self {
            Fault::TooNew { found, known } => StoreError::TooNew { path, found, known },
            Fault::Content(detail) => StoreError::Damaged { path, detail },
            Fault::Refused(detail) => StoreError::Failed { path, detail },
            Fault::Sql(error) if is_damage(&error) => StoreError::Damaged { path, detail: error.to_string() },
            Fault::Sql(error) if is_no_room(&error) => StoreError::DiskFull { path, detail: no_room(&error) },
            Fault::Sql(error) => StoreError::Failed { path, detail: error.to_string() },
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        // serde_json's own text may quote what it read; the position is enough.
        Self::Content(format!("a record is unreadable at line {} column {}", error.line(), error.column()))
    }
}

/// Whether there was no room to write: SQLite tells a full disk from a quota or another bound on files by its code.
fn is_no_room(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::DiskFull
        || matches!(failure.extended_code, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE))
}

/// What SQLite says then. By the code for a bound on files it also tells of a disk that fails.
fn no_room(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => error.to_string(),
        _ => format!("{error}, by a bound on files or a disk that fails"),
    }
}

/// Whether the file's content is at fault, not the system.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch | ErrorCode::Unknown
        ),
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}
