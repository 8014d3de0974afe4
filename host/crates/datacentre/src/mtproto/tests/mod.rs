//! The protocol, spoken to by a client written by hand, over real sockets, with a handful of made-up methods behind it.

#[path = "../../../tests/client/mod.rs"]
mod client;

mod binding;
mod bounds;
mod damage;
mod exchange;
mod service;
mod sessions;
mod transports;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use grammers_tl_types::{Identifiable as _, Serializable as _, enums, functions, types};
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::client::{Client, Framing, Transport};
use super::message::constructor;
use super::{Hub, Limits, RsaKey, Shared, crypto, serve};
use crate::faults::Faults;
use crate::seam::{AuthKeyRecord, AuthKeys, Caller, Methods, Pusher, RpcError};

/// A server with [`TestMethods`], stopped when dropped.
struct Server {
    address: SocketAddr,
    pem: String,
    faults: Faults,
    methods: Arc<TestMethods>,
    keys: Arc<TestKeys>,
    _stop: watch::Sender<()>,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::limited(Limits::default()).await
    }

    async fn limited(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("rsa.pem"), rsa_pem()).unwrap();
        let rsa = RsaKey::load_or_make(directory.path()).unwrap();
        let pem = rsa.public_pem.clone();
        let faults = Faults::new();
        let hub = Arc::new(Hub::new(faults.clone(), &limits));
        let methods = Arc::new(TestMethods::new(Arc::clone(&hub)));
        let keys = Arc::new(TestKeys::default());
        let shared = Shared::new(
            rsa,
            hub,
            Arc::clone(&keys) as Arc<dyn AuthKeys>,
            Arc::clone(&methods) as Arc<dyn Methods>,
            faults.clone(),
            limits,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(());
        tokio::spawn(serve(shared, listener, stopped));
        Self { address, pem, faults, methods, keys, _stop: stop, _directory: directory }
    }

    /// A client with a key made by a full exchange.
    async fn client(&self) -> Client {
        Client::new(self.address, &self.pem).await
    }

    /// The server still serves: the last check of every test that does it harm.
    async fn is_well(&self) -> bool {
        self.client().await.call(&COUNT).await.is_ok()
    }
}

/// Executes nothing but counts: its answer says how often it has been called in this server's life.
const COUNT: functions::help::GetNearestDc = functions::help::GetNearestDc {};
/// Fails with 400 TEST_FAILED.
const FAIL: functions::help::GetSupport = functions::help::GetSupport {};
/// Answers with a long, compressible text.
const LONG: functions::help::GetInviteText = functions::help::GetInviteText {};
/// Pushes `updatesTooLong` to the key's other sessions and answers true.
const PUSH: functions::account::UpdateStatus = functions::account::UpdateStatus { offline: true };
/// Pushes [`news`] to them and answers true.
const PUSH_NEWS: functions::account::UpdateStatus = functions::account::UpdateStatus { offline: false };
/// Ends the key's connections and answers.
const LEAVE: functions::auth::LogOut = functions::auth::LogOut {};
/// Panics.
const PANIC: functions::contacts::GetStatuses = functions::contacts::GetStatuses {};
/// Answers with the layer.
const LAYER_ASKED: functions::messages::GetAllDrafts = functions::messages::GetAllDrafts {};

/// The text of [`LONG`].
const LONG_TEXT_BYTES: usize = 100_000;

fn count_of(dc: &enums::NearestDc) -> i32 {
    let enums::NearestDc::Dc(dc) = dc;
    dc.this_dc
}

/// An update that is not `updatesTooLong`, and that layers say differently.
fn news() -> enums::Updates {
    let message = tl_blank::message(1, types::PeerUser { user_id: 7 }.into(), 1, "news".to_owned()).into();
    let new = types::UpdateNewMessage { message, pts: 2, pts_count: 1 };
    types::Updates { updates: vec![new.into()], users: vec![], chats: vec![], date: 1, seq: 0 }.into()
}

struct TestMethods {
    hub: Arc<Hub>,
    calls: AtomicUsize,
    callers: Mutex<Vec<Caller>>,
    gone: watch::Sender<Vec<i64>>,
}

impl TestMethods {
    fn new(hub: Arc<Hub>) -> Self {
        Self { hub, calls: AtomicUsize::new(0), callers: Mutex::default(), gone: watch::Sender::new(Vec::new()) }
    }

    fn last_caller(&self) -> Caller {
        *self.callers.lock().unwrap().last().unwrap()
    }
}

impl Methods for TestMethods {
    fn invoke(&self, caller: Caller, request: &[u8]) -> Result<Vec<u8>, RpcError> {
        self.callers.lock().unwrap().push(caller);
        match constructor(request) {
            functions::help::GetNearestDc::CONSTRUCTOR_ID => {
                let this_dc = i32::try_from(self.calls.fetch_add(1, Ordering::Relaxed) + 1).unwrap();
                Ok(enums::NearestDc::Dc(types::NearestDc { country: "XX".into(), this_dc, nearest_dc: 1 }).to_bytes())
            }
            functions::help::GetInviteText::CONSTRUCTOR_ID => {
                let message = "long ".repeat(LONG_TEXT_BYTES / 5);
                Ok(enums::help::InviteText::Text(types::help::InviteText { message }).to_bytes())
            }
            functions::account::UpdateStatus::CONSTRUCTOR_ID => {
                let updates = if request == PUSH.to_bytes() { enums::Updates::TooLong } else { news() };
                self.hub.push(caller.auth_key_id, &updates, Some(caller.session_id));
                Ok(true.to_bytes())
            }
            functions::auth::LogOut::CONSTRUCTOR_ID => {
                self.hub.disconnect(caller.auth_key_id);
                Ok(enums::auth::LoggedOut::Out(types::auth::LoggedOut { future_auth_token: None }).to_bytes())
            }
            functions::messages::GetAllDrafts::CONSTRUCTOR_ID => Ok(caller.layer.to_bytes()),
            functions::contacts::GetStatuses::CONSTRUCTOR_ID => panic!("asked for by a test"),
            _ => Err(RpcError { code: 400, name: "TEST_FAILED".into() }),
        }
    }

    fn disconnected(&self, auth_key_id: i64) {
        self.gone.send_modify(|gone| gone.push(auth_key_id));
    }

    fn used_twice(&self, _: i64) {}
}

#[derive(Default)]
struct TestKeys(Mutex<HashMap<i64, AuthKeyRecord>>);

impl AuthKeys for TestKeys {
    fn find(&self, auth_key_id: i64) -> Option<AuthKeyRecord> {
        self.0.lock().unwrap().get(&auth_key_id).cloned()
    }

    fn insert(&self, key: &[u8; 256]) -> bool {
        let id = crypto::low_64(&crypto::sha1(&[key]));
        self.0.lock().unwrap().insert(id, AuthKeyRecord { key: *key, layer: None }).is_none()
    }

    fn remove(&self, auth_key_id: i64) {
        self.0.lock().unwrap().remove(&auth_key_id);
    }

    fn set_layer(&self, auth_key_id: i64, layer: i32) {
        if let Some(record) = self.0.lock().unwrap().get_mut(&auth_key_id) {
            record.layer = Some(layer);
        }
    }
}

/// One RSA key for all tests: making one takes a second.
fn rsa_pem() -> &'static str {
    use rsa::pkcs1::EncodeRsaPrivateKey as _;
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PEM.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap().to_string()
    })
}
