//! Reading messages back: history, by id, search.
//!
//! Invariant: a page has at most [`PAGE_MAX`] messages, newest first.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::FORWARDED_MAX;
use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::{peers, render};
use crate::model::history::{self, Page, Window};
use crate::model::messages::{self, Message};

/// The most messages of one page: Telegram gives no more, whatever is asked for.
const PAGE_MAX: i32 = 100;

/// messages.getHistory: <https://core.telegram.org/method/messages.getHistory>.
pub(in crate::api) fn get_history(
    context: &mut Context<'_>,
    call: functions::messages::GetHistory,
) -> Answer<enums::messages::Messages> {
    let peer = peers::peer(context, &call.peer)?;
    let window = Window {
        offset_id: call.offset_id,
        offset_date: call.offset_date,
        add_offset: call.add_offset,
        limit: page_size(call.limit),
        max_id: call.max_id,
        min_id: call.min_id,
    };
    let page = history::page(context.db, context.me, peer, &window)?;
    answer(context, &page, None)
}

/// messages.getMessages: <https://core.telegram.org/method/messages.getMessages>. One for each asked for, in their order.
pub(in crate::api) fn get_messages(
    context: &mut Context<'_>,
    call: functions::messages::GetMessages,
) -> Answer<enums::messages::Messages> {
    let mut found = Vec::new();
    for input in call.id.iter().take(FORWARDED_MAX) {
        let (id, message) = match input {
            enums::InputMessage::Id(input) => (input.id, messages::find(context.db, context.me, input.id)?),
            enums::InputMessage::ReplyTo(input) => (input.id, replied(context, input.id)?),
            _ => (0, None),
        };
        found.push(match message {
            Some(message) => render::message(&message),
            None => types::MessageEmpty { id, peer_id: None }.into(),
        });
    }
    let (users, chats) = peers::Peers::of_messages(&found).render(context, context.me)?;
    Ok(types::messages::Messages { messages: found, topics: Vec::new(), chats, users }.into())
}

fn replied(context: &Context<'_>, id: i32) -> Answer<Option<Message>> {
    let replied = messages::find(context.db, context.me, id)?.and_then(|message| message.reply_to);
    Ok(match replied {
        Some(id) => messages::find(context.db, context.me, id)?,
        None => None,
    })
}

fn page_size(limit: i32) -> i32 {
    limit.clamp(0, PAGE_MAX)
}

/// A page as Telegram answers: all there are, or a slice of them with their number.
fn answer(context: &Context<'_>, page: &Page, next_rate: Option<i32>) -> Answer<enums::messages::Messages> {
    let (messages, users, chats) = render::messages_and_peers(context, &page.messages)?;
    let topics = Vec::new();
    if i32::try_from(messages.len()).is_ok_and(|length| length >= page.count) {
        return Ok(types::messages::Messages { messages, topics, chats, users }.into());
    }
    Ok(types::messages::MessagesSlice {
        inexact: false,
        count: page.count,
        next_rate,
        offset_id_offset: Some(page.skipped),
        search_flood: None,
        messages,
        topics,
        chats,
        users,
    }
    .into())
}
