//! A data centre, accounts in it, and a script's view of an account.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::{Arrived, Attachment};
use datacentre::{Config, DataCentre};
use files::{FileSpace, HOME_BYTES_MAX};
use grammers_client::sender::{ServerAddr, connect_with_auth};
use grammers_mtproto::transport::Full;
use grammers_tl_types as tl;
use store::{AccountStore, Bounds};
use telegram::login::{Login, SignIn};
use telegram::{Account, AccountConfig, ApiCredentials, DcAddress};
use tempfile::TempDir;
use tgl::{
    AccountState, Call, CallError, Completion, Connection, Event, Grants, Message, Outcome, PeerId, Request, ScriptName,
};
use tl::functions;
use tokio::sync::{mpsc, watch};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A data centre with a directory of its own.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) dc: DataCentre,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let dc = DataCentre::start(dc_config(&dir, 0)).await.unwrap();
        Self { dir, dc }
    }

    /// Stops the data centre and starts it again where it was.
    pub(crate) async fn restart(self) -> Self {
        let port = self.dc.address.port();
        self.dc.stop().await;
        let dc = DataCentre::start(dc_config(&self.dir, port)).await.unwrap();
        Self { dir: self.dir, dc }
    }

    pub(crate) fn address(&self) -> DcAddress {
        DcAddress::Custom {
            address: self.dc.address,
            public_key_pem: self.dc.public_key_pem.clone(),
            dc_id: self.dc.dc_id,
        }
    }

    pub(crate) fn store(&self, name: &str) -> AccountStore {
        self.store_bounded(name, Bounds::default())
    }

    pub(crate) fn store_bounded(&self, name: &str, bounds: Bounds) -> AccountStore {
        AccountStore::open_bounded(&self.dir.path().join(name), bounds).unwrap()
    }

    /// Signs a new user up and starts the account. `digit` tells users apart: 1 to 9.
    pub(crate) async fn user(&self, name: &str, digit: u8) -> User {
        let store = self.store(name);
        sign_up(&store, self.address(), name, &phone(digit)).await;
        self.start(store).await
    }

    pub(crate) async fn start(&self, store: AccountStore) -> User {
        User::start(store, self.address()).await
    }

    /// Waits until every failure that was asked for has happened.
    pub(crate) async fn failures_taken(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.dc.faults().failures_pending() > 0 {
            assert!(tokio::time::Instant::now() < deadline, "they happen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// How an account is logged in and started.
pub(crate) fn config(store: AccountStore, dc: DcAddress) -> AccountConfig {
    AccountConfig { store, dc, api: ApiCredentials { api_id: 1, api_hash: "hash".to_owned() }, proxy: None }
}

fn dc_config(dir: &TempDir, port: u16) -> Config {
    Config { listen: ([127, 0, 0, 1], port).into(), data_dir: dir.path().join("dc"), dc_id: 2 }
}

pub(crate) fn phone(digit: u8) -> String {
    format!("99966{digit}0001")
}

pub(crate) fn code(digit: u8) -> String {
    digit.to_string().repeat(5)
}

pub(crate) async fn sign_up(store: &AccountStore, dc: DcAddress, name: &str, phone: &str) -> tgl::User {
    sign_up_by(&config(store.clone(), dc), name, phone).await
}

pub(crate) async fn sign_up_by(config: &AccountConfig, name: &str, phone: &str) -> tgl::User {
    let digit = phone.as_bytes()[5] - b'0';
    let mut login = Login::begin(config.clone()).await.unwrap();
    login.send_code(phone).await.unwrap();
    let next = login.sign_in(&code(digit)).await.unwrap();
    let user = match next {
        SignIn::SignUpNeeded => login.sign_up(name, "").await.unwrap(),
        SignIn::Done(user) => user,
        SignIn::PasswordNeeded { .. } => panic!("no password was set"),
    };
    login.finish().await.unwrap();
    user
}

/// The key that an account has at the data centre.
pub(crate) fn key_of(store: &AccountStore) -> [u8; 256] {
    store.dc(2).unwrap().unwrap().auth_key.unwrap()
}

/// What the data centre answers another client with this key.
pub(crate) async fn ask_by_hand<R: tl::RemoteCall>(address: SocketAddr, auth_key: [u8; 256], query: R) -> R::Return {
    let hello = functions::InitConnection {
        api_id: 1,
        device_model: "test".to_owned(),
        system_version: "test".to_owned(),
        app_version: "test".to_owned(),
        system_lang_code: "en".to_owned(),
        lang_pack: String::new(),
        lang_code: "en".to_owned(),
        proxy: None,
        params: None,
        query,
    };
    let mut sender = connect_with_auth(Full::new(), ServerAddr::Tcp { address }, auth_key).await.unwrap();
    sender.invoke(&functions::InvokeWithLayer { layer: tl::LAYER, query: hello }).await.unwrap()
}

/// A running account with one script.
pub(crate) struct User {
    pub(crate) store: AccountStore,
    pub(crate) id: i64,
    pub(crate) account: Account,
    pub(crate) state: watch::Receiver<AccountState>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) completions: mpsc::Receiver<Arrived>,
    pub(crate) notes: mpsc::Receiver<String>,
    pub(crate) home: Arc<TempDir>,
    pub(crate) files: FileSpace,
    script: ScriptName,
    cursor: u64,
    calls: u64,
}

impl User {
    pub(crate) async fn start(store: AccountStore, dc: DcAddress) -> Self {
        Self::start_by(config(store, dc)).await
    }

    pub(crate) async fn start_by(config: AccountConfig) -> Self {
        let mut user = Self::begin_by(config, Arc::new(TempDir::new().unwrap()), HOME_BYTES_MAX);
        user.wait(|state| state.connection == Connection::Online).await;
        user
    }

    /// Starts the account without waiting for it.
    pub(crate) fn begin(store: AccountStore, dc: DcAddress) -> Self {
        Self::begin_in(store, dc, Arc::new(TempDir::new().unwrap()), HOME_BYTES_MAX)
    }

    /// The same, with this private folder.
    pub(crate) fn begin_in(store: AccountStore, dc: DcAddress, home: Arc<TempDir>, home_bytes_max: u64) -> Self {
        Self::begin_by(config(store, dc), home, home_bytes_max)
    }

    fn begin_by(config: AccountConfig, home: Arc<TempDir>, home_bytes_max: u64) -> Self {
        let store = config.store.clone();
        let files = FileSpace::open(None, Some(home.path()), home_bytes_max, &[]).unwrap();
        let script: ScriptName = Arc::from("test.py");
        let cursor = store.scripts().join(&script).unwrap();
        let account = Account::start(config).unwrap();
        files.remove_leftovers();
        let Attachment { requests, completions, notes, state } =
            account.attach(script.clone(), files.clone(), Grants::trusted());
        let id = state.borrow().our_id.unwrap_or_default();
        Self { store, id, account, state, requests, completions, notes, home, files, script, cursor, calls: 0 }
    }

    pub(crate) fn peer(&self) -> PeerId {
        PeerId::user(self.id)
    }

    pub(crate) async fn wait(&mut self, until: impl FnMut(&AccountState) -> bool) -> AccountState {
        let mut state = self.state.clone();
        let waited = tokio::time::timeout(PATIENCE, state.wait_for(until)).await;
        waited.map_or_else(|_| panic!("the state stays {:?}", self.state.borrow()), |state| state.unwrap().clone())
    }

    /// Hands a call over as the runtime does, and gives its id.
    pub(crate) async fn request(&mut self, call: Call) -> u64 {
        self.calls += 1;
        let random_id = (self.id << 32) ^ (self.store.inbox_seq() as i64) << 16 ^ self.calls as i64;
        let request = Request { id: self.calls, random_id, call };
        self.store.scripts().handled(&self.script, 0, std::slice::from_ref(&request), &[]).unwrap();
        self.requests.send(request).await.unwrap();
        self.calls
    }

    pub(crate) async fn completion(&mut self) -> Completion {
        let completion = tokio::time::timeout(PATIENCE, self.completions.recv()).await;
        completion.expect("a call ends").expect("the account runs").completion
    }

    pub(crate) async fn call(&mut self, call: Call) -> Result<Outcome, CallError> {
        let id = self.request(call).await;
        let completion = self.completion().await;
        assert_eq!(completion.id, id);
        completion.result
    }

    pub(crate) async fn send(&mut self, to: PeerId, text: &str) -> Message {
        match self.call(text_to(to, text)).await {
            Ok(Outcome::Message(message)) => message,
            other => panic!("not sent: {other:?}"),
        }
    }

    /// The events since the last time, without waiting.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let events = self.store.scripts().inbox_after(self.cursor, 10_000).unwrap();
        if let Some((seq, _)) = events.last() {
            self.cursor = *seq;
            self.store.scripts().handled(&self.script, *seq, &[], &[]).unwrap();
        }
        events.into_iter().map(|(_, event)| Event::clone(&event)).collect()
    }

    /// Handles every event unread.
    pub(crate) fn skip_events(&mut self) {
        self.cursor = self.store.inbox_seq();
        self.store.scripts().handled(&self.script, self.cursor, &[], &[]).unwrap();
    }

    /// Waits until this many messages have come, and gives them.
    pub(crate) async fn messages(&mut self, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let news = self.events();
            messages.extend(news.into_iter().filter_map(as_message));
            if messages.len() >= count {
                assert_eq!(messages.len(), count, "{messages:#?}");
                return messages;
            }
            let cursor = self.cursor;
            let waited = tokio::time::timeout_at(deadline, self.state.wait_for(|state| state.inbox_seq > cursor)).await;
            assert!(waited.is_ok(), "only {} of {count} messages: {messages:#?}", messages.len());
        }
    }

    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        self.messages(count).await.into_iter().map(|message| message.text.unwrap_or_default()).collect()
    }

    /// Stops the account; its store can be opened again.
    pub(crate) async fn stop(self) {
        self.account.stop().await;
    }

    pub(crate) async fn knows(&mut self, other: &User, digit: u8) {
        let call = Call::AddContact { phone: phone(digit), first_name: "Contact".to_owned(), last_name: String::new() };
        match self.call(call).await {
            Ok(Outcome::Peers(peers)) => {
                assert_eq!(peers.iter().map(tgl::Peer::id).collect::<Vec<_>>(), [other.peer()])
            }
            failed => panic!("not added: {failed:?}"),
        }
    }
}

pub(crate) fn text_to(to: PeerId, text: &str) -> Call {
    Call::SendMessage { to, text: text.to_owned(), reply_to: None, preview: None }
}

pub(crate) fn as_message(event: Event) -> Option<Message> {
    match event {
        Event::Message(message) => Some(message),
        _ => None,
    }
}

/// Two users, the first of whom knows the second.
pub(crate) async fn two_users(world: &World) -> (User, User) {
    let mut alice = world.user("Alice", 1).await;
    let bob = world.user("Bob", 2).await;
    alice.knows(&bob, 2).await;
    alice.events();
    (alice, bob)
}
