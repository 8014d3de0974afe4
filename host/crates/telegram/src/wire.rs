//! Connections for the parts of files, beside the account's own: <https://core.telegram.org/api/files> wants sessions of
//! their own for them. Several, each with one part at a time, so that the work on them is spread over the processor's cores.
//!
//! Invariant: there are at most [`LINES_MAX`] to the account's data centre and one to each other, none that has failed is
//! used again, and none is kept that nobody uses.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use grammers_client::sender::{InvocationError, Sender, ServerAddr};
use grammers_mtproto::{mtp, transport};
use grammers_session::Session as _;
use grammers_tl_types as tl;
use tl::{Cursor, Deserializable, RemoteCall, Serializable, functions};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::connection_params;
use crate::pool::{self, InvokeError, Pool, REQUEST_BYTES_MAX};
use crate::session::StoreSession;
use crate::transfers::locked;

/// Connections of one account for parts of files, and parts under way over them.
pub(crate) const LINES_MAX: usize = 4;

/// How long a part may take on its way: lines can be slow. A connection that is dead is noticed by the account's ping
/// before.
const PART_TIMEOUT: Duration = Duration::from_secs(120);

/// How long connections are kept when there is nothing to transfer; it is looked as often.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Parts of files are packed already, most often: packing them once more would take longer than sending them.
const COMPRESSION: Option<usize> = None;

type Line = Sender<transport::Full, mtp::Encrypted>;

/// See the module.
pub(crate) struct Wire {
    session: Arc<StoreSession>,
    api_id: i32,
    idle_max: Duration,
    places: Semaphore,
    kept: Mutex<Kept>,
    /// Counts how often all connections were closed.
    closed: watch::Sender<u64>,
}

/// What is there for the next part, and since when it was not used.
#[derive(Default)]
struct Kept {
    lines: Vec<(Line, Instant)>,
    /// For data centres that are not the account's. Parts that are under way hold it as well.
    abroad: Option<(Arc<Pool>, Instant)>,
    is_watched: bool,
}

impl Wire {
    /// No connection yet.
    pub(crate) fn new(session: Arc<StoreSession>, api_id: i32) -> Self {
        let (places, closed) = (Semaphore::new(LINES_MAX), watch::Sender::new(0));
        Self { session, api_id, idle_max: IDLE_MAX, places, kept: Mutex::default(), closed }
    }

