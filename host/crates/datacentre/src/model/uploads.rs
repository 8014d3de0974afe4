//! Uploads at work: which parts came of each file, until a message takes it.
//!
//! Invariant: what one user and all together may have lying about is bounded by [`super::Limits`], and what there is of it is
//! always known as a sum: no part needs a count over the others.

use super::disk::Blob;
use super::{Db, Result, all, one, params, run};

/// What a file system gives to a part, however small: parts count as a multiple of this.
pub(crate) const BLOCK_BYTES: i64 = 4 << 10;
/// Whose bytes a row of `disk_usage` counts that is no user's: all unfinished uploads, all finished files.
const UNFINISHED: i64 = 0;
const STORED: i64 = -1;

pub(super) const TABLES: &str = "
ALTER TABLE blobs ADD COLUMN disk_bytes INTEGER NOT NULL DEFAULT 0;    -- what it takes up, once finished
ALTER TABLE uploads ADD COLUMN disk_bytes INTEGER NOT NULL DEFAULT 0;  -- what it takes up, until finished
UPDATE blobs SET disk_bytes = size / part_bytes * ((part_bytes + 4095) / 4096 * 4096)
        + (size % part_bytes + 4095) / 4096 * 4096
    WHERE size IS NOT NULL AND part_bytes > 0;
UPDATE uploads SET disk_bytes = (
    SELECT COALESCE(SUM((size + 4095) / 4096 * 4096), 0) FROM upload_parts p WHERE p.blob = uploads.blob
);
CREATE TABLE disk_usage (
    owner INTEGER PRIMARY KEY,  -- a user: their unfinished uploads; 0: everyone's; -1: finished files
    bytes INTEGER NOT NULL
);
INSERT INTO disk_usage SELECT user, SUM(disk_bytes) FROM uploads GROUP BY user;
INSERT INTO disk_usage SELECT 0, COALESCE(SUM(disk_bytes), 0) FROM uploads;
INSERT INTO disk_usage SELECT -1, COALESCE(SUM(disk_bytes), 0) FROM blobs;
-- Whatever way bytes come and go, the sums learn of it.
CREATE TRIGGER upload_grown AFTER UPDATE OF disk_bytes ON uploads BEGIN
    INSERT INTO disk_usage VALUES (NEW.user, NEW.disk_bytes - OLD.disk_bytes)
        ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
    UPDATE disk_usage SET bytes = bytes + NEW.disk_bytes - OLD.disk_bytes WHERE owner = 0;
END;
CREATE TRIGGER upload_gone AFTER DELETE ON uploads BEGIN
    UPDATE disk_usage SET bytes = bytes - OLD.disk_bytes WHERE owner IN (OLD.user, 0);
END;
CREATE TRIGGER blob_grown AFTER UPDATE OF disk_bytes ON blobs BEGIN
    UPDATE disk_usage SET bytes = bytes + NEW.disk_bytes - OLD.disk_bytes WHERE owner = -1;
END;
CREATE TRIGGER blob_gone AFTER DELETE ON blobs BEGIN
    UPDATE disk_usage SET bytes = bytes - OLD.disk_bytes WHERE owner = -1;
END;
";

/// An upload as stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload {
    pub(crate) blob: i64,
    /// Came by upload.saveBigFilePart.
    pub(crate) big: bool,
    /// How many parts a big one has, once that was said.
    pub(crate) parts: Option<i32>,
    /// How long each part of a big one but the last is, once one came.
    pub(crate) part_bytes: Option<i64>,
}

/// The user's upload with this id.
pub(crate) fn find(db: &Db, user: i64, file_id: i64) -> Result<Option<Upload>> {
    let sql = "SELECT blob, big, parts, part_bytes FROM uploads WHERE user = ?1 AND file_id = ?2";
    one(db, sql, [user, file_id], |row| {
        Ok(Upload { blob: row.get(0)?, big: row.get(1)?, parts: row.get(2)?, part_bytes: row.get(3)? })
    })
}

