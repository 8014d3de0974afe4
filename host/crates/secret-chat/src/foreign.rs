//! What the other side could write, right or wrong, held out to tests. Nobody else is meant to call it.
//!
//! Invariant: it changes nothing of a chat.

use crate::chat::SecretChat;
use crate::{Outside, envelope};

/// Anything at all, encrypted as the other side of an open chat would.
pub fn packet(chat: &SecretChat, plain: &[u8]) -> Option<Vec<u8>> {
    let (key, author) = chat.their_writing()?;
    let padded = envelope::padded(plain, &mut Outside { now_s: 0, random: &mut |bytes| bytes.fill(7) });
    Some(envelope::seal(key, author, &padded))
}

/// What is in a packet that the other side has written.
pub fn plain(chat: &SecretChat, packet: &[u8]) -> Option<Vec<u8>> {
    let (key, author) = chat.their_writing()?;
    envelope::open(key, author, packet).map(|plain| plain.to_vec())
}
