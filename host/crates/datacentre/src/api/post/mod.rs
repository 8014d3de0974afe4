//! Sending: one content into the boxes of all who are to see it, with the updates that tell them.
//!
//! Invariant: each recipient gets exactly one message with one pts, and the sender's answer says the sender's.

pub(super) mod channels;

use grammers_tl_types as tl;
use tl::{enums, types};

use super::{access, named, view};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden, rpc};
use crate::api::view::Peers;
use crate::model::messages::{self as stored, Content, Message};
use crate::model::{Peer, chats, contacts, dialogs, users};

/// A message that was sent, as its sender has it.
pub(in crate::api) struct Sent {
    pub(in crate::api) message: Message,
    pub(in crate::api) pts: i32,
}

impl Sent {
    /// The update that tells its sender.
    pub(in crate::api) fn update(&self) -> enums::Update {
        new_message(&self.message, self.pts)
    }
}

/// Refuses if the caller may not send to this peer: <https://core.telegram.org/method/messages.sendMessage>.
pub(in crate::api) fn check_may_send(context: &Context<'_>, peer: Peer) -> Answer<()> {
    let id = match peer {
        Peer::Chat(id) => return check_may_write_in_chat(context, id),
        Peer::Channel(id) => return named::channel_of_caller(context, id)?.check_may_write(),
        Peer::User(id) if id == context.me => return Ok(()),
        Peer::User(id) => id,
    };
    if contacts::is_blocked(context.db, context.me, id)? {
        return Err(bad_request("YOU_BLOCKED_USER"));
    }
    if context.bot {
        let other_is_bot = users::find(context.db, id)?.is_some_and(|user| user.bot);
        if other_is_bot {
            return Err(bad_request("USER_IS_BOT"));
        }
        if contacts::is_blocked(context.db, id, context.me)? {
            return Err(forbidden("USER_IS_BLOCKED"));
        }
        // A bot speaks only to who spoke to it first.
        if dialogs::find(context.db, context.me, peer)?.is_none() {
            return Err(bad_request("PEER_ID_INVALID"));
        }
    }
    Ok(())
}

/// Refuses who may not write in this group.
fn check_may_write_in_chat(context: &Context<'_>, id: i64) -> Answer<()> {
    let chat = named::own_chat(context, id)?;
    let enums::ChatBannedRights::Rights(banned) = view::banned_rights(&chat);
    let silenced = banned.send_messages || banned.send_plain;
    if silenced && !access::manages(context, &chat)? { Err(forbidden("CHAT_WRITE_FORBIDDEN")) } else { Ok(()) }
}

/// Remembers a random_id; a repeated one is an error: the message was sent before.
pub(in crate::api) fn take_random_id(context: &Context<'_>, random_id: i64) -> Answer<()> {
    if random_id == 0 {
        return Err(bad_request("RANDOM_ID_EMPTY"));
    }
    if stored::insert_random_id(context.db, context.me, random_id, context.now)? {
        Ok(())
    } else {
        Err(rpc(500, "RANDOM_ID_DUPLICATE"))
    }
}

/// What to send, and where.
pub(in crate::api) struct Posting<'a> {
    pub(in crate::api) peer: Peer,
    pub(in crate::api) content: Content,
    /// Those it speaks to by name.
    pub(in crate::api) mentioned: &'a [i64],
    /// Updates without pts that go along to everyone.
    pub(in crate::api) extra: &'a [enums::Update],
    /// Who gets it too, though no longer a member.
    pub(in crate::api) also: Option<i64>,
    /// Who says it, if not the caller.
    pub(in crate::api) sender: Option<i64>,
}

impl Posting<'_> {
    /// This content, and nothing besides.
    pub(in crate::api) fn of(peer: Peer, content: Content) -> Posting<'static> {
        Posting { peer, content, mentioned: &[], extra: &[], also: None, sender: None }
    }
}

/// Sends a content from the caller.
pub(in crate::api) fn post(context: &mut Context<'_>, posting: Posting<'_>) -> Answer<Sent> {
    if let Peer::Channel(id) = posting.peer {
        return channels::post(context, id, posting);
    }
    let Posting { peer, mut content, mentioned, extra, also, sender } = posting;
    content.sender = sender.unwrap_or(context.me);
    content.date = context.now;
    content.id = stored::insert_content(context.db, &content)?;
    let replied_sender = match (peer, content.reply_to) {
        (Peer::Chat(_), Some(replied)) => stored::sender(context.db, replied)?,
        _ => None,
    };
    let (message, pts) = stored::deliver(context.db, context.me, peer, &content, false)?;
    let sent = Sent { message, pts };
    let people = Peers::of_messages(&[view::message(&sent.message)]);
    context.push(context.me, [extra, &[sent.update()]].concat(), &people)?;
    for (owner, their_peer) in recipients(context, peer, also)? {
        let mentioned = replied_sender == Some(owner) || mentioned.contains(&owner);
        let (message, pts) = stored::deliver(context.db, owner, their_peer, &content, mentioned)?;
        let update = new_message(&message, pts);
        let people = Peers::of_messages(&[view::message(&message)]);
        context.push(owner, [extra, &[update]].concat(), &people)?;
    }
    Ok(sent)
}

/// The update that tells a message's owner of it.
pub(in crate::api) fn new_message(message: &Message, pts: i32) -> enums::Update {
    let (peer, message) = (message.peer, view::message(message));
    match peer {
        Peer::Channel(_) => types::UpdateNewChannelMessage { message, pts, pts_count: 1 }.into(),
        _ => types::UpdateNewMessage { message, pts, pts_count: 1 }.into(),
    }
}

/// Everyone but the caller who gets a message for this peer, with the peer as they name it.
fn recipients(context: &Context<'_>, peer: Peer, also: Option<i64>) -> Answer<Vec<(i64, Peer)>> {
    match peer {
        Peer::User(id) if id == context.me => Ok(Vec::new()),
        // A blocked sender is not told: https://core.telegram.org/api/block
        Peer::User(id) if contacts::is_blocked(context.db, id, context.me)? => Ok(Vec::new()),
        Peer::User(id) => Ok(vec![(id, Peer::User(context.me))]),
        Peer::Chat(id) => {
            let members = chats::members(context.db, id)?.into_iter().map(|member| member.user);
            Ok(members.chain(also).filter(|user| *user != context.me).map(|user| (user, peer)).collect())
        }
        Peer::Channel(_) => Ok(Vec::new()),
    }
}
