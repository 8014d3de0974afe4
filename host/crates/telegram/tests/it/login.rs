//! Logging in and out, and what is said when that does not go.

use store::AccountStore;
use telegram::login::{Login, LoginError, SignIn};
use telegram::{DcAddress, ExchangeError};
use tgl::Connection;
use tokio::io::AsyncWriteExt;

use crate::world::{User, World, code, config, phone, sign_up};

pub(crate) const TOKEN: &str = "4242:abcdefghijklmnopqrstuvwxyz012345678";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_signs_up_and_an_old_one_logs_in() {
    let world = World::new().await;
    let store = world.store("a");
    assert!(telegram::is_logged_in(&store).is_none());
    let user = sign_up(&store, world.address(), "Alice", &phone(1)).await;
    assert_eq!((user.first_name.as_deref(), user.phone.as_deref()), (Some("Alice"), Some(phone(1).as_str())));
    assert_eq!(telegram::is_logged_in(&store).map(|user| user.id), Some(user.id));
    assert_eq!(telegram::display_name(&user), "Alice");

    let elsewhere = world.store("b");
    let again = sign_up(&elsewhere, world.address(), "not asked for", &phone(1)).await;
    assert_eq!(again.id, user.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_or_number_is_named_and_the_login_goes_on() {
    let world = World::new().await;
    let store = world.store("a");
    let mut login = Login::begin(config(store.clone(), world.address())).await.unwrap();
    assert!(matches!(login.sign_in("11111").await, Err(LoginError::OutOfOrder(_))));
    let error = login.send_code("12345").await.unwrap_err();
    assert!(matches!(&error, LoginError::PhoneInvalid(given) if given == "12345"), "{error}");
    login.send_code(&phone(1)).await.unwrap();
    assert!(matches!(login.sign_in("99999").await, Err(LoginError::CodeInvalid)));
    assert!(matches!(login.sign_in(&code(1)).await, Ok(SignIn::SignUpNeeded)));
    assert!(matches!(login.sign_up("", "").await, Err(LoginError::NameInvalid)));
    login.sign_up("Alice", "Smith").await.unwrap();
    let kept = format!("{login:?}");
    assert!(!kept.contains("hash"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flood_waits_and_expired_codes_are_told() {
    let world = World::new().await;
    let faults = world.dc.faults();
    let mut login = Login::begin(config(world.store("a"), world.address())).await.unwrap();
    faults.fail_next("auth.sendCode", 420, "FLOOD_WAIT_77");
    assert!(matches!(login.send_code(&phone(1)).await, Err(LoginError::FloodWait { seconds: 77 })));
    login.send_code(&phone(1)).await.unwrap();
    faults.fail_next("auth.signIn", 400, "PHONE_CODE_EXPIRED");
    assert!(matches!(login.sign_in(&code(1)).await, Err(LoginError::CodeExpired)));
    faults.fail_next("auth.signIn", 403, "SOMETHING_NEW");
    assert!(matches!(login.sign_in(&code(1)).await, Err(LoginError::Refused(name)) if name == "SOMETHING_NEW"));
}

/// Failures that pass, at every step of a login. Each costs a wait and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_outlasts_what_passes() {
    let steps: [(&str, i32, &str); 8] = [
        ("help.getNearestDc", 500, "INTERNAL"),
        ("auth.sendCode", 500, "INTERNAL"),
        ("auth.sendCode", 420, "FLOOD_WAIT_1"),
        ("auth.signIn", -503, "Timeout"),
        ("auth.signIn", 420, "FLOOD_WAIT_1"),
        ("auth.signUp", 500, "INTERNAL"),
        ("updates.getState", 500, "INTERNAL"),
        ("updates.getState", 420, "FLOOD_WAIT_1"),
    ];
    let world = World::new().await;
    let faults = world.dc.faults();
    for (method, code, name) in steps {
        faults.fail_next(method, code, name);
    }
    let store = world.store("a");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    assert_eq!(faults.failures_pending(), 0, "all of them happened");
    assert!(store.update_state().unwrap().is_some());
    world.start(store).await;
}

/// What is asked after the login is not worth the login.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_accepted_is_kept_whatever_follows() {
    let world = World::new().await;
    for (digit, code, name) in [(1, 500, "INTERNAL"), (2, 400, "SOMETHING_NEW"), (3, 420, "FLOOD_WAIT_3600")] {
        let store = world.store(name);
        for _ in 0..10 {
            world.dc.faults().fail_next("updates.getState", code, name);
        }
        let user = sign_up(&store, world.address(), "Alice", &phone(digit)).await;
        assert_eq!(telegram::is_logged_in(&store).map(|user| user.id), Some(user.id), "{name}");
        world.dc.faults().forget_failures();
        let mut alice = world.start(store).await;
        let us = alice.peer();
        alice.send(us, "logged in").await;
    }
}

/// The data centre has logged us in, and its answer does not arrive: the code is not accepted twice, and need not be.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_costs_no_login() {
    let world = World::new().await;
    let faults = world.dc.faults();
    let store = world.store("a");
    faults.hide_next_answer("auth.signUp", 500, "INTERNAL");
    let user = sign_up(&store, world.address(), "Alice", &phone(1)).await;
    assert_eq!(telegram::is_logged_in(&store).map(|user| user.id), Some(user.id));

    let again = world.store("b");
    faults.hide_next_answer("auth.signIn", 500, "INTERNAL");
    assert_eq!(sign_up(&again, world.address(), "Alice", &phone(1)).await.id, user.id);

    faults.hide_next_answer("auth.importBotAuthorization", 500, "INTERNAL");
    let mut login = Login::begin(config(world.store("bot"), world.address())).await.unwrap();
    assert_eq!(login.bot(TOKEN).await.unwrap().id, 4242);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_logs_in_by_its_token() {
    let world = World::new().await;
    let store = world.store("bot");
    let mut login = Login::begin(config(store.clone(), world.address())).await.unwrap();
    assert!(matches!(login.bot("nonsense").await, Err(LoginError::TokenInvalid)));
    let bot = login.bot(TOKEN).await.unwrap();
    login.finish().await.unwrap();
    assert_eq!(bot.id, 4242);
    assert!(store.owner().unwrap().unwrap().is_bot);
    let bot = world.start(store).await;
    assert_eq!(bot.id, 4242);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_leaves_nobody() {
    let world = World::new().await;
    let store = world.store("a");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    Login::begin(config(store.clone(), world.address())).await.unwrap().log_out().await.unwrap();
    assert!(telegram::is_logged_in(&store).is_none());
    let mut user = User::begin(store, world.address());
    let state = user.wait(|state| matches!(state.connection, Connection::LoggedOut(_))).await;
    assert_eq!(state.our_id, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_key_is_not_trusted() {
    let (world, other) = (World::new().await, World::new().await);
    let dc = DcAddress::Custom {
        address: world.dc.address,
        public_key_pem: other.dc.public_key_pem.clone(),
        dc_id: world.dc.dc_id,
    };
    let error = Login::begin(config(world.store("a"), dc)).await.unwrap_err();
    assert!(matches!(error, LoginError::KeyExchange(ExchangeError::WrongServerKey)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_another_data_centre_is_replaced() {
    let (world, other) = (World::new().await, World::new().await);
    let store = world.store("a");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    let mut stranger = User::begin(store.clone(), other.address());
    let state = stranger.wait(|state| matches!(state.connection, Connection::LoggedOut(_))).await;
    assert!(format!("{:?}", state.connection).contains("does not know this session"), "{state:?}");
    stranger.stop().await;
    sign_up(&store, other.address(), "Alice", &phone(3)).await;
    other.start(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_or_talks_rubbish_is_named() {
    let rubbish = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rubbish_address = rubbish.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = rubbish.accept().await {
            let _ = socket.write_all(&[0x55; 300]).await;
        }
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed_address = closed.local_addr().unwrap();
    drop(closed);
    let world = World::new().await;
    for address in [rubbish_address, closed_address] {
        let dir = tempfile::tempdir().unwrap();
        let store = AccountStore::open(dir.path()).unwrap();
        let dc = DcAddress::Custom { address, public_key_pem: world.dc.public_key_pem.clone(), dc_id: 2 };
        let error = Login::begin(config(store, dc)).await.unwrap_err();
        assert!(matches!(error, LoginError::Unreachable(_)), "{error}");
    }
}
