//! Fetches what happened in channels while nobody listened: <https://core.telegram.org/api/updates#recovering-gaps>.
//!
//! Invariant: when a channel's part ends well, every message of it up to the server's state that is for us is in the
//! store, or the log says that a bound was reached.

use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use grammers_client::sender::RpcError;
use grammers_tl_types as tl;
use tgl::PeerId;
use tl::{enums, functions, types};

use crate::ask::{Ask, Round};
use crate::context::Context;
use crate::difference::{Found, date, next_page};
use crate::intake::{ChannelPart, Missed, brings_us_in};
use crate::rpc_error::{self, InvokeError};

/// Entries of one part of a difference, for people and for bots:
/// <https://core.telegram.org/method/updates.getChannelDifference>.
const PART_MAX: i32 = 100;
const PART_BOT_MAX: i32 = 100_000;

/// Channels that are brought up to date at a time.
const CHANNELS_AT_ONCE_MAX: usize = 4;

/// How far back, in pts, a bot looks for what it has missed in a channel that is new to it.
const BOT_LOOK_BACK: i32 = 1_000;

/// Brings up to date every channel in which something was missed.
pub(crate) async fn catch_up(context: Arc<Context>, pool: Arc<impl Ask>) -> Result<(), InvokeError> {
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < CHANNELS_AT_ONCE_MAX {
            let next = context.intake().begin_channel_difference();
            let Some(missed) = next else { break };
            under_way.push(catch_up_one(&context, &*pool, missed));
        }
        match under_way.next().await {
            Some(ended) => ended?,
            None => return Ok(()),
        }
    }
}

