//! A small MTProto client, written by hand for the tests, so that what they check is the wire and not the server's own
//! code read backwards.
//!
//! Invariant: it waits for nothing longer than [`PATIENCE`].

#![allow(dead_code, unused_imports, reason = "each test program uses its own part of it")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "all of it is test code")]

pub mod crypto;
pub mod exchange;
pub mod session;
pub mod wire;

use std::time::Duration;

pub use exchange::Padding;
pub use session::{Client, Message};
pub use wire::{Framing, Transport, Wire};

/// How long any one answer may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
