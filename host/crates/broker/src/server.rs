//! The account's side of one script: it says who asks, keeps what the script has done, lets its calls leave at their pace,
//! and brings their completions back.
//!
//! Invariant: it belongs to one script from its beginning to its end. When it goes, the script does not run any more. The
//! script's own side may go and come again meanwhile: what that has not committed was never done.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tgl::{AccountState, Completion, Event, Grants, Message, MessageId, Peer, PeerId, PeerKind, Request, RequestId};
use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::attachment::{Attachment, stamped};
use crate::brake::SendRates;
use crate::calls::Calls;
use crate::error::BrokerError;
use crate::ledger::{Ledger, Load, size};
use crate::messages::{Backlog, Events, Given, Joined, NewCall, ScriptId};
use crate::serve::EVENTS_AT_ONCE_MAX;
use crate::wire::Pushed;

/// What a script may do, and how much.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What it may do beside what every script may.
    pub grants: Grants,
    /// What it may have under way or waiting.
    pub load_max: Load,
    /// How fast it may send; none: as fast as it can.
    pub send_rates: Option<SendRates>,
}

/// See the module.
pub struct Server {
    records: Records,
    attachment: Attachment,
    calls: Calls,
    /// How far the script has handled the inbox.
    handled_seq: Result<u64, BrokerError>,
    /// The script's side was given the inbox's events up to here.
    given_seq: u64,
    /// The guest is through with its start: it is given events as they come.
    is_at_work: bool,
    /// What an earlier run has left is taken up.
    has_resumed: bool,
    has_joined: bool,
}

/// What of a script's server may be asked at any time, while something else is under way. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Records {
    id: ScriptId,
    rules: Rules,
    ledger: Arc<dyn Ledger>,
    made: Arc<Made>,
}

/// What the script has made so far.
#[derive(Default)]
struct Made {
    /// The script has its place among those that run on the account: it may make calls.
    has_place: AtomicBool,
    /// Calls of the callback under way that are staged.
    staged: AtomicU64,
    /// The last call's id.
    last_id: AtomicU64,
}

impl Server {
    /// The script has its place from now on: what the account gets is the script's to handle.
    pub fn new(id: ScriptId, rules: Rules, ledger: Arc<dyn Ledger>, attachment: Attachment) -> Self {
        let mut server = Self::successor(id, rules, ledger, attachment);
        server.take_place();
        server
    }

    /// The same for one that takes another's place: until it joins, what is done there is the other's.
    pub fn successor(id: ScriptId, rules: Rules, ledger: Arc<dyn Ledger>, attachment: Attachment) -> Self {
        let calls = Calls::new(id.script.clone(), Arc::clone(&ledger), rules.send_rates);
        Self {
            records: Records { id, rules, ledger, made: Arc::default() },
            attachment,
            calls,
            handled_seq: Ok(0),
            given_seq: 0,
            is_at_work: false,
            has_resumed: false,
            has_joined: false,
        }
    }

