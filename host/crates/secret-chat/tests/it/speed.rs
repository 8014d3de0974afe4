//! How fast it is, for who asks: `cargo test -p secret-chat --test it -- --ignored --nocapture speed`.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use secret_chat::{FileDecryptor, FileEncryptor, Incoming, Message, Outgoing, Outside};

use crate::pair::{BEGINNING_S, pair};

const ROUNDS: u32 = 200;
/// Fewer than a key is used for.
const MESSAGES: i64 = 80;
const PIECE_BYTES: usize = 512 << 10;
const PIECES: usize = 400;

/// Processor time, so that others do not count.
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[test]
#[ignore = "it measures"]
fn messages_and_files() {
    let text = "a message that is about as long as people's messages are";
    let mut spent = Duration::ZERO;
    for _ in 0..ROUNDS {
        let [mut a, mut b] = pair();
        let mut random = |bytes: &mut [u8]| bytes.fill(7);
        let mut outside = Outside { now_s: BEGINNING_S, random: &mut random };
        let begin = now();
        for random_id in 0..MESSAGES {
            let message = Message { text: text.to_owned(), ..Message::default() };
            a.chat.send(random_id, Outgoing::Message(Box::new(message), None), &mut outside).unwrap();
            let id = a.chat.effects()[0];
            let bytes = a.packet(id);
            a.chat.confirmed(id, None, &mut outside);
            let incoming = Incoming { bytes: &bytes, date: 1, file: None };
            b.chat.receive(&incoming, &mut outside).unwrap();
        }
        spent += now() - begin;
    }
    let messages = f64::from(ROUNDS) * MESSAGES as f64;
    println!("{:.1} µs a message, written, sent, confirmed and taken", spent.as_secs_f64() * 1e6 / messages);
    let [mut a, mut b] = pair();
    let begin = now();
    for id in 0..i64::from(ROUNDS) * MESSAGES {
        let (from, to) = if id % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        from.say(id, text).unwrap();
        for packet in from.packets() {
            to.receive(&packet).unwrap();
        }
    }
    let spent = (now() - begin).as_secs_f64() * 1e6 / messages;
    println!("{spent:.1} µs a message with the rows of each step, and short exponents of new keys");
    let (mut encryptor, key) = a.step(|_, outside| FileEncryptor::new(outside));
    let mut decryptor = FileDecryptor::new(&key);
    let mut piece = vec![7; PIECE_BYTES];
    let rate = |begin: Duration| (PIECES * PIECE_BYTES) as f64 / (now() - begin).as_secs_f64() / 1e6;
    let begin = now();
    (0..PIECES).for_each(|_| encryptor.piece(&mut piece).unwrap());
    println!("{:.0} MB/s encrypted", rate(begin));
    let begin = now();
    (0..PIECES).for_each(|_| decryptor.piece(&mut piece).unwrap());
    println!("{:.0} MB/s decrypted", rate(begin));
}
