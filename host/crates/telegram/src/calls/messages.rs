//! Sending, forwarding, deleting, reading and typing.
//!
//! Invariant: an own message is in the inbox before its call ends, unless the inbox takes nothing at all.

use std::time::Duration;

use grammers_tl_types as tl;
use tgl::{CallError, Failure, Message, MessageId, Outcome, PeerId, TypingState};
use tl::{enums, functions, types};

use super::{Caller, contents, invalid};
use crate::context::unavailable;
use crate::intake;

/// How long an own message may take to come in its turn after the server has confirmed it: a gap before it has to be
/// filled first.
const OWN_MESSAGE_WAIT: Duration = Duration::from_secs(15);

/// How far back an own message is looked for that the server knows already.
const LOOK_BACK: i32 = 50;

/// messages.sendMessage: <https://core.telegram.org/method/messages.sendMessage>.
pub(super) async fn send(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    text: &str,
    reply_to: Option<MessageId>,
    preview: Option<bool>,
) -> Result<Outcome, CallError> {
    if text.is_empty() {
        return Err(invalid("a message needs a text"));
    }
    let request = functions::messages::SendMessage {
        no_webpage: preview == Some(false),
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: caller.context.input_peer(to)?,
        reply_to: reply_to.map(self::reply_to).transpose()?,
        message: text.to_owned(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    };
    match caller.invoke(&request).await {
        Ok(enums::Updates::UpdateShortSentMessage(sent)) => {
            let id = sent.id;
            caller.context.intake().receive_short_sent(&request, sent);
            caller.settle();
            own_message(caller, to, id.into()).await
        }
        answer => sent(caller, random_id, to, Some(text), answer).await,
    }
}

/// messages.sendMedia with a point on the map: <https://core.telegram.org/method/messages.sendMedia>.
pub(super) async fn send_location(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    latitude: f64,
    longitude: f64,
) -> Result<Outcome, CallError> {
    let point = types::InputGeoPoint { lat: latitude, long: longitude, accuracy_radius: None };
    send_media(caller, random_id, to, types::InputMediaGeoPoint { geo_point: point.into() }.into()).await
}

/// messages.sendMedia with somebody's card. `card`: phone, first name, last name.
pub(super) async fn send_contact(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    card: [&str; 3],
) -> Result<Outcome, CallError> {
    let [phone_number, first_name, last_name] = card.map(str::to_owned);
    let media = types::InputMediaContact { phone_number, first_name, last_name, vcard: String::new() };
    send_media(caller, random_id, to, media.into()).await
}

pub(super) async fn send_media(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    media: enums::InputMedia,
) -> Result<Outcome, CallError> {
    let request = functions::messages::SendMedia {
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: caller.context.input_peer(to)?,
        reply_to: None,
        media,
        message: String::new(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    };
    let answer = caller.invoke(&request).await;
    sent(caller, random_id, to, None, answer).await
}

/// messages.forwardMessages: <https://core.telegram.org/method/messages.forwardMessages>.
pub(super) async fn forward(caller: &Caller, random_id: i64, to: PeerId, id: MessageId) -> Result<Outcome, CallError> {
    let store = &caller.context.store;
    let from = store.message_chat(id).map_err(|error| unavailable(&error))?.ok_or_else(|| unknown_message(id))?;
    let text = store.message(id).map_err(|error| unavailable(&error))?.and_then(|message| message.text);
    let request = functions::messages::ForwardMessages {
        silent: false,
        background: false,
        with_my_score: false,
        drop_author: false,
        drop_media_captions: false,
        noforwards: false,
        allow_paid_floodskip: false,
        from_ephemeral: false,
        from_peer: caller.context.input_peer(from)?,
        id: vec![server_id(id)?],
        random_id: vec![random_id],
        to_peer: caller.context.input_peer(to)?,
        top_msg_id: None,
        reply_to: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        video_timestamp: None,
        allow_paid_stars: None,
        suggested_post: None,
    };
    let answer = caller.invoke(&request).await;
    sent(caller, random_id, to, text.as_deref(), answer).await
}

/// messages.deleteMessages, for ourselves only: <https://core.telegram.org/method/messages.deleteMessages>.
pub(super) async fn delete(caller: &Caller, id: MessageId) -> Result<Outcome, CallError> {
    let request = functions::messages::DeleteMessages { revoke: false, id: vec![server_id(id)?] };
    let enums::messages::AffectedMessages::Messages(affected) = caller.invoke(&request).await?;
    let mut intake = caller.context.intake();
    intake.write(|batch| batch.delete_messages(&[id])).map_err(|error| unavailable(&error))?;
    intake.receive_affected(&affected);
    Ok(Outcome::Done)
}

/// messages.readHistory: <https://core.telegram.org/method/messages.readHistory>.
pub(super) async fn mark_read(caller: &Caller, peer: PeerId) -> Result<Outcome, CallError> {
    read_up_to(caller, peer, 0).await?;
    Ok(Outcome::Done)
}

/// Marks the conversation's messages as read up to this one; 0 is all of them.
pub(super) async fn read_up_to(caller: &Caller, peer: PeerId, id_max: i32) -> Result<(), CallError> {
    let request = functions::messages::ReadHistory { peer: caller.context.input_peer(peer)?, max_id: id_max };
    let enums::messages::AffectedMessages::Messages(affected) = caller.invoke(&request).await?;
    let mut intake = caller.context.intake();
    intake.receive_affected(&affected);
    let marked = intake.write(|batch| match id_max {
        0 => batch.mark_read(peer, false, MessageId::MAX),
        id_max => intake::mark_read(batch, peer, false, id_max.into()),
    });
    marked.map_err(|error| unavailable(&error))
}

/// messages.setTyping: <https://core.telegram.org/method/messages.setTyping>.
pub(super) async fn set_typing(caller: &Caller, peer: PeerId, state: TypingState) -> Result<Outcome, CallError> {
    let action = match state {
        TypingState::Typing => enums::SendMessageAction::SendMessageTypingAction,
        TypingState::Cancelled => enums::SendMessageAction::SendMessageCancelAction,
    };
    let peer = caller.context.input_peer(peer)?;
    caller.invoke(&functions::messages::SetTyping { peer, top_msg_id: None, action }).await?;
    Ok(Outcome::Done)
}

/// Takes the answer to a send and gives the message. A message that the server has from an earlier try counts as sent.
async fn sent(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    text: Option<&str>,
    answer: Result<enums::Updates, CallError>,
) -> Result<Outcome, CallError> {
    match answer {
        Ok(updates) => {
            let id = new_id(&updates, random_id);
            caller.context.intake().receive_answer(updates, Some(random_id));
            caller.settle();
            match id {
                Some(id) => own_message(caller, to, id.into()).await,
                None => {
                    Err(CallError::new(Failure::Unavailable, "sent, but the answer does not say which message it is"))
                }
            }
        }
        Err(error) if error.detail == "RANDOM_ID_DUPLICATE" => {
            let known = caller.context.intake().sent_id(random_id);
            match known {
                Some(id) => own_message(caller, to, id).await,
                None => find_sent(caller, random_id, to, text).await,
            }
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

/// Waits until the own message has come in its turn.
async fn own_message(caller: &Caller, to: PeerId, id: MessageId) -> Result<Outcome, CallError> {
    let mut written = caller.context.intake().written();
    let deadline = tokio::time::Instant::now() + OWN_MESSAGE_WAIT;
    loop {
        if let Some(message) = caller.context.store.message(id).map_err(|error| unavailable(&error))? {
            return Ok(Outcome::Message(message));
        }
        if tokio::time::timeout_at(deadline, written.changed()).await.is_err() {
            tracing::warn!(id, "an own message has not come in its turn");
            let messages = newest(caller, to).await?;
            let found = messages.into_iter().find(|message| message.id == id).ok_or_else(|| unknown_message(id))?;
            return Ok(Outcome::Message(found));
        }
    }
}

/// Finds the newest own message with this text that is not another call's.
async fn find_sent(caller: &Caller, random_id: i64, to: PeerId, text: Option<&str>) -> Result<Outcome, CallError> {
    let messages = newest(caller, to).await?;
    let intake = caller.context.intake();
    let is_it = |message: &Message| {
        message.flags.outgoing && message.text.as_deref() == text && !intake.is_sent_by_other(message.id, random_id)
    };
    let found = messages.into_iter().find(is_it);
    found.map(Outcome::Message).ok_or_else(|| CallError::new(Failure::Refused, "RANDOM_ID_DUPLICATE"))
}

async fn newest(caller: &Caller, peer: PeerId) -> Result<Vec<Message>, CallError> {
    let request = functions::messages::GetHistory {
        peer: caller.context.input_peer(peer)?,
        offset_id: 0,
        offset_date: 0,
        add_offset: 0,
        limit: LOOK_BACK,
        max_id: 0,
        min_id: 0,
        hash: 0,
    };
    let (messages, users, chats) = contents(caller.invoke(&request).await?);
    caller.context.intake().learn(&users, &chats, &messages).map_err(|error| unavailable(&error))
}

fn reply_to(id: MessageId) -> Result<enums::InputReplyTo, CallError> {
    Ok(types::InputReplyToMessage {
        reply_to_msg_id: server_id(id)?,
        top_msg_id: None,
        reply_to_peer_id: None,
        quote_text: None,
        quote_entities: None,
        quote_offset: None,
        monoforum_peer_id: None,
        todo_item_id: None,
        poll_option: None,
    }
    .into())
}

pub(super) fn server_id(id: MessageId) -> Result<i32, CallError> {
    i32::try_from(id).ok().filter(|id| *id > 0).ok_or_else(|| unknown_message(id))
}

pub(super) fn unknown_message(id: MessageId) -> CallError {
    CallError::new(Failure::NotFound, format!("this account knows no message {id}"))
}
