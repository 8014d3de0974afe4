//! Sending, forwarding, deleting, reading and typing.
//!
//! Invariant: an own message is in the inbox before its call ends, unless the inbox takes nothing at all.

use std::time::Duration;

use grammers_tl_types as tl;
use tgl::{Failure, MessageId, Outcome, PeerId, PeerKind, TypingState};
use tl::{enums, functions, types};

use super::{Caller, contents};
use crate::fault::Fault;
use crate::intake;
use crate::naming::unknown_message;

/// How long an own message may take to come in its turn after the server has confirmed it: a gap before it has to be
/// filled first.
const OWN_MESSAGE_WAIT: Duration = Duration::from_secs(15);

/// messages.sendMessage: <https://core.telegram.org/method/messages.sendMessage>.
pub(super) async fn send(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    text: &str,
    reply_to: Option<MessageId>,
    preview: Option<bool>,
) -> Result<Outcome, Fault> {
    if text.is_empty() {
        return Err(Fault::invalid("a message needs a text"));
    }
    let to = caller.context.current(to)?;
    let request = functions::messages::SendMessage {
        no_webpage: preview == Some(false),
        reply_to: self::reply_to(caller, to, reply_to)?,
        ..tl_blank::send_message(caller.context.input_peer(to)?, text.to_owned(), random_id)
    };
    match caller.invoke(&request).await {
        Ok(enums::Updates::UpdateShortSentMessage(sent)) => {
            let id = sent.id;
            caller.context.intake().receive_short_sent(&request, sent);
            caller.settle();
            own_message(caller, to, id).await
        }
        answer => sent(caller, random_id, to, answer).await,
    }
}

/// messages.sendMedia with a point on the map: <https://core.telegram.org/method/messages.sendMedia>.
pub(super) async fn send_location(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    latitude: f64,
    longitude: f64,
) -> Result<Outcome, Fault> {
    let point = types::InputGeoPoint { lat: latitude, long: longitude, accuracy_radius: None };
    send_media(caller, random_id, to, types::InputMediaGeoPoint { geo_point: point.into() }.into()).await
}

/// messages.sendMedia with somebody's card. `card`: phone, first name, last name.
pub(super) async fn send_contact(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    card: [&str; 3],
) -> Result<Outcome, Fault> {
    let [phone_number, first_name, last_name] = card.map(str::to_owned);
    let media = types::InputMediaContact { phone_number, first_name, last_name, vcard: String::new() };
    send_media(caller, random_id, to, media.into()).await
}

pub(super) async fn send_media(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    media: enums::InputMedia,
) -> Result<Outcome, Fault> {
    let to = caller.context.current(to)?;
    let request = functions::messages::SendMedia {
        reply_to: reply_to(caller, to, None)?,
        ..tl_blank::send_media(caller.context.input_peer(to)?, media, String::new(), random_id)
    };
    let answer = caller.invoke(&request).await;
    sent(caller, random_id, to, answer).await
}

/// messages.forwardMessages: <https://core.telegram.org/method/messages.forwardMessages>.
pub(super) async fn forward(caller: &Caller, random_id: i64, to: PeerId, id: MessageId) -> Result<Outcome, Fault> {
    let to = caller.context.current(to)?;
    let named = caller.context.server_message(id)?;
    let from = named.chat.ok_or_else(|| unknown_message(id))?;
    let request = functions::messages::ForwardMessages {
        top_msg_id: caller.topic.map(|topic| caller.context.server_message(topic)).transpose()?.map(|topic| topic.id),
        ..tl_blank::forward_messages(
            caller.context.input_peer(from)?,
            vec![named.id],
            vec![random_id],
            caller.context.input_peer(to)?,
        )
    };
    let answer = caller.invoke(&request).await;
    sent(caller, random_id, to, answer).await
}

