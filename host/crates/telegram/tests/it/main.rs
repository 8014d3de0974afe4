//! Accounts against the embedded data centre, over loopback.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod calls;
mod channels;
mod clocks;
mod duplicates;
mod exchange;
mod faults;
mod files;
mod histories;
mod login;
mod missed;
mod operator;
mod password;
mod proxy;
mod qr;
mod raw;
mod receiving;
mod scripts;
mod storms;
mod topics;
mod transfers;
mod twice;
mod ways;
mod world;
