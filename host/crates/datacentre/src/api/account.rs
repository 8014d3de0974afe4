//! `account.*`: profile, username, presence, 2FA password, logins, notification settings.
//!
//! Invariant: what changes what others see is told to those who see it.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::context::Context;
use super::error::{Answer, bad_request, unauthorized};
use super::{render, srp};
use crate::model::login::{self, Password};
use crate::model::{keys, random, users};

/// How many salt bytes of its own a client must add to the server's.
const CLIENT_SALT_MIN: usize = 8;
const CLIENT_SALT_MAX: usize = 64;
/// The longest password hint, in characters.
const HINT_MAX_CHARS: usize = 255;

/// account.getPassword: <https://core.telegram.org/method/account.getPassword>.
pub(super) fn get_password(
    context: &mut Context<'_>,
    _: functions::account::GetPassword,
) -> Answer<enums::account::Password> {
    let user = context.standing.user.or(context.standing.password_pending);
    let user = user.ok_or_else(|| unauthorized("AUTH_KEY_UNREGISTERED"))?;
    let set = login::password(context.db, user)?;
    let (mut srp_b, mut srp_id) = (None, None);
    if let Some(password) = &set {
        let secret_b: [u8; srp::P_LEN] = random();
        srp_b = Some(srp::public_b(&password.verifier, &secret_b).to_vec());
        srp_id = Some(login::insert_srp(context.db, user, &secret_b)?);
    }
    let (salt1, salt2) = new_salts(context, user);
    Ok(types::account::Password {
        has_recovery: false,
        has_secure_values: false,
        has_password: set.is_some(),
        hint: set.as_ref().map(|password| password.hint.clone()).filter(|hint| !hint.is_empty()),
        current_algo: set.map(|password| algo(password.salt1, password.salt2)),
        srp_b,
        srp_id,
        email_unconfirmed_pattern: None,
        new_algo: algo(salt1, salt2),
        new_secure_algo: enums::SecurePasswordKdfAlgo::Unknown,
        secure_random: random::<32>().to_vec(),
        pending_reset_date: None,
        login_email_pattern: None,
    }
    .into())
}

/// account.updatePasswordSettings: <https://core.telegram.org/method/account.updatePasswordSettings>. There are no
/// recovery e-mails.
pub(super) fn update_password_settings(
    context: &mut Context<'_>,
    call: functions::account::UpdatePasswordSettings,
) -> Answer<bool> {
    check_srp(context, context.me, &call.password)?;
    let enums::account::PasswordInputSettings::Settings(new) = call.new_settings;
    let (Some(new_algo), Some(verifier)) = (new.new_algo, new.new_password_hash) else {
        return Err(bad_request("NEW_SETTINGS_INVALID"));
    };
    if verifier.is_empty() {
        login::set_password(context.db, context.me, None)?;
        return Ok(true);
    }
    let enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(new_algo) = new_algo else {
        return Err(bad_request("NEW_SETTINGS_INVALID"));
    };
    let (salt1, salt2) = new_salts(context, context.me);
    let own_part = new_algo.salt1.len().saturating_sub(salt1.len());
    let salts_good = new_algo.salt1.starts_with(&salt1)
        && (CLIENT_SALT_MIN..=CLIENT_SALT_MAX).contains(&own_part)
        && new_algo.salt2 == salt2;
    if !salts_good {
        return Err(bad_request("NEW_SALT_INVALID"));
    }
    let hint: String = new.hint.unwrap_or_default().chars().take(HINT_MAX_CHARS).collect();
    if new_algo.g != srp::G || new_algo.p != srp::p() || !srp::is_verifier(&verifier) {
        return Err(bad_request("NEW_SETTINGS_INVALID"));
    }
    let password = Password { salt1: new_algo.salt1, salt2: new_algo.salt2, verifier, hint };
    login::set_password(context.db, context.me, Some(&password))?;
    Ok(true)
}

/// Refuses unless this proves that the client knows the user's password, or none is set and none is given.
pub(super) fn check_srp(context: &mut Context<'_>, user: i64, given: &enums::InputCheckPasswordSrp) -> Answer<()> {
    let wrong = || bad_request("PASSWORD_HASH_INVALID");
    let (password, proof) = match (login::password(context.db, user)?, given) {
        (None, _) => return Ok(()),
        (Some(_), enums::InputCheckPasswordSrp::InputCheckPasswordEmpty) => return Err(wrong()),
        (Some(password), enums::InputCheckPasswordSrp::Srp(proof)) => (password, proof),
    };
    let Some(secret_b) = login::take_srp(context.db, user, proof.srp_id)? else {
        return Err(bad_request("SRP_ID_INVALID"));
    };
    let salts = (password.salt1.as_slice(), password.salt2.as_slice());
    if srp::proves(salts, &password.verifier, &secret_b, &proof.a, &proof.m1) {
        Ok(())
    } else {
        // The exchange is used up all the same: one guess each.
        Err(wrong().keeping_changes())
    }
}

/// The key's last connection went: if its user was online, they are not now.
pub(super) fn went_offline(context: &mut Context<'_>) -> Answer<()> {
    set_online(context, false)
}

fn set_online(context: &mut Context<'_>, online: bool) -> Answer<()> {
    let Some(mut user) = users::find(context.db, context.me)? else { return Ok(()) };
    let was_online = user.online_until > context.now;
    if user.bot || (!online && !was_online) {
        return Ok(());
    }
    user.online_until = if online { context.now + ONLINE_S } else { context.now };
    user.seen = context.now;
    users::set_presence(context.db, user.id, user.online_until, user.seen)?;
    if online && was_online {
        return Ok(());
    }
    let status = render::status(&user, context.now);
    for other in users::audience(context.db, user.id)? {
        let update = types::UpdateUserStatus { user_id: user.id, status: status.clone() };
        context.push_short(other, update.into())?;
    }
    Ok(())
}

/// How long account.updateStatus counts.
const ONLINE_S: i32 = 300;

fn algo(salt1: Vec<u8>, salt2: Vec<u8>) -> enums::PasswordKdfAlgo {
    types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
        salt1,
        salt2,
        g: srp::G,
        p: srp::p().to_vec(),
    }
    .into()
}

/// The server's part of the salts a new password of this user gets.
fn new_salts(context: &Context<'_>, user: i64) -> (Vec<u8>, Vec<u8>) {
    let salt1 = context.model.tag("password salt 1", user, 0);
    let salt2 = context.model.tag("password salt 2", user, 0);
    (salt1[..8].to_vec(), salt2[..16].to_vec())
}
