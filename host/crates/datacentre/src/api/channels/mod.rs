//! `channels.*`: supergroups and broadcast channels, <https://core.telegram.org/api/channel>, cut by topic.
//!
//! Invariant: who may not see a channel learns no more of it than that it is there; who may not change it changes nothing.

pub(super) mod access;
pub(super) mod difference;
pub(super) mod info;
pub(super) mod manage;
pub(super) mod messages;
pub(super) mod migrate;
pub(super) mod moderate;
pub(super) mod participants;
pub(super) mod post;
pub(super) mod topics;
pub(super) mod view;

/// The most members of a channel.
pub(super) const CHANNEL_MEMBERS_MAX: i32 = 200_000;
/// The most channels one user is in: <https://core.telegram.org/api/config>.
pub(super) const CHANNELS_MAX: i32 = 500;
/// The most administrators of a channel, its creator not counted.
pub(super) const ADMINS_MAX: i32 = 50;
/// How many ids, users or channels one request may name.
const NAMED_MAX: usize = 100;
