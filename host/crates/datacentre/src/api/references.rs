//! File references: <https://core.telegram.org/api/file_reference>.
//!
//! Invariant: only who knows the file's secret makes one that holds, and none holds for longer than [`REFERENCE_LIFE_NS`].

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::context::Context;
use super::error::{Answer, bad_request};
use crate::model::files::File;
use crate::model::unix_time_ns;

/// How long a reference holds.
const REFERENCE_LIFE_NS: i64 = 24 * 3600 * 1_000_000_000;

const MAC_BYTES: usize = 16;

/// A reference that holds from now on.
pub(super) fn issued_now(id: i64, secret: &[u8]) -> Vec<u8> {
    reference(id, secret, unix_time_ns())
}

/// Refuses a reference that does not hold for this file.
pub(super) fn check_reference(context: &Context<'_>, file: &File, given: &[u8]) -> Answer<()> {
    if given.is_empty() {
        return Err(bad_request("FILE_REFERENCE_EMPTY"));
    }
    let invalid = || bad_request("FILE_REFERENCE_INVALID");
    let issued = i64::from_le_bytes(*given.first_chunk::<8>().ok_or_else(invalid)?);
    if !bool::from(reference(file.id, &file.secret, issued).ct_eq(given)) {
        return Err(invalid());
    }
    let old = unix_time_ns().saturating_sub(issued) > REFERENCE_LIFE_NS;
    if old || issued <= context.faults.references_expired_ns() {
        return Err(bad_request("FILE_REFERENCE_EXPIRED"));
    }
    Ok(())
}

/// When it was issued, and what only who knows the secret can make of that.
fn reference(id: i64, secret: &[u8], issued: i64) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(id.to_le_bytes());
    hash.update(issued.to_le_bytes());
    [&issued.to_le_bytes()[..], &hash.finalize()[..MAC_BYTES]].concat()
}
