//! Sending, forwarding and typing.
//!
//! Invariant: a random_id sends at most one message, whatever is repeated.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::peers::{self, Peers};
use crate::api::post::{self, Sent};
use crate::api::render::{self, bare};
use crate::api::text;
use crate::model::messages::Content;
use crate::model::{Peer, dialogs};

/// The longest keyboard a bot may attach, in bytes.
const MARKUP_MAX_BYTES: usize = 16 * 1024;

/// messages.sendMessage: <https://core.telegram.org/method/messages.sendMessage>.
pub(in crate::api) fn send_message(
    context: &mut Context<'_>,
    call: functions::messages::SendMessage,
) -> Answer<enums::Updates> {
    if call.schedule_date.is_some() {
        return Err(bad_request("SCHEDULE_DATE_INVALID"));
    }
    let peer = peers::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    let text = text::prepare(context, &call.message, call.entities)?;
    let mut content = Content {
        text: text.text,
        entities: text.entities,
        silent: call.silent,
        markup: markup(context, call.reply_markup)?,
        ..Content::default()
    };
    if let Some(reply) = &call.reply_to {
        reply_to(context, peer, reply, &mut content)?;
    }
    post::take_random_id(context, call.random_id)?;
    let sent = post::post(context, peer, content, &text.mentioned, &[])?;
    if call.clear_draft {
        dialogs::set_draft(context.db, context.me, peer, None)?;
    }
    answer(context, peer, &sent, call.random_id)
}

/// What the sender is told: plain private text in short, as Telegram does.
fn answer(context: &Context<'_>, peer: Peer, sent: &Sent, random_id: i64) -> Answer<enums::Updates> {
    let content = &sent.message.content;
    let short = matches!(peer, Peer::User(id) if id != context.me) && content.reply_to.is_none() && content.markup.is_none();
    if short {
        let mut tl = bare!(types::UpdateShortSentMessage; 0, sent.message.id, sent.pts, 1, content.date);
        tl.out = true;
        tl.entities = render::stored(&content.entities);
        return Ok(tl.into());
    }
    full_answer(context, std::slice::from_ref(sent), &[random_id])
}

/// What the sender is told of messages, in full.
fn full_answer(context: &Context<'_>, sent: &[Sent], random_ids: &[i64]) -> Answer<enums::Updates> {
    let ids = sent.iter().zip(random_ids);
    let mut updates: Vec<enums::Update> =
        ids.map(|(sent, random_id)| types::UpdateMessageId { id: sent.message.id, random_id: *random_id }.into()).collect();
    updates.extend(sent.iter().map(Sent::update));
    let messages: Vec<_> = sent.iter().map(|sent| render::message(&sent.message)).collect();
    context.updates(context.me, updates, &Peers::of_messages(&messages))
}

/// Notes in `content` what it replies to.
fn reply_to(context: &Context<'_>, peer: Peer, reply: &enums::InputReplyTo, content: &mut Content) -> Answer<()> {
    let invalid = || bad_request("REPLY_MESSAGE_ID_INVALID");
    let enums::InputReplyTo::Message(reply) = reply else {
        return Err(bad_request("REPLY_TO_INVALID"));
    };
    if reply.reply_to_msg_id == 0 {
        return Ok(());
    }
    if let Some(other) = &reply.reply_to_peer_id
        && peers::peer(context, other)? != peer
    {
        return Err(invalid());
    }
    let replied = peers::message(context, peer, reply.reply_to_msg_id).map_err(|_| invalid())?;
    if let Some(quoted) = &reply.quote_text {
        if !replied.content.text.contains(quoted.as_str()) {
            return Err(bad_request("QUOTE_TEXT_INVALID"));
        }
        let mut header = bare!(types::MessageReplyHeader; 0);
        header.quote = true;
        header.quote_text = Some(quoted.clone());
        header.quote_entities = reply.quote_entities.clone();
        header.quote_offset = reply.quote_offset;
        content.quote = Some(enums::MessageReplyHeader::from(header).to_bytes());
    }
    content.reply_to = Some(replied.content.id);
    Ok(())
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
