//! Accounts against the embedded data centre, over loopback.

mod calls;
mod faults;
mod login;
mod proxy;
mod receiving;
mod world;
