//! One life of an account's connections: grammers' pool and the task that runs it.
//!
//! Invariant: whatever happens to the pool, a panic inside of grammers included, a call through it ends, with an error,
//! within [`CALL_TIMEOUT`].

use std::sync::Arc;
use std::time::Duration;

use grammers_client::sender::{InvocationError, RpcError, SenderPool, SenderPoolHandle};
use grammers_mtproto::mtp::DeserializeError;
use grammers_mtproto::transport;
use grammers_session::updates::UpdatesLike;
use grammers_tl_types as tl;
use tl::Deserializable;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::ask::Ask;
use crate::config::connection_params;
use crate::session::StoreSession;

/// How long a call may take, the making of a connection included.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long connections may take to close, and how often it is looked.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_POLL: Duration = Duration::from_millis(1);

/// The largest request, in bytes: grammers panics on larger ones than a transport's packet. A part of a file fits.
pub(crate) const REQUEST_BYTES_MAX: usize = 768 * 1024;

/// Why a call through a pool has no answer.
#[derive(Clone, Debug)]
pub(crate) enum InvokeError {
    /// The data centre says no.
    Rpc(RpcError),
    /// The connection failed, and with it the pool. The call may have been executed or not.
    Lost(String),
    /// The data centre seems not to know our key. It may be a passing thing; said again and again it is not.
    UnknownKey,
    /// The answer came and is not understood. Trying again does not help.
    Unreadable(String),
    /// The request is larger than a packet may be. Trying again does not help.
    TooLarge,
}

/// A pool at work. Dropping it ends its connections.
pub(crate) struct Pool {
    handle: SenderPoolHandle,
    session: Arc<StoreSession>,
    runner: AbortHandle,
}

impl Pool {
    /// Starts a pool. Connections are made by the first call. The other half gets what the data centre pushes.
    pub(crate) fn start(session: Arc<StoreSession>, api_id: i32) -> (Self, mpsc::Receiver<UpdatesLike>) {
        let pool = SenderPool::with_configuration(session.clone(), api_id, connection_params());
        let runner = tokio::spawn(pool.runner.run()).abort_handle();
        (Self { handle: pool.handle.thin, session, runner }, pool.updates)
    }

    /// Makes one call in the account's data centre.
    pub(crate) async fn invoke<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, InvokeError> {
        let answer = self.invoke_raw(request.to_bytes()).await?;
        read::<R>(&answer)
    }

    /// Makes one call that is serialised already. Its place in the order of calls is taken by the first poll.
    pub(crate) async fn invoke_raw(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.invoke_raw_in(self.session.home_dc(), request, CALL_TIMEOUT).await
    }

    /// The same in any data centre and with another time-out.
    pub(crate) async fn invoke_raw_in(
        &self,
        dc_id: i32,
        request: Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, InvokeError> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let call = self.handle.raw_invoke_in_dc(dc_id, request);
        match tokio::time::timeout(timeout, call).await {
            Ok(ended) => ended.map_err(|error| failure(&self.session, error)),
            Err(_) => Err(InvokeError::Lost(format!("no answer within {} s", timeout.as_secs()))),
        }
    }

    /// Ends the connections now: calls that are under way fail.
    pub(crate) fn close(&self) {
        self.runner.abort();
    }

    /// Ends the connections and waits until they are closed.
    pub(crate) async fn shut_down(&self) {
        self.handle.quit();
        let closed = async {
            while !self.runner.is_finished() {
                tokio::time::sleep(CLOSE_POLL).await;
            }
        };
        // A runner that is stuck is aborted by the drop.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
    }
}

impl Ask for Pool {
    async fn ask_raw(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.invoke_raw(request).await
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// What an error of grammers' means for the connection.
pub(crate) fn failure(session: &StoreSession, error: InvocationError) -> InvokeError {
    let address = session.home_address().map_or_else(|| "the data centre".to_owned(), |address| address.to_string());
    match error {
        InvocationError::Rpc(error) => InvokeError::Rpc(error),
        // Without a key of ours grammers begins an exchange of its own, which other data centres cannot answer.
        InvocationError::Authentication(_) if session.is_custom() => InvokeError::UnknownKey,
        // A packet too short for a message is a transport's error code; grammers does not tell which. Telegram's
        // own come in another form, so here it says what data centres say of a key: -404.
        InvocationError::Deserialize(DeserializeError::MessageBufferTooSmall) if session.is_custom() => {
            InvokeError::UnknownKey
        }
        InvocationError::Authentication(error) => InvokeError::Lost(format!("no key from {address}: {error}")),
        InvocationError::Io(error) => InvokeError::Lost(format!("no connection to {address}: {error}")),
        InvocationError::Transport(transport::Error::BadStatus { status: 429 }) => {
            InvokeError::Lost(format!("{address} has too many connections from here"))
        }
        InvocationError::Transport(_) | InvocationError::Deserialize(_) => {
            InvokeError::Lost(format!("{address} does not speak MTProto"))
        }
        InvocationError::Dropped(_) => InvokeError::Lost(format!("the connection to {address} was cut")),
        InvocationError::Session(error) => InvokeError::Lost(error.to_string()),
        InvocationError::InvalidDc => InvokeError::Lost("the account lives in an unknown data centre".to_owned()),
    }
}

/// Reads the answer to a call.
pub(crate) fn read<R: tl::RemoteCall>(answer: &[u8]) -> Result<R::Return, InvokeError> {
    R::Return::from_bytes(answer).map_err(|error| InvokeError::Unreadable(format!("the answer is unreadable: {error}")))
}

/// Telegram's own name of an error, from which grammers takes the number out.
pub(crate) fn error_name(error: &RpcError) -> String {
    match error.value {
        Some(value) if error.name.ends_with("_WAIT") || error.name.ends_with("_MIGRATE") => {
            format!("{}_{value}", error.name)
        }
        Some(value) if error.name == "FILE_PART_MISSING" => format!("FILE_PART_{value}_MISSING"),
        _ => error.name.clone(),
    }
}

/// How long the data centre wants to be left alone; never no time at all.
pub(crate) fn flood_wait(error: &RpcError) -> Duration {
    Duration::from_secs(error.value.unwrap_or(1).max(1).into())
}

/// Whether the error says that the authorisation is gone: <https://core.telegram.org/api/errors>.
pub(crate) fn ends_login(error: &RpcError) -> bool {
    match error.code {
        401 => error.name != "SESSION_PASSWORD_NEEDED",
        406 => error.name == "AUTH_KEY_DUPLICATED",
        _ => false,
    }
}

/// What is said of a key that the data centre does not know.
pub(crate) const UNKNOWN_KEY_TEXT: &str = "the data centre does not know this session; it may be another data centre than before, or its data was removed; log in again";

/// What is said when the data centre has ended the authorisation.
pub(crate) fn revoked_text(error: &RpcError) -> String {
    let why = match error.name.as_str() {
        "AUTH_KEY_DUPLICATED" => "the session was used from two places at once, and Telegram ended it",
        "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN" => "the user's account was deleted or banned",
        _ => "the session was ended: logged out here or from another device",
    };
    format!("{why} ({}); log in again", error.name)
}
