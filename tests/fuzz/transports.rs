//! A stream of a client's, cut into packets by the data centre: no more is held than what was sent and one read's room; and what
//! was packed comes out as it was, however the stream is cut.

use arbitrary::Unstructured;
use datacentre::foreign;

use crate::damage::{bytes_like, pieces};
use crate::holds_for_each;

/// What is held beside what has come: the room for a read, and what a buffer that grows has in reserve.
const ROOM_BYTES_MAX: usize = 64 << 10;

fn in_pieces(pieces: &[Vec<u8>]) -> Option<(Vec<Vec<u8>>, usize)> {
    foreign::packets(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn any_stream_is_read_or_refused() {
    let right: [_; 4] = [0, 1, 2, 3].map(|way| foreign::stream(way, &[vec![1; 40], vec![2; 600], vec![3; 8]]));
    let make = |from: &mut Unstructured<'_>| bytes_like(from, &right).and_then(|bytes| pieces(from, &bytes));
    holds_for_each(make, |pieces| {
        let bytes = pieces.concat().len();
        if let Some((packets, held)) = in_pieces(pieces) {
            assert!(packets.concat().len() <= bytes);
            assert!(held <= 2 * bytes + ROOM_BYTES_MAX, "{held}");
        }
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
        let stream = foreign::stream(from.int_in_range(0..=3)?, &packets);
        Ok((pieces(from, &stream)?, packets))
    };
    holds_for_each(make, |(pieces, packets)| {
        let (got, _) = in_pieces(pieces).expect("it is MTProto");
        assert_eq!(got.len(), packets.len());
        // The padded transport has up to 15 bytes more in each.
        let is_it = |(got, packet): (&Vec<u8>, &Vec<u8>)| got.starts_with(packet) && got.len() < packet.len() + 16;
        assert!(got.iter().zip(packets).all(is_it));
    });
}
