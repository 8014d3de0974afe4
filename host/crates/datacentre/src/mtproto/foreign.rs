//! What reads a client's bytes, held out to the targets of tests/fuzz. Nobody else is meant to call it.

use std::sync::Arc;

use grammers_tl_types::LAYER;

use super::clock::{Kind, MessageIds};
use super::envelope::{self, AuthKey};
use super::message::{Budget, Message};
use super::session::{Session, Task};
use super::transport::{Framing, Inbound, Outbound};
use super::wrappers;
use crate::faults::Faults;

/// Ways of cutting a stream: abridged, intermediate, padded, full.
const FRAMINGS: [(Framing, &[u8]); 4] = [
    (Framing::Abridged, &[0xef]),
    (Framing::Intermediate, &[0xee; 4]),
    (Framing::Padded, &[0xdd; 4]),
    (Framing::Full, &[]),
];

/// The packets in a stream that comes in these pieces, and how many bytes are kept for the next; none where it is no MTProto.
pub fn packets(pieces: &[&[u8]]) -> Option<(Vec<Vec<u8>>, usize)> {
    let (mut inbound, mut outbound, mut packets) = (Inbound::default(), None, Vec::new());
    for piece in pieces {
        inbound.space().extend_from_slice(piece);
        inbound.received(piece.len());
        if outbound.is_none() {
            outbound = inbound.detect().ok()?;
        }
        while outbound.is_some()
            && let Some(packet) = inbound.next().ok()?
        {
            packets.push(packet.payload);
        }
    }
    Some((packets, inbound.space().capacity()))
}

/// A stream of these packets, cut in one of four ways.
pub fn stream(way: u8, packets: &[Vec<u8>]) -> Vec<u8> {
    let (framing, tag) = FRAMINGS[usize::from(way) % FRAMINGS.len()];
    let (mut outbound, mut stream) = (Outbound::plain(framing), tag.to_vec());
    packets.iter().for_each(|packet| outbound.packet(packet, &mut stream));
    stream
}

/// The body in a packet of a client's with this key.
pub fn opened(key: [u8; 256], packet: Vec<u8>) -> Option<Vec<u8>> {
    envelope::open(&AuthKey::new(key), packet).map(|opened| opened.body)
}

/// What a client's packet is that holds this, header and padding included.
pub fn sealed(key: [u8; 256], plain: &[u8]) -> Vec<u8> {
    envelope::seal_as_client(&AuthKey::new(key), plain)
}

/// Has a session deal with a message's body. Gives how many bytes the calls in it have, their wrappers taken off.
pub fn message(body: Vec<u8>) -> usize {
    let faults = Faults::new();
    let msg_id = MessageIds::new(faults.clock()).next(Kind::Answer) & !3;
    let mut session = Session::new(Arc::new(AuthKey::new([7; 256])), 1, LAYER, faults);
    let (message, budget) = (Message { msg_id, seq_no: 1, body }, &mut Budget::new());
    let messages = if session.admit(&message, true) { session.unpack(message, budget) } else { Vec::new() };
    let mut bytes = 0;
    for message in messages {
        if let Some(Task::Invoke { request, .. }) = session.take(message, budget) {
            bytes += wrappers::unwrap(request, budget).map_or(0, |call| call.method.len());
        }
    }
    bytes
}
