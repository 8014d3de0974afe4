//! A channel's messages: reading, deleting, links to them.
//!
//! Invariant: who deletes another's message has the right to; reading only ever moves forward.

use std::collections::BTreeSet;

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::access::Access;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::limits::NAMED_MAX;
use crate::api::view::{self, Peers};
use crate::api::{named, post};
use crate::model::history::{Page, Window};
use crate::model::messages::Message;
use crate::model::{Peer, dialogs, log, members, posts, users};

/// How many messages go at a time: one update names no more.
const DELETED_MAX: i64 = 1000;

/// channels.getMessages: <https://core.telegram.org/method/channels.getMessages>. One for each asked for, in their order.
pub(in crate::api) fn get_messages(
    context: &mut Context<'_>,
    call: functions::channels::GetMessages,
) -> Answer<enums::messages::Messages> {
    let access = named::channel(context, &call.channel)?;
    let find = |id| posts::find(context.db, access.channel.id, id, context.me);
    let mut found = Vec::new();
    for input in call.id.iter().take(NAMED_MAX) {
        let (id, message) = match input {
            enums::InputMessage::Id(input) => (input.id, find(input.id)?),
            enums::InputMessage::ReplyTo(input) => match find(input.id)?.and_then(|message| message.reply_to) {
                Some(replied) => (input.id, find(replied)?),
                None => (input.id, None),
            },
            _ => (0, None),
        };
        found.push(
            message.map_or_else(|| types::MessageEmpty { id, peer_id: None }.into(), |message| view::message(&message)),
        );
    }
    let count = i32::try_from(found.len()).unwrap_or(i32::MAX);
    channel_messages(context, &access, found, count, None)
}

/// A page of a channel's messages, as Telegram answers.
pub(in crate::api) fn answer(context: &Context<'_>, id: i64, page: &Page) -> Answer<enums::messages::Messages> {
    let access = named::channel_of_caller(context, id)?;
    let messages = page.messages.iter().map(view::message).collect();
    channel_messages(context, &access, messages, page.count, Some(page.skipped))
}

/// A page of a channel's history.
pub(in crate::api) fn history(context: &Context<'_>, id: i64, window: &Window) -> Answer<enums::messages::Messages> {
    answer(context, id, &posts::page(context.db, id, window, context.me)?)
}

/// channels.deleteMessages: <https://core.telegram.org/method/channels.deleteMessages>. Ids that are not there are passed
/// over.
pub(in crate::api) fn delete_messages(
    context: &mut Context<'_>,
    call: functions::channels::DeleteMessages,
) -> Answer<enums::messages::AffectedMessages> {
    let access = named::channel(context, &call.channel)?;
    let mut ids = Vec::new();
    for id in call.id.iter().copied().take(NAMED_MAX).collect::<BTreeSet<i32>>() {
        if let Some(message) = posts::find(context.db, access.channel.id, id, context.me)? {
            if !may_delete(&access, &message) {
                return Err(forbidden("MESSAGE_DELETE_FORBIDDEN"));
            }
            ids.push(id);
        }
    }
    let (pts, pts_count) = post::channels::delete(context, &access.channel, ids)?;
    Ok(types::messages::AffectedMessages { pts, pts_count }.into())
}

/// channels.deleteHistory: <https://core.telegram.org/method/channels.deleteHistory>: for the caller, or for all.
pub(in crate::api) fn delete_history(
    context: &mut Context<'_>,
    call: functions::channels::DeleteHistory,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    let top = posts::top(context.db, access.channel.id)?;
    let max_id = if call.max_id > 0 { call.max_id.min(top) } else { top };
    let channel_id = access.channel.id;
    if call.for_everyone {
        access.require(|rights| rights.delete_messages)?;
        loop {
            let ids = posts::ids(context.db, channel_id, max_id, DELETED_MAX)?;
            if ids.is_empty() {
                break;
            }
            post::channels::delete(context, &access.channel, ids)?;
        }
        return context.updates(context.me, Vec::new(), &Peers::default().with(access.channel.peer()));
    }
    if !access.is_member() {
        return Err(bad_request("USER_NOT_PARTICIPANT"));
    }
    members::set_available_min(context.db, channel_id, context.me, max_id)?;
    let update = enums::Update::from(types::UpdateChannelAvailableMessages { channel_id, available_min_id: max_id });
    let people = Peers::default().with(access.channel.peer());
    context.push(context.me, vec![update.clone()], &people)?;
    context.updates(context.me, vec![update], &people)
}

/// channels.deleteParticipantHistory: <https://core.telegram.org/method/channels.deleteParticipantHistory>. With an offset
/// there is more, and clients ask again.
pub(in crate::api) fn delete_participant_history(
    context: &mut Context<'_>,
    call: functions::channels::DeleteParticipantHistory,
) -> Answer<enums::messages::AffectedHistory> {
    let access = named::channel(context, &call.channel)?;
    access.require(|rights| rights.delete_messages)?;
    let Peer::User(user) = named::peer(context, &call.participant)? else {
        return Err(bad_request("PARTICIPANT_ID_INVALID"));
    };
    let ids = posts::ids_of_sender(context.db, access.channel.id, user, DELETED_MAX)?;
    let full = i64::try_from(ids.len()).is_ok_and(|count| count == DELETED_MAX);
    let (pts, pts_count) = post::channels::delete(context, &access.channel, ids)?;
    Ok(types::messages::AffectedHistory { pts, pts_count, offset: i32::from(full) }.into())
}

