//! Logging in and out.

use grammers_crypto::two_factor_auth::calculate_2fa;
use grammers_tl_types as tl;
use tl::{Deserializable, enums, functions, types};

use super::world::{Client, World, authorized, bot_token};

#[test]
fn a_new_number_signs_up_and_then_signs_in() {
    let world = World::new();
    let first = world.human(1);
    let mut second = world.client();
    second.log_in(1);
    assert_eq!(first.me, second.me);
    let me = second.ok(&functions::users::GetUsers { id: vec![enums::InputUser::UserSelf] });
    let enums::User::User(me) = &me[0] else { panic!("{me:?}") };
    assert!(me.is_self);
    assert_eq!((me.first_name.as_deref(), me.phone.as_deref()), (Some("User1"), Some("9996610001")));
}

#[test]
fn only_test_numbers_get_a_code() {
    let world = World::new();
    let client = world.client();
    for phone in ["", "+4930123456", "999661000", "99966100011", "9996510001", "garbage"] {
        assert_eq!(client.send_code_to(phone).unwrap_err().to_string(), "400 PHONE_NUMBER_INVALID", "{phone:?}");
    }
    client.send_code_to("+99966 3 1234").unwrap();
}

#[test]
fn wrong_codes_and_hashes_are_told_apart() {
    let world = World::new();
    world.human(1);
    let client = world.client();
    let hash = client.send_code(1).unwrap();
    for (hash, code, wanted) in [
        (hash.as_str(), "22222", "400 PHONE_CODE_INVALID"),
        (hash.as_str(), "", "400 PHONE_CODE_EMPTY"),
        ("0123456789abcdef01", "11111", "400 PHONE_CODE_EXPIRED"),
        ("", "11111", "400 PHONE_CODE_HASH_EMPTY"),
    ] {
        assert_eq!(client.sign_in(1, hash, code).unwrap_err().to_string(), wanted);
    }
    client.sign_in(1, &hash, "11111").unwrap();
    assert_eq!(client.sign_in(1, &hash, "11111").unwrap_err().to_string(), "400 PHONE_CODE_EXPIRED");
}

#[test]
fn sign_up_needs_the_right_code_first_and_a_name() {
    let world = World::new();
    let client = world.client();
    let hash = client.send_code(1).unwrap();
    let sign_up = |first_name: &str, last_name: &str| functions::auth::SignUp {
        no_joined_notifications: false,
        phone_number: super::world::phone(1),
        phone_code_hash: hash.clone(),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
    };
    assert_eq!(client.err(&sign_up("A", "")), "400 PHONE_CODE_INVALID");
    client.sign_in(1, &hash, "11111").unwrap();
    assert_eq!(client.err(&sign_up("  ", "")), "400 FIRSTNAME_INVALID");
    assert_eq!(client.err(&sign_up("A", &"b".repeat(65))), "400 LASTNAME_INVALID");
    authorized(client.ok(&sign_up("A", "B")));
}

#[test]
fn without_a_login_only_login_methods_work() {
    let world = World::new();
    let client = world.client();
    client.ok(&functions::help::GetConfig {});
    assert_eq!(client.err(&functions::updates::GetState {}), "401 AUTH_KEY_UNREGISTERED");
    let mut client = world.client();
    client.sign_up(1);
    client.ok(&functions::updates::GetState {});
    client.ok(&functions::auth::LogOut {});
    assert_eq!(client.err(&functions::updates::GetState {}), "401 AUTH_KEY_UNREGISTERED");
}

#[test]
fn a_password_is_asked_for_after_the_code() {
    let world = World::new();
    let owner = world.human(1);
    set_password(&owner, "secret");

    let client = world.client();
    let hash = client.send_code(1).unwrap();
    assert_eq!(client.sign_in(1, &hash, "11111").unwrap_err().to_string(), "401 SESSION_PASSWORD_NEEDED");
    assert_eq!(client.err(&functions::updates::GetState {}), "401 SESSION_PASSWORD_NEEDED");

    let wrong = proof(&client, "not it");
    assert_eq!(client.err(&check(wrong.clone())), "400 PASSWORD_HASH_INVALID");
    assert_eq!(client.err(&check(wrong)), "400 SRP_ID_INVALID", "one guess for each exchange");
    let right = proof(&client, "secret");
    assert_eq!(authorized(client.ok(&check(right))).id(), owner.me);
    client.ok(&functions::updates::GetState {});
}

