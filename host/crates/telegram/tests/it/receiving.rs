//! What comes in: in order, once, whatever was missed meanwhile.

use tgl::{Call, Changes, Event, Outcome, Page, PeerDetails, PeerId, ServiceAction};

use crate::world::{User, World, phone, sign_up, text_to, two_users};

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_chat() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let sent = alice.send(bob.peer(), "hello").await;
    assert!(sent.flags.outgoing && sent.flags.created);
    assert_eq!(sent.destination, bob.peer());
    let own = alice.messages(1).await.remove(0);
    assert_eq!(own, sent);

    let got = bob.messages(1).await.remove(0);
    assert_eq!(got.text.as_deref(), Some("hello"));
    assert!(!got.flags.outgoing && got.flags.unread);
    assert_eq!(got.source, Some(alice.peer()));
    assert_eq!(got.destination, bob.peer());
    assert_eq!(bob.store.peer(alice.peer()).unwrap().map(|peer| peer.name).as_deref(), Some("Alice"));
    let answer =
        Call::SendMessage { to: alice.peer(), text: "hi".to_owned(), reply_to: Some(got.id), preview: Some(false) };
    bob.call(answer).await.unwrap();
    let back = alice.messages(1).await.remove(0);
    assert_eq!((back.text.as_deref(), back.reply_to), (Some("hi"), Some(sent.id)));
    assert_eq!(alice.store.message(back.id).unwrap(), Some(back));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_message_comes_before_its_completion() {
    let world = World::new().await;
    let (mut alice, bob) = two_users(&world).await;
    for number in 0..20 {
        alice.request(text_to(bob.peer(), &format!("{number}"))).await;
    }
    for number in 0..20 {
        let completion = alice.completion().await;
        let Ok(Outcome::Message(message)) = completion.result else { panic!("{completion:?}") };
        assert_eq!(message.text, Some(number.to_string()), "sends keep their order");
        let before = alice.store.scripts().inbox_after(0, 10_000).unwrap();
        let seq = before.iter().find(|(_, event)| matches!(&***event, Event::Message(own) if own.id == message.id));
        assert!(seq.expect("the own message is in the inbox").0 <= completion.after_seq);
    }
    assert!(alice.store.scripts().outbox("test.py").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_after_a_restart_once() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "before").await;
    assert_eq!(bob.texts(1).await, ["before"]);
    let (store, seq) = (bob.store.clone(), bob.store.inbox_seq());
    bob.stop().await;
    for text in ["one", "two", "three"] {
        alice.send(PeerId::user(alice.id + 1), text).await;
    }
    let mut bob = world.start(store).await;
    assert_eq!(bob.texts(3).await, ["one", "two", "three"]);
    let state = bob.state.borrow().clone();
    assert!(state.difference_end_seq.is_some_and(|end| end >= seq + 3), "{state:?}");
    alice.send(bob.peer(), "after").await;
    assert_eq!(bob.texts(1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_push_is_noticed_and_fetched() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "zero").await;
    assert_eq!(bob.texts(1).await, ["zero"]);
    world.dc.faults().drop_next_pushes(2);
    for text in ["one", "two", "three"] {
        alice.send(bob.peer(), text).await;
    }
    assert_eq!(bob.texts(3).await, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_come_twice_or_out_of_order_are_heard_once_and_in_order() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let faults = world.dc.faults();
    faults.double_next_pushes(4);
    faults.delay_next_pushes(4);
    let texts = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    for text in texts {
        alice.send(bob.peer(), text).await;
    }
    assert_eq!(bob.texts(texts.len()).await, texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_difference_tells_is_looked_up_in_the_conversations() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "before").await;
    bob.messages(1).await;
    let (store, id) = (bob.store.clone(), bob.peer());
    bob.stop().await;
    for number in 0..150 {
        alice.send(id, &number.to_string()).await;
    }
    // As if the server had forgotten what came after this state.
    let state = store.update_state().unwrap().unwrap();
    store.record(|batch| batch.set_update_state(store::UpdateState { pts: 0, ..state })).unwrap();
    let mut bob = world.start(store).await;
    assert_eq!(bob.texts(150).await, (0..150).map(|number| number.to_string()).collect::<Vec<_>>());
    alice.send(bob.peer(), "after").await;
    assert_eq!(bob.texts(1).await, ["after"]);
}

/// How many events wait in the inbox of a test that fills it.
const INBOX_EVENTS_MAX: u64 = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_leaves_updates_at_the_server() {
    let world = World::new().await;
    let bounds = store::Bounds { inbox_events_max: INBOX_EVENTS_MAX, ..store::Bounds::default() };
    let store = world.store_bounded("Bob", bounds);
    sign_up(&store, world.address(), "Bob", &phone(2)).await;
    let mut bob = world.start(store).await;
    let mut alice = world.user("Alice", 1).await;
    alice.knows(&bob, 2).await;
    bob.events();
    let filler = Event::UserUpdate { user: alice.store.peer(alice.peer()).unwrap().unwrap(), what: Changes::default() };
    let fill = |batch: &mut store::Batch<'_>| {
        (0..INBOX_EVENTS_MAX).try_for_each(|_| batch.push_event(None, &filler).map(|_| ()))
    };
    bob.store.record(fill).unwrap();
    for text in ["one", "two", "three"] {
        alice.send(bob.peer(), text).await;
    }
    let answer = bob.call(text_to(alice.peer(), "calls go on")).await;
    assert!(answer.is_err(), "alice is unknown to bob while updates wait: {answer:?}");
    assert_eq!(bob.store.inbox_room(), 0);
    // The script catches up.
    bob.skip_events();
    assert_eq!(bob.texts(3).await, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_users_next_login_goes_on_where_the_last_one_ended() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.send(bob.peer(), "before").await;
    bob.messages(1).await;
    let (store, id) = (bob.store.clone(), bob.peer());
    bob.stop().await;
    store.clear_login().unwrap();
    alice.send(id, "while logged out").await;
    sign_up(&store, world.address(), "Bob", &phone(2)).await;
    let mut bob = world.start(store).await;
    assert_eq!(bob.texts(1).await, ["while logged out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_groups_are_told_when_new_and_when_changed() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let title = || "Tea & Cake".to_owned();
    alice.call(Call::CreateChat { users: vec![bob.peer(), bob.peer()], title: title() }).await.unwrap();
    let created = bob.messages(1).await.remove(0);
    assert_eq!((created.action, created.flags.service), (ServiceAction::ChatCreate, true));
    let group = created.destination;
    assert_eq!(bob.store.peer(group).unwrap().map(|peer| peer.name).as_deref(), Some("Tea_&_Cake"));
    bob.send(group, "in the group").await;
    alice.messages(2).await;

    let told = bob.store.scripts().inbox_after(0, 1000).unwrap();
    let creations = told.iter().filter(|(_, event)| match &***event {
        Event::UserUpdate { user, what } => what.created && user.id() == alice.peer(),
        Event::ChatUpdate { chat, what } => what.created && chat.id() == group,
        _ => false,
    });
    assert_eq!(creations.count(), 2);

    bob.events();
    alice.call(Call::RenameChat { chat: group, title: "Coffee".to_owned() }).await.unwrap();
    let mut changes = Vec::new();
    while !changes.iter().any(|event| matches!(event, Event::Message(_))) {
        let seq = bob.state.borrow().inbox_seq;
        changes.extend(bob.events());
        if !changes.iter().any(|event| matches!(event, Event::Message(_))) {
            bob.wait(|state| state.inbox_seq > seq).await;
        }
    }
    let renamed = changes.iter().find_map(|event| match event {
        Event::ChatUpdate { chat, what } if what.title => Some(chat.name.clone()),
        _ => None,
    });
    assert_eq!(renamed.as_deref(), Some("Coffee"));
    assert!(matches!(changes.last(), Some(Event::Message(message)) if message.action == ServiceAction::ChatEditTitle));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_scripts_do_not_hear_of_makes_no_event() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let sent = alice.send(bob.peer(), "hello").await;
    bob.messages(1).await;
    alice.messages(1).await;
    bob.call(Call::SetTyping { peer: alice.peer(), state: tgl::TypingState::Typing }).await.unwrap();
    bob.call(Call::SetPresence { state: tgl::Presence::Online }).await.unwrap();
    bob.call(Call::MarkRead { peer: alice.peer() }).await.unwrap();
    bob.send(alice.peer(), "done").await;
    let events = loop {
        let events = alice.events();
        if !events.is_empty() {
            break events;
        }
        let seq = alice.store.inbox_seq();
        alice.wait(|state| state.inbox_seq > seq).await;
    };
    assert_eq!(events.len(), 1, "{events:#?}");
    assert!(!alice.store.message(sent.id).unwrap().unwrap().flags.unread, "the other side has read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_known_once_asked_for() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let mut carol = world.user("Carol", 3).await;
    alice.knows(&carol, 3).await;
    alice.call(Call::CreateChat { users: vec![bob.peer()], title: "Tea".to_owned() }).await.unwrap();
    let group = bob.messages(1).await.remove(0).destination;
    alice.call(Call::AddChatUser { chat: group, user: carol.peer() }).await.unwrap();
    carol.messages(1).await;
    let members = |outcome: Result<Outcome, _>| match outcome {
        Ok(Outcome::Peer(peer)) => match peer.details {
            PeerDetails::Chat(group) => group.member_ids,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let mut found = members(bob.call(Call::GetPeerInfo { peer: group }).await);
    found.sort_unstable();
    let mut expected = vec![alice.id, bob.id, carol.id];
    expected.sort_unstable();
    assert_eq!(found, expected);
    alice.call(Call::DeleteChatUser { chat: group, user: carol.peer() }).await.unwrap();
    bob.messages(2).await;
    assert_eq!(members(bob.call(Call::GetPeerInfo { peer: group }).await).len(), 2);
}

/// Kept here so that a page of every size ends as promised.
#[tokio::test(flavor = "multi_thread")]
async fn histories_are_paged_by_count() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    for number in 1..=130 {
        alice.request(text_to(bob.peer(), &number.to_string())).await;
        if number % 50 == 0 {
            drain(&mut alice, 50).await;
        }
    }
    drain(&mut alice, 30).await;
    bob.messages(130).await;
    let cases = [
        (0, 0, 0..0),
        (0, 1, 0..1),
        (0, 100, 0..100),
        (0, 130, 0..130),
        (0, 1000, 0..130),
        (25, 101, 25..126),
        (129, 5, 129..130),
        (130, 5, 0..0),
    ];
    for (offset, limit, expected) in cases {
        let page = Page { offset, limit };
        let Ok(Outcome::Messages(messages)) = bob.call(Call::GetHistory { peer: alice.peer(), page }).await else {
            panic!()
        };
        let texts: Vec<_> = messages.into_iter().map(|message| message.text.unwrap_or_default()).collect();
        let expected: Vec<_> = expected.map(|at: u32| (130 - at).to_string()).collect();
        assert_eq!(texts, expected, "{page:?}");
    }
    assert!(bob.events().is_empty(), "histories tell scripts nothing new");
    let Ok(Outcome::Dialogs(dialogs)) = bob.call(Call::GetDialogs).await else { panic!() };
    assert_eq!((dialogs.len(), dialogs[0].unread_count), (1, 0), "and mark as read");
}

async fn drain(user: &mut User, count: usize) {
    for _ in 0..count {
        user.completion().await.result.unwrap();
    }
}

/// What one writes to oneself is one's own wherever a script meets it; what is only kept there is not.
#[tokio::test(flavor = "multi_thread")]
async fn saved_messages_are_outgoing_unless_they_are_forwards() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let us = alice.peer();
    bob.knows(&alice, 1).await;
    bob.send(us, "kept").await;
    let theirs = alice.messages(1).await.remove(0);
    let sent = alice.send(us, "a note").await;
    let Ok(Outcome::Message(forwarded)) = alice.call(Call::ForwardMessage { to: us, id: theirs.id }).await else {
        panic!("not forwarded")
    };
    let events = alice.messages(2).await;
    let page = Page { offset: 0, limit: 10 };
    let mut seen = vec![("by its callback", vec![forwarded, sent]), ("as an event", events)];
    for (way, call) in [
        ("in the history", Call::GetHistory { peer: us, page }),
        ("in a search", Call::SearchMessages { peer: Some(us), text: "note".to_owned(), page }),
        ("in a search of all", Call::SearchMessages { peer: None, text: "note".to_owned(), page }),
    ] {
        let Ok(Outcome::Messages(messages)) = alice.call(call).await else { panic!("{way}") };
        seen.push((way, messages));
    }
    for (way, messages) in seen {
        assert!(messages.iter().any(|message| message.text.as_deref() == Some("a note")), "{way}: {messages:#?}");
        for message in messages {
            assert_eq!(message.flags.outgoing, message.forward.is_none(), "{way}: {message:?}");
        }
    }
}
