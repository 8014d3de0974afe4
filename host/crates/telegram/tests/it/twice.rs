//! One login in two places: the data centre ends it, both hear so, and no other account does.

use std::net::Ipv4Addr;

use tgl::Connection;

use crate::proxy::Proxy;
use crate::world::{User, World, config, phone, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_used_from_two_places_is_refused_and_both_say_so() {
    let world = World::new().await;
    let mut alice = world.user("Alice", 1).await;
    let store = world.store("Bob");
    sign_up(&store, world.address(), "Bob", &phone(2)).await;
    drop(store);
    let folder = |name: &str| world.dir.path().join(name);
    std::fs::create_dir(folder("copy")).unwrap();
    for file in std::fs::read_dir(folder("Bob")).unwrap().flatten().filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), folder("copy").join(file.file_name())).unwrap();
    }
    let mut bob = world.start(world.store("Bob")).await;
    let elsewhere = Proxy::from(Ipv4Addr::new(127, 0, 0, 2), world.dc.address).await;
    let mut copy = User::begin(world.store("copy"), elsewhere.to(world.address()));
    for one in [&mut bob, &mut copy] {
        let state = one.wait(|state| matches!(state.connection, Connection::LoggedOut(_))).await;
        assert!(format!("{:?}", state.connection).contains("used from two places at once"), "{state:?}");
        assert!(telegram::is_logged_in(&one.store).is_none());
    }
    assert_eq!(alice.state.borrow().connection, Connection::Online, "another's is no matter of hers");
    let us = alice.peer();
    alice.send(us, "as ever").await;
    // Whoever logs in again has a key that no copy has.
    copy.stop().await;
    bob.stop().await;
    let store = world.store("Bob again");
    let mut login = telegram::login::Login::begin(config(store.clone(), world.address())).await.unwrap();
    login.send_code(&phone(2)).await.unwrap();
    login.sign_in(&crate::world::code(2)).await.unwrap();
    login.finish().await.unwrap();
    world.start(store).await;
}
