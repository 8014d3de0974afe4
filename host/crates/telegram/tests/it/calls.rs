//! Calls and what they come to.

use tgl::{Call, Failure, FileKind, Outcome, Page, PeerDetails, PeerId};

use crate::world::{self, World, text_to, two_users};

#[tokio::test(flavor = "multi_thread")]
async fn contacts_come_and_go() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    let Ok(Outcome::Peers(contacts)) = alice.call(Call::GetContacts).await else { panic!() };
    assert_eq!(contacts.iter().map(tgl::Peer::id).collect::<Vec<_>>(), [bob.peer()]);
    assert_eq!(contacts[0].name, "Contact", "under the name we gave");
    alice.call(Call::DeleteContact { user: bob.peer() }).await.unwrap();
    let Ok(Outcome::Peers(contacts)) = alice.call(Call::GetContacts).await else { panic!() };
    assert!(contacts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_renamed_and_a_strange_number_is_nobodys() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    let add = |phone: &str, last_name: &str| Call::AddContact {
        phone: phone.to_owned(),
        first_name: "Robert".to_owned(),
        last_name: last_name.to_owned(),
    };
    let Ok(Outcome::Peers(peers)) = alice.call(add(&world::phone(2), "Tables")).await else { panic!() };
    assert_eq!(
        peers.iter().map(|peer| (peer.id(), peer.name.as_str())).collect::<Vec<_>>(),
        [(bob.peer(), "Robert_Tables")]
    );
    let renamed = alice.events().into_iter().any(|event| match event {
        tgl::Event::UserUpdate { user, what } => user.id() == bob.peer() && what.real_name && what.name,
        _ => false,
    });
    assert!(renamed);
    let Ok(Outcome::Peers(peers)) = alice.call(add(&world::phone(9), "")).await else { panic!() };
    assert!(peers.is_empty(), "nobody has this number");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_is_renamed() {
    let world = World::new().await;
    let mut alice = world.user("Alice", 1).await;
    let call = Call::SetProfileName { first_name: "Alicia".to_owned(), last_name: "Doe".to_owned() };
    let Ok(Outcome::Peer(us)) = alice.call(call).await else { panic!() };
    assert_eq!((us.id(), us.name.as_str()), (alice.peer(), "Alicia_Doe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_forwarded_searched_and_deleted() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let sent = alice.send(bob.peer(), "a needle in the hay").await;
    alice.send(bob.peer(), "hay").await;
    bob.messages(2).await;
    let Ok(Outcome::Message(copy)) = alice.call(Call::ForwardMessage { to: alice.peer(), id: sent.id }).await else {
        panic!()
    };
    assert_eq!(copy.text, sent.text);
    assert_eq!(copy.forward.and_then(|forward| forward.source), Some(alice.peer()));

    let page = Page { offset: 0, limit: 10 };
    let search = |peer| Call::SearchMessages { peer, text: "needle".to_owned(), page };
    let Ok(Outcome::Messages(found)) = alice.call(search(Some(bob.peer()))).await else { panic!() };
    assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [sent.id]);
    let Ok(Outcome::Messages(found)) = alice.call(search(None)).await else { panic!() };
    assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [copy.id, sent.id]);

    alice.call(Call::DeleteMessage { id: sent.id }).await.unwrap();
    assert_eq!(alice.store.message(sent.id).unwrap(), None);
    let Ok(Outcome::Messages(found)) = alice.call(search(Some(bob.peer()))).await else { panic!() };
    assert!(found.is_empty());
    let Ok(Outcome::Messages(found)) = bob.call(search(Some(alice.peer()))).await else { panic!() };
    assert_eq!(found.len(), 1, "the other side keeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_said_in_a_sentence() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    let group = PeerId::chat(7);
    let page = Page { offset: 0, limit: 1_000_000 };
    let long = "x".repeat(2_000_000);
    let cases = [
        (text_to(PeerId::user(999), "hello"), Failure::NotFound),
        (text_to(group, "hello"), Failure::NotFound),
        (text_to(PeerId::channel(7), "hello"), Failure::NotFound),
        (text_to(bob.peer(), ""), Failure::Invalid),
        (text_to(bob.peer(), &long), Failure::Invalid),
        (text_to(bob.peer(), &long[..5_000]), Failure::Refused),
        (Call::ForwardMessage { to: bob.peer(), id: 12345 }, Failure::NotFound),
        (Call::DeleteMessage { id: -1 }, Failure::NotFound),
        (Call::DeleteMessage { id: 1 << 40 }, Failure::NotFound),
        (Call::GetHistory { peer: bob.peer(), page }, Failure::Invalid),
        (Call::CreateChat { users: vec![alice.peer()], title: "x".to_owned() }, Failure::Invalid),
        (Call::RenameChat { chat: bob.peer(), title: "x".to_owned() }, Failure::Invalid),
        (Call::DeleteContact { user: group }, Failure::Invalid),
        (Call::JoinChatByLink { link: "https://example.org".to_owned() }, Failure::Invalid),
        (Call::SendFile { to: bob.peer(), kind: FileKind::Photo, path: "x".to_owned() }, Failure::NotFound),
        (Call::CreateSecretChat { user: bob.peer() }, Failure::Invalid),
        (Call::RestoreMessage { id: 12345 }, Failure::NotFound),
        (Call::RawQuery { text: "x".to_owned() }, Failure::NotGranted),
    ];
    for (call, kind) in cases {
        let text = format!("{call:.120?}");
        let error = alice.call(call).await.unwrap_err();
        assert_eq!(error.kind, kind, "{text}: {error:?}");
        assert!(!error.detail.is_empty());
    }
    let Ok(Outcome::Peer(peer)) = alice.call(Call::GetPeerInfo { peer: bob.peer() }).await else { panic!() };
    assert!(matches!(peer.details, PeerDetails::User(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_wait_holds_up_nobody_else() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    // No time at all is a second: nobody is asked without a pause.
    for name in ["FLOOD_WAIT_1", "FLOOD_WAIT_0"] {
        world.dc.faults().fail_next("messages.sendMessage", 420, name);
        let begun = std::time::Instant::now();
        let send = alice.request(text_to(bob.peer(), "late")).await;
        let ask = alice.request(Call::GetContacts).await;
        let first = alice.completion().await;
        assert_eq!(first.id, ask, "the other call does not wait");
        assert!(begun.elapsed().as_millis() < 900);
        let second = alice.completion().await;
        assert_eq!(second.id, send);
        assert!(second.result.is_ok() && begun.elapsed().as_millis() >= 1_000);
        assert_eq!(bob.texts(1).await, ["late"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_server_are_told_by_their_names_or_waited_out() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let faults = world.dc.faults();
    faults.fail_next("messages.sendMessage", 403, "CHAT_WRITE_FORBIDDEN");
    let error = alice.call(text_to(bob.peer(), "no")).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "CHAT_WRITE_FORBIDDEN"));
    faults.fail_next("messages.sendMessage", 420, "FLOOD_WAIT_100000");
    let error = alice.call(text_to(bob.peer(), "no")).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "FLOOD_WAIT_100000"));
    assert!(
        alice.store.scripts().outbox("test.py").unwrap().is_empty(),
        "what was refused is not tried after a restart"
    );
    faults.fail_next("messages.sendMessage", 500, "RPC_CALL_FAIL");
    alice.send(bob.peer(), "yes").await;
    assert_eq!(bob.texts(1).await, ["yes"]);
}
