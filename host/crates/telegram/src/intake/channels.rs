//! The order of updates in each channel, and which channels' differences are to be fetched:
//! <https://core.telegram.org/api/updates#recovering-gaps>.
//!
//! Invariant: an update of a channel is let through once and in its place, or the channel's difference, which has it,
//! is asked for. Only channels with something to wait for are kept here; the others' states are in the store.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use grammers_tl_types as tl;
use store::{AccountStore, ChannelState, StoreError};
use tl::enums;

use super::order::{Envelope, Order};
use super::position::{UpdatePosition, in_channel};
use crate::backoff::backoff;

/// Channels that wait for something at a time. The updates of further ones are left to the account's difference.
const CHANNELS_WAITING_MAX: usize = 1_000;

/// How often in a row the fetching of one channel's difference may fail inside of the data centre.
const FAILURES_MAX: u32 = 5;

/// How long to wait after the first such failure; each further one doubles it.
const FAILURE_PAUSE: Duration = Duration::from_millis(500);

/// A data centre that gives no differences for longer than this does not keep the account from being up to date: scripts
/// would wait with it.
pub(super) const LONG_WAIT: Duration = Duration::from_secs(60);

/// A channel whose difference is to be fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missed {
    /// Its id.
    pub(crate) channel_id: i64,
    /// How far it is known. Without a pts, nothing of it was taken before.
    pub(crate) state: ChannelState,
    /// What is older than this was not missed.
    pub(crate) since: i32,
}

/// One channel with something to wait for.
#[derive(Debug)]
struct Channel {
    order: Order,
    stored: Option<i32>,
    since: i32,
    failures: u32,
}

/// What decides how a channel's updates begin to be taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    pub(crate) our_id: i64,
    /// When the account was last up to date.
    pub(crate) since: i32,
}

/// The channels of one account.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    waiting: HashMap<i64, Channel>,
    /// Until then the data centre gives no differences.
    blocked_until: Option<Instant>,
    /// An update was left out; the account's difference will name its channel.
    is_overfull: bool,
}

impl Channels {
    /// Takes updates whose turn it is in the account's sequences; gives those whose turn it is in their channel's too.
    pub(crate) fn sort(
        &mut self,
        store: &AccountStore,
        updates: Vec<enums::Update>,
        begin: Begin,
        now: Instant,
    ) -> Result<Vec<enums::Update>, StoreError> {
        let mut sorted = Vec::with_capacity(updates.len());
        for update in updates {
            match (&update, in_channel(&update)) {
                (enums::Update::ChannelTooLong(behind), _) => {
                    self.on_too_long(store, behind.channel_id, behind.pts, begin, now)?;
                }
                (_, Some((channel_id, position))) => {
                    if let Some(channel) = self.channel(store, channel_id, Some((&update, position)), begin, now)? {
                        sorted.extend(channel.order.accept(Envelope::single(update, 0), now).updates);
                    }
                }
                _ => sorted.push(update),
            }
        }
        Ok(sorted)
    }

    /// The server says that there is news in a channel, up to this pts if it says one.
    pub(crate) fn on_too_long(
        &mut self,
        store: &AccountStore,
        channel_id: i64,
        pts: Option<i32>,
        begin: Begin,
        now: Instant,
    ) -> Result<(), StoreError> {
        if let Some(channel) = self.channel(store, channel_id, None, begin, now)?
            && pts.is_none_or(|pts| pts > channel.order.state().pts)
        {
            channel.order.want_difference();
        }
        Ok(())
    }

    /// The channels that are further than the store has them, and how far.
    pub(crate) fn moved(&self) -> Vec<(i64, i32)> {
        let moved = self.waiting.iter().map(|(id, channel)| (*id, channel.stored, channel.order.state().pts));
        moved.filter(|(_, stored, pts)| *pts > 0 && *stored != Some(*pts)).map(|(id, _, pts)| (id, pts)).collect()
    }

    /// What [`Self::moved`] gave is in the store; these channels are not ours any more.
    pub(crate) fn on_kept(&mut self, moved: &[(i64, i32)], left: &[i64]) {
        for (id, pts) in moved {
            if let Some(channel) = self.waiting.get_mut(id) {
                channel.stored = Some(*pts);
            }
        }
        left.iter().for_each(|id| self.forget(*id));
        self.waiting.retain(|_, channel| channel.order.is_busy());
    }

    /// What was let through could not be kept: it is asked for again.
    pub(crate) fn on_refused(&mut self) {
        for channel in self.waiting.values_mut() {
            channel.reset();
        }
    }

    /// Whether a difference is to be fetched now.
    pub(crate) fn wants_difference(&self) -> bool {
        self.blocked_until.is_none() && self.waiting.values().any(|channel| channel.order.wants_difference())
    }

    /// Whether nothing is missing that can be had before long.
    pub(crate) fn is_up_to_date(&self, now: Instant) -> bool {
        let is_blocked = self.blocked_until.is_some_and(|until| until > now + LONG_WAIT);
        is_blocked || !(self.is_overfull || self.waiting.values().any(|channel| channel.order.is_behind()))
    }

