//! What the sides of a secret chat send each other.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::{accept, discard, heard, message, missed, named, received, request, sealed, second, state, talk};
use crate::api::tests::world::World;
use crate::model::unix_time;

#[test]
fn what_is_wrong_with_a_message_is_said() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    alice.ok(&request(&alice, &bob, 5));
    let good = message(&alice, 5, 1);
    assert_eq!(alice.err(&good), "400 ENCRYPTION_ID_INVALID", "nobody has accepted yet");
    bob.ok(&accept(&bob, 5));
    bob.pushed();
    let with = |data: Vec<u8>| functions::messages::SendEncrypted { data, ..good.clone() };
    let peer = types::InputEncryptedChat { chat_id: 5, access_hash: 1 }.into();
    for (client, call, wanted) in [
        (&alice, with(Vec::new()), "400 DATA_INVALID"),
        (&alice, with(vec![0; 24]), "400 DATA_INVALID"),
        (&alice, with(vec![0; 24 + 17]), "400 DATA_INVALID"),
        (&alice, with(vec![0; 24 + (64 << 10)]), "400 DATA_TOO_LONG"),
        (&alice, message(&alice, 5, 0), "400 RANDOM_ID_EMPTY"),
        (&alice, message(&alice, 6, 1), "400 CHAT_ID_INVALID"),
        (&alice, functions::messages::SendEncrypted { peer, ..good.clone() }, "400 CHAT_ID_INVALID"),
        (&carol, message(&carol, 5, 1), "400 CHAT_ID_INVALID"),
    ] {
        assert_eq!(client.err(&call), wanted, "{call:?}");
    }
    let service = |peer| functions::messages::SendEncryptedService { peer, random_id: 1, data: sealed(1) };
    let typing = |peer| functions::messages::SetEncryptedTyping { peer, typing: true };
    let read = |peer, max_date| functions::messages::ReadEncryptedHistory { peer, max_date };
    assert_eq!(carol.err(&service(named(&carol, 5))), "400 CHAT_ID_INVALID");
    assert_eq!(carol.err(&typing(named(&carol, 5))), "400 CHAT_ID_INVALID");
    assert_eq!(carol.err(&read(named(&carol, 5), 1)), "400 CHAT_ID_INVALID");
    assert_eq!(alice.err(&read(named(&alice, 5), 0)), "400 MAX_DATE_INVALID");
    bob.ok(&functions::contacts::Block { my_stories_from: false, id: bob.peer(&alice) });
    assert_eq!(alice.err(&good), "403 USER_IS_BLOCKED");
    bob.ok(&message(&bob, 5, 1));
    assert!(heard(&bob).is_empty());
    bob.ok(&discard(5, false));
    assert_eq!(alice.err(&service(named(&alice, 5))), "400 ENCRYPTION_DECLINED");
    assert_eq!(alice.err(&typing(named(&alice, 5))), "400 ENCRYPTION_DECLINED");
    assert_eq!(alice.err(&read(named(&alice, 5), 1)), "400 ENCRYPTION_DECLINED");
}

#[test]
fn a_random_id_sends_one_message() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    talk(&alice, &bob, 6);
    let first = alice.ok(&message(&alice, 5, 1));
    assert_eq!(alice.ok(&message(&alice, 5, 1)), first);
    alice.ok(&message(&alice, 6, 1));
    bob.ok(&message(&bob, 5, 1));
    assert_eq!(heard(&bob), ["101: 1 in 5", "102: 1 in 6"]);
    assert_eq!(heard(&alice), ["101: 1 in 5"]);
    bob.ok(&received(102));
    assert_eq!(alice.ok(&message(&alice, 5, 1)), first, "also when it waits no more");
    assert!(heard(&bob).is_empty());
}

