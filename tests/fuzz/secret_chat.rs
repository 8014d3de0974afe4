//! What comes in a secret chat: packets from the data centre, and in them whatever the other side has encrypted. It is taken, or
//! not, or ends the chat; a packet that nobody on the other side has made changes nothing; and what is kept of a chat can be
//! read, or not, whatever it is.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use arbitrary::Unstructured;
use dh::DhGroup;
use secret_chat::{Action, Effect, EffectId, Incoming, Message, Outgoing, Outside, Row, SecretChat, Status, foreign};

use crate::damage::bytes_like;
use crate::holds_for_each;

/// What is kept of a chat.
type Rows = BTreeMap<i64, Vec<u8>>;

/// Messages of one case.
const MESSAGES_MAX: usize = 4;
/// Where a message that is written here has its own number.
const NUMBER_AT: usize = 44;

/// What somebody has of a chat that both have opened, and what the other side then writes.
struct Given {
    rows: Rows,
    packets: Vec<Vec<u8>>,
    plain: Vec<Vec<u8>>,
}

fn given() -> &'static Given {
    static GIVEN: OnceLock<Given> = OnceLock::new();
    GIVEN.get_or_init(|| {
        let mut last = 0_u8;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                last = last.wrapping_mul(5).wrapping_add(113);
                *byte = last;
            }
        };
        let mut outside = Outside { now_s: 0, random: &mut random };
        let mut ours = SecretChat::request(group(), &mut outside).expect("random enough");
        let Some(Effect::Request { random_id, g_a }) = ours.effect(EffectId::Request) else { panic!("it asks") };
        let mut theirs = SecretChat::requested(random_id, &g_a);
        theirs.accept(group(), &mut outside).expect("random enough");
        let Some(Effect::Accept { g_b, key_fingerprint }) = theirs.effect(EffectId::Accept) else { panic!("it does") };
        for chat in [&mut ours, &mut theirs] {
            chat.established(&g_b, key_fingerprint, &mut outside);
        }
        let rows = kept(Rows::new(), ours.changes());
        let message = Message { text: "text".to_owned(), ..Message::default() };
        theirs.send(1, Outgoing::Message(Box::new(message), None), &mut outside).expect("it is open");
        theirs.send(2, Outgoing::Action(Action::Delete(vec![1, 2])), &mut outside).expect("it is open");
        theirs.change_key(&mut outside);
        let data = |id| match theirs.effect(id) {
            Some(Effect::Send { data, .. }) => data,
            other => panic!("{other:?}"),
        };
        let packets: Vec<_> = theirs.effects().into_iter().map(data).collect();
        let plain = packets.iter().map(|packet| foreign::plain(&ours, packet).expect("it is theirs")).collect();
        Given { rows, packets, plain }
    })
}

fn group() -> DhGroup {
    let vectors = include_str!("../../host/crates/secret-chat/tests/vectors.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).expect("JSON");
    let digits = vectors["prime"].as_str().expect("digits").as_bytes().chunks(2);
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).expect("text"), 16).expect("a byte");
    DhGroup::check(&digits.map(byte).collect::<Vec<_>>(), 3).expect("Telegram's own")
}

fn kept(mut rows: Rows, changes: Vec<Row>) -> Rows {
    for Row { key, value } in changes {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    rows
}

/// What is kept after these packets have come, each after an end and a start. Whether any was taken is said as well.
fn received(packets: impl IntoIterator<Item = impl Fn(&SecretChat) -> Option<Vec<u8>>>) -> (Rows, bool) {
    let (mut rows, mut is_taken) = (given().rows.clone(), false);
    let mut random = |bytes: &mut [u8]| bytes.fill(9);
    let mut outside = Outside { now_s: 1, random: &mut random };
    for packet in packets {
        let mut chat = SecretChat::load(rows.clone()).expect("what was kept");
        let Some(bytes) = packet(&chat) else { break };
        let result = chat.receive(&Incoming { bytes: &bytes, date: 1, file: None }, &mut outside);
        is_taken |= result.is_ok();
        rows = kept(rows, chat.changes());
    }
    (rows, is_taken)
}

#[test]
fn a_packet_that_nobody_has_made_changes_nothing() {
    let given = given();
    holds_for_each(
        |from| bytes_like(from, &given.packets),
        |bytes| {
            let (rows, is_taken) = received([|_: &SecretChat| Some(bytes.clone())]);
            assert_eq!(is_taken, given.packets.contains(bytes));
            assert!(is_taken || rows == given.rows);
        },
    );
}

#[test]
fn whatever_the_other_side_encrypts_is_taken_or_ends_the_chat() {
    let given = given();
    let make = |from: &mut Unstructured<'_>| {
        let mut messages = Vec::new();
        for _ in 0..from.int_in_range(1..=MESSAGES_MAX)? {
            let mut plain = from.choose(&given.plain)?.clone();
            let number = from.int_in_range(0..=2 * MESSAGES_MAX as i32)?;
            plain[NUMBER_AT..NUMBER_AT + 4].copy_from_slice(&(2 * number).to_le_bytes());
            messages.push(bytes_like(from, &[plain])?);
        }
        Ok(messages)
    };
    holds_for_each(make, |messages| {
        let (rows, _) = received(messages.iter().map(|plain| |chat: &SecretChat| foreign::packet(chat, plain)));
        let chat = SecretChat::load(rows.clone()).expect("what was kept");
        assert!(chat.status() == Status::Open || rows.len() == 1);
        for id in chat.effects() {
            assert!(chat.effect(id).is_some());
        }
    });
}

#[test]
fn any_rows_are_a_chat_or_are_not() {
    let right: Vec<&Vec<u8>> = given().rows.values().collect();
    let make = |from: &mut Unstructured<'_>| {
        let (head, message) = (bytes_like(from, &right)?, bytes_like(from, &right)?);
        Ok([(0, head), (from.int_in_range(-1..=9)?, message)])
    };
    holds_for_each(make, |rows| {
        let Ok(mut chat) = SecretChat::load(rows.clone()) else { return };
        let mut outside = Outside { now_s: i64::MAX, random: &mut |bytes| bytes.fill(9) };
        chat.on_time(&mut outside);
        for bytes in &given().packets {
            let _ = chat.receive(&Incoming { bytes, date: 1, file: None }, &mut outside);
        }
        let _ = chat.send(3, Outgoing::Action(Action::Flush), &mut outside);
        let rows = kept(rows.iter().cloned().collect(), chat.changes());
        assert!(SecretChat::load(rows).is_ok());
    });
}
