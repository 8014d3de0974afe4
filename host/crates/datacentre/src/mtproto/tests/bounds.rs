//! Each bound, reached.

use std::time::Duration;

use super::client::session::{container, gzip, init};
use super::client::{Client, Wire};
use super::*;
use crate::mtproto::hub::SESSIONS_PER_KEY_MAX;
use crate::mtproto::message::CONTAINER_MESSAGES_MAX;
use crate::mtproto::session::{RECEIVED_MAX, UNACKED_MAX};
use crate::mtproto::transport::PACKET_BYTES_MAX;

const TRANSPORT: Transport = Transport { framing: Framing::Intermediate, obfuscated: false };

#[tokio::test]
async fn one_connection_more_than_allowed_is_closed() {
    let server = Server::limited(Limits { connections_max: 2, ..Limits::default() }).await;
    let mut first = server.client().await;
    let mut second = server.client().await;
    let mut third = Client::over(Wire::connect(server.address, TRANSPORT).await.unwrap(), [1; 256], 0);
    assert!(third.is_closed().await);
    first.call(&COUNT).await.unwrap();
    drop(first);
    second.call(&COUNT).await.unwrap();
    let retry = async {
        while Client::over(Wire::connect(server.address, TRANSPORT).await.unwrap(), second.key, second.salt)
            .send_and_hear(&COUNT.to_bytes())
            .await
            .is_err()
        {}
    };
    tokio::time::timeout(client::PATIENCE, retry).await.expect("a connection that ended makes room for another");
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let limits = Limits { unauthorised_max: Duration::from_millis(200), ..Limits::default() };
    let server = Server::limited(limits).await;
    for bytes in [vec![], vec![0xef], vec![0xee, 0xee, 0xee, 0xee, 8, 0, 0, 0], vec![0x77; 63]] {
        let full = Transport { framing: Framing::Full, obfuscated: false };
        let mut wire = Wire::connect(server.address, full).await.unwrap();
        wire.send_bytes(bytes).await.unwrap();
        wire.receive().await.unwrap_err();
    }
    let limits = Limits { idle_max: Duration::from_secs(1), ..Limits::default() };
    let server = Server::limited(limits).await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    while client.receive().await.is_ok() {}
}

#[tokio::test]
async fn the_longest_packet_is_accepted_and_no_longer_one() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let longest = (PACKET_BYTES_MAX - 24 - 32 - 16) / 16 * 16;
    let mut request = FAIL.to_bytes();
    request.resize(longest, 0);
    assert_eq!(client.call_bytes(&request).await.unwrap_err().name, "TEST_FAILED");
    request.resize(longest + 64, 0);
    let _ = client.send(&request, true).await;
    while client.receive().await.is_ok() {}
}

#[tokio::test]
async fn a_container_holds_so_many_messages_and_no_more() {
    let server = Server::start().await;
    for (count, accepted) in [(CONTAINER_MESSAGES_MAX, true), (CONTAINER_MESSAGES_MAX + 1, false)] {
        let mut client = server.client().await;
        let pings: Vec<_> = (0..count)
            .map(|_| (client.next_msg_id(), client.next_seq_no(false), functions::Ping { ping_id: 1 }.to_bytes()))
            .collect();
        client.send(&container(&pings), false).await.unwrap();
        if accepted {
            for _ in 0..count {
                client.receive_id(types::Pong::CONSTRUCTOR_ID).await;
            }
        } else {
            client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
        }
    }
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_refused() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let bomb = gzip(&vec![0; 9 << 20]);
    assert!(bomb.len() < 64 << 10);
    client.send(&bomb, true).await.unwrap();
    client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
    let mut nested = COUNT.to_bytes();
    for _ in 0..6 {
        nested = gzip(&nested);
    }
    client.send(&nested, true).await.unwrap();
    client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
    let halves: Vec<_> =
        (0..4).map(|_| (client.next_msg_id(), client.next_seq_no(true), gzip(&vec![1; 3 << 20]))).collect();
    client.send(&container(&halves), false).await.unwrap();
    for _ in 0..2 {
        client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
    }
    assert_eq!(client.call_bytes(&init(230, &bomb)).await.unwrap_err().name, "INPUT_FETCH_ERROR");
}

#[tokio::test]
async fn wrappers_and_json_nest_only_so_deep() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let wrapper = functions::InvokeWithoutUpdates::<i32>::CONSTRUCTOR_ID.to_le_bytes();
    let wrapped = |count: usize| [&wrapper.repeat(count)[..], &COUNT.to_bytes()].concat();
    client.call_bytes(&wrapped(15)).await.unwrap();
    assert_eq!(client.call_bytes(&wrapped(100_000)).await.unwrap_err().name, "INPUT_REQUEST_TOO_LONG");

    let array =
        [&types::JsonArray::CONSTRUCTOR_ID.to_le_bytes()[..], &0x1cb5_c415_u32.to_le_bytes(), &1_u32.to_le_bytes()]
            .concat();
    let with_params = |depth: usize| {
        let mut request = init(230, &[]);
        request[12] |= 2; // flags of initConnection: there are params
        request.extend(array.repeat(depth));
        request.extend(types::JsonNull::CONSTRUCTOR_ID.to_le_bytes());
        request.extend(COUNT.to_bytes());
        request
    };
    client.call_bytes(&with_params(10)).await.unwrap();
    assert_eq!(client.call_bytes(&with_params(100_000)).await.unwrap_err().name, "INPUT_FETCH_ERROR");
}

