//! State and differences.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{Client, World, delete, edit, group, texts};
use crate::model::log::{self, ENTRIES_KEPT_MAX, Entry};

#[test]
fn a_difference_brings_what_was_missed_as_it_is_now() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let start = bob.pts();
    let ids: Vec<i32> = ["kept", "gone", "changed"].map(|text| alice.send(alice.peer(&bob), text)).to_vec();
    alice.ok(&delete(vec![ids[1]], true));
    alice.ok(&edit(alice.peer(&bob), ids[2], "changed!"));
    let enums::updates::Difference::Difference(difference) = bob.ok(&difference(start)) else { panic!() };
    let got: Vec<String> = texts(difference.new_messages).into_iter().map(|message| message.message).collect();
    assert_eq!(got, ["kept", "changed!"]);
    assert!(matches!(difference.other_updates[..], [enums::Update::DeleteMessages(_)]), "the edit is in the message");
    assert!(difference.users.iter().any(|user| user.id() == alice.me));
    let enums::updates::State::State(state) = difference.state;
    assert_eq!(state.pts, bob.pts());
    assert_eq!(state.unread_count, 2);

    let answer = bob.ok(&self::difference(state.pts));
    assert!(matches!(answer, enums::updates::Difference::Empty(_)));
    assert_eq!(bob.err(&self::difference(0)), "400 PERSISTENT_TIMESTAMP_EMPTY");
}

#[test]
fn an_edit_of_a_message_known_before_comes_as_an_update() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let id = alice.send(alice.peer(&bob), "old");
    let start = bob.pts();
    alice.ok(&edit(alice.peer(&bob), id, "new"));
    alice.ok(&edit(alice.peer(&bob), id, "newer"));
    let enums::updates::Difference::Difference(difference) = bob.ok(&difference(start)) else { panic!() };
    let [enums::Update::EditMessage(update)] = &difference.other_updates[..] else { panic!() };
    let enums::Message::Message(message) = &update.message else { panic!() };
    assert_eq!(message.message, "newer");
}

#[test]
fn slices_lead_to_the_whole_without_doubles() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let start = bob.pts();
    for n in 0..25 {
        alice.send(alice.peer(&bob), &format!("{n}"));
    }
    let mut pts = start;
    let mut got = Vec::new();
    let mut slices = 0;
    loop {
        let call = functions::updates::GetDifference { pts_limit: Some(10), ..difference(pts) };
        let (messages, state, last) = match bob.ok(&call) {
            enums::updates::Difference::Slice(slice) => (slice.new_messages, slice.intermediate_state, false),
            enums::updates::Difference::Difference(rest) => (rest.new_messages, rest.state, true),
            other => panic!("{other:?}"),
        };
        let enums::updates::State::State(state) = state;
        pts = state.pts;
        assert_eq!(state.date == call.date, !last, "news of channels counts from that date until all is told");
        got.extend(texts(messages).into_iter().map(|message| message.message));
        slices += 1;
        if last {
            break;
        }
    }
    assert_eq!(got, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!((slices, pts), (3, bob.pts()));
}

#[test]
fn a_gap_too_long_for_the_log_or_the_client_says_so() {
    let world = World::new();
    let alice = world.human(1);
    let start = alice.pts();
    for n in 0..20 {
        alice.send(enums::InputPeer::PeerSelf, &format!("{n}"));
    }
    let call = functions::updates::GetDifference { pts_total_limit: Some(10), ..difference(start) };
    assert!(matches!(alice.ok(&call), enums::updates::Difference::TooLong(too_long) if too_long.pts == alice.pts()));

    let mut db = world.model.lock();
    let transaction = db.transaction().unwrap();
    for _ in 0..ENTRIES_KEPT_MAX + 1000 {
        log::append(&transaction, alice.me, 1, |_| Entry::EditedMessage(1)).unwrap();
    }
    transaction.commit().unwrap();
    drop(db);
    assert!(matches!(alice.ok(&difference(start)), enums::updates::Difference::TooLong(_)));
    let recent = alice.ok(&difference(alice.pts() - ENTRIES_KEPT_MAX + 600));
    assert!(matches!(recent, enums::updates::Difference::Slice(_)), "what is within the bound is there");
}

#[test]
fn each_new_message_counts_once_for_each_member() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob, &carol], "Friends");
    let before = [&alice, &bob, &carol].map(Client::pts);
    alice.send(group.clone(), "hello");
    bob.send(group, "hello");
    assert_eq!([&alice, &bob, &carol].map(Client::pts), before.map(|pts| pts + 2));
}

#[test]
fn everything_is_there_after_a_restart() {
    let world = World::new();
    let (first_key, me, other, pts) = {
        let (alice, bob) = (world.human(1), world.human(2));
        alice.send(alice.peer(&bob), "before");
        (alice.caller.auth_key_id, alice.me, bob.me, alice.pts())
    };
    let world = world.restarted();
    let mut alice = world.session(first_key, 77);
    alice.me = me;
    assert_eq!(alice.pts(), pts);
    let mut bob = world.client();
    bob.log_in(2);
    assert_eq!(bob.me, other);
    assert_eq!(alice.history(alice.peer(&bob))[0].message, "before");
    assert_eq!(alice.send(alice.peer(&bob), "after"), 2);
}

#[test]
fn coming_and_going_is_told_to_those_who_know_the_user() {
    use crate::seam::Methods;
    let world = World::new();
    let (alice, bob, stranger) = (world.human(1), world.human(2), world.human(3));
    alice.send(alice.peer(&bob), "hello");
    bob.pushed();
    let status = |offline| functions::account::UpdateStatus { offline };
    alice.ok(&status(false));
    alice.ok(&status(false));
    let told = bob.pushed_updates();
    let [enums::Update::UserStatus(update)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(update.user_id, alice.me);
    assert!(matches!(update.status, enums::UserStatus::Online(_)));
    world.api.disconnected(alice.caller.auth_key_id);
    let told = bob.pushed_updates();
    assert!(
        matches!(&told[..], [enums::Update::UserStatus(update)] if matches!(update.status, enums::UserStatus::Offline(_))),
        "{told:?}"
    );
    assert!(stranger.pushed().is_empty());
}

fn difference(pts: i32) -> functions::updates::GetDifference {
    tl_blank::get_difference(pts, 1, 0)
}

#[test]
fn the_state_has_a_qts_that_tdlib_takes() {
    let world = World::new();
    let enums::updates::State::State(types::updates::State { qts, seq, .. }) =
        world.human(1).ok(&functions::updates::GetState {});
    assert!(qts > 1 && seq == 0);
}
