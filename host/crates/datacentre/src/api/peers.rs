//! From what clients send to name users and chats, to what is stored; and the set of those an answer speaks of.
//!
//! Invariant: a user is reached only with the access hash made for the caller, a chat only by who is or was in it.

use std::collections::BTreeSet;

use grammers_tl_types as tl;
use tl::enums;

use super::channels::access;
use super::context::Context;
use super::error::{Answer, bad_request, forbidden};
use super::render;
use crate::model::chats::{self, Chat, Standing};
use crate::model::messages::{self, Message};
use crate::model::users::{self, User};
use crate::model::{Peer, dialogs, members, posts};

/// Users and chats that must come along with an answer or an update.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    users: BTreeSet<i64>,
    chats: BTreeSet<i64>,
    channels: BTreeSet<i64>,
}

impl Peers {
    /// With this user.
    pub(super) fn with_user(mut self, id: i64) -> Peers {
        self.users.insert(id);
        self
    }

    /// With these users.
    pub(super) fn with_users(mut self, ids: impl IntoIterator<Item = i64>) -> Peers {
        self.users.extend(ids);
        self
    }

    /// With this peer.
    pub(super) fn with(mut self, peer: Peer) -> Peers {
        self.add(peer);
        self
    }

    /// Adds a peer.
    pub(super) fn add(&mut self, peer: Peer) {
        match peer {
            Peer::User(id) => self.users.insert(id),
            Peer::Chat(id) => self.chats.insert(id),
            Peer::Channel(id) => self.channels.insert(id),
        };
    }

    /// Adds users.
    pub(super) fn add_users(&mut self, ids: impl IntoIterator<Item = i64>) {
        self.users.extend(ids);
    }

    /// Adds whom a TL object names.
    pub(super) fn add_tl(&mut self, peer: &enums::Peer) {
        match peer {
            enums::Peer::User(user) => self.add(Peer::User(user.user_id)),
            enums::Peer::Chat(chat) => self.add(Peer::Chat(chat.chat_id)),
            enums::Peer::Channel(channel) => self.add(Peer::Channel(channel.channel_id)),
        }
    }

