//! Uploads at work: which parts came of each file, until a message takes it.
//!
//! Invariant: what one user and all together may have lying about is bounded by [`Limits`].

use super::disk::Blob;
use super::{Db, Result, all, one, params, run};

/// How much may be uploaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Uploads one user may have at once, taken by a message or not.
    pub(crate) uploads_per_user_max: i64,
    /// Bytes one user may have uploaded that no message took yet.
    pub(crate) unfinished_bytes_per_user_max: i64,
    /// Bytes of all finished files together.
    pub(crate) stored_bytes_max: i64,
    /// How long an upload is kept after its last part, in seconds.
    pub(crate) upload_life_s: i32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            uploads_per_user_max: 1_000,
            unfinished_bytes_per_user_max: 4 << 30,
            stored_bytes_max: 32 << 30,
            upload_life_s: 24 * 3600,
        }
    }
}

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

/// Notes what is known of an upload by now, and that it is alive.
pub(crate) fn update(db: &Db, user: i64, file_id: i64, upload: &Upload, now: i32) -> Result<()> {
    let sql = "UPDATE uploads SET parts = ?3, part_bytes = ?4, touched = ?5 WHERE user = ?1 AND file_id = ?2";
    run(db, sql, params![user, file_id, upload.parts, upload.part_bytes, now])?;
    Ok(())
}

/// Notes that a part is there.
pub(crate) fn set_part(db: &Db, blob: i64, part: u32, size: usize) -> Result<()> {
    let sql = "INSERT INTO upload_parts (blob, part, size) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET size = excluded.size";
    run(db, sql, params![blob, part, i64::try_from(size).unwrap_or(i64::MAX)])?;
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
    run(db, "UPDATE blobs SET size = ?2, part_bytes = ?3 WHERE id = ?1", [blob.id, blob.size, blob.part_bytes])?;
    run(db, "DELETE FROM upload_parts WHERE blob = ?1", [blob.id])?;
    Ok(())
}

/// How many uploads the user has.
pub(crate) fn count(db: &Db, user: i64) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM uploads WHERE user = ?1", [user], |row| row.get(0))?.unwrap_or(0))
}

/// How many bytes the user has in unfinished uploads.
pub(crate) fn unfinished_bytes(db: &Db, user: i64) -> Result<i64> {
    let sql = "SELECT COALESCE(SUM(p.size), 0) FROM uploads u JOIN upload_parts p ON p.blob = u.blob WHERE u.user = ?1";
    Ok(one(db, sql, [user], |row| row.get(0))?.unwrap_or(0))
}

/// How many bytes all finished files have.
pub(crate) fn stored_bytes(db: &Db) -> Result<i64> {
    Ok(one(db, "SELECT COALESCE(SUM(size), 0) FROM blobs", [], |row| row.get(0))?.unwrap_or(0))
}
