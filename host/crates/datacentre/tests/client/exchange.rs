//! The client's side of the key exchange, step by step, so that tests can go astray at each.

use std::io;

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use grammers_crypto::{factorize, generate_key_data_from_nonce};
use grammers_tl_types::{Cursor, Deserializable, Serializable, enums, functions, types};
use num_bigint::BigUint;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;

use super::crypto::{key_id, random, sha1, sha256};
use super::wire::Wire;

/// How `p_q_inner_data` is padded for the RSA.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    /// RSA_PAD, since 2021.
    Current,
    /// SHA-1 before, random bytes behind: Telethon, Pyrogram.
    First,
}

/// What one exchange has come to so far.
pub struct Exchange {
    pub nonce: [u8; 16],
    pub server_nonce: [u8; 16],
    pub new_nonce: [u8; 32],
    pub fingerprint: i64,
    pub pq: u64,
    pub dh: Option<types::ServerDhInnerData>,
}

/// A key, and the salt both sides know.
pub struct Agreed {
    pub key: [u8; 256],
    pub salt: i64,
}

/// The whole exchange, as it should go.
pub async fn exchange(wire: &mut Wire, pem: &str, padding: Padding) -> io::Result<Agreed> {
    let mut exchange = Exchange::begin(wire).await?;
    let inner = exchange.inner();
    let encrypted = encrypt(pem, &inner.to_bytes(), padding);
    exchange.ask_dh(wire, encrypted).await?;
    let (key, answer) = exchange.send_g_b(wire, random()).await?;
    let enums::SetClientDhParamsAnswer::DhGenOk(ok) = answer else { panic!("the server did not agree: {answer:?}") };
    assert_eq!(ok.new_nonce_hash1, exchange.new_nonce_hash(1, &key));
    let salt: Vec<u8> = exchange.new_nonce.iter().zip(exchange.server_nonce).take(8).map(|(a, b)| a ^ b).collect();
    Ok(Agreed { key, salt: i64::from_le_bytes(salt.try_into().unwrap()) })
}

impl Exchange {
    /// `req_pq_multi`
    pub async fn begin(wire: &mut Wire) -> io::Result<Self> {
        let nonce = random();
        let answer = plain_call(wire, &functions::ReqPqMulti { nonce }.to_bytes()).await?;
        let enums::ResPq::Pq(answer) = enums::ResPq::from_bytes(&answer).unwrap();
        assert_eq!(answer.nonce, nonce);
        let pq = answer.pq.iter().fold(0, |pq, byte| pq << 8 | u64::from(*byte));
        let fingerprint = answer.server_public_key_fingerprints[0];
        Ok(Self { nonce, server_nonce: answer.server_nonce, new_nonce: random(), fingerprint, pq, dh: None })
    }

    pub fn factors(&self) -> (Vec<u8>, Vec<u8>) {
        let (p, q) = factorize(self.pq);
        let bytes = |factor: u64| u32::try_from(factor).unwrap().to_be_bytes().to_vec();
        (bytes(p.min(q)), bytes(p.max(q)))
    }

    /// `p_q_inner_data`
    pub fn inner(&self) -> enums::PQInnerData {
        let (p, q) = self.factors();
        let Self { nonce, server_nonce, new_nonce, .. } = *self;
        types::PQInnerData { pq: self.pq.to_be_bytes().to_vec(), p, q, nonce, server_nonce, new_nonce }.into()
    }

    /// `req_DH_params`
    pub async fn ask_dh(&mut self, wire: &mut Wire, encrypted_data: Vec<u8>) -> io::Result<()> {
        let (p, q) = self.factors();
        let request = functions::ReqDhParams {
            nonce: self.nonce,
            server_nonce: self.server_nonce,
            p,
            q,
            public_key_fingerprint: self.fingerprint,
            encrypted_data,
        };
        let answer = plain_call(wire, &request.to_bytes()).await?;
        let answer = enums::ServerDhParams::from_bytes(&answer).map_err(|_| io::ErrorKind::InvalidData)?;
        let enums::ServerDhParams::Ok(answer) = answer else { panic!("no Diffie-Hellman parameters: {answer:?}") };
        let (key, iv) = generate_key_data_from_nonce(&self.server_nonce, &self.new_nonce);
        let mut data = answer.encrypted_answer;
        ige_decrypt(&mut data, &key, &iv);
        let mut cursor = Cursor::from_slice(&data[20..]);
        let enums::ServerDhInnerData::Data(inner) =
            enums::ServerDhInnerData::deserialize(&mut cursor).map_err(|_| io::ErrorKind::InvalidData)?;
        assert_eq!(sha1(&[&data[20..20 + cursor.pos()]]), data[..20], "the hash of the server's answer is wrong");
        self.dh = Some(inner);
        Ok(())
    }

