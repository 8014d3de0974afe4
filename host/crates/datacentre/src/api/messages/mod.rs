//! `messages.*`, cut by topic.
//!
//! Invariant: a caller reads and changes only what is in the caller's own box, or what follows from it for others.

pub(super) mod change;
pub(super) mod chats;
pub(super) mod dialogs;
pub(super) mod history;
pub(super) mod media;
pub(super) mod read;
pub(super) mod send;