async fn catch_up_one(context: &Context, pool: &impl Ask, missed: Missed) -> Result<(), InvokeError> {
    match fetch(context, pool, missed).await {
        Ok(()) => context.intake().end_channel_difference(missed.channel_id),
        Err(InvokeError::Rpc(error)) if !rpc_error::ends_login(&error) => refused(context, missed, &error),
        Err(InvokeError::Unreadable(reason)) => {
            tracing::warn!(channel_id = missed.channel_id, reason, "what was missed in a channel cannot be understood");
            context.intake().give_channel_up(missed.channel_id);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The data centre says no.
fn refused(context: &Context, missed: Missed, error: &RpcError) {
    let (channel_id, mut intake) = (missed.channel_id, context.intake());
    let name = rpc_error::name(error);
    match error.name.as_str() {
        "CHANNEL_PRIVATE" | "CHANNEL_INVALID" | "CHANNEL_PUBLIC_GROUP_NA" | "USER_BANNED_IN_CHANNEL" => {
            tracing::info!(channel_id, name, "a channel is not open to this account any more");
            intake.leave_channel(channel_id);
        }
        _ if error.code == 420 => {
            let wait = rpc_error::flood_wait(error);
            tracing::info!(channel_id, name, "what was missed in channels has to wait");
            intake.on_channel_flood(channel_id, wait);
        }
        _ if (error.code >= 500 || error.code < 0) && intake.on_channel_failure(channel_id) => {}
        _ => {
            tracing::warn!(
                channel_id,
                name,
                "what was missed in a channel cannot be had; asked again with its next news"
            );
            intake.give_channel_up(channel_id);
        }
    }
}

async fn fetch(context: &Context, pool: &impl Ask, missed: Missed) -> Result<(), InvokeError> {
    let Ok(channel) = context.input_channel(PeerId::channel(missed.channel_id)) else {
        tracing::debug!(channel_id = missed.channel_id, "news of a channel that is not known yet");
        context.intake().give_channel_up(missed.channel_id);
        return Ok(());
    };
    let Some(mut pts) = missed.state.pts else { return begin(context, pool, channel, missed).await };
    let is_bot = context.intake().owner().is_bot;
    let mut round = Round::default();
    loop {
        round.next_part().await;
        let request = difference_from(channel.clone(), pts, if is_bot { PART_BOT_MAX } else { PART_MAX });
        let part = match pool.ask(&request).await {
            Err(InvokeError::Rpc(error)) if error.name.starts_with("PERSISTENT_TIMESTAMP") => {
                return begin(context, pool, channel, missed).await;
            }
            answer => answer?,
        };
        match part {
            enums::updates::ChannelDifference::Empty(part) => {
                context.intake().take_channel_difference(missed.channel_id, part.pts, ChannelPart::default());
                return Ok(());
            }
            enums::updates::ChannelDifference::Difference(part) => {
                let types::updates::ChannelDifference { users, chats, new_messages: messages, .. } = part;
                let news = ChannelPart { users, chats, messages, others: part.other_updates };
                let is_kept = context.intake().take_channel_difference(missed.channel_id, part.pts, news);
                if part.r#final || !is_kept || part.pts == pts {
                    return Ok(());
                }
                pts = part.pts;
            }
            enums::updates::ChannelDifference::TooLong(part) => {
                return recover(context, pool, channel, missed, part).await;
            }
        }
    }
}

fn difference_from(channel: enums::InputChannel, pts: i32, limit: i32) -> functions::updates::GetChannelDifference {
    let filter = enums::ChannelMessagesFilter::Empty;
    functions::updates::GetChannelDifference { force: false, channel, filter, pts, limit }
}

/// Nothing of the channel was taken before: what was missed is what it has had since then, or since we came into it.
async fn begin(
    context: &Context,
    pool: &impl Ask,
    channel: enums::InputChannel,
    missed: Missed,
) -> Result<(), InvokeError> {
    let answer = pool.ask_patiently(&functions::channels::GetFullChannel { channel: channel.clone() }).await?;
    let enums::messages::ChatFull::Full(full) = answer;
    let enums::ChatFull::ChannelFull(about) = full.full_chat else {
        return Err(InvokeError::Unreadable("the answer is about no channel".to_owned()));
    };
    let learnt = context.intake().learn(&full.users, &full.chats, &[]);
    learnt.map_err(|error| InvokeError::Lost(error.to_string()))?;
    let mut found = Found::default();
    if context.intake().owner().is_bot {
        collect_as_bot(context, pool, channel, missed, about.pts, &mut found).await?;
    } else {
        collect(context, pool, missed, &mut found).await?;
    }
    take(context, missed, about.pts, found);
    Ok(())
}

/// The difference is too long to be had: the messages are looked up in the channel instead.
async fn recover(
    context: &Context,
    pool: &impl Ask,
    channel: enums::InputChannel,
    missed: Missed,
    part: types::updates::ChannelDifferenceTooLong,
) -> Result<(), InvokeError> {
    let pts = match &part.dialog {
        enums::Dialog::Dialog(types::Dialog { pts: Some(pts), .. }) => *pts,
        _ => return begin(context, pool, channel, missed).await,
    };
    tracing::warn!(
        channel_id = missed.channel_id,
        from_pts = missed.state.pts,
        to_pts = pts,
        "too much was missed in a channel: looking through it"
    );
    let mut found = Found { users: part.users, chats: part.chats, ..Found::default() };
    if context.intake().owner().is_bot {
        tracing::warn!(channel_id = missed.channel_id, "bots are given the newest messages only; the others are lost");
        context.intake().cut_missed();
        let is_new = |message: &enums::Message| message.id() > missed.state.top_id;
        found.keep(part.messages.into_iter().filter(is_new));
    } else {
        collect(context, pool, missed, &mut found).await?;
    }
    take(context, missed, pts, found);
    Ok(())
}

/// Takes what was found. Where it cannot be kept for now, it is looked for again later.
fn take(context: &Context, missed: Missed, pts: i32, found: Found) {
    let Found { users, chats, messages } = found;
    let messages = messages.into_values().collect();
    let part = ChannelPart { users, chats, messages, others: Vec::new() };
    context.intake().take_channel_difference(missed.channel_id, pts, part);
}

/// Looks through the channel from its newest message back to where we were, or to where we came in.
async fn collect(context: &Context, pool: &impl Ask, missed: Missed, found: &mut Found) -> Result<(), InvokeError> {
    let id = PeerId::channel(missed.channel_id);
    let Ok(peer) = context.input_peer(id) else { return Ok(()) };
    let stretch = Stretch::of(context, missed);
    let mut offset_id = 0;
    while !found.is_full() {
        let messages = found.page(pool, &peer, offset_id).await?;
        let Some(older) = next_page(&messages, offset_id) else { return Ok(()) };
        offset_id = older;
        for message in messages {
            if stretch.begins_after(&message) {
                return Ok(());
            }
            let is_beginning = brings_us_in(&message, stretch.our_id);
            found.keep([message]);
            if is_beginning {
                return Ok(());
            }
        }
    }
    tracing::warn!(
        channel_id = missed.channel_id,
        messages = found.messages.len(),
        "a channel has more news than are looked up at once: older ones are lost"
    );
    context.intake().cut_missed();
    Ok(())
}

/// Bots may not look through histories: what is new to one is found in the difference from a little before.
async fn collect_as_bot(
    context: &Context,
    pool: &impl Ask,
    channel: enums::InputChannel,
    missed: Missed,
    pts: i32,
    found: &mut Found,
) -> Result<(), InvokeError> {
    let from = pts.saturating_sub(BOT_LOOK_BACK);
    let request = difference_from(channel, from.max(1), PART_BOT_MAX);
    let enums::updates::ChannelDifference::Difference(part) = pool.ask_patiently(&request).await? else {
        return Ok(());
    };
    (found.users, found.chats) = (part.users, part.chats);
    let stretch = Stretch::of(context, missed);
    for message in part.new_messages.into_iter().rev() {
        if stretch.begins_after(&message) {
            break;
        }
        let is_beginning = brings_us_in(&message, stretch.our_id);
        found.keep([message]);
        if is_beginning {
            break;
        }
    }
    Ok(())
}

/// Which of a channel's messages are new to us.
struct Stretch {
    our_id: i64,
    since: i32,
    top_id: i32,
}

impl Stretch {
    fn of(context: &Context, missed: Missed) -> Self {
        let record = context.store.peer_record(PeerId::channel(missed.channel_id));
        let joined = record.ok().flatten().map_or(0, |record| record.facts.joined);
        let our_id = context.intake().owner().user_id;
        Self { our_id, since: missed.since.max(joined), top_id: missed.state.top_id }
    }

    /// Whether the message is known, or not for us.
    fn begins_after(&self, message: &enums::Message) -> bool {
        match self.top_id {
            0 => date(message) < self.since || is_founding_by_others(message),
            top_id => message.id() <= top_id,
        }
    }
}

/// A channel that others have made begins before we come into it, be it in the same second.
fn is_founding_by_others(message: &enums::Message) -> bool {
    matches!(message, enums::Message::Service(message)
        if !message.out && matches!(message.action, enums::MessageAction::ChannelCreate(_)))
}

#[cfg(test)]
mod tests;
