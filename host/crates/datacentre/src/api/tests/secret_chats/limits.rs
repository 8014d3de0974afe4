//! How much of secret chats is kept: each bound, reached.

use super::{discard, heard, message, received, request, talk};
use crate::api::tests::world::World;
use crate::model::secret_chats;
use crate::model::unix_time;

#[test]
fn a_user_has_so_many_chats_and_as_many_discarded_ones() {
    let mut world = World::new();
    world.set_limits(|limits| limits.secret_chats_per_user_max = 2);
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 1);
    alice.ok(&request(&alice, &bob, 2));
    assert_eq!(alice.err(&request(&alice, &bob, 3)), "420 FLOOD_WAIT_3600");
    talk(&bob, &alice, 3);
    for id in 4..8 {
        alice.ok(&discard(if id == 4 { 2 } else { id - 1 }, false));
        alice.ok(&request(&alice, &bob, id));
    }
    alice.ok(&message(&alice, 1, 1));
    let known = |id| secret_chats::find(&world.model.lock(), id).unwrap().is_some();
    let known: Vec<i32> = (1..8).filter(|id| known(*id)).collect();
    assert_eq!(known.len(), 2 + 1 + 2, "her two, his one, two discarded of four: {known:?}");
}

#[test]
fn so_many_messages_wait_for_a_key() {
    let mut world = World::new();
    world.set_limits(|limits| limits.secret_messages_per_key_max = 2);
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    (1..=2).for_each(|n| drop(alice.ok(&message(&alice, 5, n))));
    assert_eq!(alice.err(&message(&alice, 5, 3)), "420 FLOOD_WAIT_60");
    alice.ok(&message(&alice, 5, 2));
    assert_eq!(heard(&bob).len(), 2, "none was thrown away for it");
    bob.ok(&message(&bob, 5, 1));
    bob.ok(&received(101));
    alice.ok(&message(&alice, 5, 3));
    assert_eq!(heard(&bob), ["103: 3 in 5"]);
    assert_eq!(alice.err(&message(&alice, 5, 4)), "420 FLOOD_WAIT_60");
}

#[test]
fn random_ids_are_known_for_a_month() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    alice.ok(&message(&alice, 5, 1));
    let prune =
        |days: i32| secret_chats::prune_random_ids(&world.model.lock(), unix_time() + days * 24 * 3600).unwrap();
    let is_known = || secret_chats::sent_before(&world.model.lock(), 5, alice.me, 1).unwrap().is_some();
    prune(29);
    assert!(is_known());
    prune(31);
    assert!(!is_known());
}
