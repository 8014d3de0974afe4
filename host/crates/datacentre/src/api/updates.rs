//! `updates.*`: <https://core.telegram.org/api/updates>.
//!
//! Invariant: who applies what getDifference gives, slice by slice, has every message that is still there, once.

use std::collections::HashSet;

use grammers_tl_types as tl;
use tl::{Deserializable, enums, functions, types};

use super::channels::difference;
use super::context::Context;
use super::error::{Answer, bad_request};
use super::peers::Peers;
use super::{render, standing};
use crate::model::Peer;
use crate::model::log::{self, Entry};
use crate::model::messages::{self, Message};
use crate::model::qts;

/// How many entries of each log one answer covers at most.
const SLICE_MAX: usize = 500;

/// updates.getState: <https://core.telegram.org/method/updates.getState>.
pub(super) fn get_state(context: &mut Context<'_>, _: functions::updates::GetState) -> Answer<enums::updates::State> {
    render::state_now(context)
}

/// updates.getDifference: <https://core.telegram.org/method/updates.getDifference>.
pub(super) fn get_difference(
    context: &mut Context<'_>,
    call: functions::updates::GetDifference,
) -> Answer<enums::updates::Difference> {
    if call.pts <= 0 {
        return Err(bad_request("PERSISTENT_TIMESTAMP_EMPTY"));
    }
    let now_pts = log::pts(context.db, context.me)?;
    let moved = difference::moved(context, call.date)?;
    let second = missed_by_qts(context, &call)?;
    if call.pts >= now_pts && second.updates.is_empty() && moved.is_empty() {
        return Ok(types::updates::DifferenceEmpty { date: context.now, seq: 0 }.into());
    }
    let pts = call.pts.min(now_pts);
    let too_long = call.pts_total_limit.is_some_and(|total| total > 0 && now_pts - pts > total);
    let page = match log::after(context.db, context.me, pts, slice(call.pts_limit))? {
        Some(page) if !too_long => page,
        _ => return Ok(types::updates::DifferenceTooLong { pts: now_pts }.into()),
    };
    let find = |id| Ok(messages::find(context.db, context.me, id)?);
    let (new_messages, mut other_updates) = contents(context, page.entries, find, |message| {
        types::UpdateEditMessage { message, pts: page.pts, pts_count: 0 }.into()
    })?;
    other_updates.extend(second.updates.iter().filter_map(|update| enums::Update::from_bytes(update).ok()));
    let more = page.more || second.more;
    if !more {
        other_updates.extend(moved);
    }
    let mut people = Peers::of_messages(&new_messages);
    other_updates.iter().for_each(|update| add_peers(&mut people, update));
    let (users, chats) = people.render(context, context.me)?;
    let enums::updates::State::State(mut state) = render::state(context, page.pts, second.qts)?;
    if more {
        // What moved since the caller's date comes with the last slice: until then it stays as it is.
        state.date = call.date;
    }
    let state = state.into();
    let new_encrypted_messages = Vec::new();
    Ok(if more {
        types::updates::DifferenceSlice {
            new_messages,
            new_encrypted_messages,
            other_updates,
            chats,
            users,
            intermediate_state: state,
        }
        .into()
    } else {
        types::updates::Difference { new_messages, new_encrypted_messages, other_updates, chats, users, state }.into()
    })
}

/// What counts by qts since the caller's. A client that names none has not missed anything: it begins with what it is told.
fn missed_by_qts(context: &Context<'_>, call: &functions::updates::GetDifference) -> Answer<qts::Page> {
    let since = if call.qts > 0 { call.qts } else { i32::MAX };
    Ok(qts::after(context.db, context.me, since, slice(call.qts_limit))?)
}

/// How many log entries the answer covers, when the client wants no more than this.
fn slice(limit: Option<i32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(SLICE_MAX).min(SLICE_MAX)
}

/// What the entries say now: messages deleted since are left out, edited ones come as they are. By which random_id the
/// caller has sent a message is said as well: the answer may have been lost.
pub(super) fn contents(
    context: &Context<'_>,
    entries: Vec<Entry>,
    find: impl Fn(i32) -> Answer<Option<Message>>,
    edited: impl Fn(enums::Message) -> enums::Update,
) -> Answer<(Vec<enums::Message>, Vec<enums::Update>)> {
    let (mut new, mut other) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for entry in entries {
        match entry {
            Entry::NewMessage(id) => {
                seen.insert(id);
                let Some(found) = find(id)? else { continue };
                new.push(render::message(&found));
                if found.content.sender == context.me
                    && let Some(random_id) = messages::random_id(context.db, context.me, found.content.id)?
                {
                    other.push(types::UpdateMessageId { id, random_id }.into());
                }
            }
            Entry::EditedMessage(id) if seen.insert(id) => {
                if let Some(found) = find(id)? {
                    other.push(edited(render::message(&found)));
                }
            }
            Entry::EditedMessage(_) => {}
            Entry::Other(bytes) => other.extend(enums::Update::from_bytes(&bytes).ok()),
        }
    }
    Ok((new, other))
}

/// Whom an update of a difference names.
pub(super) fn add_peers(people: &mut Peers, update: &enums::Update) {
    match update {
        enums::Update::EditMessage(edit) => people.add_message(&edit.message),
        enums::Update::EditChannelMessage(edit) => people.add_message(&edit.message),
        enums::Update::ChannelTooLong(moved) => people.add(Peer::Channel(moved.channel_id)),
        enums::Update::ReadHistoryInbox(read) => people.add_tl(&read.peer),
        enums::Update::ReadHistoryOutbox(read) => people.add_tl(&read.peer),
        update => standing::add_peers(people, update),
    }
}
