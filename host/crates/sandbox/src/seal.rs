//! How the cache knows a file again: its seal.
//!
//! Invariant: a seal holds for one name, one content and one writing of a file, under a key that only this user can read.
//!
//! A seal is a file's hash, and its identity (device, inode, length, times of modification and of change) under a keyed
//! MAC. Any later write through the file system changes the time of change, which no program can set; so a file whose
//! identity is as sealed is as it was written, and is mapped at once. A file whose identity differs (restored from a backup,
//! copied into an image) is read whole, and taken only if its hash is the sealed one. Reading 45 MiB at every start instead
//! would cost about 15 ms of the start's 100 and would find one thing more: a disk that changes bits by itself, which hits
//! every other executable as well.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

pub(crate) const KEY_BYTES: usize = 32;

/// What a seal is made with.
pub(crate) type Key = [u8; KEY_BYTES];

/// What tells one writing of a file from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    pub(crate) len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let (modified, changed) = (self.modified, self.changed);
        let numbers = [
            self.device.to_le_bytes(),
            self.inode.to_le_bytes(),
            self.len.to_le_bytes(),
            modified.0.to_le_bytes(),
            modified.1.to_le_bytes(),
            changed.0.to_le_bytes(),
            changed.1.to_le_bytes(),
        ];
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (numbers, _) = bytes.as_chunks::<8>();
        let (unsigned, signed) =
            (|at: usize| u64::from_le_bytes(numbers[at]), |at: usize| i64::from_le_bytes(numbers[at]));
        Self {
            device: unsigned(0),
            inode: unsigned(1),
            len: unsigned(2),
            modified: (signed(3), signed(4)),
            changed: (signed(5), signed(6)),
        }
    }

    const BYTES: usize = 7 * 8;
}

/// What was written: its hash and its identity. On disk a MAC over these and the name follows.
pub(crate) struct Seal {
    pub(crate) hash: blake3::Hash,
    pub(crate) identity: Identity,
}

impl Seal {
    const HASH_BYTES: usize = blake3::OUT_LEN;
    const BYTES: usize = Self::HASH_BYTES + Identity::BYTES;

    pub(crate) fn to_bytes(&self, name: &str, key: &Key) -> Vec<u8> {
        let mut bytes = [self.hash.as_bytes().as_slice(), &self.identity.to_bytes()].concat();
        bytes.extend_from_slice(mac(&bytes, name, key).as_bytes());
        bytes
    }

    /// The seal, if it was made with our key for this name.
    pub(crate) fn read(file: impl Read, name: &str, key: &Key) -> Option<Self> {
        let mut bytes = Vec::new();
        file.take(Self::BYTES as u64 + blake3::OUT_LEN as u64 + 1).read_to_end(&mut bytes).ok()?;
        let (sealed, found_mac) = bytes.split_at_checked(Self::BYTES)?;
        let found_mac: [u8; blake3::OUT_LEN] = found_mac.try_into().ok()?;
        // Comparing `blake3::Hash`es takes the same time wherever they differ.
        if mac(sealed, name, key) != blake3::Hash::from_bytes(found_mac) {
            return None;
        }
        let (hash, identity) = sealed.split_first_chunk::<{ Self::HASH_BYTES }>()?;
        Some(Self { hash: (*hash).into(), identity: Identity::from_bytes(identity.try_into().ok()?) })
    }
}

fn mac(sealed: &[u8], name: &str, key: &Key) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update(sealed).update(name.as_bytes()).finalize()
}
