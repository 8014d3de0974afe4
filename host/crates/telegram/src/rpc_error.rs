//! Why the data centre gives no answer, and what its own errors mean: <https://core.telegram.org/api/errors>.

use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_tl_types as tl;
use tl::Deserializable;

/// Why a call through a pool has no answer.
#[derive(Clone, Debug)]
pub(crate) enum InvokeError {
    /// The data centre says no.
    Rpc(RpcError),
    /// The connection failed, and with it the pool. The call may have been executed or not.
    Lost(String),
    /// The data centre seems not to know our key. It may be a passing thing; said again and again it is not.
    UnknownKey,
    /// The answer came and is not understood. Trying again does not help.
    Unreadable(String),
    /// The request is larger than a packet may be. Trying again does not help.
    TooLarge,
}

/// Reads the answer to a call.
pub(crate) fn read<R: tl::RemoteCall>(answer: &[u8]) -> Result<R::Return, InvokeError> {
    R::Return::from_bytes(answer).map_err(|error| InvokeError::Unreadable(format!("the answer is unreadable: {error}")))
}

/// Telegram's own name of an error, from which grammers takes the number out.
pub(crate) fn name(error: &RpcError) -> String {
    match error.value {
        Some(value) if error.name.ends_with("_WAIT") || error.name.ends_with("_MIGRATE") => {
            format!("{}_{value}", error.name)
        }
        Some(value) if error.name == "FILE_PART_MISSING" => format!("FILE_PART_{value}_MISSING"),
        _ => error.name.clone(),
    }
}

/// How long the data centre wants to be left alone; never no time at all.
pub(crate) fn flood_wait(error: &RpcError) -> Duration {
    Duration::from_secs(error.value.unwrap_or(1).max(1).into())
}

/// Whether the same call may succeed a moment later: <https://core.telegram.org/api/errors#500-internal>.
pub(crate) fn is_passing(error: &RpcError) -> bool {
    (error.code == 500 && error.name != "RANDOM_ID_DUPLICATE") || error.code == -503 || error.code == 503
}

/// Whether the data centre has no room for what the call brings. That passes once it has some, however long that takes.
pub(crate) fn is_no_room(error: &RpcError) -> bool {
    error.code == 500 && error.name == "STORAGE_CHECK_FAILED"
}

/// Whether the error says that the authorisation is gone: <https://core.telegram.org/api/errors>.
pub(crate) fn ends_login(error: &RpcError) -> bool {
    match error.code {
        401 => error.name != "SESSION_PASSWORD_NEEDED",
        406 => error.name == "AUTH_KEY_DUPLICATED",
        _ => false,
    }
}

/// What is said of a key that the data centre does not know.
pub(crate) const UNKNOWN_KEY_TEXT: &str = "the data centre does not know this session; it may be another data centre than before, or its data was removed; log in again";

/// What is said when the data centre has ended the authorisation.
pub(crate) fn revoked_text(error: &RpcError) -> String {
    let why = match error.name.as_str() {
        "AUTH_KEY_DUPLICATED" => "the session was used from two places at once, and Telegram ended it",
        "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN" => "the user's account was deleted or banned",
        _ => "the session was ended: logged out here or from another device",
    };
    format!("{why} ({}); log in again", error.name)
}
