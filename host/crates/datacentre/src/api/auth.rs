//! `auth.*`: logging in and out, <https://core.telegram.org/api/auth>.
//!
//! Invariant: a key becomes a user's only by the right code, or by a login token of its own that the user accepted, and, where
//! one is set, the right password; or by a bot's token; or by a token the user exported.

use grammers_tl_types as tl;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tl::{enums, functions, types};

use super::context::Context;
use super::error::{Answer, bad_request, unauthorized};
use super::limits::NAMED_MAX;
use super::names::{checked_first_name, checked_last_name};
use super::{account, secret_chats, view};
use crate::model::keys::{self, LoggedOut};
use crate::model::login;
use crate::model::users::{self, User};

/// Test numbers, as on Telegram's test servers: this, then X, then four digits. The code is X five times.
const TEST_PHONE_PREFIX: &str = "99966";
const TEST_PHONE_LEN: usize = 10;
const CODE_LEN: usize = 5;
/// The part of a bot's token after the colon.
const BOT_SECRET_LEN: usize = 35;
/// The greatest bot id, so that ids stay in the range clients take for users.
const BOT_ID_MAX: i64 = 0xff_ffff_ffff;

/// auth.sendCode: <https://core.telegram.org/method/auth.sendCode>. Test numbers only.
pub(super) fn send_code(context: &mut Context<'_>, call: functions::auth::SendCode) -> Answer<enums::auth::SentCode> {
    if call.api_id <= 0 {
        return Err(bad_request("API_ID_INVALID"));
    }
    let phone = test_phone(&call.phone_number)?;
    let codes_max = context.model.limits.codes_per_key_max;
    let hash = login::insert_code(context.db, context.caller.auth_key_id, &phone, call.api_id, codes_max)?;
    Ok(sent_code(hash))
}

/// auth.resendCode: <https://core.telegram.org/method/auth.resendCode>.
pub(super) fn resend_code(
    context: &mut Context<'_>,
    call: functions::auth::ResendCode,
) -> Answer<enums::auth::SentCode> {
    code(context, &call.phone_number, &call.phone_code_hash)?;
    Ok(sent_code(call.phone_code_hash))
}

/// auth.cancelCode: <https://core.telegram.org/method/auth.cancelCode>.
pub(super) fn cancel_code(context: &mut Context<'_>, call: functions::auth::CancelCode) -> Answer<bool> {
    code(context, &call.phone_number, &call.phone_code_hash)?;
    login::remove_code(context.db, &call.phone_code_hash)?;
    Ok(true)
}

/// auth.signIn: <https://core.telegram.org/method/auth.signIn>.
pub(super) fn sign_in(context: &mut Context<'_>, call: functions::auth::SignIn) -> Answer<enums::auth::Authorization> {
    let (phone, sent) = code(context, &call.phone_number, &call.phone_code_hash)?;
    let given = call.phone_code.as_deref().unwrap_or_default();
    if given.is_empty() {
        return Err(bad_request("PHONE_CODE_EMPTY"));
    }
    if given != right_code(&phone) {
        return Err(bad_request("PHONE_CODE_INVALID"));
    }
    keys::set_api_id(context.db, context.caller.auth_key_id, sent.api_id)?;
    let Some(user) = users::by_phone(context.db, &phone)? else {
        login::verify_code(context.db, &call.phone_code_hash)?;
        return Ok(types::auth::AuthorizationSignUpRequired { terms_of_service: None }.into());
    };
    login::remove_code(context.db, &call.phone_code_hash)?;
    authorize(context, &user)
}

/// auth.signUp: <https://core.telegram.org/method/auth.signUp>.
pub(super) fn sign_up(context: &mut Context<'_>, call: functions::auth::SignUp) -> Answer<enums::auth::Authorization> {
    let (phone, sent) = code(context, &call.phone_number, &call.phone_code_hash)?;
    if !sent.verified {
        return Err(bad_request("PHONE_CODE_INVALID"));
    }
    if users::by_phone(context.db, &phone)?.is_some() {
        return Err(bad_request("PHONE_NUMBER_OCCUPIED"));
    }
    let first_name = checked_first_name(&call.first_name)?;
    let last_name = checked_last_name(&call.last_name)?;
    login::remove_code(context.db, &call.phone_code_hash)?;
    let user = users::insert_human(context.db, &phone, first_name, last_name)?;
    authorize(context, &user)
}

