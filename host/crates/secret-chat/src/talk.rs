//! What goes to and fro in an open chat: sequence numbers, messages that wait for others, and those kept to be sent again.
//! <https://core.telegram.org/api/end-to-end/seq_no>
//!
//! Invariant: each message of the other side is taken exactly once, in the order in which it was written; a number of ours is
//! given to one message, and never to another that says something else but that it is deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dh::DhGroup;
use serde::{Deserialize, Serialize};

use crate::chat::{CloseReason, EffectId, Event, Ignored, Incoming, Outgoing, Refused, SendKind};
use crate::content::{Action, EncryptedFile, InputFile};
use crate::envelope::{self, Author};
use crate::exchange::Exchange;
use crate::key::Key;
use crate::saved::{self, Row, Unreadable};
use crate::secret::Secret;
use crate::wire::{self, Content, Layered, Protocol};
use crate::{
    HELD_BYTES_MAX, HELD_MAX, KEPT_BYTES_MAX, KEPT_MAX, LAYER_MAX, LAYER_MIN, MESSAGE_BYTES_MAX, Outside, PENDING_MAX,
    RESEND_WAIT_S, RESEND_WAIT_S_MAX, SEQUENCE_MAX,
};

/// Random bytes in each message; 15 at least are asked for.
const RANDOM_BYTES: usize = 31;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Talk {
    pub(crate) role: Author,
    pub(crate) group: DhGroup,
    pub(crate) exchange: Exchange,
    pub(crate) ttl_s: i32,
    /// The latest layer that the other side has shown to know.
    their_layer: i32,
    /// The number of the next message that is to be taken.
    next_in: u32,
    /// The number of the next message that is to be sent.
    next_out: u32,
    /// So many of ours have they taken.
    they_have: u32,
    /// So many have they sent at least.
    they_sent: u32,
    asked: Option<Asked>,
    /// Everything before was forgotten before they had it.
    kept_from: u32,
    #[serde(skip)]
    sent: BTreeMap<u32, Sent>,
    #[serde(skip)]
    sent_bytes: usize,
    #[serde(skip)]
    pending: BTreeSet<u32>,
    /// Numbers by random ids.
    #[serde(skip)]
    numbers: HashMap<i64, u32>,
    #[serde(skip)]
    held: BTreeMap<u32, Held>,
    #[serde(skip)]
    held_bytes: usize,
    /// Rows that are not written yet.
    #[serde(skip)]
    changed: BTreeSet<i64>,
}

/// Missing messages that were asked for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Asked {
    /// All before this one.
    until: u32,
    again_at_s: i64,
    wait_s: i64,
}

/// A message of ours, until the data centre has confirmed it and the other side has it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) random_id: i64,
    pub(crate) kind: SendKind,
    pub(crate) is_silent: bool,
    /// Whether it is something to be deleted.
    is_message: bool,
    /// How many of theirs we had when it was written.
    we_had: u32,
    layer: i32,
    /// The key that it is encrypted with, if that is still there.
    key: i64,
    padded: Secret,
    is_pending: bool,
    attempt: u32,
}

/// A message of theirs, until those before it are there.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    layer: i32,
    they_had: u32,
    /// The key that it was encrypted with.
    key: i64,
    message: Secret,
    date: i32,
    file: Option<EncryptedFile>,
}

impl Talk {
    pub(crate) fn new(role: Author, group: DhGroup, key: Key, outside: &Outside<'_>) -> Self {
        Self {
            role,
            group,
            exchange: Exchange::new(key, outside),
            ttl_s: 0,
            their_layer: LAYER_MIN,
            next_in: 0,
            next_out: 0,
            they_have: 0,
            they_sent: 0,
            asked: None,
            kept_from: 0,
            sent: BTreeMap::new(),
            sent_bytes: 0,
            pending: BTreeSet::new(),
            numbers: HashMap::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            changed: BTreeSet::new(),
        }
    }

    /// Says which layer we know.
    pub(crate) fn announce(&mut self, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        self.say(Protocol::NotifyLayer(LAYER_MAX), outside)
    }

    pub(crate) fn layer(&self) -> i32 {
        self.their_layer.min(LAYER_MAX)
    }

