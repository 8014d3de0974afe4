//! Telegram's secret chats, end to end (<https://core.telegram.org/api/end-to-end>), as a pure state machine: bytes and events
//! in; events, effects and rows out. No network, no store, no clock and no randomness of its own.
//!
//! Invariant: whatever comes in, a chat goes on as it should, or is closed with a reason; nothing panics, and a step is either
//! made whole or not at all.
//!
//! What an account does with it:
//!
//! * Each step takes [`Outside`]: the time, and random bytes. After it the account writes [`SecretChat::changes`] in the same
//!   transaction as what the step's [`Event`]s lead to, and only then has the effects done. Where that transaction fails, the
//!   chat is read again from what was kept ([`SecretChat::load`]).
//! * [`SecretChat::effects`] lists what is still to be done at the data centre, in order, one after the other. It comes from the
//!   state alone: after an end at any moment the list is the same, under the same random ids. An effect stays in it until
//!   [`SecretChat::confirmed`] or [`SecretChat::refused`] says what came of it.
//! * A chat begins with [`SecretChat::request`], or for another's request with [`SecretChat::requested`] and
//!   [`SecretChat::accept`]; [`SecretChat::established`] and [`SecretChat::discarded`] are the data centre's word on it.
//! * An encrypted message goes to [`SecretChat::receive`]. Whatever comes of it, its qts is done with: what was refused would be
//!   refused again.
//! * [`SecretChat::send`] is asked once for each of a script's sends, and may be asked again under the same random id.
//! * At [`SecretChat::deadline`] it wants to be told the time: [`SecretChat::on_time`].
//!
//! The data centre may give a message away twice or late, and repeat nothing: the sequence numbers inside see to it.

mod chat;
mod content;
mod envelope;
mod exchange;
mod file;
#[doc(hidden)]
pub mod foreign;
mod ige;
mod key;
mod outside;
mod saved;
mod schema;
mod secret;
mod talk;
mod wire;

pub use chat::{
    CloseReason, Effect, EffectId, Event, Ignored, Incoming, Outgoing, Refused, SecretChat, SendKind, Status,
};
pub use content::{Action, Attribute, EncryptedFile, Entity, EntityKind, File, InputFile, Media, Message, Thumb};
pub use file::{FileDecryptor, FileEncryptor, FileKey, NotBlocks, encrypted_bytes};
pub use key::{KeyPicture, PICTURE_CELLS, PICTURE_COLORS};
pub use outside::Outside;
pub use saved::{Row, Unreadable};

/// The layer that chats begin with: the first with MTProto 2.0.
pub const LAYER_MIN: i32 = 73;
/// The layer that is announced.
pub const LAYER_MAX: i32 = 144;

/// A packet of the other side's may have so many bytes.
pub const PACKET_BYTES_MAX: usize = 64 << 10;
/// A message of ours may have so many before it is encrypted.
pub const MESSAGE_BYTES_MAX: usize = 32 << 10;
/// So many messages may wait for one that is missing, and so many be asked for at once. What is further ahead is not kept, but
/// asked for in its turn.
pub const HELD_MAX: u32 = 1_000;
/// So many bytes of them.
pub const HELD_BYTES_MAX: usize = 4 << 20;
/// So many sent messages are kept for the other side to ask for again. With more the oldest are forgotten, and a chat in which
/// one of these is asked for is closed.
pub const KEPT_MAX: usize = 10_000;
/// So many bytes of them.
pub const KEPT_BYTES_MAX: usize = 16 << 20;
/// So many messages may wait to be confirmed by the data centre before no more are taken.
pub const PENDING_MAX: usize = 1_000;
/// After so many messages under one key the next is agreed on.
pub const KEY_MESSAGES_MAX: u32 = 100;
/// After so many seconds too, if anything was encrypted with it.
pub const KEY_AGE_S_MAX: i64 = 7 * 24 * 60 * 60;
/// Messages that are missing are asked for again after so many seconds, then after twice as many, and so on.
pub const RESEND_WAIT_S: i64 = 60;
/// Up to so many.
pub const RESEND_WAIT_S_MAX: i64 = 24 * 60 * 60;
/// A number in a sequence is less than this, so that it can be written.
pub const SEQUENCE_MAX: u32 = 1 << 30;

#[cfg(test)]
mod tests;
