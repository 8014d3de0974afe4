//! What a host and its worker tell each other, as plain data.
//!
//! Invariant: scripts are named by their places in the order in which they were set up, so a worker can name no other.

use std::borrow::Cow;
use std::time::Duration;

use broker::at_most;
use files::Parts;
use lockdown::Missing;
use runtime::{News, ScriptStatus, Wish};
use sandbox::{Limits, LogLevel, Output};
use serde::{Deserialize, Serialize};

/// Longest frame to a worker, in bytes: a script's text is the longest that it has.
pub const ORDER_BYTES_MAX: usize = 32 << 20;

/// Longest frame from a worker, in bytes: a printed text, or a callback's error, of the most that a guest may hand over.
pub const REPORT_BYTES_MAX: usize = 8 << 20;

/// Scripts of which is said at once how they stand.
pub const STATUSES_MAX: usize = 256;

/// What a worker is told before it begins, one by one, each with its descriptors ([`crate::hand_over`]).
#[derive(Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one is moved at a time")]
#[allow(missing_debug_implementations, reason = "there may be secrets in a script's environment")]
pub enum Setup<'a> {
    /// Machine code, by its descriptor.
    Program,
    /// A script. Its descriptors: the socket to its account, then those of its file space.
    Script(Cow<'a, ScriptSetup>),
    /// That was all: the worker locks itself down and begins.
    Begin {
        /// The host's process.
        host_id: u32,
        /// What of its own log it reports, as `tracing` filters are written.
        log_filter: String,
    },
}

/// What a worker has to know of a script: [`runtime::ScriptConfig`] as plain data.
#[derive(Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are runtime::ScriptConfig's")]
#[allow(missing_debug_implementations, reason = "there may be secrets in its environment")]
pub struct ScriptSetup {
    pub name: String,
    /// Which of the programs it is, by their order, the first one 0.
    pub program: usize,
    pub source: Option<(String, String)>,
    pub files: Parts,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub limits: Limits,
    pub restart_wait: Duration,
    pub link_previews: bool,
    pub sleep_after: Option<Duration>,
    pub is_successor: bool,
}

/// What a host asks of a worker at work. Scripts by their order, the first one 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Answer, by way of the threads that scripts run on.
    Ping,
    /// From now on the script is to do this.
    Wish {
        /// Which.
        script: usize,
        /// What. Nothing follows [`Wish::Stop`].
        wish: Wish,
    },
    /// Count what has been put into the script's private folder ([`files::Counter::take`]), and say whether it may stay.
    TakeRoom {
        /// Which.
        script: usize,
        /// Names the question; the answer has the same.
        number: u64,
        /// How much.
        bytes: u64,
    },
    /// Something in the script's private folder may have become smaller.
    MayBeLess {
        /// Which.
        script: usize,
    },
}

/// What a worker says. Scripts by their order, the first one 0.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are runtime::ScriptOutput's")]
pub enum Report<'a> {
    /// The answer to [`Order::Ping`].
    Pong,
    /// It cannot begin, or go on, for this reason. Nothing comes after this.
    Failed(String),
    /// What this kernel lacks of the lock-down.
    MissingWall(Missing),
    /// A line of the host's own log.
    HostLog(Cow<'a, str>),
    Print {
        script: usize,
        to: Output,
        text: Cow<'a, str>,
    },
    Log {
        script: usize,
        level: LogLevel,
        text: Cow<'a, str>,
    },
    /// So many bytes of what the script wrote were dropped.
    Dropped {
        script: usize,
        bytes: u64,
    },
    News {
        script: usize,
        news: News,
    },
    /// How these scripts stand now, [`STATUSES_MAX`] of them at most.
    Statuses(#[serde(deserialize_with = "at_most::<_, _, STATUSES_MAX>")] Vec<(usize, ScriptStatus)>),
    /// The answer to [`Order::TakeRoom`].
    Room {
        script: usize,
        number: u64,
        is_taken: bool,
    },
}
