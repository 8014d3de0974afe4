//! What people send each other in a secret chat: plain data, the same whatever layer it is written in.
//!
//! Invariant: the key of a file is in no `Debug`.

use serde::{Deserialize, Serialize};

use crate::file::FileKey;

/// A message. Its random id is what both sides call it by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The text. A file's is its caption.
    pub text: String,
    /// What is special about parts of it.
    pub entities: Vec<Entity>,
    /// What comes with it.
    pub media: Option<Media>,
    /// The random id of the message that this one answers.
    pub reply_to: Option<i64>,
    /// By which bot it was made.
    pub via_bot: Option<String>,
    /// Messages with the same number are shown as one.
    pub grouped_id: Option<i64>,
    /// After how many seconds it is to vanish, once it was seen. 0: never.
    pub ttl_s: i32,
    /// Whether it makes no sound.
    pub is_silent: bool,
    /// Whether links in it are not to be shown as pages.
    pub has_no_preview: bool,
}

/// A part of a text, counted as Telegram does, in UTF-16.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub struct Entity {
    pub offset: i32,
    pub length: i32,
    pub kind: EntityKind,
}

/// What is special about a part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub enum EntityKind {
    Unknown,
    Mention,
    MentionName { user_id: i64 },
    Hashtag,
    Cashtag,
    BotCommand,
    Url,
    Email,
    Phone,
    Bold,
    Italic,
    Underline,
    Strike,
    Spoiler,
    Blockquote,
    Code,
    Pre { language: String },
    TextUrl { url: String },
    CustomEmoji { document_id: i64 },
}

/// What comes with a message.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub enum Media {
    Photo {
        file: File,
        w: i32,
        h: i32,
    },
    Video {
        file: File,
        mime_type: String,
        duration_s: i32,
        w: i32,
        h: i32,
    },
    Audio {
        file: File,
        mime_type: String,
        duration_s: i32,
    },
    Document {
        file: File,
        mime_type: String,
        attributes: Vec<Attribute>,
    },
    /// A file that is in no secret chat: a sticker, as a rule.
    ExternalDocument {
        id: i64,
        access_hash: i64,
        dc_id: i32,
        date: i32,
        size: u64,
        mime_type: String,
        attributes: Vec<Attribute>,
    },
    Geo {
        latitude: f64,
        longitude: f64,
    },
    Venue {
        latitude: f64,
        longitude: f64,
        title: String,
        address: String,
        provider: String,
        venue_id: String,
    },
    Contact {
        phone_number: String,
        first_name: String,
        last_name: String,
        user_id: i64,
    },
    WebPage {
        url: String,
    },
    /// Something that makes no sense: a file with a key that is none, for example.
    Unsupported,
}

/// A file, as far as the message knows of it. Where it is the data centre says.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// What it is encrypted with.
    pub key: FileKey,
    /// How many bytes it has, without padding.
    pub size: u64,
    /// A small picture of it.
    pub thumb: Option<Thumb>,
}

/// A small picture, whole: 90 by 90 at most, as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub struct Thumb {
    pub bytes: Vec<u8>,
    pub w: i32,
    pub h: i32,
}

/// What is known of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub enum Attribute {
    ImageSize {
        w: i32,
        h: i32,
    },
    Animated,
    FileName(String),
    Sticker {
        alt: String,
        set: Option<String>,
    },
    Video {
        duration_s: i32,
        w: i32,
        h: i32,
        is_round: bool,
    },
    Audio {
        duration_s: i32,
        is_voice: bool,
        title: Option<String>,
        performer: Option<String>,
        waveform: Option<Vec<u8>>,
    },
}

/// What people do in a chat beside writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// From now on messages vanish after so many seconds; 0: never.
    SetTtl(i32),
    /// Messages with these random ids were opened, and their time runs.
    Read(Vec<i64>),
    /// Messages with these random ids are to be deleted.
    Delete(Vec<i64>),
    /// A picture was taken of the screen.
    Screenshot(Vec<i64>),
    /// All messages are to be deleted.
    Flush,
    /// Somebody writes, or sends something, or has stopped to.
    Typing(bool),
}

impl Media {
    /// The file that comes with it, if one does.
    pub fn file(&self) -> Option<&File> {
        match self {
            Self::Photo { file, .. }
            | Self::Video { file, .. }
            | Self::Audio { file, .. }
            | Self::Document { file, .. } => Some(file),
            _ => None,
        }
    }
}

/// Where an encrypted file is, as the data centre says of one that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub struct EncryptedFile {
    pub id: i64,
    pub access_hash: i64,
    pub size: i64,
    pub dc_id: i32,
    pub key_fingerprint: i32,
}

/// Where an encrypted file is that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are what Telegram calls them")]
pub enum InputFile {
    /// It has just been uploaded. A big one has no checksum.
    Uploaded { id: i64, parts: i32, md5_checksum: Option<String> },
    /// It was sent before.
    Known { id: i64, access_hash: i64 },
}