/// auth.checkPassword: <https://core.telegram.org/method/auth.checkPassword>.
pub(super) fn check_password(
    context: &mut Context<'_>,
    call: functions::auth::CheckPassword,
) -> Answer<enums::auth::Authorization> {
    let Some(id) = context.holder.password_pending else {
        return Err(unauthorized("AUTH_KEY_UNREGISTERED"));
    };
    account::check_srp(context, id, &call.password)?;
    let user = users::find(context.db, id)?.ok_or_else(|| unauthorized("USER_DEACTIVATED"))?;
    log_in(context, &user)
}

/// auth.importBotAuthorization: <https://core.telegram.org/method/auth.importBotAuthorization>. An unknown but well-formed
/// token makes a new bot. Its privacy mode is off: it sees all that is written in its groups.
pub(super) fn import_bot_authorization(
    context: &mut Context<'_>,
    call: functions::auth::ImportBotAuthorization,
) -> Answer<enums::auth::Authorization> {
    if call.api_id <= 0 {
        return Err(bad_request("API_ID_INVALID"));
    }
    let invalid = || bad_request("ACCESS_TOKEN_INVALID");
    let token = call.bot_auth_token.as_str();
    let (id, secret) = token.split_once(':').ok_or_else(invalid)?;
    let well_formed = secret.len() == BOT_SECRET_LEN
        && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && id.bytes().all(|b| b.is_ascii_digit());
    let id = id.parse().ok().filter(|id| well_formed && (1..=BOT_ID_MAX).contains(id)).ok_or_else(invalid)?;
    let hash = Sha256::digest(token.as_bytes());
    let user = match users::find(context.db, id)? {
        None if users::bot_count(context.db)? >= context.model.limits.bots_max => {
            return Err(bad_request("USERS_TOO_MUCH"));
        }
        None => users::insert_bot(context.db, id, &hash)?,
        Some(user) => {
            let known = users::bot_token_hash(context.db, id)?.ok_or_else(invalid)?;
            if !bool::from(hash[..].ct_eq(&known)) {
                return Err(invalid());
            }
            user
        }
    };
    keys::set_api_id(context.db, context.caller.auth_key_id, call.api_id)?;
    log_in(context, &user)
}

/// auth.exportLoginToken: <https://core.telegram.org/method/auth.exportLoginToken>: a token for the user to accept, or what
/// came of the one before.
pub(super) fn export_login_token(
    context: &mut Context<'_>,
    call: functions::auth::ExportLoginToken,
) -> Answer<enums::auth::LoginToken> {
    if call.api_id <= 0 {
        return Err(bad_request("API_ID_INVALID"));
    }
    if call.except_ids.len() > NAMED_MAX {
        return Err(bad_request("USERS_TOO_MUCH"));
    }
    let auth_key_id = context.caller.auth_key_id;
    let has_accepted = |id: &i64| login::has_accepted(context.db, auth_key_id, *id);
    if context.holder.password_pending.as_ref().map(has_accepted).transpose()? == Some(true) {
        return Err(unauthorized("SESSION_PASSWORD_NEEDED"));
    }
    if let Some(id) = context.holder.user
        && has_accepted(&id)?
    {
        return logged_in_by_token(context, id);
    }
    keys::set_api_id(context.db, auth_key_id, call.api_id)?;
    let (life_s, tokens_max) = (context.faults.login_token_life_s(), context.model.limits.login_tokens_per_key_max);
    let (token, expires) = login::insert_token(context.db, auth_key_id, &call.except_ids, life_s, tokens_max)?;
    Ok(types::auth::LoginToken { expires, token }.into())
}

