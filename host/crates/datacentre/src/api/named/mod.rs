//! From what clients send to name users, chats and messages, to what is stored.
//!
//! Invariant: a user is reached only with the access hash made for the caller, a chat only by who is or was in it.

pub(super) mod files;

use grammers_tl_types as tl;
use tl::enums;

use super::{access, view};
use crate::api::access::Access;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::view::Peers;
use crate::model::chats::{self, Chat};
use crate::model::messages::Message;
use crate::model::users::{self, User};
use crate::model::{Peer, dialogs, history, members};

/// The user an `InputUser` names: <https://core.telegram.org/type/InputUser>.
pub(in crate::api) fn user(context: &Context<'_>, input: &enums::InputUser) -> Answer<User> {
    let id = match input {
        enums::InputUser::UserSelf => context.me,
        enums::InputUser::User(user) => checked(context, user.user_id, user.access_hash, "USER_ID_INVALID")?,
        enums::InputUser::FromMessage(seen) => seen_user(context, &seen.peer, seen.msg_id, seen.user_id)?,
        enums::InputUser::Empty => return Err(bad_request("USER_ID_INVALID")),
    };
    users::find(context.db, id)?.ok_or_else(|| bad_request("USER_ID_INVALID"))
}

/// The peer an `InputPeer` names: <https://core.telegram.org/type/InputPeer>.
pub(in crate::api) fn peer(context: &Context<'_>, input: &enums::InputPeer) -> Answer<Peer> {
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
            Ok(channel_by_hash(context, named.channel_id, named.access_hash)?.channel.peer())
        }
        enums::InputPeer::ChannelFromMessage(_) => Err(bad_request("CHANNEL_INVALID")),
        enums::InputPeer::Empty => Err(bad_request("PEER_ID_INVALID")),
    }
}

/// The same, but of those whose messages lie in the caller's own box: `channels.*` is for the others.
pub(in crate::api) fn own_box_peer(context: &Context<'_>, input: &enums::InputPeer) -> Answer<Peer> {
    match peer(context, input)? {
        Peer::Channel(_) => Err(bad_request("PEER_ID_INVALID")),
        peer => Ok(peer),
    }
}

/// The peer an `InputDialogPeer` names.
pub(in crate::api) fn dialog_peer(context: &Context<'_>, input: &enums::InputDialogPeer) -> Answer<Peer> {
    match input {
        enums::InputDialogPeer::Peer(dialog) => peer(context, &dialog.peer),
        _ => Err(bad_request("PEER_ID_INVALID")),
    }
}

/// The channel an `InputChannel` names, if the caller may look into it.
pub(in crate::api) fn channel(context: &Context<'_>, input: &enums::InputChannel) -> Answer<Access> {
    match input {
        enums::InputChannel::Channel(named) => channel_by_hash(context, named.channel_id, named.access_hash),
        enums::InputChannel::FromMessage(_) | enums::InputChannel::Empty => Err(bad_request("CHANNEL_INVALID")),
    }
}

/// The channel with this id, if the access hash is the caller's and the caller may look into it. A bot needs no hash for
/// where it is a member.
pub(in crate::api) fn channel_by_hash(context: &Context<'_>, id: i64, access_hash: i64) -> Answer<Access> {
    let invalid = || bad_request("CHANNEL_INVALID");
    let access = access::of_user(context, id, context.me)?.ok_or_else(invalid)?;
    let right = access_hash == context.model.channel_access_hash(context.me, id);
    let knows = right || (context.bot && access_hash == 0 && access.member.is_some());
    if !knows {
        return Err(invalid());
    }
    access.check_may_read()?;
    Ok(access)
}

/// The channel with this id, which the caller may look into.
pub(in crate::api) fn channel_of_caller(context: &Context<'_>, id: i64) -> Answer<Access> {
    let access = access::of_user(context, id, context.me)?.ok_or_else(|| bad_request("CHANNEL_INVALID"))?;
    access.check_may_read()?;
    Ok(access)
}

/// A group the caller is or was in.
pub(in crate::api) fn chat(context: &Context<'_>, id: i64) -> Answer<Chat> {
    if chats::member(context.db, id, context.me)?.is_none() {
        return Err(bad_request("CHAT_ID_INVALID"));
    }
    chats::find(context.db, id)?.ok_or_else(|| bad_request("CHAT_ID_INVALID"))
}

/// A group the caller is a member of now.
pub(in crate::api) fn own_chat(context: &Context<'_>, id: i64) -> Answer<Chat> {
    let chat = chat(context, id)?;
    if !access::is_member(context, id, context.me)? {
        return Err(forbidden("CHAT_WRITE_FORBIDDEN"));
    }
    Ok(chat)
}

/// The message with this id that the caller has with this peer.
pub(in crate::api) fn message(context: &Context<'_>, peer: Peer, id: i32) -> Answer<Message> {
    history::find(context.db, context.me, peer, id)?.ok_or_else(|| bad_request("MESSAGE_ID_INVALID"))
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
    let seen = Peers::of_messages(&[view::message(&stored)]).has_user(user);
    if seen { Ok(user) } else { Err(bad_request("PEER_ID_INVALID")) }
}
