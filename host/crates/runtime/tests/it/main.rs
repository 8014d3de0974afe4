//! Scripts at work: a real guest, a real store, and the test in the account's place.

#![cfg(test)]

#[path = "../../../../../tests/guests/built.rs"]
mod built;

mod bounds;
mod crashes;
mod ends;
mod order;
mod stage;
