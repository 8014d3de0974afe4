//! A copy of an account's file, as it is at one moment, also while another process has it open.
//!
//! Invariant: nothing is changed, and nobody who writes waits: the copy reads beside the one writer.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::Fault;
use crate::{DATABASE_FILE, StoreError};

/// Writes a copy of the file of the account in `dir` to `to`, where there must be none.
///
/// # Errors
/// As [`crate::AccountStore::open`], except that an account in use can be copied.
pub fn copy_to(dir: &Path, to: &Path) -> Result<(), StoreError> {
    let path = dir.join(DATABASE_FILE);
    copy(&path, to).map_err(|fault| fault.at(&path))
}

fn copy(path: &Path, to: &Path) -> Result<(), Fault> {
    let to = to.to_str().ok_or_else(|| Fault::Refused(format!("{} is no text in UTF-8", to.display())))?;
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}