    /// Waits until there is a connection for one more part. In the order of asking.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.places.acquire().await.ok()
    }

    /// Asks a data centre, the account's own or another. To be called with a place.
    pub(crate) async fn ask(self: &Arc<Self>, dc_id: Option<i32>, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let mut closed = self.closed.subscribe();
        let asked = async {
            match dc_id {
                None => self.ask_home(request).await,
                Some(dc_id) => self.ask_abroad(dc_id, request).await,
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
        kept.lines.clear();
        kept.abroad = None;
        drop(kept);
        self.closed.send_modify(|count| *count += 1);
    }

    async fn ask_home(self: &Arc<Self>, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let line = locked(&self.kept).lines.pop().map(|(line, _)| line);
        let (session, api_id, closed) = (self.session.clone(), self.api_id, *self.closed.borrow());
        // A task of its own: what is done for the bytes takes a core's time.
        let task = tokio::spawn(async move {
            let mut line = match line {
                Some(line) => line,
                None => connect(&session, api_id).await?,
            };
            let answer = line.invoke(&Raw(Mutex::new(request))).await;
            Ok((line, answer))
        });
        let done = Aborting(task).await;
        match done.map_err(|error| pool::failure(&self.session, error))? {
            (_, Err(error)) if !matches!(error, InvocationError::Rpc(_)) => Err(pool::failure(&self.session, error)),
            (line, answer) => {
                if *self.closed.borrow() == closed {
                    let mut kept = locked(&self.kept);
                    kept.lines.push((line, Instant::now()));
                    self.watch(&mut kept);
                }
                answer.map(|answer| answer.0).map_err(|error| pool::failure(&self.session, error))
            }
        }
    }

    fn watch(self: &Arc<Self>, kept: &mut Kept) {
        if !std::mem::replace(&mut kept.is_watched, true) {
            tokio::spawn(let_go_when_idle(Arc::downgrade(self), self.idle_max));
        }
    }

    /// grammers makes the key where we have none there.
    async fn ask_abroad(self: &Arc<Self>, dc_id: i32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let pool = {
            let mut kept = locked(&self.kept);
            self.watch(&mut kept);
            let make = || (Arc::new(Pool::start(self.session.clone(), self.api_id).0), Instant::now());
            kept.abroad.get_or_insert_with(make).0.clone()
        };
        let answer = pool.invoke_raw_in(dc_id, request, PART_TIMEOUT).await;
        let is_broken = matches!(answer, Err(InvokeError::Lost(_) | InvokeError::UnknownKey));
        let mut kept = locked(&self.kept);
        match &mut kept.abroad {
            Some((current, used)) if Arc::ptr_eq(current, &pool) && !is_broken => *used = Instant::now(),
            Some((current, _)) if Arc::ptr_eq(current, &pool) => kept.abroad = None,
            _ => {}
        }
        answer
    }
}

/// A connection to the account's data centre that gets no updates: those come over the account's own.
async fn connect(session: &StoreSession, api_id: i32) -> Result<Line, InvocationError> {
    let dc = session.dc_option(session.home_dc()).ok().flatten().ok_or(InvocationError::InvalidDc)?;
    let key = dc.auth_key.ok_or(InvocationError::InvalidDc)?;
    let mtp = mtp::Encrypted::build().compression_threshold(COMPRESSION).finish(key);
    let address = ServerAddr::Tcp { address: dc.ipv4.into() };
    let mut line = Sender::connect(transport::Full::new(), mtp, address).await?;
    let params = connection_params();
    let query = functions::InitConnection {
        api_id,
        device_model: params.device_model,
        system_version: params.system_version,
        app_version: params.app_version,
        system_lang_code: params.system_lang_code,
        lang_pack: String::new(),
        lang_code: params.lang_code,
        proxy: None,
        params: None,
        query: functions::InvokeWithoutUpdates { query: functions::help::GetConfig {} },
    };
    line.invoke(&functions::InvokeWithLayer { layer: tl::LAYER, query }).await?;
    Ok(line)
}

async fn let_go_when_idle(wire: Weak<Wire>, idle_max: Duration) {
    loop {
        tokio::time::sleep(idle_max).await;
        let Some(wire) = wire.upgrade() else { return };
        let mut kept = locked(&wire.kept);
        if kept.let_go(idle_max) {
            kept.is_watched = false;
            return;
        }
    }
}

impl Kept {
    /// Closes what nobody has used for so long. Says whether nothing is left.
    fn let_go(&mut self, idle_max: Duration) -> bool {
        self.lines.retain(|(_, used)| used.elapsed() < idle_max);
        self.abroad.take_if(|(pool, used)| used.elapsed() >= idle_max && Arc::strong_count(pool) == 1);
        self.lines.is_empty() && self.abroad.is_none()
    }
}

/// A task that ends when nobody waits for it any more.
struct Aborting<T>(JoinHandle<Result<T, InvocationError>>);

impl<T> Future for Aborting<T> {
    type Output = Result<T, InvocationError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let failed = |_| Err(InvocationError::Dropped("a connection has failed inside"));
        std::pin::Pin::new(&mut self.0).poll(context).map(|done| done.unwrap_or_else(failed))
    }
}

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that is serialised already, and is given away once, so that it is in memory once.
struct Raw(Mutex<Vec<u8>>);

/// An answer as it comes.
struct RawAnswer(Vec<u8>);

impl Serializable for Raw {
    fn serialize(&self, buffer: &mut impl Extend<u8>) {
        buffer.extend(self.to_bytes());
    }

