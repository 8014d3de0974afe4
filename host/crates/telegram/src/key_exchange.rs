//! Makes an authorisation key. With a data centre whose RSA key is not Telegram's, step by step as
//! <https://core.telegram.org/mtproto/auth_key> says, with every check named there and in
//! <https://core.telegram.org/mtproto/security_guidelines>; with Telegram's own by grammers' steps, which know their keys.
//!
//! Invariant: a key comes out only where the data centre has shown that it holds the private half of the RSA key.

use std::sync::Arc;
use std::time::Duration;

use ::rsa::pkcs1::DecodeRsaPublicKey;
use ::rsa::pkcs8::DecodePublicKey;
use ::rsa::traits::PublicKeyParts;
use dh::{DhFault, DhGroup};
use glass_pumpkin::prime;
use grammers_crypto::{AuthKey, aes, factorize, generate_key_data_from_nonce, rsa};
use grammers_mtproto::authentication;
use grammers_tl_types as tl;
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use tl::{Cursor, Deserializable, Serializable, enums, functions, types};

use crate::backoff::backoff;
use crate::net::{Fault, Plain, dial};
use crate::random::random;
use crate::session::StoreSession;

/// How often an exchange is begun anew after the connection failed.
const EXCHANGE_TRIES_MAX: u32 = 3;

/// How long one try may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(20);

/// The pause before the second try; it doubles with each.
const EXCHANGE_PAUSE: Duration = Duration::from_millis(200);

/// How often the data centre may ask for another g_b within one exchange.
const DH_RETRIES_MAX: u32 = 5;

/// The RSA modulus that the protocol's padding is made for.
const RSA_BITS: u64 = 2_048;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection, or it broke, or what came over it was not MTProto.
    #[error("{0}")]
    Unreachable(String),
    /// The data centre has another RSA key than the one it was expected to have.
    #[error("the data centre has another RSA key than the one given; check the address and the key file")]
    WrongServerKey,
    /// The key that was given is no RSA key of 2048 bits.
    #[error("the data centre's key is not an RSA public key of 2048 bits in a PEM text ({0})")]
    BadKeyText(String),
    /// What the data centre sent is not what an honest one sends.
    #[error("the data centre cannot be trusted: {0}")]
    Untrustworthy(String),
}

impl From<DhFault> for ExchangeError {
    fn from(fault: DhFault) -> Self {
        Self::Untrustworthy(fault.to_string())
    }
}

impl From<authentication::Error> for ExchangeError {
    fn from(fault: authentication::Error) -> Self {
        Self::Untrustworthy(fault.to_string())
    }
}

/// Makes a key with the account's data centre, which has this RSA key. Connections that fail are tried again,
/// [`EXCHANGE_TRIES_MAX`] times in all.
pub(crate) async fn exchange(session: &Arc<StoreSession>, dc_id: i32, pem: &str) -> Result<[u8; 256], ExchangeError> {
    let server_key = ServerKey::parse(pem)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let (session, server_key) = (session.clone(), server_key.clone());
        let made = attempt(session.clone(), dc_id, async move |plain| {
            let exchange = Exchange { plain, nonce: random(), server_nonce: [0; 16], new_nonce: random() };
            exchange.run(&session, dc_id, &server_key).await
        });
        match made.await {
            Err(ExchangeError::Unreachable(reason)) if tries < EXCHANGE_TRIES_MAX => {
                tracing::debug!(reason, "the key exchange failed and is tried again");
                tokio::time::sleep(backoff(EXCHANGE_PAUSE, tries)).await;
            }
            ended => return ended,
        }
    }
}

/// Makes a key with one of Telegram's own data centres.
pub(crate) async fn with_telegram(session: &Arc<StoreSession>, dc_id: i32) -> Result<[u8; 256], ExchangeError> {
    let session = session.clone();
    attempt(session.clone(), dc_id, async move |mut plain: Plain| {
        let (request, data) = authentication::step1()?;
        let answer = invoke(&mut plain, &request).await?;
        let (request, data) = authentication::step2(data, answer)?;
        let answer = invoke(&mut plain, &request).await?;
        let (request, data) = authentication::step3(data, answer)?;
        let answer = invoke(&mut plain, &request).await?;
        let made = authentication::create_key(data, answer)?;
        session.clock().set_ahead(made.time_offset);
        Ok(made.auth_key)
    })
    .await
}

