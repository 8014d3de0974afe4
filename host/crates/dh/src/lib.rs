//! Diffie and Hellman's exchange of keys, safe against whoever offers its parameters: an account's with its data centre, and
//! two people's in a secret chat. <https://core.telegram.org/mtproto/auth_key>,
//! <https://core.telegram.org/mtproto/security_guidelines>.
//!
//! Invariant: no number from the network is used before it has passed here.

use glass_pumpkin::safe_prime;
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

/// The prime that Telegram uses, checked once and for all by everybody.
const TELEGRAM_PRIME: &[u8; 512] = b"c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f\
48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13ab\
dc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4\
a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d\
169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f\
0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b";

/// Length of the prime in bits.
const PRIME_BITS: u64 = 2_048;
/// Length of public values and of keys in bytes.
pub const PRIME_BYTES: usize = 256;

/// Public values keep this many bits away from both ends of their range.
const MARGIN_BITS: u64 = 2_048 - 64;

/// What is wrong with the parameters that a data centre offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum DhFault {
    #[error("its prime does not have 2048 bits")]
    PrimeLength,
    #[error("its prime is not a safe prime")]
    NotSafePrime,
    #[error("its generator does not suit its prime")]
    Generator,
    #[error("its public value is out of range")]
    PublicValue,
}

/// A prime and a generator that have passed every check. What was saved has passed it before, and is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct DhGroup {
    prime: BigUint,
    generator: BigUint,
}

impl DhGroup {
    /// Checks a prime and a generator from the network. Takes no time for Telegram's own prime, else about a second.
    pub fn check(prime: &[u8], generator: i32) -> Result<Self, DhFault> {
        let prime = BigUint::from_bytes_be(prime);
        if prime.bits() != PRIME_BITS {
            return Err(DhFault::PrimeLength);
        }
        if !generates(generator, &prime) {
            return Err(DhFault::Generator);
        }
        if BigUint::parse_bytes(TELEGRAM_PRIME, 16).as_ref() != Some(&prime) && !is_safe_prime(&prime) {
            return Err(DhFault::NotSafePrime);
        }
        Ok(Self { prime, generator: BigUint::from(generator.unsigned_abs()) })
    }

    /// Checks the other side's, or our own, public value.
    pub fn check_public(&self, value: &BigUint) -> Result<(), DhFault> {
        let margin = BigUint::from(1u8) << MARGIN_BITS;
        if *value < margin || *value > &self.prime - &margin { Err(DhFault::PublicValue) } else { Ok(()) }
    }

    /// Our public value for a secret exponent.
    pub fn public(&self, secret: &BigUint) -> BigUint {
        self.generator.modpow(secret, &self.prime)
    }

    /// The common key, from the other side's checked public value and our secret exponent.
    pub fn common(&self, public: &BigUint, secret: &BigUint) -> [u8; PRIME_BYTES] {
        let bytes = public.modpow(secret, &self.prime).to_bytes_be();
        let mut key = [0; PRIME_BYTES];
        key[PRIME_BYTES - bytes.len()..].copy_from_slice(&bytes);
        key
    }
}

/// A group as it is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    prime: Vec<u8>,
    generator: Vec<u8>,
}

impl From<Saved> for DhGroup {
    fn from(saved: Saved) -> Self {
        Self { prime: BigUint::from_bytes_be(&saved.prime), generator: BigUint::from_bytes_be(&saved.generator) }
    }
}

impl From<DhGroup> for Saved {
    fn from(group: DhGroup) -> Self {
        Self { prime: group.prime.to_bytes_be(), generator: group.generator.to_bytes_be() }
    }
}

/// Whether the number generates the subgroup of prime order (p-1)/2, by its quadratic residue.
fn generates(generator: i32, prime: &BigUint) -> bool {
    let rest = |modulus: u32| u32::try_from(prime % modulus).unwrap_or(u32::MAX);
    match generator {
        2 => rest(8) == 7,
        3 => rest(3) == 2,
        4 => true,
        5 => matches!(rest(5), 1 | 4),
        6 => matches!(rest(24), 19 | 23),
        7 => matches!(rest(7), 3 | 5 | 6),
        _ => false,
    }
}

/// Miller and Rabin's test with bases that the data centre cannot foresee, of the prime and of half of it.
fn is_safe_prime(prime: &BigUint) -> bool {
    safe_prime::check(prime).expect("the system gives random bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telegram_prime() -> BigUint {
        BigUint::parse_bytes(TELEGRAM_PRIME, 16).unwrap()
    }

    #[test]
    fn telegrams_own_prime_passes_and_is_what_it_is_taken_for() {
        for generator in [3, 4, 7] {
            DhGroup::check(&telegram_prime().to_bytes_be(), generator).unwrap();
        }
        assert!(is_safe_prime(&telegram_prime()));
    }

    #[test]
    fn bad_groups_are_refused() {
        let prime = telegram_prime();
        let bytes = |number: &BigUint| number.to_bytes_be();
        let cases = [
            (bytes(&(&prime >> 8)), 3, DhFault::PrimeLength),
            (bytes(&(&prime << 8)), 3, DhFault::PrimeLength),
            (Vec::new(), 3, DhFault::PrimeLength),
            (bytes(&prime), 2, DhFault::Generator),
            (bytes(&prime), 5, DhFault::Generator),
            (bytes(&prime), 6, DhFault::Generator),
            (bytes(&prime), 0, DhFault::Generator),
            (bytes(&prime), -3, DhFault::Generator),
            (bytes(&prime), 8, DhFault::Generator),
            (bytes(&(&prime - 1u8)), 4, DhFault::NotSafePrime),
            (bytes(&(&prime - 24u8)), 4, DhFault::NotSafePrime),
        ];
        for (prime, generator, fault) in cases {
            assert_eq!(DhGroup::check(&prime, generator).unwrap_err(), fault);
        }
    }

    #[test]
    fn public_values_near_the_ends_are_refused() {
        let prime = telegram_prime();
        let group = DhGroup::check(&prime.to_bytes_be(), 3).unwrap();
        let margin = BigUint::from(1u8) << MARGIN_BITS;
        for good in [margin.clone(), &prime - &margin] {
            group.check_public(&good).unwrap();
        }
        for bad in
            [BigUint::ZERO, BigUint::from(1u8), &margin - 1u8, &prime - &margin + 1u8, &prime - 1u8, prime.clone()]
        {
            assert_eq!(group.check_public(&bad), Err(DhFault::PublicValue));
        }
    }

    #[test]
    fn both_sides_get_the_same_key() {
        let group = DhGroup::check(&telegram_prime().to_bytes_be(), 3).unwrap();
        let [a, b] = [[0xa5; 256], [0x5c; 256]].map(|secret| BigUint::from_bytes_be(&secret));
        assert_eq!(group.common(&group.public(&a), &b), group.common(&group.public(&b), &a));
    }

    #[test]
    fn a_saved_group_is_the_same() {
        let group = DhGroup::check(&telegram_prime().to_bytes_be(), 3).unwrap();
        let saved = postcard::to_allocvec(&group).unwrap();
        assert_eq!(postcard::from_bytes::<DhGroup>(&saved).unwrap(), group);
    }
}
