//! The few primitives that several parts of the protocol share.
//!
//! Invariant: everything random here comes from the operating system.

use sha1::Digest as _;

/// SHA-1 of the parts, one after the other.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = sha1::Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-256 of the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = sha2::Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// The low 64 bits of a SHA-1, as MTProto names keys by them.
pub(crate) fn low_64(hash: &[u8; 20]) -> i64 {
    let mut low = [0; 8];
    low.copy_from_slice(&hash[12..20]);
    i64::from_le_bytes(low)
}
