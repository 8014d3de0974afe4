//! One connection at work, and what it brings: updates, and the ends of the actor's own calls.
//!
//! Invariant: a connection that has died without a word is noticed within [`PING_AFTER`] and [`PONG_TIMEOUT`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

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

/// A connection.
pub(crate) struct Live {
    pub(crate) number: u64,
    pub(crate) pool: Arc<Pool>,
    pub(crate) updates: mpsc::Receiver<Pushed>,
    pub(crate) catching_up: Option<BoxFuture<Result<(), InvokeError>>>,
    pub(crate) catching_up_channels: Option<BoxFuture<Result<(), InvokeError>>>,
    pub(crate) presence: Option<BoxFuture<Result<(), InvokeError>>>,
    pub(crate) ping: Option<BoxFuture<Result<(), InvokeError>>>,
    pub(crate) ping_at: Instant,
    pub(crate) online_since: Option<Instant>,
}

/// What a connection brings.
pub(crate) enum Happened {
    Pushed(Vec<Pushed>),
    CaughtUp(Result<(), InvokeError>),
    ChannelsCaughtUp(Result<(), InvokeError>),
    SaidOnline(Result<(), InvokeError>),
    Ping(Result<(), InvokeError>),
}

/// Waits for the next thing that happens on the connection; for ever without one.
pub(crate) async fn next_of(live: &mut Option<Live>) -> Happened {
    let Some(live) = live else { return std::future::pending().await };
    let happened = {
        let mut pushed = Vec::new();
        tokio::select! {
            count = live.updates.recv_many(&mut pushed, UPDATES_AT_ONCE_MAX) => match count {
                0 => Happened::Ping(Err(live.pool.end())),
                _ => Happened::Pushed(pushed),
            },
            ended = ended(&mut live.catching_up) => Happened::CaughtUp(ended),
            ended = ended(&mut live.catching_up_channels) => Happened::ChannelsCaughtUp(ended),
            ended = ended(&mut live.presence) => Happened::SaidOnline(ended),
            ended = ended(&mut live.ping) => Happened::Ping(ended),
        }
    };
    live.ping_at = Instant::now() + PING_AFTER;
    match happened {
        Happened::CaughtUp(_) => live.catching_up = None,
        Happened::ChannelsCaughtUp(_) => live.catching_up_channels = None,
        Happened::SaidOnline(_) => live.presence = None,
        Happened::Ping(_) => live.ping = None,
        Happened::Pushed(_) => {}
    }
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

async fn ended<T>(future: &mut Option<BoxFuture<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
