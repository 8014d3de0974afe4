//! The server's RSA key: made once, kept in the data directory, named to clients by its fingerprint.
//! <https://core.telegram.org/mtproto/auth_key#presenting-proof-of-work-server-authentication>
//!
//! Invariant: the private key is readable by its owner only, from the moment its file exists.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use grammers_crypto::aes::ige_decrypt;
use grammers_tl_types::Serializable as _;
use num_bigint::BigUint;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _, LineEnding};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};

use super::crypto::{low_64, sha1, sha256};

/// The size of the key, and with it of what is encrypted with it; the protocol fixes both.
const MODULUS_BITS: usize = 2048;
const MODULUS_BYTES: usize = MODULUS_BITS / 8;
const PRIVATE_FILE: &str = "rsa.pem";
const PUBLIC_FILE: &str = "rsa.pub.pem";

/// Why there is no RSA key to start with.
#[derive(Debug, thiserror::Error)]
pub enum RsaKeyError {
    /// A file could not be read or written.
    #[error("cannot use the RSA key file {path}: {source}; check that the data directory is yours and writable")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is there and is no RSA key of the right size.
    #[error(
        "{path} is not a 2048-bit RSA private key in PKCS#1 PEM; restore it, or remove it to have a new one made \
             (clients must then be given the new public key)"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// No key could be made.
    #[error("no RSA key could be generated: {0}")]
    Generate(String),
}

/// The key pair, ready for use. Has no `Debug`: it is a secret.
pub(crate) struct RsaKey {
    modulus: BigUint,
    primes: [BigUint; 2],
    exponents: [BigUint; 2],
    coefficient: BigUint,
    /// Low 64 bits of the SHA-1 of the public key in TL.
    pub(crate) fingerprint: i64,
    /// The public key, PKCS#1 PEM.
    pub(crate) public_pem: String,
    /// Where the public key lies.
    pub(crate) public_path: PathBuf,
}

impl RsaKey {
    /// Loads the key of this data directory, or makes one. The directory must exist.
    pub(crate) fn load_or_make(data_dir: &Path) -> Result<Self, RsaKeyError> {
        let private_path = data_dir.join(PRIVATE_FILE);
        let private = match fs::read_to_string(&private_path) {
            Ok(pem) => RsaPrivateKey::from_pkcs1_pem(&pem)
                .ok()
                .filter(|key| key.size() == MODULUS_BYTES && key.primes().len() == 2)
                .ok_or(RsaKeyError::Damaged { path: private_path })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&private_path)?,
            Err(source) => return Err(RsaKeyError::File { path: private_path, source }),
        };
        let public_path = data_dir.join(PUBLIC_FILE);
        let public_pem = private.to_public_key().to_pkcs1_pem(LineEnding::LF).map_err(generate)?;
        if fs::read_to_string(&public_path).ok().as_deref() != Some(public_pem.as_str()) {
            write_whole(&public_path, public_pem.as_bytes(), 0o644)?;
        }
        Ok(Self::from_parts(&private, public_pem, public_path))
    }

    fn from_parts(private: &RsaPrivateKey, public_pem: String, public_path: PathBuf) -> Self {
        let [n, d] = [private.n(), private.d()].map(|number| number.to_bytes_be());
        let primes = [0, 1].map(|index| BigUint::from_bytes_be(&private.primes()[index].to_bytes_be()));
        let d = BigUint::from_bytes_be(&d);
        let exponents = [0, 1].map(|index| &d % (&primes[index] - 1u8));
        let coefficient = primes[1].modinv(&primes[0]).expect("two different primes");
        Self {
            modulus: BigUint::from_bytes_be(&n),
            primes,
            exponents,
            coefficient,
            fingerprint: fingerprint(private).cast_signed(),
            public_pem,
            public_path,
        }
    }

    /// Decrypts `req_DH_params.encrypted_data`: the plaintext of either padding, with whatever stood behind it.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Option<Decrypted> {
        let number = BigUint::from_bytes_be(encrypted);
        if encrypted.len() != MODULUS_BYTES || number >= self.modulus {
            return None;
        }
        let bytes = self.power(&number).to_bytes_be();
        let mut block = [0; MODULUS_BYTES];
        block[MODULUS_BYTES - bytes.len()..].copy_from_slice(&bytes);
        unpad_current(&block).or_else(|| unpad_first(&block))
    }

    /// `number ^ d mod n`, by the Chinese remainder theorem.
    fn power(&self, number: &BigUint) -> BigUint {
        let [p, q] = &self.primes;
        let [dp, dq] = &self.exponents;
        let (by_p, by_q) = (number.modpow(dp, p), number.modpow(dq, q));
        let difference = (by_p + p - &by_q % p) % p;
        by_q + (difference * &self.coefficient % p) * q
    }
}

