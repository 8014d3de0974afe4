//! Whom a user has in the contact list, by which name, and whom the user blocked.
//!
//! Invariant: both are one-sided; two users are mutual contacts when each has the other.

use super::{Db, Result, Row, all, one, params, run, unix_time};

/// A contact: the owner's own name for a user.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    pub(crate) user: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) mutual: bool,
}

const COLUMNS: &str =
    "c.user, c.first_name, c.last_name, EXISTS (SELECT 1 FROM contacts b WHERE b.owner = c.user AND b.user = c.owner)";

/// The owner's contact entry for this user.
pub(crate) fn find(db: &Db, owner: i64, user: i64) -> Result<Option<Contact>> {
    let sql = format!("SELECT {COLUMNS} FROM contacts c WHERE c.owner = ?1 AND c.user = ?2");
    one(db, &sql, [owner, user], read)
}

/// All of the owner's contacts, by id.
pub(crate) fn of_owner(db: &Db, owner: i64) -> Result<Vec<Contact>> {
    let sql = format!("SELECT {COLUMNS} FROM contacts c WHERE c.owner = ?1 ORDER BY c.user");
    all(db, &sql, [owner], read)
}

/// Adds a contact, or renames it.
pub(crate) fn put(db: &Db, owner: i64, user: i64, first_name: &str, last_name: &str) -> Result<()> {
    let sql = "INSERT INTO contacts (owner, user, first_name, last_name) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name";
    run(db, sql, params![owner, user, first_name, last_name])?;
    Ok(())
}

/// Removes a contact.
pub(crate) fn remove(db: &Db, owner: i64, user: i64) -> Result<()> {
    run(db, "DELETE FROM contacts WHERE owner = ?1 AND user = ?2", [owner, user])?;
    Ok(())
}

/// Blocks a user; true if this is news.
pub(crate) fn block(db: &Db, owner: i64, user: i64) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO blocks (owner, user, date) VALUES (?1, ?2, ?3)";
    Ok(run(db, sql, params![owner, user, unix_time()])? == 1)
}

/// Unblocks a user; true if this is news.
pub(crate) fn unblock(db: &Db, owner: i64, user: i64) -> Result<bool> {
    Ok(run(db, "DELETE FROM blocks WHERE owner = ?1 AND user = ?2", [owner, user])? == 1)
}

/// Whether `owner` blocked `user`.
pub(crate) fn is_blocked(db: &Db, owner: i64, user: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM blocks WHERE owner = ?1 AND user = ?2";
    Ok(one(db, sql, [owner, user], |_| Ok(()))?.is_some())
}

/// A page of those the owner blocked, with the date, latest first, and how many there are in all.
pub(crate) fn blocked(db: &Db, owner: i64, offset: i64, limit: i64) -> Result<(Vec<(i64, i32)>, i32)> {
    let count = one(db, "SELECT COUNT(*) FROM blocks WHERE owner = ?1", [owner], |row| row.get(0))?.unwrap_or(0);
    let sql = "SELECT user, date FROM blocks WHERE owner = ?1 ORDER BY date DESC, user LIMIT ?3 OFFSET ?2";
    let page = all(db, sql, [owner, offset, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((page, count))
}

fn read(row: &Row<'_>) -> Result<Contact> {
    Ok(Contact { user: row.get(0)?, first_name: row.get(1)?, last_name: row.get(2)?, mutual: row.get(3)? })
}
