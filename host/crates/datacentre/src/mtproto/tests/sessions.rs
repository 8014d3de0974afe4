//! What a session promises: nothing executed twice, answers and updates kept for a client that comes back, messages out
//! of the rules refused with the documented code.

use super::client::session::{container, gzip, gzip_packed, init, now, zlib};
use super::client::{Client, Message};
use super::*;
use tl_schema::layers;

async fn refusal(client: &mut Client) -> types::BadMsgNotification {
    let notice = client.receive_id(types::BadMsgNotification::CONSTRUCTOR_ID).await;
    assert_eq!(notice.seq_no & 1, 0, "a refusal is not acknowledged");
    let enums::BadMsgNotification::Notification(notice) = notice.read() else { unreachable!() };
    notice
}

async fn result(client: &mut Client, msg_id: i64) -> Message {
    loop {
        let message = client.receive().await.unwrap();
        if message.result_for(msg_id).is_some() {
            return message;
        }
        client.others.push_back(message);
    }
}

const SECOND: i64 = 1 << 32;

/// Message identifier (from now), sequence number, whether it is a container of nothing, and the code it is refused with.
#[tokio::test]
async fn a_message_out_of_the_rules_is_refused_with_its_code() {
    let server = Server::start().await;
    let cases: [(&str, i64, i32, Vec<u8>, i32); 8] = [
        ("too old", -310 * SECOND, 1, COUNT.to_bytes(), 16),
        ("from the future", 60 * SECOND, 1, COUNT.to_bytes(), 17),
        ("not divisible by four", 1, 1, COUNT.to_bytes(), 18),
        ("a method with an even number", 0, 2, COUNT.to_bytes(), 35),
        ("a container with an odd number", 0, 1, container(&[]), 34),
        ("a container cut short", 0, 0, container(&[(4, 1, COUNT.to_bytes())])[..20].to_vec(), 64),
        ("a container of newer messages", 0, 0, container(&[((now() + 4 * SECOND) & !3, 1, COUNT.to_bytes())]), 64),
        ("gzip of nothing", 0, 1, gzip_packed(vec![1, 2, 3]), 64),
    ];
    for (name, shift, seq_no, body, code) in cases {
        let mut client = server.client().await;
        let msg_id = (now() & !3) + shift;
        client.send_as(msg_id, seq_no, &body).await.unwrap();
        let notice = refusal(&mut client).await;
        assert_eq!((notice.bad_msg_id, notice.bad_msg_seqno, notice.error_code), (msg_id, seq_no, code), "{name}");
    }
    assert_eq!(server.methods.calls.load(Ordering::Relaxed), 0, "nothing refused was executed");
}

/// mtcute numbers them so.
#[tokio::test]
async fn an_acknowledgement_may_have_an_odd_number() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let acknowledgement = enums::MsgsAck::Ack(types::MsgsAck { msg_ids: vec![4] }).to_bytes();
    client.send(&acknowledgement, true).await.unwrap();
    client.call(&COUNT).await.unwrap();
    let said = [types::BadMsgNotification::CONSTRUCTOR_ID, types::MsgsAck::CONSTRUCTOR_ID];
    assert!(!client.others.iter().any(|message| said.contains(&constructor(&message.body))), "nothing is said to it");
}

#[tokio::test]
async fn sequence_numbers_must_rise_with_identifiers() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let first = now() & !3;
    client.send_as(first, 5, &COUNT.to_bytes()).await.unwrap();
    result(&mut client, first).await;
    for (shift, seq_no, code) in [(4, 5, 32), (4, 3, 32), (-4, 5, 33), (-4, 7, 33)] {
        client.send_as(first + shift, seq_no, &COUNT.to_bytes()).await.unwrap();
        assert_eq!(refusal(&mut client).await.error_code, code, "{shift} {seq_no}");
    }
    for (shift, seq_no) in [(4, 7), (-4, 3)] {
        client.send_as(first + shift, seq_no, &COUNT.to_bytes()).await.unwrap();
        result(&mut client, first + shift).await;
    }
}

