//! Photos and documents: what each is, who refers to it, and when it goes.
//!
//! Invariant: a file that a message, a profile or a chat shows is never removed; one that nothing shows is removed
//! [`UNUSED_LIFE_S`] later, its bytes with the last file that has them.

use super::disk::Blob;
use super::{Db, Result, Row, all, one, params, random, run};

/// How long a file is kept that nothing refers to: between messages.uploadMedia and sending it, or after its message went.
pub(crate) const UNUSED_LIFE_S: i32 = 24 * 3600;
/// How many rows of each kind one sweep removes; the next goes on.
const SWEPT_MAX: i64 = 1_000;

pub(super) const TABLES: &str = "
-- Bytes on disk. A size is known once all parts are there.
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER,
    part_bytes INTEGER
);
-- What clients upload, by the ids they chose.
CREATE TABLE uploads (
    user INTEGER NOT NULL,
    file_id INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    big INTEGER NOT NULL,
    parts INTEGER,              -- of a big file, once the client said how many
    part_bytes INTEGER,         -- of a big file, once a part but the last came
    touched INTEGER NOT NULL,
    PRIMARY KEY (user, file_id)
) WITHOUT ROWID;
CREATE INDEX uploads_by_blob ON uploads (blob);
CREATE INDEX uploads_by_age ON uploads (touched);
CREATE TABLE upload_parts (
    blob INTEGER NOT NULL,
    part INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (blob, part)
) WITHOUT ROWID;

CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo INTEGER NOT NULL,     -- 1 a photo, 0 a document
    access_hash INTEGER NOT NULL,
    secret BLOB NOT NULL,       -- its file references are made with it
    blob INTEGER NOT NULL,
    date INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    mime TEXT NOT NULL,
    attributes BLOB,            -- Vector<DocumentAttribute>
    thumb INTEGER,              -- its blob, with its size in pixels
    thumb_width INTEGER,
    thumb_height INTEGER,
    unused_since INTEGER        -- nothing refers to it since then
);
CREATE INDEX files_by_blob ON files (blob);
CREATE INDEX files_by_thumb ON files (thumb) WHERE thumb IS NOT NULL;
CREATE INDEX files_unused ON files (unused_since) WHERE unused_since IS NOT NULL;
CREATE TABLE content_files (
    content INTEGER NOT NULL,
    file INTEGER NOT NULL,
    PRIMARY KEY (content, file)
) WITHOUT ROWID;
CREATE INDEX content_files_by_file ON content_files (file);
-- The latest is the one shown.
CREATE TABLE profile_photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    peer INTEGER NOT NULL,      -- as Peer::code
    file INTEGER NOT NULL
);
CREATE INDEX profile_photos_by_peer ON profile_photos (peer);
CREATE INDEX profile_photos_by_file ON profile_photos (file);

ALTER TABLE contents ADD COLUMN media BLOB;        -- MessageMedia
ALTER TABLE contents ADD COLUMN files BLOB;        -- the ids of the files it shows
ALTER TABLE contents ADD COLUMN grouped INTEGER;   -- names the album

-- Whatever way a content goes, a file learns that it is shown no more.
CREATE TRIGGER content_gone AFTER DELETE ON contents WHEN OLD.files IS NOT NULL BEGIN
    DELETE FROM content_files WHERE content = OLD.id;
END;
CREATE TRIGGER file_sent AFTER INSERT ON content_files BEGIN
    UPDATE files SET unused_since = NULL WHERE id = NEW.file;
END;
CREATE TRIGGER file_unsent AFTER DELETE ON content_files BEGIN
    UPDATE files SET unused_since = unixepoch() WHERE id = OLD.file
        AND NOT EXISTS (SELECT 1 FROM content_files WHERE file = OLD.file)
        AND NOT EXISTS (SELECT 1 FROM profile_photos WHERE file = OLD.file);
END;
CREATE TRIGGER profile_photo_set AFTER INSERT ON profile_photos BEGIN
    UPDATE files SET unused_since = NULL WHERE id = NEW.file;
