//! The way to a data centre: by which address, through which proxy, at which time, in MTProto's packets.
//!
//! Invariant: nothing here knows what a request says.

mod clock;
mod connection;
mod dial;
mod packets;
mod plain;
mod proxy;

pub(crate) use clock::ServerClock;
pub(crate) use connection::{Connection, Pushed, Use};
pub(crate) use dial::dial;
pub(crate) use packets::{Fault, Packets};
pub(crate) use plain::Plain;
pub use proxy::{Proxy, ProxyError};
