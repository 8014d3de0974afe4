//! Files that scripts send and load.

use std::fs;
use std::sync::Arc;

use telegram::{FILE_BYTES_MAX, PART_BYTES, TEXT_FILE_BYTES_MAX};
use tempfile::TempDir;
use tgl::{Call, CallError, Failure, FileKind, FilePart, Media, Message, MessageId, Outcome, PeerDetails, PeerId};

use crate::world::{User, World, text_to, two_users};

/// The beginning of a PNG file of this size, which is all that anybody looks at.
pub(crate) fn png(side: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(side.to_be_bytes().into_iter().chain(side.to_be_bytes()));
    bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Bytes that no two places of a file have alike, and that cannot be packed.
pub(crate) fn noise(len: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(len as usize).collect()
}

pub(crate) fn put(user: &User, name: &str, content: &[u8]) {
    fs::write(user.home.path().join(name), content).unwrap();
}

pub(crate) fn file_to(to: PeerId, kind: FileKind, path: &str) -> Call {
    Call::SendFile { to, kind, path: path.to_owned() }
}

pub(crate) fn sent(result: Result<Outcome, CallError>) -> Message {
    match result {
        Ok(Outcome::Message(message)) => message,
        other => panic!("not sent: {other:?}"),
    }
}

pub(crate) async fn load(user: &mut User, message: MessageId, part: FilePart) -> Result<String, CallError> {
    user.call(Call::LoadFile { message, part }).await.map(|outcome| match outcome {
        Outcome::File(path) => path,
        other => panic!("another outcome: {other:?}"),
    })
}

/// What the script finds at a path it was given.
pub(crate) fn read(user: &User, path: &str) -> Vec<u8> {
    let file = user.files.open_file(path).unwrap();
    let mut content = vec![0; file.len() as usize];
    file.read_at(&mut content, 0).unwrap();
    content
}

pub(crate) fn downloads(user: &User) -> Vec<String> {
    let entries = fs::read_dir(user.home.path().join("downloads")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shown_as_asked_and_loaded_as_it_was() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let photo = Some(Media::Photo(None));
    let (small, whole, large) = (noise(5), noise(2 * PART_BYTES), noise((11 << 20) + 3));
    for (kind, name, content, shown, extension) in [
        (FileKind::Photo, "a.png", png(640), photo.clone(), "jpg"),
        (FileKind::Detect, "b.png", png(640), photo.clone(), "jpg"),
        (FileKind::Detect, "no-extension", png(640), photo, "jpg"),
        (FileKind::Document, "c.png", png(640), Some(Media::Document), "png"),
        (FileKind::Video, "d.mp4", whole, Some(Media::Document), "mp4"),
        (FileKind::Audio, "e.mp3", small.clone(), Some(Media::Document), "mp3"),
        (FileKind::Detect, "f.tar.gz", large, Some(Media::Document), "gz"),
        (FileKind::Document, "g", small, Some(Media::Document), ""),
    ] {
        put(&alice, name, &content);
        let message = sent(alice.call(file_to(bob.peer(), kind, name)).await);
        assert_eq!((&message.media, message.text), (&shown, None), "{name}");
        let received = bob.messages(1).await.remove(0);
        assert_eq!(received.media, shown, "{name}");
        let path = load(&mut bob, received.id, FilePart::Document).await.unwrap();
        assert!(path.starts_with("/home/downloads/download_") && path.ends_with(extension), "{name}: {path}");
        assert!(read(&bob, &path) == content, "{name}");
        for part in [FilePart::Photo, FilePart::Video, FilePart::Audio] {
            assert_eq!(load(&mut bob, received.id, part).await.as_deref(), Ok(path.as_str()), "{name}: any word does");
        }
        let own = load(&mut alice, message.id, FilePart::Photo).await.unwrap();
        assert!(read(&alice, &own) == content, "{name}: the sender loads it as well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_files_text_is_sent_as_messages() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let long = format!("{}{}", "ä".repeat(4_096), "end");
    put(&alice, "short.txt", b"hello");
    put(&alice, "long.txt", long.as_bytes());
    put(&alice, "latin-1.txt", b"Stra\xdfe");
    put(&alice, "blank.txt", b" \n");
    put(&alice, "vast.txt", &vec![b'x'; TEXT_FILE_BYTES_MAX as usize + 1]);
    let message = sent(alice.call(file_to(bob.peer(), FileKind::Text, "short.txt")).await);
    assert_eq!((message.text.as_deref(), message.media), (Some("hello"), None));
    let message = sent(alice.call(file_to(bob.peer(), FileKind::Text, "long.txt")).await);
    assert_eq!(message.text.as_deref(), Some("end"), "the last one");
    assert_eq!(bob.texts(3).await, ["hello", &long[..8_192], "end"]);
    assert!(alice.store.scripts().outbox("test.py").unwrap().is_empty());
    for (name, kind) in
        [("latin-1.txt", Failure::Invalid), ("blank.txt", Failure::Invalid), ("vast.txt", Failure::LimitReached)]
    {
        let error = alice.call(file_to(bob.peer(), FileKind::Text, name)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{name}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_said_before_anything_is_brought() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    put(&alice, "empty", b"");
    put(&alice, "text.png", b"no picture");
    std::os::unix::fs::symlink("/etc/passwd", alice.home.path().join("link")).unwrap();
    let vast = fs::File::create(alice.home.path().join("vast")).unwrap();
    vast.set_len(FILE_BYTES_MAX + 1).unwrap();
    for (path, kind) in [
        ("missing", Failure::NotFound),
        ("/etc/passwd", Failure::NotFound),
        ("../account.db", Failure::NotGranted),
        ("link", Failure::NotGranted),
        ("/home", Failure::Invalid),
        ("", Failure::Invalid),
        ("empty", Failure::Invalid),
        ("vast", Failure::LimitReached),
    ] {
        let error = alice.call(file_to(bob.peer(), FileKind::Document, path)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{path}: {error:?}");
        let host = alice.home.path().to_str().unwrap();
        assert!(!error.detail.contains(host), "{error:?}");
    }
    let error = alice.call(file_to(bob.peer(), FileKind::Photo, "vast")).await.unwrap_err();
    assert_eq!(error.kind, Failure::Invalid, "{error:?}");
    let error = alice.call(file_to(bob.peer(), FileKind::Photo, "text.png")).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "IMAGE_PROCESS_FAILED"));
    let error = alice.call(file_to(PeerId::user(999), FileKind::Photo, "text.png")).await.unwrap_err();
    assert_eq!(error.kind, Failure::NotFound);
    assert!(alice.store.scripts().outbox("test.py").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_carries_is_sent_on_without_its_author() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    put(&alice, "a.png", &png(640));
    put(&alice, "a.txt", b"hello");
    let mut calls =
        vec![file_to(bob.peer(), FileKind::Photo, "a.png"), file_to(bob.peer(), FileKind::Document, "a.txt")];
    calls.push(Call::SendLocation { to: bob.peer(), latitude: 48.85, longitude: 2.35 });
    let (phone, first_name, last_name) = ("4915100".to_owned(), "Carl".to_owned(), "C".to_owned());
    calls.push(Call::SendContact { to: bob.peer(), phone, first_name, last_name });
    for call in calls {
        sent(alice.call(call).await);
        let received = bob.messages(1).await.remove(0);
        world.dc.faults().expire_file_references();
        let copy = sent(bob.call(Call::ForwardMedia { to: bob.peer(), id: received.id }).await);
        assert_eq!((&copy.media, copy.forward, copy.source), (&received.media, None, Some(bob.peer())));
        bob.messages(1).await;
    }
    alice.send(bob.peer(), "only text").await;
    let received = bob.messages(1).await.remove(0);
    let error = bob.call(Call::ForwardMedia { to: bob.peer(), id: received.id }).await.unwrap_err();
    assert_eq!(error.kind, Failure::NotFound);
    let error = bob.call(Call::ForwardMedia { to: bob.peer(), id: 12_345 }).await.unwrap_err();
    assert_eq!(error.kind, Failure::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_load_where_nothing_is() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "only text").await;
    put(&alice, "a.png", &png(640));
    alice.call(file_to(bob.peer(), FileKind::Photo, "a.png")).await.unwrap();
    let messages = bob.messages(2).await;
    for (id, part) in [
        (messages[0].id, FilePart::Photo),
        (messages[1].id, FilePart::DocumentThumbnail),
        (messages[1].id, FilePart::VideoThumbnail),
        (12_345, FilePart::Photo),
        (-1, FilePart::Photo),
        (1 << 40, FilePart::Photo),
    ] {
        let error = load(&mut bob, id, part).await.unwrap_err();
        assert_eq!(error.kind, Failure::NotFound, "{id} {part:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_has_expired_is_renewed_once() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let content = noise(5 * PART_BYTES);
    put(&alice, "a.bin", &content);
    alice.call(file_to(bob.peer(), FileKind::Document, "a.bin")).await.unwrap();
    let received = bob.messages(1).await.remove(0);
    world.dc.faults().expire_file_references();
    let path = load(&mut bob, received.id, FilePart::Document).await.unwrap();
    assert!(read(&bob, &path) == content);
    fs::remove_file(bob.home.path().join(path.trim_start_matches("/home/"))).unwrap();
    for _ in 0..20 {
        world.dc.faults().fail_next("upload.getFile", 400, "FILE_REFERENCE_EXPIRED");
    }
    let error = load(&mut bob, received.id, FilePart::Document).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "FILE_REFERENCE_EXPIRED"));
    assert!(downloads(&bob).is_empty(), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_refuses_what_does_not_fit_and_two_loads_are_one() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    let (store, dc, home) = (bob.store.clone(), world.address(), Arc::new(TempDir::new().unwrap()));
    let bob_peer = bob.peer();
    bob.stop().await;
    let mut bob = User::begin_in(store, dc, home, 4 << 20);
    for (name, len) in [("fits", 3 << 20), ("does-not", 5 << 20)] {
        put(&alice, name, &noise(len));
        alice.call(file_to(bob_peer, FileKind::Document, name)).await.unwrap();
    }
    let messages = bob.messages(2).await;
    let error = load(&mut bob, messages[1].id, FilePart::Document).await.unwrap_err();
    assert_eq!(error.kind, Failure::LimitReached, "{error:?}");
    assert!(downloads(&bob).is_empty());
    for _ in 0..3 {
        bob.request(Call::LoadFile { message: messages[0].id, part: FilePart::Document }).await;
    }
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(bob.completion().await.result.unwrap());
    }
    assert!(paths.iter().all(|path| *path == paths[0]), "{paths:?}");
    assert_eq!(downloads(&bob).len(), 1);
    assert!(!bob.files.quota().turn().take(2 << 20), "it counts for the guest as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_set() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    put(&alice, "a.png", &png(640));
    put(&alice, "tiny.png", &png(20));
    let path = || "a.png".to_owned();
    assert_eq!(alice.call(Call::SetProfilePhoto { path: path() }).await, Ok(Outcome::Done));
    alice.call(Call::CreateChat { users: vec![bob.peer()], title: "Us".to_owned() }).await.unwrap();
    let Ok(Outcome::Dialogs(dialogs)) = alice.call(Call::GetDialogs).await else { panic!() };
    let chat = dialogs.iter().find(|dialog| matches!(dialog.peer.details, PeerDetails::Chat(_))).unwrap().peer.id();
    alice.skip_events();
    assert_eq!(alice.call(Call::SetChatPhoto { chat, path: path() }).await, Ok(Outcome::Done));
    let told = alice.messages(1).await.remove(0);
    assert_eq!(told.action, tgl::ServiceAction::ChatEditPhoto);
    for (call, kind) in [
        (Call::SetProfilePhoto { path: "missing".to_owned() }, Failure::NotFound),
        (Call::SetProfilePhoto { path: "tiny.png".to_owned() }, Failure::Refused),
        (Call::SetChatPhoto { chat: bob.peer(), path: path() }, Failure::Invalid),
        (Call::SetChatPhoto { chat: PeerId::chat(999), path: path() }, Failure::Refused),
    ] {
        let error = alice.call(call.clone()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{call:?}: {error:?}");
        assert!(alice.notes.try_recv().is_err(), "small files are not told of");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_without_a_file_come_as_what_they_are() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let (phone, first_name, last_name) = ("4915100".to_owned(), "Carl".to_owned(), "C".to_owned());
    alice.call(Call::SendLocation { to: bob.peer(), latitude: 48.85, longitude: 2.35 }).await.unwrap();
    alice.call(Call::SendContact { to: bob.peer(), phone, first_name, last_name }).await.unwrap();
    alice.call(text_to(bob.peer(), "see https://example.org/page")).await.unwrap();
    let messages = bob.messages(3).await;
    assert!(matches!(&messages[0].media, Some(Media::Geo(point)) if point.latitude == 48.85), "{:?}", messages[0]);
    assert!(matches!(&messages[1].media, Some(Media::Contact(card)) if card.first_name == "Carl"), "{:?}", messages[1]);
    assert!(matches!(&messages[2].media, None | Some(Media::WebPage(_))), "{:?}", messages[2]);
}