/// auth.acceptLoginToken: <https://core.telegram.org/method/auth.acceptLoginToken>. A password is the other client's to give.
pub(super) fn accept_login_token(
    context: &mut Context<'_>,
    call: functions::auth::AcceptLoginToken,
) -> Answer<enums::Authorization> {
    let token = login::find_token(context.db, &call.token)?.ok_or_else(|| bad_request("AUTH_TOKEN_INVALIDX"))?;
    if token.is_accepted {
        return Err(bad_request("AUTH_TOKEN_ALREADY_ACCEPTED"));
    }
    if token.has_expired {
        return Err(bad_request("AUTH_TOKEN_EXPIRED"));
    }
    // Whoever asked has them already, or it is the caller's own.
    if token.except_ids.contains(&context.me) || token.auth_key_id == context.caller.auth_key_id {
        return Err(bad_request("AUTH_TOKEN_EXCEPTION"));
    }
    login::accept_token(context.db, &call.token, context.me)?;
    let password_pending = login::password(context.db, context.me)?.is_some();
    if password_pending {
        keys::await_password(context.db, token.auth_key_id, context.me)?;
    } else {
        hold(context, token.auth_key_id, context.me)?;
    }
    // The key may have been forgotten meanwhile.
    let login = keys::find_login(context.db, token.auth_key_id)?.ok_or_else(|| bad_request("AUTH_TOKEN_EXPIRED"))?;
    context.push_to_key(token.auth_key_id, enums::Update::LoginToken);
    Ok(types::Authorization { password_pending, ..account::authorization(context, &login) }.into())
}

/// auth.importLoginToken: <https://core.telegram.org/method/auth.importLoginToken>, of a login that was sent on to here.
pub(super) fn import_login_token(
    context: &mut Context<'_>,
    call: functions::auth::ImportLoginToken,
) -> Answer<enums::auth::LoginToken> {
    let export = login::take_any_export(context.db, &call.token)?;
    let (id, has_expired) = export.ok_or_else(|| bad_request("AUTH_TOKEN_INVALIDX"))?;
    if has_expired {
        return Err(bad_request("AUTH_TOKEN_EXPIRED"));
    }
    let user = users::find(context.db, id)?.ok_or_else(|| bad_request("USER_ID_INVALID"))?;
    let authorization = authorize(context, &user)?;
    Ok(types::auth::LoginTokenSuccess { authorization }.into())
}

/// auth.logOut: <https://core.telegram.org/method/auth.logOut>.
pub(super) fn log_out(context: &mut Context<'_>, _: functions::auth::LogOut) -> Answer<enums::auth::LoggedOut> {
    secret_chats::log_out(context, context.caller.auth_key_id, LoggedOut::Here)?;
    Ok(types::auth::LoggedOut { future_auth_token: None }.into())
}

/// auth.resetAuthorizations: <https://core.telegram.org/method/auth.resetAuthorizations>: all but the calling session.
pub(super) fn reset_authorizations(context: &mut Context<'_>, _: functions::auth::ResetAuthorizations) -> Answer<bool> {
    for auth_key_id in keys::of_user(context.db, context.me)? {
        if auth_key_id != context.caller.auth_key_id {
            secret_chats::log_out(context, auth_key_id, LoggedOut::Elsewhere)?;
            context.disconnect(auth_key_id);
        }
    }
    Ok(true)
}

/// The caller's key is used from two places at once: <https://core.telegram.org/api/errors#406-not-acceptable>.
pub(super) fn used_twice(context: &mut Context<'_>) -> Answer<()> {
    if context.me != 0 {
        secret_chats::log_out(context, context.caller.auth_key_id, LoggedOut::UsedTwice)?;
        context.disconnect(context.caller.auth_key_id);
    }
    Ok(())
}

/// auth.exportAuthorization: <https://core.telegram.org/method/auth.exportAuthorization>; there is this data centre only.
pub(super) fn export_authorization(
    context: &mut Context<'_>,
    call: functions::auth::ExportAuthorization,
) -> Answer<enums::auth::ExportedAuthorization> {
    if call.dc_id != context.dc.id {
        return Err(bad_request("DC_ID_INVALID"));
    }
    let bytes = login::insert_export(context.db, context.me, context.model.limits.exports_per_user_max)?;
    Ok(types::auth::ExportedAuthorization { id: context.me, bytes }.into())
}

/// auth.importAuthorization: <https://core.telegram.org/method/auth.importAuthorization>.
pub(super) fn import_authorization(
    context: &mut Context<'_>,
    call: functions::auth::ImportAuthorization,
) -> Answer<enums::auth::Authorization> {
    if !login::take_export(context.db, call.id, &call.bytes)? {
        return Err(bad_request("AUTH_BYTES_INVALID"));
    }
    let user = users::find(context.db, call.id)?.ok_or_else(|| bad_request("USER_ID_INVALID"))?;
    log_in(context, &user)
}

