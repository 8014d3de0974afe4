//! How a message is encrypted: <https://core.telegram.org/api/end-to-end>, MTProto 2.0.
//!
//! Invariant: nothing of a packet is looked at before its message key is found to be right.

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Outside;
use crate::ige::{BLOCK_BYTES, Decryptor, Encryptor};
use crate::key::Key;
use crate::secret::Secret;

/// Key fingerprint and message key.
const HEADER_BYTES: usize = 8 + 16;
const LENGTH_BYTES: usize = 4;
const PADDING_BYTES_MIN: usize = 12;
const PADDING_BYTES_MAX: usize = 1_024;
/// MTProto 1.0 filled up the last block only.
const V1_PADDING_BYTES_MAX: usize = 15;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Author {
    Creator,
    Acceptor,
}

/// Its length, the message, and random bytes after it.
pub(crate) fn padded(message: &[u8], outside: &mut Outside<'_>) -> Secret {
    let without = LENGTH_BYTES + message.len() + PADDING_BYTES_MIN;
    let padding = PADDING_BYTES_MIN + (BLOCK_BYTES - without % BLOCK_BYTES) % BLOCK_BYTES;
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = [&length[..], message, &vec![0; padding]].concat();
    let end = bytes.len() - padding;
    outside.fill(&mut bytes[end..]);
    bytes.into()
}

/// Whether nothing of it would go out as it is.
pub(crate) fn is_padded(bytes: &[u8]) -> bool {
    bytes.len().is_multiple_of(BLOCK_BYTES)
}

/// A padded message as it goes out.
pub(crate) fn seal(key: &Key, author: Author, padded: &[u8]) -> Vec<u8> {
    let message_key = message_key(key, author, padded);
    let (aes_key, iv) = aes_parameters(key, author, &message_key);
    let mut packet = [&key.fingerprint().to_le_bytes()[..], &message_key, padded].concat();
    Encryptor::new(&aes_key, &iv).apply(&mut packet[HEADER_BYTES..]);
    packet
}

/// The fingerprint of the key that a packet is encrypted with.
pub(crate) fn fingerprint(packet: &[u8]) -> Option<i64> {
    packet.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}

/// The message in a packet, if it was written by this side under this key.
pub(crate) fn open(key: &Key, author: Author, packet: &[u8]) -> Option<Secret> {
    let (given, encrypted) = parts(packet)?;
    let (aes_key, iv) = aes_parameters(key, author, given);
    let mut plain = encrypted.to_vec();
    Decryptor::new(&aes_key, &iv).apply(&mut plain);
    let plain = Secret::from(plain);
    let is_right: bool = message_key(key, author, &plain).ct_eq(given).into();
    is_right.then(|| unpadded(&plain, PADDING_BYTES_MIN..=PADDING_BYTES_MAX)).flatten()
}

/// Whether it is a packet as MTProto 1.0 made them, under this key.
pub(crate) fn is_of_version_one(key: &Key, packet: &[u8]) -> bool {
    let Some((given, encrypted)) = parts(packet) else { return false };
    let (aes_key, iv) = v1_aes_parameters(key, given);
    let mut plain = encrypted.to_vec();
    Decryptor::new(&aes_key, &iv).apply(&mut plain);
    let plain = Secret::from(plain);
    let Some(message) = unpadded(&plain, 0..=V1_PADDING_BYTES_MAX) else { return false };
    let hash = Sha1::digest(&plain[..LENGTH_BYTES + message.len()]);
    hash[4..20].ct_eq(given).into()
}

/// The message key and what is encrypted: whole blocks, one at least.
fn parts(packet: &[u8]) -> Option<(&[u8; 16], &[u8])> {
    let (header, encrypted) = packet.split_at_checked(HEADER_BYTES)?;
    let is_whole = !encrypted.is_empty() && encrypted.len().is_multiple_of(BLOCK_BYTES);
    is_whole.then_some((header.last_chunk()?, encrypted))
}

fn unpadded(plain: &[u8], padding: std::ops::RangeInclusive<usize>) -> Option<Secret> {
    let (length, rest) = plain.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let message = rest.get(..length)?;
    let is_right = length.is_multiple_of(4) && padding.contains(&(rest.len() - length));
    is_right.then(|| message.to_vec().into())
}

fn message_key(key: &Key, author: Author, padded: &[u8]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(key.part(88 + author.offset(), 32)).chain_update(padded).finalize();
    std::array::from_fn(|at| hash[8 + at])
}

fn aes_parameters(key: &Key, author: Author, message_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let x = author.offset();
    let a = Sha256::new().chain_update(message_key).chain_update(key.part(x, 36)).finalize();
    let b = Sha256::new().chain_update(key.part(40 + x, 36)).chain_update(message_key).finalize();
    (joined(&[&a[..8], &b[8..24], &a[24..]]), joined(&[&b[..8], &a[8..24], &b[24..]]))
}

fn v1_aes_parameters(key: &Key, message_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let hash = |parts: [&[u8]; 3]| parts.iter().fold(Sha1::new(), |hash, part| hash.chain_update(part)).finalize();
    let a = hash([message_key, key.part(0, 32), &[]]);
    let b = hash([key.part(32, 16), message_key, key.part(48, 16)]);
    let c = hash([key.part(64, 32), message_key, &[]]);
    let d = hash([message_key, key.part(96, 32), &[]]);
    (joined(&[&a[..8], &b[8..20], &c[4..16]]), joined(&[&a[8..20], &b[..8], &c[16..20], &d[..8]]))
}

fn joined(parts: &[&[u8]]) -> [u8; 32] {
    let mut bytes = parts.iter().flat_map(|part| part.iter().copied());
    std::array::from_fn(|_| bytes.next().unwrap_or_default())
}

impl Author {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Creator => Self::Acceptor,
            Self::Acceptor => Self::Creator,
        }
    }

    /// Which part of the key is theirs.
    fn offset(self) -> usize {
        match self {
            Self::Creator => 0,
            Self::Acceptor => 8,
        }
    }
}
