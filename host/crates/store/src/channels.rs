//! Channels: how far each one's updates have been taken, and the ids of their messages.
//!
//! Invariant: a message has the same id for as long as the account's file lives. In private chats and basic groups it is
//! the server's own, below 2^31. Channels each count from 1, so there it is the channel's number in this file, from 1
//! on, and the server's id in the lower 32 bits: no table of messages is needed to go either way, ids of one channel
//! grow as the server's do, and all stay below 2^53, where scripts that keep numbers as floats lose nothing.

use rusqlite::{Connection, OptionalExtension, Row};
use tgl::{MessageId, PeerId, PeerKind};

use crate::error::Fault;
use crate::{AccountStore, Batch, StoreError, messages};

/// Channels that an account can have met, ever.
pub const CHANNELS_MAX: i64 = (1 << 21) - 1;

/// Where in a message id the channel's number begins.
const NUMBER_SHIFT: u32 = 32;

/// How far a channel's updates have been taken: <https://core.telegram.org/api/updates#message-related-event-sequences>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// Position among the channel's messages; none where nobody takes them: not yet, or not any more.
    pub pts: Option<i32>,
    /// The newest message that scripts were told of, by the server's id; 0 before the first.
    pub top_id: i32,
}

/// A message as the server names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerMessage {
    /// Its conversation. Outside of channels it is known only while the store holds the message.
    pub chat: Option<PeerId>,
    /// The server's id.
    pub id: i32,
}

impl AccountStore {
    /// How far the channel's updates have been taken.
    pub fn channel_state(&self, channel_id: i64) -> Result<ChannelState, StoreError> {
        self.0.read(|db| state(db, channel_id))
    }

    /// How the server names the message; none where no message of this account can have that id.
    pub fn server_message(&self, id: MessageId) -> Result<Option<ServerMessage>, StoreError> {
        self.0.read(|db| {
            let (number, server_id) = (id >> NUMBER_SHIFT, id & ((1 << NUMBER_SHIFT) - 1));
            let Some(server_id) = i32::try_from(server_id).ok().filter(|server_id| *server_id > 0) else {
                return Ok(None);
            };
            if number == 0 {
                return Ok(Some(ServerMessage { chat: messages::chat(db, id)?, id: server_id }));
            }
            let channel_id: Option<i64> = db
                .prepare_cached("SELECT id FROM channel WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            Ok(channel_id.map(|id| ServerMessage { chat: Some(PeerId::channel(id)), id: server_id }))
        })
    }

    /// The id of a message that the server names so; none for one of a channel that was never met.
    pub fn message_id(&self, chat: PeerId, server_id: i32) -> Result<Option<MessageId>, StoreError> {
        self.0.read(|db| match chat.kind {
            PeerKind::Channel => Ok(number(db, chat.id)?.map(|number| id_in_channel(number, server_id))),
            _ => Ok(Some(server_id.into())),
        })
    }
}

impl Batch<'_> {
    /// The id of a message that the server names so, a channel met for the first time included.
    pub fn message_id(&self, chat: PeerId, server_id: i32) -> Result<MessageId, StoreError> {
        match chat.kind {
            PeerKind::Channel => Ok(id_in_channel(self.run(|db| number_or_next(db, chat.id))?, server_id)),
            _ => Ok(server_id.into()),
        }
    }

    /// How far the channel's updates have been taken.
    pub fn channel_state(&self, channel_id: i64) -> Result<ChannelState, StoreError> {
        self.run(|db| state(db, channel_id))
    }

    /// Says how far the channel's updates have been taken, this batch included; none: they are taken no more.
    pub fn set_channel_pts(&mut self, channel_id: i64, pts: Option<i32>) -> Result<(), StoreError> {
        self.run(|db| {
            let number = number_or_next(db, channel_id)?;
            db.prepare_cached("UPDATE channel SET pts = ?2 WHERE number = ?1")?.execute((number, pts))?;
            Ok(())
        })
    }

    /// Notes that scripts were told of this message of the channel.
    pub fn note_channel_top(&mut self, channel_id: i64, server_id: i32) -> Result<(), StoreError> {
        self.run(|db| {
            db.prepare_cached("UPDATE channel SET top_id = ?2 WHERE id = ?1 AND top_id < ?2")?
                .execute((channel_id, server_id))?;
            Ok(())
        })
    }
}

/// The server's ids begin at 1; anything below names no message, of this channel either.
fn id_in_channel(number: i64, server_id: i32) -> MessageId {
    (number << NUMBER_SHIFT) | i64::from(server_id.max(0))
}

fn state(db: &Connection, channel_id: i64) -> Result<ChannelState, Fault> {
    let row = |row: &Row<'_>| Ok(ChannelState { pts: row.get(0)?, top_id: row.get(1)? });
    let found = db.prepare_cached("SELECT pts, top_id FROM channel WHERE id = ?1")?.query_row([channel_id], row);
    Ok(found.optional()?.unwrap_or(ChannelState { pts: None, top_id: 0 }))
}

fn number(db: &Connection, channel_id: i64) -> Result<Option<i64>, Fault> {
    let found =
        db.prepare_cached("SELECT number FROM channel WHERE id = ?1")?.query_row([channel_id], |row| row.get(0));
    Ok(found.optional()?)
}

fn number_or_next(db: &Connection, channel_id: i64) -> Result<i64, Fault> {
    if let Some(number) = number(db, channel_id)? {
        return Ok(number);
    }
    let next: i64 =
        db.prepare_cached("SELECT 1 + COALESCE(MAX(number), 0) FROM channel")?.query_row([], |row| row.get(0))?;
    if next > CHANNELS_MAX {
        return Err(Fault::Refused(format!("the account has met more than {CHANNELS_MAX} channels")));
    }
    db.prepare_cached("INSERT INTO channel (number, id) VALUES (?1, ?2)")?.execute((next, channel_id))?;
    Ok(next)
}
