//! The tests of `it`, with a socket between the script and its account.

#![cfg(test)]

#[path = "../../../../../tests/guests/built.rs"]
mod built;

#[path = "../it/bounds.rs"]
mod bounds;
#[path = "../it/crashes.rs"]
mod crashes;
#[path = "../it/ends.rs"]
mod ends;
#[path = "../it/order.rs"]
mod order;
#[path = "../it/sleep.rs"]
mod sleep;
#[path = "../it/stage.rs"]
mod stage;
#[path = "../it/trials.rs"]
mod trials;

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use broker::{Client, Server, Socket, serve};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The account's side is at the other end of a socket, and ends some time after the script's.
fn meet(mut server: Server) -> (Client, JoinHandle<()>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (ours, theirs) = (Socket::new(ours).unwrap(), Socket::new(theirs).unwrap());
    let serving = tokio::spawn(async move {
        serve(&mut server, ours, watch::channel(0).1).await.expect("a script's side says what it may")
    });
    (Client::there(theirs, Arc::default()), serving)
}
