//! Writing and reading, in private and in groups.

use grammers_tl_types as tl;
use tl::{enums, types};

use super::world::{World, sent_id};

#[test]
fn a_private_message_reaches_the_other_and_every_other_session_of_both() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let mut alice_elsewhere = world.client();
    alice_elsewhere.log_in(1);

    let answer = alice.ok(&alice.message(alice.peer(&bob), "  hello  "));
    let enums::Updates::UpdateShortSentMessage(short) = &answer else { panic!("{answer:?}") };
    assert!(short.out);
    assert!(alice.pushed().is_empty(), "the calling session has its answer");

    for (client, out, id) in [(&bob, false, 1), (&alice_elsewhere, true, short.id)] {
        let pushed = client.pushed();
        let [enums::Updates::Updates(updates)] = pushed.as_slice() else { panic!("{pushed:?}") };
        let [enums::Update::NewMessage(new)] = updates.updates.as_slice() else { panic!("{updates:?}") };
        let enums::Message::Message(message) = &new.message else { panic!("{new:?}") };
        assert_eq!((message.message.as_str(), message.out, message.id), ("hello", out, id));
        assert_eq!(message.from_id, Some(types::PeerUser { user_id: alice.me }.into()));
        assert_eq!(new.pts, client.pts());
        assert!(updates.users.iter().any(|user| user.id() == alice.me), "who wrote it comes along");
    }
    let seen: Vec<_> = bob.history(bob.peer(&alice)).into_iter().map(|message| message.message).collect();
    assert_eq!(seen, ["hello"]);
}

#[test]
fn a_random_id_sends_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let call = alice.message(alice.peer(&bob), "once");
    sent_id(&alice.ok(&call));
    assert_eq!(alice.err(&call), "500 RANDOM_ID_DUPLICATE");
    assert_eq!(bob.history(bob.peer(&alice)).len(), 1);
    assert_eq!(bob.pushed().len(), 1);
    let mut empty = alice.message(alice.peer(&bob), "x");
    empty.random_id = 0;
    assert_eq!(alice.err(&empty), "400 RANDOM_ID_EMPTY");
}