/// channels.readHistory: <https://core.telegram.org/method/channels.readHistory>.
pub(in crate::api) fn read_history(context: &mut Context<'_>, call: functions::channels::ReadHistory) -> Answer<bool> {
    let Access { channel, .. } = named::channel(context, &call.channel)?;
    let peer = channel.peer();
    let Some(dialog) = dialogs::find(context.db, context.me, peer)? else { return Ok(true) };
    let max_id = if call.max_id > 0 { call.max_id.min(dialog.top_message) } else { dialog.top_message };
    if dialog.marked_unread {
        dialogs::set_marked_unread(context.db, context.me, peer, false)?;
    }
    let Some(still_unread_count) = dialogs::read_inbox(context.db, context.me, peer, max_id)? else { return Ok(true) };
    let pts = log::pts(context.db, channel.code())?;
    let update =
        types::UpdateReadChannelInbox { folder_id: None, channel_id: channel.id, max_id, still_unread_count, pts };
    context.push(context.me, vec![update.into()], &Peers::default().with(peer))?;
    if !channel.broadcast {
        tell_writers(context, channel.id, dialog.read_inbox, max_id)?;
    }
    Ok(true)
}

/// channels.readMessageContents: <https://core.telegram.org/method/channels.readMessageContents>; who saw or heard what is
/// not kept.
pub(in crate::api) fn read_message_contents(
    context: &mut Context<'_>,
    call: functions::channels::ReadMessageContents,
) -> Answer<bool> {
    named::channel(context, &call.channel)?;
    Ok(true)
}

/// channels.exportMessageLink: <https://core.telegram.org/method/channels.exportMessageLink>.
pub(in crate::api) fn export_message_link(
    context: &mut Context<'_>,
    call: functions::channels::ExportMessageLink,
) -> Answer<enums::ExportedMessageLink> {
    let Access { channel, .. } = named::channel(context, &call.channel)?;
    if posts::find(context.db, channel.id, call.id, context.me)?.is_none() {
        return Err(bad_request("MESSAGE_ID_INVALID"));
    }
    let link = match &channel.username {
        Some(username) => format!("https://t.me/{username}/{}", call.id),
        None => format!("https://t.me/c/{}/{}", channel.id, call.id),
    };
    Ok(types::ExportedMessageLink { html: format!("<a href=\"{link}\">{link}</a>"), link }.into())
}

/// messages.getMessagesViews: <https://core.telegram.org/method/messages.getMessagesViews>: posts have views, nothing else.
pub(in crate::api) fn get_messages_views(
    context: &mut Context<'_>,
    call: functions::messages::GetMessagesViews,
) -> Answer<enums::messages::MessageViews> {
    let peer = named::peer(context, &call.peer)?;
    let mut views = Vec::new();
    for id in call.id.iter().take(NAMED_MAX) {
        let mut one = tl_blank::message_views();
        let found = match peer {
            Peer::Channel(channel) => posts::find(context.db, channel, *id, context.me)?,
            Peer::User(_) | Peer::Chat(_) => None,
        };
        if let Some(message) = found.filter(|message| message.content.post) {
            let content = message.content;
            one.views =
                Some(if call.increment { posts::view(context.db, content.id, context.me)? } else { content.views });
            one.forwards = Some(content.forwards);
        }
        views.push(one.into());
    }
    let (users, chats) = Peers::default().with(peer).render(context, context.me)?;
    Ok(types::messages::MessageViews { views, chats, users }.into())
}

fn may_delete(access: &Access, message: &Message) -> bool {
    let own = message.content.sender == access.user;
    let own_counts =
        if access.channel.broadcast { access.has(|rights| rights.post_messages) } else { access.is_member() };
    (own && own_counts) || access.has(|rights| rights.delete_messages)
}

/// Tells writers up to where their messages were read. Bots are not told.
fn tell_writers(context: &mut Context<'_>, channel: i64, above: i32, up_to: i32) -> Answer<()> {
    for (writer, max_id) in posts::last_per_sender(context.db, channel, context.me, above, up_to)? {
        let news = dialogs::read_outbox(context.db, writer, Peer::Channel(channel), max_id)?;
        if news && users::find(context.db, writer)?.is_some_and(|user| !user.bot) {
            let update = types::UpdateReadChannelOutbox { channel_id: channel, max_id };
            context.push(writer, vec![update.into()], &Peers::default().with(Peer::Channel(channel)))?;
        }
    }
    Ok(())
}

fn channel_messages(
    context: &Context<'_>,
    access: &Access,
    messages: Vec<enums::Message>,
    count: i32,
    offset_id_offset: Option<i32>,
) -> Answer<enums::messages::Messages> {
    let (users, chats) = Peers::of_messages(&messages).with(access.channel.peer()).render(context, context.me)?;
    let pts = log::pts(context.db, access.channel.code())?;
    let topics = Vec::new();
    Ok(types::messages::ChannelMessages {
        inexact: false,
        pts,
        count,
        offset_id_offset,
        messages,
        topics,
        chats,
        users,
    }
    .into())
}
