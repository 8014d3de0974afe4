//! `updates.*`: <https://core.telegram.org/api/updates>.
//!
//! Invariant: who applies what getDifference gives, slice by slice, has every message that is still there, once.

use grammers_tl_types as tl;
use tl::{Deserializable, enums, functions, types};

use super::channels::difference;
use super::context::Context;
use super::error::{Answer, bad_request};
use super::view::updates::{add_peers, contents};
use super::view::{self, Peers};
use crate::model::{log, messages, qts};

/// How many entries of each log one answer covers at most.
const SLICE_MAX: usize = 500;

/// updates.getState: <https://core.telegram.org/method/updates.getState>.
pub(super) fn get_state(context: &mut Context<'_>, _: functions::updates::GetState) -> Answer<enums::updates::State> {
    view::state_now(context)
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
    let enums::updates::State::State(mut state) = view::state(context, page.pts, second.qts)?;
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
