//! Two secret chats against each other, and one against anything.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and one measures")]

mod bounds;
mod hostile;
mod interleavings;
mod keys;
mod pair;
mod speed;
mod steps;
