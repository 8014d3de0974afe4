//! What a data centre sends to an account: a stream is cut into the packets that are in it, and no more of it is held than one
//! packet may have; whatever updates say, the account takes them or not, and what it has stored stays readable.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use datacentre::foreign;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::damage::{bytes_like, pieces};
use crate::holds_for_each;

/// The stream that accounts speak: `full`.
const FULL: u8 = 3;
/// The largest packet that is taken, and twice a read's room: what a buffer that grows has in reserve.
const HELD_BYTES_MAX: usize = 2 * ((1 << 20) + (8 << 10) + (64 << 10));
/// Envelopes of one case, each after the other.
const UPDATES_MAX: usize = 4;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("the system gives one"));

fn in_pieces(pieces: &[Vec<u8>]) -> (Vec<Vec<u8>>, usize) {
    RUNTIME.block_on(telegram::foreign::packets(pieces)).expect("loopback is there")
}

#[test]
fn any_stream_is_cut_or_refused() {
    let right = [foreign::stream(FULL, &[vec![1; 40], vec![2; 600], vec![3; 8]])];
    let make = |from: &mut Unstructured<'_>| bytes_like(from, &right).and_then(|bytes| pieces(from, &bytes));
    holds_for_each(make, |pieces| {
        let (packets, held) = in_pieces(pieces);
        assert!(packets.concat().len() <= pieces.concat().len());
        assert!(held <= HELD_BYTES_MAX, "{held}");
    });
}

#[test]
fn what_was_packed_comes_out_as_it_was() {
    let make = |from: &mut Unstructured<'_>| {
        let mut packets = Vec::new();
        for _ in 0..from.int_in_range(1..=5)? {
            let words = from.int_in_range(2..=150)?;
            packets.push(from.bytes(4 * words)?.to_vec());
        }
        Ok((pieces(from, &foreign::stream(FULL, &packets))?, packets))
    };
    holds_for_each(make, |(pieces, packets)| assert_eq!(in_pieces(pieces).0, *packets));
}

#[test]
fn any_updates_are_taken_or_not() {
    let right = telegram::foreign::updates();
    let folder = TempDir::new().expect("a folder");
    let whole = {
        let mut account = telegram::foreign::Pushes::open(&folder.path().join("whole")).expect("it can be written to");
        right.iter().map(|updates| account.take(updates).expect("it is read")).last()
    };
    assert_eq!(whole, Some(4), "what is right all through is taken: three messages, and one of the channel");
    let make = |from: &mut Unstructured<'_>| {
        (0..from.int_in_range(1..=UPDATES_MAX)?)
            .map(|_| bytes_like(from, &right))
            .collect::<arbitrary::Result<Vec<_>>>()
    };
    holds_for_each(make, |envelopes| {
        let folder = TempDir::new().expect("a folder");
        let mut account = telegram::foreign::Pushes::open(folder.path()).expect("it can be written to");
        for envelope in envelopes {
            account.take(envelope).expect("it is read");
        }
    });
}