/// Begins an upload.
pub(crate) fn insert(db: &Db, user: i64, file_id: i64, big: bool, now: i32) -> Result<Upload> {
    run(db, "INSERT INTO blobs DEFAULT VALUES", [])?;
    let blob = db.last_insert_rowid();
    let sql = "INSERT INTO uploads (user, file_id, blob, big, touched) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![user, file_id, blob, big, now])?;
    Ok(Upload { blob, big, parts: None, part_bytes: None })
}

/// Notes that a part is there, and what is known of its upload by now.
pub(crate) fn set_part(
    db: &Db,
    user: i64,
    file_id: i64,
    upload: &Upload,
    part: u32,
    size: usize,
    now: i32,
) -> Result<()> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let sql = "SELECT size FROM upload_parts WHERE blob = ?1 AND part = ?2";
    let before = one(db, sql, params![upload.blob, part], |row| row.get(0))?.unwrap_or(0);
    let sql = "INSERT INTO upload_parts (blob, part, size) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET size = excluded.size";
    run(db, sql, params![upload.blob, part, size])?;
    let grown = disk_bytes(size) - disk_bytes(before);
    let sql = "UPDATE uploads SET parts = ?3, part_bytes = ?4, touched = ?5, disk_bytes = disk_bytes + ?6
               WHERE user = ?1 AND file_id = ?2";
    run(db, sql, params![user, file_id, upload.parts, upload.part_bytes, now, grown])?;
    Ok(())
}

/// The parts there are: number and size, in order.
pub(crate) fn parts(db: &Db, blob: i64) -> Result<Vec<(i32, i64)>> {
    let sql = "SELECT part, size FROM upload_parts WHERE blob = ?1 ORDER BY part";
    all(db, sql, [blob], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The bytes, if they are complete.
pub(crate) fn finished(db: &Db, blob: i64) -> Result<Option<Blob>> {
    let sql = "SELECT id, size, part_bytes FROM blobs WHERE id = ?1 AND size IS NOT NULL";
    one(db, sql, [blob], |row| Ok(Blob { id: row.get(0)?, size: row.get(1)?, part_bytes: row.get(2)? }))
}

/// Notes that the bytes are complete; what the parts were is forgotten.
pub(crate) fn finish(db: &Db, blob: &Blob) -> Result<()> {
    let sql =
        "UPDATE blobs SET size = ?2, part_bytes = ?3, disk_bytes = (SELECT disk_bytes FROM uploads WHERE blob = ?1)
               WHERE id = ?1";
    run(db, sql, [blob.id, blob.size, blob.part_bytes])?;
    run(db, "UPDATE uploads SET disk_bytes = 0 WHERE blob = ?1", [blob.id])?;
    run(db, "DELETE FROM upload_parts WHERE blob = ?1", [blob.id])?;
    Ok(())
}

/// How many uploads the user has.
pub(crate) fn count(db: &Db, user: i64) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM uploads WHERE user = ?1", [user], |row| row.get(0))?.unwrap_or(0))
}

/// How many bytes the user has in unfinished uploads.
pub(crate) fn unfinished_bytes_of(db: &Db, user: i64) -> Result<i64> {
    usage(db, user)
}

/// How many bytes all users have in unfinished uploads.
pub(crate) fn unfinished_bytes(db: &Db) -> Result<i64> {
    usage(db, UNFINISHED)
}

/// How many bytes all finished files have.
pub(crate) fn stored_bytes(db: &Db) -> Result<i64> {
    usage(db, STORED)
}

/// What a part of this size takes up.
pub(crate) fn disk_bytes(size: i64) -> i64 {
    (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES
}

fn usage(db: &Db, owner: i64) -> Result<i64> {
    Ok(one(db, "SELECT bytes FROM disk_usage WHERE owner = ?1", [owner], |row| row.get(0))?.unwrap_or(0))
}
