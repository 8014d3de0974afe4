//! One actor per script: it brings the account's events to the guest, takes its calls to the account, brings their
//! completions back, and starts the guest anew after a trap.
//!
//! Invariant: an event counts as handled, and the calls made while handling it leave, only once both are written down
//! together; so a process killed at any moment neither loses an event nor makes a call twice.

mod actor;
mod allowance;
mod backoff;
mod delivery;
mod desk;
mod drain;
mod patience;
mod script;
mod share;
mod threads;
mod topics;
mod usage;

pub use allowance::Allowance;
pub use backoff::{Backoff, RESTART_WAIT};
pub use script::{End, Hold, News, Phase, Script, ScriptConfig, ScriptOutput, ScriptStatus, Wish};
pub use threads::{Threads, give_way};
pub use usage::{Durations, Usage};
