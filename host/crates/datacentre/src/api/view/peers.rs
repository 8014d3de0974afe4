//! Users and chats that must come along with an answer or an update.
//!
//! Invariant: whoever a message names is among them.

use std::collections::BTreeSet;

use grammers_tl_types as tl;
use tl::enums;

use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::view;
use crate::model::Peer;

/// Users and chats that must come along with an answer or an update.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Peers {
    users: BTreeSet<i64>,
    chats: BTreeSet<i64>,
    channels: BTreeSet<i64>,
}

impl Peers {
    /// With this user.
    pub(in crate::api) fn with_user(mut self, id: i64) -> Peers {
        self.users.insert(id);
        self
    }

    /// With these users.
    pub(in crate::api) fn with_users(mut self, ids: impl IntoIterator<Item = i64>) -> Peers {
        self.users.extend(ids);
        self
    }

    /// With this peer.
    pub(in crate::api) fn with(mut self, peer: Peer) -> Peers {
        self.add(peer);
        self
    }

    /// Adds a peer.
    pub(in crate::api) fn add(&mut self, peer: Peer) {
        match peer {
            Peer::User(id) => self.users.insert(id),
            Peer::Chat(id) => self.chats.insert(id),
            Peer::Channel(id) => self.channels.insert(id),
        };
    }

    /// Adds users.
    pub(in crate::api) fn add_users(&mut self, ids: impl IntoIterator<Item = i64>) {
        self.users.extend(ids);
    }

    /// Adds whom a TL object names.
    pub(in crate::api) fn add_tl(&mut self, peer: &enums::Peer) {
        match peer {
            enums::Peer::User(user) => self.add(Peer::User(user.user_id)),
            enums::Peer::Chat(chat) => self.add(Peer::Chat(chat.chat_id)),
            enums::Peer::Channel(channel) => self.add(Peer::Channel(channel.channel_id)),
        }
    }

    /// Adds whom a message names: its chat, sender, origin, mentions, and those a service message is about.
    pub(in crate::api) fn add_message(&mut self, message: &enums::Message) {
        match message {
            enums::Message::Message(message) => {
                self.add_tl(&message.peer_id);
                message.from_id.iter().for_each(|peer| self.add_tl(peer));
                if let Some(enums::MessageFwdHeader::Header(origin)) = &message.fwd_from {
                    origin.from_id.iter().chain(&origin.saved_from_peer).for_each(|peer| self.add_tl(peer));
                }
                if let Some(enums::MessageMedia::Contact(contact)) = &message.media
                    && contact.user_id != 0
                {
                    self.users.insert(contact.user_id);
                }
                for entity in message.entities.iter().flatten() {
                    if let enums::MessageEntity::MentionName(mention) = entity {
                        self.users.insert(mention.user_id);
                    }
                }
            }
            enums::Message::Service(service) => {
                self.add_tl(&service.peer_id);
                service.from_id.iter().for_each(|peer| self.add_tl(peer));
                match &service.action {
                    enums::MessageAction::ChatCreate(action) => self.users.extend(&action.users),
                    enums::MessageAction::ChatAddUser(action) => self.users.extend(&action.users),
                    enums::MessageAction::ChatDeleteUser(action) => self.add(Peer::User(action.user_id)),
                    enums::MessageAction::ChatJoinedByLink(action) => self.add(Peer::User(action.inviter_id)),
                    enums::MessageAction::ChatMigrateTo(action) => self.add(Peer::Channel(action.channel_id)),
                    enums::MessageAction::ChannelMigrateFrom(action) => self.add(Peer::Chat(action.chat_id)),
                    _ => {}
                }
            }
            enums::Message::Empty(_) => {}
        }
    }

    /// Whom these messages name.
    pub(in crate::api) fn of_messages(messages: &[enums::Message]) -> Peers {
        let mut peers = Peers::default();
        messages.iter().for_each(|message| peers.add_message(message));
        peers
    }

    pub(in crate::api) fn has_user(&self, id: i64) -> bool {
        self.users.contains(&id)
    }

    /// All of them, as `viewer` may see them.
    pub(in crate::api) fn render(
        &self,
        context: &Context<'_>,
        viewer: i64,
    ) -> Answer<(Vec<enums::User>, Vec<enums::Chat>)> {
        let users = self.users.iter().map(|id| view::user_by_id(context, viewer, *id)).collect::<Answer<_>>()?;
        let chats = self.chats.iter().map(|id| view::chat_by_id(context, viewer, *id));
        let channels = self.channels.iter().map(|id| super::channels::channel(context, viewer, *id));
        Ok((users, chats.chain(channels).collect::<Answer<_>>()?))
    }
}

/// The TL form of a peer.
pub(in crate::api) fn to_tl(peer: Peer) -> enums::Peer {
    match peer {
        Peer::User(user_id) => tl::types::PeerUser { user_id }.into(),
        Peer::Chat(chat_id) => tl::types::PeerChat { chat_id }.into(),
        Peer::Channel(channel_id) => tl::types::PeerChannel { channel_id }.into(),
    }
}
