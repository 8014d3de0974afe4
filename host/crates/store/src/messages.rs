//! Messages for look-ups: the newest [`crate::MESSAGES_MAX`] that the account has seen. Deleted ones stay until their
//! turn comes, so that they can be restored, but no look-up gives them.

use rusqlite::{Connection, OptionalExtension, Row};
use tgl::{Message, MessageId, PeerId, PeerKind};

use crate::error::Fault;
use crate::peers::kind_number;
use crate::{AccountStore, Batch, ScriptStore, State, StoreError};

/// Restored messages that are given at once; older ones stay hidden.
pub const RESTORED_MAX: usize = 1_000;

/// How a message stands: column `standing`.
const DELETED: i64 = 1;
/// Deleted at the server, and brought back here.
const RESTORED: i64 = 2;

impl AccountStore {
    /// The message, if the store still holds it.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.0.read(|db| find(db, id))
    }

    /// Whether the message is one that only this store has any more.
    pub fn is_restored(&self, id: MessageId) -> Result<bool, StoreError> {
        self.0.read(|db| {
            Ok(db.prepare_cached("SELECT 1 FROM message WHERE id = ?1 AND standing = ?2")?.exists((id, RESTORED))?)
        })
    }

    /// The restored messages of a conversation, or of all, newest first, at most [`RESTORED_MAX`].
    pub fn restored_messages(&self, chat: Option<PeerId>) -> Result<Vec<Message>, StoreError> {
        self.0.read(|db| {
            let (kind, id) = chat.map_or((None, None), |chat| (Some(kind_number(chat.kind)), Some(chat.id)));
            // The number stands in the text: only so SQLite sees that the index of restored messages will do.
            let mut select = db.prepare_cached(
                "SELECT unread, body FROM message WHERE standing = 2
                 AND (?1 IS NULL OR (chat_kind = ?1 AND chat_id = ?2)) ORDER BY date DESC, id DESC LIMIT ?3",
            )?;
            let rows = select.query_map((kind, id, RESTORED_MAX as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.map(|row| row.map_err(Fault::from).and_then(parse)).collect()
        })
    }
}

impl ScriptStore {
    /// The message, if the store still holds it.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.0.read(|db| find(db, id))
    }

    /// The topic in which a message lies: the message that began it. None where it lies in none, or is not kept any more.
    pub fn topic(&self, id: MessageId) -> Result<Option<MessageId>, StoreError> {
        self.0.read(|db| {
            let mut select = db.prepare_cached("SELECT json_extract(body, '$.topic') FROM message WHERE id = ?1")?;
            Ok(select.query_row([id], |row| row.get(0)).optional()?.flatten())
        })
    }
}

impl Batch<'_> {
    /// The message, if the store still holds it.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.run(|db| find(db, id))
    }

    /// Keeps a message of the conversation `chat`, in place of an earlier state of it and its media. One that was deleted
    /// stays so.
    pub fn put_message(&mut self, chat: PeerId, message: &Message) -> Result<(), StoreError> {
        self.messages_put += 1;
        self.run(|db| {
            db.prepare_cached(
                "INSERT INTO message (id, chat_kind, chat_id, outgoing, unread, body, date)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET
                 chat_kind = ?2, chat_id = ?3, outgoing = ?4, unread = ?5, body = ?6, date = ?7, media = NULL",
            )?
            .execute((
                message.id,
                kind_number(chat.kind),
                chat.id,
                message.flags.outgoing,
                message.flags.unread,
                serde_json::to_string(message)?,
                message.date,
            ))?;
            Ok(())
        })
    }

    /// Keeps the topic in which the message lies that has just been put: the message that began it.
    pub fn put_topic(&mut self, id: MessageId, topic: MessageId) -> Result<(), StoreError> {
        self.run(|db| {
            // Beside the message's own fields.
            db.prepare_cached("UPDATE message SET body = json_set(body, '$.topic', ?2) WHERE id = ?1")?
                .execute((id, topic))?;
            Ok(())
        })
    }

    /// Hides messages that were deleted.
    pub fn delete_messages(&mut self, ids: &[MessageId]) -> Result<(), StoreError> {
        self.run(|db| {
            let mut delete = db.prepare_cached("UPDATE message SET standing = ?2, unread = 0 WHERE id = ?1")?;
            ids.iter().try_for_each(|id| delete.execute((id, DELETED)).map(|_| ()))?;
            Ok(())
        })
    }

    /// Brings a deleted message back; says whether there is such a message now.
    pub fn restore_message(&mut self, id: MessageId) -> Result<bool, StoreError> {
        self.run(|db| {
            db.prepare_cached("UPDATE message SET standing = ?2 WHERE id = ?1 AND standing = ?3")?
                .execute((id, RESTORED, DELETED))?;
            Ok(db.prepare_cached("SELECT 1 FROM message WHERE id = ?1")?.exists([id])?)
        })
    }

    /// The messages of a conversation up to `id_max` have been read: ours by the other side (`outgoing`), theirs by us.
    pub fn mark_read(&mut self, chat: PeerId, outgoing: bool, id_max: MessageId) -> Result<(), StoreError> {
        self.run(|db| {
            db.prepare_cached(
                "UPDATE message SET unread = 0
                 WHERE unread = 1 AND chat_kind = ?1 AND chat_id = ?2 AND outgoing = ?3 AND id <= ?4",
            )?
            .execute((kind_number(chat.kind), chat.id, outgoing, id_max))?;
            Ok(())
        })
    }
}

impl State {
    /// Cuts the table to its bound once enough has been added to it.
    pub(crate) fn prune_messages(&mut self) -> Result<(), Fault> {
        if self.messages_since_prune < self.bounds.prune_step {
            return Ok(());
        }
        self.messages_since_prune = 0;
        self.connection
            .prepare_cached(
                "DELETE FROM message WHERE (date, id) <=
                 (SELECT date, id FROM message ORDER BY date DESC, id DESC LIMIT 1 OFFSET ?1)",
            )?
            .execute([self.bounds.messages_max as i64])?;
        Ok(())
    }
}

/// The conversation a message belongs to, if the store still holds the message, deleted or not.
pub(crate) fn chat(db: &Connection, id: MessageId) -> Result<Option<PeerId>, Fault> {
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(i64, i64)> =
        db.prepare_cached("SELECT chat_kind, chat_id FROM message WHERE id = ?1")?.query_row([id], row).optional()?;
    found.map(|(kind, id)| Ok(PeerId { kind: peer_kind(kind)?, id })).transpose()
}

fn find(db: &Connection, id: MessageId) -> Result<Option<Message>, Fault> {
    db.prepare_cached("SELECT unread, body FROM message WHERE id = ?1 AND standing <> ?2")?
        .query_row((id, DELETED), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .map(parse)
        .transpose()
}

fn parse((unread, body): (bool, String)) -> Result<Message, Fault> {
    let mut message: Message = serde_json::from_str(&body)?;
    message.flags.unread = unread;
    Ok(message)
}

fn peer_kind(number: i64) -> Result<PeerKind, Fault> {
    [PeerKind::User, PeerKind::Chat, PeerKind::Channel, PeerKind::SecretChat]
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
        .ok_or_else(|| Fault::Content(format!("{number} is no kind of peer")))
}
