//! Logging in by a token that another client accepts: <https://core.telegram.org/api/qr-login>.

use tl::{enums, functions, types};

use grammers_tl_types as tl;

use super::login::{check, proof, set_password};
use super::world::{Client, World, authorized, bot_token};

#[test]
fn a_token_that_was_accepted_logs_its_key_in() {
    let world = World::new();
    let (alice, client) = (world.human(1), world.client());
    let token = exported(&client, &[]);
    assert!(token.len() >= 16 && token != exported(&world.client(), &[]));
    let accepted = authorization(alice.ok(&accept(&token)));
    assert_eq!((accepted.current, accepted.password_pending, accepted.api_id), (false, false, 1));
    assert!(matches!(client.pushed_updates()[..], [enums::Update::LoginToken]));
    // As often as it is asked: an answer may be lost.
    for _ in 0..2 {
        assert_eq!(authorized(success(client.ok(&export(&[])))).id(), alice.me);
    }
    client.ok(&functions::updates::GetState {});
    // By the name that was given it, it is ended.
    alice.ok(&functions::account::ResetAuthorization { hash: accepted.hash });
    assert_eq!(client.err(&functions::updates::GetState {}), "401 SESSION_REVOKED");
    assert_ne!(exported(&client, &[]), token, "what was accepted counts once");
}

#[test]
fn tokens_are_refused_for_what_is_wrong_with_them() {
    let world = World::new();
    let (alice, ben, client) = (world.human(1), world.human(2), world.client());
    assert_eq!(alice.err(&accept(&[7; 32])), "400 AUTH_TOKEN_INVALIDX");
    assert_eq!(alice.err(&accept(&[])), "400 AUTH_TOKEN_INVALIDX");
    let earlier = exported(&client, &[alice.me]);
    let token = exported(&client, &[alice.me]);
    assert_eq!(ben.err(&accept(&earlier)), "400 AUTH_TOKEN_EXPIRED", "there is a newer one");
    assert_eq!(alice.err(&accept(&token)), "400 AUTH_TOKEN_EXCEPTION");
    assert_eq!(world.client().err(&accept(&token)), "401 AUTH_KEY_UNREGISTERED");
    assert_eq!(world.bot(700_001).err(&accept(&token)), "400 BOT_METHOD_INVALID");
    let own = exported(&ben, &[]);
    assert_eq!(ben.err(&accept(&own)), "400 AUTH_TOKEN_EXCEPTION", "nobody accepts what is its own");
    ben.ok(&accept(&token));
    assert_eq!(alice.err(&accept(&token)), "400 AUTH_TOKEN_ALREADY_ACCEPTED");
    let call = functions::auth::ExportLoginToken { api_id: 0, api_hash: String::new(), except_ids: Vec::new() };
    assert_eq!(client.err(&call), "400 API_ID_INVALID");
}

#[test]
fn a_token_expires_and_is_forgotten_in_the_end() {
    let world = World::new();
    let (alice, client) = (world.human(1), world.client());
    let enums::auth::LoginToken::Token(shown) = client.ok(&export(&[])) else { panic!("a token") };
    let life_s = shown.expires - crate::model::unix_time();
    assert!((28..=30).contains(&life_s), "{life_s}");
    world.age_login_tokens(31);
    assert_eq!(alice.err(&accept(&shown.token)), "400 AUTH_TOKEN_EXPIRED");
    world.age_login_tokens(3_600);
    exported(&client, &[]);
    assert_eq!(alice.err(&accept(&shown.token)), "400 AUTH_TOKEN_INVALIDX");
    // What was accepted and is not asked after for long counts no more.
    let mut second = world.client();
    let token = exported(&second, &[]);
    alice.ok(&accept(&token));
    world.age_login_tokens(3_600);
    assert_ne!(exported(&second, &[]), token);
    // Who logs in otherwise is made nobody else by a token of before.
    let token = exported(&second, &[]);
    world.human(2);
    second.log_in(2);
    assert_eq!(alice.err(&accept(&token)), "400 AUTH_TOKEN_EXPIRED");
    let left = exported(&second, &[]);
    second.ok(&functions::auth::LogOut {});
    second.ok(&functions::auth::ImportBotAuthorization {
        flags: 0,
        api_id: 1,
        api_hash: String::new(),
        bot_auth_token: bot_token(700_001),
    });
    assert_eq!(alice.err(&accept(&left)), "400 AUTH_TOKEN_EXPIRED");
}

