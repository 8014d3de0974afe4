//! A copy of the database, as it is at one moment, also while another process has it open.
//!
//! Invariant: nothing is changed, and nobody who writes waits: the copy reads beside the one writer.

use std::path::Path;

use rusqlite::OpenFlags;

use super::{DATABASE_FILE, Db, OpenError};

/// Writes a copy of the database in `data_dir` to `to`, where there must be none.
pub(crate) fn copy_to(data_dir: &Path, to: &Path) -> Result<(), OpenError> {
    let path = data_dir.join(DATABASE_FILE);
    let copy = || {
        let db = Db::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.execute("VACUUM INTO ?1", [to.to_string_lossy()])
    };
    copy().map(drop).map_err(|source| OpenError::Sqlite { path: path.display().to_string(), source })
}
