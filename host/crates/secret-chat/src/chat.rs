//! A secret chat from the first request to its end, as its account sees it.
//!
//! Invariant: once a chat is closed, no key and no message of it is left, and nothing opens it again.

use dh::{DhFault, DhGroup, PRIME_BYTES};
use serde::{Deserialize, Serialize};

use crate::content::{Action, EncryptedFile, InputFile, Message};
use crate::envelope::{self, Author};
use crate::key::{Half, Key, KeyPicture, common};
use crate::saved::{self, Row, Unreadable};
use crate::secret::Secret;
use crate::talk::{Sent, Talk};
use crate::{LAYER_MIN, MESSAGE_BYTES_MAX, Outside, PACKET_BYTES_MAX};

/// A secret chat.
#[derive(Debug)]
pub struct SecretChat {
    head: Head,
    /// Rows that are to go, of a talk that is over.
    gone: Vec<i64>,
}

/// What is kept in one row.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    id: i32,
    role: Author,
    picture: Option<KeyPicture>,
    stage: Stage,
}

#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    /// We have asked, or are about to.
    Requesting {
        group: DhGroup,
        secret: Secret,
        public: Vec<u8>,
        is_made: bool,
    },
    /// They have asked.
    Requested {
        public: Vec<u8>,
    },
    /// We are about to accept.
    Accepting {
        group: DhGroup,
        key: Key,
        public: Vec<u8>,
    },
    Open(Box<Talk>),
    /// Whether the data centre is to be told, and then whether the history is to be deleted on the other side.
    Closed {
        reason: CloseReason,
        discard: Option<bool>,
    },
}

/// How far a chat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits for the other side.
    Requesting,
    /// It waits to be accepted, or discarded, here.
    Requested,
    /// It was accepted here, and waits for the data centre.
    Accepting,
    /// Messages go to and fro.
    Open,
    /// It is over.
    Closed(CloseReason),
}

/// Why a chat was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum CloseReason {
    #[error("it was closed on this side")]
    ByUs,
    #[error("it was closed on the other side, or was not accepted there")]
    ByThem,
    #[error("the data centre did not take what the chat needs")]
    ByDataCentre,
    #[error("the other side's half of a key is not safe")]
    UnsafeKey,
    #[error("both sides have different keys")]
    KeyMismatch,
    #[error("the other side changes keys otherwise than the protocol says")]
    KeyExchange,
    #[error("the other side encrypts as MTProto 1.0 did")]
    VersionOne,
    #[error("the other side sends messages without sequence numbers")]
    NoSequence,
    #[error("a message has sequence numbers of the wrong side")]
    Mirrored,
    #[error("a message has sequence numbers that cannot be")]
    Sequence,
    #[error("the other side asks for messages that are kept no more")]
    CannotResend,
    #[error("more messages were sent than a chat can have, or wait to be sent than are kept")]
    Exhausted,
}

/// What has happened in a chat.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Messages can be sent.
    Opened,
    /// The other side can take more than before: [`SecretChat::layer`].
    LayerChanged,
    /// A message has come. Where it has a file, the data centre's word of where that is, if it is that file.
    Message {
        /// What both sides call it by.
        random_id: i64,
        /// What it says.
        message: Box<Message>,
        /// When the data centre got it.
        date: i32,
        /// Where its file is.
        file: Option<EncryptedFile>,
    },
    /// The other side has done something else.
    Action {
        /// What both sides call it by.
        random_id: i64,
        /// What it did.
        action: Action,
        /// When the data centre got it.
        date: i32,
    },
    /// A message has come that cannot be read: of a later layer, perhaps.
    Unsupported {
        /// What both sides call it by; 0 if not even that can be read.
        random_id: i64,
        /// The layer it is of.
        layer: i32,
        /// When the data centre got it.
        date: i32,
    },
    /// Messages are encrypted with a new key.
    KeyChanged,
    /// The chat is over.
    Closed(CloseReason),
}

/// Something to be done at the data centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EffectId {
    /// `messages.requestEncryption`
    Request,
    /// `messages.acceptEncryption`
    Accept,
    /// `messages.sendEncrypted`, `sendEncryptedFile` or `sendEncryptedService`, for the so-manieth time.
    Send {
        /// The message's number.
        sequence: u32,
        /// How often it was sent before.
        attempt: u32,
    },
    /// `messages.discardEncryption`
    Discard,
}

/// What is to be said to the data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what Telegram's methods call them")]
pub enum Effect {
    Request { random_id: i32, g_a: Vec<u8> },
    Accept { g_b: Vec<u8>, key_fingerprint: i64 },
    Send { random_id: i64, data: Vec<u8>, kind: SendKind, is_silent: bool },
    Discard { delete_history: bool },
}

