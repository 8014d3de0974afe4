//! The second factor.

use std::net::SocketAddr;

use grammers_tl_types as tl;
use num_bigint::BigUint;
use sha2::{Digest, Sha256, Sha512};
use telegram::login::{Login, LoginError, SignIn};
use tgl::User;
use tl::{enums, functions, types};

use crate::world::{World, ask_by_hand, code, config, key_of, phone, sign_up};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_password_wants_it() {
    let world = World::new().await;
    let user = with_password(&world).await;
    let store = world.store("second");
    let mut login = Login::begin(config(store.clone(), world.address())).await.unwrap();
    login.send_code(&phone(1)).await.unwrap();
    let SignIn::PasswordNeeded { hint } = login.sign_in(&code(1)).await.unwrap() else {
        panic!("it was not asked for")
    };
    assert_eq!(hint.as_deref(), Some("a stable one"));
    assert!(telegram::is_logged_in(&store).is_none());
    assert!(matches!(login.check_password("wrong").await, Err(LoginError::PasswordInvalid)));
    assert!(matches!(login.check_password("").await, Err(LoginError::PasswordInvalid)));
    assert_eq!(login.check_password(PASSWORD).await.unwrap().id, user.id);
    login.finish().await.unwrap();
    assert_eq!(telegram::is_logged_in(&store).map(|user| user.id), Some(user.id));
}

/// Failures that pass, at every step between the code, which is accepted once, and the end of the login; the last is of an
/// answer that is lost: the proof is not accepted twice, and need not be.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_password_outlasts_what_passes() {
    let steps = [
        ("auth.signIn", 500, "INTERNAL"),
        ("account.getPassword", 500, "INTERNAL"),
        ("account.getPassword", 420, "FLOOD_WAIT_1"),
        ("auth.checkPassword", 500, "INTERNAL"),
        ("auth.checkPassword", 420, "FLOOD_WAIT_1"),
        ("auth.checkPassword", 400, "SRP_ID_INVALID"),
        ("auth.checkPassword", -503, "Timeout"),
    ];
    let world = World::new().await;
    let user = with_password(&world).await;
    let faults = world.dc.faults();
    for (name, is_answer_lost) in [("failing", false), ("lost", true)] {
        for (method, code, error) in steps.iter().filter(|_| !is_answer_lost) {
            faults.fail_next(method, *code, error);
        }
        if is_answer_lost {
            faults.hide_next_answer("auth.checkPassword", 500, "INTERNAL");
        }
        let store = world.store(name);
        let mut login = Login::begin(config(store.clone(), world.address())).await.unwrap();
        login.send_code(&phone(1)).await.unwrap();
        assert!(matches!(login.sign_in(&code(1)).await, Ok(SignIn::PasswordNeeded { .. })), "{name}");
        assert_eq!(login.check_password(PASSWORD).await.unwrap().id, user.id, "{name}");
        login.finish().await.unwrap();
        assert_eq!(faults.failures_pending(), 0, "all of them happened");
        world.start(store).await;
    }
}

/// A wait that is too long to sit out is told, and the login goes on from there: the code is not asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_before_the_password_is_checked_is_told_and_costs_no_login() {
    let world = World::new().await;
    let user = with_password(&world).await;
    let mut login = Login::begin(config(world.store("b"), world.address())).await.unwrap();
    login.send_code(&phone(1)).await.unwrap();
    login.sign_in(&code(1)).await.unwrap();
    world.dc.faults().fail_next("auth.checkPassword", 420, "FLOOD_WAIT_3600");
    assert!(matches!(login.check_password(PASSWORD).await, Err(LoginError::FloodWait { seconds: 3600 })));
    assert_eq!(login.check_password(PASSWORD).await.unwrap().id, user.id);
}

/// A user who has set the password.
async fn with_password(world: &World) -> User {
    let store = world.store("first");
    let user = sign_up(&store, world.address(), "Alice", &phone(1)).await;
    set_password(world.dc.address, key_of(&store)).await;
    user
}

/// Sets the password as any client does: <https://core.telegram.org/api/srp#setting-a-new-2fa-password>.
pub(crate) async fn set_password(address: SocketAddr, auth_key: [u8; 256]) {
    let answer = ask_by_hand(address, auth_key, functions::account::GetPassword {}).await;
    let enums::account::Password::Password(offer) = answer;
    let enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(mut algorithm) = offer.new_algo
    else {
        panic!("an unknown algorithm");
    };
    algorithm.salt1.extend([7; 32]);
    let verifier = verifier(&algorithm);
    let settings = types::account::PasswordInputSettings {
        new_algo: Some(algorithm.into()),
        new_password_hash: Some(verifier),
        hint: Some("a stable one".to_owned()),
        email: None,
        new_secure_settings: None,
    };
    let password = enums::InputCheckPasswordSrp::InputCheckPasswordEmpty;
    let request = functions::account::UpdatePasswordSettings { password, new_settings: settings.into() };
    assert!(ask_by_hand(address, auth_key, request).await);
}

fn verifier(algorithm: &types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow) -> Vec<u8> {
    let salted = |data: &[u8], salt: &[u8]| -> Vec<u8> {
        Sha256::new().chain_update(salt).chain_update(data).chain_update(salt).finalize().to_vec()
    };
    let (salt1, salt2) = (&algorithm.salt1, &algorithm.salt2);
    let first = salted(&salted(PASSWORD.as_bytes(), salt1), salt2);
    let x = salted(&pbkdf2_sha512(&first, salt1, 100_000), salt2);
    let generator = BigUint::from(algorithm.g.unsigned_abs());
    let bytes = generator.modpow(&BigUint::from_bytes_be(&x), &BigUint::from_bytes_be(&algorithm.p)).to_bytes_be();
    [vec![0; 256 - bytes.len()], bytes].concat()
}

fn pbkdf2_sha512(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 64] {
    let mut key = [0; 128];
    key[..password.len()].copy_from_slice(password);
    let [inner, outer] = [0x36, 0x5c].map(|pad| Sha512::new().chain_update(key.map(|byte| byte ^ pad)));
    let mac = |parts: &[&[u8]]| -> [u8; 64] {
        let message = parts.iter().fold(inner.clone(), |hash, part| hash.chain_update(part));
        outer.clone().chain_update(message.finalize()).finalize().into()
    };
    let mut last = mac(&[salt, &[0, 0, 0, 1]]);
    let mut out = last;
    for _ in 1..rounds {
        last = mac(&[&last]);
        out.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
    }
    out
}
