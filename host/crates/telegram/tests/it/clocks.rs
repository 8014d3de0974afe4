//! A machine whose clock is not the data centre's. (The data centre's is set, not the machine's.)

use std::time::Duration;

use telegram::login::Login;
use tgl::{AccountState, Connection};
use tokio::time::Instant;

use crate::world::{User, World, config, phone, sign_up};

/// How many refusals one wrong clock may cost.
const REFUSALS_MAX: u64 = 4;

/// How long it may keep an account from working.
const REPAIR_MAX: Duration = Duration::from_secs(10);

fn is_online(state: &AccountState) -> bool {
    state.connection == Connection::Online
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_goes_online_whatever_its_clock_says() {
    let world = World::new().await;
    let faults = world.dc.faults();
    let store = world.store("Alice");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    // Ahead of the data centre, a little and much, and behind it.
    for ahead_s in [-31, -3_600, -40_000_000, 320, 86_400] {
        faults.set_clock_ahead(ahead_s);
        let (before, began) = (faults.refusals(), Instant::now());
        let mut alice = User::start(store.clone(), world.address()).await;
        assert!(began.elapsed() < REPAIR_MAX, "{ahead_s}: {:?}", began.elapsed());
        let refusals = faults.refusals() - before;
        // The first salt of a connection is never the right one.
        assert!(refusals <= REFUSALS_MAX, "{ahead_s}: {refusals} refusals");
        let us = alice.peer();
        alice.send(us, "on time").await;
        alice.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_may_jump_while_an_account_is_online() {
    let world = World::new().await;
    let faults = world.dc.faults();
    let mut alice = world.user("Alice", 1).await;
    let us = alice.peer();
    for (number, ahead_s) in [-3_600, 0, 7_200, -86_400].into_iter().enumerate() {
        faults.set_clock_ahead(ahead_s);
        let before = faults.refusals();
        alice.send(us, &format!("message {number}")).await;
        assert!(faults.refusals() - before <= 2 * REFUSALS_MAX, "{ahead_s}: {} refusals", faults.refusals() - before);
        alice.wait(is_online).await;
    }
    assert_eq!(
        alice.texts(4).await,
        ["message 0", "message 1", "message 2", "message 3"],
        "none is lost, none doubled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_needs_no_clock() {
    let world = World::new().await;
    for (digit, ahead_s) in [(1, -3_600), (2, 400_000)] {
        world.dc.faults().set_clock_ahead(ahead_s);
        let store = world.store(&format!("clock {digit}"));
        sign_up(&store, world.address(), "Alice", &phone(digit)).await;
        // The second time the key is there, and no exchange tells the time.
        Login::begin(config(store, world.address())).await.unwrap().finish().await.unwrap();
    }
}

/// A data centre that refuses every message is not asked without end, and the user hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_without_end_are_bounded_and_told() {
    let world = World::new().await;
    let faults = world.dc.faults();
    let store = world.store("Alice");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    faults.refuse_salts(true);
    let before = faults.refusals();
    let mut alice = User::begin(store, world.address());
    let state = alice.wait(|state| matches!(state.connection, Connection::Waiting(_))).await;
    assert!(format!("{:?}", state.connection).contains("refuses every message"), "{state:?}");
    assert!(faults.refusals() - before <= 32, "{} refusals", faults.refusals() - before);
    faults.refuse_salts(false);
    alice.wait(is_online).await;
}
