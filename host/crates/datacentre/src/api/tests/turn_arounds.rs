//! How long users take to answer, as a measurement is told.

use super::world::World;

#[test]
fn a_turn_around_is_from_anothers_message_to_the_users_next_one() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let (to_alice, to_bob) = (bob.peer(&alice), alice.peer(&bob));
    alice.send(to_bob.clone(), "before somebody asks");
    let mut told = world.api.turn_arounds().ask();
    bob.send(to_alice.clone(), "to what nobody noted");
    assert!(told.try_recv().is_err());
    alice.send(to_bob.clone(), "one");
    assert_eq!(told.try_recv().map(|turn| turn.user_id), Ok(alice.me));
    alice.send(to_bob.clone(), "two");
    bob.send(to_alice.clone(), "both");
    bob.send(to_alice, "once more");
    assert_eq!(told.try_recv().map(|turn| turn.user_id), Ok(bob.me));
    assert!(told.try_recv().is_err(), "each is told once");
    drop(told);
    alice.send(to_bob, "to nobody who asks");
    assert!(!world.api.turn_arounds().are_asked_for());
}

#[test]
fn turn_arounds_that_nobody_takes_are_dropped() {
    let world = World::new();
    let notes = world.api.turn_arounds();
    let mut told = notes.ask();
    for user in 0..3_000 {
        notes.writing(user);
    }
    for user in 0..3_000 {
        notes.read(user, std::time::Instant::now());
    }
    let mut count = 0;
    while told.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 1_024);
}
