//! How a host at work is asked: HTTP with JSON, over a socket of its owner's or by TCP with a tenant's token. What is said
//! there ([`types`]), and the side that asks ([`Client`]); who answers is `commands/serve/api`.
//!
//! Invariant: what both sides say to each other is one set of types, and docs/openapi.json is made from them.

mod client;
pub(crate) mod types;

pub(crate) use client::{Body, Client, Place};

/// The version that is the first part of every path.
pub(crate) const VERSION: &str = "v1";
