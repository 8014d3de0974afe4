//! Scripts at work: a real guest, a real store, and the test in the account's place.

#![cfg(test)]

#[path = "../../../../../tests/guests/built.rs"]
mod built;

mod bounds;
mod crashes;
mod ends;
mod order;
mod sleep;
mod stage;
mod trials;

use broker::{Client, Server};
use tokio::task::JoinHandle;

/// The account's side is in this process, and ends with the script's.
fn meet(server: Server) -> (Client, JoinHandle<()>) {
    (Client::here(server), tokio::spawn(async {}))
}
