//! Connections that break, data centres that go away, sessions that end.

use std::time::Duration;

use tgl::{AccountState, Call, Connection, Failure};

use crate::proxy::{Proxy, Weather};
use crate::world::{PATIENCE, User, World, phone, sign_up, text_to, two_users};

fn is_online(state: &AccountState) -> bool {
    state.connection == Connection::Online
}

/// Alice straight, Bob through the proxy.
async fn through(world: &World, proxy: &Proxy) -> (User, User) {
    let mut alice = world.user("Alice", 1).await;
    let store = world.store("Bob");
    sign_up(&store, world.address(), "Bob", &phone(2)).await;
    let mut bob = User::start(store, proxy.to(world.address())).await;
    alice.knows(&bob, 2).await;
    bob.knows(&alice, 1).await;
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_lose_and_double_nothing() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    let mut expected = Vec::new();
    for number in 0..8 {
        proxy.cut();
        let text = format!("down {number}");
        alice.send(bob.peer(), &text).await;
        expected.push(text);
        let text = format!("up {number}");
        bob.send(alice.peer(), &text).await;
        expected.push(text);
    }
    let mut got = bob.texts(16).await;
    got.sort();
    expected.sort();
    assert_eq!(got, expected);
    assert_eq!(alice.texts(16).await.len(), 16, "each was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cut_in_the_middle_comes_whole_later() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    for bytes in [5, 300, 1_500] {
        proxy.set(Weather::CutAfter(bytes));
        proxy.cut();
        alice.send(bob.peer(), "whole").await;
        bob.wait(|state| !is_online(state)).await;
        proxy.set(Weather::Fine);
        assert_eq!(bob.texts(1).await, ["whole"], "cut after {bytes} bytes");
        bob.wait(is_online).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_leads_to_a_new_connection() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    proxy.set(Weather::Garbage);
    alice.send(bob.peer(), "rubbish").await;
    let state = bob.wait(|state| matches!(state.connection, Connection::Waiting(_))).await;
    assert!(format!("{:?}", state.connection).contains("127.0.0.1"), "{state:?}");
    proxy.set(Weather::Fine);
    assert_eq!(bob.texts(1).await, ["rubbish"]);
    bob.wait(is_online).await;
    bob.send(alice.peer(), "fine").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_silently_is_noticed() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    proxy.set(Weather::Silence);
    alice.send(bob.peer(), "unheard").await;
    let mut state = bob.state.clone();
    let noticed = state.wait_for(|state| !is_online(state));
    tokio::time::timeout(PATIENCE, noticed).await.expect("it is noticed").unwrap();
    proxy.set(Weather::Fine);
    proxy.cut();
    assert_eq!(bob.texts(1).await, ["unheard"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_said_once_and_ends_by_itself() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    proxy.refuse(true);
    proxy.cut();
    let waiting = bob.wait(|state| matches!(state.connection, Connection::Waiting(_))).await;
    alice.send(bob.peer(), "meanwhile").await;
    let sending = bob.request(text_to(alice.peer(), "kept")).await;
    // Several tries later it still says the same.
    let changed = bob.state.wait_for(|state| state.connection != waiting.connection);
    assert!(tokio::time::timeout(Duration::from_millis(1_500), changed).await.is_err());
    proxy.refuse(false);
    bob.wait(is_online).await;
    let completion = bob.completion().await;
    assert!(completion.id == sending && completion.result.is_ok(), "{completion:?}");
    let mut texts = bob.texts(2).await;
    texts.sort();
    assert_eq!(texts, ["kept", "meanwhile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_centre_that_was_restarted_is_found_again() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let world = world.restart().await;
    alice.send(bob.peer(), "still here").await;
    assert_eq!(bob.texts(1).await, ["still here"]);
    drop(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_starts_before_its_data_centre() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let store = world.store("Alice");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    proxy.refuse(true);
    let mut alice = User::begin(store, proxy.to(world.address()));
    alice.wait(|state| matches!(state.connection, Connection::Waiting(_))).await;
    proxy.refuse(false);
    alice.wait(is_online).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_is_logged_out() {
    let cases = [
        (401, "SESSION_REVOKED"),
        (401, "AUTH_KEY_UNREGISTERED"),
        (401, "USER_DEACTIVATED"),
        (406, "AUTH_KEY_DUPLICATED"),
    ];
    for (code, name) in cases {
        let world = World::new().await;
        let mut alice = world.user("Alice", 1).await;
        world.dc.faults().fail_next("contacts.getContacts", code, name);
        let error = alice.call(Call::GetContacts).await.unwrap_err();
        assert_eq!(error.kind, Failure::Unavailable, "{error:?}");
        let state = alice.wait(|state| matches!(state.connection, Connection::LoggedOut(_))).await;
        assert!(format!("{:?}", state.connection).contains(name), "{state:?}");
        assert!(telegram::is_logged_in(&alice.store).is_none());
        let error = alice.call(Call::GetContacts).await.unwrap_err();
        assert_eq!(error.kind, Failure::Unavailable, "later calls fail at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_left_by_a_killed_process_are_made_once() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    bob.send(alice.peer(), "first").await;
    alice.texts(1).await;
    // The data centre gets the message; the answer never arrives; then the process is killed.
    proxy.set(Weather::Silence);
    bob.request(text_to(alice.peer(), "never sent")).await;
    let store = bob.store.clone();
    drop(bob);
    let left = store.scripts().outbox("test.py").unwrap();
    assert_eq!(left.len(), 1);
    proxy.set(Weather::Fine);
    let mut bob = User::start(store, proxy.to(world.address())).await;
    // What the runtime does at its start, and, killed again at once, does a second time.
    for request in left.iter().chain(&left) {
        bob.requests.send(request.clone()).await.unwrap();
    }
    bob.send(alice.peer(), "last").await;
    assert_eq!(alice.texts(2).await, ["never sent", "last"]);
    assert!(bob.store.scripts().outbox("test.py").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_was_lost_is_done() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    bob.call(Call::CreateChat { users: vec![alice.peer()], title: "Tea".to_owned() }).await.unwrap();
    let group = alice.messages(1).await.remove(0).destination;
    let rename = || Call::RenameChat { chat: group, title: "Coffee".to_owned() };
    // The data centre does it, and the answer is cut off.
    proxy.set(Weather::CutAfter(1));
    let renaming = bob.request(rename()).await;
    alice.messages(1).await;
    proxy.set(Weather::Fine);
    let completion = bob.completion().await;
    assert!(completion.id == renaming && completion.result.is_ok(), "{completion:?}");
    let error = bob.call(rename()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.detail.as_str()),
        (Failure::Refused, "CHAT_NOT_MODIFIED"),
        "said once more it is not"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_has_to_wait_holds_up_no_call() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "hello").await;
    bob.messages(1).await;
    let (store, to) = (bob.store.clone(), bob.peer());
    bob.stop().await;
    // For longer than scripts should wait for it.
    world.dc.faults().fail_next("updates.getDifference", 420, "FLOOD_WAIT_600");
    let mut bob = world.start(store.clone()).await;
    bob.send(alice.peer(), "at once").await;
    alice.send(bob.peer(), "live").await;
    assert_eq!(bob.texts(2).await, ["at once", "live"]);
    bob.stop().await;

    alice.send(to, "missed").await;
    world.dc.faults().fail_next("updates.getDifference", 420, "FLOOD_WAIT_10");
    let mut bob = User::begin(store, world.address());
    bob.call(Call::GetContacts).await.unwrap();
    assert!(!is_online(&bob.state.borrow()), "something is still missing");
    assert_eq!(bob.texts(1).await, ["missed"]);
    bob.wait(is_online).await;
}
