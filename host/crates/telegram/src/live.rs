//! One connection at work, and what it brings: updates, and the ends of the actor's own jobs.
//!
//! Invariant: a connection that has died without a word is noticed within [`PING_AFTER`] and [`PONG_TIMEOUT`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use grammers_tl_types::functions;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::net::Pushed;
use crate::pool::Pool;
use crate::random::random;
use crate::rpc_error::InvokeError;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// After how long a silence the data centre is asked whether it is still there, and how long it may take to answer.
pub(crate) const PING_AFTER: Duration = Duration::from_secs(8);
const PONG_TIMEOUT: Duration = Duration::from_secs(7);

/// Updates taken in at one go before calls have their turn.
const UPDATES_AT_ONCE_MAX: usize = 64;

/// What the actor does over a connection on its own behalf, each at most once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    CatchUp,
    CatchUpChannels,
    SayOnline,
    Ping,
}

/// A connection.
pub(crate) struct Live {
    pub(crate) number: u64,
    pub(crate) pool: Arc<Pool>,
    pub(crate) updates: mpsc::Receiver<Pushed>,
    pub(crate) ping_at: Instant,
    pub(crate) online_since: Option<Instant>,
    jobs: FuturesUnordered<BoxFuture<(Job, Result<(), InvokeError>)>>,
    under_way: Vec<Job>,
}

/// What a connection brings.
pub(crate) enum Happened {
    Pushed(Vec<Pushed>),
    Ended(Job, Result<(), InvokeError>),
    /// The connection has ended.
    Closed(InvokeError),
}

impl Live {
    pub(crate) fn new(number: u64, pool: Pool, updates: mpsc::Receiver<Pushed>) -> Self {
        Self {
            number,
            pool: Arc::new(pool),
            updates,
            ping_at: Instant::now() + PING_AFTER,
            online_since: None,
            jobs: FuturesUnordered::new(),
            under_way: Vec::new(),
        }
    }

    pub(crate) fn is_at(&self, job: Job) -> bool {
        self.under_way.contains(&job)
    }

    /// Begins a job that is not under way.
    pub(crate) fn begin(&mut self, job: Job, work: impl Future<Output = Result<(), InvokeError>> + Send + 'static) {
        self.under_way.push(job);
        self.jobs.push(Box::pin(async move { (job, work.await) }));
    }
}

/// Waits for the next thing that happens on the connection; for ever without one.
pub(crate) async fn next_of(live: &mut Option<Live>) -> Happened {
    let Some(live) = live else { return std::future::pending().await };
    let mut pushed = Vec::new();
    let happened = tokio::select! {
        count = live.updates.recv_many(&mut pushed, UPDATES_AT_ONCE_MAX) => match count {
            0 => Happened::Closed(live.pool.end()),
            _ => Happened::Pushed(pushed),
        },
        Some((job, result)) = live.jobs.next() => {
            live.under_way.retain(|under_way| *under_way != job);
            Happened::Ended(job, result)
        }
    };
    live.ping_at = Instant::now() + PING_AFTER;
    happened
}

/// Asks whether the data centre is there. A connection can be dead without anybody saying so.
pub(crate) async fn ping(pool: Arc<Pool>) -> Result<(), InvokeError> {
    let request = functions::Ping { ping_id: i64::from_le_bytes(random()) };
    match tokio::time::timeout(PONG_TIMEOUT, pool.invoke(&request)).await {
        Ok(answer) => answer.map(|_| ()),
        Err(_) => Err(InvokeError::Lost(format!("the data centre is silent for {} s", PONG_TIMEOUT.as_secs()))),
    }
}

/// account.updateStatus: <https://core.telegram.org/method/account.updateStatus>.
pub(crate) async fn say_online(pool: Arc<Pool>) -> Result<(), InvokeError> {
    pool.invoke(&functions::account::UpdateStatus { offline: false }).await.map(|_| ())
}
