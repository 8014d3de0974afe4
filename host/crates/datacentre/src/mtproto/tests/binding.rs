//! Temporary keys that act for permanent ones: <https://core.telegram.org/api/pfs>.

use grammers_tl_types::Deserializable as _;

use super::client::crypto::{key_id, random, seal_v1};
use super::client::exchange::{Exchange, encrypt};
use super::client::{Client, Padding, Wire};
use super::*;

const TRANSPORT: Transport = Transport { framing: Framing::Intermediate, obfuscated: false };
/// How long most temporary keys of these tests live.
const LIFE_S: i32 = 3_600;

/// What a client says to bind its key, to be spoilt.
struct Binding {
    call: functions::auth::BindTempAuthKey,
    inner: types::BindAuthKeyInner,
    key: [u8; 256],
    msg_id: i64,
    seq_no: i32,
}

type Spoil = fn(&mut Binding);

#[tokio::test]
async fn a_bound_key_acts_for_the_permanent_one() {
    let server = Server::start().await;
    let mut permanent = server.client().await;
    permanent.call(&COUNT).await.unwrap();
    let mut client = temporary(&server, LIFE_S).await;
    let error = client.call(&PUSH).await.unwrap_err();
    assert_eq!((error.code, error.name.as_str()), (401, "AUTH_KEY_PERM_EMPTY"));
    bind(&mut client, &permanent.key, |_| {}).await.unwrap();
    bind(&mut client, &permanent.key, |_| {}).await.expect("said again, it is as true");

    client.call(&PUSH).await.unwrap();
    let id = key_id(&permanent.key);
    assert_eq!(server.methods.last_caller().auth_key_id, id);
    assert_eq!(permanent.updates().await, enums::Updates::TooLong);
    permanent.call(&PUSH).await.unwrap();
    assert_eq!(client.updates().await, enums::Updates::TooLong);

    let mut another = client.another(server.address).await;
    another.call(&COUNT).await.unwrap();
    permanent.call(&PUSH).await.unwrap();
    assert_eq!(another.updates().await, enums::Updates::TooLong, "a later session of the bound key as well");
    let mut gone = server.methods.gone.subscribe();
    drop(permanent);
    drop(client);
    another.call(&LEAVE).await.unwrap();
    while another.receive().await.is_ok() {}
    gone.wait_for(|gone| !gone.is_empty()).await.unwrap();
    assert_eq!(*gone.borrow(), [id], "said once, with the last connection of all");
}