#[tokio::test]
async fn a_wrong_salt_is_answered_with_the_right_one() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.salt = 0;
    let msg_id = client.send(&COUNT.to_bytes(), true).await.unwrap();
    let message = client.receive().await.unwrap();
    let enums::BadMsgNotification::BadServerSalt(notice) = message.read() else { panic!("{message:?}") };
    assert_eq!((notice.bad_msg_id, notice.error_code), (msg_id, 48));
    client.salt = notice.new_server_salt;
    assert_eq!(count_of(&client.call(&COUNT).await.unwrap()), 1);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_is_not_executed_again() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let (msg_id, seq_no) = (client.next_msg_id(), client.next_seq_no(true));
    client.send_as(msg_id, seq_no, &COUNT.to_bytes()).await.unwrap();
    let first = result(&mut client, msg_id).await;
    client.send_as(msg_id, seq_no, &COUNT.to_bytes()).await.unwrap();
    assert_eq!(result(&mut client, msg_id).await, first, "the answer keeps its own identifier");
    let in_container = container(&[(msg_id, seq_no, COUNT.to_bytes())]);
    client.send(&in_container, false).await.unwrap();
    assert_eq!(result(&mut client, msg_id).await, first);

    let container_id = client.send(&container(&[]), false).await.unwrap();
    let seq_no = client.next_seq_no(false);
    client.send_as(container_id, seq_no, &container(&[])).await.unwrap();
    assert_eq!(refusal(&mut client).await.error_code, 19);
    assert_eq!(server.methods.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_acknowledged_answer_is_not_sent_again() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let (msg_id, seq_no) = (client.next_msg_id(), client.next_seq_no(true));
    client.send_as(msg_id, seq_no, &COUNT.to_bytes()).await.unwrap();
    let answer = result(&mut client, msg_id).await;
    let ack = enums::MsgsAck::Ack(types::MsgsAck { msg_ids: vec![answer.msg_id] });
    client.send(&ack.to_bytes(), false).await.unwrap();
    client.send_as(msg_id, seq_no, &COUNT.to_bytes()).await.unwrap();
    let message = client.receive().await.unwrap();
    let enums::MsgsAck::Ack(acknowledged) = message.read();
    assert_eq!(acknowledged.msg_ids, [msg_id]);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_has_not_acknowledged() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    let msg_id = client.send(&LONG.to_bytes(), true).await.unwrap();
    let answer = result(&mut client, msg_id).await;
    let mut other = client.another(server.address).await;
    other.call(&PUSH).await.unwrap();
    let update = client.receive().await.unwrap();
    client.reconnect(server.address).await;
    other.call(&PUSH).await.unwrap();
    client.send(&functions::Ping { ping_id: 1 }.to_bytes(), false).await.unwrap();
    client.others.clear();
    client.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    let again: Vec<_> = client.others.iter().map(|message| message.msg_id).collect();
    assert!(again.contains(&answer.msg_id) && again.contains(&update.msg_id), "{:?}", client.others);
    let is_update = |message: &&Message| message.body == enums::Updates::TooLong.to_bytes();
    let pushed = client.others.iter().filter(is_update).count();
    assert_eq!(pushed, 2, "what was pushed while nobody was there is not lost");
}

#[tokio::test]
async fn updates_go_to_the_sessions_that_want_them_and_not_to_their_cause() {
    let server = Server::start().await;
    let mut wanting = server.client().await;
    wanting.call(&COUNT).await.unwrap();
    let mut quiet = wanting.another(server.address).await;
    let without =
        [&functions::InvokeWithoutUpdates::<i32>::CONSTRUCTOR_ID.to_le_bytes()[..], &COUNT.to_bytes()].concat();
    quiet.call_bytes(&init(230, &without)).await.unwrap();
    assert!(server.methods.last_caller().without_updates);
    let mut cause = wanting.another(server.address).await;
    cause.call(&PUSH).await.unwrap();
    assert_eq!(wanting.updates().await, enums::Updates::TooLong);
    quiet.send(&functions::Ping { ping_id: 1 }.to_bytes(), true).await.unwrap();
    quiet.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    cause.send(&functions::Ping { ping_id: 1 }.to_bytes(), true).await.unwrap();
    cause.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    let is_update = |message: &Message| message.body == enums::Updates::TooLong.to_bytes();
    assert!(!quiet.others.iter().chain(&cause.others).any(is_update));
}

