//! What a guest asks of its host, as the crate that runs scripts sees it.
//!
//! Invariant: nothing here may block. A guest stands still while it waits for an answer, and others have their turn.

use std::pin::Pin;

use serde::{Deserialize, Serialize};
use tgl::{Call, Message, MessageId, Peer, PeerId, RequestId};

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Where printed text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Output {
    Stdout,
    Stderr,
}

/// When the end that a guest asks for takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitMoment {
    /// Once the calls that are pending have completed.
    Drained,
    /// At once.
    Now,
}

/// What the host answers once it has it. Dropped where the guest is stopped meanwhile.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The host's side of one guest. Every method returns at once; a panic in one ends the guest, not the host.
pub trait GuestHost: Send {
    /// Takes a call and names it. `None` where so many calls wait for their completion that this one could not even be
    /// refused by one: the guest is then stopped with [`crate::Trap::TooManyCalls`].
    fn call(&mut self, call: Call) -> Answer<Option<RequestId>>;

    /// The peer as the account last saw it.
    fn peer(&mut self, id: PeerId) -> Answer<Option<Peer>>;

    /// The message as the host holds it.
    fn message(&mut self, id: MessageId) -> Answer<Option<Message>>;

    /// A line for the script's log.
    fn log(&mut self, level: LogLevel, text: &str);

    /// Text that the script prints, as it is.
    fn print(&mut self, to: Output, text: &str);

    /// Asks for one [`crate::Instance::on_timer`] no sooner than this many milliseconds from now, instead of any earlier
    /// request.
    fn set_timer(&mut self, after_ms: u64);

    /// Ends the script with this code.
    fn exit(&mut self, code: u8, moment: ExitMoment);
}
