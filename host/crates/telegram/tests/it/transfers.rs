//! Transfers that are cut, killed or held up.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use files::HOME_BYTES_MAX;
use telegram::PART_BYTES;
use tgl::{Call, Failure, FileKind, FilePart, Request};

use crate::files::{downloads, file_to, load, noise, png, put, read, sent};
use crate::proxy::{Proxy, Weather};
use crate::world::{User, World, phone, sign_up, text_to, two_users};

/// Alice through the proxy, Bob straight.
async fn through(world: &World, proxy: &Proxy) -> (User, User) {
    let bob = world.user("Bob", 2).await;
    let store = world.store("Alice");
    sign_up(&store, world.address(), "Alice", &phone(1)).await;
    let mut alice = User::start(store, proxy.to(world.address())).await;
    alice.knows(&bob, 2).await;
    alice.skip_events();
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_cut_goes_on() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let (mut alice, mut bob) = through(&world, &proxy).await;
    let content = noise(24 << 20);
    put(&alice, "a.bin", &content);
    let id = alice.request(file_to(bob.peer(), FileKind::Document, "a.bin")).await;
    for _ in 0..5 {
        proxy.bytes_up(1 << 20).await;
        proxy.cut();
    }
    let completion = alice.completion().await;
    assert_eq!(completion.id, id);
    let message = sent(completion.result);
    let received = bob.messages(1).await.remove(0);
    let path = load(&mut bob, received.id, FilePart::Document).await.unwrap();
    assert!(read(&bob, &path) == content);
    // Now down, by way of cuts in the middle of what comes.
    proxy.set(Weather::CutAfter(3 << 20));
    let id = alice.request(Call::LoadFile { message: message.id, part: FilePart::Document }).await;
    proxy.cut_short().await;
    proxy.set(Weather::Fine);
    proxy.cut();
    let completion = alice.completion().await;
    assert_eq!(completion.id, id);
    assert!(completion.result.is_ok(), "{completion:?}");
    let names = downloads(&alice);
    assert_eq!(names.len(), 1);
    assert!(read(&alice, &format!("/home/downloads/{}", names[0])) == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_holds_up_no_other_call() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    put(&alice, "a.bin", &noise(32 << 20));
    let upload = alice.request(file_to(bob.peer(), FileKind::Document, "a.bin")).await;
    let ask = alice.request(Call::GetContacts).await;
    let first = alice.completion().await;
    assert_eq!(first.id, ask);
    assert_eq!(alice.completion().await.id, upload);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_lost_or_late_are_brought_again() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let faults = world.dc.faults();
    let content = noise(3 * PART_BYTES);
    put(&alice, "a.bin", &content);
    faults.fail_next("messages.sendMedia", 400, "FILE_PART_1_MISSING");
    faults.fail_next("messages.sendMedia", 400, "FILE_PART_2_MISSING");
    faults.fail_next("upload.saveFilePart", 420, "FLOOD_WAIT_1");
    faults.fail_next("upload.saveFilePart", 500, "RPC_CALL_FAIL");
    let begun = Instant::now();
    sent(alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let received = bob.messages(1).await.remove(0);
    faults.fail_next("upload.getFile", 420, "FLOOD_WAIT_1");
    let path = load(&mut bob, received.id, FilePart::Document).await.unwrap();
    assert!(read(&bob, &path) == content);
    for _ in 0..20 {
        faults.fail_next("messages.sendMedia", 400, "FILE_PART_1_MISSING");
    }
    let error = alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "FILE_PART_1_MISSING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_on_its_way_is_not_sent() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    for content in [&b"short"[..], &noise(2 * PART_BYTES)] {
        put(&alice, "a.bin", &noise(2 * PART_BYTES));
        // Holds the parts up until the file has another content.
        world.dc.faults().fail_next("upload.saveFilePart", 420, "FLOOD_WAIT_1");
        alice.request(file_to(bob.peer(), FileKind::Document, "a.bin")).await;
        world.failures_taken().await;
        put(&alice, "a.bin", content);
        let error = alice.completion().await.result.unwrap_err();
        assert_eq!(error.kind, Failure::Unavailable);
        assert!(error.detail.contains("was changed"), "{error:?}");
    }
    alice.send(bob.peer(), "only this").await;
    assert_eq!(bob.texts(1).await, ["only this"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_killed_is_made_again_once() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    put(&alice, "a.png", &png(640));
    world.dc.faults().fail_next("upload.saveFilePart", 420, "FLOOD_WAIT_100");
    alice.request(file_to(bob.peer(), FileKind::Photo, "a.png")).await;
    world.failures_taken().await;
    let (store, home) = (alice.store.clone(), alice.home.clone());
    alice.stop().await;
    let left = store.scripts().outbox("test.py").unwrap();
    assert_eq!(left.len(), 1);
    let alice = User::begin_in(store.clone(), world.address(), home, HOME_BYTES_MAX);
    // As the runtime does, and once more as after a kill between the server's yes and our note of it.
    for request in [&left[0], &left[0]] {
        alice.requests.send(Request { id: 0, ..request.clone() }).await.unwrap();
    }
    assert_eq!(bob.messages(1).await.len(), 1);
    let mut alice = alice;
    let text = text_to(bob.peer(), "last");
    alice.call(text).await.unwrap();
    assert_eq!(bob.texts(1).await, ["last"], "nothing came twice");
    assert!(store.scripts().outbox("test.py").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_was_killed_leaves_nothing_behind() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let content = noise(4 * PART_BYTES);
    put(&alice, "a.bin", &content);
    alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await.unwrap();
    let received = bob.messages(1).await.remove(0);
    world.dc.faults().fail_next("upload.getFile", 420, "FLOOD_WAIT_100");
    bob.request(Call::LoadFile { message: received.id, part: FilePart::Document }).await;
    world.failures_taken().await;
    assert!(downloads(&bob).is_empty(), "what is not whole yet is not there for the script");
    let (store, home) = (bob.store.clone(), bob.home.clone());
    // What a process leaves that is killed and not stopped.
    fs::write(home.path().join(".wh..download-1"), "half").unwrap();
    bob.stop().await;
    let mut bob = User::begin_in(store, world.address(), Arc::clone(&home), HOME_BYTES_MAX);
    assert!(downloads(&bob).is_empty(), "{:?}", downloads(&bob));
    assert!(!home.path().join(".wh..download-1").exists());
    let path = load(&mut bob, received.id, FilePart::Document).await.unwrap();
    assert!(read(&bob, &path) == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_centre_that_gives_too_little_is_not_believed() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    put(&alice, "a.bin", &noise(3 * PART_BYTES));
    alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await.unwrap();
    let received = bob.messages(1).await.remove(0);
    let mut media = bob.store.media(received.id).unwrap().unwrap();
    media.bytes += 1;
    bob.store.record(|batch| batch.put_media(received.id, &media)).unwrap();
    let error = load(&mut bob, received.id, FilePart::Document).await.unwrap_err();
    assert_eq!(error.kind, Failure::Unavailable, "{error:?}");
    assert!(downloads(&bob).is_empty());
    for code in [400, 500] {
        for _ in 0..10 {
            world.dc.faults().fail_next("upload.getFile", code, "LOCATION_INVALID");
        }
        load(&mut bob, received.id, FilePart::Document).await.unwrap_err();
        assert!(downloads(&bob).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_always_elsewhere_is_not_looked_for_for_ever() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    put(&alice, "a.bin", &noise(100));
    alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await.unwrap();
    let received = bob.messages(1).await.remove(0);
    for _ in 0..3 {
        world.dc.faults().fail_next("upload.getFile", 303, "FILE_MIGRATE_2");
    }
    let error = load(&mut bob, received.id, FilePart::Document).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "FILE_MIGRATE_2"));
}
