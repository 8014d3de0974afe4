//! The key exchange, gone right and gone wrong at each step.

use super::client::exchange::{Exchange, encrypt, id_of, plain_call, plain_call_as};
use super::client::{Client, Padding, Wire};
use super::*;

const TRANSPORT: Transport = Transport { framing: Framing::Intermediate, obfuscated: false };

async fn wire(server: &Server) -> Wire {
    Wire::connect(server.address, TRANSPORT).await.unwrap()
}

/// Changes what the client says in `p_q_inner_data`.
type Spoil = fn(&mut types::PQInnerData);

#[tokio::test]
async fn every_inner_data_and_both_paddings_make_a_key() {
    let server = Server::start().await;
    for padding in [Padding::Current, Padding::First] {
        for kind in 0..4 {
            let mut wire = wire(&server).await;
            let mut exchange = Exchange::begin(&mut wire).await.unwrap();
            let enums::PQInnerData::Data(x) = exchange.inner() else { unreachable!() };
            let types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = x.clone();
            let (dc, expires_in) = (2, 3_600);
            let inner: enums::PQInnerData = match kind {
                0 => x.into(),
                1 => types::PQInnerDataDc { pq, p, q, nonce, server_nonce, new_nonce, dc }.into(),
                2 => types::PQInnerDataTemp { pq, p, q, nonce, server_nonce, new_nonce, expires_in }.into(),
                _ => types::PQInnerDataTempDc { pq, p, q, nonce, server_nonce, new_nonce, dc, expires_in }.into(),
            };
            let encrypted = encrypt(&server.pem, &inner.to_bytes(), padding);
            exchange.ask_dh(&mut wire, encrypted).await.unwrap();
            let (key, answer) = exchange.send_g_b(&mut wire, crypto::random()).await.unwrap();
            assert!(matches!(answer, enums::SetClientDhParamsAnswer::DhGenOk(_)), "{padding:?} {kind}");
            let mut client = Client::over(wire, key, 0);
            client.call(&COUNT).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_temporary_key_opens_nothing_once_its_time_is_over() {
    let server = Server::start().await;
    let mut wire = wire(&server).await;
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    let enums::PQInnerData::Data(x) = exchange.inner() else { unreachable!() };
    let types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = x;
    let inner = types::PQInnerDataTemp { pq, p, q, nonce, server_nonce, new_nonce, expires_in: 0 };
    let encrypted = encrypt(&server.pem, &enums::PQInnerData::from(inner).to_bytes(), Padding::Current);
    exchange.ask_dh(&mut wire, encrypted).await.unwrap();
    let (key, _) = exchange.send_g_b(&mut wire, crypto::random()).await.unwrap();
    let mut client = Client::over(wire, key, 0);
    client.send(&COUNT.to_bytes(), true).await.unwrap();
    assert_eq!(client.receive().await.unwrap_err().to_string(), "-404");
}

#[tokio::test]
async fn the_first_salt_is_good_at_once() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let msg_id = client.send(&COUNT.to_bytes(), true).await.unwrap();
    let first = client.receive().await.unwrap();
    assert_eq!(first.id(), types::NewSessionCreated::CONSTRUCTOR_ID);
    let enums::NewSession::Created(created) = first.read();
    assert_eq!(created.first_msg_id, msg_id);
    assert!(client.receive().await.unwrap().result_for(msg_id).is_some());
}

#[tokio::test]
async fn what_the_client_proves_wrongly_ends_the_exchange() {
    let server = Server::start().await;
    let spoils: [(&str, Spoil); 5] = [
        ("nonce", |inner| inner.nonce[0] ^= 1),
        ("server nonce", |inner| inner.server_nonce[0] ^= 1),
        ("p", |inner| inner.p[3] ^= 2),
        ("q", |inner| inner.q[3] ^= 2),
        ("p and q the other way round", |inner| std::mem::swap(&mut inner.p, &mut inner.q)),
    ];
    for (name, spoil) in spoils {
        let mut wire = wire(&server).await;
        let mut exchange = Exchange::begin(&mut wire).await.unwrap();
        let enums::PQInnerData::Data(mut inner) = exchange.inner() else { unreachable!() };
        spoil(&mut inner);
        let inner = enums::PQInnerData::from(inner).to_bytes();
        let encrypted = encrypt(&server.pem, &inner, Padding::Current);
        assert_refused(exchange.ask_dh(&mut wire, encrypted).await, name);
    }
    for (name, encrypted) in
        [("nothing", vec![]), ("zeros", vec![0; 256]), ("ones", vec![0xff; 256]), ("short", vec![1; 255])]
    {
        let mut wire = wire(&server).await;
        let mut exchange = Exchange::begin(&mut wire).await.unwrap();
        assert_refused(exchange.ask_dh(&mut wire, encrypted).await, name);
    }
    let mut wire = wire(&server).await;
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    exchange.fingerprint ^= 1;
    let encrypted = encrypt(&server.pem, &exchange.inner().to_bytes(), Padding::Current);
    assert_refused(exchange.ask_dh(&mut wire, encrypted).await, "another fingerprint");
}

#[tokio::test]
async fn the_steps_must_come_in_their_order() {
    let server = Server::start().await;
    let zero = [0; 16];
    let encrypted_data = vec![0; 64];
    let early: [(&str, Vec<u8>); 4] = [
        ("DH parameters first", {
            let (p, q) = (vec![1], vec![2]);
            let request = functions::ReqDhParams {
                nonce: zero,
                server_nonce: zero,
                p,
                q,
                public_key_fingerprint: 0,
                encrypted_data: encrypted_data.clone(),
            };
            request.to_bytes()
        }),
        ("g_b first", functions::SetClientDhParams { nonce: zero, server_nonce: zero, encrypted_data }.to_bytes()),
        ("a method", COUNT.to_bytes()),
        ("half a request", functions::ReqPqMulti { nonce: zero }.to_bytes()[..12].to_vec()),
    ];
    for (name, request) in early {
        let mut wire = wire(&server).await;
        assert_refused(plain_call(&mut wire, &request).await, name);
    }
    let mut wire = wire(&server).await;
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    let encrypted = encrypt(&server.pem, &exchange.inner().to_bytes(), Padding::Current);
    exchange.ask_dh(&mut wire, encrypted.clone()).await.unwrap();
    assert_refused(exchange.ask_dh(&mut wire, encrypted).await, "DH parameters twice");
    assert!(server.is_well().await);
}

#[tokio::test]
async fn a_g_b_out_of_range_fails_the_exchange() {
    let server = Server::start().await;
    for (name, g_b) in
        [("0", vec![]), ("1", vec![1]), ("2^1984", [&[1][..], &[0; 248]].concat()), ("2^2048 - 1", vec![0xff; 256])]
    {
        let mut wire = wire(&server).await;
        let mut exchange = Exchange::begin(&mut wire).await.unwrap();
        let encrypted = encrypt(&server.pem, &exchange.inner().to_bytes(), Padding::Current);
        exchange.ask_dh(&mut wire, encrypted).await.unwrap();
        let answer = exchange.send_raw_g_b(&mut wire, g_b, 0).await.unwrap();
        assert!(matches!(answer, enums::SetClientDhParamsAnswer::DhGenFail(_)), "{name}: {answer:?}");
    }
    let mut wire = wire(&server).await;
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    let encrypted = encrypt(&server.pem, &exchange.inner().to_bytes(), Padding::Current);
    exchange.ask_dh(&mut wire, encrypted).await.unwrap();
    assert_refused(exchange.send_raw_g_b(&mut wire, vec![0x55; 256], 9).await, "a retry id out of nowhere");
}

#[tokio::test]
async fn a_key_that_exists_already_is_tried_anew_and_then_given_up() {
    let server = Server::start().await;
    let mut wire = wire(&server).await;
    let mut exchange = Exchange::begin(&mut wire).await.unwrap();
    let encrypted = encrypt(&server.pem, &exchange.inner().to_bytes(), Padding::Current);
    exchange.ask_dh(&mut wire, encrypted).await.unwrap();
    // The key that this secret will lead to is there before it.
    let secret: [u8; 256] = crypto::random();
    let dh = exchange.dh.clone().unwrap();
    let number = num_bigint::BigUint::from_bytes_be;
    let (prime, exponent) = (number(&dh.dh_prime), number(&secret));
    let shared = number(&dh.g_a).modpow(&exponent, &prime).to_bytes_be();
    let mut key = [0; 256];
    key[256 - shared.len()..].copy_from_slice(&shared);
    let agreed_before = AuthKeyRecord { key, layer: None };
    assert!(server.keys.insert(&agreed_before.key));

    let (clashing, answer) = exchange.send_g_b(&mut wire, secret).await.unwrap();
    let enums::SetClientDhParamsAnswer::DhGenRetry(retry) = answer else { panic!("{answer:?}") };
    assert_eq!(id_of(&clashing), id_of(&key));
    assert_eq!(retry.new_nonce_hash2, exchange.new_nonce_hash(2, &key));
    let retry_id = i64::from_le_bytes(client::crypto::sha1(&[&key])[..8].try_into().unwrap());
    let g_b = num_bigint::BigUint::from(3u8).modpow(&exponent, &prime).to_bytes_be();
    for attempt in 2..=4 {
        let answer = exchange.send_raw_g_b(&mut wire, g_b.clone(), retry_id).await.unwrap();
        match answer {
            enums::SetClientDhParamsAnswer::DhGenRetry(_) if attempt < 4 => {}
            enums::SetClientDhParamsAnswer::DhGenFail(_) if attempt == 4 => {}
            _ => panic!("attempt {attempt}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn one_connection_may_begin_only_so_many_exchanges() {
    let server = Server::start().await;
    let mut wire = wire(&server).await;
    for _ in 0..super::super::handshake::EXCHANGES_MAX {
        Exchange::begin(&mut wire).await.unwrap();
    }
    assert_refused(Exchange::begin(&mut wire).await.map(drop), "one too many");
}

#[test]
fn the_rsa_key_is_kept_and_its_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let made = RsaKey::load_or_make(directory.path()).unwrap();
    let loaded = RsaKey::load_or_make(directory.path()).unwrap();
    assert_eq!(made.fingerprint, loaded.fingerprint);
    assert_eq!(made.public_pem, std::fs::read_to_string(&made.public_path).unwrap());
    let private = directory.path().join("rsa.pem");
    assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&private, "not a key").unwrap();
    let error = RsaKey::load_or_make(directory.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("rsa.pem is not a 2048-bit RSA private key"), "{error}");
}

#[track_caller]
fn assert_refused<T>(result: std::io::Result<T>, name: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{name}: accepted"));
    let minus_404 = format!("transport error {:?}", (-404_i32).to_le_bytes());
    assert_eq!(error.to_string(), minus_404, "{name}");
}

/// TDLib asks so before it trusts a connection that it had lost.
#[tokio::test]
async fn a_connection_is_checked_by_a_first_step_under_any_identifier() {
    let server = Server::start().await;
    let mut wire = wire(&server).await;
    for msg_id in [1, 0, 3, i64::MAX] {
        let answer = plain_call_as(&mut wire, msg_id, &functions::ReqPqMulti { nonce: [7; 16] }.to_bytes()).await;
        assert_eq!(constructor(&answer.unwrap()), types::ResPq::CONSTRUCTOR_ID, "{msg_id}");
    }
}
