//! Service messages: <https://core.telegram.org/mtproto/service_messages>.

use super::client::{Client, Message};
use super::*;

async fn ready(server: &Server) -> Client {
    let mut client = server.client().await;
    client.call(&COUNT).await.unwrap();
    client.others.clear();
    client
}

async fn ask(client: &mut Client, request: &[u8]) -> (i64, Message) {
    let msg_id = client.send(request, true).await.unwrap();
    (msg_id, client.receive().await.unwrap())
}

#[tokio::test]
async fn pings_are_answered_whether_numbered_odd_or_even() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    for content in [true, false] {
        for request in [
            functions::Ping { ping_id: 77 }.to_bytes(),
            functions::PingDelayDisconnect { ping_id: 77, disconnect_delay: 60 }.to_bytes(),
        ] {
            let msg_id = client.send(&request, content).await.unwrap();
            let enums::Pong::Pong(pong) = client.receive_id(types::Pong::CONSTRUCTOR_ID).await.read();
            assert_eq!((pong.msg_id, pong.ping_id), (msg_id, 77));
        }
    }
}

#[tokio::test]
async fn a_connection_ends_when_the_next_ping_does_not_come() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let request = functions::PingDelayDisconnect { ping_id: 1, disconnect_delay: 0 };
    client.send(&request.to_bytes(), true).await.unwrap();
    client.receive_id(types::Pong::CONSTRUCTOR_ID).await;
    while client.receive().await.is_ok() {}
}

#[tokio::test]
async fn future_salts_are_valid_one_after_the_other() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    for (asked, given) in [(-1, 1), (3, 3), (1_000, 64)] {
        let (msg_id, answer) = ask(&mut client, &functions::GetFutureSalts { num: asked }.to_bytes()).await;
        let enums::FutureSalts::Salts(salts) = answer.read();
        assert_eq!(salts.req_msg_id, msg_id);
        assert_eq!(salts.salts.0.len(), given);
        assert!(salts.salts.0[0].valid_since <= salts.now && salts.now < salts.salts.0[0].valid_until);
        let in_a_row = |pair: &[types::FutureSalt]| {
            pair[0].valid_since < pair[1].valid_since
                && pair[1].valid_since < pair[0].valid_until
                && pair[0].salt != pair[1].salt
        };
        assert!(salts.salts.0.windows(2).all(in_a_row));
        client.receive_id(types::MsgsAck::CONSTRUCTOR_ID).await;
        client.salt = salts.salts.0[0].salt;
    }
    client.call(&COUNT).await.unwrap();
}

#[tokio::test]
async fn the_state_of_messages_is_told() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let answered = client.send(&COUNT.to_bytes(), true).await.unwrap();
    client.receive().await.unwrap();
    let ping = client.send(&functions::Ping { ping_id: 1 }.to_bytes(), false).await.unwrap();
    client.receive().await.unwrap();
    let msg_ids = vec![answered, ping, answered + 4, i64::MAX - 3];
    let request = enums::MsgsStateReq::Req(types::MsgsStateReq { msg_ids });
    let (msg_id, answer) = ask(&mut client, &request.to_bytes()).await;
    let enums::MsgsStateInfo::Info(info) = answer.read();
    assert_eq!(info.req_msg_id, msg_id);
    assert_eq!(info.info, [4 | 64, 4 | 16, 2, 3]);
}

#[tokio::test]
async fn messages_are_sent_again_on_request() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let request = client.send(&COUNT.to_bytes(), true).await.unwrap();
    let answer = client.receive().await.unwrap();
    let resend: enums::MsgResendReq = types::MsgResendReq { msg_ids: vec![answer.msg_id] }.into();
    assert_eq!(ask(&mut client, &resend.to_bytes()).await.1, answer);
    client.receive_id(types::MsgsAck::CONSTRUCTOR_ID).await;
    let resend: enums::MsgResendReq = types::MsgResendAnsReq { msg_ids: vec![request] }.into();
    assert_eq!(ask(&mut client, &resend.to_bytes()).await.1, answer);
    client.receive_id(types::MsgsAck::CONSTRUCTOR_ID).await;
    let resend: enums::MsgResendReq = types::MsgResendReq { msg_ids: vec![1] }.into();
    assert_eq!(ask(&mut client, &resend.to_bytes()).await.1.id(), types::MsgsStateInfo::CONSTRUCTOR_ID);
}

#[tokio::test]
async fn an_answer_can_be_dropped() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let request = client.send(&COUNT.to_bytes(), true).await.unwrap();
    let answer = client.receive().await.unwrap();
    let drop_answer = functions::RpcDropAnswer { req_msg_id: request };
    let enums::RpcDropAnswer::RpcAnswerDropped(dropped) = client.call(&drop_answer).await.unwrap() else {
        panic!("not dropped");
    };
    assert_eq!((dropped.msg_id, dropped.seq_no), (answer.msg_id, answer.seq_no));
    for req_msg_id in [request, 4] {
        let answer = client.call(&functions::RpcDropAnswer { req_msg_id }).await.unwrap();
        assert_eq!(answer, enums::RpcDropAnswer::RpcAnswerUnknown);
    }
}

#[tokio::test]
async fn sessions_and_keys_can_be_destroyed() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let mut other = client.another(server.address).await;
    other.call(&COUNT).await.unwrap();
    let session_id = other.session_id;
    for known in [true, false] {
        let (_, answer) = ask(&mut client, &functions::DestroySession { session_id }.to_bytes()).await;
        let expected: enums::DestroySessionRes = if known {
            types::DestroySessionOk { session_id }.into()
        } else {
            types::DestroySessionNone { session_id }.into()
        };
        assert_eq!(answer.read::<enums::DestroySessionRes>(), expected);
        client.receive_id(types::MsgsAck::CONSTRUCTOR_ID).await;
    }
    let (_, answer) = ask(&mut client, &functions::DestroyAuthKey {}.to_bytes()).await;
    assert_eq!(answer.read::<enums::DestroyAuthKeyRes>(), enums::DestroyAuthKeyRes::DestroyAuthKeyOk);
    while client.receive().await.is_ok() {}
    client.reconnect(server.address).await;
    client.send(&COUNT.to_bytes(), true).await.unwrap();
    assert_eq!(client.receive().await.unwrap_err().to_string(), "-404");
}

#[tokio::test]
async fn messages_that_need_no_answer_get_none() {
    let server = Server::start().await;
    let mut client = ready(&server).await;
    let notices = [
        enums::HttpWait::Wait(types::HttpWait { max_delay: 0, wait_after: 0, max_wait: 0 }).to_bytes(),
        enums::MsgsAck::Ack(types::MsgsAck { msg_ids: vec![1, 2, 3] }).to_bytes(),
        enums::MsgsAllInfo::Info(types::MsgsAllInfo { msg_ids: vec![1], info: vec![1] }).to_bytes(),
        types::MsgsAck::CONSTRUCTOR_ID.to_bytes(),
    ];
    for notice in notices {
        client.send(&notice, false).await.unwrap();
    }
    let (msg_id, answer) = ask(&mut client, &COUNT.to_bytes()).await;
    assert!(answer.result_for(msg_id).is_some());
}
