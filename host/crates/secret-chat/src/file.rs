//! Files of secret chats: each has a key of its own, which goes in the message, and is encrypted in blocks as it is read or written.
//!
//! Invariant: a key never encrypts two files, because it is made with what encrypts the one.

use std::fmt;

use zeroize::Zeroize;

use crate::Outside;
use crate::ige::{BLOCK_BYTES, Decryptor, Encryptor};

/// The key of one file, and where its encryption begins.
#[derive(Clone, PartialEq, Eq)]
pub struct FileKey {
    pub(crate) key: [u8; 32],
    pub(crate) iv: [u8; 32],
}

impl FileKey {
    /// What was kept of a key.
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        Self { key: std::array::from_fn(|at| bytes[at]), iv: std::array::from_fn(|at| bytes[32 + at]) }
    }

    /// What is to be kept of it. It is secret.
    pub fn to_bytes(&self) -> [u8; 64] {
        std::array::from_fn(|at| if at < 32 { self.key[at] } else { self.iv[at - 32] })
    }

    /// What the data centre is told of it, and tells the other side.
    pub fn fingerprint(&self) -> i32 {
        let hash = md5::compute(self.to_bytes());
        i32::from_le_bytes(std::array::from_fn(|at| hash[at] ^ hash[4 + at]))
    }
}

impl Drop for FileKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret key")
    }
}

/// How many bytes a file of this size has once it is encrypted.
pub fn encrypted_bytes(size: u64) -> u64 {
    size.next_multiple_of(BLOCK_BYTES as u64)
}

/// Encrypts a file piece by piece.
pub struct FileEncryptor(Encryptor);

/// Decrypts a file piece by piece. It is as long as its message says; what comes after is padding.
pub struct FileDecryptor(Decryptor);

/// A piece that is not whole blocks of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a piece of an encrypted file is not whole blocks of {BLOCK_BYTES} bytes")]
pub struct NotBlocks;

impl FileEncryptor {
    /// From the beginning of a file, with a new key.
    pub fn new(outside: &mut Outside<'_>) -> (Self, FileKey) {
        let key = FileKey { key: outside.bytes(), iv: outside.bytes() };
        (Self(Encryptor::new(&key.key, &key.iv)), key)
    }

    /// The next piece, in place: whole blocks.
    pub fn piece(&mut self, bytes: &mut [u8]) -> Result<(), NotBlocks> {
        whole(bytes)?;
        self.0.apply(bytes);
        Ok(())
    }

    /// The last piece, of any length: it is filled up to a whole block.
    pub fn last_piece(mut self, bytes: &mut Vec<u8>, outside: &mut Outside<'_>) {
        let end = bytes.len();
        bytes.resize(end.next_multiple_of(BLOCK_BYTES), 0);
        outside.fill(&mut bytes[end..]);
        self.0.apply(bytes);
    }
}

impl FileDecryptor {
    /// From the beginning of a file.
    pub fn new(key: &FileKey) -> Self {
        Self(Decryptor::new(&key.key, &key.iv))
    }

    /// The next piece, in place: whole blocks.
    pub fn piece(&mut self, bytes: &mut [u8]) -> Result<(), NotBlocks> {
        whole(bytes)?;
        self.0.apply(bytes);
        Ok(())
    }
}

fn whole(bytes: &[u8]) -> Result<(), NotBlocks> {
    if bytes.len().is_multiple_of(BLOCK_BYTES) { Ok(()) } else { Err(NotBlocks) }
}
