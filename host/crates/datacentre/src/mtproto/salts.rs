//! Server salts: <https://core.telegram.org/mtproto/description#server-salt>. They follow from the key and the time, so
//! that none need be stored and all outlive a restart.
//!
//! Invariant: at any moment at least two salts of a key are valid, and any salt is for one hour.

use grammers_tl_types::types::FutureSalt;

use super::crypto::sha256;
use super::envelope::AuthKey;

/// A new salt comes each half-hour.
const PERIOD_S: i32 = 1_800;
/// Each is valid for two periods, so that clients may change at leisure.
const VALID_S: i32 = 2 * PERIOD_S;
/// What one request can ask for, by the documentation.
const FUTURE_MAX: i32 = 64;

/// The salt to use at this second.
pub(crate) fn current(key: &AuthKey, now_s: i32) -> i64 {
    of_period(key, now_s / PERIOD_S)
}

/// Whether a message may come with this salt at this second.
pub(crate) fn accepts(key: &AuthKey, salt: i64, now_s: i32) -> bool {
    let period = now_s / PERIOD_S;
    salt == of_period(key, period) || salt == of_period(key, period - 1)
}

/// The salts to come, the current one first; between 1 and 64 of them.
pub(crate) fn future(key: &AuthKey, now_s: i32, count: i32) -> Vec<FutureSalt> {
    let first = now_s / PERIOD_S;
    (first..first + count.clamp(1, FUTURE_MAX))
        .map(|period| FutureSalt {
            valid_since: period.saturating_mul(PERIOD_S),
            valid_until: period.saturating_mul(PERIOD_S).saturating_add(VALID_S),
            salt: of_period(key, period),
        })
        .collect()
}

fn of_period(key: &AuthKey, period: i32) -> i64 {
    let hash = sha256(&[b"server salt", key.bytes(), &period.to_le_bytes()]);
    i64::from_le_bytes(*hash.first_chunk().expect("a hash has 32 bytes"))
}