#[tokio::test]
async fn only_who_knows_the_permanent_key_binds_and_only_this_request() {
    let server = Server::start().await;
    let permanent = server.client().await;
    let cases: [(Spoil, &str); 14] = [
        (|b| b.inner.nonce ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.inner.temp_auth_key_id ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.inner.perm_auth_key_id ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.inner.temp_session_id ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.inner.expires_at -= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.msg_id -= 4, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.seq_no = 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.key[100] ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.call.perm_auth_key_id ^= 1, "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.call.encrypted_message = vec![7; 3], "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.call.encrypted_message = vec![7; 104], "ENCRYPTED_MESSAGE_INVALID"),
        (|b| b.call.expires_at = 5, "EXPIRES_AT_INVALID"),
        (|b| b.call.expires_at += 600, "EXPIRES_AT_INVALID"),
        (|b| b.call.expires_at = i32::MAX, "EXPIRES_AT_INVALID"),
    ];
    let mut client = temporary(&server, LIFE_S).await;
    for (number, (spoil, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(bind(&mut client, &permanent.key, spoil).await.unwrap_err(), wanted, "case {number}");
    }
    assert_eq!(client.call(&PUSH).await.unwrap_err().name, "AUTH_KEY_PERM_EMPTY", "none of them bound it");
    bind(&mut client, &permanent.key, |_| {}).await.unwrap();
    let other = server.client().await;
    assert_eq!(bind(&mut client, &other.key, |_| {}).await.unwrap_err(), "TEMP_AUTH_KEY_ALREADY_BOUND");
    let mut permanent = permanent;
    assert_eq!(bind(&mut permanent, &other.key, |_| {}).await.unwrap_err(), "TEMP_AUTH_KEY_EMPTY");
}

#[tokio::test]
async fn a_bound_key_ends_with_its_time_or_with_the_permanent_one() {
    let server = Server::start().await;
    let permanent = server.client().await;
    let mut short = temporary(&server, LIFE_S).await;
    bind(&mut short, &permanent.key, |_| {}).await.expect("for longer than what is said next");
    let soon: Spoil = |binding| {
        binding.call.expires_at -= LIFE_S - 2;
        binding.inner.expires_at = binding.call.expires_at;
    };
    while let Err(error) = bind(&mut short, &permanent.key, soon).await {
        assert_eq!(error, "EXPIRES_AT_INVALID", "on a slow machine it is over before it is read");
    }
    let mut long = temporary(&server, LIFE_S).await;
    bind(&mut long, &permanent.key, |_| {}).await.unwrap();

    let end = loop {
        if let Err(end) = short.receive().await {
            break end;
        }
    };
    assert_eq!(end.to_string(), "-404", "the client is told without asking");
    long.call(&PUSH).await.unwrap();
    server.keys.remove(key_id(&permanent.key));
    for client in [&mut short, &mut long] {
        client.reconnect(server.address).await;
        client.send(&COUNT.to_bytes(), true).await.unwrap();
        assert_eq!(client.receive().await.unwrap_err().to_string(), "-404");
    }
}

#[tokio::test]
async fn keys_that_nobody_binds_push_out_no_bound_one() {
    let server = Server::limited(Limits { unbound_keys_max: 2, ..Limits::default() }).await;
    let permanent = server.client().await;
    let mut bound = temporary(&server, LIFE_S).await;
    bind(&mut bound, &permanent.key, |_| {}).await.unwrap();
    let mut unbound = Vec::new();
    for life_s in [3 * LIFE_S, LIFE_S, 2 * LIFE_S] {
        unbound.push(temporary(&server, life_s).await);
    }
    let mut kept = Vec::new();
    for client in &mut unbound {
        kept.push(is_kept(client, &server).await);
    }
    assert_eq!(kept, [false, true, true], "the oldest goes, however long it wanted to live");
    assert!(is_kept(&mut bound, &server).await);
}

#[tokio::test]
async fn a_permanent_key_pushes_out_only_its_own_and_all_together_the_oldest() {
    let limits = Limits { bound_keys_per_key_max: 2, bound_keys_max: 3, ..Limits::default() };
    let server = Server::limited(limits).await;
    let [first, second] = [server.client().await, server.client().await];
    let mut bound = Vec::new();
    for permanent in [&first, &second, &second, &second] {
        let mut client = temporary(&server, LIFE_S).await;
        bind(&mut client, &permanent.key, |_| {}).await.unwrap();
        bind(&mut client, &permanent.key, |_| {}).await.expect("it needs no second place");
        bound.push(client);
    }
    for (number, wanted) in [true, false, true, true].into_iter().enumerate() {
        assert_eq!(is_kept(&mut bound[number], &server).await, wanted, "{number}");
    }
    let third = server.client().await;
    let mut last = temporary(&server, LIFE_S).await;
    bind(&mut last, &third.key, |_| {}).await.unwrap();
    assert!(is_kept(&mut last, &server).await);
    for (number, wanted) in [false, false, true, true].into_iter().enumerate() {
        assert_eq!(is_kept(&mut bound[number], &server).await, wanted, "{number}");
    }
}

/// Whether the server knows the client's key when it comes anew.
async fn is_kept(client: &mut Client, server: &Server) -> bool {
    client.reconnect(server.address).await;
    client.send(&COUNT.to_bytes(), true).await.unwrap();
    match client.receive().await {
        Ok(_) => true,
        Err(end) => {
            assert_eq!(end.to_string(), "-404");
            false
        }
    }
}

/// A client with a temporary key that lives for so long, and the right salt.
async fn temporary(server: &Server, expires_in: i32) -> Client {
    let mut wire = Wire::connect(server.address, TRANSPORT).await.unwrap();
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    let enums::PQInnerData::Data(x) = exchange.inner() else { unreachable!() };
    let types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = x;
    let inner = types::PQInnerDataTempDc { pq, p, q, nonce, server_nonce, new_nonce, dc: 2, expires_in };
    let encrypted = encrypt(&server.pem, &enums::PQInnerData::from(inner).to_bytes(), Padding::Current);
    exchange.ask_dh(&mut wire, encrypted).await.unwrap();
    let (key, _) = exchange.send_g_b(&mut wire, random()).await.unwrap();
    let mut client = Client::over(wire, key, 0);
    client.call(&COUNT).await.unwrap();
    client
}

/// Binds the client's key to the permanent one, with something about it changed; gives the error's name.
async fn bind(client: &mut Client, permanent: &[u8; 256], spoil: Spoil) -> Result<(), String> {
    client.call(&COUNT).await.unwrap();
    let (msg_id, seq_no) = (client.next_msg_id(), client.next_seq_no(true));
    let (nonce, perm_auth_key_id) = (i64::from_le_bytes(random()), key_id(permanent));
    let expires_at = crate::model::unix_time() + LIFE_S;
    let inner = types::BindAuthKeyInner {
        nonce,
        temp_auth_key_id: key_id(&client.key),
        perm_auth_key_id,
        temp_session_id: client.session_id,
        expires_at,
    };
    let call = functions::auth::BindTempAuthKey { perm_auth_key_id, nonce, expires_at, encrypted_message: Vec::new() };
    let mut binding = Binding { call, inner, key: *permanent, msg_id, seq_no: 0 };
    spoil(&mut binding);
    if binding.call.encrypted_message.is_empty() {
        let body = enums::BindAuthKeyInner::from(binding.inner).to_bytes();
        binding.call.encrypted_message = seal_v1(&binding.key, permanent, binding.msg_id, binding.seq_no, &body);
    }
    client.send_as(msg_id, seq_no, &binding.call.to_bytes()).await.unwrap();
    loop {
        let message = client.receive().await.unwrap();
        let Some(result) = message.result_for(msg_id) else { continue };
        return match enums::RpcError::from_bytes(&result) {
            Ok(enums::RpcError::Error(error)) => Err(error.error_message),
            Err(_) => bool::from_bytes(&result).unwrap().then_some(()).ok_or_else(|| "false".to_owned()),
        };
    }
}