/// One try, in a task of its own: grammers panics on some answers that are no MTProto.
async fn attempt<F>(
    session: Arc<StoreSession>,
    dc_id: i32,
    exchange: impl FnOnce(Plain) -> F + Send + 'static,
) -> Result<[u8; 256], ExchangeError>
where
    F: Future<Output = Result<[u8; 256], ExchangeError>> + Send + 'static,
{
    let address = session.address_text(dc_id);
    let task = tokio::spawn(tokio::time::timeout(EXCHANGE_TIMEOUT, async move {
        let stream = dial(&session.addresses(dc_id), session.proxy()).await.map_err(|error| {
            ExchangeError::Unreachable(format!("no connection to {}: {error}", session.address_text(dc_id)))
        })?;
        exchange(Plain::new(stream)).await
    }));
    match task.await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(ExchangeError::Unreachable(format!("{address} did not answer in time"))),
        Err(_) => Err(ExchangeError::Unreachable(format!("{address} does not speak MTProto"))),
    }
}

async fn invoke<R: tl::RemoteCall>(plain: &mut Plain, request: &R) -> Result<R::Return, ExchangeError> {
    plain.invoke(request).await.map_err(|fault| {
        ExchangeError::Unreachable(match fault {
            Fault::Io(error) => format!("the connection broke: {error}"),
            other => format!("the data centre does not speak MTProto: {other}"),
        })
    })
}

/// The data centre's RSA key.
#[derive(Clone)]
struct ServerKey {
    n: BigUint,
    e: BigUint,
    fingerprint: i64,
}

impl ServerKey {
    fn parse(pem: &str) -> Result<Self, ExchangeError> {
        let key = ::rsa::RsaPublicKey::from_pkcs1_pem(pem)
            .map_err(|error| error.to_string())
            .or_else(|_| ::rsa::RsaPublicKey::from_public_key_pem(pem).map_err(|error| error.to_string()))
            .map_err(ExchangeError::BadKeyText)?;
        let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        let digest = Sha1::new().chain_update(n.to_bytes()).chain_update(e.to_bytes()).finalize();
        let (n, e) = (BigUint::from_bytes_be(&n), BigUint::from_bytes_be(&e));
        if n.bits() != RSA_BITS {
            return Err(ExchangeError::BadKeyText(format!("it has {} bits", n.bits())));
        }
        let fingerprint = digest[12..].try_into().map(i64::from_le_bytes).expect("a digest has 20 bytes");
        Ok(Self { n, e, fingerprint })
    }

    fn encrypt(&self, data: &[u8]) -> Vec<u8> {
        let key = rsa::Key::new(&self.n.to_string(), &self.e.to_string()).expect("both are decimal numbers");
        rsa::encrypt_hashed(data, &key, &random())
    }
}

struct Exchange {
    plain: Plain,
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    new_nonce: [u8; 32],
}

impl Exchange {
    async fn run(
        mut self,
        session: &StoreSession,
        dc_id: i32,
        server_key: &ServerKey,
    ) -> Result<[u8; 256], ExchangeError> {
        let request = self.request_params(dc_id, server_key).await?;
        let answer = invoke(&mut self.plain, &request).await?;
        let inner = self.open_params(answer)?;
        session.clock().set(inner.server_time);
        let group = check_group(inner.dh_prime, inner.g).await?;
        let g_a = BigUint::from_bytes_be(&inner.g_a);
        group.check_public(&g_a)?;
        let mut retry_id = 0;
        for _ in 0..DH_RETRIES_MAX {
            let secret = BigUint::from_bytes_be(&random::<256>());
            let g_b = group.public(&secret);
            group.check_public(&g_b)?;
            let key = AuthKey::from_bytes(group.common(&g_a, &secret));
            let request = self.client_params(g_b.to_bytes_be(), retry_id);
            let answer = invoke(&mut self.plain, &request).await?;
            if self.is_confirmed(answer, &key)? {
                return Ok(key.to_bytes());
            }
            retry_id = aux_hash(&key);
        }
        Err(untrustworthy("it does not accept any key"))
    }

