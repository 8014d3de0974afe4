//! Where the server keeps the photo or file of a message.
//!
//! Invariant: it lives and goes with its message.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use tgl::MessageId;

use crate::{AccountStore, Batch, StoreError};

/// What the server calls it: <https://core.telegram.org/api/files#downloading-files>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MediaKind {
    Photo,
    Document,
}

/// A photo or file at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFile {
    /// What the server calls it.
    pub kind: MediaKind,
    /// Its number there.
    pub id: i64,
    /// Goes with the number.
    pub access_hash: i64,
    /// Says where we have it from; expires: <https://core.telegram.org/api/file_reference>.
    #[serde(with = "hex::serde")]
    pub reference: Vec<u8>,
    /// The data centre that has it.
    pub dc_id: i32,
    /// Its length; of a photo, that of its largest size.
    pub bytes: u64,
    /// Its type, "image/jpeg" for example.
    pub mime: String,
    /// What its sender called it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Of a photo its largest size, of a file its largest thumbnail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
}

/// One size of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The server's letter for it: <https://core.telegram.org/api/files#image-thumbnail-types>.
    pub size: String,
    /// Its length.
    pub bytes: u64,
}

impl AccountStore {
    /// Where the server keeps the message's photo or file. None as well where the message is from before this was kept.
    pub fn media(&self, id: MessageId) -> Result<Option<MediaFile>, StoreError> {
        self.0.read(|db| {
            let found: Option<Option<String>> = db
                .prepare_cached("SELECT media FROM message WHERE id = ?1 AND standing <> 1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            Ok(found.flatten().map(|media| serde_json::from_str(&media)).transpose()?)
        })
    }
}

impl Batch<'_> {
    /// Keeps where the server has the photo or file of a message that is kept, until [`Batch::put_message`] replaces it.
    pub fn put_media(&mut self, id: MessageId, media: &MediaFile) -> Result<(), StoreError> {
        self.run(|db| {
            let media = serde_json::to_string(media)?;
            db.prepare_cached("UPDATE message SET media = ?2 WHERE id = ?1")?.execute((id, media))?;
            Ok(())
        })
    }
}
