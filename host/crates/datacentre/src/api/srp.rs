//! The server's half of SRP, by which clients prove a 2FA password: <https://core.telegram.org/api/srp>.
//!
//! Invariant: the password never comes here, only its verifier; each exchange has its own secret.

use num_bigint::BigUint;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The generator, and Telegram's own 2048-bit safe prime.
pub(super) const G: i32 = 3;
pub(super) const P_LEN: usize = 256;

/// The prime's bytes.
pub(super) fn p() -> &'static [u8; P_LEN] {
    &P
}

/// The server's public value B for its secret `b`.
pub(super) fn public_b(verifier: &[u8], secret_b: &[u8]) -> [u8; P_LEN] {
    let p = BigUint::from_bytes_be(&P);
    let kv = (k() * BigUint::from_bytes_be(verifier)) % &p;
    let gb = BigUint::from(G.unsigned_abs()).modpow(&BigUint::from_bytes_be(secret_b), &p);
    padded(&((kv + gb) % &p))
}

/// Whether the client's proof `m1` shows that it knows the password.
pub(super) fn proves(salts: (&[u8], &[u8]), verifier: &[u8], secret_b: &[u8], a: &[u8], m1: &[u8]) -> bool {
    if a.is_empty() || a.len() > P_LEN {
        return false;
    }
    let p = BigUint::from_bytes_be(&P);
    let big_a = BigUint::from_bytes_be(a);
    if &big_a % &p == BigUint::ZERO {
        return false;
    }
    let a = padded(&(&big_a % &p));
    let b = public_b(verifier, secret_b);
    let u = BigUint::from_bytes_be(&hash(&[&a, &b]));
    let vu = BigUint::from_bytes_be(verifier).modpow(&u, &p);
    let s = ((big_a * vu) % &p).modpow(&BigUint::from_bytes_be(secret_b), &p);
    let key = hash(&[&padded(&s)]);
    let mut group = hash(&[&P]);
    group.iter_mut().zip(hash(&[&padded_g()])).for_each(|(byte, other)| *byte ^= other);
    let expected = hash(&[&group, &hash(&[salts.0]), &hash(&[salts.1]), &a, &b, &key]);
    bool::from(expected[..].ct_eq(m1))
}

/// Whether this can be a verifier: a number between 1 and p.
pub(super) fn is_verifier(bytes: &[u8]) -> bool {
    let number = BigUint::from_bytes_be(bytes);
    bytes.len() == P_LEN && number > BigUint::from(1u8) && number < BigUint::from_bytes_be(&P)
}

fn k() -> BigUint {
    BigUint::from_bytes_be(&hash(&[&P, &padded_g()]))
}

fn padded_g() -> [u8; P_LEN] {
    padded(&BigUint::from(G.unsigned_abs()))
}

fn padded(number: &BigUint) -> [u8; P_LEN] {
    let bytes = number.to_bytes_be();
    let mut out = [0; P_LEN];
    out[P_LEN - bytes.len()..].copy_from_slice(&bytes);
    out
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Telegram's prime, as in <https://core.telegram.org/mtproto/security_guidelines>; generator 3 is good with it.
#[rustfmt::skip]
const P: [u8; P_LEN] = [
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73, 0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e, 0x21, 0xc1,
    0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f, 0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2, 0x25, 0x30, 0xf4, 0xdb,
    0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37, 0x20, 0xfd, 0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a,
    0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab, 0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84, 0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64,
    0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc, 0x49, 0x88, 0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f,
    0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4, 0xa4, 0xa6, 0x95, 0x81, 0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41,
    0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14, 0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54, 0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4,
    0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d, 0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4,
    0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e, 0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05, 0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59,
    0xd9, 0x56, 0x85, 0x0c, 0xe9, 0x29, 0x85, 0x1f, 0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf,
    0x6f, 0x4f, 0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b,
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};
    use sha2::Sha512;

    /// The verifier a client sends when it sets this password.
    pub(in crate::api) fn verifier(password: &str, salt1: &[u8], salt2: &[u8]) -> [u8; P_LEN] {
        let salted = |data: &[u8], salt: &[u8]| hash(&[salt, data, salt]);
        let first = salted(&salted(password.as_bytes(), salt1), salt2);
        let x = salted(&pbkdf2_sha512(&first, salt1, 100_000), salt2);
        padded(&BigUint::from(G.unsigned_abs()).modpow(&BigUint::from_bytes_be(&x), &BigUint::from_bytes_be(&P)))
    }

    fn pbkdf2_sha512(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 64] {
        let mut key = [0u8; 128];
        key[..password.len()].copy_from_slice(password);
        let keyed = |pad: u8| Sha512::new().chain_update(key.map(|byte| byte ^ pad));
        let (inner, outer) = (keyed(0x36), keyed(0x5c));
        let mac = |parts: &[&[u8]]| -> [u8; 64] {
            let mut hash = inner.clone();
            parts.iter().for_each(|part| hash.update(part));
            outer.clone().chain_update(hash.finalize()).finalize().into()
        };
        let mut last = mac(&[salt, &[0, 0, 0, 1]]);
        let mut out = last;
        for _ in 1..rounds {
            last = mac(&[&last]);
            out.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
        }
        out
    }

    #[test]
    fn the_group_is_safe() {
        assert!(check_p_and_g(&P, &G));
    }

    #[test]
    fn the_right_password_is_proved_and_no_other() {
        let salts: (&[u8], &[u8]) = (b"salt one", b"salt two");
        let verifier = verifier("correct horse", salts.0, salts.1);
        let secret_b = [7u8; P_LEN];
        let b = public_b(&verifier, &secret_b).to_vec();
        for (password, right) in [("correct horse", true), ("Correct horse", false), ("", false)] {
            let (m1, a) = calculate_2fa(salts.0, salts.1, &P, &G, b.clone(), vec![9; P_LEN], password);
            assert_eq!(proves(salts, &verifier, &secret_b, &a, &m1), right, "{password:?}");
        }
    }

    #[test]
    fn a_client_cannot_choose_the_shared_key() {
        for a in [vec![], vec![0; P_LEN], P.to_vec(), vec![1; P_LEN + 1]] {
            assert!(!proves((b"", b""), &[3; P_LEN], &[7; P_LEN], &a, &[0; 32]));
        }
    }
}