#[test]
fn nobody_ends_anothers_proof_of_the_password() {
    let world = World::new();
    let owner = world.human(1);
    set_password(&owner, "secret");
    let (client, mallory) = (world.client(), world.client());
    for client in [&client, &mallory] {
        let hash = client.send_code(1).unwrap();
        assert_eq!(client.sign_in(1, &hash, "11111").unwrap_err().to_string(), "401 SESSION_PASSWORD_NEEDED");
    }
    let older = proof(&client, "secret");
    let right = proof(&client, "secret");
    state(&mallory);
    assert_eq!(client.err(&check(older)), "400 SRP_ID_INVALID", "a key has one at a time");
    client.ok(&check(right));
}

#[test]
fn a_password_is_changed_only_by_who_knows_it() {
    let world = World::new();
    let owner = world.human(1);
    set_password(&owner, "old");
    let mut call = settings(&owner, "new");
    assert_eq!(owner.err(&call), "400 PASSWORD_HASH_INVALID");
    call.password = proof(&owner, "old");
    owner.ok(&call);
    let mut removal = settings(&owner, "x");
    removal.password = proof(&owner, "new");
    let enums::account::PasswordInputSettings::Settings(new) = &mut removal.new_settings;
    (new.new_algo, new.new_password_hash) = (Some(enums::PasswordKdfAlgo::Unknown), Some(Vec::new()));
    owner.ok(&removal);
    world.client().log_in(1);
}

#[test]
fn a_password_must_use_the_salts_and_group_given() {
    type Spoil = fn(&mut types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow, &mut Vec<u8>);
    let cases: [(Spoil, &str); 5] = [
        (|algo, _| algo.salt1.truncate(8), "400 NEW_SALT_INVALID"),
        (|algo, _| algo.salt1[0] ^= 1, "400 NEW_SALT_INVALID"),
        (|algo, _| algo.salt2.push(0), "400 NEW_SALT_INVALID"),
        (|algo, _| algo.g = 2, "400 NEW_SETTINGS_INVALID"),
        (|_, verifier| verifier.fill(0xff), "400 NEW_SETTINGS_INVALID"),
    ];
    let world = World::new();
    let owner = world.human(1);
    for (spoil, wanted) in cases {
        let mut call = settings(&owner, "new");
        let enums::account::PasswordInputSettings::Settings(new) = &mut call.new_settings;
        let Some(enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(algo)) = &mut new.new_algo
        else {
            panic!()
        };
        spoil(algo, new.new_password_hash.as_mut().unwrap());
        assert_eq!(owner.err(&call), wanted);
    }
}

#[test]
fn a_token_makes_a_bot_once_and_guards_it_then() {
    let world = World::new();
    let bot = world.bot(700_001);
    assert_eq!(bot.me, 700_001);
    assert_eq!(world.bot(700_001).me, 700_001);
    assert_eq!(bot.err(&super::world::history_request(enums::InputPeer::PeerSelf, 1)), "400 BOT_METHOD_INVALID");
    let human = world.human(1);
    let client = world.client();
    let other_secret = format!("700001:{}", "b".repeat(35));
    let humans = bot_token(human.me);
    for token in
        ["", "700001", "x:y", ":", "-5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", other_secret.as_str(), humans.as_str()]
    {
        let call = functions::auth::ImportBotAuthorization {
            flags: 0,
            api_id: 1,
            api_hash: String::new(),
            bot_auth_token: token.to_owned(),
        };
        assert_eq!(client.err(&call), "400 ACCESS_TOKEN_INVALID", "{token:?}");
    }
}

