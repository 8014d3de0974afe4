//! Logging in by a QR code that another client of the user's accepts.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use grammers_tl_types::functions;
use store::AccountStore;
use telegram::login::{Login, LoginError, QrCode, QrLogin, SignIn};
use tgl::User;

use crate::password::{PASSWORD, set_password};
use crate::world::{PATIENCE, World, ask_by_hand, config, key_of, phone, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_accepted_logs_its_user_in() {
    let scene = Scene::new().await;
    let (mut login, code) = scene.shown("b").await;
    assert!(code.life > Duration::from_secs(25) && code.life <= Duration::from_secs(30), "{code:?}");
    let token = token(&code);
    let told = format!("{code:?} {login:?}");
    assert!(!told.contains(code.url.rsplit('=').next().unwrap()), "{told}");
    scene.accept(token).await;
    // At once: it is pushed.
    let user = done(tokio::time::timeout(Duration::from_secs(20), login.await_qr()).await.unwrap());
    assert_eq!(user.id, scene.alice.id);
    login.finish().await.unwrap();
    let store = scene.world.store("b");
    assert_eq!(telegram::is_logged_in(&store).map(|user| user.id), Some(user.id));
    // Where somebody is logged in, there is nothing to be shown.
    let mut again = Login::begin(config(store.clone(), scene.world.address())).await.unwrap();
    assert_eq!(done(again.show_qr(PATIENCE).await).id, user.id);
    again.finish().await.unwrap();
    scene.world.start(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_follow_each_other_for_so_long() {
    let scene = Scene::new().await;
    scene.world.dc.faults().set_login_token_life(1);
    let mut login = scene.begin("b").await;
    assert!(matches!(login.await_qr().await, Err(LoginError::OutOfOrder(_))));
    let mut codes = vec![shown(login.show_qr(Duration::from_secs(3)).await).url];
    let error = loop {
        match login.await_qr().await {
            Ok(QrLogin::Shown(code)) => codes.push(code.url),
            Ok(accepted) => panic!("{accepted:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LoginError::QrUnanswered { within_s: 3 }), "{error}");
    let count = codes.len();
    assert!((2..=4).contains(&count), "{count}");
    codes.dedup();
    assert_eq!(codes.len(), count);
    // One that lives on is accepted.
    scene.world.dc.faults().set_login_token_life(30);
    let code = shown(login.show_qr(PATIENCE).await);
    scene.accept(token(&code)).await;
    assert_eq!(done(login.await_qr().await).id, scene.alice.id);
}

/// What is lost on the way, at every step: each costs a wait and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_code_outlasts_what_passes() {
    let scene = Scene::new().await;
    let faults = scene.world.dc.faults();
    for step in ["before", "push", "answer", "connection", "sent on", "sent on, answer"] {
        faults.fail_next("auth.exportLoginToken", 500, "INTERNAL");
        faults.set_login_token_life(6);
        let (mut login, code) = scene.shown(step).await;
        match step {
            "push" => faults.drop_next_pushes(1),
            "answer" => faults.hide_next_answer("auth.exportLoginToken", 500, "INTERNAL"),
            "connection" => faults.drop_connections(),
            "sent on" => faults.send_on_next_logins(1),
            "sent on, answer" => {
                faults.send_on_next_logins(1);
                faults.hide_next_answer("auth.importLoginToken", 500, "INTERNAL");
            }
            _ => {}
        }
        scene.accept(token(&code)).await;
        assert_eq!(done(login.await_qr().await).id, scene.alice.id, "{step}");
        assert_eq!(faults.failures_pending(), 0, "{step}");
        login.finish().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for_after_the_code_was_accepted() {
    let scene = Scene::new().await;
    set_password(scene.world.dc.address, key_of(&scene.store)).await;
    let (mut login, code) = scene.shown("b").await;
    scene.accept(token(&code)).await;
    let next = login.await_qr().await.unwrap();
    assert!(matches!(&next, QrLogin::Accepted(SignIn::PasswordNeeded { hint: Some(_) })), "{next:?}");
    assert!(matches!(login.check_password("wrong").await, Err(LoginError::PasswordInvalid)));
    assert_eq!(login.check_password(PASSWORD).await.unwrap().id, scene.alice.id);
    login.finish().await.unwrap();
    scene.world.start(scene.world.store("b")).await;
}

/// Anybody can accept what is shown: an account with something in it becomes nobody else's by that, with a password or without.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_another_user_accepts_changes_nothing() {
    let scene = Scene::new().await;
    for with_password in [false, true] {
        let store = scene.world.store(&format!("ben's {with_password}"));
        let ben = sign_up(&store, scene.world.address(), "Ben", &phone(2)).await;
        Login::begin(config(store.clone(), scene.world.address())).await.unwrap().log_out().await.unwrap();
        if with_password {
            set_password(scene.world.dc.address, key_of(&scene.store)).await;
        }
        let mut login = Login::begin(config(store.clone(), scene.world.address())).await.unwrap();
        let code = shown(login.show_qr(PATIENCE).await);
        scene.accept(token(&code)).await;
        let error = match login.await_qr().await {
            Ok(QrLogin::Accepted(SignIn::PasswordNeeded { .. })) => login.check_password(PASSWORD).await.unwrap_err(),
            ended => ended.unwrap_err(),
        };
        let LoginError::OtherUser { name, user_id, owner_id } = error else { panic!("{error}") };
        assert_eq!((name.as_str(), user_id, owner_id), ("Alice", scene.alice.id, ben.id));
        login.finish().await.unwrap();
        assert_eq!(store.owner().unwrap().unwrap().user_id, ben.id);
        let authorizations =
            ask_by_hand(scene.world.dc.address, key_of(&scene.store), functions::account::GetAuthorizations {}).await;
        let grammers_tl_types::enums::account::Authorizations::Authorizations(authorizations) = authorizations;
        assert_eq!(authorizations.authorizations.len(), 1, "the login was ended again");
    }
}

/// A data centre, and Alice who is logged in there.
struct Scene {
    world: World,
    store: AccountStore,
    alice: User,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let store = world.store("alice");
        let alice = sign_up(&store, world.address(), "Alice", &phone(1)).await;
        Self { world, store, alice }
    }

    async fn begin(&self, name: &str) -> Login {
        Login::begin(config(self.world.store(name), self.world.address())).await.unwrap()
    }

    /// A login to a new account, and the code that it shows.
    async fn shown(&self, name: &str) -> (Login, QrCode) {
        let mut login = self.begin(name).await;
        let code = shown(login.show_qr(PATIENCE).await);
        (login, code)
    }

    /// Alice's client accepts it.
    async fn accept(&self, token: Vec<u8>) {
        ask_by_hand(self.world.dc.address, key_of(&self.store), functions::auth::AcceptLoginToken { token }).await;
    }
}

fn token(code: &QrCode) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(code.url.strip_prefix("tg://login?token=").unwrap()).unwrap()
}

#[track_caller]
fn shown(next: Result<QrLogin, LoginError>) -> QrCode {
    match next {
        Ok(QrLogin::Shown(code)) => code,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn done(next: Result<QrLogin, LoginError>) -> User {
    match next {
        Ok(QrLogin::Accepted(SignIn::Done(user))) => user,
        other => panic!("{other:?}"),
    }
}
