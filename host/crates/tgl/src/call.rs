//! What a script asks for, and what comes of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Dialog, Message, MessageId, Peer, PeerId};

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

/// One call of the script interface. The outcome that belongs to each is named beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "wit/v0.1/script.wit documents every call and argument, under the same names")]
pub enum Call {
    /// [`Outcome::Peers`]
    GetContacts,
    /// [`Outcome::Dialogs`]
    GetDialogs,
    /// [`Outcome::Peers`]
    AddContact { phone: String, first_name: String, last_name: String },
    /// [`Outcome::Done`]
    DeleteContact { user: PeerId },
    /// [`Outcome::Peer`]
    SetProfileName { first_name: String, last_name: String },
    /// [`Outcome::Done`]
    SetProfilePhoto { path: String },
    /// [`Outcome::Done`]
    SetPresence(Presence),
    /// [`Outcome::Message`]
    SendMessage { to: PeerId, text: String, reply_to: Option<MessageId>, preview: Option<bool> },
    /// [`Outcome::Message`]
    SendFile { to: PeerId, kind: FileKind, path: String },
    /// [`Outcome::Message`]
    SendLocation { to: PeerId, latitude: f64, longitude: f64 },
    /// [`Outcome::Message`]
    SendContact { to: PeerId, phone: String, first_name: String, last_name: String },
    /// [`Outcome::Message`]
    ForwardMessage { to: PeerId, id: MessageId },
    /// [`Outcome::Message`]
    ForwardMedia { to: PeerId, id: MessageId },
    /// [`Outcome::Done`]
    DeleteMessage { id: MessageId },
    /// [`Outcome::Done`]
    RestoreMessage { id: MessageId },
    /// [`Outcome::Done`]
    MarkRead { peer: PeerId },
    /// [`Outcome::Done`]
    SetTyping { peer: PeerId, state: TypingState },
    /// [`Outcome::Messages`]
    GetHistory { peer: PeerId, page: Page },
    /// [`Outcome::Messages`]
    SearchMessages { peer: Option<PeerId>, text: String, page: Page },
    /// [`Outcome::Peer`]
    GetPeerInfo { peer: PeerId },
    /// [`Outcome::File`]
    LoadFile { message: MessageId, part: FilePart },
    /// [`Outcome::Done`]
    CreateChat { users: Vec<PeerId>, title: String },
    /// [`Outcome::Done`]
    RenameChat { chat: PeerId, title: String },
    /// [`Outcome::Done`]
    SetChatPhoto { chat: PeerId, path: String },
    /// [`Outcome::Done`]
    AddChatUser { chat: PeerId, user: PeerId },
    /// [`Outcome::Done`]
    DeleteChatUser { chat: PeerId, user: PeerId },
    /// [`Outcome::Done`]
    JoinChatByLink { link: String },
    /// [`Outcome::Peer`]
    CreateSecretChat { user: PeerId },
    /// [`Outcome::Peer`]
    AcceptSecretChat { chat: PeerId },
    /// [`Outcome::Text`]
    RawQuery { text: String },
    /// A send that stays in a topic of its group, which is named by the message that began it. Guests have no word for it:
    /// the host says so of what a script sends while it answers a message of the topic.
    InTopic { topic: MessageId, send: Box<Call> },
}

impl Call {
    /// The conversation into which the call sends a message, if it does.
    pub fn destination(&self) -> Option<PeerId> {
        match self {
            Call::SendMessage { to, .. }
            | Call::SendFile { to, .. }
            | Call::SendLocation { to, .. }
            | Call::SendContact { to, .. }
            | Call::ForwardMessage { to, .. }
            | Call::ForwardMedia { to, .. } => Some(*to),
            Call::InTopic { send, .. } => send.destination(),
            _ => None,
        }
    }

    /// Whether the call is kept in the outbox and made again after a restart that came before its completion: true for
    /// calls that change something at the server and that do no harm when the server sees them twice (sends carry a
    /// random id that the server remembers; the others set a state).
    pub fn survives_restart(&self) -> bool {
        match self {
            Call::SendMessage { .. }
            | Call::SendFile { .. }
            | Call::SendLocation { .. }
            | Call::SendContact { .. }
            | Call::ForwardMessage { .. }
            | Call::ForwardMedia { .. }
            | Call::DeleteMessage { .. }
            | Call::MarkRead { .. }
            | Call::AddContact { .. }
            | Call::DeleteContact { .. }
            | Call::SetProfileName { .. }
            | Call::SetProfilePhoto { .. }
            | Call::RenameChat { .. }
            | Call::SetChatPhoto { .. }
            | Call::AddChatUser { .. }
            | Call::DeleteChatUser { .. } => true,
            Call::InTopic { send, .. } => send.survives_restart(),
            Call::GetContacts
            | Call::GetDialogs
            | Call::SetPresence(_)
            | Call::RestoreMessage { .. }
            | Call::SetTyping { .. }
            | Call::GetHistory { .. }
            | Call::SearchMessages { .. }
            | Call::GetPeerInfo { .. }
            | Call::LoadFile { .. }
            | Call::CreateChat { .. }
            | Call::JoinChatByLink { .. }
            | Call::CreateSecretChat { .. }
            | Call::AcceptSecretChat { .. }
            | Call::RawQuery { .. } => false,
        }
    }
}

/// A call on its way to the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub script: ScriptName,
    /// The guest's name for the call; 0 where the guest that made it is gone and nobody waits for the completion.
    pub id: RequestId,
    /// Made once, kept over every try: by it the server knows a send it has seen already.
    pub random_id: i64,
    /// What is asked for.
    pub call: Call,
}

impl Request {
    /// A new request, with a random id of its own.
    pub fn new(script: ScriptName, id: RequestId, call: Call) -> Self {
        let random = getrandom::u64().expect("the system has random numbers");
        Self { script, id, random_id: random.cast_signed(), call }
    }
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
