//! The server's side of the key exchange: <https://core.telegram.org/mtproto/auth_key>.
//!
//! Invariant: each step is accepted only after the one before it, with that step's nonces, and a key leaves here only
//! when both sides have proved to know it.

use std::time::{Duration, Instant};

use glass_pumpkin::prime;
use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use grammers_crypto::generate_key_data_from_nonce;
use grammers_tl_types::{Cursor, Deserializable, Identifiable as _, Serializable as _, enums, functions, types};
use num_bigint::BigUint;

use super::clock::Clock;
use super::crypto::{random, sha1};
use super::envelope::AuthKey;
use super::rsa_key::RsaKey;

/// How long an exchange may take from its first step.
pub(crate) const EXCHANGE_MAX: Duration = Duration::from_secs(600);
/// Exchanges that one connection may begin.
pub(crate) const EXCHANGES_MAX: u32 = 16;
/// Secrets a client may try before the exchange fails for good: a clash of key ids is a matter of 2^-64.
const DH_TRIES_MAX: u32 = 4;
/// Telegram's own prime, from <https://core.telegram.org/mtproto/security_guidelines>: clients know it and need not test it.
const DH_PRIME: &str = "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b";
const DH_GENERATOR: u8 = 3;
/// Both halves must keep this far from 0 and from the prime.
const DH_MARGIN_BITS: u64 = 2048 - 64;

/// Why an exchange ends. The client is told −404 and the connection is closed, as Telegram does.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the request is none of the key exchange or is cut short")]
    Malformed,
    #[error("the request comes out of order or with another exchange's nonces")]
    OutOfOrder,
    #[error("the exchange took longer than {} s", EXCHANGE_MAX.as_secs())]
    TooSlow,
    #[error("more than {EXCHANGES_MAX} exchanges on one connection")]
    TooMany,
    #[error("the public key named is not ours")]
    UnknownFingerprint,
    #[error("what is encrypted with our key does not open or does not fit")]
    Encrypted,
}

/// One connection's exchange, between its steps.
#[derive(Default)]
pub(crate) struct Handshake {
    clock: Clock,
    begun: u32,
    state: Option<(Instant, State)>,
}

enum State {
    /// `resPQ` was sent.
    Challenged(Challenge),
    /// `server_DH_params_ok` was sent.
    Offered(Offer),
}

struct Challenge {
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    primes: [u32; 2],
}

impl Challenge {
    fn pq(&self) -> [u8; 8] {
        (u64::from(self.primes[0]) * u64::from(self.primes[1])).to_be_bytes()
    }
}

struct Offer {
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    new_nonce: [u8; 32],
    secret: BigUint,
    lifetime: Lifetime,
    tries: u32,
    retry_id: i64,
}

/// How long the key is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Permanent,
    Temporary(Duration),
}

/// What a step leads to. Without `Debug`, as all that holds secrets.
pub(crate) enum Step {
    /// Send this.
    Reply(Vec<u8>),
    /// A key has been agreed upon. Keep it, then send what [`Agreed::kept`] gives, or [`Handshake::clashed`] if there is
    /// one of this id already.
    Agreed(Box<Agreed>),
}

/// A key that both sides know.
pub(crate) struct Agreed {
    pub(crate) key: AuthKey,
    pub(crate) lifetime: Lifetime,
    /// The salt that both sides derive for the first messages.
    pub(crate) first_salt: i64,
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    new_nonce: [u8; 32],
}

impl Agreed {
    /// The last message of the exchange: the key is kept.
    pub(crate) fn kept(&self) -> Vec<u8> {
        enums::SetClientDhParamsAnswer::DhGenOk(types::DhGenOk {
            nonce: self.nonce,
            server_nonce: self.server_nonce,
            new_nonce_hash1: new_nonce_hash(&self.new_nonce, 1, &self.key),
        })
        .to_bytes()
    }
}

