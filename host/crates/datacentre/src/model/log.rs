//! Each user's and each channel's log of updates, from which getDifference and getChannelDifference answer: <https://core.telegram.org/api/updates>.
//!
//! Invariant: pts grows by exactly the sum of the pts_count of the entries, and an entry is never changed.

use super::{Db, Result, Row, all, one, params, run};

/// How many entries of a user's log are kept; older ones make differenceTooLong.
pub(crate) const ENTRIES_KEPT_MAX: i32 = 10_000;
/// Where every pts begins.
const PTS_FIRST: i32 = 1;
/// How often old entries are thrown away, in pts.
const PRUNE_EVERY_PTS: i32 = 512;

/// What an entry says. Messages are looked up when read, so that a late reader gets them as they are then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    NewMessage(i32),
    EditedMessage(i32),
    /// A serialised `Update`.
    Other(Vec<u8>),
}

/// Entries after some pts, oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// The pts of the page's last entry.
    pub(crate) pts: i32,
    /// There are more.
    pub(crate) more: bool,
}

/// Begins a new owner's counting.
pub(crate) fn insert_counters(db: &Db, owner: i64) -> Result<()> {
    run(db, "INSERT INTO counters (user, pts, message) VALUES (?1, ?2, 0)", params![owner, PTS_FIRST])?;
    Ok(())
}

/// The owner's pts now.
pub(crate) fn pts(db: &Db, owner: i64) -> Result<i32> {
    let pts = one(db, "SELECT pts FROM counters WHERE user = ?1", [owner], |row| row.get(0))?;
    Ok(pts.unwrap_or(PTS_FIRST))
}

/// Gives out the owner's next message id and logs it: `(id, pts)`.
pub(crate) fn append_message(db: &Db, owner: i64) -> Result<(i32, i32)> {
    // Not one statement with RETURNING: that makes and drops a temporary table each time.
    let sql = "SELECT message + 1, pts + 1 FROM counters WHERE user = ?1";
    let next = one(db, sql, [owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (id, pts) = next.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    run(db, "UPDATE counters SET message = ?2, pts = ?3 WHERE user = ?1", params![owner, id, pts])?;
    insert(db, owner, pts, 1, &Entry::NewMessage(id))?;
    Ok((id, pts))
}

/// Logs anything else: the new pts.
pub(crate) fn append(db: &Db, owner: i64, pts_count: i32, entry: impl FnOnce(i32) -> Entry) -> Result<i32> {
    let sql = "UPDATE counters SET pts = pts + ?2 WHERE user = ?1 RETURNING pts";
    let next = one(db, sql, params![owner, pts_count], |row| row.get(0))?;
    let pts = next.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    insert(db, owner, pts, pts_count, &entry(pts))?;
    Ok(pts)
}

/// At most `limit` entries after `pts`; none if the log no longer reaches back so far.
pub(crate) fn after(db: &Db, owner: i64, pts: i32, limit: usize) -> Result<Option<Page>> {
    let sql = "SELECT pts - pts_count FROM updates WHERE owner = ?1 ORDER BY pts LIMIT 1";
    let floor: Option<i32> = one(db, sql, [owner], |row| row.get(0))?;
    if floor.is_some_and(|floor| pts < floor) {
        return Ok(None);
    }
    let sql = "SELECT pts, kind, message, other FROM updates WHERE owner = ?1 AND pts > ?2 ORDER BY pts LIMIT ?3";
    let limit_and_one = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows: Vec<(i32, Entry)> = all(db, sql, params![owner, pts, limit_and_one], read)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map_or(pts, |(pts, _)| *pts);
    Ok(Some(Page { entries: rows.into_iter().map(|(_, entry)| entry).collect(), pts: last, more }))
}

fn insert(db: &Db, owner: i64, pts: i32, pts_count: i32, entry: &Entry) -> Result<()> {
    let (kind, message, other) = match entry {
        Entry::NewMessage(id) => (0, *id, None),
        Entry::EditedMessage(id) => (1, *id, None),
        Entry::Other(update) => (2, 0, Some(update)),
    };
    let sql = "INSERT INTO updates (owner, pts, pts_count, kind, message, other) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    run(db, sql, params![owner, pts, pts_count, kind, message, other])?;
    if pts % PRUNE_EVERY_PTS == 0 && pts > ENTRIES_KEPT_MAX {
        run(db, "DELETE FROM updates WHERE owner = ?1 AND pts <= ?2", params![owner, pts - ENTRIES_KEPT_MAX])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<(i32, Entry)> {
    let entry = match row.get(1)? {
        0 => Entry::NewMessage(row.get(2)?),
        1 => Entry::EditedMessage(row.get(2)?),
        _ => Entry::Other(row.get(3)?),
    };
    Ok((row.get(0)?, entry))
}
