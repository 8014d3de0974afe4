//! The common key of a chat, and the picture by which two people see that it is the same.
//!
//! Invariant: a key has as many bytes as it must; shorter ones have been given zeros in front.

use std::fmt;

use dh::{DhFault, DhGroup, PRIME_BYTES};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::Outside;
use crate::secret::Secret;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Secret", into = "Secret")]
pub(crate) struct Key {
    bytes: Secret,
    fingerprint: i64,
}

impl Key {
    pub(crate) fn new(bytes: [u8; PRIME_BYTES]) -> Self {
        let bytes = Secret::from(bytes.to_vec());
        let fingerprint = fingerprint(&bytes);
        Self { bytes, fingerprint }
    }

    /// What messages under this key begin with.
    pub(crate) fn fingerprint(&self) -> i64 {
        self.fingerprint
    }

    /// So many of its bytes, from this one on.
    pub(crate) fn part(&self, from: usize, length: usize) -> &[u8] {
        self.bytes.get(from..from + length).unwrap_or_default()
    }

    pub(crate) fn picture(&self) -> KeyPicture {
        let mut bytes = [0; PICTURE_BYTES];
        let (first, second) = bytes.split_at_mut(16);
        first.copy_from_slice(&Sha1::digest(&*self.bytes)[..16]);
        second.copy_from_slice(&Sha256::digest(&*self.bytes)[..20]);
        KeyPicture(bytes.to_vec())
    }
}

impl TryFrom<Secret> for Key {
    type Error = &'static str;

    fn try_from(bytes: Secret) -> Result<Self, Self::Error> {
        let bytes = <[u8; PRIME_BYTES]>::try_from(&*bytes).map_err(|_| "a key has 256 bytes")?;
        Ok(Self::new(bytes))
    }
}

impl From<Key> for Secret {
    fn from(key: Key) -> Self {
        key.bytes
    }
}

/// The low 64 bits of its SHA-1.
fn fingerprint(key: &[u8]) -> i64 {
    let hash = Sha1::digest(key);
    i64::from_le_bytes(std::array::from_fn(|at| hash[12 + at]))
}

/// A secret exponent and the public value of it.
pub(crate) struct Half {
    pub(crate) secret: Secret,
    pub(crate) public: Vec<u8>,
}

impl Half {
    /// A new one. Only randomness that is none gives a value that must not be used.
    pub(crate) fn new(group: &DhGroup, outside: &mut Outside<'_>) -> Result<Self, DhFault> {
        let secret = Secret::from(outside.bytes::<PRIME_BYTES>().to_vec());
        let public = group.public(&BigUint::from_bytes_be(&secret));
        group.check_public(&public)?;
        let public = public.to_bytes_be();
        Ok(Self { secret, public: [vec![0; PRIME_BYTES - public.len()], public].concat() })
    }
}

/// The key that comes of our secret exponent and the other side's public value, once that is checked.
pub(crate) fn common(group: &DhGroup, secret: &[u8], public: &[u8]) -> Result<Key, DhFault> {
    let public = BigUint::from_bytes_be(public);
    group.check_public(&public)?;
    Ok(Key::new(group.common(&public, &BigUint::from_bytes_be(secret))))
}

const PICTURE_BYTES: usize = 36;
/// The picture's cells are a square of so many by so many.
pub const PICTURE_CELLS: usize = 12;
/// The picture's four colours, as Telegram's clients have them: red, green, blue.
pub const PICTURE_COLORS: [[u8; 3]; 4] =
    [[0xff, 0xff, 0xff], [0xd5, 0xe6, 0xf3], [0x2d, 0x57, 0x75], [0x2f, 0x99, 0xc9]];

/// What two people compare to be sure that nobody sits between them: of the chat's first key, and the same for ever.
/// It does not give the key away.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPicture(Vec<u8>);

impl KeyPicture {
    /// As text: 32 bytes in hexadecimal digits.
    pub fn hex(&self) -> String {
        hex::encode(&self.0[..self.0.len().min(32)])
    }

    /// As a picture: numbers of [`PICTURE_COLORS`], row by row.
    pub fn cells(&self) -> [[u8; PICTURE_CELLS]; PICTURE_CELLS] {
        let cell = |number: usize| self.0.get(number / 4).map_or(0, |byte| byte >> (2 * (number % 4)) & 3);
        std::array::from_fn(|row| std::array::from_fn(|column| cell(row * PICTURE_CELLS + column)))
    }
}

impl fmt::Debug for KeyPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}
