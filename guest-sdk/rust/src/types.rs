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

    /// The conversation it stands in: the other side of a private chat, else the group or channel.
    pub fn chat(&self) -> PeerId {
        match self.source {
            Some(source) if self.destination.kind == PeerKind::User && !self.is_outgoing() => source,
            _ => self.destination,
        }
    }

    /// A message to the conversation this one stands in, as an answer to it.
    pub fn reply<'a>(&self, text: &'a str) -> SendMessage<'a> {
        send_message(self.chat(), text).reply_to(self.id)
    }
}

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
    use crate::ServiceAction;

    fn message(flags: MessageFlags, source: Option<PeerId>, destination: PeerId) -> Message {
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
        let (me, you, group, channel) = (PeerId::user(1), PeerId::user(2), PeerId::chat(7), PeerId::channel(8));
        let (none, out) = (MessageFlags::empty(), MessageFlags::OUTGOING);
        let cases = [
            ("private, received", none, Some(you), me, you),
            ("private, sent", out, Some(me), you, you),
            ("to oneself", out, Some(me), me, me),
            ("group, received", none, Some(you), group, group),
            ("group, sent", out, Some(me), group, group),
            ("a channel's post", none, None, channel, channel),
        ];
        for (name, flags, source, destination, expected) in cases {
            assert_eq!(message(flags, source, destination).chat(), expected, "{name}");
        }
    }

    #[test]
    fn an_error_reads_well() {
        let error = CallError::new(Failure::Refused, "PEER_FLOOD");
        assert_eq!(error.to_string(), "refused by Telegram: PEER_FLOOD");
    }
}