/// By which method a message is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendKind {
    /// `sendEncrypted`
    Message,
    /// `sendEncryptedFile`, with the fingerprint of the file's key.
    File(InputFile, i32),
    /// `sendEncryptedService`
    Service,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// A message, and where its file is if it has one.
    Message(Box<Message>, Option<InputFile>),
    /// Anything else.
    Action(Action),
}

/// An encrypted message as it comes.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// What is encrypted.
    pub bytes: &'a [u8],
    /// When the data centre got it.
    pub date: i32,
    /// Where the file is that came with it.
    pub file: Option<EncryptedFile>,
}

/// Why an encrypted message changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Ignored {
    #[error("the chat is not open")]
    NotOpen,
    #[error("the message is encrypted with a key that is not this chat's")]
    UnknownKey,
    #[error("the message is not one that the other side has encrypted")]
    Forged,
    #[error("the message has come before")]
    Known,
    #[error("the message has more than {PACKET_BYTES_MAX} bytes")]
    TooLong,
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Refused {
    #[error("the chat is not open")]
    NotOpen,
    #[error("the message has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    #[error("too many messages wait to be sent")]
    Busy,
    #[error("the file is larger than the other side can take")]
    FileTooLarge,
    #[error("a message has a file exactly if one was uploaded for it")]
    FileMissing,
}

impl SecretChat {
    /// A new chat of ours. Its id is among the random numbers given, and not known to the data centre yet.
    pub fn request(group: DhGroup, outside: &mut Outside<'_>) -> Result<Self, DhFault> {
        let id = i32::from_le_bytes(outside.bytes());
        let Half { secret, public } = Half::new(&group, outside)?;
        Ok(Self::at(id, Author::Creator, Stage::Requesting { group, secret, public, is_made: false }))
    }

    /// Another's request for a chat. It waits for [`Self::accept`] or [`Self::discard`].
    pub fn requested(id: i32, g_a: &[u8]) -> Self {
        // What is longer than it can be is not safe either.
        let public = if g_a.len() > PRIME_BYTES { Vec::new() } else { g_a.to_vec() };
        Self::at(id, Author::Acceptor, Stage::Requested { public })
    }

    fn at(id: i32, role: Author, stage: Stage) -> Self {
        Self { head: Head { id, role, picture: None, stage }, gone: Vec::new() }
    }

    /// The chat that is kept in these rows.
    pub fn load(rows: impl IntoIterator<Item = (i64, Vec<u8>)>) -> Result<Self, Unreadable> {
        let (mut head, mut messages) = (None, Vec::new());
        for (key, value) in rows {
            match key {
                saved::HEAD => head = Some(saved::read::<Head>(&value)?),
                _ => messages.push((saved::message(key)?, Secret::from(value))),
            }
        }
        let mut head = head.ok_or(Unreadable::Missing)?;
        match &mut head.stage {
            Stage::Open(talk) => talk.restore(messages)?,
            _ if messages.is_empty() => {}
            _ => return Err(Unreadable::Damaged),
        }
        Ok(Self { head, gone: Vec::new() })
    }

    /// What has changed since this was last asked for: to be written before anything else is done.
    #[must_use]
    pub fn changes(&mut self) -> Vec<Row> {
        let mut rows = vec![Row { key: saved::HEAD, value: saved::written(&self.head) }];
        rows.extend(self.gone.drain(..).map(|key| Row { key, value: None }));
        if let Stage::Open(talk) = &mut self.head.stage {
            talk.changes(&mut rows);
        }
        rows
    }

    /// Its id at the data centre.
    pub fn id(&self) -> i32 {
        self.head.id
    }

    /// Whether we have asked for it.
    pub fn is_ours(&self) -> bool {
        self.head.role == Author::Creator
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        match &self.head.stage {
            Stage::Requesting { .. } => Status::Requesting,
            Stage::Requested { .. } => Status::Requested,
            Stage::Accepting { .. } => Status::Accepting,
            Stage::Open(_) => Status::Open,
            Stage::Closed { reason, .. } => Status::Closed(*reason),
        }
    }

    /// The layer that both sides know.
    pub fn layer(&self) -> i32 {
        if let Stage::Open(talk) = &self.head.stage { talk.layer() } else { LAYER_MIN }
    }

    /// After how many seconds messages vanish; 0: never.
    pub fn ttl_s(&self) -> i32 {
        if let Stage::Open(talk) = &self.head.stage { talk.ttl_s } else { 0 }
    }

