//! What is pleasant to ask of the types that come from the contract.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::calls::send_message;
use crate::{CallError, Failure, Message, MessageFlags, Peer, PeerDetails, PeerId, PeerKind, SendMessage};

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

    /// The secret chat with this id.
    pub const fn secret_chat(id: i64) -> Self {
        Self { kind: PeerKind::SecretChat, id }
    }
}

impl Eq for PeerId {}

impl Hash for PeerId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind as u8, self.id).hash(state);
    }
}

impl Peer {
    /// What names this peer within the account.
    pub fn id(&self) -> PeerId {
        match &self.details {
            PeerDetails::User(user) => PeerId::user(user.id),
            PeerDetails::Chat(group) => PeerId::chat(group.id),
            PeerDetails::Channel(group) => PeerId::channel(group.id),
            PeerDetails::SecretChat(chat) => PeerId::secret_chat(chat.id),
        }
    }
}

impl From<&Peer> for PeerId {
    fn from(peer: &Peer) -> Self {
        peer.id()
    }
}

impl Message {
    /// Whether this account sent it.
    pub fn is_outgoing(&self) -> bool {
        self.flags.contains(MessageFlags::OUTGOING)
    }

    /// The conversation it stands in: the other side of a private chat, else the group or channel. `None` where the host
    /// does not know it.
    pub fn chat(&self) -> Option<&Peer> {
        let private = matches!(self.destination.as_ref()?.details, PeerDetails::User(_));
        if private && !self.is_outgoing() { self.source.as_ref() } else { self.destination.as_ref() }
    }

    /// A message to the conversation this one stands in, as an answer to it. Ends in [`Failure::NotFound`] where
    /// [`chat`](Message::chat) is `None`.
    pub fn reply<'a>(&self, text: &'a str) -> SendMessage<'a> {
        send_message(self.chat().map_or(NOBODY, Peer::id), text).reply_to(self.id)
    }
}

/// No user has this id: a call that names it comes back with [`Failure::NotFound`].
const NOBODY: PeerId = PeerId::user(0);

impl CallError {
    /// An error of this kind, in these words.
    pub(crate) fn new(kind: Failure, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Failure::NotGranted => "not granted",
            Failure::LimitReached => "limit reached",
            Failure::NotFound => "not found",
            Failure::Refused => "refused by Telegram",
            Failure::Unavailable => "not connected",
            Failure::Invalid => "invalid",
        };
        write!(f, "{kind}: {}", self.detail)
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, ServiceAction, User, UserStatus};

    fn person(id: i64) -> Peer {
        let status = UserStatus { online: false, when: 0 };
        let user = User { id, first_name: None, last_name: None, username: None, phone: None, status };
        Peer { name: format!("user#{id}"), details: PeerDetails::User(user) }
    }

    fn group(id: i64) -> Peer {
        let group = Group { id, title: "Us".into(), username: None, member_ids: vec![] };
        Peer { name: "Us".into(), details: PeerDetails::Chat(group) }
    }

    fn message(flags: MessageFlags, source: Option<Peer>, destination: Option<Peer>) -> Message {
        Message {
            id: 1,
            flags,
            source,
            destination,
            text: Some("hello".into()),
            media: None,
            date: 0,
            forward: None,
            reply_to: None,
            action: ServiceAction::None,
        }
    }

    #[test]
    fn the_chat_of_a_message_is_where_an_answer_belongs() {
        let (me, you) = (person(1), person(2));
        let (none, out) = (MessageFlags::empty(), MessageFlags::OUTGOING);
        let cases = [
            ("private, received", none, Some(you.clone()), Some(me.clone()), Some(PeerId::user(2))),
            ("private, sent", out, Some(me.clone()), Some(you.clone()), Some(PeerId::user(2))),
            ("to oneself", out, Some(me.clone()), Some(me.clone()), Some(PeerId::user(1))),
            ("group, received", none, Some(you.clone()), Some(group(7)), Some(PeerId::chat(7))),
            ("group, sent", out, Some(me.clone()), Some(group(7)), Some(PeerId::chat(7))),
            ("unknown sender", none, None, Some(me.clone()), None),
            ("unknown destination", none, Some(you.clone()), None, None),
        ];
        for (name, flags, source, destination, expected) in cases {
            assert_eq!(message(flags, source, destination).chat().map(Peer::id), expected, "{name}");
        }
    }

    #[test]
    fn an_error_reads_well() {
        let error = CallError::new(Failure::Refused, "PEER_FLOOD");
        assert_eq!(error.to_string(), "refused by Telegram: PEER_FLOOD");
    }
}
