//! The process in which scripts run, and what it and its host tell each other.
//!
//! Invariant: nothing of a guest's runs before the process is locked down, and from then on it reaches what it was handed and
//! nothing else: its scripts' folders, their ways to their account, and its host's socket. It has no key, no account and no
//! network, in memory or open files.

mod handover;
mod process;
mod protocol;
mod reports;

pub use handover::{DESCRIPTORS_MAX, hand_over, take_over};
pub use lockdown::Missing;
pub use process::work;
pub use protocol::{ORDER_BYTES_MAX, Order, REPORT_BYTES_MAX, Report, STATUSES_MAX, ScriptSetup, Setup};
