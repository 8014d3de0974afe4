//! The vocabulary of tglhost: what scripts, the host and Telegram tell each other, as plain data. The same shapes stand in
//! `wit/`, item for item.
//!
//! Invariant: everything here is a value (serde, no I/O), so that who speaks may live in another process than who listens.

mod bounds;
mod call;
mod calls;
mod event;
mod grants;
mod limits;
mod message;
mod peer;

pub use bounds::{NAME_UNITS_MAX, PEERS_MAX, TEXT_UNITS_MAX, TITLE_UNITS_MAX};
pub use call::{
    CallError, Completion, Failure, FileKind, FilePart, Outcome, Page, Presence, Request, RequestId, ScriptName,
    TypingState,
};
pub use calls::{Again, Call, Conversation, Names};
pub use event::{AccountState, Changes, Connection, Event};
pub use grants::{
    CHATS_LISTED_MAX, CallGroup, ChatKind, ChatWord, Chats, Giver, Grants, METHODS_LISTED_MAX, UnknownName,
};
pub use limits::{Limit, LimitCounts, LimitMeter, LimitRow, Limits};
pub use message::{
    ContactCard, Dialog, Forward, GeoPoint, Media, Message, MessageFlags, MessageId, ServiceAction, Venue, WebPage,
};
pub use peer::{Group, Peer, PeerDetails, PeerId, PeerKind, SecretChat, User, UserStatus};

/// Seconds since 1970-01-01 UTC.
pub type Timestamp = i64;