impl Handshake {
    /// Nothing has been asked yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Takes one unencrypted request. Takes milliseconds: not for a thread that others wait for.
    pub(crate) fn step(&mut self, rsa: &RsaKey, request: &[u8]) -> Result<Step, HandshakeError> {
        let cursor = &mut Cursor::from_slice(request);
        match u32::deserialize(cursor).map_err(malformed)? {
            functions::ReqPq::CONSTRUCTOR_ID | functions::ReqPqMulti::CONSTRUCTOR_ID => {
                self.challenge(rsa, <[u8; 16]>::deserialize(cursor).map_err(malformed)?)
            }
            functions::ReqDhParams::CONSTRUCTOR_ID => {
                self.offer(rsa, functions::ReqDhParams::deserialize(cursor).map_err(malformed)?)
            }
            functions::SetClientDhParams::CONSTRUCTOR_ID => {
                self.agree(functions::SetClientDhParams::deserialize(cursor).map_err(malformed)?)
            }
            _ => Err(HandshakeError::Malformed),
        }
    }

    /// There is a key of this id already: the client is to try another secret.
    pub(crate) fn clashed(&mut self, agreed: &Agreed) -> Vec<u8> {
        let (nonce, server_nonce) = (agreed.nonce, agreed.server_nonce);
        if let Some((_, State::Offered(offer))) = &mut self.state {
            offer.retry_id = i64::from_le_bytes(agreed.key.auxiliary_hash());
            if offer.tries < DH_TRIES_MAX {
                let new_nonce_hash2 = new_nonce_hash(&agreed.new_nonce, 2, &agreed.key);
                let retry = types::DhGenRetry { nonce, server_nonce, new_nonce_hash2 };
                return enums::SetClientDhParamsAnswer::DhGenRetry(retry).to_bytes();
            }
        }
        self.fail(nonce, server_nonce, &agreed.new_nonce, &agreed.key)
    }

    /// Forgets the exchange: its key is in use.
    pub(crate) fn finish(&mut self) {
        self.state = None;
    }

    fn challenge(&mut self, rsa: &RsaKey, nonce: [u8; 16]) -> Result<Step, HandshakeError> {
        if self.begun == EXCHANGES_MAX {
            return Err(HandshakeError::TooMany);
        }
        self.begun += 1;
        let (server_nonce, primes) = (random(), two_primes());
        let challenge = Challenge { nonce, server_nonce, primes };
        let answer = types::ResPq {
            nonce,
            server_nonce,
            pq: challenge.pq().to_vec(),
            server_public_key_fingerprints: vec![rsa.fingerprint],
        };
        self.state = Some((Instant::now(), State::Challenged(challenge)));
        Ok(Step::Reply(enums::ResPq::Pq(answer).to_bytes()))
    }

    fn offer(&mut self, rsa: &RsaKey, request: functions::ReqDhParams) -> Result<Step, HandshakeError> {
        let Some((begun, State::Challenged(challenge))) = self.state.take() else {
            return Err(HandshakeError::OutOfOrder);
        };
        in_time(begun)?;
        if (request.nonce, request.server_nonce) != (challenge.nonce, challenge.server_nonce) {
            return Err(HandshakeError::OutOfOrder);
        }
        if request.public_key_fingerprint != rsa.fingerprint {
            return Err(HandshakeError::UnknownFingerprint);
        }
        let (inner, lifetime) = open_inner(rsa, &request.encrypted_data)?;
        let [p, q] = challenge.primes.map(|prime| prime.to_be_bytes());
        let is_solved = inner.p == p && inner.q == q && inner.pq == challenge.pq() && request.p == p && request.q == q;
        if !is_solved || (inner.nonce, inner.server_nonce) != (challenge.nonce, challenge.server_nonce) {
            return Err(HandshakeError::Encrypted);
        }

        let secret = BigUint::from_bytes_be(&random::<256>());
        let prime = dh_prime();
        let g_a = BigUint::from(DH_GENERATOR).modpow(&secret, &prime);
        let answer = enums::ServerDhInnerData::Data(types::ServerDhInnerData {
            nonce: challenge.nonce,
            server_nonce: challenge.server_nonce,
            g: DH_GENERATOR.into(),
            dh_prime: prime.to_bytes_be(),
            g_a: g_a.to_bytes_be(),
            server_time: self.clock.unix_s(),
        })
        .to_bytes();
        let encrypted_answer = encrypt_answer(&answer, &challenge.server_nonce, &inner.new_nonce);
        let offer = Offer {
            nonce: challenge.nonce,
            server_nonce: challenge.server_nonce,
            new_nonce: inner.new_nonce,
            secret,
            lifetime,
            tries: 0,
            retry_id: 0,
        };
        self.state = Some((begun, State::Offered(offer)));
        let (nonce, server_nonce) = (challenge.nonce, challenge.server_nonce);
        let params = types::ServerDhParamsOk { nonce, server_nonce, encrypted_answer };
        Ok(Step::Reply(enums::ServerDhParams::Ok(params).to_bytes()))
    }

