//! Why a login does not go on, in words for who logs in.
//!
//! Invariant: a text says what to do, and no secret.

use grammers_client::sender::RpcError;
use store::StoreError;

use crate::key_exchange::ExchangeError;
use crate::rpc_error::{self, InvokeError};

/// Why a login does not go on. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum LoginError {
    #[error("{0} is not a phone number that the data centre accepts; write it with its country code, as in +49…")]
    PhoneInvalid(String),
    #[error("this phone number is banned from Telegram")]
    PhoneBanned,
    #[error("the code is wrong; look at it again")]
    CodeInvalid,
    #[error("the code has expired; ask for a new one")]
    CodeExpired,
    #[error("the password is wrong")]
    PasswordInvalid,
    #[error("the bot token is not valid; ask @BotFather for it")]
    TokenInvalid,
    #[error(
        "nobody has accepted the QR code within {within_s} s; begin the login again, and scan the code with a Telegram app \
         that is logged in (Settings, Devices, Link Desktop Device)"
    )]
    QrUnanswered { within_s: u64 },
    #[error(
        "{name} ({user_id}) has accepted the QR code, but this account belongs to the user {owner_id}, who must accept it; \
         log {name} in under another name, or by phone, which makes the account theirs and forgets what is kept for it"
    )]
    OtherUser { name: String, user_id: i64, owner_id: i64 },
    #[error("the name is not accepted; it needs a first name of at most 64 characters")]
    NameInvalid,
    #[error("too many tries; try again in {seconds} s")]
    FloodWait { seconds: u32 },
    #[error(
        "api_id and api_hash are not accepted; get your own at https://my.telegram.org and put them into the configuration"
    )]
    ApiIdInvalid,
    #[error("the data centre cannot be reached: {0}; check the address and the network, then try again")]
    Unreachable(String),
    #[error(transparent)]
    KeyExchange(ExchangeError),
    #[error("this step needs an earlier one first: {0}")]
    OutOfOrder(&'static str),
    #[error("the data centre offers a password check that is not safe ({0}); do not enter the password")]
    UnsafePassword(String),
    #[error("the data centre refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn failure(error: InvokeError) -> LoginError {
    match error {
        InvokeError::Rpc(error) => refusal(&error),
        InvokeError::Lost(reason) | InvokeError::Unreadable(reason) => LoginError::Unreachable(reason),
        InvokeError::UnknownKey => LoginError::Refused(rpc_error::UNKNOWN_KEY_TEXT.to_owned()),
        InvokeError::TooLarge => LoginError::Refused("the request is too large".to_owned()),
    }
}

fn refusal(error: &RpcError) -> LoginError {
    match error.name.as_str() {
        "PHONE_NUMBER_INVALID" | "PHONE_NUMBER_UNOCCUPIED" => LoginError::PhoneInvalid("this".to_owned()),
        "PHONE_NUMBER_BANNED" | "USER_DEACTIVATED_BAN" => LoginError::PhoneBanned,
        "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" => LoginError::CodeInvalid,
        "PHONE_CODE_EXPIRED" | "PHONE_CODE_HASH_EMPTY" => LoginError::CodeExpired,
        "PASSWORD_HASH_INVALID" | "SRP_PASSWORD_CHANGED" => LoginError::PasswordInvalid,
        "ACCESS_TOKEN_INVALID" | "ACCESS_TOKEN_EXPIRED" => LoginError::TokenInvalid,
        "FIRSTNAME_INVALID" | "LASTNAME_INVALID" => LoginError::NameInvalid,
        "API_ID_INVALID" | "API_ID_PUBLISHED_FLOOD" => LoginError::ApiIdInvalid,
        _ if error.code == 420 => LoginError::FloodWait { seconds: error.value.unwrap_or_default() },
        _ => LoginError::Refused(rpc_error::name(error)),
    }
}
