//! Fetches what happened while nobody listened: <https://core.telegram.org/api/updates#recovering-gaps>.
//!
//! Invariant: when it ends well, every message up to the server's state is in the store, or the log says that the
//! bound was reached, or it is put off because the data centre wants it so.

use std::collections::BTreeMap;
use std::sync::Arc;

use grammers_tl_types as tl;
use store::UpdateState;
use tgl::{PeerId, PeerKind};
use tl::{enums, functions, types};

use crate::ask::{Ask, Round};
use crate::context::Context;
use crate::intake::peer_id;
use crate::rpc_error::{self, InvokeError};

/// Conversations looked through, and messages taken from them, where the difference is too long to be had.
pub const RECOVERY_DIALOGS_MAX: usize = 500;
pub const RECOVERY_MESSAGES_MAX: usize = 10_000;

/// How many of either come with one answer.
pub(crate) const PAGE: i32 = 100;

/// How much older than the last update a message may be and still be new to us: clocks of servers differ.
const RECOVERY_SLACK_S: i32 = 60;

/// Brings the account up to date. `on_answer` is called once the data centre has answered for the first time: there is
/// a connection, and it knows us. Where the data centre says FLOOD_WAIT the difference is put off, and nothing else with it.
pub(crate) async fn catch_up(
    context: Arc<Context>,
    pool: Arc<impl Ask>,
    on_answer: impl FnOnce(),
) -> Result<(), InvokeError> {
    let mut on_answer = Some(on_answer);
    let mut answered = || {
        if let Some(call) = on_answer.take() {
            call();
        }
    };
    match fetch(&context, &*pool, &mut answered).await {
        Ok(()) => context.intake().end_difference(),
        Err(InvokeError::Rpc(error)) if error.code == 420 => {
            answered();
            tracing::info!(error = rpc_error::name(&error), "what was missed has to wait");
            context.intake().postpone_difference(rpc_error::flood_wait(&error));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn fetch(context: &Context, pool: &impl Ask, answered: &mut impl FnMut()) -> Result<(), InvokeError> {
    let mut round = Round::default();
    loop {
        round.next_part().await;
        let stored = context.intake().stored_state();
        let Some(state) = stored else {
            let state = state(&pool.ask(&functions::updates::GetState {}).await?);
            answered();
            context.intake().begin_at(state);
            return Ok(());
        };
        let difference = match pool.ask(&get_difference(state)).await {
            Err(InvokeError::Rpc(error)) if error.name.starts_with("PERSISTENT_TIMESTAMP") => {
                let now = self::state(&pool.ask(&functions::updates::GetState {}).await?);
                recover(context, pool, now).await?;
                round.end();
                continue;
            }
            answer => answer?,
        };
        answered();
        if let enums::updates::Difference::TooLong(answer) = &difference {
            recover(context, pool, UpdateState { pts: answer.pts, ..state }).await?;
            round.end();
            continue;
        }
        if is_last(context, difference, state) {
            return Ok(());
        }
    }
}

fn get_difference(state: UpdateState) -> functions::updates::GetDifference {
    tl_blank::get_difference(state.pts, state.date, state.qts)
}

/// Takes one part. True where it was the last one, or where it cannot be kept for now.
fn is_last(context: &Context, difference: enums::updates::Difference, before: UpdateState) -> bool {
    let mut intake = context.intake();
    match difference {
        enums::updates::Difference::Empty(answer) => {
            let state = UpdateState { date: answer.date.max(before.date), seq: answer.seq, ..before };
            intake.take_difference(Vec::new(), Vec::new(), Vec::new(), Vec::new(), state);
            true
        }
        enums::updates::Difference::Difference(part) => {
            let state = state(&part.state);
            intake.take_difference(part.users, part.chats, part.new_messages, part.other_updates, state);
            true
        }
        enums::updates::Difference::Slice(part) => {
            // The data centre tells by this date which channels have moved, and only in the last part.
            let state = UpdateState { date: before.date, ..state(&part.intermediate_state) };
            let is_kept = intake.take_difference(part.users, part.chats, part.new_messages, part.other_updates, state);
            !is_kept || (state.pts, state.qts) == (before.pts, before.qts)
        }
        enums::updates::Difference::TooLong(_) => true,
    }
}

fn state(state: &enums::updates::State) -> UpdateState {
    let enums::updates::State::State(state) = state;
    UpdateState { pts: state.pts, qts: state.qts, date: state.date, seq: state.seq }
}

/// Everything that was found in place of a difference.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) users: Vec<enums::User>,
    pub(crate) chats: Vec<enums::Chat>,
    pub(crate) messages: BTreeMap<i32, enums::Message>,
}

impl Found {
    /// No more messages are looked for.
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= RECOVERY_MESSAGES_MAX
    }

    /// The messages of a conversation before this one, the newest first. Whom they name is kept; which of them are is the
    /// caller's to say.
    pub(crate) async fn page(
        &mut self,
        pool: &impl Ask,
        peer: &enums::InputPeer,
        offset_id: i32,
    ) -> Result<Vec<enums::Message>, InvokeError> {
        let request = crate::calls::history_request(peer.clone(), offset_id, 0, PAGE);
        let (messages, users, chats) = crate::calls::contents(pool.ask_patiently(&request).await?);
        self.users.extend(users);
        self.chats.extend(chats);
        Ok(messages)
    }

    pub(crate) fn keep(&mut self, messages: impl IntoIterator<Item = enums::Message>) {
        self.messages.extend(messages.into_iter().map(|message| (message.id(), message)));
    }
}

/// Looks the new messages up in the conversations, as there is no difference to be had, and goes on from `state`.
async fn recover(context: &Context, pool: &impl Ask, state: UpdateState) -> Result<(), InvokeError> {
    let (owner, last) = {
        let intake = context.intake();
        (intake.owner(), intake.stored_state().unwrap_or_default())
    };
    tracing::warn!(from_pts = last.pts, to_pts = state.pts, "too much was missed: looking through the conversations");
    let mut found = Found::default();
    // Bots have no list of conversations.
    let is_whole =
        !owner.is_bot && collect(context, pool, last.date.saturating_sub(RECOVERY_SLACK_S), &mut found).await?;
    if !is_whole {
        tracing::warn!(messages = found.messages.len(), "some of the messages that were missed may never arrive");
        context.intake().cut_missed();
    }
    let messages = found.messages.into_values().collect();
    let state = UpdateState { date: state.date.max(last.date), ..state };
    if context.intake().take_difference(found.users, found.chats, messages, Vec::new(), state) {
        Ok(())
    } else {
        Err(InvokeError::Lost("what was missed cannot be kept for now".to_owned()))
    }
}

/// Looks through the conversations, the latest first. Says whether all of them were looked through that have news.
async fn collect(context: &Context, pool: &impl Ask, since: i32, found: &mut Found) -> Result<bool, InvokeError> {
    let mut seen = 0;
    let (mut offset_date, mut offset_id, mut offset_peer) = (0, 0, enums::InputPeer::Empty);
    while seen < RECOVERY_DIALOGS_MAX && !found.is_full() {
        let request = functions::messages::GetDialogs {
            exclude_pinned: false,
            folder_id: None,
            offset_date,
            offset_id,
            offset_peer: offset_peer.clone(),
            limit: PAGE,
            hash: 0,
        };
        let (dialogs, messages, users, chats) = match pool.ask_patiently(&request).await? {
            enums::messages::Dialogs::Dialogs(list) => (list.dialogs, list.messages, list.users, list.chats),
            enums::messages::Dialogs::Slice(list) => (list.dialogs, list.messages, list.users, list.chats),
            enums::messages::Dialogs::NotModified(_) => return Ok(true),
        };
        let learnt = context.intake().learn(&users, &chats, &[]);
        learnt.map_err(|error| InvokeError::Lost(error.to_string()))?;
        found.users.extend(users);
        found.chats.extend(chats);
        let mut oldest = None;
        for dialog in &dialogs {
            let enums::Dialog::Dialog(dialog) = dialog else { continue };
            if let (PeerId { kind: PeerKind::Channel, id }, Some(pts)) = (peer_id(&dialog.peer), dialog.pts) {
                // It has a difference of its own.
                context.intake().see_channel_pts(id, Some(pts));
            }
            let top = messages.iter().find(|message| is_top(message, dialog));
            let date = top.map_or(0, date);
            oldest = Some((date, dialog));
            if date >= since && !matches!(dialog.peer, enums::Peer::Channel(_)) {
                collect_history(context, pool, dialog, since, found).await?;
            }
        }
        seen += dialogs.len();
        match oldest {
            Some((date, dialog)) if date >= since && dialogs.len() as i32 == PAGE => {
                (offset_date, offset_id) = (date, dialog.top_message);
                offset_peer = context.input_peer(peer_id(&dialog.peer)).unwrap_or(enums::InputPeer::Empty);
            }
            _ => return Ok(!found.is_full()),
        }
    }
    Ok(false)
}

async fn collect_history(
    context: &Context,
    pool: &impl Ask,
    dialog: &types::Dialog,
    since: i32,
    found: &mut Found,
) -> Result<(), InvokeError> {
    let Ok(peer) = context.input_peer(peer_id(&dialog.peer)) else { return Ok(()) };
    let mut offset_id = 0;
    while !found.is_full() {
        let messages = found.page(pool, &peer, offset_id).await?;
        let is_end = messages.len() < PAGE as usize || messages.iter().any(|message| date(message) < since);
        let older = next_page(&messages, offset_id);
        found.keep(messages.into_iter().filter(|message| date(message) >= since));
        match older {
            Some(older) if !is_end => offset_id = older,
            _ => break,
        }
    }
    Ok(())
}

/// Where a history goes on after a page of it that began before `offset_id`. None at its end, and where the server gives
/// nothing older than before: it would be asked for ever.
pub(crate) fn next_page(messages: &[enums::Message], offset_id: i32) -> Option<i32> {
    let last_id = messages.last()?.id();
    (offset_id == 0 || last_id < offset_id).then_some(last_id)
}

fn is_top(message: &enums::Message, dialog: &types::Dialog) -> bool {
    let peer = match message {
        enums::Message::Empty(_) => return false,
        enums::Message::Message(message) => &message.peer_id,
        enums::Message::Service(message) => &message.peer_id,
    };
    message.id() == dialog.top_message && *peer == dialog.peer
}

pub(crate) fn date(message: &enums::Message) -> i32 {
    match message {
        enums::Message::Empty(_) => 0,
        enums::Message::Message(message) => message.date,
        enums::Message::Service(message) => message.date,
    }
}

#[cfg(test)]
mod tests;
