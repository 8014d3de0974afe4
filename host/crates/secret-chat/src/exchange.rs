//! Changing keys, so that who gets hold of one reads no more than what was written under it.
//! <https://core.telegram.org/api/end-to-end/pfs>
//!
//! Invariant: besides the key in use there is at most one other: the next, or the one before until nothing under it can come.

use serde::{Deserialize, Serialize};

use crate::chat::{CloseReason, Event};
use crate::key::{Half, Key, common};
use crate::secret::Secret;
use crate::talk::Talk;
use crate::wire::Protocol;
use crate::{KEY_AGE_S_MAX, KEY_MESSAGES_MAX, Outside};

/// The key in use, and how far the change to the next is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    key: Key,
    stage: Stage,
    /// So many messages were encrypted or decrypted with it.
    uses: u32,
    has_encrypted: bool,
    since_s: i64,
}

#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    Idle,
    /// We have asked for a new key.
    Requested {
        id: i64,
        secret: Secret,
    },
    /// We have accepted: the other side may begin to use the new key at any moment.
    Accepted {
        id: i64,
        next: Key,
    },
    /// The other side has begun, but what it wrote before is not all there.
    Adopted {
        id: i64,
        previous: Key,
    },
    /// We have begun, and the other side may not have heard of it.
    Committed {
        previous: Key,
    },
}

impl Exchange {
    pub(crate) fn new(key: Key, outside: &Outside<'_>) -> Self {
        Self { key, stage: Stage::Idle, uses: 0, has_encrypted: false, since_s: outside.now_s }
    }

    /// The key to encrypt with now.
    pub(crate) fn encrypting(&mut self) -> i64 {
        self.has_encrypted = true;
        self.uses = self.uses.saturating_add(1);
        self.key.fingerprint()
    }

    /// The key in use.
    pub(crate) fn current(&self) -> &Key {
        &self.key
    }

    /// The key with this fingerprint, or if it has gone, the one in use.
    pub(crate) fn key(&self, fingerprint: i64) -> &Key {
        match &self.stage {
            Stage::Adopted { previous, .. } | Stage::Committed { previous }
                if previous.fingerprint() == fingerprint =>
            {
                previous
            }
            _ => &self.key,
        }
    }

    /// The key with this fingerprint, if the other side may use it.
    pub(crate) fn decrypting(&self, fingerprint: i64) -> Option<&Key> {
        let other = match &self.stage {
            Stage::Idle | Stage::Requested { .. } => None,
            Stage::Accepted { next, .. } => Some(next),
            Stage::Adopted { previous, .. } | Stage::Committed { previous } => Some(previous),
        };
        [Some(&self.key), other].into_iter().flatten().find(|key| key.fingerprint() == fingerprint)
    }

    /// A message under this key has come. Whether the key in use is another from now on.
    pub(crate) fn adopt(&mut self, fingerprint: i64, outside: &Outside<'_>) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Accepted { id, next } if next.fingerprint() == fingerprint => {
                let previous = self.switch(next, outside);
                self.stage = Stage::Adopted { id, previous };
                true
            }
            stage => {
                self.stage = stage;
                false
            }
        }
    }

    /// A message under this key was taken, and with it all before.
    pub(crate) fn taken(&mut self, fingerprint: i64) {
        if fingerprint == self.key.fingerprint() {
            self.uses = self.uses.saturating_add(1);
            if matches!(self.stage, Stage::Committed { .. }) {
                self.stage = Stage::Idle;
            }
        }
    }

    /// Whether it is time for a new key.
    pub(crate) fn is_due(&self, now_s: i64) -> bool {
        let is_used_up = self.uses > KEY_MESSAGES_MAX || self.due_at_s().is_some_and(|due_s| now_s >= due_s);
        is_used_up && matches!(self.stage, Stage::Idle)
    }

    /// When it will be, by its age.
    pub(crate) fn due_at_s(&self) -> Option<i64> {
        let counts = self.has_encrypted && matches!(self.stage, Stage::Idle);
        counts.then(|| self.since_s.saturating_add(KEY_AGE_S_MAX))
    }

    /// Uses another key, and gives the one that was used.
    fn switch(&mut self, next: Key, outside: &Outside<'_>) -> Key {
        self.count_anew(outside);
        self.has_encrypted = false;
        std::mem::replace(&mut self.key, next)
    }

    fn count_anew(&mut self, outside: &Outside<'_>) {
        self.uses = 0;
        self.since_s = outside.now_s;
    }

    fn id(&self) -> Option<i64> {
        match &self.stage {
            Stage::Requested { id, .. } | Stage::Accepted { id, .. } | Stage::Adopted { id, .. } => Some(*id),
            Stage::Idle | Stage::Committed { .. } => None,
        }
    }
}

