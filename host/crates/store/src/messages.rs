//! Messages for look-ups: the newest [`crate::MESSAGES_MAX`] that the account has seen.

use rusqlite::{Connection, OptionalExtension, Row};
use tgl::{Message, MessageId, PeerId, PeerKind};

use crate::error::Fault;
use crate::peers::kind_number;
use crate::{AccountStore, Batch, State, StoreError};

impl AccountStore {
    /// The message, if the store still holds it.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.read(|db| find(db, id))
    }

    /// The conversation a message belongs to, if the store still holds the message.
    pub fn message_chat(&self, id: MessageId) -> Result<Option<PeerId>, StoreError> {
        self.read(|db| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let found: Option<(i64, i64)> = db
                .prepare_cached("SELECT chat_kind, chat_id FROM message WHERE id = ?1")?
                .query_row([id], row)
                .optional()?;
            found.map(|(kind, id)| Ok(PeerId { kind: peer_kind(kind)?, id })).transpose()
        })
    }
}

impl Batch<'_> {
    /// The message, if the store still holds it.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.run(|db| find(db, id))
    }

    /// Keeps a message of the conversation `chat`, in place of an earlier state of it.
    pub fn put_message(&mut self, chat: PeerId, message: &Message) -> Result<(), StoreError> {
        self.messages_put += 1;
        self.run(|db| {
            db.prepare_cached(
                "INSERT INTO message (id, chat_kind, chat_id, outgoing, unread, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET chat_kind = ?2, chat_id = ?3, outgoing = ?4, unread = ?5, body = ?6",
            )?
            .execute((
                message.id,
                kind_number(chat.kind),
                chat.id,
                message.flags.outgoing,
                message.flags.unread,
                serde_json::to_string(message)?,
            ))?;
            Ok(())
        })
    }

    /// Forgets messages.
    pub fn delete_messages(&mut self, ids: &[MessageId]) -> Result<(), StoreError> {
        self.run(|db| {
            let mut delete = db.prepare_cached("DELETE FROM message WHERE id = ?1")?;
            ids.iter().try_for_each(|id| delete.execute([id]).map(|_| ()))?;
            Ok(())
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
                "DELETE FROM message WHERE id <= (SELECT id FROM message ORDER BY id DESC LIMIT 1 OFFSET ?1)",
            )?
            .execute([self.bounds.messages_max as i64])?;
        Ok(())
    }
}

fn find(db: &Connection, id: MessageId) -> Result<Option<Message>, Fault> {
    let found: Option<(bool, String)> = db
        .prepare_cached("SELECT unread, body FROM message WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((unread, body)) = found else { return Ok(None) };
    let mut message: Message = serde_json::from_str(&body)?;
    message.flags.unread = unread;
    Ok(Some(message))
}

fn peer_kind(number: i64) -> Result<PeerKind, Fault> {
    [PeerKind::User, PeerKind::Chat, PeerKind::Channel, PeerKind::SecretChat]
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
        .ok_or_else(|| Fault::Content(format!("{number} is no kind of peer")))
}