#[tokio::test]
async fn packed_requests_are_unpacked() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for (name, request) in [
        ("gzip", gzip(&COUNT.to_bytes())),
        ("zlib", zlib(&COUNT.to_bytes())),
        ("gzip in gzip", gzip(&gzip(&COUNT.to_bytes()))),
        ("gzip in a wrapper", init(229, &gzip(&COUNT.to_bytes()))),
        ("wrapper in gzip", gzip(&init(230, &COUNT.to_bytes()))),
    ] {
        client.call_bytes(&request).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let inner = [(client.next_msg_id(), client.next_seq_no(true), gzip(&COUNT.to_bytes()))];
    client.send(&gzip(&container(&inner)), false).await.unwrap();
    result(&mut client, inner[0].0).await;
}

#[tokio::test]
async fn the_layer_is_checked_and_remembered_for_the_key() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for layer in [0, 197, 233, i32::MAX] {
        let error = client.call_bytes(&init(layer, &COUNT.to_bytes())).await.unwrap_err();
        assert_eq!((error.code, error.name.as_str()), (400, "CONNECTION_LAYER_INVALID"), "{layer}");
    }
    let asked = |bytes: Vec<u8>| i32::from_le_bytes(bytes.try_into().unwrap());
    assert_eq!(asked(client.call_bytes(&LAYER_ASKED.to_bytes()).await.unwrap()), 230, "none was given");
    assert_eq!(asked(client.call_bytes(&init(229, &LAYER_ASKED.to_bytes())).await.unwrap()), 229);
    let mut other = client.another(server.address).await;
    assert_eq!(asked(other.call_bytes(&LAYER_ASKED.to_bytes()).await.unwrap()), 229);
}

#[tokio::test]
async fn each_session_of_a_key_hears_in_its_own_layer() {
    let server = Server::start().await;
    let mut cause = server.client().await;
    cause.call(&COUNT).await.unwrap();
    let mut sessions = Vec::new();
    for layer in [198, 216, 230, 198, 232] {
        let mut session = cause.another(server.address).await;
        session.call_bytes(&init(layer, &COUNT.to_bytes())).await.unwrap();
        sessions.push((layer, session));
    }
    cause.call(&PUSH_NEWS).await.unwrap();
    let mut heard = Vec::new();
    for (layer, mut session) in sessions {
        let updates = session.receive_id(types::Updates::CONSTRUCTOR_ID).await.body;
        assert_eq!(Some(&updates), layers::updates(layer, &news().to_bytes()).as_ref(), "{layer}");
        heard.push(updates);
    }
    assert_eq!(heard[2], news().to_bytes());
    assert!(heard[0] == heard[3] && heard[0] != heard[1] && heard[1] != heard[2]);
}

#[tokio::test]
async fn a_request_may_wait_for_others() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    let after = |msg_id: i64| {
        let id = functions::InvokeAfterMsg::<i32>::CONSTRUCTOR_ID;
        [&id.to_le_bytes()[..], &msg_id.to_le_bytes(), &COUNT.to_bytes()].concat()
    };
    let good = client.send(&COUNT.to_bytes(), true).await.unwrap();
    let bad = client.send(&FAIL.to_bytes(), true).await.unwrap();
    client.call_bytes(&after(good)).await.unwrap();
    for (name, msg_id) in [("failed", bad), ("unknown", good + 1)] {
        assert_eq!(client.call_bytes(&after(msg_id)).await.unwrap_err().name, "MSG_WAIT_FAILED", "{name}");
    }
    let both = functions::InvokeAfterMsgs::<i32>::CONSTRUCTOR_ID;
    let ids = vec![good, bad].to_bytes();
    let request = [&both.to_le_bytes()[..], &ids, &COUNT.to_bytes()].concat();
    assert_eq!(client.call_bytes(&request).await.unwrap_err().name, "MSG_WAIT_FAILED");
}