END;
CREATE TRIGGER profile_photo_removed AFTER DELETE ON profile_photos BEGIN
    UPDATE files SET unused_since = unixepoch() WHERE id = OLD.file
        AND NOT EXISTS (SELECT 1 FROM content_files WHERE file = OLD.file)
        AND NOT EXISTS (SELECT 1 FROM profile_photos WHERE file = OLD.file);
END;
";

/// A thumbnail: its bytes and its size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thumb {
    pub(crate) blob: Blob,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// A photo or document as stored.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: i64,
    pub(crate) photo: bool,
    pub(crate) access_hash: i64,
    /// What its file references are made with.
    pub(crate) secret: Vec<u8>,
    pub(crate) blob: Blob,
    pub(crate) date: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) mime: String,
    /// `Vector<DocumentAttribute>`
    pub(crate) attributes: Option<Vec<u8>>,
    pub(crate) thumb: Option<Thumb>,
}

impl File {
    /// A file of these bytes, not stored yet.
    pub(crate) fn new(photo: bool, blob: Blob, date: i32, mime: String) -> File {
        let access_hash = i64::from_le_bytes(random());
        let secret = random::<16>().to_vec();
        File { id: 0, photo, access_hash, secret, blob, date, width: 0, height: 0, mime, attributes: None, thumb: None }
    }
}

const COLUMNS: &str = "f.id, f.photo, f.access_hash, f.secret, f.date, f.width, f.height, f.mime, f.attributes,
    b.id, b.size, b.part_bytes, t.id, t.size, t.part_bytes, f.thumb_width, f.thumb_height
    FROM files f JOIN blobs b ON b.id = f.blob LEFT JOIN blobs t ON t.id = f.thumb";

/// Stores a file that nothing refers to yet: its id.
pub(crate) fn insert(db: &Db, file: &File) -> Result<i64> {
    let sql = "INSERT INTO files (photo, access_hash, secret, blob, date, width, height, mime, attributes, thumb,
               thumb_width, thumb_height, unused_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?5)";
    let f = file;
    let thumb = f.thumb.map(|thumb| thumb.blob.id);
    let (thumb_width, thumb_height) = (f.thumb.map(|thumb| thumb.width), f.thumb.map(|thumb| thumb.height));
    run(
        db,
        sql,
        params![
            f.photo,
            f.access_hash,
            f.secret,
            f.blob.id,
            f.date,
            f.width,
            f.height,
            f.mime,
            f.attributes,
            thumb,
            thumb_width,
            thumb_height
        ],
    )?;
    Ok(db.last_insert_rowid())
}

/// The photo or document with this id.
pub(crate) fn find(db: &Db, id: i64) -> Result<Option<File>> {
    one(db, &format!("SELECT {COLUMNS} WHERE f.id = ?1"), [id], read)
}

/// Notes which files a content shows, in place of those it showed before.
pub(super) fn set_content_files(db: &Db, content: i64, files: &[i64]) -> Result<()> {
    run(db, "DELETE FROM content_files WHERE content = ?1", [content])?;
    for file in files {
        run(db, "INSERT OR IGNORE INTO content_files (content, file) VALUES (?1, ?2)", [content, *file])?;
    }
    Ok(())
}

/// Ids of files as a content's row has them.
pub(super) fn ids_to_bytes(ids: &[i64]) -> Option<Vec<u8>> {
    (!ids.is_empty()).then(|| ids.iter().flat_map(|id| id.to_le_bytes()).collect())
}

/// The same, read.
pub(super) fn ids_from_bytes(bytes: Option<Vec<u8>>) -> Vec<i64> {
    bytes.unwrap_or_default().as_chunks::<8>().0.iter().map(|id| i64::from_le_bytes(*id)).collect()
}

/// Makes a file the photo of a peer, before those it had.
pub(crate) fn add_profile_photo(db: &Db, peer: i64, file: i64) -> Result<()> {
    run(db, "DELETE FROM profile_photos WHERE peer = ?1 AND file = ?2", [peer, file])?;
    run(db, "INSERT INTO profile_photos (peer, file) VALUES (?1, ?2)", [peer, file])?;
    Ok(())
}

/// Takes one of a peer's photos away: false if it is none of them.
pub(crate) fn remove_profile_photo(db: &Db, peer: i64, file: i64) -> Result<bool> {
    Ok(run(db, "DELETE FROM profile_photos WHERE peer = ?1 AND file = ?2", [peer, file])? == 1)
}