impl Talk {
    /// Asks for a new key, unless a change is under way.
    pub(crate) fn request_key(&mut self, outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        let Stage::Idle = self.exchange.stage else { return Ok(()) };
        let Ok(Half { secret, public }) = Half::new(&self.group, outside) else { return Ok(()) };
        let id = outside.number();
        self.exchange.stage = Stage::Requested { id, secret };
        self.say(Protocol::RequestKey { exchange: id, public }, outside)
    }

    /// The other side's step.
    pub(crate) fn exchange_step(
        &mut self,
        step: Protocol,
        events: &mut Vec<Event>,
        outside: &mut Outside<'_>,
    ) -> Result<(), CloseReason> {
        match step {
            Protocol::RequestKey { exchange, public } => self.on_request(exchange, &public, outside),
            Protocol::AcceptKey { exchange, public, fingerprint } => {
                self.on_accept(exchange, &public, fingerprint, events, outside)
            }
            Protocol::CommitKey { exchange, fingerprint } => self.on_commit(exchange, fingerprint, events, outside),
            Protocol::AbortKey { exchange } => {
                let can_abort = matches!(self.exchange.stage, Stage::Requested { .. } | Stage::Accepted { .. });
                if can_abort && self.exchange.id() == Some(exchange) {
                    // Not at once again: that would go on for ever.
                    self.exchange.count_anew(outside);
                    self.exchange.stage = Stage::Idle;
                }
                Ok(())
            }
            Protocol::Resend { .. } | Protocol::NotifyLayer(_) | Protocol::Noop => Ok(()),
        }
    }

    fn on_request(&mut self, id: i64, public: &[u8], outside: &mut Outside<'_>) -> Result<(), CloseReason> {
        match &self.exchange.stage {
            Stage::Idle => {}
            // Both have asked at once: the larger number counts, as the other side knows too.
            Stage::Requested { id: ours, .. } if *ours > id => return Ok(()),
            Stage::Requested { id: ours, .. } => {
                let is_same = *ours == id;
                self.exchange.stage = Stage::Idle;
                if is_same {
                    return Ok(());
                }
            }
            _ => return self.say(Protocol::AbortKey { exchange: id }, outside),
        }
        let Ok(half) = Half::new(&self.group, outside) else {
            return self.say(Protocol::AbortKey { exchange: id }, outside);
        };
        let next = self.next_key(&half.secret, public)?;
        let fingerprint = next.fingerprint();
        self.exchange.stage = Stage::Accepted { id, next };
        self.say(Protocol::AcceptKey { exchange: id, public: half.public, fingerprint }, outside)
    }

    fn on_accept(
        &mut self,
        id: i64,
        public: &[u8],
        fingerprint: i64,
        events: &mut Vec<Event>,
        outside: &mut Outside<'_>,
    ) -> Result<(), CloseReason> {
        let secret = match &self.exchange.stage {
            Stage::Requested { id: ours, secret } if *ours == id => secret.clone(),
            _ => return self.say(Protocol::AbortKey { exchange: id }, outside),
        };
        let next = self.next_key(&secret, public)?;
        if next.fingerprint() != fingerprint {
            return Err(CloseReason::KeyMismatch);
        }
        // The last message under the key that was.
        self.say(Protocol::CommitKey { exchange: id, fingerprint }, outside)?;
        let previous = self.exchange.switch(next, outside);
        self.exchange.stage = Stage::Committed { previous };
        events.push(Event::KeyChanged);
        Ok(())
    }

    /// All that was written under the key that was is there now, so that one goes.
    fn on_commit(
        &mut self,
        id: i64,
        fingerprint: i64,
        events: &mut Vec<Event>,
        outside: &mut Outside<'_>,
    ) -> Result<(), CloseReason> {
        match std::mem::replace(&mut self.exchange.stage, Stage::Idle) {
            Stage::Accepted { id: ours, next } if ours == id => {
                self.exchange.switch(next, outside);
                events.push(Event::KeyChanged);
            }
            Stage::Adopted { id: ours, .. } if ours == id => {}
            _ => return Err(CloseReason::KeyExchange),
        }
        if self.exchange.key.fingerprint() != fingerprint {
            return Err(CloseReason::KeyMismatch);
        }
        // Under the new key, so that the other side sees that we have it.
        self.say(Protocol::Noop, outside)
    }

    /// The key to come, which must be a new one.
    fn next_key(&self, secret: &[u8], public: &[u8]) -> Result<Key, CloseReason> {
        let next = common(&self.group, secret, public).map_err(|_| CloseReason::UnsafeKey)?;
        match next.fingerprint() == self.exchange.key.fingerprint() {
            true => Err(CloseReason::KeyExchange),
            false => Ok(next),
        }
    }
}
