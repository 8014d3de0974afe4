//! What calls are made of, how they go to the account, and what comes of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Call, Dialog, Message, Peer};

/// Names one call of one guest. Never 0.
pub type RequestId = u64;

/// Names a script within its account: its file's name. Cheap to clone.
pub type ScriptName = Arc<str>;

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// As a photo.
    Photo,
    /// As a video.
    Video,
    /// As an audio track.
    Audio,
    /// As a plain file.
    Document,
    /// By the file's type.
    Detect,
    /// Its content as a text message.
    Text,
}

/// What of a message's media to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FilePart {
    Photo,
    Video,
    Audio,
    Document,
    VideoThumbnail,
    DocumentThumbnail,
}

/// What a typing notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypingState {
    /// We are typing.
    Typing,
    /// We stopped.
    Cancelled,
}

/// What others see of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Presence {
    Online,
    Offline,
}

/// A stretch of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// How many to skip.
    pub offset: u32,
    /// How many to give at most.
    pub limit: u32,
}

/// A call on its way to the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The guest's name for the call; 0 where the guest that made it is gone and nobody waits for the completion.
    pub id: RequestId,
    /// Made once, kept over every try: by it the server knows a send it has seen already.
    pub random_id: i64,
    /// What is asked for.
    pub call: Call,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
#[allow(clippy::large_enum_variant, reason = "one outcome is moved at a time")]
pub enum Outcome {
    Done,
    Message(Message),
    Messages(Vec<Message>),
    Peer(Peer),
    Peers(Vec<Peer>),
    Dialogs(Vec<Dialog>),
    /// An absolute path in the script's own folders.
    File(String),
    Text(String),
}

/// Why a call failed, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The script's grants do not allow it.
    NotGranted,
    /// A limit of the script is reached.
    LimitReached,
    /// Unknown peer or message, or no media where media is asked for.
    NotFound,
    /// Telegram refused; the detail is Telegram's own error name.
    Refused,
    /// Not connected, and the call cannot wait any longer.
    Unavailable,
    /// What was asked makes no sense.
    Invalid,
}

/// Why a call failed, and in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// For programs.
    pub kind: Failure,
    /// For people; for [`Failure::Refused`] Telegram's own error name.
    pub detail: String,
}

impl CallError {
    /// An error of this kind.
    pub fn new(kind: Failure, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// The end of a call, on its way back to the script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The request's [`Request::id`].
    pub id: RequestId,
    /// What came of it.
    pub result: Result<Outcome, CallError>,
    /// The inbox holds what the call caused up to this sequence number: a script hears of it before the completion.
    pub after_seq: u64,
}