/// The photo a peer shows, by its id.
pub(crate) fn profile_photo(db: &Db, peer: i64) -> Result<Option<i64>> {
    let sql = "SELECT file FROM profile_photos WHERE peer = ?1 ORDER BY id DESC LIMIT 1";
    one(db, sql, [peer], |row| row.get(0))
}

/// Whether this is one of the peer's photos.
pub(crate) fn is_profile_photo(db: &Db, peer: i64, file: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM profile_photos WHERE peer = ?1 AND file = ?2";
    Ok(one(db, sql, [peer, file], |_| Ok(()))?.is_some())
}

/// The peer's photos with ids below `below`, the one shown first, and how many there are in all.
pub(crate) fn profile_photos(db: &Db, peer: i64, below: i64, offset: i64, limit: i64) -> Result<(Vec<File>, i32)> {
    let count = one(db, "SELECT COUNT(*) FROM profile_photos WHERE peer = ?1", [peer], |row| row.get(0))?.unwrap_or(0);
    let sql = format!(
        "SELECT {COLUMNS} JOIN profile_photos p ON p.file = f.id WHERE p.peer = ?1 AND f.id < ?2
         ORDER BY p.id DESC LIMIT ?3 OFFSET ?4"
    );
    Ok((all(db, &sql, [peer, below, limit, offset], read)?, count))
}

/// Removes what nothing refers to any more, at most [`SWEPT_MAX`] of each kind: the bytes to be taken off the disk.
/// Uploads go that were not touched since `touched_before`.
pub(crate) fn sweep(db: &Db, now: i32, touched_before: i32) -> Result<Vec<i64>> {
    let sql = "SELECT user, file_id, blob FROM uploads WHERE touched < ?1 ORDER BY touched LIMIT ?2";
    let stale: Vec<(i64, i64, i64)> =
        all(db, sql, params![touched_before, SWEPT_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut blobs = Vec::new();
    for (user, file_id, blob) in stale {
        run(db, "DELETE FROM uploads WHERE user = ?1 AND file_id = ?2", [user, file_id])?;
        blobs.push(blob);
    }
    let sql = "SELECT id, blob, thumb FROM files WHERE unused_since < ?1 ORDER BY unused_since LIMIT ?2";
    let unused: Vec<(i64, i64, Option<i64>)> =
        all(db, sql, params![now - UNUSED_LIFE_S, SWEPT_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (id, blob, thumb) in unused {
        run(db, "DELETE FROM files WHERE id = ?1", [id])?;
        blobs.extend([blob].into_iter().chain(thumb));
    }
    let mut gone = Vec::new();
    for blob in blobs {
        let sql = "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM uploads WHERE blob = ?1)
                   AND NOT EXISTS (SELECT 1 FROM files WHERE blob = ?1) AND NOT EXISTS (SELECT 1 FROM files WHERE thumb = ?1)";
        if run(db, sql, [blob])? == 1 {
            run(db, "DELETE FROM upload_parts WHERE blob = ?1", [blob])?;
            gone.push(blob);
        }
    }
    Ok(gone)
}

/// Whether anything is known of these bytes.
pub(super) fn blob_exists(db: &Db, id: i64) -> Result<bool> {
    Ok(one(db, "SELECT 1 FROM blobs WHERE id = ?1", [id], |_| Ok(()))?.is_some())
}

fn read(row: &Row<'_>) -> Result<File> {
    let thumb: Option<i64> = row.get(12)?;
    let thumb = match thumb {
        Some(id) => Some(Thumb {
            blob: Blob { id, size: row.get(13)?, part_bytes: row.get(14)? },
            width: row.get(15)?,
            height: row.get(16)?,
        }),
        None => None,
    };
    Ok(File {
        id: row.get(0)?,
        photo: row.get(1)?,
        access_hash: row.get(2)?,
        secret: row.get(3)?,
        date: row.get(4)?,
        width: row.get(5)?,
        height: row.get(6)?,
        mime: row.get(7)?,
        attributes: row.get(8)?,
        blob: Blob { id: row.get(9)?, size: row.get(10)?, part_bytes: row.get(11)? },
        thumb,
    })
}
