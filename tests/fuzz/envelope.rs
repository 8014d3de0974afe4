//! A client's packet, opened by the data centre, and the message in it, with all that messages and calls may be wrapped in: a
//! packet that was changed on its way does not open, and what comes out of a message is bounded, whatever it unpacks to.

use arbitrary::Unstructured;
use datacentre::foreign;

use crate::damage::bytes_like;
use crate::holds_for_each;

const KEY: [u8; 256] = [7; 256];
/// Calls in one message have no more bytes, however they are packed.
const UNPACKED_BYTES_MAX: usize = 8 << 20;

/// `msg_container`, `gzip_packed`, `invokeWithLayer`, `invokeAfterMsgs` and `ping`, as they begin.
const BEGINNINGS: [u32; 5] = [0x73f1_f8dc, 0x3072_cfa1, 0xda9b_0d0d, 0x3dc4_b4f0, 0x7abe_77ec];

/// Salt, session, message id and sequence number, the body's length, the body, and padding.
fn plain(body: &[u8], padding: usize) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_le_bytes();
    [&[1; 28][..], &length, body, &vec![0; padding]].concat()
}

#[test]
fn what_was_sealed_opens_and_what_was_changed_does_not() {
    let make = |from: &mut Unstructured<'_>| {
        let words = from.int_in_range(1..=100)?;
        Ok((from.bytes(4 * words)?.to_vec(), from.arbitrary::<usize>()?, from.arbitrary::<u8>()?))
    };
    holds_for_each(make, |(body, at, change)| {
        let padding = 12 + (16 - (32 + body.len() + 12) % 16) % 16;
        let mut packet = foreign::sealed(KEY, &plain(body, padding));
        assert_eq!(foreign::opened(KEY, packet.clone()).as_deref(), Some(&body[..]));
        let at = 8 + at % (packet.len() - 8);
        packet[at] ^= change;
        assert_eq!(foreign::opened(KEY, packet).is_some(), *change == 0);
    });
}

#[test]
fn any_packet_opens_or_does_not() {
    let right = [plain(&[5; 40], 12 + 4), plain(&[6; 4], 12), plain(&[], 1024)];
    holds_for_each(
        |from| bytes_like(from, &right),
        |bytes| {
            foreign::opened(KEY, bytes.clone());
            foreign::opened(KEY, foreign::sealed(KEY, bytes));
        },
    );
}

#[test]
fn any_message_is_dealt_with() {
    let begins = |beginning: u32| [&beginning.to_le_bytes()[..], &2_u32.to_le_bytes(), &[0; 40]].concat();
    let mut right: Vec<Vec<u8>> = BEGINNINGS.map(begins).into();
    // Wrappers one in another.
    right.push(BEGINNINGS[2].to_le_bytes().into_iter().chain([229, 0, 0, 0]).collect::<Vec<u8>>().repeat(40));
    // A container of two pings.
    let ping = [&[4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0][..], &BEGINNINGS[4].to_le_bytes(), &[0; 8]].concat();
    right.push([&BEGINNINGS[0].to_le_bytes()[..], &2_u32.to_le_bytes(), &ping, &ping].concat());
    holds_for_each(
        |from| bytes_like(from, &right),
        |body| assert!(foreign::message(body.clone()) <= UNPACKED_BYTES_MAX),
    );
}
