//! The connection of an account.
//!
//! Invariant: whatever happens inside of it, a panic of grammers' included, a call through it ends, with an error, within
//! [`CALL_TIMEOUT`].

use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types as tl;
use tokio::sync::mpsc;

use crate::ask::Ask;
use crate::net::{Connection, Pushed, Use};
use crate::rpc_error::{InvokeError, read};
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