    /// Whether something is missing in a channel.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_overfull || self.waiting.values().any(|channel| channel.order.is_busy())
    }

    /// Whether an update had to be left out, and there is room by now.
    pub(crate) fn wants_account_difference(&self) -> bool {
        self.is_overfull && self.waiting.len() <= CHANNELS_WAITING_MAX / 2
    }

    /// The account's difference is being fetched.
    pub(crate) fn begin_account_difference(&mut self) {
        self.is_overfull = false;
    }

    /// When to call [`Self::on_deadline`], if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let gaps = self.waiting.values().filter_map(|channel| channel.order.deadline());
        gaps.chain(self.blocked_until).min()
    }

    /// Something that was waited for has not come, or the data centre may give something again.
    pub(crate) fn on_deadline(&mut self, now: Instant) {
        self.blocked_until = self.blocked_until.filter(|until| now < *until);
        self.waiting.values_mut().for_each(|channel| channel.order.on_deadline(now));
    }

    /// The next channel whose difference is to be fetched: what comes of it meanwhile waits.
    pub(crate) fn begin_difference(&mut self, store: &AccountStore) -> Result<Option<Missed>, StoreError> {
        if !self.wants_difference() {
            return Ok(None);
        }
        let next = self.waiting.iter_mut().find(|(_, channel)| channel.order.wants_difference());
        let Some((id, channel)) = next else { return Ok(None) };
        let state = store.channel_state(*id)?;
        channel.order.begin_difference();
        Ok(Some(Missed { channel_id: *id, state, since: channel.since }))
    }

    /// A part of a channel's difference leads to this pts.
    pub(crate) fn advance(&mut self, channel_id: i64, pts: i32) {
        if let Some(channel) = self.waiting.get_mut(&channel_id) {
            let state = store::UpdateState { pts, ..channel.order.state() };
            channel.order.advance(state);
            channel.failures = 0;
        }
    }

    /// A channel's difference has been applied; gives what came meanwhile and is new.
    pub(crate) fn end_difference(&mut self, channel_id: i64, now: Instant) -> Vec<enums::Update> {
        self.waiting.get_mut(&channel_id).map(|channel| channel.order.end_difference(now).updates).unwrap_or_default()
    }

    /// No difference can be fetched any more for now; those that were not are asked for again.
    pub(crate) fn abort_differences(&mut self, now: Instant) {
        for channel in self.waiting.values_mut() {
            channel.reset();
            channel.order.end_difference(now);
        }
    }

    /// The data centre failed to give a channel's difference. Says whether it is tried again, after a pause.
    pub(crate) fn on_failure(&mut self, channel_id: i64, now: Instant) -> bool {
        let Some(channel) = self.waiting.get_mut(&channel_id) else { return false };
        channel.failures += 1;
        if channel.failures >= FAILURES_MAX {
            self.forget(channel_id);
            return false;
        }
        let pause = backoff(FAILURE_PAUSE, channel.failures);
        self.block(now + pause);
        true
    }

    /// The channel's difference is wanted.
    pub(crate) fn want_difference(&mut self, channel_id: i64) {
        if let Some(channel) = self.waiting.get_mut(&channel_id) {
            channel.reset();
        }
    }

    /// The data centre gives no differences until then.
    pub(crate) fn block(&mut self, until: Instant) {
        self.blocked_until = Some(until);
    }

    /// Nothing is waited for in this channel.
    pub(crate) fn forget(&mut self, channel_id: i64) {
        self.waiting.remove(&channel_id);
    }

    /// The channel, taken up at the state that is stored. One that nothing was taken of before begins at `first`, if it
    /// can, or its difference is wanted. None where there is no room for one more.
    fn channel(
        &mut self,
        store: &AccountStore,
        channel_id: i64,
        first: Option<(&enums::Update, UpdatePosition)>,
        begin: Begin,
        now: Instant,
    ) -> Result<Option<&mut Channel>, StoreError> {
        if !self.waiting.contains_key(&channel_id) {
            if self.waiting.len() >= CHANNELS_WAITING_MAX {
                self.is_overfull = true;
                return Ok(None);
            }
            let stored = store.channel_state(channel_id)?.pts;
            let pts = stored.or_else(|| first.and_then(|(update, position)| first_pts(update, position, begin)));
            let mut order = Order::channel(pts.unwrap_or_default(), now);
            if pts.is_none() {
                order.want_difference();
            }
            self.waiting.insert(channel_id, Channel { order, stored, since: begin.since, failures: 0 });
        }
        Ok(self.waiting.get_mut(&channel_id))
    }
}

impl Channel {
    fn reset(&mut self) {
        let pts = self.stored.unwrap_or_default();
        self.order.reset(store::UpdateState { pts, ..self.order.state() });
    }
}

/// The pts before an update with which our part in a channel begins.
fn first_pts(update: &enums::Update, position: UpdatePosition, begin: Begin) -> Option<i32> {
    let UpdatePosition::Pts { pts, count } = position else { return None };
    let enums::Update::NewChannelMessage(new) = update else { return None };
    brings_us_in(&new.message, begin.our_id).then(|| pts.saturating_sub(count))
}

/// Whether the message says that we came into its channel: nothing before it was for us.
pub(crate) fn brings_us_in(message: &enums::Message, our_id: i64) -> bool {
    use enums::MessageAction as Action;
    let enums::Message::Service(message) = message else { return false };
    match &message.action {
        Action::ChannelCreate(_) | Action::ChatJoinedByLink(_) | Action::ChatJoinedByRequest => message.out,
        Action::ChatAddUser(added) => added.users.contains(&our_id),
        Action::ChannelMigrateFrom(_) => true,
        _ => false,
    }
}
