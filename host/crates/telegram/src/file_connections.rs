//! Connections for the parts of files, beside the account's own: <https://core.telegram.org/api/files> wants sessions of
//! their own for them. Several, each with one part at a time, so that the work on them is spread over the processor's cores.
//!
//! Invariant: there are at most [`FILE_CONNECTIONS_MAX`] to the account's data centre and one to each other, none that has
//! failed is used again, and none is kept that nobody uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use crate::net::{Connection, Use};
use crate::pool::REQUEST_BYTES_MAX;
use crate::rpc_error::InvokeError;
use crate::session::StoreSession;
use crate::sync::locked;

/// Connections of one account for parts of files, and parts under way over them.
pub(crate) const FILE_CONNECTIONS_MAX: usize = 4;

/// How long a part may take on its way: lines can be slow. A connection that is dead is noticed by the account's ping
/// before.
const PART_TIMEOUT: Duration = Duration::from_secs(120);

/// How long an idle connection is kept, and how often we check.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct FileConnections {
    session: Arc<StoreSession>,
    api_id: i32,
    idle_max: Duration,
    permits: Semaphore,
    kept: Mutex<Kept>,
    /// Counts how often all connections were closed.
    closed: watch::Sender<u64>,
}

/// What is there for the next part, and since when it was not used.
#[derive(Default)]
struct Kept {
    home: Vec<(Connection, Instant)>,
    /// To data centres that are not the account's. Parts that are under way hold theirs as well.
    elsewhere: HashMap<i32, (Arc<Connection>, Instant)>,
    is_watched: bool,
}

impl FileConnections {
    /// No connection yet.
    pub(crate) fn new(session: Arc<StoreSession>, api_id: i32) -> Self {
        let (permits, closed) = (Semaphore::new(FILE_CONNECTIONS_MAX), watch::Sender::new(0));
        Self { session, api_id, idle_max: IDLE_MAX, permits, kept: Mutex::default(), closed }
    }

    /// Waits until there is a connection for one more part. In the order of asking.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.permits.acquire().await.ok()
    }

    /// Asks a data centre, the account's own or another. To be called with a permit.
    pub(crate) async fn ask(self: &Arc<Self>, dc_id: Option<i32>, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let mut closed = self.closed.subscribe();
        let asked = async {
            match dc_id {
                None => self.ask_home(request).await,
                Some(dc_id) => self.ask_elsewhere(dc_id, request).await,
            }
        };
        tokio::select! {
            answer = tokio::time::timeout(PART_TIMEOUT, asked) => answer.unwrap_or_else(|_| {
                Err(InvokeError::Lost(format!("no answer within {} s", PART_TIMEOUT.as_secs())))
            }),
            _ = closed.changed() => Err(InvokeError::Lost("the account lost its connection".to_owned())),
        }
    }

    /// Ends all connections: what is under way fails, and is tried again when the account is connected again.
    pub(crate) fn close(&self) {
        let mut kept = locked(&self.kept);
        kept.home.clear();
        kept.elsewhere.clear();
        drop(kept);
        self.closed.send_modify(|count| *count += 1);
    }

    async fn ask_home(self: &Arc<Self>, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let connection = locked(&self.kept).home.pop().map(|(connection, _)| connection);
        let closed = *self.closed.borrow();
        let connection = connection.unwrap_or_else(|| self.connect(self.session.home_dc()));
        let answer = connection.invoke(request).await;
        if !is_broken(&answer) && *self.closed.borrow() == closed {
            let mut kept = locked(&self.kept);
            kept.home.push((connection, Instant::now()));
            self.watch(&mut kept);
        }
        answer
    }

    fn connect(&self, dc_id: i32) -> Connection {
        Connection::start(self.session.clone(), dc_id, self.api_id, Use::Files)
    }

    fn watch(self: &Arc<Self>, kept: &mut Kept) {
        if !std::mem::replace(&mut kept.is_watched, true) {
            tokio::spawn(let_go_when_idle(Arc::downgrade(self), self.idle_max));
        }
    }

    /// Where we have no key there, the connection makes one.
    async fn ask_elsewhere(self: &Arc<Self>, dc_id: i32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let connection = {
            let mut kept = locked(&self.kept);
            self.watch(&mut kept);
            let make = || (Arc::new(self.connect(dc_id)), Instant::now());
            kept.elsewhere.entry(dc_id).or_insert_with(make).0.clone()
        };
        let answer = connection.invoke(request).await;
        let mut kept = locked(&self.kept);
        if let Some((current, used)) = kept.elsewhere.get_mut(&dc_id)
            && Arc::ptr_eq(current, &connection)
        {
            *used = Instant::now();
            if is_broken(&answer) {
                kept.elsewhere.remove(&dc_id);
            }
        }
        answer
    }
}

