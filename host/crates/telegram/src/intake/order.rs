//! Puts updates into the server's order: <https://core.telegram.org/api/updates#message-related-event-sequences>.
//! A pure state machine: no clock of its own, no network, no store.
//!
//! Invariant: an update that has a position (pts, qts or seq) is let through exactly once and only after everything before
//! it; where something before it is missing, the difference is asked for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use grammers_tl_types as tl;
use store::UpdateState;
use tl::{enums, types};

use super::position::{UpdatePosition, in_account, in_channel};

/// How long the missing piece may take to come by itself, as Telegram recommends.
const GAP_WAIT: Duration = Duration::from_millis(500);

/// After how long a silence the difference is asked for, as Telegram recommends.
const SILENCE_MAX: Duration = Duration::from_secs(15 * 60);

/// Groups of updates that wait for a missing one or for the difference. With more the difference is asked for again.
const WAITING_MAX: usize = 1_000;

/// The same for each channel, of which there are many.
const CHANNEL_WAITING_MAX: usize = 100;

/// Updates that came together, in the one form that all forms of the server's are brought to.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) updates: Vec<enums::Update>,
    pub(crate) users: Vec<enums::User>,
    pub(crate) chats: Vec<enums::Chat>,
    pub(crate) date: i32,
    pub(crate) seq_start: i32,
    pub(crate) seq: i32,
}

/// What may be applied now.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub(crate) updates: Vec<enums::Update>,
    pub(crate) users: Vec<enums::User>,
    pub(crate) chats: Vec<enums::Chat>,
}

/// Whose sequences are kept in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Account,
    /// Only pts counts.
    Channel,
}

/// The order of one account's updates, or of one channel's.
#[derive(Debug)]
pub(crate) struct Order {
    scope: Scope,
    state: UpdateState,
    /// Updates whose predecessors are missing.
    waiting: Vec<enums::Update>,
    /// Groups whose predecessors are missing, or that came while the difference was being fetched.
    held: VecDeque<Envelope>,
    gap_since: Option<Instant>,
    heard_at: Instant,
    is_fetching: bool,
    wants_difference: bool,
}

impl Order {
    /// The account's, beginning at a state and not knowing what has happened since.
    pub(crate) fn new(state: UpdateState, now: Instant) -> Self {
        Self { wants_difference: true, ..Self::at(Scope::Account, state, now) }
    }

    /// A channel's, beginning at a state. Silence means nothing there: the account's difference names every channel
    /// that has moved on.
    pub(crate) fn channel(pts: i32, now: Instant) -> Self {
        Self::at(Scope::Channel, UpdateState { pts, ..UpdateState::default() }, now)
    }

    fn at(scope: Scope, state: UpdateState, now: Instant) -> Self {
        Self {
            scope,
            state,
            waiting: Vec::new(),
            held: VecDeque::new(),
            gap_since: None,
            heard_at: now,
            is_fetching: false,
            wants_difference: false,
        }
    }

    /// How far updates have been let through.
    pub(crate) fn state(&self) -> UpdateState {
        self.state
    }

    /// Whether the difference is to be fetched, and is not being fetched yet.
    pub(crate) fn wants_difference(&self) -> bool {
        self.wants_difference && !self.is_fetching
    }

    /// Something is missing for sure.
    pub(crate) fn want_difference(&mut self) {
        self.wants_difference = true;
    }

    /// Whether the difference is to be fetched or being fetched.
    pub(crate) fn is_behind(&self) -> bool {
        self.wants_difference || self.is_fetching
    }

