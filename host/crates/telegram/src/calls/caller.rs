//! How a call gets its answer: over connections that come and go, through flood waits and passing failures.
//!
//! Invariant: what is waited for is bounded, except for a connection when the call is kept in the outbox anyway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_tl_types as tl;
use tgl::{Call, CallError, Failure, Request};
use tl::Identifiable;
use tokio::time::Instant;

use crate::context::Context;
use crate::link::Trouble;
use crate::pool::{self, InvokeError};

/// How long a call that only asks waits for a connection.
pub(crate) const OFFLINE_WAIT: Duration = Duration::from_secs(60);

/// How long one call waits in all because the data centre says FLOOD_WAIT. A longer wait is told to the script.
pub(crate) const FLOOD_WAIT_MAX: Duration = Duration::from_secs(300);

/// How often a call is made again because its connection broke.
const LOST_TRIES_MAX: u32 = 8;

/// How often a call is made again because the data centre failed inside, and the first pause before that.
const FAILED_TRIES_MAX: u32 = 3;
const FAILED_PAUSE: Duration = Duration::from_millis(300);

/// One call on its way.
pub(crate) struct Caller {
    pub(crate) context: Arc<Context>,
    /// It stays in the outbox until it has ended, so it waits for a connection however long that takes.
    is_kept: bool,
    /// Making it twice does no harm.
    is_repeatable: bool,
    is_settled: AtomicBool,
}

impl Caller {
    pub(crate) fn new(context: Arc<Context>, request: &Request) -> Self {
        let is_repeatable = !matches!(request.call, Call::CreateChat { .. });
        if let Some(to) = super::lane(&request.call) {
            let to = context.current(to).unwrap_or(to);
            context.intake().announce(request.random_id, to);
        }
        Self { context, is_kept: request.call.survives_restart(), is_repeatable, is_settled: AtomicBool::new(false) }
    }

    /// The call has left the outbox already.
    pub(crate) fn settle(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
    }

    /// Whether the call is still in the outbox.
    pub(crate) fn is_in_outbox(&self) -> bool {
        self.is_kept && !self.is_settled.load(Ordering::Relaxed)
    }

    /// Asks the data centre. While there is a connection, the first poll hands the request over.
    pub(crate) async fn invoke<R: tl::RemoteCall + Identifiable>(&self, request: &R) -> Result<R::Return, CallError> {
        let body = request.to_bytes();
        let (mut lost, mut failed, mut flooded) = (0, 0, Duration::ZERO);
        loop {
            if let Some(until) = self.context.flood_wait(R::CONSTRUCTOR_ID) {
                flooded += until.saturating_duration_since(Instant::now());
                if flooded > FLOOD_WAIT_MAX {
                    return Err(CallError::new(Failure::Refused, format!("FLOOD_WAIT_{}", flooded.as_secs())));
                }
                tokio::time::sleep_until(until).await;
            }
            let (number, pool) = self.connection().await?;
            match pool.invoke_raw(body.clone()).await {
                Ok(answer) => return pool::read::<R>(&answer).map_err(|error| self.ended(number, error)),
                Err(error @ (InvokeError::Lost(_) | InvokeError::UnknownKey)) => {
                    self.context.link.report(number, trouble(error));
                    lost += 1;
                    if !self.is_repeatable || lost >= LOST_TRIES_MAX {
                        let why = "the connection broke before the answer came; it may have been done or not";
                        return Err(CallError::new(Failure::Unavailable, why));
                    }
                }
                Err(InvokeError::Rpc(error)) if error.code == 420 && error.value.is_some() => {
                    self.wait_for_flood::<R>(&error, &mut flooded).await?;
                }
                Err(InvokeError::Rpc(error)) if is_passing(&error) && failed < FAILED_TRIES_MAX => {
                    failed += 1;
                    tokio::time::sleep(FAILED_PAUSE * 2u32.pow(failed - 1)).await;
                }
                Err(error) => return Err(self.ended(number, error)),
            }
        }
    }

    async fn connection(&self) -> Result<(u64, Arc<pool::Pool>), CallError> {
        let ready = self.context.link.ready();
        let ready = if self.is_kept {
            ready.await
        } else {
            let offline =
                || CallError::new(Failure::Unavailable, format!("no connection for {} s", OFFLINE_WAIT.as_secs()));
            tokio::time::timeout(OFFLINE_WAIT, ready).await.map_err(|_| offline())?
        };
        ready.map_err(|reason| CallError::new(Failure::Unavailable, reason))
    }

    /// Waits as long as the data centre wants. Other calls of the same method wait as well: they would only be told
    /// the same.
    async fn wait_for_flood<R: Identifiable>(&self, error: &RpcError, flooded: &mut Duration) -> Result<(), CallError> {
        let wait = Duration::from_secs(error.value.unwrap_or_default().into());
        *flooded += wait;
        if *flooded > FLOOD_WAIT_MAX {
            return Err(refused(error));
        }
        tracing::info!(error = pool::error_name(error), "a call waits");
        let until = Instant::now() + wait;
        if error.name.starts_with("FLOOD_") {
            self.context.set_flood_wait(R::CONSTRUCTOR_ID, until);
        }
        tokio::time::sleep_until(until).await;
        Ok(())
    }

    /// What the script is told of an error that trying again does not help.
    fn ended(&self, number: u64, error: InvokeError) -> CallError {
        match error {
            InvokeError::Rpc(error) if pool::ends_login(&error) => {
                let reason = pool::revoked_text(&error);
                self.context.link.report(number, Trouble::Revoked(reason.clone()));
                CallError::new(Failure::Unavailable, reason)
            }
            InvokeError::Rpc(error) => refused(&error),
            InvokeError::Lost(reason) | InvokeError::Unreadable(reason) => CallError::new(Failure::Unavailable, reason),
            InvokeError::UnknownKey => CallError::new(Failure::Unavailable, pool::UNKNOWN_KEY_TEXT),
            InvokeError::TooLarge => CallError::new(Failure::Invalid, "it is too large to be sent"),
        }
    }
}

fn trouble(error: InvokeError) -> Trouble {
    match error {
        InvokeError::Lost(reason) => Trouble::Lost(reason),
        _ => Trouble::UnknownKey,
    }
}

fn refused(error: &RpcError) -> CallError {
    CallError::new(Failure::Refused, pool::error_name(error))
}

/// Whether the same call may succeed a moment later: <https://core.telegram.org/api/errors#500-internal>.
fn is_passing(error: &RpcError) -> bool {
    (error.code == 500 && error.name != "RANDOM_ID_DUPLICATE") || error.code == -503 || error.code == 503
}