    /// Adds whom a message names: its chat, sender, origin, mentions, and those a service message is about.
    pub(super) fn add_message(&mut self, message: &enums::Message) {
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
    pub(super) fn of_messages(messages: &[enums::Message]) -> Peers {
        let mut peers = Peers::default();
        messages.iter().for_each(|message| peers.add_message(message));
        peers
    }

    /// All of them, as `viewer` may see them.
    pub(super) fn render(&self, context: &Context<'_>, viewer: i64) -> Answer<(Vec<enums::User>, Vec<enums::Chat>)> {
        let users = self.users.iter().map(|id| render::user_by_id(context, viewer, *id)).collect::<Answer<_>>()?;
        let chats = self.chats.iter().map(|id| render::chat_by_id(context, viewer, *id));
        let channels = self.channels.iter().map(|id| render::channel_by_id(context, viewer, *id));
        Ok((users, chats.chain(channels).collect::<Answer<_>>()?))
    }
}

/// The user an `InputUser` names: <https://core.telegram.org/type/InputUser>.
pub(super) fn user(context: &Context<'_>, input: &enums::InputUser) -> Answer<User> {
    let id = match input {
        enums::InputUser::UserSelf => context.me,
        enums::InputUser::User(user) => checked(context, user.user_id, user.access_hash, "USER_ID_INVALID")?,
        enums::InputUser::FromMessage(seen) => seen_user(context, &seen.peer, seen.msg_id, seen.user_id)?,
        enums::InputUser::Empty => return Err(bad_request("USER_ID_INVALID")),
    };
    users::find(context.db, id)?.ok_or_else(|| bad_request("USER_ID_INVALID"))
}

/// The peer an `InputPeer` names: <https://core.telegram.org/type/InputPeer>.
pub(super) fn peer(context: &Context<'_>, input: &enums::InputPeer) -> Answer<Peer> {
    match input {
        enums::InputPeer::PeerSelf => Ok(Peer::User(context.me)),
        enums::InputPeer::User(user) => {
            let id = checked(context, user.user_id, user.access_hash, "PEER_ID_INVALID")?;
            let known = users::find(context.db, id)?.is_some();
            if known { Ok(Peer::User(id)) } else { Err(bad_request("PEER_ID_INVALID")) }
        }
        enums::InputPeer::Chat(chat) => match chats::member(context.db, chat.chat_id, context.me)? {
            Some(_) => Ok(Peer::Chat(chat.chat_id)),
            None => Err(bad_request("PEER_ID_INVALID")),
        },
        enums::InputPeer::UserFromMessage(seen) => {
            Ok(Peer::User(seen_user(context, &seen.peer, seen.msg_id, seen.user_id)?))
        }
        enums::InputPeer::Channel(named) => {
            Ok(access::by_hash(context, named.channel_id, named.access_hash)?.channel.peer())
        }
        enums::InputPeer::ChannelFromMessage(_) => Err(bad_request("CHANNEL_INVALID")),
        enums::InputPeer::Empty => Err(bad_request("PEER_ID_INVALID")),
    }
}

/// The same, but of those whose messages lie in the caller's own box: `channels.*` is for the others.
pub(super) fn own_box_peer(context: &Context<'_>, input: &enums::InputPeer) -> Answer<Peer> {
    match peer(context, input)? {
        Peer::Channel(_) => Err(bad_request("PEER_ID_INVALID")),
        peer => Ok(peer),
    }
}

/// The peer an `InputDialogPeer` names.
pub(super) fn dialog_peer(context: &Context<'_>, input: &enums::InputDialogPeer) -> Answer<Peer> {
    match input {
        enums::InputDialogPeer::Peer(dialog) => peer(context, &dialog.peer),
        _ => Err(bad_request("PEER_ID_INVALID")),
    }
}

/// A group the caller is or was in.
pub(super) fn chat(context: &Context<'_>, id: i64) -> Answer<Chat> {
    if chats::member(context.db, id, context.me)?.is_none() {
        return Err(bad_request("CHAT_ID_INVALID"));
    }
    chats::find(context.db, id)?.ok_or_else(|| bad_request("CHAT_ID_INVALID"))
}

/// A group the caller is a member of now.
pub(super) fn own_chat(context: &Context<'_>, id: i64) -> Answer<Chat> {
    let chat = chat(context, id)?;
    if !is_member(context, id, context.me)? {
        return Err(forbidden("CHAT_WRITE_FORBIDDEN"));
    }
    Ok(chat)
}

/// Whether this user is a member of the group now.
pub(super) fn is_member(context: &Context<'_>, chat: i64, user: i64) -> Answer<bool> {
    Ok(chats::member(context.db, chat, user)?.is_some_and(|member| member.standing == Standing::Member))
}

/// The message with this id that the caller has with this peer.
pub(super) fn message(context: &Context<'_>, peer: Peer, id: i32) -> Answer<Message> {
    find_message(context, peer, id)?.ok_or_else(|| bad_request("MESSAGE_ID_INVALID"))
}

/// The message with this id, if the caller has one with this peer.
pub(super) fn find_message(context: &Context<'_>, peer: Peer, id: i32) -> Answer<Option<Message>> {
    Ok(match peer {
        Peer::Channel(channel) => posts::find(context.db, channel, id, context.me)?,
        _ => messages::find(context.db, context.me, id)?.filter(|message| message.peer == peer),
    })
}

/// The TL form of a peer.
pub(super) fn to_tl(peer: Peer) -> enums::Peer {
    match peer {
        Peer::User(user_id) => tl::types::PeerUser { user_id }.into(),
        Peer::Chat(chat_id) => tl::types::PeerChat { chat_id }.into(),
        Peer::Channel(channel_id) => tl::types::PeerChannel { channel_id }.into(),
    }
}

fn checked(context: &Context<'_>, id: i64, access_hash: i64, error: &str) -> Answer<i64> {
    let right = access_hash == context.model.access_hash(context.me, id);
    // Bots may name without a hash whom they have met: https://core.telegram.org/api/peers
    if id == context.me || right || (context.bot && access_hash == 0 && has_met(context, id)?) {
        Ok(id)
    } else {
        Err(bad_request(error))
    }
}

fn has_met(context: &Context<'_>, user: i64) -> Answer<bool> {
    Ok(dialogs::find(context.db, context.me, Peer::User(user))?.is_some()
        || !chats::common(context.db, context.me, user, 0, 1)?.is_empty()
        || !members::common(context.db, context.me, user, 0, 1)?.is_empty())
}

/// A user whom a message that the caller has names.
fn seen_user(context: &Context<'_>, input: &enums::InputPeer, message_id: i32, user: i64) -> Answer<i64> {
    let stored = message(context, peer(context, input)?, message_id)?;
    let rendered = render::message(&stored);
    let seen = Peers::of_messages(std::slice::from_ref(&rendered)).users.contains(&user);
    if seen { Ok(user) } else { Err(bad_request("PEER_ID_INVALID")) }
}