fn is_broken(answer: &Result<Vec<u8>, InvokeError>) -> bool {
    matches!(answer, Err(InvokeError::Lost(_) | InvokeError::UnknownKey))
}

async fn let_go_when_idle(connections: Weak<FileConnections>, idle_max: Duration) {
    loop {
        tokio::time::sleep(idle_max).await;
        let Some(connections) = connections.upgrade() else { return };
        let mut kept = locked(&connections.kept);
        if kept.let_go(idle_max) {
            kept.is_watched = false;
            return;
        }
    }
}

impl Kept {
    /// Closes what nobody has used for so long. Says whether nothing is left.
    fn let_go(&mut self, idle_max: Duration) -> bool {
        self.home.retain(|(_, used)| used.elapsed() < idle_max);
        self.elsewhere.retain(|_, (connection, used)| used.elapsed() < idle_max || Arc::strong_count(connection) > 1);
        self.home.is_empty() && self.elsewhere.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use datacentre::{Config, DataCentre};
    use grammers_tl_types as tl;
    use store::AccountStore;
    use tl::{Identifiable, Serializable, functions, types};

    use super::*;
    use crate::config::{AccountConfig, ApiCredentials, DcAddress};
    use crate::login::{Login, SignIn};

    /// How long anything may take before a test fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn session(dc: &DataCentre, dir: &tempfile::TempDir) -> Arc<StoreSession> {
        let store = AccountStore::open(&dir.path().join("Alice")).unwrap();
        let address =
            DcAddress::Custom { address: dc.address, public_key_pem: dc.public_key_pem.clone(), dc_id: dc.dc_id };
        let api = ApiCredentials { api_id: 1, api_hash: "hash".to_owned() };
        let config = AccountConfig { store: store.clone(), dc: address.clone(), api, proxy: None };
        let mut login = Login::begin(config).await.unwrap();
        login.send_code("9996610001").await.unwrap();
        assert!(matches!(login.sign_in("11111").await, Ok(SignIn::SignUpNeeded)));
        login.sign_up("Alice", "").await.unwrap();
        login.finish().await.unwrap();
        Arc::new(StoreSession::open(store, &address, None).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn connections_that_nobody_uses_are_let_go_and_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let connections = Arc::new(FileConnections::new(session(&dc, &dir).await, 1));
        for dc_ids in [vec![None], vec![Some(dc.dc_id)], vec![None, Some(dc.dc_id)]] {
            for dc_id in &dc_ids {
                let answer = connections.ask(*dc_id, functions::help::GetConfig {}.to_bytes()).await.unwrap();
                assert!(answer.starts_with(&types::Config::CONSTRUCTOR_ID.to_le_bytes()));
            }
            let mut kept = locked(&connections.kept);
            assert!(kept.is_watched && !kept.let_go(IDLE_MAX), "for the next part");
            let is_kept = (!kept.home.is_empty(), !kept.elsewhere.is_empty());
            assert_eq!(is_kept, (dc_ids.contains(&None), dc_ids.contains(&Some(dc.dc_id))), "for the next part");
            let elsewhere = kept.elsewhere.get(&dc.dc_id).map(|(connection, _)| Arc::downgrade(connection));
            assert!(kept.let_go(Duration::ZERO), "they are let go");
            assert!(elsewhere.is_none_or(|connection| connection.upgrade().is_none()), "the connection is closed");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_looks_for_idle_connections_ends_with_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let connections =
            FileConnections { idle_max: Duration::from_millis(1), ..FileConnections::new(session(&dc, &dir).await, 1) };
        let connections = Arc::new(connections);
        for dc_id in [None, Some(dc.dc_id), None] {
            connections.ask(dc_id, functions::help::GetConfig {}.to_bytes()).await.unwrap();
            let let_go = async {
                while locked(&connections.kept).is_watched {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(PATIENCE, let_go).await.expect("they are let go");
            assert!(locked(&connections.kept).home.is_empty() && locked(&connections.kept).elsewhere.is_empty());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_in_use_is_not_idle() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let connections = Arc::new(FileConnections::new(session(&dc, &dir).await, 1));
        connections.ask(Some(dc.dc_id), functions::help::GetConfig {}.to_bytes()).await.unwrap();
        // As a part that is under way holds it.
        let in_use = locked(&connections.kept).elsewhere.get(&dc.dc_id).map(|(connection, _)| connection.clone());
        assert!(!locked(&connections.kept).let_go(Duration::ZERO) && in_use.is_some());
        drop(in_use);
        assert!(locked(&connections.kept).let_go(Duration::ZERO));
    }
}
