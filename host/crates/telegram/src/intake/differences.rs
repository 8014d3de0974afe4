//! Differences on their way in, the account's and each channel's: what is fetched because it was missed.
//!
//! Invariant: between the beginning and the end of a difference nothing that is pushed overtakes it.

use std::time::{Duration, Instant};

use grammers_tl_types as tl;
use store::UpdateState;
use tgl::PeerId;
use tl::{enums, types};

use super::order::Ready;
use super::{Intake, Missed, peers};

/// The longest that a difference is put off.
const POSTPONED_MAX: Duration = Duration::from_secs(3_600);

/// A part of what was missed in a channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelPart {
    pub(crate) users: Vec<enums::User>,
    pub(crate) chats: Vec<enums::Chat>,
    pub(crate) messages: Vec<enums::Message>,
    pub(crate) others: Vec<enums::Update>,
}

impl Intake {
    /// The difference is being fetched.
    pub(crate) fn begin_difference(&mut self) {
        self.missed_since = self.stored.map(|state| state.date);
        // It is told from this date.
        let date = self.missed_since.unwrap_or_default();
        self.order.advance(UpdateState { date, ..self.order.state() });
        self.order.begin_difference();
        self.channels.begin_account_difference();
    }

    /// The state that `updates.getState` gives to an account that begins.
    pub(crate) fn begin_at(&mut self, state: UpdateState) {
        self.order.advance(state);
        self.keep(Ready::default(), None);
    }

    /// Takes a part of the difference, or messages fetched in its place: peers, then messages in their order, then the
    /// rest. Says whether it was kept.
    pub(crate) fn take_difference(
        &mut self,
        users: Vec<enums::User>,
        chats: Vec<enums::Chat>,
        messages: Vec<enums::Message>,
        others: Vec<enums::Update>,
        state: UpdateState,
    ) -> bool {
        let new = messages.into_iter().map(|message| types::UpdateNewMessage { message, pts: 0, pts_count: 0 }.into());
        let ready = Ready { updates: new.chain(others).collect(), users, chats };
        self.order.advance(state);
        self.keep(ready, None)
    }

    /// A bound was reached: some of what was missed will not come.
    pub(crate) fn cut_missed(&mut self) {
        self.state.send_if_modified(|state| !std::mem::replace(&mut state.is_missed_cut, true));
    }

    /// The data centre gives no difference for so long. What is pushed is taken meanwhile, as far as it is next.
    pub(crate) fn postpone_difference(&mut self, wait: Duration) {
        self.difference_at = Some(Instant::now() + wait.min(POSTPONED_MAX));
        self.order.want_difference();
        self.end_difference();
    }

    /// No difference could be fetched.
    pub(crate) fn abort_differences(&mut self) {
        let now = Instant::now();
        self.difference_at = None;
        self.order.reset(self.stored.unwrap_or_default());
        self.order.end_difference(now);
        self.channels.abort_differences(now);
        self.missed_since = None;
    }

    /// The difference has ended; takes what was pushed meanwhile.
    pub(crate) fn end_difference(&mut self) {
        let ready = self.order.end_difference(Instant::now());
        self.keep(ready, None);
        self.missed_since = None;
    }

    /// The next channel whose difference is to be fetched.
    pub(crate) fn begin_channel_difference(&mut self) -> Option<Missed> {
        if self.blocked_until.is_some() {
            return None;
        }
        self.channels.begin_difference(&self.store).unwrap_or_else(|error| {
            self.refuse(&error);
            None
        })
    }

    /// Takes a part of a channel's difference, or messages fetched in its place, up to this pts. Says whether it was
    /// kept.
    pub(crate) fn take_channel_difference(&mut self, channel_id: i64, pts: i32, part: ChannelPart) -> bool {
        let ChannelPart { users, chats, messages, others } = part;
        let new =
            messages.into_iter().map(|message| types::UpdateNewChannelMessage { message, pts: 0, pts_count: 0 }.into());
        let ready = Ready { updates: new.chain(others).collect(), users, chats };
        self.channels.advance(channel_id, pts);
        self.write_ready(&ready, None)
    }

    /// The channel's difference has ended; takes what was pushed meanwhile.
    pub(crate) fn end_channel_difference(&mut self, channel_id: i64) {
        let updates = self.channels.end_difference(channel_id, Instant::now());
        self.write_ready(&Ready { updates, ..Ready::default() }, None);
    }

    /// The data centre failed to give a channel's difference. Says whether it is tried again.
    pub(crate) fn on_channel_failure(&mut self, channel_id: i64) -> bool {
        let now = Instant::now();
        self.channels.end_difference(channel_id, now);
        self.channels.want_difference(channel_id);
        self.channels.on_failure(channel_id, now)
    }

    /// The data centre gives no channels' differences for so long.
    pub(crate) fn on_channel_flood(&mut self, channel_id: i64, wait: Duration) {
        let now = Instant::now();
        self.channels.end_difference(channel_id, now);
        self.channels.want_difference(channel_id);
        self.channels.block(now + wait.min(POSTPONED_MAX));
    }

    /// Nothing can be fetched of the channel for now.
    pub(crate) fn give_channel_up(&mut self, channel_id: i64) {
        self.channels.forget(channel_id);
    }

    /// We are shut out of the channel: its updates are not taken any more.
    pub(crate) fn leave_channel(&mut self, channel_id: i64) {
        self.channels.forget(channel_id);
        let left = self.write(|batch| {
            peers::leave(batch, PeerId::channel(channel_id))?;
            batch.set_channel_pts(channel_id, None)
        });
        if let Err(error) = left {
            self.refuse(&error);
        }
    }

    /// There may be news in the channel: the server has it at this pts, if it says one.
    pub(crate) fn see_channel_pts(&mut self, channel_id: i64, pts: Option<i32>) {
        let begin = self.begin();
        let seen = self.channels.on_too_long(&self.store, channel_id, pts, begin, Instant::now());
        if let Err(error) = seen {
            self.refuse(&error);
        }
    }
}