#[tokio::test]
async fn a_method_that_panics_harms_nobody() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let error = client.call(&PANIC).await.unwrap_err();
    assert_eq!((error.code, error.name.as_str()), (500, "INTERNAL"));
    client.call(&COUNT).await.unwrap();
}

#[tokio::test]
async fn a_key_logged_out_hears_so_before_its_connections_end() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    let mut other = client.another(server.address).await;
    other.call(&COUNT).await.unwrap();
    client.call(&LEAVE).await.unwrap();
    while client.receive().await.is_ok() {}
    while other.receive().await.is_ok() {}
    let gone = server.methods.gone.subscribe().wait_for(|gone| !gone.is_empty()).await.map(|gone| gone.clone());
    assert_eq!(gone.unwrap(), [client::exchange::id_of(&client.key)], "said once, with the last connection");
}

#[tokio::test]
async fn faults_do_what_they_say() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    let mut other = client.another(server.address).await;

    server.faults.drop_next_pushes(1);
    other.call(&PUSH).await.unwrap();
    other.call(&PUSH).await.unwrap();
    assert_eq!(client.updates().await, enums::Updates::TooLong);
    client.send(&functions::Ping { ping_id: 1 }.to_bytes(), true).await.unwrap();
    client.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    assert!(client.others.iter().all(|message| message.body != enums::Updates::TooLong.to_bytes()), "one was lost");

    server.faults.double_next_pushes(1);
    server.faults.delay_next_pushes(1);
    for push in [PUSH, PUSH_NEWS, PUSH] {
        other.call(&push).await.unwrap();
    }
    for expected in [news(), news(), enums::Updates::TooLong, enums::Updates::TooLong] {
        assert_eq!(client.updates().await, expected, "the first one is late, the one that goes before it comes twice");
    }

    server.faults.drop_connections();
    while client.receive().await.is_ok() {}
    server.faults.refuse_connections(true);
    client.reconnect(server.address).await;
    assert!(client.is_closed().await);
    server.faults.refuse_connections(false);
    client.reconnect(server.address).await;
    client.call(&COUNT).await.unwrap();
}

#[tokio::test]
async fn containers_execute_in_order_and_hold_no_containers() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let first = (client.next_msg_id(), client.next_seq_no(true), COUNT.to_bytes());
    let nested = (client.next_msg_id(), client.next_seq_no(false), container(&[]));
    let last = (client.next_msg_id(), client.next_seq_no(true), COUNT.to_bytes());
    client.send(&container(&[first.clone(), nested.clone(), last.clone()]), false).await.unwrap();
    let count = |message: Message, msg_id| {
        let result = message.result_for(msg_id).unwrap();
        count_of(&<enums::NearestDc as grammers_tl_types::Deserializable>::from_bytes(&result).unwrap())
    };
    let answer = result(&mut client, first.0).await;
    assert_eq!(count(answer, first.0), 1);
    let notice = refusal(&mut client).await;
    assert_eq!((notice.bad_msg_id, notice.error_code), (nested.0, 64));
    let answer = result(&mut client, last.0).await;
    assert_eq!(count(answer, last.0), 2);
}

#[tokio::test]
async fn the_range_of_all_messages_may_be_named() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let within = |min_id, max_id| {
        let mut request = functions::InvokeWithMessagesRange::<i32>::CONSTRUCTOR_ID.to_bytes();
        enums::MessageRange::Range(types::MessageRange { min_id, max_id }).serialize(&mut request);
        COUNT.serialize(&mut request);
        request
    };
    client.call_bytes(&within(1, i32::MAX)).await.unwrap();
    assert_eq!(client.call_bytes(&within(1, 1_000)).await.unwrap_err().name, "MESSAGE_RANGE_INVALID");
}
