//! A message as tests outside the host make it.

use tgl::{Message, MessageFlags, MessageId, PeerId, ServiceAction};

/// A private message from somebody to the script's account.
pub fn text_message(id: MessageId, text: &str) -> Message {
    Message {
        id,
        flags: MessageFlags { unread: true, created: true, ..Default::default() },
        source: Some(PeerId::user(7)),
        destination: PeerId::user(1),
        text: Some(text.to_owned()),
        media: None,
        date: 1_700_000_000,
        forward: None,
        reply_to: None,
        action: ServiceAction::None,
    }
}