    /// `set_client_DH_params` with this secret; gives the key and what the server says to it.
    pub async fn send_g_b(
        &self,
        wire: &mut Wire,
        secret: [u8; 256],
    ) -> io::Result<([u8; 256], enums::SetClientDhParamsAnswer)> {
        let dh = self.dh.as_ref().unwrap();
        let (prime, secret) = (BigUint::from_bytes_be(&dh.dh_prime), BigUint::from_bytes_be(&secret));
        let g_b = BigUint::from(dh.g.unsigned_abs()).modpow(&secret, &prime).to_bytes_be();
        let shared = BigUint::from_bytes_be(&dh.g_a).modpow(&secret, &prime).to_bytes_be();
        let mut key = [0; 256];
        key[256 - shared.len()..].copy_from_slice(&shared);
        Ok((key, self.send_raw_g_b(wire, g_b, 0).await?))
    }

    pub async fn send_raw_g_b(
        &self,
        wire: &mut Wire,
        g_b: Vec<u8>,
        retry_id: i64,
    ) -> io::Result<enums::SetClientDhParamsAnswer> {
        let (nonce, server_nonce) = (self.nonce, self.server_nonce);
        let inner: enums::ClientDhInnerData = types::ClientDhInnerData { nonce, server_nonce, retry_id, g_b }.into();
        let inner = inner.to_bytes();
        let mut data = [&sha1(&[&inner])[..], &inner].concat();
        data.resize(data.len().next_multiple_of(16), 7);
        let (key, iv) = generate_key_data_from_nonce(&self.server_nonce, &self.new_nonce);
        ige_encrypt(&mut data, &key, &iv);
        let request = functions::SetClientDhParams { nonce, server_nonce, encrypted_data: data };
        let answer = plain_call(wire, &request.to_bytes()).await?;
        enums::SetClientDhParamsAnswer::from_bytes(&answer).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    pub fn new_nonce_hash(&self, number: u8, key: &[u8; 256]) -> [u8; 16] {
        sha1(&[&self.new_nonce, &[number], &sha1(&[key])[..8]])[4..].try_into().unwrap()
    }
}

/// Sends an unencrypted request and gives the answer's body.
pub async fn plain_call(wire: &mut Wire, request: &[u8]) -> io::Result<Vec<u8>> {
    plain_call_as(wire, super::session::now() & !3, request).await
}

/// The same, under this identifier.
pub async fn plain_call_as(wire: &mut Wire, msg_id: i64, request: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(request.len()).unwrap();
    wire.send(&[&[0; 8], &msg_id.to_le_bytes()[..], &length.to_le_bytes(), request].concat()).await?;
    let answer = wire.receive().await?;
    if answer.len() < 20 {
        return Err(io::Error::other(format!("transport error {answer:?}")));
    }
    assert_eq!(answer[..8], [0; 8]);
    let length = u32::from_le_bytes(answer[16..20].try_into().unwrap()) as usize;
    Ok(answer[20..20 + length].to_vec())
}

/// Encrypts `p_q_inner_data` for the server with this public key.
pub fn encrypt(pem: &str, data: &[u8], padding: Padding) -> Vec<u8> {
    let key = rsa::RsaPublicKey::from_pkcs1_pem(pem).unwrap();
    let n = BigUint::from_bytes_be(&key.n().to_bytes_be());
    let e = BigUint::from_bytes_be(&key.e().to_bytes_be());
    let power = |block: &[u8]| {
        let number = BigUint::from_bytes_be(block);
        let bytes = number.modpow(&e, &n).to_bytes_be();
        (number < n).then(|| [vec![0; 256 - bytes.len()], bytes].concat())
    };
    match padding {
        Padding::First => {
            let mut block = [&[0], &sha1(&[data])[..], data].concat();
            block.extend(random::<256>());
            power(&block[..256]).unwrap()
        }
        Padding::Current => {
            let mut padded = data.to_vec();
            padded.extend(&random::<192>()[..192 - data.len()]);
            let backwards: Vec<u8> = padded.iter().rev().copied().collect();
            let attempt = || {
                let aes_key: [u8; 32] = random();
                let mut inner = [&backwards[..], &sha256(&[&aes_key, &padded])].concat();
                ige_encrypt(&mut inner, &aes_key, &[0; 32]);
                let hidden: Vec<u8> = aes_key.iter().zip(sha256(&[&inner])).map(|(a, b)| a ^ b).collect();
                power(&[&hidden[..], &inner].concat())
            };
            std::iter::repeat_with(attempt).flatten().next().unwrap()
        }
    }
}

/// The name of a key.
pub fn id_of(key: &[u8; 256]) -> i64 {
    key_id(key)
}
