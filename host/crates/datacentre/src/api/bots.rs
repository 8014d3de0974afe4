//! `bots.*`.