/// messages.deleteMessages, for ourselves only; in channels channels.deleteMessages, which knows no other way than for
/// all: <https://core.telegram.org/method/messages.deleteMessages>,
/// <https://core.telegram.org/method/channels.deleteMessages>. What only the host has any more is deleted here.
pub(super) async fn delete(caller: &Caller, id: MessageId) -> Result<Outcome, Fault> {
    let named = caller.context.server_message(id)?;
    let channel = named.chat.filter(|chat| chat.kind == PeerKind::Channel);
    let affected = match channel {
        _ if caller.context.store.is_restored(id)? => None,
        Some(chat) => {
            let request = functions::channels::DeleteMessages {
                channel: caller.context.input_channel(chat)?,
                id: vec![named.id],
            };
            Some(caller.invoke(&request).await?)
        }
        None => Some(caller.invoke(&functions::messages::DeleteMessages { revoke: false, id: vec![named.id] }).await?),
    };
    let mut intake = caller.context.intake();
    intake.write(|batch| batch.delete_messages(&[id]))?;
    if let Some(enums::messages::AffectedMessages::Messages(affected)) = affected {
        intake.receive_affected(channel.map(|chat| chat.id), &affected);
    }
    Ok(Outcome::Done)
}

/// Brings a deleted message back into what this account's scripts see. The server has no such method: it is the copy
/// that the host still holds.
pub(super) fn restore(caller: &Caller, id: MessageId) -> Result<Outcome, Fault> {
    let restored = caller.context.intake().write(|batch| batch.restore_message(id));
    match restored? {
        true => Ok(Outcome::Done),
        false => Err(unknown_message(id)),
    }
}

/// messages.readHistory: <https://core.telegram.org/method/messages.readHistory>.
pub(super) async fn mark_read(caller: &Caller, peer: PeerId) -> Result<Outcome, Fault> {
    read_up_to(caller, caller.context.current(peer)?, 0).await?;
    Ok(Outcome::Done)
}

/// Marks the conversation's messages as read up to this one, by the server's id; 0 is all of them.
pub(super) async fn read_up_to(caller: &Caller, peer: PeerId, max_id: i32) -> Result<(), Fault> {
    let affected = if peer.kind == PeerKind::Channel {
        // https://core.telegram.org/method/channels.readHistory
        let channel = caller.context.input_channel(peer)?;
        caller.invoke(&functions::channels::ReadHistory { channel, max_id }).await?;
        None
    } else {
        let request = functions::messages::ReadHistory { peer: caller.context.input_peer(peer)?, max_id };
        Some(caller.invoke(&request).await?)
    };
    let mut intake = caller.context.intake();
    if let Some(enums::messages::AffectedMessages::Messages(affected)) = affected {
        intake.receive_affected(None, &affected);
    }
    Ok(intake.write(|batch| match max_id {
        0 => batch.mark_read(peer, false, MessageId::MAX),
        max_id => {
            let id_max = batch.message_id(peer, max_id)?;
            intake::mark_read(batch, peer, false, id_max)
        }
    })?)
}

/// messages.setTyping: <https://core.telegram.org/method/messages.setTyping>.
pub(super) async fn set_typing(caller: &Caller, peer: PeerId, state: TypingState) -> Result<Outcome, Fault> {
    let action = match state {
        TypingState::Typing => enums::SendMessageAction::SendMessageTypingAction,
        TypingState::Cancelled => enums::SendMessageAction::SendMessageCancelAction,
    };
    let peer = caller.context.input_peer(caller.context.current(peer)?)?;
    caller.invoke(&functions::messages::SetTyping { peer, top_msg_id: None, action }).await?;
    Ok(Outcome::Done)
}

/// Takes the answer to a send and gives the message. A message that the server has from an earlier try counts as sent.
async fn sent(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    answer: Result<enums::Updates, Fault>,
) -> Result<Outcome, Fault> {
    match answer {
        Ok(updates) => {
            let id = new_id(&updates, random_id);
            caller.context.intake().receive_answer(updates, Some(random_id));
            caller.settle();
            match id {
                Some(id) => own_message(caller, to, id).await,
                None => Err(Fault::new(Failure::Unavailable, "sent, but the answer does not say which message it is")),
            }
        }
        Err(error) if error.is_named("RANDOM_ID_DUPLICATE") => {
            let id = earlier_id(caller, random_id, to)
                .await
                .ok_or_else(|| Fault::new(Failure::Unavailable, "sent before, but nothing says which message it is"))?;
            own_message(caller, to, id).await
        }
        Err(error) => Err(error),
    }
}

