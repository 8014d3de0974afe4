//! The schema of secret chats as Rust types, made at build time from `secret.tl`.
//!
//! Invariant: they go no further than this crate, and none of them can be printed.

#![allow(
    dead_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "a generator wrote it, for a crate of its own"
)]

pub(crate) use grammers_tl_types::{Cursor, Deserializable, Identifiable, Serializable};

/// Where the generator looks for what it reads with.
pub(crate) mod deserialize {
    pub(crate) use grammers_tl_types::deserialize::{Cursor, Error, Result};
    pub(crate) type Buffer<'a, 'b> = &'a mut Cursor<'b>;
}

pub(crate) mod types {
    include!(concat!(env!("OUT_DIR"), "/types.rs"));
}

pub(crate) mod enums {
    include!(concat!(env!("OUT_DIR"), "/enums.rs"));
}