/// The digits of a phone number.
pub(super) fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

fn test_phone(given: &str) -> Answer<String> {
    let phone = digits(given);
    let good = phone.len() == TEST_PHONE_LEN && phone.starts_with(TEST_PHONE_PREFIX);
    if good { Ok(phone) } else { Err(bad_request("PHONE_NUMBER_INVALID")) }
}

fn right_code(phone: &str) -> String {
    let digit = phone.get(TEST_PHONE_PREFIX.len()..=TEST_PHONE_PREFIX.len()).unwrap_or_default();
    digit.repeat(CODE_LEN)
}

fn sent_code(phone_code_hash: String) -> enums::auth::SentCode {
    let length = i32::try_from(CODE_LEN).unwrap_or(0);
    types::auth::SentCode {
        r#type: types::auth::SentCodeTypeApp { length }.into(),
        phone_code_hash,
        next_type: Some(enums::auth::CodeType::Sms),
        timeout: None,
    }
    .into()
}

/// The phone number and the code that was sent to it under this hash.
fn code(context: &Context<'_>, phone: &str, hash: &str) -> Answer<(String, login::SentCode)> {
    let phone = test_phone(phone)?;
    if hash.is_empty() {
        return Err(bad_request("PHONE_CODE_HASH_EMPTY"));
    }
    let sent = login::find_code(context.db, hash)?.filter(|sent| sent.phone == phone);
    Ok((phone, sent.ok_or_else(|| bad_request("PHONE_CODE_EXPIRED"))?))
}

/// Logs in who gave the right code, unless a password is missing still.
fn authorize(context: &mut Context<'_>, user: &User) -> Answer<enums::auth::Authorization> {
    if login::password(context.db, user.id)?.is_none() {
        return log_in(context, user);
    }
    keys::await_password(context.db, context.caller.auth_key_id, user.id)?;
    Err(unauthorized("SESSION_PASSWORD_NEEDED").keeping_changes())
}

fn log_in(context: &mut Context<'_>, user: &User) -> Answer<enums::auth::Authorization> {
    login::end_tokens(context.db, context.caller.auth_key_id)?;
    if !hold(context, context.caller.auth_key_id, user.id)? {
        return Err(unauthorized("AUTH_KEY_INVALID"));
    }
    (context.me, context.bot) = (user.id, user.bot);
    authorization(context, user)
}

/// Has this user hold the key from now on; false if it was forgotten meanwhile.
fn hold(context: &mut Context<'_>, auth_key_id: i64, user: i64) -> Answer<bool> {
    if !keys::log_in(context.db, auth_key_id, user)? {
        return Ok(false);
    }
    for oldest in keys::beyond(context.db, user, context.model.limits.logins_per_user_max, auth_key_id)? {
        secret_chats::log_out(context, oldest, LoggedOut::Elsewhere)?;
        context.disconnect(oldest);
    }
    Ok(true)
}

/// The caller's key is this user's, who has accepted its login token.
fn logged_in_by_token(context: &mut Context<'_>, id: i64) -> Answer<enums::auth::LoginToken> {
    if context.faults.sends_login_on() {
        secret_chats::log_out(context, context.caller.auth_key_id, LoggedOut::Here)?;
        let token = login::insert_export(context.db, id, context.model.limits.exports_per_user_max)?;
        return Ok(types::auth::LoginTokenMigrateTo { dc_id: context.dc.id, token }.into());
    }
    let user = users::find(context.db, id)?.ok_or_else(|| unauthorized("USER_DEACTIVATED"))?;
    let authorization = authorization(context, &user)?;
    Ok(types::auth::LoginTokenSuccess { authorization }.into())
}

fn authorization(context: &Context<'_>, user: &User) -> Answer<enums::auth::Authorization> {
    Ok(types::auth::Authorization {
        setup_password_required: false,
        otherwise_relogin_days: None,
        tmp_sessions: None,
        future_auth_token: None,
        user: view::user(context, user.id, user)?,
    }
    .into())
}
