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
use crate::model::{log, messages, qts, secret_chats};

/// How many entries of each log one answer covers at most.
const SLICE_MAX: usize = 500;
/// After so many bytes of messages of secret chats the rest waits for the next slice.
const ENCRYPTED_BYTES_MAX: usize = 1 << 20;

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
    let moved = [moved, view::secret_chats::changed(context, call.date)?].concat();
    if call.pts >= now_pts && second.is_nothing() && moved.is_empty() {
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
    other_updates.extend(second.updates);
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
    let new_encrypted_messages = second.encrypted;
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

/// What a caller missed that counts by qts.
struct MissedByQts {
    /// A bot's.
    updates: Vec<enums::Update>,
    /// A human's key's.
    encrypted: Vec<enums::EncryptedMessage>,
    qts: i32,
    more: bool,
}

impl MissedByQts {
    fn is_nothing(&self) -> bool {
        self.updates.is_empty() && self.encrypted.is_empty()
    }
}

/// What counts by qts since the caller's. A client that names none has not missed anything: it begins with what it is told.
fn missed_by_qts(context: &Context<'_>, call: &functions::updates::GetDifference) -> Answer<MissedByQts> {
    let since = if call.qts > 0 { call.qts } else { i32::MAX };
    let limit = slice(call.qts_limit);
    if context.bot {
        let page = qts::after(context.db, context.me, since, limit)?;
        let updates = page.updates.iter().filter_map(|update| enums::Update::from_bytes(update).ok()).collect();
        return Ok(MissedByQts { updates, encrypted: Vec::new(), qts: page.qts, more: page.more });
    }
    let key = context.caller.auth_key_id;
    let (waiting, more) = secret_chats::waiting_after(context.db, key, since, limit, ENCRYPTED_BYTES_MAX)?;
    let qts = waiting.last().map_or_else(|| view::qts_now(context), |last| Ok(last.qts))?;
    let message = |waiting: &secret_chats::Waiting| enums::EncryptedMessage::from_bytes(&waiting.content).ok();
    Ok(MissedByQts { updates: Vec::new(), encrypted: waiting.iter().filter_map(message).collect(), qts, more })
}

/// How many log entries the answer covers, when the client wants no more than this.
fn slice(limit: Option<i32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(SLICE_MAX).min(SLICE_MAX)
}
