//! Keys are changed after so many messages or so long, whoever begins, and those that were used are gone.

use std::collections::BTreeSet;

use secret_chat::{CloseReason, Event, Ignored, KEY_AGE_S_MAX, KEY_MESSAGES_MAX, SecretChat, Status, foreign};

use crate::pair::{Side, exchange, pair};

fn key_changes(side: &Side) -> usize {
    side.events.iter().filter(|event| **event == Event::KeyChanged).count()
}

#[test]
fn a_key_is_used_for_so_many_messages() {
    let [mut a, mut b] = pair();
    let mut old = Vec::new();
    for id in 0..i64::from(4 * KEY_MESSAGES_MAX) {
        let (from, to) = if id % 3 == 0 { (&mut b, &mut a) } else { (&mut a, &mut b) };
        from.say(id, "text").unwrap();
        let packets = from.packets();
        packets.iter().for_each(|packet| to.receive(packet).unwrap());
        old.push(packets[0].clone());
        exchange(&mut a, &mut b);
    }
    let changes = key_changes(&a);
    assert!((3..=4).contains(&changes) && key_changes(&b) == changes, "{changes}");
    assert_eq!([a.chat.status(), b.chat.status()], [Status::Open, Status::Open]);
    let mut keys: Vec<&[u8]> = old.iter().map(|packet| &packet[..8]).collect();
    keys.dedup();
    let unique: BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), unique.len()), (changes + 1, changes + 1), "none is used again");
    assert_eq!(b.receive(&old[1]), Err(Ignored::UnknownKey));
    // What people compare is the first one's for ever.
    assert_eq!(a.chat.picture(), SecretChat::load(pair()[0].rows.clone()).unwrap().picture());
}

#[test]
fn a_key_is_used_for_so_long() {
    let [mut a, mut b] = pair();
    a.say(1, "text").unwrap();
    exchange(&mut a, &mut b);
    let due_s = a.chat.deadline().unwrap();
    assert_eq!(due_s, crate::pair::BEGINNING_S + KEY_AGE_S_MAX);
    for (now_s, changes) in [(due_s - 1, 0), (due_s, 1)] {
        (a.now_s, b.now_s) = (now_s, now_s);
        a.events(|chat, outside| chat.on_time(outside));
        exchange(&mut a, &mut b);
        assert_eq!([key_changes(&a), key_changes(&b)], [changes; 2]);
    }
}

#[test]
fn both_may_begin_at_once() {
    for seed in 0..8 {
        let [a, b] = pair();
        let mut sides = [(a, 1 + seed), (b, 100 - seed)].map(|(side, seed)| Side::of(seed, side.rows));
        for side in &mut sides {
            side.events(|chat, outside| chat.change_key(outside));
        }
        let [mut a, mut b] = sides;
        exchange(&mut a, &mut b);
        assert_eq!([key_changes(&a), key_changes(&b)], [1, 1]);
        a.say(1, "text").unwrap();
        exchange(&mut a, &mut b);
        assert_eq!(b.texts(), ["text"]);
    }
}

#[test]
fn a_message_under_the_new_key_is_as_good_as_the_word_that_it_is_used() {
    let [mut a, mut b] = pair();
    a.events(|chat, outside| chat.change_key(outside));
    a.packets().iter().for_each(|packet| b.receive(packet).unwrap());
    b.say(1, "under the old key").unwrap();
    let from_b = b.packets();
    a.receive(&from_b[0]).unwrap();
    assert_eq!([key_changes(&a), key_changes(&b)], [1, 0]);
    a.say(2, "under the new key").unwrap();
    let from_a = a.packets();
    assert_eq!(from_a.len(), 2);
    b.restart();
    b.receive(&from_a[1]).unwrap();
    assert_eq!(key_changes(&b), 1, "it has come, but cannot be taken yet");
    assert_eq!(b.texts(), [""; 0]);
    // What was sent before may still come.
    a.receive(&from_b[1]).unwrap();
    exchange(&mut a, &mut b);
    assert_eq!((a.texts(), b.texts()), (vec!["under the old key".to_owned()], vec!["under the new key".to_owned()]));
    assert_eq!([key_changes(&a), key_changes(&b)], [1, 1]);
    assert_eq!(a.receive(&from_b[1]), Err(Ignored::UnknownKey));
}