/// What came out of the RSA, by the padding it was made with.
pub(crate) enum Decrypted {
    /// RSA_PAD: checked as a whole, padding included.
    Current(Vec<u8>),
    /// The padding used until 2021: the hash is of the data alone, whose length only its parser knows.
    First { hash: [u8; 20], data_and_padding: Vec<u8> },
}

impl Decrypted {
    /// The bytes to parse.
    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Current(data) | Self::First { data_and_padding: data, .. } => data,
        }
    }

    /// Whether the hash that came with the data fits, once its parser has found it to be `length` bytes long.
    pub(crate) fn is_whole(&self, length: usize) -> bool {
        match self {
            Self::Current(_) => true,
            Self::First { hash, data_and_padding } => {
                data_and_padding.get(..length).is_some_and(|data| sha1(&[data]) == *hash)
            }
        }
    }
}

/// RSA_PAD: a hidden AES key, then the data, backwards, and its hash with that key, in AES-IGE.
fn unpad_current(block: &[u8; MODULUS_BYTES]) -> Option<Decrypted> {
    let (hidden_key, encrypted) = block.split_at(32);
    let mut aes_key = sha256(&[encrypted]);
    aes_key.iter_mut().zip(hidden_key).for_each(|(byte, hidden)| *byte ^= hidden);
    let mut data = encrypted.to_vec();
    ige_decrypt(&mut data, &aes_key, &[0; 32]);
    let hash = data.split_off(192);
    data.reverse();
    (sha256(&[&aes_key, &data]) == hash[..]).then_some(Decrypted::Current(data))
}

/// A zero byte, the SHA-1 of the data, the data, random bytes.
fn unpad_first(block: &[u8; MODULUS_BYTES]) -> Option<Decrypted> {
    let (&zero, rest) = block.split_first()?;
    let (hash, data) = rest.split_first_chunk::<20>()?;
    (zero == 0).then(|| Decrypted::First { hash: *hash, data_and_padding: data.to_vec() })
}

/// Makes a key that every client finds: mtcute writes a fingerprint in as few hex digits as it has, and finds none that begins
/// with a zero.
fn make(path: &Path) -> Result<RsaPrivateKey, RsaKeyError> {
    let key = loop {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, MODULUS_BITS).map_err(generate)?;
        if fingerprint(&key).leading_zeros() < 4 {
            break key;
        }
    };
    let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(generate)?;
    write_whole(path, pem.as_bytes(), 0o600)?;
    Ok(key)
}

/// Low 64 bits of the SHA-1 of the public key in TL.
fn fingerprint(key: &RsaPrivateKey) -> u64 {
    let [n, e] = [key.n(), key.e()].map(|number| number.to_bytes_be().to_bytes());
    low_64(&sha1(&[&n, &e])).cast_unsigned()
}

/// Writes a file that is either not there or whole, and leaves nothing beside it.
fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RsaKeyError> {
    let temporary = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    let written = write().inspect_err(|_| _ = fs::remove_file(&temporary));
    written.map_err(|source| RsaKeyError::File { path: path.to_owned(), source })
}

fn generate(error: impl std::fmt::Display) -> RsaKeyError {
    RsaKeyError::Generate(error.to_string())
}
