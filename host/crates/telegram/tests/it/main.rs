//! Accounts against the embedded data centre, over loopback.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod calls;
mod exchange;
mod faults;
mod files;
mod login;
mod password;
mod proxy;
mod receiving;
mod transfers;
mod world;