#[tokio::test]
async fn a_client_that_never_acknowledges_costs_a_bounded_memory() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut requests = Vec::new();
    for _ in 0..UNACKED_MAX + 10 {
        let msg_id = client.send(&COUNT.to_bytes(), true).await.unwrap();
        while client.receive().await.unwrap().result_for(msg_id).is_none() {}
        requests.push(msg_id);
    }
    client.reconnect(server.address).await;
    client.send(&functions::Ping { ping_id: 1 }.to_bytes(), false).await.unwrap();
    client.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    assert_eq!(
        client.others.iter().filter(|message| requests.iter().any(|id| message.result_for(*id).is_some())).count(),
        UNACKED_MAX
    );
}

#[tokio::test]
async fn a_message_too_old_to_be_remembered_is_not_executed() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let first = client.send(&COUNT.to_bytes(), true).await.unwrap();
    for _ in 0..RECEIVED_MAX.div_ceil(1_000) {
        let pings: Vec<_> = (0..1_000)
            .map(|_| (client.next_msg_id(), client.next_seq_no(false), functions::Ping { ping_id: 1 }.to_bytes()))
            .collect();
        client.send(&container(&pings), false).await.unwrap();
    }
    client.send_as(first, 1, &COUNT.to_bytes()).await.unwrap();
    let notice = client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
    let enums::BadMsgNotification::Notification(notice) = notice.read() else { panic!("{notice:?}") };
    assert_eq!((notice.bad_msg_id, notice.error_code), (first, 20));
    assert_eq!(server.methods.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_key_has_so_many_sessions_and_idle_ones_make_room() {
    let server = Server::start().await;
    let mut first = server.client().await;
    first.call(&COUNT).await.unwrap();
    let mut others = Vec::new();
    for _ in 1..SESSIONS_PER_KEY_MAX {
        let mut other = first.another(server.address).await;
        other.call(&COUNT).await.unwrap();
        others.push(other);
    }
    let mut refused = first.another(server.address).await;
    refused.send(&COUNT.to_bytes(), true).await.unwrap();
    assert_eq!(refused.receive().await.unwrap_err().to_string(), "-429");
    assert!(refused.is_closed().await);
    others.pop();
    let retry = async { while first.another(server.address).await.send_and_hear(&COUNT.to_bytes()).await.is_err() {} };
    tokio::time::timeout(client::PATIENCE, retry).await.expect("a session without a connection makes room");
}

#[tokio::test]
async fn all_keys_together_have_so_many_sessions() {
    let server = Server::limited(Limits { sessions_max: 2, ..Limits::default() }).await;
    let mut first = server.client().await;
    let mut second = server.client().await;
    first.call(&COUNT).await.unwrap();
    second.call(&COUNT).await.unwrap();
    let mut third = server.client().await;
    third.send(&COUNT.to_bytes(), true).await.unwrap();
    assert_eq!(third.receive().await.unwrap_err().to_string(), "-429");
    assert!(third.is_closed().await);
    first.reconnect(server.address).await;
    first.call(&COUNT).await.unwrap();
}

#[tokio::test]
async fn sessions_left_lying_make_room_for_others() {
    let server = Server::limited(Limits { sessions_max: 2, ..Limits::default() }).await;
    for _ in 0..3 {
        let mut client = server.client().await;
        client.call(&COUNT).await.unwrap();
        let mut gone = server.methods.gone.subscribe();
        gone.borrow_and_update();
        drop(client);
        gone.changed().await.unwrap();
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off_and_others_are_served() {
    let server = Server::start().await;
    let mut deaf = server.client().await;
    let mut other = server.client().await;
    let request = enums::MsgsStateReq::Req(types::MsgsStateReq { msg_ids: vec![1; 8_000] }).to_bytes();
    let send_for_ever = async { while deaf.send(&request, true).await.is_ok() {} };
    // It answers each with 8 kB, so that it would take gigabytes by then if it kept reading.
    let _ = tokio::time::timeout(Duration::from_secs(1), send_for_ever).await;
    let sent = deaf.next_seq_no(true) / 2;
    assert!(sent < 10_000, "{sent} requests were read of a client that reads no answer");
    other.call(&COUNT).await.unwrap();
}

trait SendAndHear {
    async fn send_and_hear(&mut self, body: &[u8]) -> std::io::Result<()>;
}

impl SendAndHear for Client {
    /// Sends a request and waits for anything at all.
    async fn send_and_hear(&mut self, body: &[u8]) -> std::io::Result<()> {
        self.send(body, true).await?;
        self.receive().await.map(drop)
    }
}
