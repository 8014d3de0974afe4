//! Where a script meets its account. [`Client`] is all that a script's side knows of the account; [`Server`] is the
//! account's side of one script; [`Ledger`] is what an account keeps for its scripts. The two sides are in one process, or
//! speak by a socket.
//!
//! Invariant: who asks is never said by who asks. A server knows its script from the start and stamps what it takes, so
//! nothing that comes from a script's side can make it another.

mod attachment;
mod brake;
mod calls;
mod client;
mod error;
mod event;
#[doc(hidden)]
pub mod foreign;
mod ledger;
mod loops;
mod messages;
mod remote;
mod serve;
mod server;
mod socket;
mod wire;

#[cfg(test)]
mod tests;

pub use attachment::{Arrived, Attachment};
pub use brake::SendRates;
pub use client::{Client, Lookups};
pub use error::BrokerError;
pub use event::SharedEvent;
pub use ledger::{AWAY_EVENTS_MAX, BoxFuture, INBOX_BYTES_MAX, INBOX_EVENTS_MAX, Ledger, Load, OutboxPlace, size};
pub use messages::{Backlog, Events, Given, Joined, NewCall, ScriptId};
pub use serve::{EVENTS_AT_ONCE_MAX, serve};
pub use server::{Rules, Server};
pub use socket::Socket;
pub use wire::{Frames, WireError, at_most, frame};