    fn take_place(&mut self) {
        self.handled_seq = self.records.ledger.join(&self.records.id.script);
        self.records.made.has_place.store(true, Ordering::Relaxed);
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn state(&self) -> watch::Receiver<AccountState> {
        self.attachment.state.clone()
    }

    /// The script's side is a new one: the one before, if there was any, has gone.
    pub(crate) fn expect_join(&mut self) {
        (self.has_joined, self.is_at_work) = (false, false);
    }

    /// See [`crate::Client::join`].
    pub(crate) fn join(&mut self) -> Result<Joined, BrokerError> {
        if !self.records.made.has_place.load(Ordering::Relaxed) {
            self.take_place();
        }
        let handled_seq = self.handled_seq.clone()?;
        if self.has_joined {
            return Err(BrokerError::Refused("a script joins once".to_owned()));
        }
        // What the callback under way had made when its side went.
        self.unstage()?;
        let Records { id, rules, ledger, made } = &self.records;
        let left_to_seq = if self.has_resumed {
            ledger.inbox_seq()
        } else {
            self.calls.add_on_disk(ledger.resume_outbox(&id.script)?);
            self.attachment.state.borrow().begun_seq
        };
        (self.has_resumed, self.has_joined) = (true, true);
        let next_id = made.last_id.load(Ordering::Relaxed).saturating_add(1);
        Ok(Joined { handled_seq, left_to_seq, next_id, send_rates: rules.send_rates })
    }

    /// See [`crate::Client::begin_life`].
    pub(crate) fn begin_life(&mut self, first_id: RequestId) {
        self.is_at_work = false;
        self.calls.begin_life(first_id);
    }

    /// See [`crate::Client::open_gate`].
    pub(crate) fn open_gate(&mut self) {
        self.is_at_work = true;
        self.calls.open_gate();
        self.try_to_send();
    }

    /// See [`crate::Client::inbox_seq`].
    pub(crate) fn inbox_seq(&self) -> u64 {
        self.records.ledger.inbox_seq()
    }

    /// See [`crate::Client::events`].
    pub(crate) fn events(&mut self, after: u64, limit: usize) -> Result<Events, BrokerError> {
        let events = self.records.events(after, limit)?;
        self.given_seq = events.given.last().map_or(after, |last| last.seq);
        for Given { seq, event, .. } in &events.given {
            if let Some(Event::Message(message)) = event.as_deref().map(Deref::deref) {
                self.calls.heard(*seq, message);
            }
        }
        Ok(events)
    }

    /// The events that come next, where the guest is at work and has handled all that it was given.
    pub(crate) fn next_events(&mut self) -> Option<Pushed> {
        let after = *self.handled_seq.as_ref().ok()?;
        if !self.is_at_work || self.given_seq > after || self.inbox_seq() <= after {
            return None;
        }
        // Where that fails, or they are lost, who asks hears why.
        let events = self.events(after, EVENTS_AT_ONCE_MAX).ok().filter(|events| !events.given.is_empty())?;
        Some(Pushed { after, events })
    }

    /// See [`crate::Client::commit`].
    pub(crate) async fn commit(&mut self, handled_seq: u64, calls: &[NewCall]) -> Result<(), BrokerError> {
        let Records { id, ledger, made, .. } = &self.records;
        if handled_seq > ledger.inbox_seq() {
            return Err(BrokerError::Refused("events are handled that have not come".to_owned()));
        }
        let requests = self.records.stamped(calls)?;
        // What is staged goes before the rest.
        let held = if made.staged.load(Ordering::Relaxed) > 0 { 0 } else { self.calls.fitting(&requests) };
        let (taken, waiting) = requests.split_at(held);
        ledger.commit(&id.script, handled_seq, taken, waiting).await?;
        self.handled_seq = Ok(handled_seq);
        self.records.count(&requests);
        self.calls.add_on_disk(made.staged.swap(0, Ordering::Relaxed) + waiting.len() as u64);
        self.calls.add(requests.into_iter().take(held));
        self.try_to_send();
        Ok(())
    }

    /// See [`crate::Client::unstage`].
    pub(crate) fn unstage(&self) -> Result<(), BrokerError> {
        let Records { id, ledger, made, .. } = &self.records;
        if made.staged.load(Ordering::Relaxed) > 0 {
            ledger.unstage(&id.script)?;
        }
        made.staged.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// See [`crate::Client::next_completion`].
    pub(crate) fn next_completion(&mut self, handled_seq: u64) -> Result<Option<Completion>, BrokerError> {
        let mut is_any = false;
        while self.calls.takes_completions()
            && let Ok(completion) = self.attachment.completions.try_recv()
        {
            self.calls.take_in(completion);
            is_any = true;
        }
        if is_any {
            self.try_to_send();
        }
        self.calls.next_completion(handled_seq)
    }

    /// See [`crate::Client::backlog`].
    pub(crate) fn backlog(&self) -> Backlog {
        let written = self.records.ledger.outbox_load(&self.records.id.script);
        Backlog {
            load: Load { calls: written.calls + self.calls.unwritten(), ..written },
            calls_pending: self.calls.pending() as u64,
            completions: self.calls.completions() as u64,
            is_moving: self.calls.are_moving(),
            braked_by: self.calls.brake().map(|(_, limit)| limit),
        }
    }

    /// Waits until there may be something to do, and sends what can leave meanwhile. Gives a line for the script's log, if
    /// one has come. May be given up at any moment.
    pub(crate) async fn wait(&mut self) -> Result<Option<String>, BrokerError> {
        if let Some(found) = self.calls.take_loop() {
            let [with, chat] = [found.with, found.chat].map(|id| self.records.name_of(id));
            return Ok(Some(format!("{with} answers what it sends to {chat} {found}")));
        }
        self.send_calls()?;
        let braked_until = self.calls.brake().map(|(until, _)| until);
        let braked = async {
            match braked_until {
                Some(moment) => sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let Attachment { requests, completions, notes, .. } = &mut self.attachment;
        tokio::select! {
            completion = completions.recv(), if self.calls.takes_completions() => {
                self.calls.take_in(completion.ok_or(BrokerError::Closed)?);
                Ok(None)
            }
            Some(note) = notes.recv() => Ok(Some(note)),
            permit = requests.reserve(), if self.calls.waits_for_room() => {
                permit.map(|_| None).map_err(|_| BrokerError::Closed)
            }
            () = braked => Ok(None),
        }
    }

    /// The script does not run any more: it holds up nobody.
    pub(crate) fn leave(&mut self) {
        self.is_at_work = false;
        let Records { id, ledger, made, .. } = &self.records;
        if made.has_place.swap(false, Ordering::Relaxed)
            && let Err(error) = ledger.part(&id.script)
        {
            tracing::debug!(script = %id, %error, "that a script has ended is not written down");
        }
    }

    /// Sends what may leave, from memory and from disk.
    fn send_calls(&mut self) -> Result<(), BrokerError> {
        loop {
            self.calls.refill()?;
            if !self.calls.send(&self.attachment.requests)? || !self.calls.wait_on_disk() {
                return Ok(());
            }
        }
    }

    /// The same; what keeps calls here is told to who waits for them.
    fn try_to_send(&mut self) {
        let _ = self.send_calls();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Records {
    /// The events after this one, as the script may see them.
    fn events(&self, after: u64, limit: usize) -> Result<Events, BrokerError> {
        let lost = self.ledger.pruned_seq().saturating_sub(after);
        let events = self.ledger.events_after(after + lost, limit)?.into_iter().map(|(seq, event)| {
            let event = match self.rules.grants.shown_event(&event) {
                Some(Cow::Borrowed(_)) => Some(event),
                Some(Cow::Owned(event)) => Some(Arc::new(event.into())),
                None => None,
            };
            let topic = event.as_deref().map(|event| self.topic(event)).transpose()?.flatten();
            Ok(Given { seq, event, topic })
        });
        Ok(Events { lost, given: events.collect::<Result<_, _>>()? })
    }

    /// A peer in words.
    fn name_of(&self, id: PeerId) -> String {
        match self.peer(id) {
            Ok(Some(peer)) => format!("{} ({id})", peer.name),
            _ => id.to_string(),
        }
    }

    /// See [`crate::Lookups::peer`].
    pub(crate) fn peer(&self, id: PeerId) -> Result<Option<Peer>, BrokerError> {
        Ok(self.ledger.peer(id)?.and_then(|peer| self.rules.grants.shown_peer(peer)))
    }

    /// See [`crate::Lookups::message`].
    pub(crate) fn message(&self, id: MessageId) -> Result<Option<Message>, BrokerError> {
        Ok(self.ledger.message(id)?.and_then(|message| self.rules.grants.shown(message)))
    }

    /// See [`crate::Lookups::stage`].
    pub(crate) fn stage(&self, calls: &[NewCall]) -> Result<(), BrokerError> {
        let requests = self.stamped(calls)?;
        self.ledger.stage(&self.id.script, &requests)?;
        self.count(&requests);
        self.made.staged.fetch_add(calls.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The calls as the account takes them, as far as the script may make them.
    fn stamped(&self, calls: &[NewCall]) -> Result<Vec<Request>, BrokerError> {
        if !self.made.has_place.load(Ordering::Relaxed) {
            return Err(BrokerError::NotNow("the script has no place on its account yet".to_owned()));
        }
        let mut load = self.ledger.outbox_load(&self.id.script);
        let mut last_id = self.made.last_id.load(Ordering::Relaxed);
        let mut requests = Vec::with_capacity(calls.len());
        for NewCall { id, call } in calls {
            load = Load { calls: load.calls + 1, bytes: load.bytes + size(call) };
            if load.calls > self.rules.load_max.calls || load.bytes > self.rules.load_max.bytes {
                return Err(BrokerError::Refused("more calls are made than the script may have".to_owned()));
            }
            if *id <= std::mem::replace(&mut last_id, *id) {
                return Err(BrokerError::Refused("a call has the id of an earlier one".to_owned()));
            }
            call.check().map_err(|error| BrokerError::Refused(error.detail))?;
            requests.push(stamped(*id, call.clone())?);
        }
        Ok(requests)
    }

    /// These calls are kept: their ids are used.
    fn count(&self, requests: &[Request]) {
        if let Some(last) = requests.last() {
            self.made.last_id.store(last.id, Ordering::Relaxed);
        }
    }

    /// The topic in which a message lies. Only supergroups have them.
    fn topic(&self, event: &Event) -> Result<Option<MessageId>, BrokerError> {
        match event {
            Event::Message(message) if message.destination.kind == PeerKind::Channel => self.ledger.topic(message.id),
            _ => Ok(None),
        }
    }
}
