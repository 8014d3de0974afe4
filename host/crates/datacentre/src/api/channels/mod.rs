//! `channels.*`: supergroups and broadcast channels, <https://core.telegram.org/api/channel>, cut by topic.
//!
//! Invariant: who may not see a channel learns no more of it than that it is there; who may not change it changes nothing.

pub(super) mod difference;
pub(super) mod info;
pub(super) mod manage;
pub(super) mod messages;
pub(super) mod migrate;
pub(super) mod moderate;
pub(super) mod participants;
pub(super) mod topics;
