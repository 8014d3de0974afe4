//! What a client missed in a channel: <https://core.telegram.org/api/updates#recovering-gaps>.
//!
//! Invariant: who applies what getChannelDifference gives, part by part, has every message that is still there, once.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::access::Access;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::named;
use crate::api::view::{self, Peers};
use crate::model::history::Window;
use crate::model::{channels, dialogs, log, posts};

/// The most log entries of one answer: to a human, to a bot.
const HUMAN_SLICE_MAX: i32 = 100;
const BOT_SLICE_MAX: i32 = 1000;
/// How many of the last messages come when the gap is too long.
const LAST_MESSAGES_MAX: i32 = 20;
/// How long clients may wait before they ask again, in seconds.
const TIMEOUT_S: i32 = 30;

/// updates.getChannelDifference: <https://core.telegram.org/method/updates.getChannelDifference>.
pub(in crate::api) fn get_channel_difference(
    context: &mut Context<'_>,
    call: functions::updates::GetChannelDifference,
) -> Answer<enums::updates::ChannelDifference> {
    let access = named::channel(context, &call.channel)?;
    if call.pts <= 0 {
        return Err(bad_request(if call.pts == 0 {
            "PERSISTENT_TIMESTAMP_EMPTY"
        } else {
            "PERSISTENT_TIMESTAMP_INVALID"
        }));
    }
    let now_pts = log::pts(context.db, access.channel.code())?;
    let timeout = Some(TIMEOUT_S);
    if call.pts >= now_pts {
        return Ok(types::updates::ChannelDifferenceEmpty { r#final: true, pts: now_pts, timeout }.into());
    }
    let limit = call.limit.clamp(1, if context.bot { BOT_SLICE_MAX } else { HUMAN_SLICE_MAX });
    let limit = usize::try_from(limit).unwrap_or(1);
    let Some(page) = log::after(context.db, access.channel.code(), call.pts, limit)? else {
        return too_long(context, &access);
    };
    let find = |id| Ok(posts::find(context.db, access.channel.id, id, context.me)?);
    let (mut new_messages, other_updates) = view::updates::contents(context, page.entries, find, |message| {
        types::UpdateEditChannelMessage { message, pts: page.pts, pts_count: 0 }.into()
    })?;
    new_messages.retain(|message| wanted(&call.filter, message.id()));
    let mut people = Peers::of_messages(&new_messages).with(access.channel.peer());
    other_updates.iter().for_each(|update| view::updates::add_peers(&mut people, update));
    let (users, chats) = people.render(context, context.me)?;
    let (r#final, pts) = (!page.more, page.pts);
    Ok(types::updates::ChannelDifference { r#final, pts, timeout, new_messages, other_updates, chats, users }.into())
}

/// An update for each of the caller's channels that moved since then: getDifference says that there is news.
pub(in crate::api) fn moved(context: &Context<'_>, since: i32) -> Answer<Vec<enums::Update>> {
    let mut updates = Vec::new();
    for id in channels::moved_since(context.db, context.me, since)? {
        let pts = Some(log::pts(context.db, crate::model::Peer::Channel(id).code())?);
        updates.push(types::UpdateChannelTooLong { channel_id: id, pts }.into());
    }
    Ok(updates)
}

fn too_long(context: &Context<'_>, access: &Access) -> Answer<enums::updates::ChannelDifference> {
    let peer = access.channel.peer();
    let dialog = dialogs::find(context.db, context.me, peer)?.unwrap_or_else(|| dialogs::Dialog::empty(peer));
    let window = Window { limit: LAST_MESSAGES_MAX, ..Window::default() };
    let page = posts::page(context.db, access.channel.id, &window, context.me)?;
    let messages: Vec<_> = page.messages.iter().map(view::message).collect();
    let (users, chats) = Peers::of_messages(&messages).with(peer).render(context, context.me)?;
    let dialog = view::dialog(context, &dialog)?;
    Ok(types::updates::ChannelDifferenceTooLong {
        r#final: true,
        timeout: Some(TIMEOUT_S),
        dialog,
        messages,
        chats,
        users,
    }
    .into())
}

fn wanted(filter: &enums::ChannelMessagesFilter, id: i32) -> bool {
    match filter {
        enums::ChannelMessagesFilter::Empty => true,
        enums::ChannelMessagesFilter::Filter(filter) => {
            filter.ranges.iter().any(|enums::MessageRange::Range(range)| (range.min_id..=range.max_id).contains(&id))
        }
    }
}