    /// Steps 1 to 4: the nonces and the proof of work.
    async fn request_params(
        &mut self,
        dc_id: i32,
        server_key: &ServerKey,
    ) -> Result<functions::ReqDhParams, ExchangeError> {
        let enums::ResPq::Pq(answer) = invoke(&mut self.plain, &functions::ReqPqMulti { nonce: self.nonce }).await?;
        check(answer.nonce == self.nonce, "it answers with another nonce")?;
        if !answer.server_public_key_fingerprints.contains(&server_key.fingerprint) {
            return Err(ExchangeError::WrongServerKey);
        }
        self.server_nonce = answer.server_nonce;
        let (p, q) = factors(&answer.pq).await?;
        let inner = types::PQInnerDataDc {
            pq: answer.pq,
            p: p.clone(),
            q: q.clone(),
            nonce: self.nonce,
            server_nonce: self.server_nonce,
            new_nonce: self.new_nonce,
            dc: dc_id,
        };
        Ok(functions::ReqDhParams {
            nonce: self.nonce,
            server_nonce: self.server_nonce,
            p,
            q,
            public_key_fingerprint: server_key.fingerprint,
            encrypted_data: server_key.encrypt(&enums::PQInnerData::Dc(inner).to_bytes()),
        })
    }

    /// Step 5: the parameters, which only the holder of the private key could encrypt like this.
    fn open_params(&self, answer: enums::ServerDhParams) -> Result<types::ServerDhInnerData, ExchangeError> {
        let answer = match answer {
            enums::ServerDhParams::Ok(answer) => answer,
            enums::ServerDhParams::Fail(_) => return Err(untrustworthy("it refuses the exchange")),
        };
        self.check_nonces(&answer.nonce, &answer.server_nonce)?;
        let mut data = answer.encrypted_answer;
        check(data.len() > 20 && data.len().is_multiple_of(16), "its parameters have a wrong length")?;
        let (key, iv) = generate_key_data_from_nonce(&self.server_nonce, &self.new_nonce);
        aes::ige_decrypt(&mut data, &key, &iv);
        let (digest, content) = data.split_at(20);
        let mut cursor = Cursor::from_slice(content);
        let enums::ServerDhInnerData::Data(inner) = enums::ServerDhInnerData::deserialize(&mut cursor)
            .map_err(|_| untrustworthy("its parameters are unreadable: it does not hold the key it claims"))?;
        let (used, padding) = content.split_at(cursor.pos());
        check(padding.len() < 16 && digest == Sha1::digest(used).as_slice(), "the digest of its parameters is wrong")?;
        self.check_nonces(&inner.nonce, &inner.server_nonce)?;
        Ok(inner)
    }

    /// Step 6: our public value.
    fn client_params(&self, g_b: Vec<u8>, retry_id: i64) -> functions::SetClientDhParams {
        let inner = types::ClientDhInnerData { nonce: self.nonce, server_nonce: self.server_nonce, retry_id, g_b };
        let inner = enums::ClientDhInnerData::Data(inner).to_bytes();
        let mut data = Sha1::digest(&inner).to_vec();
        data.extend(&inner);
        let padding = random::<16>();
        data.extend(&padding[..data.len().next_multiple_of(16) - data.len()]);
        let (key, iv) = generate_key_data_from_nonce(&self.server_nonce, &self.new_nonce);
        aes::ige_encrypt(&mut data, &key, &iv);
        functions::SetClientDhParams { nonce: self.nonce, server_nonce: self.server_nonce, encrypted_data: data }
    }

    /// Step 9: whether both sides have the key; false where the data centre asks for another one.
    fn is_confirmed(&self, answer: enums::SetClientDhParamsAnswer, key: &AuthKey) -> Result<bool, ExchangeError> {
        use enums::SetClientDhParamsAnswer::{DhGenFail, DhGenOk, DhGenRetry};
        let (nonce, server_nonce, hash, number) = match &answer {
            DhGenOk(answer) => (&answer.nonce, &answer.server_nonce, &answer.new_nonce_hash1, 1),
            DhGenRetry(answer) => (&answer.nonce, &answer.server_nonce, &answer.new_nonce_hash2, 2),
            DhGenFail(answer) => (&answer.nonce, &answer.server_nonce, &answer.new_nonce_hash3, 3),
        };
        self.check_nonces(nonce, server_nonce)?;
        check(*hash == key.calc_new_nonce_hash(&self.new_nonce, number), "it has another key than we")?;
        match answer {
            DhGenOk(_) => Ok(true),
            DhGenRetry(_) => Ok(false),
            DhGenFail(_) => Err(untrustworthy("it gives up the exchange")),
        }
    }