#[test]
fn a_message_waits_until_the_key_has_it() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    let since = types::updates::State { date: i32::MAX, ..state(&bob) };
    (1..=3).for_each(|n| drop(alice.ok(&message(&alice, 5, n))));
    let keys = [&alice, &bob].map(|client| (client.caller.auth_key_id, client.me));
    let world = world.restarted();
    let [alice, bob] = keys.map(|(key, me)| {
        let mut client = world.session(key, 900);
        client.me = me;
        client
    });
    let all = ["1 in 5", "2 in 5", "3 in 5"];
    let (messages, _, now, is_all) = missed(&bob, &since);
    assert_eq!((messages, now.qts, is_all), (all.map(str::to_owned).to_vec(), 103, true));
    assert_eq!(missed(&bob, &since).0, all, "what is asked for is not taken away");
    assert!(missed(&second(&world, 2), &since).0.is_empty(), "it is that key's alone");

    for (max_qts, wanted) in [(-1, "400 MAX_QTS_INVALID"), (104, "400 MAX_QTS_INVALID")] {
        assert_eq!(bob.err(&received(max_qts)), wanted);
    }
    assert_eq!(bob.ok(&received(102)), [1, 2]);
    assert_eq!(bob.ok(&received(102)), []);
    assert_eq!(missed(&bob, &since).0, ["3 in 5"]);
    assert_eq!(bob.ok(&received(103)), [3]);
    alice.ok(&message(&alice, 5, 4));
    assert_eq!(heard(&bob), ["104: 4 in 5"], "and counting goes on");
    alice.ok(&discard(5, false));
    assert_eq!(missed(&bob, &since).0, ["4 in 5"], "what was sent before the end is not lost");
}

#[test]
fn what_waits_comes_in_slices() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    let mut at = types::updates::State { date: i32::MAX, ..state(&bob) };
    let large = |random_id| functions::messages::SendEncrypted {
        data: vec![7; 24 + (16 << 10)],
        ..message(&alice, 5, random_id)
    };
    let (count, in_slice) = (150_i64, 64);
    (1..=count).for_each(|n| drop(alice.ok(&large(n))));
    let (mut sizes, mut random_ids) = (Vec::new(), Vec::new());
    loop {
        let call = tl_blank::get_difference(at.pts, at.date, at.qts);
        let (messages, state, is_all) = match bob.ok(&call) {
            enums::updates::Difference::Slice(slice) => (slice.new_encrypted_messages, slice.intermediate_state, false),
            enums::updates::Difference::Difference(rest) => (rest.new_encrypted_messages, rest.state, true),
            other => panic!("{other:?}"),
        };
        sizes.push(messages.len());
        random_ids.extend(messages.iter().map(enums::EncryptedMessage::random_id));
        let enums::updates::State::State(state) = state;
        at = types::updates::State { date: i32::MAX, ..state };
        if is_all {
            break;
        }
    }
    assert_eq!(random_ids, (1..=count).collect::<Vec<_>>());
    assert!(sizes.iter().all(|size| *size <= in_slice) && sizes.len() == 3, "{sizes:?}");
    let call =
        functions::updates::GetDifference { qts_limit: Some(2), ..tl_blank::get_difference(at.pts, at.date, 100) };
    let enums::updates::Difference::Slice(slice) = bob.ok(&call) else { panic!() };
    assert_eq!(slice.new_encrypted_messages.len(), 2);
}

#[test]
fn the_other_side_hears_of_typing_and_reading() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    let since = state(&alice);
    let typing = |typing| functions::messages::SetEncryptedTyping { peer: named(&bob, 5), typing };
    bob.ok(&typing(true));
    bob.ok(&typing(false));
    assert_eq!(heard(&alice), ["5 typing"]);
    let read = |max_date| functions::messages::ReadEncryptedHistory { peer: named(&bob, 5), max_date };
    for max_date in [1_000, 1_000, 999] {
        bob.ok(&read(max_date));
    }
    assert_eq!(heard(&alice), ["5 read until 1000"]);
    bob.ok(&read(i32::MAX));
    let [update] = &alice.pushed_updates()[..] else { panic!() };
    let enums::Update::EncryptedMessagesRead(read) = update else { panic!("{update:?}") };
    assert!(read.max_date <= unix_time(), "nobody reads what is not there yet");
    let told = format!("5 read until {}", read.max_date);
    assert!(missed(&alice, &since).1.contains(&told));
    assert!(!missed(&bob, &since).1.contains(&told));
    assert!(heard(&bob).is_empty());
}

#[test]
fn a_service_message_is_one_on_the_other_side() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    let peer = named(&bob, 5);
    bob.ok(&functions::messages::SendEncryptedService { peer, random_id: 8, data: sealed(1) });
    assert_eq!(heard(&alice), ["101: service 8 in 5"]);
}
