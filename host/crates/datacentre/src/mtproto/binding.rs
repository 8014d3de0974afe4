//! `auth.bindTempAuthKey`: a temporary key acts for a permanent one (<https://core.telegram.org/api/pfs>). It is the one
//! method that is about keys and sessions alone, and so executed here.
//!
//! Invariant: a temporary key is bound only by who has proved to know the permanent one, in this very request.

use grammers_crypto::aes::ige_decrypt;
use grammers_tl_types::{Deserializable as _, Identifiable as _, Serializable as _, enums, functions, types};
use subtle::ConstantTimeEq as _;

use super::Shared;
use super::crypto::sha1;
use super::envelope::AuthKey;
use super::keyring::{BindError, KnownKey};
use super::message::constructor;
use crate::seam::RpcError;

/// Key id and message key, in clear before the encrypted part.
const CLEAR_BYTES: usize = 24;
/// Random bytes in place of salt and session, message id, sequence number and length.
const HEADER_BYTES: usize = 32;
/// How long after its key a binding may say that it ends, in seconds: clients add the key's life to their own clock.
const CLOCK_TOLERANCE_S: i32 = 60;
/// What a temporary key may call that is not bound yet.
const FOR_UNBOUND: [u32; 2] =
    [functions::help::GetConfig::CONSTRUCTOR_ID, functions::help::GetNearestDc::CONSTRUCTOR_ID];

/// Whether the request is to bind the key it came with.
pub(crate) fn is_asked(method: &[u8]) -> bool {
    constructor(method) == functions::auth::BindTempAuthKey::CONSTRUCTOR_ID
}

/// The key in whose name this key may call the method.
pub(crate) fn acts_for(known: &KnownKey, method: &[u8]) -> Result<i64, RpcError> {
    match known.acts_for() {
        Some(id) => Ok(id),
        None if FOR_UNBOUND.contains(&constructor(method)) => Ok(known.key.id()),
        None => Err(RpcError { code: 401, name: "AUTH_KEY_PERM_EMPTY".to_owned() }),
    }
}

/// Executes the method, which came with this key, in this session, as this message: the serialised answer.
pub(crate) fn bind(
    shared: &Shared,
    known: &KnownKey,
    session_id: i64,
    msg_id: i64,
    method: &[u8],
) -> Result<Vec<u8>, RpcError> {
    let call = functions::auth::BindTempAuthKey::from_bytes(method.get(4..).unwrap_or_default());
    let call = call.map_err(|_| bad_request("INPUT_FETCH_ERROR"))?;
    let now = shared.faults.clock().unix_s();
    let life_left_s = known.life_left_s().ok_or_else(|| bad_request("TEMP_AUTH_KEY_EMPTY"))?;
    let wanted_s = call.expires_at.saturating_sub(now);
    if wanted_s <= 0 || wanted_s > life_left_s.saturating_add(CLOCK_TOLERANCE_S) {
        return Err(bad_request("EXPIRES_AT_INVALID"));
    }
    let invalid = || bad_request("ENCRYPTED_MESSAGE_INVALID");
    let permanent = shared.keyring.permanent(call.perm_auth_key_id).ok_or_else(invalid)?;
    let wanted = types::BindAuthKeyInner {
        nonce: call.nonce,
        temp_auth_key_id: known.key.id(),
        perm_auth_key_id: call.perm_auth_key_id,
        temp_session_id: session_id,
        expires_at: call.expires_at,
    };
    let said = open(&permanent, &call.encrypted_message).ok_or_else(invalid)?;
    if said != (msg_id, wanted.into()) {
        return Err(invalid());
    }
    match shared.keyring.bind(known, permanent.id(), wanted_s) {
        Ok(()) => {}
        Err(BindError::Empty) => return Err(bad_request("TEMP_AUTH_KEY_EMPTY")),
        Err(BindError::BoundToAnother) => return Err(bad_request("TEMP_AUTH_KEY_ALREADY_BOUND")),
    }
    shared.hub.bind(known.key.id(), permanent.id());
    Ok(true.to_bytes())
}

/// Opens what a client encrypted with this key by MTProto 1.0, as only this message still is: its id and what it says.
/// <https://core.telegram.org/method/auth.bindTempAuthKey#generating-encrypted-message>
fn open(key: &AuthKey, message: &[u8]) -> Option<(i64, enums::BindAuthKeyInner)> {
    let (clear, encrypted) = message.split_at_checked(CLEAR_BYTES)?;
    let (key_id, msg_key) = clear.split_first_chunk::<8>()?;
    let msg_key = msg_key.first_chunk::<16>()?;
    if i64::from_le_bytes(*key_id) != key.id() || !encrypted.len().is_multiple_of(16) {
        return None;
    }
    let (aes_key, aes_iv) = derive(key, msg_key);
    let mut plain = encrypted.to_vec();
    ige_decrypt(&mut plain, &aes_key, &aes_iv);
    let (header, rest) = plain.split_first_chunk::<HEADER_BYTES>()?;
    let number = |at: usize| header[at..].first_chunk::<4>().map(|bytes| i32::from_le_bytes(*bytes));
    let length = usize::try_from(number(28)?).ok()?;
    let body = rest.get(..length).filter(|_| rest.len() - length < 16)?;
    let is_right = sha1(&[header, body])[4..].ct_eq(msg_key);
    if !bool::from(is_right) || number(24)? != 0 {
        return None;
    }
    let msg_id = i64::from_le_bytes(*header[16..].first_chunk()?);
    Some((msg_id, enums::BindAuthKeyInner::from_bytes(body).ok()?))
}

/// <https://core.telegram.org/mtproto/description_v1#defining-aes-key-and-initialization-vector>, for what clients encrypt.
fn derive(key: &AuthKey, msg_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let key = key.bytes();
    let a = sha1(&[msg_key, &key[..32]]);
    let b = sha1(&[&key[32..48], msg_key, &key[48..64]]);
    let c = sha1(&[&key[64..96], msg_key]);
    let d = sha1(&[msg_key, &key[96..128]]);
    let joined = |parts: [&[u8]; 4]| {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(parts.concat()).for_each(|(byte, from)| *byte = from);
        bytes
    };
    (joined([&a[..8], &b[8..], &c[4..16], &[]]), joined([&a[8..], &b[..8], &c[16..], &d[..8]]))
}

fn bad_request(name: &str) -> RpcError {
    RpcError { code: 400, name: name.to_owned() }
}
