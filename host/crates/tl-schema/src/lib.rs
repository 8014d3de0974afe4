//! Telegram's schema as data: what a constructor or method of the layer that this project speaks consists of, and what other
//! layers say otherwise, so that bytes of one can be made those of another.
//!
//! Invariant: it is the schema that grammers' types are made of, of the version which the lock file pins.

pub mod layers;
mod schema;

pub use schema::{Definition, Field, Kind, bare, constructor, constructor_by_id, method, methods};