    /// What people compare, once there is a key.
    pub fn picture(&self) -> Option<&KeyPicture> {
        self.head.picture.as_ref()
    }

    /// Accepts another's request. A half of a key that is not safe closes the chat.
    pub fn accept(&mut self, group: DhGroup, outside: &mut Outside<'_>) -> Result<Vec<Event>, DhFault> {
        let Stage::Requested { public } = &self.head.stage else { return Ok(Vec::new()) };
        let half = Half::new(&group, outside)?;
        let Ok(key) = common(&group, &half.secret, public) else { return Ok(self.close(CloseReason::UnsafeKey)) };
        self.head.picture = Some(key.picture());
        self.head.stage = Stage::Accepting { group, key, public: half.public };
        Ok(Vec::new())
    }

    /// The data centre says that both sides are there: `encryptedChat`.
    pub fn established(&mut self, g_a_or_b: &[u8], key_fingerprint: i64, outside: &mut Outside<'_>) -> Vec<Event> {
        let (group, key) = match &self.head.stage {
            Stage::Requesting { group, secret, .. } => (group.clone(), common(group, secret, g_a_or_b)),
            Stage::Accepting { group, key, .. } => (group.clone(), Ok(key.clone())),
            _ => return Vec::new(),
        };
        match key {
            Err(_) => self.close(CloseReason::UnsafeKey),
            Ok(key) if key.fingerprint() != key_fingerprint => self.close(CloseReason::KeyMismatch),
            Ok(key) => self.open(group, key, outside),
        }
    }

    /// The data centre says that the chat is over: `encryptedChatDiscarded`.
    pub fn discarded(&mut self) -> Vec<Event> {
        let events = self.close(CloseReason::ByThem);
        if let Stage::Closed { discard, .. } = &mut self.head.stage {
            *discard = None;
        }
        events
    }

    /// Ends the chat, or refuses another's request.
    pub fn discard(&mut self, delete_history: bool) -> Vec<Event> {
        let events = self.close(CloseReason::ByUs);
        if let (Stage::Closed { discard, .. }, false) = (&mut self.head.stage, events.is_empty()) {
            *discard = Some(delete_history);
        }
        events
    }

    /// Takes an encrypted message.
    pub fn receive(&mut self, incoming: &Incoming<'_>, outside: &mut Outside<'_>) -> Result<Vec<Event>, Ignored> {
        if incoming.bytes.len() > PACKET_BYTES_MAX {
            return Err(Ignored::TooLong);
        }
        let mut events = Vec::new();
        // The other side may write before we hear that our acceptance has arrived.
        if let Stage::Accepting { group, key, .. } = &self.head.stage {
            if envelope::open(key, Author::Creator, incoming.bytes).is_none() {
                return Err(Ignored::NotOpen);
            }
            events = self.open(group.clone(), key.clone(), outside);
        }
        let result = self.talk(|talk| talk.receive(incoming, &mut events, outside));
        match result.ok_or(Ignored::NotOpen)? {
            Ok(Err(ignored)) if events.is_empty() => return Err(ignored),
            Ok(_) => {}
            Err(reason) => events.extend(self.close(reason)),
        }
        Ok(events)
    }

    /// Sends something under a random id, once however often it is asked.
    pub fn send(
        &mut self,
        random_id: i64,
        outgoing: Outgoing,
        outside: &mut Outside<'_>,
    ) -> Result<Vec<Event>, Refused> {
        match self.talk(|talk| talk.send(random_id, outgoing, outside)).ok_or(Refused::NotOpen)? {
            Ok(taken) => taken.map(|()| Vec::new()),
            Err(reason) => Ok(self.close(reason)),
        }
    }

    /// Agrees on a new key now, unless that is under way. It happens by itself when it is due.
    pub fn change_key(&mut self, outside: &mut Outside<'_>) -> Vec<Event> {
        self.step(|talk| talk.request_key(outside))
    }

    /// It is so late.
    pub fn on_time(&mut self, outside: &mut Outside<'_>) -> Vec<Event> {
        self.step(|talk| talk.settle(outside))
    }

    /// When it wants to be told the time again, in seconds since 1970.
    pub fn deadline(&self) -> Option<i64> {
        if let Stage::Open(talk) = &self.head.stage { talk.deadline() } else { None }
    }

    /// What is to be done, in its order.
    pub fn effects(&self) -> Vec<EffectId> {
        match &self.head.stage {
            Stage::Requesting { is_made: false, .. } => vec![EffectId::Request],
            Stage::Accepting { .. } => vec![EffectId::Accept],
            Stage::Open(talk) => talk.pending().collect(),
            Stage::Closed { discard: Some(_), .. } => vec![EffectId::Discard],
            _ => Vec::new(),
        }
    }

