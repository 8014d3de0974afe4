//! Each bot's second sequence of updates, which qts counts: <https://core.telegram.org/api/updates#event-sequences>. It holds
//! what bots hear of participants; people's is each key's own: see [`super::secret_chats`].
//!
//! Invariant: qts grows by one with each entry, and an entry is never changed.

use super::{Db, Result, all, one, params, run};

/// How many entries of a user are kept; older ones are lost to who was away so long.
pub(crate) const ENTRIES_KEPT_MAX: i32 = 10_000;
/// How often old entries are thrown away, in qts.
const PRUNE_EVERY_QTS: i32 = 512;

pub(super) const TABLES: &str = "
ALTER TABLE counters ADD COLUMN qts INTEGER NOT NULL DEFAULT 100;  -- above 1: TDLib ignores lower ones
CREATE TABLE qts_updates (
    owner INTEGER NOT NULL,
    qts INTEGER NOT NULL,
    content BLOB NOT NULL,      -- Update
    PRIMARY KEY (owner, qts)
) WITHOUT ROWID;
";

/// Entries after some qts, oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    /// Serialised `Update`s.
    pub(crate) updates: Vec<Vec<u8>>,
    /// The qts of the page's last entry.
    pub(crate) qts: i32,
    /// There are more.
    pub(crate) more: bool,
}

/// The owner's qts now.
pub(crate) fn now(db: &Db, owner: i64) -> Result<i32> {
    let qts = one(db, "SELECT qts FROM counters WHERE user = ?1", [owner], |row| row.get(0))?;
    qts.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Logs the update that this qts belongs to.
pub(crate) fn append(db: &Db, owner: i64, qts: i32, update: &[u8]) -> Result<()> {
    run(db, "UPDATE counters SET qts = ?2 WHERE user = ?1", params![owner, qts])?;
    run(db, "INSERT INTO qts_updates (owner, qts, content) VALUES (?1, ?2, ?3)", params![owner, qts, update])?;
    if qts % PRUNE_EVERY_QTS == 0 {
        let sql = "DELETE FROM qts_updates WHERE owner = ?1 AND qts <= ?2";
        run(db, sql, params![owner, qts - ENTRIES_KEPT_MAX])?;
    }
    Ok(())
}

/// At most `limit` entries after `qts`.
pub(crate) fn after(db: &Db, owner: i64, qts: i32, limit: usize) -> Result<Page> {
    let sql = "SELECT qts, content FROM qts_updates WHERE owner = ?1 AND qts > ?2 ORDER BY qts LIMIT ?3";
    let limit_and_one = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows: Vec<(i32, Vec<u8>)> =
        all(db, sql, params![owner, qts, limit_and_one], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = match rows.last() {
        Some((qts, _)) => *qts,
        None => now(db, owner)?,
    };
    Ok(Page { updates: rows.into_iter().map(|(_, update)| update).collect(), qts: last, more })
}