/// A service message of the other side's: constructor and fields, with the numbers that are next.
fn step(side: &mut Side, next: &mut i32, fields: &[&[u8]]) -> Result<(), Ignored> {
    let x = i32::from(side.chat.is_ours());
    let mut plain = 0x1be3_1789_u32.to_le_bytes().to_vec();
    plain.extend([15]);
    plain.extend([0; 15]);
    for number in [144, x, 2 * *next + 1 - x] {
        plain.extend(number.to_le_bytes());
    }
    plain.extend(0x7316_4160_u32.to_le_bytes());
    plain.extend(7_i64.to_le_bytes());
    fields.iter().for_each(|field| plain.extend(*field));
    *next += 1;
    let packet = foreign::packet(&side.chat, &plain).unwrap();
    side.receive(&packet)
}

fn public(bytes: &[u8; 256]) -> Vec<u8> {
    [&[254, 0, 1, 0][..], bytes].concat()
}

/// What it is, the steps that the other side takes, how many answers they get, or why the chat is closed.
type Case<'a> = (&'a str, Vec<Vec<&'a [u8]>>, usize, Option<CloseReason>);

const REQUEST: [u8; 4] = 0xf3c9_611b_u32.to_le_bytes();
const ACCEPT: [u8; 4] = 0x6fe1_735b_u32.to_le_bytes();
const COMMIT: [u8; 4] = 0xec2e_0b9b_u32.to_le_bytes();
const ABORT: [u8; 4] = 0xdd05_ec6b_u32.to_le_bytes();
const ID: [u8; 8] = 5_i64.to_le_bytes();

#[test]
fn who_does_not_follow_the_protocol_is_told_or_left() {
    let (good, bad) = (public(&[9; 256]), public(&[0; 256]));
    let cases: [Case<'_>; 7] = [
        ("an unsafe half", vec![vec![&REQUEST, &ID, &bad]], 0, Some(CloseReason::UnsafeKey)),
        ("a commit of nothing", vec![vec![&COMMIT, &ID, &ID]], 0, Some(CloseReason::KeyExchange)),
        ("another key", vec![vec![&REQUEST, &ID, &good], vec![&COMMIT, &ID, &ID]], 0, Some(CloseReason::KeyMismatch)),
        ("an acceptance of nothing", vec![vec![&ACCEPT, &ID, &good, &ID]], 1, None),
        ("an abortion of nothing", vec![vec![&ABORT, &ID]], 0, None),
        ("a second request", vec![vec![&REQUEST, &ID, &good], vec![&REQUEST, &ACCEPT, &ACCEPT, &good]], 2, None),
        ("an abortion", vec![vec![&REQUEST, &ID, &good], vec![&ABORT, &ID], vec![&REQUEST, &ID, &good]], 2, None),
    ];
    for (name, steps, answers, closed) in cases {
        let [mut a, _] = pair();
        let mut next = 1;
        for fields in steps {
            step(&mut a, &mut next, &fields).unwrap();
        }
        match closed {
            None => assert_eq!(a.chat.effects().len(), answers, "{name}"),
            Some(reason) => assert_eq!(a.chat.status(), Status::Closed(reason), "{name}"),
        }
    }
}

#[test]
fn an_aborted_change_is_not_begun_again_at_once() {
    let [mut a, _] = pair();
    for id in 0..=i64::from(KEY_MESSAGES_MAX) {
        a.say(id, "text").unwrap();
    }
    let packets = a.packets();
    let [_, b] = pair();
    let id = packets.iter().find_map(|packet| {
        let plain = foreign::plain(&b.chat, packet).unwrap();
        let at = plain.windows(4).position(|window| window == REQUEST)? + 4;
        Some(plain[at..at + 8].to_vec())
    });
    let id = id.expect("it has asked for a new key");
    step(&mut a, &mut 1, &[&ABORT, &id]).unwrap();
    assert_eq!(a.chat.effects(), []);
    a.events(|chat, outside| chat.change_key(outside));
    assert_eq!(a.chat.effects().len(), 1);
}