#[test]
fn resetting_authorizations_revokes_the_others() {
    let world = World::new();
    let here = world.human(1);
    let mut there = world.client();
    there.log_in(1);
    here.ok(&functions::auth::ResetAuthorizations {});
    assert_eq!(world.disconnected(), [there.caller.auth_key_id]);
    assert_eq!(there.err(&functions::updates::GetState {}), "401 SESSION_REVOKED");
    here.ok(&functions::updates::GetState {});
}

#[test]
fn an_exported_login_is_imported_once() {
    let world = World::new();
    let here = world.human(1);
    assert_eq!(here.err(&functions::auth::ExportAuthorization { dc_id: 4 }), "400 DC_ID_INVALID");
    let enums::auth::ExportedAuthorization::Authorization(export) =
        here.ok(&functions::auth::ExportAuthorization { dc_id: 2 });
    let there = world.client();
    let import = functions::auth::ImportAuthorization { id: export.id, bytes: export.bytes };
    assert_eq!(authorized(there.ok(&import)).id(), here.me);
    assert_eq!(there.err(&import), "400 AUTH_BYTES_INVALID");
}

#[test]
fn a_failure_asked_for_comes_once() {
    let world = World::new();
    let client = world.client();
    world.faults.fail_next("auth.sendCode", 420, "FLOOD_WAIT_3");
    assert_eq!(client.send_code(1).unwrap_err().to_string(), "420 FLOOD_WAIT_3");
    client.send_code(1).unwrap();
}

#[test]
fn no_bytes_make_it_panic() {
    use crate::seam::Methods;
    let world = World::new();
    let client = world.human(1);
    let whole = tl::Serializable::to_bytes(&client.message(enums::InputPeer::PeerSelf, "x"));
    for end in 0..whole.len() {
        assert!(world.api.invoke(client.caller, &whole[..end]).is_err());
    }
    let nested = [&whole[..8], &0xa87b_0a1c_u32.to_le_bytes().repeat(100_000)].concat();
    let error = world.api.invoke(client.caller, &nested).unwrap_err().to_string();
    assert_eq!(error, "400 INPUT_REQUEST_TOO_LONG");
    assert_eq!(world.api.invoke(client.caller, &[1, 2, 3, 4]).unwrap_err().to_string(), "400 INPUT_METHOD_INVALID");
}

pub(super) fn set_password(client: &Client<'_>, password: &str) {
    client.ok(&settings(client, password));
}

/// What a client sends to set this password, without proof of the one before.
fn settings(client: &Client<'_>, password: &str) -> functions::account::UpdatePasswordSettings {
    let enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(mut algo) = state(client).new_algo
    else {
        panic!("an algorithm is offered")
    };
    algo.salt1.extend([5; 32]);
    let verifier = crate::api::srp::tests::verifier(password, &algo.salt1, &algo.salt2).to_vec();
    let mut new = types::account::PasswordInputSettings::from_bytes(&[0; 4]).unwrap();
    (new.new_algo, new.new_password_hash, new.hint) = (Some(algo.into()), Some(verifier), Some(String::new()));
    functions::account::UpdatePasswordSettings {
        password: enums::InputCheckPasswordSrp::InputCheckPasswordEmpty,
        new_settings: new.into(),
    }
}

fn state(client: &Client<'_>) -> types::account::Password {
    let enums::account::Password::Password(state) = client.ok(&functions::account::GetPassword {});
    state
}

pub(super) fn proof(client: &Client<'_>, password: &str) -> enums::InputCheckPasswordSrp {
    let state = state(client);
    let Some(enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(algo)) = state.current_algo
    else {
        panic!("a password is set")
    };
    let (m1, a) =
        calculate_2fa(&algo.salt1, &algo.salt2, &algo.p, &algo.g, state.srp_b.unwrap(), vec![11; 256], password);
    types::InputCheckPasswordSrp { srp_id: state.srp_id.unwrap(), a: a.to_vec(), m1: m1.to_vec() }.into()
}

pub(super) fn check(password: enums::InputCheckPasswordSrp) -> functions::auth::CheckPassword {
    functions::auth::CheckPassword { password }
}