    /// Whether there is more to remember than the state.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_behind() || !self.waiting.is_empty() || !self.held.is_empty()
    }

    /// When to call [`Self::on_deadline`], if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let silence = (self.scope == Scope::Account).then_some(self.heard_at + SILENCE_MAX);
        let gap = self.gap_since.map(|since| since + GAP_WAIT);
        gap.into_iter().chain(silence).min()
    }

    /// A gap has not closed, or nothing was heard for long.
    pub(crate) fn on_deadline(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.wants_difference = true;
            self.heard_at = now;
            self.gap_since = None;
        }
    }

    /// Takes what the server pushed or answered and gives what may be applied.
    pub(crate) fn accept(&mut self, envelope: Envelope, now: Instant) -> Ready {
        self.heard_at = now;
        let mut ready = Ready::default();
        self.take(envelope, now, &mut ready);
        self.release_held(now, &mut ready);
        ready
    }

    /// The difference is being fetched: what comes meanwhile waits.
    pub(crate) fn begin_difference(&mut self) {
        self.is_fetching = true;
        self.wants_difference = false;
        self.gap_since = None;
        // They are in the difference.
        self.waiting.clear();
    }

    /// A part of the difference has been applied up to this state.
    pub(crate) fn advance(&mut self, state: UpdateState) {
        self.state = state;
    }

    /// The difference has been applied, or could not be fetched; gives what came meanwhile and is new.
    pub(crate) fn end_difference(&mut self, now: Instant) -> Ready {
        self.is_fetching = false;
        self.heard_at = now;
        let mut ready = Ready::default();
        for envelope in std::mem::take(&mut self.held) {
            self.take(envelope, now, &mut ready);
        }
        self.release_held(now, &mut ready);
        ready
    }

    /// What was let through could not be kept: back to the state that was, and ask again.
    pub(crate) fn reset(&mut self, state: UpdateState) {
        self.state = state;
        self.waiting.clear();
        self.held.clear();
        self.gap_since = None;
        self.wants_difference = true;
    }

    fn take(&mut self, envelope: Envelope, now: Instant, ready: &mut Ready) {
        let is_ordered = envelope.seq_start != 0;
        if is_ordered && envelope.seq_start <= self.state.seq {
            return;
        }
        if self.is_fetching || (is_ordered && envelope.seq_start > self.state.seq.saturating_add(1)) {
            self.hold(envelope, now);
            return;
        }
        if envelope.seq != 0 {
            self.state.seq = envelope.seq;
        }
        ready.users.extend(envelope.users);
        ready.chats.extend(envelope.chats);
        for update in envelope.updates {
            self.arrive(update, now, ready);
        }
        self.release_waiting(ready);
        // What is older than the date is not looked for any more.
        if !self.is_busy() {
            self.state.date = self.state.date.max(envelope.date);
        }
    }

    fn hold(&mut self, envelope: Envelope, now: Instant) {
        if self.held.len() >= self.waiting_max() {
            self.held.pop_front();
            self.wants_difference = true;
        }
        self.held.push_back(envelope);
        if !self.is_fetching {
            self.gap_since.get_or_insert(now);
        }
    }

    /// Lets an update through, drops it as known, or keeps it until its predecessors are there.
    fn arrive(&mut self, update: enums::Update, now: Instant, ready: &mut Ready) {
        match self.arrival(&update) {
            Arrival::Next(state) => {
                self.state = state;
                ready.updates.push(update);
            }
            Arrival::Known => {}
            Arrival::Early => {
                if self.waiting.len() >= self.waiting_max() {
                    self.wants_difference = true;
                    return;
                }
                self.waiting.push(update);
                self.gap_since.get_or_insert(now);
            }
        }
    }

    /// Lets through what has waited and is next now.
    fn release_waiting(&mut self, ready: &mut Ready) {
        loop {
            let next = self.waiting.iter().position(|update| !matches!(self.arrival(update), Arrival::Early));
            let Some(at) = next else { break };
            let update = self.waiting.swap_remove(at);
            if let Arrival::Next(state) = self.arrival(&update) {
                self.state = state;
                ready.updates.push(update);
            }
        }
        if self.waiting.is_empty() && self.held.is_empty() {
            self.gap_since = None;
        }
    }

    fn release_held(&mut self, now: Instant, ready: &mut Ready) {
        if self.is_fetching {
            return;
        }
        while let Some(at) =
            self.held.iter().position(|envelope| envelope.seq_start <= self.state.seq.saturating_add(1))
        {
            if let Some(envelope) = self.held.remove(at) {
                self.take(envelope, now, ready);
            }
        }
        if self.waiting.is_empty() && self.held.is_empty() {
            self.gap_since = None;
        }
    }

    fn waiting_max(&self) -> usize {
        match self.scope {
            Scope::Account => WAITING_MAX,
            Scope::Channel => CHANNEL_WAITING_MAX,
        }
    }

    fn arrival(&self, update: &enums::Update) -> Arrival {
        let position = match self.scope {
            Scope::Account => in_account(update),
            Scope::Channel => in_channel(update).map_or(UpdatePosition::None, |(_, position)| position),
        };
        arrival(self.state, position)
    }
}

/// How an update stands to a state.
enum Arrival {
    /// It is the next one, or needs no order; the state after it.
    Next(UpdateState),
    /// It has been applied before.
    Known,
    /// Others are missing before it.
    Early,
}

fn arrival(state: UpdateState, position: UpdatePosition) -> Arrival {
    match position {
        UpdatePosition::None => Arrival::Next(state),
        UpdatePosition::Pts { pts: 0, .. } => Arrival::Next(state),
        UpdatePosition::Pts { pts, count } => match i64::from(state.pts) + i64::from(count) {
            reached if reached == i64::from(pts) => Arrival::Next(UpdateState { pts, ..state }),
            reached if reached > i64::from(pts) => Arrival::Known,
            _ => Arrival::Early,
        },
        UpdatePosition::Qts(0) => Arrival::Next(state),
        UpdatePosition::Qts(qts) if qts <= state.qts => Arrival::Known,
        // Until the first one the account's qts is not known to be gapless.
        UpdatePosition::Qts(qts) if qts == state.qts + 1 || state.qts == 0 => {
            Arrival::Next(UpdateState { qts, ..state })
        }
        UpdatePosition::Qts(_) => Arrival::Early,
    }
}

impl Envelope {
    /// One update with a date and nothing else.
    pub(crate) fn single(update: enums::Update, date: i32) -> Self {
        Self { updates: vec![update], users: Vec::new(), chats: Vec::new(), date, seq_start: 0, seq: 0 }
    }

    /// The pts that a call used up without an update for it: <https://core.telegram.org/type/messages.AffectedMessages>.
    pub(crate) fn affected(channel_id: Option<i64>, affected: &types::messages::AffectedMessages) -> Self {
        let (messages, pts, pts_count) = (Vec::new(), affected.pts, affected.pts_count);
        let update = match channel_id {
            Some(channel_id) => types::UpdateDeleteChannelMessages { channel_id, messages, pts, pts_count }.into(),
            None => types::UpdateDeleteMessages { messages, pts, pts_count }.into(),
        };
        Self::single(update, 0)
    }
}

#[cfg(test)]
mod tests;