    fn agree(&mut self, request: functions::SetClientDhParams) -> Result<Step, HandshakeError> {
        let Some((begun, State::Offered(offer))) = &mut self.state else {
            return Err(HandshakeError::OutOfOrder);
        };
        in_time(*begun)?;
        if (request.nonce, request.server_nonce) != (offer.nonce, offer.server_nonce) {
            return Err(HandshakeError::OutOfOrder);
        }
        offer.tries += 1;
        let inner = open_client_inner(request.encrypted_data, &offer.server_nonce, &offer.new_nonce)?;
        if (inner.nonce, inner.server_nonce) != (offer.nonce, offer.server_nonce) || inner.retry_id != offer.retry_id {
            return Err(HandshakeError::Encrypted);
        }

        let prime = dh_prime();
        let g_b = BigUint::from_bytes_be(&inner.g_b);
        let shared = g_b.modpow(&offer.secret, &prime).to_bytes_be();
        let mut bytes = [0; 256];
        bytes[256 - shared.len()..].copy_from_slice(&shared);
        let key = AuthKey::new(bytes);
        let Offer { nonce, server_nonce, new_nonce, lifetime, .. } = *offer;
        if !is_in_range(&g_b, &prime) {
            return Ok(Step::Reply(self.fail(nonce, server_nonce, &new_nonce, &key)));
        }
        let first_salt = first_salt(&new_nonce, &server_nonce);
        Ok(Step::Agreed(Box::new(Agreed { key, lifetime, first_salt, nonce, server_nonce, new_nonce })))
    }

    /// Ends the exchange for good.
    fn fail(&mut self, nonce: [u8; 16], server_nonce: [u8; 16], new_nonce: &[u8; 32], key: &AuthKey) -> Vec<u8> {
        self.state = None;
        let new_nonce_hash3 = new_nonce_hash(new_nonce, 3, key);
        let fail = types::DhGenFail { nonce, server_nonce, new_nonce_hash3 };
        enums::SetClientDhParamsAnswer::DhGenFail(fail).to_bytes()
    }
}

/// What every constructor of `P_Q_inner_data` holds.
struct PqInner {
    pq: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    new_nonce: [u8; 32],
}

fn open_inner(rsa: &RsaKey, encrypted: &[u8]) -> Result<(PqInner, Lifetime), HandshakeError> {
    let decrypted = rsa.decrypt(encrypted).ok_or(HandshakeError::Encrypted)?;
    let mut cursor = Cursor::from_slice(decrypted.data());
    let data = enums::PQInnerData::deserialize(&mut cursor).map_err(|_| HandshakeError::Encrypted)?;
    if !decrypted.is_whole(cursor.pos()) {
        return Err(HandshakeError::Encrypted);
    }
    let temporary = |seconds: i32| Lifetime::Temporary(Duration::from_secs(seconds.max(0).unsigned_abs().into()));
    use enums::PQInnerData::{Data, Dc, Temp, TempDc};
    let (pq, p, q, nonce, server_nonce, new_nonce, lifetime) = match data {
        Data(x) => (x.pq, x.p, x.q, x.nonce, x.server_nonce, x.new_nonce, Lifetime::Permanent),
        Dc(x) => (x.pq, x.p, x.q, x.nonce, x.server_nonce, x.new_nonce, Lifetime::Permanent),
        Temp(x) => (x.pq, x.p, x.q, x.nonce, x.server_nonce, x.new_nonce, temporary(x.expires_in)),
        TempDc(x) => (x.pq, x.p, x.q, x.nonce, x.server_nonce, x.new_nonce, temporary(x.expires_in)),
    };
    Ok((PqInner { pq, p, q, nonce, server_nonce, new_nonce }, lifetime))
}

