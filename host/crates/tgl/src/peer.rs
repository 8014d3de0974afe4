//! Who messages come from and go to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PeerKind {
    /// A person or a bot.
    User,
    /// A basic group.
    Chat,
    /// A supergroup or a channel.
    Channel,
    /// An end-to-end encrypted chat.
    SecretChat,
}

/// Names a peer within one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerId {
    /// What it is.
    pub kind: PeerKind,
    /// Telegram's bare id: positive for users, chats and channels.
    pub id: i64,
}

impl PeerId {
    /// The user with this id.
    pub const fn user(id: i64) -> Self {
        Self { kind: PeerKind::User, id }
    }

    /// The basic group with this id.
    pub const fn chat(id: i64) -> Self {
        Self { kind: PeerKind::Chat, id }
    }

    /// The supergroup or channel with this id.
    pub const fn channel(id: i64) -> Self {
        Self { kind: PeerKind::Channel, id }
    }
}

/// As telegram-cli names it: `user#5`, `chat#7`, `channel#9`.
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PeerKind::User => "user",
            PeerKind::Chat => "chat",
            PeerKind::Channel => "channel",
            PeerKind::SecretChat => "encr_chat",
        };
        write!(f, "{kind}#{}", self.id)
    }
}

/// Whether a user is online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserStatus {
    /// Online now.
    pub online: bool,
    /// The moment it ends, or the moment the user was last seen; 0 if not known.
    pub when: Timestamp,
}

/// A person or a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Telegram's id.
    pub id: i64,
    /// None for a deleted account.
    pub first_name: Option<String>,
    /// None where there is none.
    pub last_name: Option<String>,
    /// Without '@'.
    pub username: Option<String>,
    /// Without '+'. Known for contacts and oneself only.
    pub phone: Option<String>,
    /// Online or last seen.
    pub status: UserStatus,
}

/// A basic group, a supergroup or a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Telegram's bare id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Without '@'.
    pub username: Option<String>,
    /// Empty until the members were asked for.
    pub member_ids: Vec<i64>,
}

/// An end-to-end encrypted chat with one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretChat {
    /// Telegram's id of the chat.
    pub id: i64,
    /// The other side.
    pub user: User,
}

/// What there is to know about a peer, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerDetails {
    /// A person or a bot.
    User(User),
    /// A basic group.
    Chat(Group),
    /// A supergroup or a channel.
    Channel(Group),
    /// An end-to-end encrypted chat.
    SecretChat(SecretChat),
}

/// A snapshot of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// telegram-cli's print name: unique within the account, blanks as '_'.
    pub name: String,
    /// The rest, by kind.
    pub details: PeerDetails,
}

impl Peer {
    /// What names this peer within its account.
    pub fn id(&self) -> PeerId {
        match &self.details {
            PeerDetails::User(user) => PeerId::user(user.id),
            PeerDetails::Chat(group) => PeerId::chat(group.id),
            PeerDetails::Channel(group) => PeerId::channel(group.id),
            PeerDetails::SecretChat(chat) => PeerId { kind: PeerKind::SecretChat, id: chat.id },
        }
    }
}
