//! The client's half of the MTProto 2.0 envelope.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use sha1::Digest as _;

pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = sha1::Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = sha2::Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub fn key_id(key: &[u8; 256]) -> i64 {
    i64::from_le_bytes(sha1(&[key])[12..].try_into().unwrap())
}

/// Encrypts salt, session, message head and body, with this much padding, as a client does.
pub fn seal(key: &[u8; 256], plain: &[u8], padding_bytes: usize) -> Vec<u8> {
    let mut data = plain.to_vec();
    data.extend((0..padding_bytes).map(|_| random::<1>()[0]));
    let msg_key: [u8; 16] = sha256(&[&key[88..120], &data])[8..24].try_into().unwrap();
    let (aes_key, aes_iv) = derive(key, &msg_key, 0);
    ige_encrypt(&mut data, &aes_key, &aes_iv);
    [&key_id(key).to_le_bytes()[..], &msg_key, &data].concat()
}

/// The padding a message of this many bytes needs at least.
pub fn padding_for(plain_bytes: usize) -> usize {
    12 + (16 - (plain_bytes + 12) % 16) % 16
}

/// Decrypts and checks what the server sent.
pub fn open(key: &[u8; 256], packet: &[u8]) -> Vec<u8> {
    assert_eq!(packet[..8], key_id(key).to_le_bytes(), "the server answers under another key");
    let msg_key: [u8; 16] = packet[8..24].try_into().unwrap();
    let mut data = packet[24..24 + (packet.len() - 24) / 16 * 16].to_vec();
    let (aes_key, aes_iv) = derive(key, &msg_key, 8);
    ige_decrypt(&mut data, &aes_key, &aes_iv);
    assert_eq!(sha256(&[&key[96..128], &data])[8..24], msg_key, "the server's msg_key is wrong");
    data
}

fn derive(key: &[u8; 256], msg_key: &[u8; 16], x: usize) -> ([u8; 32], [u8; 32]) {
    let a = sha256(&[msg_key, &key[x..x + 36]]);
    let b = sha256(&[&key[40 + x..76 + x], msg_key]);
    let aes_key = [&a[..8], &b[8..24], &a[24..]].concat();
    let aes_iv = [&b[..8], &a[8..24], &b[24..]].concat();
    (aes_key.try_into().unwrap(), aes_iv.try_into().unwrap())
}

/// Encrypts a message by MTProto 1.0, under the name of the key `named`.
pub fn seal_v1(key: &[u8; 256], named: &[u8; 256], msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    let head = [&random::<16>()[..], &msg_id.to_le_bytes(), &seq_no.to_le_bytes(), &length.to_le_bytes()].concat();
    let mut data = [&head, body].concat();
    let msg_key = &sha1(&[&data])[4..];
    data.resize(data.len().next_multiple_of(16), 7);
    let a = sha1(&[msg_key, &key[..32]]);
    let b = sha1(&[&key[32..48], msg_key, &key[48..64]]);
    let c = sha1(&[&key[64..96], msg_key]);
    let d = sha1(&[msg_key, &key[96..128]]);
    let aes_key: [u8; 32] = [&a[..8], &b[8..], &c[4..16]].concat().try_into().unwrap();
    let aes_iv: [u8; 32] = [&a[8..], &b[..8], &c[16..], &d[..8]].concat().try_into().unwrap();
    ige_encrypt(&mut data, &aes_key, &aes_iv);
    [&key_id(named).to_le_bytes()[..], msg_key, &data].concat()
}