fn new_id(updates: &enums::Updates, random_id: i64) -> Option<i32> {
    let updates = match updates {
        enums::Updates::Updates(all) => &all.updates,
        enums::Updates::Combined(all) => &all.updates,
        _ => return None,
    };
    updates.iter().find_map(|update| match update {
        enums::Update::MessageId(named) if named.random_id == random_id => Some(named.id),
        _ => None,
    })
}

/// The server's id of a message that an earlier try has sent: what is missing since then says it.
async fn earlier_id(caller: &Caller, random_id: i64, to: PeerId) -> Option<i32> {
    let (mut written, known) = {
        let mut intake = caller.context.intake();
        let known = intake.sent_id(random_id);
        if known.is_none() {
            intake.want_news_of(to);
        }
        (intake.written(), known)
    };
    if known.is_some() {
        return known;
    }
    caller.context.due.notify_one();
    let deadline = tokio::time::Instant::now() + OWN_MESSAGE_WAIT;
    while tokio::time::timeout_at(deadline, written.changed()).await.is_ok() {
        let known = caller.context.intake().sent_id(random_id);
        if known.is_some() {
            return known;
        }
    }
    None
}

/// Waits until the own message has come in its turn.
async fn own_message(caller: &Caller, to: PeerId, server_id: i32) -> Result<Outcome, Fault> {
    let store = &caller.context.store;
    let mut written = caller.context.intake().written();
    let deadline = tokio::time::Instant::now() + OWN_MESSAGE_WAIT;
    loop {
        // A channel that is written to for the first time gets its number with its first message.
        let id = store.message_id(to, server_id)?;
        let message = id.map(|id| store.message(id)).transpose()?.flatten();
        if let Some(message) = message {
            return Ok(Outcome::Message(message));
        }
        if tokio::time::timeout_at(deadline, written.changed()).await.is_err() {
            tracing::warn!(server_id, "an own message has not come in its turn");
            let id = caller.context.message_id(to, server_id)?;
            let (messages, users, chats) = contents(fetch(caller, id).await?);
            let messages = caller.context.intake().learn(&users, &chats, &messages)?;
            let found = messages.into_iter().find(|message| message.id == id).ok_or_else(|| unknown_message(id))?;
            return Ok(Outcome::Message(found));
        }
    }
}

/// messages.getMessages or channels.getMessages: <https://core.telegram.org/method/channels.getMessages>.
pub(super) async fn fetch(caller: &Caller, id: MessageId) -> Result<enums::messages::Messages, Fault> {
    let named = caller.context.server_message(id)?;
    let id = vec![types::InputMessageId { id: named.id }.into()];
    match named.chat {
        Some(chat) if chat.kind == PeerKind::Channel => {
            let channel = caller.context.input_channel(chat)?;
            caller.invoke(&functions::channels::GetMessages { channel, id }).await
        }
        _ => caller.invoke(&functions::messages::GetMessages { id }).await,
    }
}

/// What a message answers: a message, or else the one that began the topic in which it stays.
fn reply_to(caller: &Caller, to: PeerId, id: Option<MessageId>) -> Result<Option<enums::InputReplyTo>, Fault> {
    let Some(replied) = id.or(caller.topic) else { return Ok(None) };
    let named = caller.context.server_message(replied)?;
    // Only where the ids of both conversations are counted apart the server cannot see which one is meant.
    let is_elsewhere = |chat: &PeerId| *chat != to && [chat.kind, to.kind].contains(&PeerKind::Channel);
    let elsewhere = named.chat.filter(is_elsewhere);
    let reply = types::InputReplyToMessage {
        // Of a message that is answered the server knows the topic.
        top_msg_id: id.is_none().then_some(named.id),
        reply_to_peer_id: elsewhere.map(|chat| caller.context.input_peer(chat)).transpose()?,
        ..tl_blank::input_reply_to_message(named.id)
    };
    Ok(Some(reply.into()))
}