/// `encrypted_answer`: SHA-1, the answer, random bytes up to a multiple of 16, in AES-IGE.
fn encrypt_answer(answer: &[u8], server_nonce: &[u8; 16], new_nonce: &[u8; 32]) -> Vec<u8> {
    let mut data = sha1(&[answer]).to_vec();
    data.extend_from_slice(answer);
    let padding: [u8; 16] = random();
    data.extend_from_slice(&padding[..(16 - data.len() % 16) % 16]);
    let (key, iv) = generate_key_data_from_nonce(server_nonce, new_nonce);
    ige_encrypt(&mut data, &key, &iv);
    data
}

fn open_client_inner(
    mut data: Vec<u8>,
    server_nonce: &[u8; 16],
    new_nonce: &[u8; 32],
) -> Result<types::ClientDhInnerData, HandshakeError> {
    if !data.len().is_multiple_of(16) {
        return Err(HandshakeError::Encrypted);
    }
    let (key, iv) = generate_key_data_from_nonce(server_nonce, new_nonce);
    ige_decrypt(&mut data, &key, &iv);
    let (hash, rest) = data.split_first_chunk::<20>().ok_or(HandshakeError::Encrypted)?;
    let mut cursor = Cursor::from_slice(rest);
    let enums::ClientDhInnerData::Data(inner) =
        enums::ClientDhInnerData::deserialize(&mut cursor).map_err(|_| HandshakeError::Encrypted)?;
    let padding_bytes = rest.len() - cursor.pos();
    if sha1(&[&rest[..cursor.pos()]]) != *hash || padding_bytes > 15 {
        return Err(HandshakeError::Encrypted);
    }
    Ok(inner)
}

fn in_time(begun: Instant) -> Result<(), HandshakeError> {
    if begun.elapsed() > EXCHANGE_MAX { Err(HandshakeError::TooSlow) } else { Ok(()) }
}

fn new_nonce_hash(new_nonce: &[u8; 32], number: u8, key: &AuthKey) -> [u8; 16] {
    let mut low = [0; 16];
    low.copy_from_slice(&sha1(&[new_nonce, &[number], &key.auxiliary_hash()])[4..]);
    low
}

/// `new_nonce[0..8] xor server_nonce[0..8]`
fn first_salt(new_nonce: &[u8; 32], server_nonce: &[u8; 16]) -> i64 {
    let mut salt = [0; 8];
    salt.iter_mut().zip(new_nonce.iter().zip(server_nonce)).for_each(|(byte, (new, server))| *byte = new ^ server);
    i64::from_le_bytes(salt)
}

fn dh_prime() -> BigUint {
    BigUint::parse_bytes(DH_PRIME.as_bytes(), 16).expect("the constant is hexadecimal")
}

/// Both limits of <https://core.telegram.org/mtproto/security_guidelines#g-a-and-g-b-validation>.
fn is_in_range(half: &BigUint, prime: &BigUint) -> bool {
    let margin = BigUint::from(1u8) << DH_MARGIN_BITS;
    *half > margin && *half < prime - margin
}

/// Two different 31-bit primes, the smaller first: their product is below 2^62 and quick to factor.
fn two_primes() -> [u32; 2] {
    let first = random_prime();
    loop {
        let second = random_prime();
        if second != first {
            return [first.min(second), first.max(second)];
        }
    }
}

fn random_prime() -> u32 {
    loop {
        let candidate = u32::from_le_bytes(random()) >> 1 | 1 << 30 | 1;
        if prime::strong_check(&BigUint::from(candidate)) {
            return candidate;
        }
    }
}

fn malformed(_: grammers_tl_types::deserialize::Error) -> HandshakeError {
    HandshakeError::Malformed
}