    fn check_nonces(&self, nonce: &[u8; 16], server_nonce: &[u8; 16]) -> Result<(), ExchangeError> {
        check(*nonce == self.nonce && *server_nonce == self.server_nonce, "its nonces change")
    }
}

/// The high 64 bits of the key's digest, by which a retry names the failed try.
fn aux_hash(key: &AuthKey) -> i64 {
    let digest = Sha1::digest(key.to_bytes());
    digest[..8].try_into().map(i64::from_le_bytes).expect("a digest has 20 bytes")
}

/// The two prime factors of the data centre's number, the smaller first, each without leading zeros.
async fn factors(pq: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ExchangeError> {
    let pq: [u8; 8] = pq.try_into().map_err(|_| untrustworthy("its number pq has a wrong length"))?;
    let pq = u64::from_be_bytes(pq);
    check(pq > 3 && pq < 1 << 63 && !is_prime(pq), "its number pq is not a product of two primes")?;
    // A number that is no product of two primes makes the search panic or come out wrong.
    let found = tokio::task::spawn_blocking(move || factorize(pq)).await;
    let (p, q) = found.map_err(|_| untrustworthy("its number pq has no factors"))?;
    let (p, q) = (p.min(q), p.max(q));
    check(
        p > 1 && p < q && p.checked_mul(q) == Some(pq) && is_prime(p) && is_prime(q),
        "its number pq is not a product of two primes",
    )?;
    let bytes = |number: u64| number.to_be_bytes()[(number.leading_zeros() / 8) as usize..].to_vec();
    Ok((bytes(p), bytes(q)))
}

/// Baillie, Pomerance, Selfridge and Wagstaff's test, which is exact for every number of 64 bits.
fn is_prime(number: u64) -> bool {
    prime::strong_check(&BigUint::from(number))
}

/// The check of an unknown prime takes a second of computing: not on a thread that others wait for.
async fn check_group(prime: Vec<u8>, g: i32) -> Result<DhGroup, ExchangeError> {
    let checked = tokio::task::spawn_blocking(move || DhGroup::check(&prime, g)).await;
    Ok(checked.map_err(|_| untrustworthy("its prime cannot be checked"))??)
}

fn check(holds: bool, otherwise: &str) -> Result<(), ExchangeError> {
    if holds { Ok(()) } else { Err(untrustworthy(otherwise)) }
}

fn untrustworthy(why: &str) -> ExchangeError {
    ExchangeError::Untrustworthy(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_products_of_two_primes_are_factored() {
        let pq = 0x17ED_4894_1A08_F981_u64;
        let (p, q) = factors(&pq.to_be_bytes()).await.unwrap();
        assert_eq!((p, q), (0x494C_553B_u32.to_be_bytes().to_vec(), 0x5391_1073_u32.to_be_bytes().to_vec()));
        let bad: [&[u8]; 8] = [
            &[],
            &[0; 8],
            &1u64.to_be_bytes(),
            &0x7fff_ffff_ffff_ffe7u64.to_be_bytes(),
            &u64::MAX.to_be_bytes(),
            &(1_073_741_789u64 * 1_073_741_789).to_be_bytes(),
            &(3u64 * 5 * 7 * 1_073_741_789).to_be_bytes(),
            &[1; 9],
        ];
        for pq in bad {
            assert!(factors(pq).await.is_err(), "{pq:?}");
        }
    }

    #[test]
    fn primes_are_told_from_others() {
        let primes = [2u64, 3, 37, 41, 1_073_741_789, 0x494C_553B, 18_446_744_073_709_551_557];
        let others = [0u64, 1, 4, 9, 25, 561, 3_215_031_751, 3_825_123_056_546_413_051, u64::MAX];
        assert!(primes.into_iter().all(is_prime));
        assert!(!others.into_iter().any(is_prime));
    }

    #[test]
    fn a_key_text_that_is_none_is_named() {
        for text in ["", "hello", "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"] {
            assert!(matches!(ServerKey::parse(text), Err(ExchangeError::BadKeyText(_))));
        }
    }
}
