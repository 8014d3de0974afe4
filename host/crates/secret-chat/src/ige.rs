//! AES-256 in infinite garble extension, block after block, so that a file need not be in memory.
//!
//! Invariant: bytes go through in whole blocks, and what the blocks before left behind is wiped at the end.

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure,
    BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::{Aes256Dec, Aes256Enc, Block};
use zeroize::Zeroize;

/// Length of a block in bytes.
pub(crate) const BLOCK_BYTES: usize = 16;

/// Encrypts in place what comes after each other.
pub(crate) struct Encryptor {
    cipher: Aes256Enc,
    before: Before,
}

/// Decrypts in place what comes after each other.
pub(crate) struct Decryptor {
    cipher: Aes256Dec,
    before: Before,
}

/// The last block on its way in and on its way out, which the next one is mixed with.
struct Before {
    encrypted: u128,
    plain: u128,
}

impl Encryptor {
    pub(crate) fn new(key: &[u8; 32], iv: &[u8; 32]) -> Self {
        Self { cipher: Aes256Enc::new(key.into()), before: Before::new(iv) }
    }

    /// Bytes after the last whole block stay as they are.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        let (blocks, _) = Block::slice_as_chunks_mut(bytes);
        self.cipher.encrypt_with_backend(Run { blocks, before: &mut self.before });
    }
}

impl Decryptor {
    pub(crate) fn new(key: &[u8; 32], iv: &[u8; 32]) -> Self {
        Self { cipher: Aes256Dec::new(key.into()), before: Before::new(iv) }
    }

    /// Bytes after the last whole block stay as they are.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        let (blocks, _) = Block::slice_as_chunks_mut(bytes);
        self.cipher.decrypt_with_backend(Run { blocks, before: &mut self.before });
    }
}

impl Before {
    fn new(iv: &[u8; 32]) -> Self {
        let number =
            |from: usize| iv.iter().skip(from).take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        Self { encrypted: number(0), plain: number(16) }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        self.encrypted.zeroize();
        self.plain.zeroize();
    }
}

/// Blocks that go through the cipher one after the other, in a loop that is compiled for the processor at hand.
struct Run<'a> {
    blocks: &'a mut [Block],
    before: &'a mut Before,
}

impl BlockSizeUser for Run<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Run<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut encrypted, mut plain) = (self.before.encrypted, self.before.plain);
        for block in self.blocks {
            let now = u128::from_be_bytes(block.0);
            block.0 = (now ^ encrypted).to_be_bytes();
            backend.encrypt_block_inplace(block);
            encrypted = u128::from_be_bytes(block.0) ^ plain;
            block.0 = encrypted.to_be_bytes();
            plain = now;
        }
        (self.before.encrypted, self.before.plain) = (encrypted, plain);
    }
}

impl BlockCipherDecClosure for Run<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut encrypted, mut plain) = (self.before.encrypted, self.before.plain);
        for block in self.blocks {
            let now = u128::from_be_bytes(block.0);
            block.0 = (now ^ plain).to_be_bytes();
            backend.decrypt_block_inplace(block);
            plain = u128::from_be_bytes(block.0) ^ encrypted;
            block.0 = plain.to_be_bytes();
            encrypted = now;
        }
        (self.before.encrypted, self.before.plain) = (encrypted, plain);
    }
}
