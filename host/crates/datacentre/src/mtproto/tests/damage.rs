//! Damaged and random input of every kind: it ends its connection, or is answered, and harms nobody else.

use super::client::crypto::seal;
use super::client::session::{container, gzip, init};
use super::client::wire::TRANSPORTS;
use super::client::{Padding, Wire};
use super::*;

/// A small generator of repeatable "random" numbers (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Random bytes behind every kind of beginning.
#[tokio::test]
async fn random_streams_harm_nobody() {
    let server = Server::start().await;
    let mut random = Seeded(1);
    let beginnings: [&[u8]; 6] =
        [&[], &[0xef], &[0xee; 4], &[0xdd; 4], &[16, 0, 0, 0, 0, 0, 0, 0], &[0xef, 5, 0, 0, 0, 0, 0, 0, 0, 0]];
    for round in 0..300 {
        let transport = Transport { framing: Framing::Full, obfuscated: false };
        let mut wire = Wire::connect(server.address, transport).await.unwrap();
        let length = random.below(400);
        let bytes = [beginnings[round % beginnings.len()], &random.bytes(length)].concat();
        let _ = wire.send_bytes(bytes).await;
    }
    assert!(server.is_well().await);
}

/// A packet of each transport, with one bit turned or its end missing.
#[tokio::test]
async fn damaged_packets_harm_nobody() {
    let server = Server::start().await;
    let mut random = Seeded(2);
    let owner = server.client().await;
    for round in 0..140 {
        let transport = TRANSPORTS[round % TRANSPORTS.len()];
        let wire = Wire::connect(server.address, transport).await.unwrap();
        let mut client = Client::over(wire, owner.key, owner.salt);
        let msg_id = client.next_msg_id();
        let mut packet = client.packet(msg_id, 1, &COUNT.to_bytes());
        if round % 3 == 0 {
            packet.truncate(random.below(packet.len()) / 4 * 4 + 4);
        } else {
            let at = random.below(packet.len());
            packet[at] ^= 1 << random.below(8);
        }
        client.wire.send(&packet).await.unwrap();
        assert!(client.is_closed().await, "{transport:?}");
    }
    assert_eq!(server.methods.calls.load(Ordering::Relaxed), 0, "none of them was executed");
    assert!(server.is_well().await);
}

/// Envelopes that open but whose inside breaks a rule: padding, length.
#[tokio::test]
async fn envelopes_with_a_wrong_inside_close_the_connection() {
    let server = Server::start().await;
    let owner = server.client().await;
    let cases: [(&str, usize, i32); 7] = [
        ("right", 20, 0),
        ("too little padding", 4, 0),
        ("too much padding", 1_028, 0),
        ("negative length", 20, -1_000_000),
        ("a length beyond the end", 20, 1_000),
        ("a length not divisible by four", 20, 1),
        ("a length that leaves too little padding", 20, 12),
    ];
    for (name, padding_bytes, longer) in cases {
        let wire = Wire::connect(server.address, TRANSPORTS[0]).await.unwrap();
        let mut client = Client::over(wire, owner.key, owner.salt);
        let msg_id = client.next_msg_id();
        // 44 bytes of head and body: with 4 or 20 of padding a multiple of 16.
        let mut plain = client.plain(msg_id, 1, &[&COUNT.to_bytes()[..], &[0; 8]].concat());
        let length = i32::from_le_bytes(plain[28..32].try_into().unwrap()) + longer;
        plain[28..32].copy_from_slice(&length.to_le_bytes());
        client.wire.send(&seal(&client.key, &plain, padding_bytes)).await.unwrap();
        assert_eq!(client.is_closed().await, name != "right", "{name}");
    }
}

/// Messages whose bodies are noise, or begin like something known and go on as noise.
#[tokio::test]
async fn noise_under_a_good_key_is_answered_or_ends_the_connection() {
    let server = Server::start().await;
    let owner = server.client().await;
    let mut random = Seeded(3);
    let heads: Vec<Vec<u8>> = [
        types::MsgsAck::CONSTRUCTOR_ID,
        types::MsgsStateReq::CONSTRUCTOR_ID,
        types::MsgResendReq::CONSTRUCTOR_ID,
        functions::InvokeAfterMsgs::<i32>::CONSTRUCTOR_ID,
        functions::InitConnection::<i32>::CONSTRUCTOR_ID,
        functions::InvokeWithLayer::<i32>::CONSTRUCTOR_ID,
        functions::RpcDropAnswer::CONSTRUCTOR_ID,
        0x73f1_f8dc,
        0x3072_cfa1,
        0,
    ]
    .map(|id| id.to_le_bytes().to_vec())
    .into_iter()
    .chain([init(230, &[]), container(&[(4, 1, vec![0; 4])]), gzip(&[1, 2, 3, 4])])
    .collect();
    for round in 0..400 {
        let wire = Wire::connect(server.address, TRANSPORTS[round % TRANSPORTS.len()]).await.unwrap();
        let mut client = Client::over(wire, owner.key, owner.salt);
        for _ in 0..4 {
            let head = &heads[random.below(heads.len())];
            let length = random.below(20) * 4;
            let noise = [&head[..], &random.bytes(length)].concat();
            let content = random.below(2) == 0;
            if client.send(&noise, content).await.is_err() {
                break;
            }
        }
    }
    assert!(server.is_well().await);
}

/// Damage in the middle of an exchange.
#[tokio::test]
async fn damaged_exchanges_harm_nobody() {
    let server = Server::start().await;
    let mut random = Seeded(4);
    for round in 0..60 {
        let mut wire = Wire::connect(server.address, TRANSPORTS[round % TRANSPORTS.len()]).await.unwrap();
        let mut exchange = client::exchange::Exchange::begin(&mut wire).await.unwrap();
        let mut inner = exchange.inner().to_bytes();
        let at = random.below(inner.len());
        inner[at] ^= 1 << random.below(8);
        let padding = if round % 2 == 0 { Padding::Current } else { Padding::First };
        let encrypted = client::exchange::encrypt(&server.pem, &inner, padding);
        let _ = exchange.ask_dh(&mut wire, encrypted).await;
    }
    assert!(server.is_well().await);
}
