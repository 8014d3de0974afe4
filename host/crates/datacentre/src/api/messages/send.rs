//! Sending, forwarding and typing.
//!
//! Invariant: a random_id sends at most one message, whatever is repeated.

use std::collections::BTreeMap;

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::limits::FORWARDED_MAX;
use crate::api::post::{self, Posting, Sent};
use crate::api::stored_tl::stored;
use crate::api::view::{self, Peers};
use crate::api::{named, text, webpages};
use crate::model::messages::{self as stored, Content, Message};
use crate::model::{Peer, chats, contacts, dialogs, posts, random};

/// The longest keyboard a bot may attach, in bytes.
const MARKUP_MAX_BYTES: usize = 16 * 1024;
/// The longest parameter of messages.startBot.
const START_PARAMETER_MAX_BYTES: usize = 64;

/// A message ready to be sent.
pub(super) struct Prepared {
    pub(super) content: Content,
    /// Those it speaks to by name.
    pub(super) mentioned: Vec<i64>,
}

/// messages.sendMessage: <https://core.telegram.org/method/messages.sendMessage>.
pub(in crate::api) fn send_message(
    context: &mut Context<'_>,
    call: functions::messages::SendMessage,
) -> Answer<enums::Updates> {
    if call.schedule_date.is_some() {
        return Err(bad_request("SCHEDULE_DATE_INVALID"));
    }
    let peer = named::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    let text = text::prepare(context, &call.message, call.entities)?;
    let media = webpages::kept(&text, call.no_webpage);
    let mut content = Content {
        text: text.text,
        entities: text.entities,
        silent: call.silent,
        markup: markup(context, call.reply_markup)?,
        media,
        ..Content::default()
    };
    if let Some(reply) = &call.reply_to {
        reply_to(context, peer, reply, &mut content)?;
    }
    post::take_random_id(context, call.random_id)?;
    let sent = post::post(context, Posting { mentioned: &text.mentioned, ..Posting::of(peer, content) })?;
    if call.clear_draft {
        dialogs::set_draft(context.db, context.me, peer, None)?;
    }
    answer(context, peer, &sent, call.random_id)
}

/// What the sender is told: plain private text in short, as Telegram does.
fn answer(context: &Context<'_>, peer: Peer, sent: &Sent, random_id: i64) -> Answer<enums::Updates> {
    let content = &sent.message.content;
    stored::set_random_id_content(context.db, context.me, random_id, content.id)?;
    let short =
        matches!(peer, Peer::User(id) if id != context.me) && content.reply_to.is_none() && content.markup.is_none();
    if short {
        let mut tl = tl_blank::short_sent_message(sent.message.id, sent.pts, 1, content.date);
        tl.out = true;
        tl.media = stored(&content.media);
        tl.entities = stored(&content.entities);
        return Ok(tl.into());
    }
    full_answer(context, std::slice::from_ref(sent), &[random_id])
}

/// What the sender is told of messages, in full.
pub(in crate::api) fn full_answer(context: &Context<'_>, sent: &[Sent], random_ids: &[i64]) -> Answer<enums::Updates> {
    for (sent, random_id) in sent.iter().zip(random_ids) {
        stored::set_random_id_content(context.db, context.me, *random_id, sent.message.content.id)?;
    }
    let ids = sent.iter().zip(random_ids);
    let mut updates: Vec<enums::Update> = ids
        .map(|(sent, random_id)| types::UpdateMessageId { id: sent.message.id, random_id: *random_id }.into())
        .collect();
    updates.extend(sent.iter().map(Sent::update));
    let messages: Vec<_> = sent.iter().map(|sent| view::message(&sent.message)).collect();
    context.updates(context.me, updates, &Peers::of_messages(&messages))
}

/// Notes in `content` what it replies to.
pub(super) fn reply_to(
    context: &Context<'_>,
    peer: Peer,
    reply: &enums::InputReplyTo,
    content: &mut Content,
) -> Answer<()> {
    let invalid = || bad_request("REPLY_MESSAGE_ID_INVALID");
    let enums::InputReplyTo::Message(reply) = reply else {
        return Err(bad_request("REPLY_TO_INVALID"));
    };
    if reply.reply_to_msg_id == 0 {
        return Ok(());
    }
    if let Some(other) = &reply.reply_to_peer_id
        && named::peer(context, other)? != peer
    {
        return Err(invalid());
    }
    let replied = named::message(context, peer, reply.reply_to_msg_id).map_err(|_| invalid())?;
    content.topic = view::topic_of(&replied);
    if content.topic == Some(replied.id) {
        return Ok(());
    }
    if let Some(quoted) = &reply.quote_text {
        if !replied.content.text.contains(quoted.as_str()) {
            return Err(bad_request("QUOTE_TEXT_INVALID"));
        }
        let mut header = tl_blank::message_reply_header();
        header.quote = true;
        header.quote_text = Some(quoted.clone());
        header.quote_entities = text::known(reply.quote_entities.clone());
        header.quote_offset = reply.quote_offset;
        content.quote = Some(enums::MessageReplyHeader::from(header).to_bytes());
    }
    content.reply_to = Some(replied.content.id);
    Ok(())
}