    fn to_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut locked(&self.0))
    }
}

impl Deserializable for RawAnswer {
    fn deserialize(buffer: &mut Cursor<'_>) -> tl::deserialize::Result<Self> {
        let mut answer = Vec::new();
        buffer.read_to_end(&mut answer)?;
        Ok(Self(answer))
    }
}

impl RemoteCall for Raw {
    type Return = RawAnswer;
}

#[cfg(test)]
mod tests {
    use datacentre::{Config, DataCentre};
    use store::AccountStore;
    use tl::{Identifiable, types};

    use super::*;
    use crate::config::{ApiCredentials, DcAddress};
    use crate::login::{Login, SignIn};

    /// How long anything may take before a test fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn session(dc: &DataCentre, dir: &tempfile::TempDir) -> Arc<StoreSession> {
        let store = AccountStore::open(&dir.path().join("Alice")).unwrap();
        let address =
            DcAddress::Custom { address: dc.address, public_key_pem: dc.public_key_pem.clone(), dc_id: dc.dc_id };
        let api = ApiCredentials { api_id: 1, api_hash: "hash".to_owned() };
        let mut login = Login::begin(store.clone(), address.clone(), api).await.unwrap();
        login.send_code("9996610001").await.unwrap();
        assert!(matches!(login.sign_in("11111").await, Ok(SignIn::SignUpNeeded)));
        login.sign_up("Alice", "").await.unwrap();
        login.finish().await.unwrap();
        Arc::new(StoreSession::open(store, &address).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn connections_that_nobody_uses_are_let_go_and_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let wire = Arc::new(Wire::new(session(&dc, &dir).await, 1));
        for dc_ids in [vec![None], vec![Some(dc.dc_id)], vec![None, Some(dc.dc_id)]] {
            for dc_id in &dc_ids {
                let answer = wire.ask(*dc_id, functions::help::GetConfig {}.to_bytes()).await.unwrap();
                assert!(answer.starts_with(&types::Config::CONSTRUCTOR_ID.to_le_bytes()));
            }
            let mut kept = locked(&wire.kept);
            assert!(kept.is_watched && !kept.let_go(IDLE_MAX), "for the next part");
            let is_kept = (!kept.lines.is_empty(), kept.abroad.is_some());
            assert_eq!(is_kept, (dc_ids.contains(&None), dc_ids.contains(&Some(dc.dc_id))), "for the next part");
            let abroad = kept.abroad.as_ref().map(|(pool, _)| Arc::downgrade(pool));
            assert!(kept.let_go(Duration::ZERO), "they are let go");
            assert!(abroad.is_none_or(|pool| pool.upgrade().is_none()), "the connection is closed");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_looks_for_idle_connections_ends_with_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let wire = Wire { idle_max: Duration::from_millis(1), ..Wire::new(session(&dc, &dir).await, 1) };
        let wire = Arc::new(wire);
        for dc_id in [None, Some(dc.dc_id), None] {
            wire.ask(dc_id, functions::help::GetConfig {}.to_bytes()).await.unwrap();
            let let_go = async {
                while locked(&wire.kept).is_watched {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(PATIENCE, let_go).await.expect("they are let go");
            assert!(locked(&wire.kept).lines.is_empty() && locked(&wire.kept).abroad.is_none());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_in_use_is_not_idle() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
        let dc = DataCentre::start(config).await.unwrap();
        let wire = Arc::new(Wire::new(session(&dc, &dir).await, 1));
        wire.ask(Some(dc.dc_id), functions::help::GetConfig {}.to_bytes()).await.unwrap();
        // As a part that is under way holds it.
        let in_use = locked(&wire.kept).abroad.as_ref().map(|(pool, _)| pool.clone());
        assert!(!locked(&wire.kept).let_go(Duration::ZERO) && in_use.is_some());
        drop(in_use);
        assert!(locked(&wire.kept).let_go(Duration::ZERO));
    }
}
