//! What a script may do beside what every script may, and what that is about.
//!
//! Invariant: nothing is granted by default.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Event, Message, PeerId, PeerKind};

/// Telegram's accounts that write login codes and other notices to users, the present one and the one before it.
const SERVICE_USERS: [i64; 2] = [777_000, 333_000];

/// What a script may do beside what every script may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// See messages of Telegram's service account. Who has a login code of it can take the account over.
    pub service_messages: bool,
}

/// One of [`Grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// What every script may.
    None,
    /// [`Grants::service_messages`]
    ServiceMessages,
}

impl Grants {
    /// Whether this one is given.
    pub fn has(self, grant: Grant) -> bool {
        match grant {
            Grant::None => true,
            Grant::ServiceMessages => self.service_messages,
        }
    }

    /// The message as the script may see it, if it may see it at all. One of the service account that somebody has
    /// forwarded is there, but not what it says.
    pub fn shown(self, message: Message) -> Option<Message> {
        if self.service_messages || !message.is_secret() {
            return Some(message);
        }
        let chat = message.source.into_iter().chain([message.destination]);
        let is_elsewhere = !chat.into_iter().any(PeerId::is_service);
        is_elsewhere.then_some(Message { text: None, media: None, ..message })
    }

    /// The event as the script may hear of it, if it may at all.
    pub fn shown_event(self, event: Arc<Event>) -> Option<Arc<Event>> {
        match &*event {
            Event::Message(message) if !self.service_messages && message.is_secret() => {
                self.shown(message.clone()).map(|message| Arc::new(Event::Message(message)))
            }
            _ => Some(event),
        }
    }
}

impl PeerId {
    /// Whether it is Telegram's service account.
    pub fn is_service(self) -> bool {
        self.kind == PeerKind::User && SERVICE_USERS.contains(&self.id)
    }
}

impl Message {
    /// Whether it is of Telegram's service account or of the conversation with it, or was forwarded from there.
    pub fn is_secret(&self) -> bool {
        let forwarded_from = self.forward.and_then(|forward| forward.source);
        [Some(self.destination), self.source, forwarded_from].into_iter().flatten().any(PeerId::is_service)
    }
}