/// messages.forwardMessages: <https://core.telegram.org/method/messages.forwardMessages>.
pub(in crate::api) fn forward_messages(
    context: &mut Context<'_>,
    call: functions::messages::ForwardMessages,
) -> Answer<enums::Updates> {
    if call.id.is_empty() {
        return Err(bad_request("MESSAGE_IDS_EMPTY"));
    }
    if call.id.len() > FORWARDED_MAX {
        return Err(bad_request("LIMIT_INVALID"));
    }
    if call.id.len() != call.random_id.len() {
        return Err(bad_request("RANDOM_ID_INVALID"));
    }
    let from = named::peer(context, &call.from_peer)?;
    let to = named::peer(context, &call.to_peer)?;
    post::check_may_send(context, to)?;
    let originals = call.id.iter().map(|id| named::message(context, from, *id)).collect::<Answer<Vec<_>>>()?;
    if originals.iter().any(|original| original.content.action.is_some()) {
        return Err(bad_request("MESSAGE_ID_INVALID"));
    }
    let topic = call.top_msg_id.map(|id| named::message(context, to, id)).transpose()?;
    let topic = topic.as_ref().and_then(view::topic_of);
    let mut albums = BTreeMap::new();
    let mut sent = Vec::with_capacity(originals.len());
    for (original, random_id) in originals.iter().zip(&call.random_id) {
        post::take_random_id(context, *random_id)?;
        let without_text = call.drop_media_captions && !original.content.files.is_empty();
        let content = Content {
            text: if without_text { String::new() } else { original.content.text.clone() },
            entities: original.content.entities.clone().filter(|_| !without_text),
            media: original.content.media.clone(),
            files: original.content.files.clone(),
            grouped: original
                .content
                .grouped
                .map(|album| *albums.entry(album).or_insert_with(|| i64::from_le_bytes(random()))),
            forward: (!call.drop_author && !call.drop_media_captions)
                .then(|| forward_header(context, original, to).to_bytes()),
            silent: call.silent,
            topic,
            ..Content::default()
        };
        sent.push(post::post(context, Posting::of(to, content))?);
        if original.content.post {
            posts::count_forward(context.db, original.content.id)?;
        }
    }
    full_answer(context, &sent, &call.random_id)
}

/// Whose message a forwarded one is: the first sender's, however often it was passed on.
fn forward_header(context: &Context<'_>, original: &Message, to: Peer) -> enums::MessageFwdHeader {
    let mut header = match stored(&original.content.forward) {
        Some(enums::MessageFwdHeader::Header(header)) => header,
        None => tl_blank::message_fwd_header(original.content.date),
    };
    if header.from_id.is_none() {
        let post = original.content.post;
        header.from_id = Some(view::to_tl(if post { original.peer } else { Peer::User(original.content.sender) }));
        header.channel_post = post.then_some(original.id);
        header.post_author = original.content.author.clone();
    }
    let saved = to == Peer::User(context.me);
    header.saved_from_peer = saved.then(|| view::to_tl(original.peer));
    header.saved_from_msg_id = saved.then_some(original.id);
    header.into()
}

/// messages.startBot: <https://core.telegram.org/method/messages.startBot>.
pub(in crate::api) fn start_bot(
    context: &mut Context<'_>,
    call: functions::messages::StartBot,
) -> Answer<enums::Updates> {
    let bot = named::user(context, &call.bot)?;
    if !bot.bot {
        return Err(bad_request("BOT_INVALID"));
    }
    let peer = named::peer(context, &call.peer)?;
    let parameter_good = call.start_param.len() <= START_PARAMETER_MAX_BYTES
        && call.start_param.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !parameter_good {
        return Err(bad_request("START_PARAM_INVALID"));
    }
    post::check_may_send(context, peer)?;
    let command = match (peer, &bot.username) {
        (Peer::Chat(_) | Peer::Channel(_), Some(username)) => format!("/start@{username} {}", call.start_param),
        _ => format!("/start {}", call.start_param),
    };
    let text = text::prepare(context, &command, None)?;
    post::take_random_id(context, call.random_id)?;
    let content = Content { text: text.text, entities: text.entities, ..Content::default() };
    let sent = post::post(context, Posting::of(peer, content))?;
    full_answer(context, &[sent], &[call.random_id])
}

/// messages.setTyping: <https://core.telegram.org/method/messages.setTyping>.
pub(in crate::api) fn set_typing(context: &mut Context<'_>, call: functions::messages::SetTyping) -> Answer<bool> {
    let peer = named::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    let action = call.action;
    if matches!(action, enums::SendMessageAction::InputSendMessageRichMessageDraftAction(_)) {
        return Err(bad_request("INPUT_CONSTRUCTOR_INVALID"));
    }
    match peer {
        Peer::User(id) if id == context.me || contacts::is_blocked(context.db, id, context.me)? => {}
        Peer::User(id) => {
            let update = types::UpdateUserTyping { user_id: context.me, top_msg_id: None, action };
            context.push_short(id, update.into())?;
        }
        Peer::Chat(chat_id) => {
            let from_id = view::to_tl(Peer::User(context.me));
            let update = enums::Update::from(types::UpdateChatUserTyping { chat_id, from_id, action });
            for member in chats::members(context.db, chat_id)? {
                if member.user != context.me {
                    context.push_short(member.user, update.clone())?;
                }
            }
        }
        Peer::Channel(id) => post::channels::typing(context, id, action)?,
    }
    Ok(true)
}

/// A bot's keyboard; humans' are ignored.
pub(super) fn markup(context: &Context<'_>, markup: Option<enums::ReplyMarkup>) -> Answer<Option<Vec<u8>>> {
    let Some(markup) = markup.filter(|_| context.bot) else { return Ok(None) };
    let bytes = markup.to_bytes();
    if bytes.len() > MARKUP_MAX_BYTES {
        return Err(bad_request("REPLY_MARKUP_TOO_LONG"));
    }
    Ok(Some(bytes))
}