/// Within one second, too.
#[test]
fn who_accepted_last_is_logged_in() {
    let world = World::new();
    let (alice, ben, client) = (world.human(1), world.human(2), world.client());
    for user in [&alice, &ben, &alice] {
        user.ok(&accept(&exported(&client, &[])));
        assert_eq!(authorized(success(client.ok(&export(&[])))).id(), user.me);
        client.ok(&functions::auth::LogOut {});
    }
}

#[test]
fn a_password_is_asked_for_after_the_token() {
    let world = World::new();
    let (alice, client) = (world.human(1), world.client());
    set_password(&alice, "secret");
    assert!(authorization(alice.ok(&accept(&exported(&client, &[])))).password_pending);
    for _ in 0..2 {
        assert_eq!(client.err(&export(&[])), "401 SESSION_PASSWORD_NEEDED");
    }
    assert_eq!(client.err(&functions::updates::GetState {}), "401 SESSION_PASSWORD_NEEDED");
    let wrong = proof(&client, "not it");
    assert_eq!(client.err(&check(wrong)), "400 PASSWORD_HASH_INVALID");
    let right = proof(&client, "secret");
    assert_eq!(authorized(client.ok(&check(right))).id(), alice.me);
    client.ok(&functions::updates::GetState {});
}

#[test]
fn a_login_is_sent_on_and_imported_once() {
    let world = World::new();
    let (alice, client) = (world.human(1), world.client());
    let sent_on = |client: &Client<'_>| {
        let token = exported(client, &[]);
        alice.ok(&accept(&token));
        world.faults.send_on_next_logins(1);
        let enums::auth::LoginToken::MigrateTo(to) = client.ok(&export(&[])) else { panic!("it is sent on") };
        assert_eq!(client.err(&functions::updates::GetState {}), "401 AUTH_KEY_UNREGISTERED");
        assert_eq!((to.dc_id, client.err(&import(&token))), (2, "400 AUTH_TOKEN_INVALIDX".to_owned()));
        to.token
    };
    let (token, there) = (sent_on(&client), world.client());
    assert_eq!(authorized(success(there.ok(&import(&token)))).id(), alice.me);
    assert_eq!(client.err(&import(&token)), "400 AUTH_TOKEN_INVALIDX");
    let late = sent_on(&client);
    world.model.lock().execute("UPDATE exported_logins SET expires = expires - 100", []).unwrap();
    assert_eq!(client.err(&import(&late)), "400 AUTH_TOKEN_EXPIRED");
    let token = sent_on(&client);
    set_password(&alice, "secret");
    assert_eq!(client.err(&import(&token)), "401 SESSION_PASSWORD_NEEDED");
    let right = proof(&client, "secret");
    client.ok(&check(right));
}

#[test]
fn a_token_of_a_key_that_is_gone_is_none() {
    use crate::seam::AuthKeys as _;
    let world = World::new();
    let (alice, ben, client) = (world.human(1), world.human(2), world.client());
    set_password(&ben, "secret");
    let token = exported(&client, &[]);
    world.model.remove(client.caller.auth_key_id);
    for user in [&alice, &ben] {
        assert_eq!(user.err(&accept(&token)), "400 AUTH_TOKEN_EXPIRED");
    }
}

pub(super) fn export(except_ids: &[i64]) -> functions::auth::ExportLoginToken {
    functions::auth::ExportLoginToken { api_id: 1, api_hash: String::new(), except_ids: except_ids.to_vec() }
}

/// A token to be accepted.
#[track_caller]
pub(super) fn exported(client: &Client<'_>, except_ids: &[i64]) -> Vec<u8> {
    match client.ok(&export(except_ids)) {
        enums::auth::LoginToken::Token(shown) => shown.token,
        _ => panic!("nobody has accepted one"),
    }
}

pub(super) fn accept(token: &[u8]) -> functions::auth::AcceptLoginToken {
    functions::auth::AcceptLoginToken { token: token.to_vec() }
}

fn import(token: &[u8]) -> functions::auth::ImportLoginToken {
    functions::auth::ImportLoginToken { token: token.to_vec() }
}

#[track_caller]
fn success(answer: enums::auth::LoginToken) -> enums::auth::Authorization {
    match answer {
        enums::auth::LoginToken::Success(success) => success.authorization,
        _ => panic!("it was accepted"),
    }
}

fn authorization(authorization: enums::Authorization) -> types::Authorization {
    let enums::Authorization::Authorization(authorization) = authorization;
    authorization
}
