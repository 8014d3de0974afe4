//! How a call gets its answer: over connections that come and go, through flood waits and passing failures.
//!
//! Invariant: what is waited for is bounded, except for a connection, and for room at the data centre, when the call is kept in
//! the outbox anyway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_tl_types as tl;
use tgl::{Again, Call, Failure, MessageId, PeerId, Request};
use tl::Identifiable;
use tokio::time::Instant;

use crate::ask::FLOOD_WAIT_MAX;
use crate::backoff::backoff;
use crate::context::Context;
use crate::fault::Fault;
use crate::floods::Stream;
use crate::link::Trouble;
use crate::pool;
use crate::rpc_error::{self, InvokeError};
use crate::transfers::Seat;

/// How long a call that only asks waits for a connection.
pub(crate) const OFFLINE_WAIT: Duration = Duration::from_secs(60);

/// How often a call is made again because its connection broke.
const LOST_TRIES_MAX: u32 = 8;

/// How often a call is made again because the data centre failed inside, and the first pause before that.
const FAILED_TRIES_MAX: u32 = 3;
const FAILED_PAUSE: Duration = Duration::from_millis(300);

/// The pause before a call is made again that the data centre has no room for.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(1);
/// What is said meanwhile.
const NO_ROOM: &str = "the data centre has no room for what they bring";

/// Which connection a request takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// The account's own, in order.
    Calls,
    /// That of the parts of files, to the account's data centre or to another.
    Files { dc_id: Option<i32> },
}

/// Makes the request's bytes anew for each try. It may block.
pub(crate) type MakeBody = Arc<dyn Fn() -> Result<Vec<u8>, Fault> + Send + Sync>;

/// A request, serialised.
pub(crate) enum Body {
    Whole(Vec<u8>),
    Made(MakeBody),
}

impl Body {
    async fn take(&self, context: &Context) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Whole(bytes) => Ok(bytes.clone()),
            Self::Made(make) => {
                let _disk = context.transfers.disk().await;
                blocking(make.clone(), |make| make()).await
            }
        }
    }
}

/// Does what may block on a thread where it may.
pub(crate) async fn blocking<A: Send + 'static, T: Send + 'static>(
    with: A,
    what: impl FnOnce(A) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(move || what(with)).await;
    done.unwrap_or_else(|_| Err(Fault::new(Failure::Unavailable, "the host failed inside")))
}

/// One call on its way.
pub(crate) struct Caller {
    pub(crate) context: Arc<Context>,
    pub(crate) seat: Arc<Seat>,
    pub(crate) random_id: i64,
    /// What the call is about: those about the same wait together.
    conversation: Option<PeerId>,
    /// The message that began the topic in which the call stays.
    pub(crate) topic: Option<MessageId>,
    /// It stays in the outbox until it has ended, so it waits for a connection however long that takes.
    is_kept: bool,
    /// Making it twice does no harm.
    is_repeatable: bool,
    /// It was made again, not knowing whether it had been executed.
    is_repeated: AtomicBool,
    is_settled: AtomicBool,
}

impl Caller {
    pub(crate) fn new(context: Arc<Context>, seat: Arc<Seat>, request: &Request) -> Self {
        Self {
            context,
            seat,
            random_id: request.random_id,
            conversation: request.call.conversation().peer(),
            topic: match &request.call {
                Call::InTopic { topic, .. } => Some(*topic),
                _ => None,
            },
            is_kept: request.call.survives_restart(),
            is_repeatable: request.call.again() != Again::Never,
            is_repeated: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
        }
    }

    /// The call has left the outbox already, unless the disk took nothing.
    pub(crate) fn settle(&self) {
        let is_gone = matches!(self.context.store.is_in_outbox(self.random_id), Ok(false));
        self.is_settled.store(is_gone, Ordering::Relaxed);
    }

    /// Whether it may have been executed before the answer that it has got now.
    pub(crate) fn is_repeated(&self) -> bool {
        self.is_repeated.load(Ordering::Relaxed)
    }

    /// Whether the call is still in the outbox.
    pub(crate) fn is_in_outbox(&self) -> bool {
        self.is_kept && !self.is_settled.load(Ordering::Relaxed)
    }

    /// The same for one of several messages that the call sends: it stays in the outbox until the last.
    pub(crate) fn for_part(&self) -> Self {
        Self {
            context: self.context.clone(),
            seat: self.seat.clone(),
            is_repeated: AtomicBool::new(false),
            is_settled: AtomicBool::new(true),
            ..*self
        }
    }

    /// Asks the data centre. While there is a connection, the first poll hands the request over.
    pub(crate) async fn invoke<R: tl::RemoteCall + Identifiable>(&self, request: &R) -> Result<R::Return, Fault> {
        let (number, answer) = self.exchange(R::CONSTRUCTOR_ID, Way::Calls, &Body::Whole(request.to_bytes())).await?;
        self.read::<R>(number, &answer)
    }

