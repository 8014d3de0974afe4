//! The ends of the channels that tie a script to its account's connection.

use tgl::{AccountState, Call, Completion, Request, RequestId};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::error::BrokerError;

/// A script's ends of its channels to the account. All of them are bounded by whoever made them.
#[derive(Debug)]
pub struct Attachment {
    /// Calls go out here, in their order.
    pub requests: mpsc::Sender<Request>,
    /// What came of them. Each request with an id other than 0 is completed once.
    pub completions: mpsc::Receiver<Arrived>,
    /// Lines for the script's log: how far a transfer is, for example.
    pub notes: mpsc::Receiver<String>,
    /// How the account stands.
    pub state: watch::Receiver<AccountState>,
}

/// A completion on its way to a script.
#[derive(Debug)]
pub struct Arrived {
    /// The completion.
    pub completion: Completion,
    /// The room that it takes among the script's lists, until it is dropped.
    pub room: Option<OwnedSemaphorePermit>,
}

impl Attachment {
    /// Hands a call over that is written down nowhere. With an id other than 0 its completion comes back.
    pub async fn send(&self, id: RequestId, call: Call) -> Result<(), BrokerError> {
        self.requests.send(stamped(id, call)?).await.map_err(|_| BrokerError::Closed)
    }
}

/// The call as the account takes it, with a random id of its own: by that the server knows a send that it has seen.
pub(crate) fn stamped(id: RequestId, call: Call) -> Result<Request, BrokerError> {
    let random = getrandom::u64().map_err(|error| BrokerError::NotNow(format!("no random numbers: {error}")))?;
    Ok(Request { id, random_id: random.cast_signed(), call })
}
