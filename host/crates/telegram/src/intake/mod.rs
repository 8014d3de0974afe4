//! What comes from the server, into the store: updates in their order, differences, and what answers to calls bring
//! along. Everything that belongs together is one transaction, and only then anybody hears of it.
//!
//! Invariant: the state that is stored never runs ahead of the events that are stored. Whatever cannot be written is
//! given up as a whole and asked for again.

mod adapt;
mod apply;
mod beside;
mod channels;
mod differences;
mod messages;
mod order;
mod peers;
mod position;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use grammers_tl_types as tl;
use store::{AccountStore, Batch, Owner, StoreError, UpdateState};
use tgl::{AccountState, Message, Peer, PeerId, PeerKind};
use tl::{enums, functions, types};
use tokio::sync::watch;

pub(crate) use adapt::Incoming;
pub(crate) use apply::{mark_read, see_members};
use channels::{Begin, Channels, LONG_WAIT};
pub(crate) use channels::{Missed, brings_us_in};
pub(crate) use differences::ChannelPart;
pub(crate) use order::Envelope;
use order::{Order, Ready};
pub(crate) use peers::{MEMBERS_MAX, change_members, channel_member_ids, peer_id, see, see_user};

use crate::held::{self, Held};
use crate::net::Pushed;

/// How long to wait after the store took nothing (its inbox is full, or the disk), before the server is asked again.
const BLOCKED_WAIT: Duration = Duration::from_secs(1);

/// Events there has to be room for before updates are taken again.
const ROOM_MIN: u64 = 1_000;

/// Messages sent that are remembered by their random id; the oldest go first.
const SENT_MAX: usize = 1_024;

/// The way in of one account.
pub(crate) struct Intake {
    store: AccountStore,
    owner: Owner,
    order: Order,
    channels: Channels,
    /// When the account was last up to date, while its difference is being fetched.
    missed_since: Option<i32>,
    /// The state as it is stored.
    stored: Option<UpdateState>,
    /// The server's ids of messages of ours, by their random ids.
    sent: VecDeque<(i64, i32)>,
    blocked_until: Option<Instant>,
    /// Until then the data centre gives no difference.
    difference_at: Option<Instant>,
    state: watch::Sender<AccountState>,
    held: watch::Sender<Held>,
    /// Counts what was written, for those who wait for something to be.
    written: watch::Sender<u64>,
}

impl Intake {
    /// The way in of the account that is logged in as `owner`.
    pub(crate) fn open(
        store: AccountStore,
        owner: Owner,
        state: watch::Sender<AccountState>,
    ) -> Result<Self, StoreError> {
        let stored = store.update_state()?;
        let order = Order::new(stored.unwrap_or_default(), Instant::now());
        state.send_modify(|state| {
            state.our_id = Some(owner.user_id);
            state.inbox_seq = store.inbox_seq();
        });
        Ok(Self {
            store,
            owner,
            order,
            channels: Channels::default(),
            missed_since: None,
            stored,
            sent: VecDeque::new(),
            blocked_until: None,
            difference_at: None,
            state,
            held: watch::Sender::default(),
            written: watch::Sender::new(0),
        })
    }

    /// How the account stands.
    #[cfg(test)]
    pub(crate) fn account_state(&self) -> AccountState {
        self.state.borrow().clone()
    }

    /// A call waits because the data centre wants it.
    pub(crate) fn count_flood_wait(&self) {
        self.state.send_modify(|state| state.flood_waits += 1);
    }

    /// Who is logged in.
    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    /// How far updates have been taken; none before the first time.
    pub(crate) fn stored_state(&self) -> Option<UpdateState> {
        self.stored
    }

    /// The server's id of a message of ours, once the server has said it.
    pub(crate) fn sent_id(&self, random_id: i64) -> Option<i32> {
        self.sent.iter().rev().find(|(of, _)| *of == random_id).map(|(_, id)| *id)
    }

    /// There is something in the conversation that we have not been told of.
    pub(crate) fn want_news_of(&mut self, peer: PeerId) {
        self.order.want_difference();
        if peer.kind == PeerKind::Channel {
            self.see_channel_pts(peer.id, None);
        }
    }

    /// What waits for room.
    pub(crate) fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Changes with everything that is written.
    pub(crate) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// Whether the difference is to be fetched now.
    pub(crate) fn wants_difference(&self) -> bool {
        let is_wanted = self.order.wants_difference() || self.channels.wants_account_difference();
        self.blocked_until.is_none() && self.difference_at.is_none() && is_wanted
    }

