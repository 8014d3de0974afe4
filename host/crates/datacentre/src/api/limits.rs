//! Limits of what clients may ask for that several methods keep, or that clients are told: <https://core.telegram.org/api/config>.
//!
//! Invariant: what `help.getConfig` says is what the methods keep.

/// The most members of a basic group.
pub(super) const CHAT_MEMBERS_MAX: usize = 200;
/// The longest text, in UTF-16 units.
pub(super) const TEXT_MAX_UTF16: usize = 4096;
/// How long a message may be edited, in seconds.
pub(super) const EDIT_TIME_S: i32 = 48 * 3600;
/// How many messages one request may forward, delete or ask for.
pub(super) const FORWARDED_MAX: usize = 100;
/// The most members of a channel.
pub(super) const CHANNEL_MEMBERS_MAX: i32 = 200_000;
/// The most channels one user is in.
pub(super) const CHANNELS_MAX: i32 = 500;
/// The most administrators of a channel, its creator not counted.
pub(super) const ADMINS_MAX: i32 = 50;
/// How many ids, users or channels one request may name.
pub(super) const NAMED_MAX: usize = 100;