    /// What is to be said to the data centre, if it is still to be.
    pub fn effect(&self, id: EffectId) -> Option<Effect> {
        Some(match (id, &self.head.stage) {
            (EffectId::Request, Stage::Requesting { public, is_made: false, .. }) => {
                Effect::Request { random_id: self.head.id, g_a: public.clone() }
            }
            (EffectId::Accept, Stage::Accepting { key, public, .. }) => {
                Effect::Accept { g_b: public.clone(), key_fingerprint: key.fingerprint() }
            }
            (EffectId::Send { sequence, attempt }, Stage::Open(talk)) => {
                let sent = talk.pending_message(sequence, attempt)?;
                let Sent { random_id, kind, is_silent, .. } = sent;
                let (random_id, kind, is_silent) = (*random_id, kind.clone(), *is_silent);
                Effect::Send { random_id, data: talk.sealed(sent), kind, is_silent }
            }
            (EffectId::Discard, Stage::Closed { discard: Some(delete_history), .. }) => {
                Effect::Discard { delete_history: *delete_history }
            }
            _ => return None,
        })
    }

    /// The data centre has done it: for a send with a file, where it keeps that. A chat that it says was accepted already, or
    /// discarded already, is taken for done as well.
    pub fn confirmed(&mut self, id: EffectId, file: Option<EncryptedFile>, outside: &mut Outside<'_>) -> Vec<Event> {
        match (id, &mut self.head.stage) {
            (EffectId::Request, Stage::Requesting { is_made, .. }) => *is_made = true,
            (EffectId::Accept, Stage::Accepting { group, key, .. }) => {
                let (group, key) = (group.clone(), key.clone());
                return self.open(group, key, outside);
            }
            (EffectId::Send { sequence, attempt }, Stage::Open(talk)) => talk.confirmed(sequence, attempt, file),
            (EffectId::Discard, Stage::Closed { discard, .. }) => *discard = None,
            _ => {}
        }
        Vec::new()
    }

    /// The data centre will not do it. In a message's place goes one that says nothing, because its number is taken; a chat
    /// that needs what was refused is closed.
    pub fn refused(&mut self, id: EffectId, outside: &mut Outside<'_>) -> Vec<Event> {
        match (id, &mut self.head.stage) {
            (EffectId::Request, Stage::Requesting { .. }) => {
                let events = self.close(CloseReason::ByDataCentre);
                self.confirmed(EffectId::Discard, None, outside);
                events
            }
            (EffectId::Accept, Stage::Accepting { .. }) => self.close(CloseReason::ByDataCentre),
            (EffectId::Send { sequence, attempt }, Stage::Open(_)) => {
                self.step(|talk| talk.refused(sequence, attempt, outside))
            }
            (EffectId::Discard, _) => self.confirmed(id, None, outside),
            _ => Vec::new(),
        }
    }

    /// What the other side's next packet is encrypted with.
    pub(crate) fn their_writing(&self) -> Option<(&Key, Author)> {
        let Stage::Open(talk) = &self.head.stage else { return None };
        Some((talk.exchange.current(), self.head.role.other()))
    }

    fn open(&mut self, group: DhGroup, key: Key, outside: &mut Outside<'_>) -> Vec<Event> {
        self.head.picture = Some(key.picture());
        self.head.stage = Stage::Open(Box::new(Talk::new(self.head.role, group, key, outside)));
        let mut events = vec![Event::Opened];
        events.extend(self.step(|talk| talk.announce(outside)));
        events
    }

    fn talk<T>(&mut self, step: impl FnOnce(&mut Talk) -> T) -> Option<T> {
        if let Stage::Open(talk) = &mut self.head.stage { Some(step(talk)) } else { None }
    }

    /// A step of a talk that either goes on or is over.
    fn step(&mut self, step: impl FnOnce(&mut Talk) -> Result<(), CloseReason>) -> Vec<Event> {
        match self.talk(step) {
            Some(Err(reason)) => self.close(reason),
            _ => Vec::new(),
        }
    }

    /// The end, unless it is over already.
    fn close(&mut self, reason: CloseReason) -> Vec<Event> {
        match &self.head.stage {
            Stage::Closed { .. } => return Vec::new(),
            Stage::Open(talk) => self.gone.extend(talk.rows()),
            _ => {}
        }
        self.head.stage = Stage::Closed { reason, discard: Some(false) };
        vec![Event::Closed(reason)]
    }
}