    /// The outer error closes the chat.
    pub(crate) fn send(
        &mut self,
        random_id: i64,
        outgoing: Outgoing,
        outside: &mut Outside<'_>,
    ) -> Result<Result<(), Refused>, CloseReason> {
        if self.numbers.contains_key(&random_id) {
            return Ok(Ok(()));
        }
        if self.pending.len() >= PENDING_MAX {
            return Ok(Err(Refused::Busy));
        }
        let (content, kind, is_silent) = match outgoing {
            Outgoing::Action(action) => (Content::Action(action), SendKind::Message, false),
            Outgoing::Message(message, file) => {
                let media = message.media.as_ref();
                if media.is_some_and(|media| !wire::can_say(media, self.layer())) {
                    return Ok(Err(Refused::FileTooLarge));
                }
                let kind = match (media.and_then(|media| media.file()), file) {
                    (None, None) => SendKind::Message,
                    (Some(file), Some(place)) => SendKind::File(place, file.key.fingerprint()),
                    _ => return Ok(Err(Refused::FileMissing)),
                };
                let is_silent = message.is_silent;
                (Content::Message(message), kind, is_silent)
            }
        };
        if wire::write(random_id, &content, self.layer()).len() > MESSAGE_BYTES_MAX {
            return Ok(Err(Refused::TooLong));
        }
        let number = self.next_out;
        self.push(random_id, &content, kind, is_silent, outside)?;
        if let Content::Action(action) = &content {
            self.act(action, number, outside);
        }
        self.settle(outside)?;
        Ok(Ok(()))
    }

    /// Says something that no person has.
    pub(crate) fn say(&mut self, protocol: Protocol, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        let random_id = outside.number();
        self.push(random_id, &Content::Protocol(protocol), SendKind::Service, false, outside)
    }

    fn push(
        &mut self,
        random_id: i64,
        content: &Content,
        kind: SendKind,
        is_silent: bool,
        outside: &mut Outside<'_>,
    ) -> Result<(), CloseReason> {
        let number = self.next_out;
        if number >= SEQUENCE_MAX {
            return Err(CloseReason::Exhausted);
        }
        let (we_had, layer) = (self.next_in, self.layer());
        let padded = self.padded(random_id, content, number, we_had, layer, outside);
        let is_message = matches!(content, Content::Message(_));
        let key = self.exchange.encrypting();
        self.next_out += 1;
        self.keep(
            number,
            Sent { random_id, kind, is_silent, is_message, we_had, layer, key, padded, is_pending: true, attempt: 0 },
        );
        self.changed.insert(saved::sent(number));
        self.forget_beyond_bounds()
    }

    fn padded(
        &self,
        random_id: i64,
        content: &Content,
        number: u32,
        we_had: u32,
        layer: i32,
        outside: &mut Outside<'_>,
    ) -> Secret {
        let in_seq_no = written_number(we_had, self.role == Author::Acceptor);
        let out_seq_no = written_number(number, self.role == Author::Creator);
        let message = wire::write(random_id, content, layer);
        let layered = Layered { layer, in_seq_no, out_seq_no, message };
        envelope::padded(&layered.to_bytes(&outside.bytes::<RANDOM_BYTES>()), outside)
    }

