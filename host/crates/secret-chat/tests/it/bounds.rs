//! Every bound is reached.

use secret_chat::{
    CloseReason, Effect, Event, HELD_MAX, Ignored, KEPT_MAX, MESSAGE_BYTES_MAX, PACKET_BYTES_MAX, PENDING_MAX, Refused,
    Status,
};

use crate::pair::{exchange, pair};

#[test]
fn a_message_has_so_many_bytes() {
    let [mut a, mut b] = pair();
    assert_eq!(a.say(1, &"x".repeat(MESSAGE_BYTES_MAX)), Err(Refused::TooLong));
    a.say(1, &"x".repeat(MESSAGE_BYTES_MAX - 100)).unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.texts()[0].len(), MESSAGE_BYTES_MAX - 100);
    assert_eq!(b.receive(&vec![0; PACKET_BYTES_MAX + 1]), Err(Ignored::TooLong));
}

#[test]
fn so_many_messages_wait_for_the_data_centre() {
    let [mut a, _] = pair();
    // The request for a new key is among them.
    for id in 1..PENDING_MAX as i64 {
        a.say(id, "text").unwrap();
    }
    assert_eq!(a.chat.effects().len(), PENDING_MAX);
    assert_eq!(a.say(0, "text"), Err(Refused::Busy));
    a.say(1, "text").unwrap();
    let first = a.chat.effects()[0];
    a.confirm(first);
    a.say(0, "text").unwrap();
}

#[test]
fn so_many_messages_wait_for_one_that_is_missing() {
    let [mut a, mut b] = pair();
    let many = i64::from(HELD_MAX) + 300;
    let mut packets = Vec::new();
    for id in 0..many {
        a.say(id, &id.to_string()).unwrap();
        packets.extend(a.packets());
    }
    // All but the first, and in the order that holds most.
    packets[1..].iter().for_each(|packet| b.receive(packet).unwrap());
    let held = b.rows.len();
    assert!(held < HELD_MAX as usize + 20, "{held}");
    for _ in 0..10 {
        exchange(&mut a, &mut b);
        b.now_s += 3_600;
        b.events(|chat, outside| chat.on_time(outside));
    }
    assert_eq!(b.texts().len() as i64, many);
    assert!(b.rows.len() < 10 && b.chat.deadline().is_none_or(|deadline| deadline > b.now_s));
}

#[test]
fn so_many_messages_are_kept_and_asking_for_others_ends_the_chat() {
    let [mut a, mut b] = pair();
    let mut last = Vec::new();
    for id in 0..KEPT_MAX as i64 + 50 {
        a.say(id, "text").unwrap();
        last = a.packets();
    }
    assert_eq!(a.rows.len(), KEPT_MAX + 1);
    a.restart();
    b.receive(&last[0]).unwrap();
    for packet in b.packets() {
        a.receive(&packet).unwrap();
    }
    assert_eq!(a.chat.status(), Status::Closed(CloseReason::CannotResend));
    assert_eq!(a.events.last(), Some(&Event::Closed(CloseReason::CannotResend)));
    assert_eq!(a.rows.len(), 1);
    let effects = a.chat.effects();
    assert_eq!(a.chat.effect(effects[0]), Some(Effect::Discard { delete_history: false }));
}
