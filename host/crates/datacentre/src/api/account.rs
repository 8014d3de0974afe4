//! `account.*`: profile, username, presence, 2FA password, logins, notification settings.
//!
//! Invariant: what changes what others see is told to those who see it.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::context::Context;
use super::error::{Answer, bad_request, unauthorized};
use super::names::{checked_first_name, checked_last_name, is_username, is_username_taken};
use super::view::{self, Peers, to_tl};
use super::{named, secret_chats, srp};
use crate::model::keys::{self, LoggedOut};
use crate::model::login::{self, Password};
use crate::model::users::{self, User};
use crate::model::{dialogs, random};

/// How many salt bytes of its own a client must add to the server's.
const CLIENT_SALT_MIN: usize = 8;
const CLIENT_SALT_MAX: usize = 64;
/// The longest password hint, in characters.
const HINT_MAX_CHARS: usize = 255;
/// The longest text about oneself, in characters.
const ABOUT_MAX_CHARS: usize = 70;
/// How long account.updateStatus counts.
const ONLINE_S: i32 = 300;
/// What account.getAuthorizations says of unused logins; none is ended here.
const AUTHORIZATION_TTL_DAYS: i32 = 365;

/// account.getPassword: <https://core.telegram.org/method/account.getPassword>.
pub(super) fn get_password(
    context: &mut Context<'_>,
    _: functions::account::GetPassword,
) -> Answer<enums::account::Password> {
    let user = context.holder.user.or(context.holder.password_pending);
    let user = user.ok_or_else(|| unauthorized("AUTH_KEY_UNREGISTERED"))?;
    let set = login::password(context.db, user)?;
    let (mut srp_b, mut srp_id) = (None, None);
    if let Some(password) = &set {
        let secret_b: [u8; srp::P_LEN] = random();
        srp_b = Some(srp::public_b(&password.verifier, &secret_b).to_vec());
        srp_id = Some(login::insert_srp(context.db, context.caller.auth_key_id, user, &secret_b)?);
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

/// account.getPasswordSettings: <https://core.telegram.org/method/account.getPasswordSettings>.
pub(super) fn get_password_settings(
    context: &mut Context<'_>,
    call: functions::account::GetPasswordSettings,
) -> Answer<enums::account::PasswordSettings> {
    check_srp(context, context.me, &call.password)?;
    Ok(types::account::PasswordSettings { email: None, secure_settings: None }.into())
}

/// account.updateStatus: <https://core.telegram.org/method/account.updateStatus>.
pub(super) fn update_status(context: &mut Context<'_>, call: functions::account::UpdateStatus) -> Answer<bool> {
    set_online(context, !call.offline)?;
    Ok(true)
}

/// account.updateProfile: <https://core.telegram.org/method/account.updateProfile>.
pub(super) fn update_profile(
    context: &mut Context<'_>,
    call: functions::account::UpdateProfile,
) -> Answer<enums::User> {
    let mut user = me(context)?;
    if let Some(name) = &call.first_name {
        user.first_name = checked_first_name(name)?.to_owned();
    }
    if let Some(name) = &call.last_name {
        user.last_name = checked_last_name(name)?.to_owned();
    }
    if let Some(about) = &call.about {
        if about.chars().count() > ABOUT_MAX_CHARS {
            return Err(bad_request("ABOUT_TOO_LONG"));
        }
        user.about = about.trim().to_owned();
    }
    users::update_profile(context.db, &user)?;
    name_changed(context, &user)
}

/// account.checkUsername: <https://core.telegram.org/method/account.checkUsername>.
pub(super) fn check_username(context: &mut Context<'_>, call: functions::account::CheckUsername) -> Answer<bool> {
    if !is_username(&call.username) {
        return Err(bad_request("USERNAME_INVALID"));
    }
    Ok(!is_username_taken(context, &call.username)?)
}

/// account.updateUsername: <https://core.telegram.org/method/account.updateUsername>. An empty one takes it away.
pub(super) fn update_username(
    context: &mut Context<'_>,
    call: functions::account::UpdateUsername,
) -> Answer<enums::User> {
    let mut user = me(context)?;
    let username = Some(call.username).filter(|name| !name.is_empty());
    if username == user.username {
        return Err(bad_request("USERNAME_NOT_MODIFIED"));
    }
    if let Some(name) = &username {
        if !is_username(name) {
            return Err(bad_request("USERNAME_INVALID"));
        }
        let own = user.username.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        if !own && is_username_taken(context, name)? {
            return Err(bad_request("USERNAME_OCCUPIED"));
        }
    }
    users::set_username(context.db, user.id, username.as_deref())?;
    user.username = username;
    name_changed(context, &user)
}

/// account.getAuthorizations: <https://core.telegram.org/method/account.getAuthorizations>. Devices are not told apart:
/// all are on this machine.
pub(super) fn get_authorizations(
    context: &mut Context<'_>,
    _: functions::account::GetAuthorizations,
) -> Answer<enums::account::Authorizations> {
    let logins = keys::logins(context.db, context.me)?;
    let authorizations = logins.iter().map(|login| authorization(context, login).into()).collect();
    Ok(types::account::Authorizations { authorization_ttl_days: AUTHORIZATION_TTL_DAYS, authorizations }.into())
}

/// A login, as its user is told of it.
pub(super) fn authorization(context: &Context<'_>, login: &keys::Login) -> types::Authorization {
    let current = login.auth_key_id == context.caller.auth_key_id;
    types::Authorization {
        current,
        official_app: false,
        password_pending: false,
        encrypted_requests_disabled: true,
        call_requests_disabled: true,
        unconfirmed: false,
        // The calling session is named by 0.
        hash: if current { 0 } else { login.hash },
        device_model: "Unknown".to_owned(),
        platform: String::new(),
        system_version: String::new(),
        api_id: login.api_id,
        app_name: format!("Application {}", login.api_id),
        app_version: login.layer.map(|layer| format!("layer {layer}")).unwrap_or_default(),
        date_created: login.created,
        date_active: login.active,
        ip: "127.0.0.1".to_owned(),
        country: String::new(),
        region: String::new(),
    }
}

/// account.resetAuthorization: <https://core.telegram.org/method/account.resetAuthorization>.
pub(super) fn reset_authorization(
    context: &mut Context<'_>,
    call: functions::account::ResetAuthorization,
) -> Answer<bool> {
    let logins = keys::logins(context.db, context.me)?;
    let named = logins.iter().find(|login| login.hash == call.hash && login.auth_key_id != context.caller.auth_key_id);
    let login = named.ok_or_else(|| bad_request("HASH_INVALID"))?;
    secret_chats::log_out(context, login.auth_key_id, LoggedOut::Elsewhere)?;
    context.disconnect(login.auth_key_id);
    Ok(true)
}

/// account.getNotifySettings: <https://core.telegram.org/method/account.getNotifySettings>.
pub(super) fn get_notify_settings(
    context: &mut Context<'_>,
    call: functions::account::GetNotifySettings,
) -> Answer<enums::PeerNotifySettings> {
    let dialog = match &call.peer {
        enums::InputNotifyPeer::Peer(named) => {
            let peer = named::peer(context, &named.peer)?;
            dialogs::find(context.db, context.me, peer)?
        }
        _ => None,
    };
    Ok(view::notify_settings(dialog.as_ref()))
}

/// account.updateNotifySettings: <https://core.telegram.org/method/account.updateNotifySettings>, of single chats.
pub(super) fn update_notify_settings(
    context: &mut Context<'_>,
    call: functions::account::UpdateNotifySettings,
) -> Answer<bool> {
    let enums::InputNotifyPeer::Peer(named) = &call.peer else { return Err(bad_request("PEER_ID_INVALID")) };
    let peer = named::peer(context, &named.peer)?;
    let enums::InputPeerNotifySettings::Settings(new) = call.settings;
    let mut settings = tl_blank::peer_notify_settings();
    settings.show_previews = new.show_previews;
    settings.silent = new.silent;
    settings.mute_until = new.mute_until;
    let notify_settings = enums::PeerNotifySettings::from(settings);
    dialogs::set_notify(context.db, context.me, peer, &notify_settings.to_bytes())?;
    let named = types::NotifyPeer { peer: to_tl(peer) }.into();
    let update = types::UpdateNotifySettings { peer: named, notify_settings };
    context.push(context.me, vec![update.into()], &Peers::default().with(peer))?;
    Ok(true)
}

/// account.registerDevice: <https://core.telegram.org/method/account.registerDevice>; nothing is sent to devices.
pub(super) fn register_device(_: &mut Context<'_>, _: functions::account::RegisterDevice) -> Answer<bool> {
    Ok(true)
}

/// account.unregisterDevice: <https://core.telegram.org/method/account.unregisterDevice>.
pub(super) fn unregister_device(_: &mut Context<'_>, _: functions::account::UnregisterDevice) -> Answer<bool> {
    Ok(true)
}

/// account.getPrivacy: <https://core.telegram.org/method/account.getPrivacy>; there is nothing to hide here yet.
pub(super) fn get_privacy(
    _: &mut Context<'_>,
    _: functions::account::GetPrivacy,
) -> Answer<enums::account::PrivacyRules> {
    let rules = vec![enums::PrivacyRule::PrivacyValueAllowAll];
    Ok(types::account::PrivacyRules { rules, chats: Vec::new(), users: Vec::new() }.into())
}

/// account.getGlobalPrivacySettings: <https://core.telegram.org/method/account.getGlobalPrivacySettings>: the defaults.
pub(super) fn get_global_privacy_settings(
    _: &mut Context<'_>,
    _: functions::account::GetGlobalPrivacySettings,
) -> Answer<enums::GlobalPrivacySettings> {
    Ok(tl_blank::global_privacy_settings().into())
}

/// account.getContentSettings: <https://core.telegram.org/method/account.getContentSettings>: the defaults.
pub(super) fn get_content_settings(
    _: &mut Context<'_>,
    _: functions::account::GetContentSettings,
) -> Answer<enums::account::ContentSettings> {
    Ok(types::account::ContentSettings { sensitive_enabled: false, sensitive_can_change: false }.into())
}

/// account.getContactSignUpNotification: <https://core.telegram.org/method/account.getContactSignUpNotification>.
pub(super) fn get_contact_sign_up_notification(
    _: &mut Context<'_>,
    _: functions::account::GetContactSignUpNotification,
) -> Answer<bool> {
    Ok(false)
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
    let status = view::status(&user, context.now);
    for other in users::audience(context.db, user.id)? {
        let update = types::UpdateUserStatus { user_id: user.id, status: status.clone() };
        context.push_short(other, update.into())?;
    }
    Ok(())
}

fn me(context: &Context<'_>) -> Answer<User> {
    users::find(context.db, context.me)?.ok_or_else(|| unauthorized("AUTH_KEY_UNREGISTERED"))
}

/// Tells everyone who sees the caller of a new name: the caller's answer.
fn name_changed(context: &mut Context<'_>, user: &User) -> Answer<enums::User> {
    let usernames = user.username.iter().map(|username| {
        types::Username { editable: true, active: true, deletable: false, expired: false, username: username.clone() }
            .into()
    });
    let update = enums::Update::from(types::UpdateUserName {
        user_id: user.id,
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        usernames: usernames.collect(),
    });
    let people = Peers::default().with_user(user.id);
    for other in users::audience(context.db, user.id)?.into_iter().chain([user.id]) {
        context.push(other, vec![update.clone()], &people)?;
    }
    view::user(context, user.id, user)
}

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