    /// Asks the data centre for what is serialised already. Gives the number of the connection and the answer.
    pub(crate) async fn exchange(&self, method: u32, way: Way, body: &Body) -> Result<(u64, Vec<u8>), Fault> {
        let (mut lost, mut failed, mut flooded) = (0, 0, Duration::ZERO);
        let mut is_held = false;
        loop {
            if let Some(until) = self.context.floods.until(&self.stream(method)) {
                flooded += until.saturating_duration_since(Instant::now());
                if flooded > FLOOD_WAIT_MAX {
                    let seconds = u32::try_from(flooded.as_secs()).ok();
                    let name = "FLOOD_WAIT".to_owned();
                    return Err(Fault::Rpc(RpcError { code: 420, name, value: seconds, caused_by: None }));
                }
                tokio::time::sleep_until(until).await;
            }
            let (number, pool) = self.connection().await?;
            let connections = &self.context.transfers.connections;
            let answer = match way {
                Way::Calls => pool.invoke_raw(body.take(&self.context).await?).await,
                Way::Files { dc_id } => {
                    let _permit = connections.permit().await;
                    connections.ask(dc_id, body.take(&self.context).await?).await
                }
            };
            let was_held = std::mem::replace(&mut is_held, self.waits_for_room(&answer));
            if was_held && !is_held {
                self.context.intake().hold_calls(None);
            }
            match answer {
                Ok(answer) => return Ok((number, answer)),
                Err(error @ (InvokeError::Lost(_) | InvokeError::UnknownKey)) => {
                    lost += 1;
                    self.is_repeated.store(true, Ordering::Relaxed);
                    match way {
                        Way::Calls => self.context.link.report(number, trouble(error)),
                        Way::Files { .. } => tokio::time::sleep(FAILED_PAUSE * lost).await,
                    }
                    if !self.is_repeatable || lost >= LOST_TRIES_MAX {
                        let why = "the connection broke before the answer came; it may have been done or not";
                        return Err(Fault::new(Failure::Unavailable, why));
                    }
                }
                Err(InvokeError::Rpc(error)) if error.code == 420 && error.value.is_some() => {
                    self.wait_for_flood(method, error, &mut flooded).await?;
                }
                Err(_) if is_held => {
                    self.context.intake().hold_calls(Some(NO_ROOM.to_owned()));
                    tokio::time::sleep(NO_ROOM_PAUSE).await;
                }
                Err(InvokeError::Rpc(error)) if rpc_error::is_passing(&error) && failed < FAILED_TRIES_MAX => {
                    failed += 1;
                    tokio::time::sleep(backoff(FAILED_PAUSE, failed)).await;
                }
                // Elsewhere nobody knows us yet; that says nothing of our own data centre.
                Err(InvokeError::Rpc(error)) if matches!(way, Way::Files { dc_id: Some(_) }) => {
                    return Err(Fault::Rpc(error));
                }
                Err(error) => return Err(self.ended(number, error)),
            }
        }
    }

    /// Reads an answer of [`Self::exchange`].
    pub(crate) fn read<R: tl::RemoteCall>(&self, number: u64, answer: &[u8]) -> Result<R::Return, Fault> {
        rpc_error::read::<R>(answer).map_err(|error| self.ended(number, error))
    }

    async fn connection(&self) -> Result<(u64, Arc<pool::Pool>), Fault> {
        let ready = self.context.link.ready();
        let ready = if self.is_kept {
            ready.await
        } else {
            let offline =
                || Fault::new(Failure::Unavailable, format!("no connection for {} s", OFFLINE_WAIT.as_secs()));
            tokio::time::timeout(OFFLINE_WAIT, ready).await.map_err(|_| offline())?
        };
        ready.map_err(|reason| Fault::new(Failure::Unavailable, reason))
    }

    /// Whether the data centre has no room for a call that waits for it.
    fn waits_for_room(&self, answer: &Result<Vec<u8>, InvokeError>) -> bool {
        self.is_kept && matches!(answer, Err(InvokeError::Rpc(error)) if rpc_error::is_no_room(error))
    }

    /// The calls that wait with this one.
    fn stream(&self, method: u32) -> Stream {
        Stream { script: self.seat.script.clone(), method, conversation: self.conversation }
    }

    /// Waits as long as the data centre wants, and with it its [`Stream`].
    async fn wait_for_flood(&self, method: u32, error: RpcError, flooded: &mut Duration) -> Result<(), Fault> {
        let wait = rpc_error::flood_wait(&error);
        *flooded += wait;
        if *flooded > FLOOD_WAIT_MAX {
            return Err(Fault::Rpc(error));
        }
        tracing::info!(error = rpc_error::name(&error), "a call waits");
        self.context.intake().count_flood_wait();
        let until = Instant::now() + wait;
        if error.name.starts_with("FLOOD_") {
            self.context.floods.set(self.stream(method), until);
        }
        tokio::time::sleep_until(until).await;
        Ok(())
    }

    /// The fault behind an error that trying again does not help.
    fn ended(&self, number: u64, error: InvokeError) -> Fault {
        match error {
            InvokeError::Rpc(error) if rpc_error::ends_login(&error) => {
                let reason = rpc_error::revoked_text(&error);
                self.context.link.report(number, Trouble::Revoked(reason.clone()));
                Fault::new(Failure::Unavailable, reason)
            }
            InvokeError::Rpc(error) => Fault::Rpc(error),
            InvokeError::Lost(reason) | InvokeError::Unreadable(reason) => Fault::new(Failure::Unavailable, reason),
            InvokeError::UnknownKey => Fault::new(Failure::Unavailable, rpc_error::UNKNOWN_KEY_TEXT),
            InvokeError::TooLarge => Fault::invalid("it is too large to be sent"),
        }
    }
}

fn trouble(error: InvokeError) -> Trouble {
    match error {
        InvokeError::Lost(reason) => Trouble::Lost(reason),
        _ => Trouble::UnknownKey,
    }
}
