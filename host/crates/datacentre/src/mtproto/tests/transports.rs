//! Every transport carries requests both ways, long and short, with and without quick acknowledgements.

use super::client::session::MSG_CONTAINER;
use super::client::wire::TRANSPORTS;
use super::client::{Client, Padding, Wire, crypto};
use super::*;

#[tokio::test]
async fn every_transport_carries_a_key_exchange_and_calls() {
    let server = Server::start().await;
    for (index, transport) in TRANSPORTS.into_iter().enumerate() {
        let padding = if index % 2 == 0 { Padding::Current } else { Padding::First };
        let mut client = Client::with(server.address, &server.pem, transport, padding).await;
        let dc = client.call(&COUNT).await.unwrap();
        assert_eq!(count_of(&dc), i32::try_from(index).unwrap() + 1, "{transport:?}");
        let enums::help::InviteText::Text(text) = client.call(&LONG).await.unwrap();
        assert_eq!(text.message.len(), LONG_TEXT_BYTES, "{transport:?}");
        let request = [&FAIL.to_bytes()[..], &vec![0; 300_000]].concat();
        assert_eq!(client.call_bytes(&request).await.unwrap_err().name, "TEST_FAILED", "{transport:?}");
    }
}

#[tokio::test]
async fn quick_acknowledgements_repeat_the_message_key() {
    let server = Server::start().await;
    for transport in TRANSPORTS.into_iter().filter(|transport| transport.framing != Framing::Full) {
        let mut client = Client::with(server.address, &server.pem, transport, Padding::Current).await;
        let (msg_id, seq_no) = (client.next_msg_id(), client.next_seq_no(true));
        let mut plain = client.plain(msg_id, seq_no, &COUNT.to_bytes());
        plain.resize(plain.len() + crypto::padding_for(plain.len()), 0);
        let packet = crypto::seal(&client.key, &plain, 0);
        client.wire.send_asking(&packet).await.unwrap();
        let token = client.wire.receive().await.unwrap();
        let large = crypto::sha256(&[&client.key[88..120], &plain]);
        assert_eq!(token, [large[0], large[1], large[2], large[3] | 0x80], "{transport:?}");
        while client.receive().await.unwrap().result_for(msg_id).is_none() {}
    }
}

#[tokio::test]
async fn an_unknown_key_is_answered_with_minus_404_and_the_end() {
    let server = Server::start().await;
    for transport in TRANSPORTS {
        let wire = Wire::connect(server.address, transport).await.unwrap();
        let mut client = Client::over(wire, [7; 256], 0);
        client.send(&COUNT.to_bytes(), true).await.unwrap();
        assert_eq!(client.receive().await.unwrap_err().to_string(), "-404", "{transport:?}");
        assert!(client.is_closed().await);
    }
}

/// Bytes that begin no transport, and packets that break the rules of theirs: each closes its connection.
#[tokio::test]
async fn broken_framing_closes_the_connection() {
    let server = Server::start().await;
    let full = |length: u32, sequence: u32, payload: &[u8]| {
        let mut frame = [&length.to_le_bytes(), &sequence.to_le_bytes(), payload].concat();
        frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
        frame
    };
    let mut bad_checksum = full(20, 0, &[0; 8]);
    bad_checksum[19] ^= 1;
    let mut second_out_of_order = full(20, 0, &[0; 8]);
    second_out_of_order.extend(full(20, 0, &[0; 8]));
    let cases: [(&str, Vec<u8>); 14] = [
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("TLS", vec![0x16, 0x03, 0x01, 0x02, 0, 1, 0, 1]),
        ("obfuscation of nothing", vec![0x77; 64]),
        ("abridged of no length", vec![0xef, 0]),
        ("abridged of 64 MiB", vec![0xef, 0x7f, 0xff, 0xff, 0xff]),
        ("intermediate of no length", [[0xee; 4], [0; 4]].concat()),
        ("intermediate of 5 MiB", [[0xee; 4], (5_u32 << 20).to_le_bytes()].concat()),
        ("intermediate of 7 bytes", [&[0xee; 4][..], &7_u32.to_le_bytes(), &[0; 7]].concat()),
        ("intermediate of too few bytes", [&[0xee; 4][..], &4_u32.to_le_bytes(), &[0; 4]].concat()),
        ("padded of 2 GiB", [[0xdd; 4], 0x7fff_ffff_u32.to_le_bytes()].concat()),
        ("full of 8 bytes", full(8, 0, &[])),
        ("full of 5 MiB", full(5 << 20, 0, &[])),
        ("full with a wrong checksum", bad_checksum),
        ("full with a repeated number", second_out_of_order),
    ];
    for (name, bytes) in cases {
        let transport = Transport { framing: Framing::Full, obfuscated: false };
        let mut wire = Wire::connect(server.address, transport).await.unwrap();
        wire.send_bytes(bytes).await.unwrap();
        while let Ok(packet) = wire.receive().await {
            assert_eq!(packet, (-404_i32).to_le_bytes(), "{name}");
        }
    }
    assert!(server.is_well().await);
}

/// Packets may come a byte at a time, or many at once.
#[tokio::test]
async fn the_stream_may_be_cut_anywhere() {
    let server = Server::start().await;
    for transport in TRANSPORTS {
        let mut client = Client::with(server.address, &server.pem, transport, Padding::Current).await;
        let requests: Vec<i64> = (0..3).map(|_| client.next_msg_id()).collect();
        let mut bytes = Vec::new();
        for msg_id in &requests {
            let seq_no = client.next_seq_no(true);
            let packet = client.packet(*msg_id, seq_no, &COUNT.to_bytes());
            bytes.extend(client.wire.frame(&packet, false));
        }
        let (slowly, at_once) = bytes.split_at(40);
        for byte in slowly {
            client.wire.send_bytes(vec![*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.wire.send_bytes(at_once.to_vec()).await.unwrap();
        for msg_id in requests {
            while client.receive().await.unwrap().result_for(msg_id).is_none() {}
        }
    }
}

#[tokio::test]
async fn several_answers_to_one_packet_come_in_one_container() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    let messages: Vec<_> = (0..3).map(|_| (client.next_msg_id(), client.next_seq_no(true), COUNT.to_bytes())).collect();
    client.send(&client::session::container(&messages), false).await.unwrap();
    let packet = client.wire.receive().await.unwrap();
    let plain = crypto::open(&client.key, &packet);
    assert_eq!(plain[32..36], MSG_CONTAINER.to_le_bytes());
    assert_eq!(plain[36..40], 3_u32.to_le_bytes());
}
