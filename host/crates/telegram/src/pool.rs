//! The connection of an account, and what its errors mean.
//!
//! Invariant: whatever happens inside of it, a panic of grammers' included, a call through it ends, with an error, within
//! [`CALL_TIMEOUT`].

use std::sync::Arc;
use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_tl_types as tl;
use tl::Deserializable;
use tokio::sync::mpsc;

use crate::ask::Ask;
use crate::net::{Connection, Pushed, Use};
use crate::session::StoreSession;

/// How long a call may take, the making of a connection included.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may take to close, and how often it is looked.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_POLL: Duration = Duration::from_millis(1);

/// The largest request, in bytes: grammers panics on larger ones than a transport's packet. A part of a file fits.
pub(crate) const REQUEST_BYTES_MAX: usize = 768 * 1024;

/// Updates that may wait between the network and the actor. What is pushed beyond that is a gap, and is fetched.
const UPDATES_QUEUE_MAX: usize = 4_096;

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

/// A connection to the account's data centre. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Pool(Connection);

impl Pool {
    /// Begins to connect. The other half gets what the data centre pushes.
    pub(crate) fn start(session: Arc<StoreSession>, api_id: i32) -> (Self, mpsc::Receiver<Pushed>) {
        let (pushed, updates) = mpsc::channel(UPDATES_QUEUE_MAX);
        let home_dc = session.home_dc();
        (Self(Connection::start(session, home_dc, api_id, Use::Calls(pushed))), updates)
    }

    /// Makes one call.
    pub(crate) async fn invoke<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, InvokeError> {
        let answer = self.invoke_raw(request.to_bytes()).await?;
        read::<R>(&answer)
    }

    /// Makes one call that is serialised already. Its place in the order of calls is taken by the first poll.
    pub(crate) async fn invoke_raw(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let answer = tokio::time::timeout(CALL_TIMEOUT, self.0.invoke(request)).await;
        answer.unwrap_or_else(|_| Err(InvokeError::Lost(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))))
    }

    /// Why it has ended.
    pub(crate) fn end(&self) -> InvokeError {
        self.0.end()
    }

    /// Ends it now: calls that are under way fail.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// Ends it and waits until it is closed.
    pub(crate) async fn shut_down(&self) {
        self.close();
        let closed = async {
            while !self.0.is_closed() {
                tokio::time::sleep(CLOSE_POLL).await;
            }
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
    }
}

impl Ask for Pool {
    async fn ask_raw(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.invoke_raw(request).await
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

/// Whether the same call may succeed a moment later: <https://core.telegram.org/api/errors#500-internal>.
pub(crate) fn is_passing(error: &RpcError) -> bool {
    (error.code == 500 && error.name != "RANDOM_ID_DUPLICATE") || error.code == -503 || error.code == 503
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
