//! The encrypted envelope of MTProto 2.0: <https://core.telegram.org/mtproto/description>.
//!
//! Invariant: nothing of a message is looked at before its `msg_key` has been found right, compared in constant time.

use std::fmt;

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use grammers_tl_types::Serializable as _;
use subtle::ConstantTimeEq;

use super::crypto::{low_64, random, sha1, sha256};

/// Padding allowed by the protocol.
const PADDING_BYTES: std::ops::RangeInclusive<usize> = 12..=1024;
/// Key id and message key, in clear before the encrypted part.
const CLEAR_BYTES: usize = 24;
/// Salt, session, message id, sequence number and length.
const HEADER_BYTES: usize = 32;
/// Offset into the key for what the client and what the server encrypts.
const FROM_CLIENT: usize = 0;
const FROM_SERVER: usize = 8;

/// An authorisation key and its name. `Debug` shows the name only.
pub(crate) struct AuthKey {
    bytes: [u8; 256],
    id: i64,
}

impl AuthKey {
    pub(crate) fn new(bytes: [u8; 256]) -> Self {
        Self { id: low_64(&sha1(&[&bytes])), bytes }
    }

    /// Low 64 bits of its SHA-1.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// High 64 bits of its SHA-1, used in the key exchange.
    pub(crate) fn auxiliary_hash(&self) -> [u8; 8] {
        let mut high = [0; 8];
        high.copy_from_slice(&sha1(&[&self.bytes])[..8]);
        high
    }

    pub(crate) fn bytes(&self) -> &[u8; 256] {
        &self.bytes
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthKey({:016x})", self.id)
    }
}

/// What a client's envelope held. Without `Debug`: codes and passwords pass through it.
pub(crate) struct Opened {
    pub(crate) salt: i64,
    pub(crate) session_id: i64,
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
    pub(crate) body: Vec<u8>,
    /// First 32 bits of the large message key: what a quick acknowledgement repeats.
    pub(crate) quick_ack_token: u32,
}

/// The head of a message the server sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) salt: i64,
    pub(crate) session_id: i64,
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
}

/// Opens a client's packet. `None` when anything about it is wrong: the connection is then closed, as the documentation
/// asks. Up to 15 bytes that the padded transport put behind the envelope are ignored.
pub(crate) fn open(key: &AuthKey, mut packet: Vec<u8>) -> Option<Opened> {
    let encrypted_bytes = packet.len().checked_sub(CLEAR_BYTES)? & !15;
    packet.truncate(CLEAR_BYTES + encrypted_bytes);
    let msg_key: [u8; 16] = packet.get(8..CLEAR_BYTES)?.try_into().ok()?;
    let (aes_key, aes_iv) = derive(key, &msg_key, FROM_CLIENT);
    ige_decrypt(&mut packet[CLEAR_BYTES..], &aes_key, &aes_iv);
    let plain = &packet[CLEAR_BYTES..];

    let large = sha256(&[&key.bytes[88 + FROM_CLIENT..120 + FROM_CLIENT], plain]);
    if !bool::from(large[8..24].ct_eq(&msg_key)) {
        return None;
    }
    let length = usize::try_from(int(plain, 28)?).ok()?;
    let padding_bytes = plain.len().checked_sub(HEADER_BYTES)?.checked_sub(length)?;
    if !length.is_multiple_of(4) || length == 0 || !PADDING_BYTES.contains(&padding_bytes) {
        return None;
    }
    Some(Opened {
        salt: long(plain, 0)?,
        session_id: long(plain, 8)?,
        msg_id: long(plain, 16)?,
        seq_no: int(plain, 24)?,
        body: plain[HEADER_BYTES..HEADER_BYTES + length].to_vec(),
        quick_ack_token: int(&large, 0)?.cast_unsigned(),
    })
}

/// Seals a message for the client.
pub(crate) fn seal(key: &AuthKey, head: Head, body: &[u8]) -> Vec<u8> {
    let padding: [u8; 32] = random();
    let unpadded = HEADER_BYTES + body.len();
    let padding_bytes = PADDING_BYTES.start() + (16 - (unpadded + PADDING_BYTES.start()) % 16) % 16;

    let mut packet = Vec::with_capacity(CLEAR_BYTES + unpadded + padding_bytes);
    packet.extend_from_slice(&key.id.to_le_bytes());
    packet.extend_from_slice(&[0; 16]);
    packet.extend_from_slice(&head.salt.to_le_bytes());
    packet.extend_from_slice(&head.session_id.to_le_bytes());
    packet.extend_from_slice(&head.msg_id.to_le_bytes());
    packet.extend_from_slice(&head.seq_no.to_le_bytes());
    packet.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    packet.extend_from_slice(body);
    packet.extend_from_slice(&padding[..padding_bytes]);

    close(key, FROM_SERVER, &mut packet);
    packet
}

/// A packet as a client seals it.
pub(crate) fn seal_as_client(key: &AuthKey, plain: &[u8]) -> Vec<u8> {
    let mut packet = [&key.id.to_le_bytes()[..], &[0; 16], plain].concat();
    packet.resize(CLEAR_BYTES + plain.len().next_multiple_of(16), 0);
    close(key, FROM_CLIENT, &mut packet);
    packet
}

/// Encrypts what stands behind the keys' places, and fills these.
fn close(key: &AuthKey, side: usize, packet: &mut [u8]) {
    let plain = &mut packet[CLEAR_BYTES..];
    let large = sha256(&[&key.bytes[88 + side..120 + side], plain]);
    let mut msg_key = [0; 16];
    msg_key.copy_from_slice(&large[8..24]);
    let (aes_key, aes_iv) = derive(key, &msg_key, side);
    ige_encrypt(plain, &aes_key, &aes_iv);
    packet[8..CLEAR_BYTES].copy_from_slice(&msg_key);
}

/// The body of an unencrypted message: <https://core.telegram.org/mtproto/description#unencrypted-message>. Its identifier
/// counts for nothing: TDLib checks a connection by a message whose identifier is 1. What the padded transport put behind it is
/// left out.
pub(crate) fn plain_body(message: &[u8]) -> Option<&[u8]> {
    let (_msg_id, rest) = message.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    rest.get(..length).filter(|_| rest.len() - length < 16)
}

/// The unencrypted message that says this.
pub(crate) fn plain_message(msg_id: i64, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 8];
    msg_id.serialize(&mut message);
    u32::try_from(body.len()).unwrap_or(u32::MAX).serialize(&mut message);
    message.extend_from_slice(body);
    message
}

/// <https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector>
fn derive(key: &AuthKey, msg_key: &[u8; 16], x: usize) -> ([u8; 32], [u8; 32]) {
    let a = sha256(&[msg_key, &key.bytes[x..x + 36]]);
    let b = sha256(&[&key.bytes[40 + x..76 + x], msg_key]);
    let mix = |outer: &[u8; 32], inner: &[u8; 32]| {
        let mut mixed = *outer;
        mixed[8..24].copy_from_slice(&inner[8..24]);
        mixed
    };
    (mix(&a, &b), mix(&b, &a))
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|int| i32::from_le_bytes(*int))
}

fn long(bytes: &[u8], at: usize) -> Option<i64> {
    bytes.get(at..)?.first_chunk().map(|long| i64::from_le_bytes(*long))
}