    /// A message as it goes out.
    pub(crate) fn sealed(&self, sent: &Sent) -> Vec<u8> {
        envelope::seal(self.exchange.key(sent.key), self.role, &sent.padded)
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = EffectId> {
        let attempt = |number: &u32| self.sent.get(number).map_or(0, |sent| sent.attempt);
        self.pending.iter().map(move |number| EffectId::Send { sequence: *number, attempt: attempt(number) })
    }

    pub(crate) fn pending_message(&self, number: u32, attempt: u32) -> Option<&Sent> {
        self.sent.get(&number).filter(|sent| sent.is_pending && sent.attempt == attempt)
    }

    pub(crate) fn confirmed(&mut self, number: u32, attempt: u32, file: Option<EncryptedFile>) {
        if self.pending_message(number, attempt).is_none() {
            return;
        }
        if let Some(sent) = self.sent.get_mut(&number) {
            sent.is_pending = false;
            // What was uploaded is not there a second time.
            if let (SendKind::File(place, _), Some(EncryptedFile { id, access_hash, .. })) = (&mut sent.kind, file) {
                *place = InputFile::Known { id, access_hash };
            }
        }
        self.pending.remove(&number);
        self.changed.insert(saved::sent(number));
        if number < self.they_have {
            self.forget(number);
        }
    }

    pub(crate) fn refused(&mut self, number: u32, attempt: u32, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        match self.pending_message(number, attempt) {
            None => Ok(()),
            Some(sent) if matches!(sent.kind, SendKind::Service) => Err(CloseReason::ByDataCentre),
            Some(sent) => {
                let deletion = Content::Action(Action::Delete(vec![sent.random_id]));
                let nothing = if sent.is_message { deletion } else { Content::Protocol(Protocol::Noop) };
                self.replace(number, &nothing, outside);
                self.send_again(number);
                Ok(())
            }
        }
    }

    /// The outer error closes the chat.
    pub(crate) fn receive(
        &mut self,
        incoming: &Incoming<'_>,
        events: &mut Vec<Event>,
        outside: &mut Outside<'_>,
    ) -> Result<Result<(), Ignored>, CloseReason> {
        let Some(key) = envelope::fingerprint(incoming.bytes).and_then(|key| self.exchange.decrypting(key)) else {
            return Ok(Err(Ignored::UnknownKey));
        };
        let Some(plain) = envelope::open(key, self.role.other(), incoming.bytes) else {
            return match envelope::is_of_version_one(key, incoming.bytes) {
                true => Err(CloseReason::VersionOne),
                false => Ok(Err(Ignored::Forged)),
            };
        };
        let key = key.fingerprint();
        let Layered { layer, in_seq_no, out_seq_no, message } = Layered::read(&plain).ok_or(CloseReason::NoSequence)?;
        let they_had = read_number(in_seq_no, self.role == Author::Creator)?;
        let number = read_number(out_seq_no, self.role == Author::Acceptor)?;
        if number < self.next_in || self.held.contains_key(&number) {
            return Ok(Err(Ignored::Known));
        }
        if they_had > self.next_out || number >= SEQUENCE_MAX {
            return Err(CloseReason::Sequence);
        }
        if self.exchange.adopt(key, outside) {
            events.push(Event::KeyChanged);
        }
        self.they_sent = self.they_sent.max(number + 1);
        // So that two sides that miss something of each other do not wait for each other.
        if let (_, Content::Protocol(Protocol::Resend { start, end })) = wire::read(&message) {
            self.resend(start, end)?;
        }
        let (date, file) = (incoming.date, incoming.file);
        self.hold(number, Held { layer, they_had, key, message, date, file });
        while let Some(held) = self.held.remove(&self.next_in) {
            self.held_bytes -= held.message.len();
            self.changed.insert(saved::held(self.next_in));
            self.take(held, events, outside)?;
        }
        self.settle(outside)?;
        Ok(Ok(()))
    }

    fn hold(&mut self, number: u32, held: Held) {
        let is_next = number == self.next_in;
        let is_far = number - self.next_in >= HELD_MAX || self.held_bytes + held.message.len() > HELD_BYTES_MAX;
        if is_next || !is_far {
            self.held_bytes += held.message.len();
            self.held.insert(number, held);
            self.changed.insert(saved::held(number));
        }
    }

    /// Takes the message that is next.
    fn take(&mut self, held: Held, events: &mut Vec<Event>, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        if held.they_had < self.they_have || held.they_had > self.next_out {
            return Err(CloseReason::Sequence);
        }
        self.next_in += 1;
        for number in self.they_have..held.they_had {
            if self.sent.get(&number).is_some_and(|sent| !sent.is_pending) {
                self.forget(number);
            }
        }
        self.they_have = held.they_had;
        self.exchange.taken(held.key);
        self.learn_layer(held.layer, events);
        let (random_id, content) = wire::read(&held.message);
        let date = held.date;
        match content {
            Content::Message(message) => {
                let key = message.media.as_ref().and_then(|media| media.file()).map(|file| file.key.fingerprint());
                let file = held.file.filter(|file| Some(file.key_fingerprint) == key);
                events.push(Event::Message { random_id, message, date, file });
            }
            Content::Action(action) => {
                self.act(&action, self.next_out, outside);
                events.push(Event::Action { random_id, action, date });
            }
            Content::Protocol(Protocol::NotifyLayer(layer)) => self.learn_layer(layer, events),
            Content::Protocol(protocol) => self.exchange_step(protocol, events, outside)?,
            Content::Unsupported => events.push(Event::Unsupported { random_id, layer: held.layer, date }),
        }
        Ok(())
    }

    fn learn_layer(&mut self, layer: i32, events: &mut Vec<Event>) {
        let before = self.layer();
        self.their_layer = self.their_layer.max(layer);
        if self.layer() != before {
            events.push(Event::LayerChanged);
        }
    }

    /// What an action of either side means for what is kept. It was written when our next message was this one.
    fn act(&mut self, action: &Action, before: u32, outside: &mut Outside<'_>) {
        match action {
            Action::SetTtl(ttl_s) => self.ttl_s = (*ttl_s).max(0),
            Action::Delete(random_ids) => {
                let numbers: Vec<u32> = random_ids.iter().filter_map(|id| self.numbers.get(id).copied()).collect();
                numbers.into_iter().for_each(|number| self.delete(number, outside));
            }
            Action::Flush => {
                let numbers: Vec<u32> = self.sent.range(..before).map(|(number, _)| *number).collect();
                numbers.into_iter().for_each(|number| self.delete(number, outside));
            }
            Action::Read(_) | Action::Screenshot(_) | Action::Typing(_) => {}
        }
    }

    /// A message that is deleted before the other side has it says that, in its own place.
    fn delete(&mut self, number: u32, outside: &mut Outside<'_>) {
        if let Some(Sent { random_id, is_message: true, .. }) = self.sent.get(&number) {
            let deletion = Content::Action(Action::Delete(vec![*random_id]));
            self.replace(number, &deletion, outside);
        }
    }

    /// Something else is said under a number.
    fn replace(&mut self, number: u32, content: &Content, outside: &mut Outside<'_>) {
        let Some(Sent { random_id, we_had, layer, .. }) = self.sent.get(&number) else { return };
        let padded = self.padded(*random_id, content, number, *we_had, *layer, outside);
        if let Some(sent) = self.sent.get_mut(&number) {
            self.sent_bytes = self.sent_bytes - sent.padded.len() + padded.len();
            sent.padded = padded;
            sent.kind = SendKind::Service;
            sent.is_silent = true;
            sent.is_message = false;
            // What the data centre says to what was to be sent before no longer counts.
            sent.attempt = sent.attempt.saturating_add(1);
            self.changed.insert(saved::sent(number));
        }
    }

    /// The other side asks for messages again, by their written numbers.
    fn resend(&mut self, start: i32, end: i32) -> Result<(), CloseReason> {
        let (start, end) = (u32::try_from(start / 2), u32::try_from(end / 2));
        let (Ok(start), Ok(end)) = (start, end) else { return Err(CloseReason::CannotResend) };
        if end < start || end - start > HELD_MAX || end >= self.next_out || start < self.kept_from {
            return Err(CloseReason::CannotResend);
        }
        (start..=end).for_each(|number| self.send_again(number));
        Ok(())
    }

    /// What they have taken meanwhile is not there any more.
    fn send_again(&mut self, number: u32) {
        let key = self.exchange.encrypting();
        if let Some(sent) = self.sent.get_mut(&number) {
            sent.key = key;
            sent.is_pending = true;
            sent.attempt = sent.attempt.saturating_add(1);
            self.pending.insert(number);
            self.changed.insert(saved::sent(number));
        }
    }

    /// What is due by itself: asking for what is missing, and for a new key.
    pub(crate) fn settle(&mut self, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        self.ask_for_missing(outside)?;
        if self.exchange.is_due(outside.now_s) { self.request_key(outside) } else { Ok(()) }
    }

    /// Each gap is asked for once, and again if it does not close.
    fn ask_for_missing(&mut self, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        if self.next_in >= self.they_sent {
            self.asked = None;
            return Ok(());
        }
        let end = self.held.keys().next().copied().unwrap_or(self.they_sent).min(self.next_in + HELD_MAX);
        let wait_s = match self.asked {
            Some(asked) if asked.until >= end && outside.now_s < asked.again_at_s => return Ok(()),
            Some(asked) if asked.until >= end => asked.wait_s.saturating_mul(2).min(RESEND_WAIT_S_MAX),
            _ => RESEND_WAIT_S,
        };
        self.asked = Some(Asked { until: end, again_at_s: outside.now_s.saturating_add(wait_s), wait_s });
        let is_creators = self.role == Author::Acceptor;
        let (start, end) = (written_number(self.next_in, is_creators), written_number(end - 1, is_creators));
        self.say(Protocol::Resend { start, end }, outside)
    }

    pub(crate) fn deadline(&self) -> Option<i64> {
        self.asked.map(|asked| asked.again_at_s).into_iter().chain(self.exchange.due_at_s()).min()
    }

    fn keep(&mut self, number: u32, sent: Sent) {
        self.sent_bytes += sent.padded.len();
        self.numbers.insert(sent.random_id, number);
        if sent.is_pending {
            self.pending.insert(number);
        }
        self.sent.insert(number, sent);
    }

    fn forget(&mut self, number: u32) {
        if let Some(sent) = self.sent.remove(&number) {
            self.sent_bytes -= sent.padded.len();
            self.numbers.remove(&sent.random_id);
            self.pending.remove(&number);
            self.changed.insert(saved::sent(number));
        }
    }

    fn forget_beyond_bounds(&mut self) -> Result<(), CloseReason> {
        while self.sent.len() > KEPT_MAX || self.sent_bytes > KEPT_BYTES_MAX {
            let oldest = self.sent.iter().find(|(_, sent)| !sent.is_pending).map(|(number, _)| *number);
            let number = oldest.ok_or(CloseReason::Exhausted)?;
            self.forget(number);
            self.kept_from = self.kept_from.max(number + 1);
        }
        Ok(())
    }

    /// The rows that are there.
    pub(crate) fn rows(&self) -> impl Iterator<Item = i64> {
        let (sent, held) = (self.sent.keys().copied(), self.held.keys().copied());
        sent.map(saved::sent).chain(held.map(saved::held)).chain(self.changed.iter().copied())
    }

    pub(crate) fn changes(&mut self, rows: &mut Vec<Row>) {
        for key in std::mem::take(&mut self.changed) {
            let value = match saved::message(key) {
                Ok((true, number)) => self.sent.get(&number).and_then(saved::written),
                Ok((false, number)) => self.held.get(&number).and_then(saved::written),
                Err(_) => None,
            };
            rows.push(Row { key, value });
        }
    }

    pub(crate) fn restore(&mut self, messages: Vec<((bool, u32), Secret)>) -> Result<(), Unreadable> {
        let is_possible = [self.next_in, self.next_out, self.they_sent].iter().all(|number| *number <= SEQUENCE_MAX);
        if !is_possible || self.they_have > self.next_out {
            return Err(Unreadable::Damaged);
        }
        for ((is_sent, number), value) in messages {
            if is_sent && number < self.next_out {
                let sent: Sent = saved::read(&value)?;
                if !envelope::is_padded(&sent.padded) {
                    return Err(Unreadable::Damaged);
                }
                self.keep(number, sent);
            } else if !is_sent && number > self.next_in && number < SEQUENCE_MAX {
                let held: Held = saved::read(&value)?;
                self.held_bytes += held.message.len();
                self.held.insert(number, held);
            } else {
                return Err(Unreadable::Damaged);
            }
        }
        Ok(())
    }
}

/// A number as it is written: odd ones are of what the creator wrote.
fn written_number(number: u32, is_creators: bool) -> i32 {
    i32::try_from(2 * u64::from(number) + u64::from(is_creators)).unwrap_or(i32::MAX)
}

fn read_number(written: i32, is_creators: bool) -> Result<u32, CloseReason> {
    let number = u32::try_from(written).map_err(|_| CloseReason::Sequence)?;
    if number % 2 == u32::from(is_creators) { Ok(number / 2) } else { Err(CloseReason::Mirrored) }
}
