//! An event on its way to scripts.
//!
//! Invariant: it is made ready for a socket once, by whoever is the first to send it, however many scripts it goes to.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tgl::Event;

/// See the module. It is what the event is, and crosses a socket as bytes of its own.
pub struct SharedEvent {
    event: Event,
    encoded: OnceLock<Box<[u8]>>,
}

impl From<Event> for SharedEvent {
    fn from(event: Event) -> Self {
        Self { event, encoded: OnceLock::new() }
    }
}

impl Deref for SharedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl PartialEq for SharedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}

impl fmt::Debug for SharedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}

impl Serialize for SharedEvent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let encoded = match self.encoded.get() {
            Some(encoded) => encoded,
            None => {
                let encoded = postcard::to_allocvec(&self.event).map_err(S::Error::custom)?;
                self.encoded.get_or_init(|| encoded.into())
            }
        };
        to.serialize_bytes(encoded)
    }
}

impl<'de> Deserialize<'de> for SharedEvent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Encoded;

        impl Visitor<'_> for Encoded {
            type Value = Event;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event's bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Event, E> {
                postcard::from_bytes(bytes).map_err(E::custom)
            }
        }

        from.deserialize_bytes(Encoded).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use tgl::{Changes, Peer, PeerDetails, User};

    use super::*;

    #[test]
    fn it_is_encoded_once_and_read_as_it_was() {
        let user = Peer { name: "Ada".to_owned(), details: PeerDetails::User(User { id: 1, ..User::default() }) };
        let event = SharedEvent::from(Event::UserUpdate { user, what: Changes::default() });
        let sent = || {
            let sent = postcard::to_allocvec(&event).unwrap();
            (sent, event.encoded.get().map(|encoded| encoded.as_ptr()))
        };
        let first = sent();
        assert!(first.1.is_some());
        assert_eq!(sent(), first);
        assert_eq!(postcard::from_bytes::<SharedEvent>(&first.0).unwrap(), event);
    }
}
