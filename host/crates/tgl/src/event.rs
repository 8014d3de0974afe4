//! What happens to an account.

use serde::{Deserialize, Serialize};

use crate::{Message, Peer};

/// What changed about a user, chat or secret chat. The names are telegram-cli's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is telegram-cli's word for the change")]
pub struct Changes {
    pub created: bool,
    pub deleted: bool,
    pub phone: bool,
    pub contact: bool,
    pub photo: bool,
    pub blocked: bool,
    pub real_name: bool,
    pub name: bool,
    pub requested: bool,
    pub working: bool,
    pub flags: bool,
    pub title: bool,
    pub admin: bool,
    pub members: bool,
    pub access_hash: bool,
    pub username: bool,
}

/// Something that a script hears of. Events are kept in the account's inbox until each of its scripts has handled them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "nearly every event is a message, the largest")]
pub enum Event {
    /// A message new to this account, its own included.
    Message(Message),
    /// A user became known or changed.
    UserUpdate {
        /// As it is now.
        user: Peer,
        /// What is new.
        what: Changes,
    },
    /// A chat became known or changed.
    ChatUpdate {
        /// As it is now.
        chat: Peer,
        /// What is new.
        what: Changes,
    },
    /// A secret chat became known or changed.
    SecretChatUpdate {
        /// As it is now.
        chat: Peer,
        /// What is new.
        what: Changes,
    },
}

/// How an account stands with its data centre.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// On the way to it; this is where every account begins.
    #[default]
    Connecting,
    /// Connected, logged in and up to date.
    Online,
    /// Not reachable; tried again with back-off. The text says why, once per outage.
    Waiting(String),
    /// The authorisation is gone (logged out or revoked): only a new login helps. The text says why.
    LoggedOut(String),
}

/// What an account's scripts need to know of it at any moment. Published on a watch channel, latest value wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// The user that is logged in.
    pub our_id: Option<i64>,
    /// The inbox ended here when the account was started: what is before was left from an earlier run.
    pub begun_seq: u64,
    /// The inbox has been written up to this sequence number.
    pub inbox_seq: u64,
    /// Set once the first difference since the start has been fetched: what was missed ends at this sequence number.
    pub difference_end_seq: Option<u64>,
    /// More was missed than is looked up: some of it will not come.
    pub is_missed_cut: bool,
    /// Calls that had to wait because the data centre wanted it, since the account was started.
    pub flood_waits: u64,
    /// How the account stands.
    pub connection: Connection,
}
