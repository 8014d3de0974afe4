//! Whatever comes, encrypted rightly or not: it is taken or it is not, nothing panics, and what was not taken changed nothing.

use proptest::prelude::*;
use secret_chat::{CloseReason, SecretChat, Status, foreign};

use crate::pair::{Side, pair};

/// What the other side has written, as it came and as it was before.
fn right(sides: &mut [Side; 2]) -> Vec<Vec<u8>> {
    let [a, b] = sides;
    a.say(1, "text").unwrap();
    a.act(2, secret_chat::Action::Delete(vec![1, 2, 3]));
    a.events(|chat, outside| chat.change_key(outside));
    let packets = a.packets();
    assert_eq!(packets.len(), 3);
    let plain = packets.iter().map(|packet| foreign::plain(&b.chat, packet).unwrap());
    plain.collect()
}

/// Some bytes are others, or are not there, or are there twice.
fn changed(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (at, kind, value) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match kind {
            0..=5 => bytes[at] ^= value,
            6 => bytes.truncate(at),
            7 => bytes.insert(at, *value),
            8 => drop(bytes.drain(at..(at + 4).min(bytes.len()))),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..10_u8, any::<u8>()), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_that_was_changed_changes_nothing(which in 0..3_usize, changes in changes()) {
        let mut sides = pair();
        let plain = right(&mut sides).swap_remove(which);
        let [_, b] = &mut sides;
        let packet = foreign::packet(&b.chat, &plain).unwrap();
        let bytes = changed(packet.clone(), &changes);
        let before = b.rows.clone();
        if bytes != packet {
            prop_assert!(b.receive(&bytes).is_err());
            prop_assert_eq!(&b.rows, &before);
        }
        prop_assert!(b.receive(&packet).is_ok());
    }

    #[test]
    fn anything_the_other_side_writes_is_taken_or_ends_the_chat(
        messages in prop::collection::vec((0..3_usize, changes(), 0..6_i32), 1..6),
    ) {
        let mut sides = pair();
        let right = right(&mut sides);
        let [_, b] = &mut sides;
        for (which, changes, number) in messages {
            let mut plain = right[which].clone();
            // Behind constructor, random bytes, layer and one number.
            plain[44..48].copy_from_slice(&(2 * number + 1).to_le_bytes());
            let Some(packet) = foreign::packet(&b.chat, &changed(plain, &changes)) else { break };
            let _ = b.receive(&packet);
            b.restart();
        }
        if b.chat.status() == Status::Open {
            b.say(9, "still here").unwrap();
        } else {
            prop_assert_eq!(b.rows.len(), 1);
        }
    }
}

/// A message's surroundings: constructor, random bytes, layer, both numbers.
fn layered(in_seq_no: i32, out_seq_no: i32) -> Vec<u8> {
    let mut plain = 0x1be3_1789_u32.to_le_bytes().to_vec();
    plain.extend([0; 4]);
    [144, in_seq_no, out_seq_no].iter().for_each(|number| plain.extend(number.to_le_bytes()));
    plain
}

#[test]
fn numbers_that_cannot_be_end_the_chat() {
    // To the one who asked for the chat, after one message each way.
    let cases = [
        (layered(0, 2), Some(CloseReason::Mirrored)),
        (layered(1, 3), Some(CloseReason::Mirrored)),
        (layered(-1, 2), Some(CloseReason::Sequence)),
        (layered(1, -2), Some(CloseReason::Sequence)),
        (layered(5, 2), Some(CloseReason::Sequence)),
        (layered(1, 2), None),
        (layered(1, i32::MAX - 1), None),
        (0x1f81_4f1f_u32.to_le_bytes().to_vec(), Some(CloseReason::NoSequence)),
        (vec![], Some(CloseReason::NoSequence)),
    ];
    for (plain, reason) in cases {
        let [mut a, _] = pair();
        let packet = foreign::packet(&a.chat, &plain).unwrap();
        a.receive(&packet).unwrap();
        let status = reason.map_or(Status::Open, Status::Closed);
        assert_eq!(a.chat.status(), status, "{plain:?}");
        assert_eq!(SecretChat::load(a.rows).unwrap().status(), status);
    }
}

#[test]
fn what_they_have_does_not_become_less() {
    let [mut a, _] = pair();
    a.say(1, "text").unwrap();
    a.packets();
    for (had, number, status) in [(2, 1, Status::Open), (1, 2, Status::Closed(CloseReason::Sequence))] {
        let packet = foreign::packet(&a.chat, &layered(2 * had + 1, 2 * number)).unwrap();
        a.receive(&packet).unwrap();
        assert_eq!(a.chat.status(), status);
    }
}
