//! Messages and what they carry.

use serde::{Deserialize, Serialize};

use crate::{Peer, PeerId, Timestamp};

/// A message of one account. Opaque: a server id for private chats and basic groups, an id of the host's for channels
/// and secret chats.
pub type MessageId = i64;

/// Degrees; north and east are positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoPoint {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}

/// A contact's card sent as a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    /// As the sender wrote it.
    pub phone: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// 0 where the phone number belongs to no known user.
    pub user_id: i64,
}

/// The preview of a page whose address stands in the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebPage {
    /// Its address.
    pub url: String,
    /// None where the page has none.
    pub title: Option<String>,
    /// None where the page has none.
    pub description: Option<String>,
    /// None where the page has none.
    pub author: Option<String>,
}

/// A place with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Venue {
    /// Where it is.
    pub point: GeoPoint,
    /// Its name.
    pub title: String,
    /// Its address.
    pub address: String,
    /// Who knows it, "foursquare" for example.
    pub provider: String,
    /// Its id there.
    pub id: String,
}

/// What a message carries beside its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Media {
    /// A photo and its caption.
    Photo(Option<String>),
    /// A file of any other kind.
    Document,
    /// A point on the map.
    Geo(GeoPoint),
    /// Somebody's card.
    Contact(ContactCard),
    /// A link's preview.
    WebPage(WebPage),
    /// A place with a name.
    Venue(Venue),
    /// Something this version has no word for.
    Unsupported,
}

/// Facts about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFlags {
    /// Not read yet: by us if it came in, by the other side if it went out.
    pub unread: bool,
    /// Sent by this account.
    pub outgoing: bool,
    /// It mentions this account.
    pub mention: bool,
    /// It is known here with all its content.
    pub created: bool,
    /// On its way to the server.
    pub pending: bool,
    /// Deleted.
    pub deleted: bool,
    /// Of a secret chat.
    pub encrypted: bool,
    /// Tells of an event in the chat; see [`Message::action`].
    pub service: bool,
}

/// What a service message tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each case is telegram-cli's ACTION_ constant of the same name")]
pub enum ServiceAction {
    /// An ordinary message.
    #[default]
    None,
    ChatCreate,
    ChatEditTitle,
    ChatEditPhoto,
    ChatDeletePhoto,
    ChatAddUser,
    ChatAddUserByLink,
    ChatDeleteUser,
    SetMessageTtl,
    ReadMessages,
    DeleteMessages,
    ScreenshotMessages,
    FlushHistory,
    Resend,
    NotifyLayer,
    Typing,
    Noop,
    CommitKey,
    AbortKey,
    RequestKey,
    AcceptKey,
}

/// Where a forwarded message was first written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// None where its author hides.
    pub source: Option<PeerId>,
    /// When it was first written.
    pub date: Timestamp,
}

/// A snapshot of one message. It names its peers, of whom more is known to whoever keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Names it within the account.
    pub id: MessageId,
    /// Facts about it.
    pub flags: MessageFlags,
    /// Who wrote it; none for a channel's own posts.
    pub source: Option<PeerId>,
    /// The receiving user of a private chat, else the group or channel.
    pub destination: PeerId,
    /// None for service messages and media without a caption.
    pub text: Option<String>,
    /// What it carries.
    pub media: Option<Media>,
    /// When it was sent.
    pub date: Timestamp,
    /// Where it comes from, if forwarded.
    pub forward: Option<Forward>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// What it tells, if it is a service message.
    pub action: ServiceAction,
}

/// One conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialog {
    /// With whom.
    pub peer: Peer,
    /// None where the host does not have it.
    pub last_message: Option<Message>,
    /// Messages not read yet.
    pub unread_count: u32,
}
