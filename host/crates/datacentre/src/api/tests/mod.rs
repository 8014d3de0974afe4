//! What clients rely on, asked of [`Api::invoke`] itself, without a network.
//!
//! Invariant: every world has a data directory of its own, and every answer is parsed as a client would.

mod channels;
mod files;
mod groups;
mod limits;
mod login;
mod login_tokens;
mod media;
mod messages;
mod people;
mod secret_chats;
mod standing;
mod turn_arounds;
mod updates;
mod world;