    /// Whether the difference of a channel is to be fetched now.
    pub(crate) fn wants_channel_difference(&self) -> bool {
        self.blocked_until.is_none() && self.channels.wants_difference()
    }

    /// Whether everything that is known to have happened is in the store, and can be had before long.
    pub(crate) fn is_up_to_date(&self) -> bool {
        let now = Instant::now();
        let is_behind = self.order.is_behind() && self.difference_at.is_none_or(|at| at <= now + LONG_WAIT);
        self.blocked_until.is_none() && !is_behind && self.channels.is_up_to_date(now)
    }

    /// When to call [`Self::on_deadline`], if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let own = self.blocked_until.or_else(|| self.order.deadline());
        own.into_iter().chain(self.difference_at).chain(self.channels.deadline()).min()
    }

    /// Something that was waited for has not come, or the store may take something again.
    pub(crate) fn on_deadline(&mut self, now: Instant) {
        if self.blocked_until.is_some_and(|until| now >= until) {
            let has_room = self.store.inbox_room() >= ROOM_MIN;
            self.blocked_until = (!has_room).then_some(now + BLOCKED_WAIT);
        }
        self.difference_at = self.difference_at.filter(|at| now < *at);
        self.order.on_deadline(now);
        self.channels.on_deadline(now);
    }

    /// Something is missing for sure: the connection was broken, for example.
    pub(crate) fn want_difference(&mut self) {
        self.order.want_difference();
    }

    /// Takes what the server has pushed.
    pub(crate) fn receive_pushed(&mut self, updates: Pushed) {
        self.receive(adapt::pushed(updates), None);
    }

    /// Takes the `Updates` that a call was answered with. `completed` is the random id of the call that has come to its
    /// end by them: it leaves the outbox in the same transaction.
    pub(crate) fn receive_answer(&mut self, updates: enums::Updates, completed: Option<i64>) {
        self.receive(adapt::updates(updates), completed);
    }

    /// Takes the short answer to a plain text.
    pub(crate) fn receive_short_sent(
        &mut self,
        request: &functions::messages::SendMessage,
        sent: types::UpdateShortSentMessage,
    ) {
        self.remember(&[(request.random_id, sent.id)]);
        self.receive(adapt::short_sent(request, sent), Some(request.random_id));
    }

    /// Takes the pts that a call has used up, of the account's or of a channel's.
    pub(crate) fn receive_affected(&mut self, channel_id: Option<i64>, affected: &types::messages::AffectedMessages) {
        self.receive(Incoming::Envelope(Envelope::affected(channel_id, affected)), None);
    }

    fn receive(&mut self, incoming: Incoming, completed: Option<i64>) {
        let now = Instant::now();
        match incoming {
            // Before the first state it is not known what is next.
            _ if self.blocked_until.is_some() || self.stored.is_none() => self.order.want_difference(),
            Incoming::Nothing => {}
            Incoming::Gap => self.order.want_difference(),
            Incoming::Envelope(envelope) if self.is_incomplete(&envelope) => self.order.want_difference(),
            Incoming::Envelope(envelope) => {
                let ready = self.order.accept(envelope, now);
                self.keep(ready, completed);
            }
        }
    }

    /// A message in a short form whose people we do not know has to be fetched with them:
    /// <https://core.telegram.org/api/updates#recovering-gaps>.
    fn is_incomplete(&self, envelope: &Envelope) -> bool {
        let is_short = envelope.users.is_empty() && envelope.chats.is_empty();
        let is_known = |id: PeerId| matches!(self.store.peer_record(id), Ok(Some(_)));
        is_short
            && envelope.updates.iter().any(|update| match update {
                enums::Update::NewMessage(new) => !messages::people(&new.message).into_iter().all(is_known),
                _ => false,
            })
    }

    /// Keeps what the answer to a call brought along, without telling scripts of its messages; gives those as scripts
    /// see them, in their order.
    pub(crate) fn learn(
        &mut self,
        users: &[enums::User],
        chats: &[enums::Chat],
        news: &[enums::Message],
    ) -> Result<Vec<Message>, StoreError> {
        let our_id = self.owner.user_id;
        self.write(|batch| {
            see(batch, users, chats)?;
            let mut given = Vec::with_capacity(news.len());
            for message in news {
                if let Some((chat, seen)) = messages::message(batch, our_id, message)? {
                    batch.put_message(chat, &seen)?;
                    beside::keep(batch, seen.id, message)?;
                    given.push(seen);
                }
            }
            Ok(given)
        })
    }

    /// Keeps users and gives them as scripts see them.
    pub(crate) fn learn_users(&mut self, users: &[enums::User]) -> Result<Vec<Peer>, StoreError> {
        self.write(|batch| {
            let seen = users.iter().map(|user| see_user(batch, user));
            seen.filter_map(Result::transpose).collect()
        })
    }

    /// Writes one transaction and tells who listens.
    pub(crate) fn write<T>(
        &mut self,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (given, seq) = self.store.record(write)?;
        self.state.send_if_modified(|state| {
            let is_new = state.inbox_seq != seq;
            state.inbox_seq = seq;
            is_new
        });
        self.written.send_modify(|count| *count += 1);
        Ok(given)
    }

    /// Puts updates whose turn it is in the account's sequences into their channels', and writes those whose turn it is
    /// there too.
    fn keep(&mut self, ready: Ready, completed: Option<i64>) -> bool {
        let Ready { updates, users, chats } = ready;
        let begin = self.begin();
        match self.channels.sort(&self.store, updates, begin, Instant::now()) {
            Ok(updates) => self.write_ready(&Ready { updates, users, chats }, completed),
            Err(error) => {
                self.refuse(&error);
                false
            }
        }
    }

    /// Writes updates with the states they lead to.
    fn write_ready(&mut self, ready: &Ready, completed: Option<i64>) -> bool {
        let (state, moved) = (self.state_to_store(), self.channels.moved());
        let Ready { updates, users, chats } = ready;
        let is_empty = updates.is_empty() && users.is_empty() && chats.is_empty() && completed.is_none();
        if is_empty && moved.is_empty() && self.stored.unwrap_or_default() == state {
            self.channels.on_kept(&[], &[]);
            self.hold_updates(None);
            return true;
        }
        let (our_id, mut sent_ids) = (self.owner.user_id, Vec::new());
        let written = self.write(|batch| {
            see(batch, users, chats)?;
            updates.iter().try_for_each(|update| apply::apply(batch, our_id, update, &mut sent_ids))?;
            moved.iter().try_for_each(|(id, pts)| batch.set_channel_pts(*id, Some(*pts)))?;
            completed.map_or(Ok(()), |random_id| batch.complete_call(random_id))?;
            batch.set_update_state(state)?;
            apply::leave_channels(batch, updates)
        });
        match written {
            Ok(left) => {
                self.stored = Some(state);
                self.hold_updates(None);
                self.remember(&sent_ids);
                self.channels.on_kept(&moved, &left);
                self.begin_new_channels(updates);
                true
            }
            Err(error) => {
                self.refuse(&error);
                false
            }
        }
    }

    /// The data centre tells by the date which channels have moved: those that something is missing in have to be named
    /// again if we are stopped before it is there.
    fn state_to_store(&self) -> UpdateState {
        let state = self.order.state();
        let date = self.stored.map(|stored| stored.date).filter(|_| self.channels.is_busy());
        UpdateState { date: date.unwrap_or(state.date), ..state }
    }

    /// A channel that we are in and that nothing was taken of before has to be asked for what we have missed.
    fn begin_new_channels(&mut self, updates: &[enums::Update]) {
        for update in updates {
            let enums::Update::Channel(changed) = update else { continue };
            let peer = PeerId::channel(changed.channel_id);
            let is_ours = matches!(self.store.peer_record(peer), Ok(Some(record)) if !record.facts.is_left);
            let is_known = !matches!(self.store.channel_state(peer.id), Ok(state) if state.pts.is_none());
            if is_ours && !is_known {
                self.see_channel_pts(peer.id, None);
            }
        }
    }

    /// The store took nothing: everything since its last state is asked for again, later.
    fn refuse(&mut self, error: &StoreError) {
        self.hold_updates(Some(error.to_string()));
        self.order.reset(self.stored.unwrap_or_default());
        self.channels.on_refused();
        self.blocked_until = Some(Instant::now() + BLOCKED_WAIT);
    }

    fn hold_updates(&self, why: Option<String>) {
        held::tell(&self.held, |held| &mut held.updates, why);
    }

    /// Tells whether calls wait as the data centre has no room, and why.
    pub(crate) fn hold_calls(&self, why: Option<String>) {
        held::tell(&self.held, |held| &mut held.calls, why);
    }

    fn begin(&self) -> Begin {
        let since = self.missed_since.or(self.stored.map(|state| state.date)).unwrap_or(i32::MAX);
        Begin { our_id: self.owner.user_id, since }
    }

    fn remember(&mut self, sent_ids: &[(i64, i32)]) {
        for sent in sent_ids {
            if self.sent.len() >= SENT_MAX {
                self.sent.pop_front();
            }
            self.sent.push_back(*sent);
        }
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("owner", &self.owner).field("order", &self.order).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
