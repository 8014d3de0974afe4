//! Secret chats: who asked whom for which, with which keys, and what waits for a key until it says that it has it.
//! <https://core.telegram.org/api/end-to-end>
//!
//! Invariant: a chat lives with one key on each side, and ends with the login of either; what waits for a key is taken away
//! by its own word only, or with its login. A key's qts grows by one with each message.

use super::disk::Blob;
use super::{Db, Result, Row, all, one, params, run};

/// How long it is known what was sent by a random_id, in seconds.
const RANDOM_ID_LIFE_S: i32 = 30 * 24 * 3600;

pub(super) const TABLES: &str = "
ALTER TABLE auth_keys ADD COLUMN qts INTEGER NOT NULL DEFAULT 100;  -- above 1: TDLib ignores lower ones
CREATE TABLE secret_chats (
    id INTEGER PRIMARY KEY,             -- the creator chose it
    creator INTEGER NOT NULL,
    creator_key INTEGER NOT NULL,
    participant INTEGER NOT NULL,
    participant_key INTEGER,            -- that has accepted
    discarded INTEGER NOT NULL DEFAULT 0,
    history_deleted INTEGER NOT NULL DEFAULT 0,
    g_a BLOB NOT NULL,
    g_b BLOB,
    fingerprint INTEGER,
    date INTEGER NOT NULL,
    changed INTEGER NOT NULL,           -- when it was asked for, accepted or discarded
    read_by_creator INTEGER NOT NULL DEFAULT 0,         -- messages until then
    read_by_creator_at INTEGER NOT NULL DEFAULT 0,
    read_by_participant INTEGER NOT NULL DEFAULT 0,
    read_by_participant_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX secret_chats_by_creator ON secret_chats (creator, discarded, changed);
CREATE INDEX secret_chats_by_participant ON secret_chats (participant, changed);
CREATE INDEX secret_chats_by_creator_key ON secret_chats (creator_key);
CREATE INDEX secret_chats_by_participant_key ON secret_chats (participant_key) WHERE participant_key IS NOT NULL;
-- What waits for a key.
CREATE TABLE secret_messages (
    auth_key INTEGER NOT NULL,
    qts INTEGER NOT NULL,
    random_id INTEGER NOT NULL,
    content BLOB NOT NULL,              -- EncryptedMessage
    PRIMARY KEY (auth_key, qts)
) WITHOUT ROWID;
-- What each side has sent.
CREATE TABLE secret_random_ids (
    chat INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    random_id INTEGER NOT NULL,
    date INTEGER NOT NULL,
    file INTEGER,
    PRIMARY KEY (chat, sender, random_id)
) WITHOUT ROWID;
CREATE INDEX secret_random_ids_by_age ON secret_random_ids (date);
-- Of files, those that are encrypted, and the chats they were sent in.
CREATE TABLE secret_files (
    file INTEGER PRIMARY KEY,
    key_fingerprint INTEGER NOT NULL
);
CREATE TABLE secret_file_chats (
    chat INTEGER NOT NULL,
    file INTEGER NOT NULL,
    PRIMARY KEY (chat, file)
) WITHOUT ROWID;
CREATE INDEX secret_file_chats_by_file ON secret_file_chats (file);

-- However a key's login ends, its chats end with it.
CREATE TRIGGER key_logged_out AFTER UPDATE OF user ON auth_keys
    WHEN OLD.user IS NOT NULL AND NEW.user IS NOT OLD.user BEGIN
    UPDATE secret_chats SET discarded = 1, changed = unixepoch() WHERE creator_key = OLD.id AND discarded = 0;
    UPDATE secret_chats SET discarded = 1, changed = unixepoch() WHERE participant_key = OLD.id AND discarded = 0;
    DELETE FROM secret_messages WHERE auth_key = OLD.id;
END;
CREATE TRIGGER key_forgotten AFTER DELETE ON auth_keys BEGIN
    UPDATE secret_chats SET discarded = 1, changed = unixepoch() WHERE creator_key = OLD.id AND discarded = 0;
    UPDATE secret_chats SET discarded = 1, changed = unixepoch() WHERE participant_key = OLD.id AND discarded = 0;
    DELETE FROM secret_messages WHERE auth_key = OLD.id;
END;
CREATE TRIGGER secret_chat_discarded AFTER UPDATE OF discarded ON secret_chats WHEN NEW.discarded BEGIN
    DELETE FROM secret_random_ids WHERE chat = NEW.id;
    DELETE FROM secret_file_chats WHERE chat = NEW.id;
END;
CREATE TRIGGER secret_file_sent AFTER INSERT ON secret_file_chats BEGIN
    UPDATE files SET unused_since = NULL WHERE id = NEW.file;
END;
CREATE TRIGGER secret_file_unsent AFTER DELETE ON secret_file_chats BEGIN
    UPDATE files SET unused_since = unixepoch() WHERE id = OLD.file
        AND NOT EXISTS (SELECT 1 FROM secret_file_chats WHERE file = OLD.file);
END;
CREATE TRIGGER secret_file_gone AFTER DELETE ON files BEGIN
    DELETE FROM secret_files WHERE file = OLD.id;
END;
";

/// One side of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Creator,
    Participant,
}

/// How far a chat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Requested,
    Accepted,
    Discarded,
}

/// A secret chat as stored.
#[derive(Clone, Debug)]
pub(crate) struct SecretChat {
    pub(crate) id: i32,
    pub(crate) creator: i64,
    pub(crate) creator_key: i64,
    pub(crate) participant: i64,
    pub(crate) participant_key: Option<i64>,
    pub(crate) state: State,
    pub(crate) history_deleted: bool,
    pub(crate) g_a: Vec<u8>,
    pub(crate) g_b: Vec<u8>,
    pub(crate) fingerprint: i64,
    pub(crate) date: i32,
    pub(crate) changed: i32,
    /// Until when the creator has read, and since when that is so; then the same of the participant.
    read_by: [(i32, i32); 2],
}

impl SecretChat {
    /// One that was just asked for, by a user with a key.
    pub(crate) fn requested(id: i32, by: (i64, i64), participant: i64, g_a: Vec<u8>, now: i32) -> SecretChat {
        SecretChat {
            id,
            creator: by.0,
            creator_key: by.1,
            participant,
            participant_key: None,
            state: State::Requested,
            history_deleted: false,
            g_a,
            g_b: Vec::new(),
            fingerprint: 0,
            date: now,
            changed: now,
            read_by: [(0, 0); 2],
        }
    }

    /// The other side's user, seen from this one.
    pub(crate) fn other(&self, side: Side) -> i64 {
        match side {
            Side::Creator => self.participant,
            Side::Participant => self.creator,
        }
    }

    /// The other side's key.
    pub(crate) fn other_key(&self, side: Side) -> Option<i64> {
        match side {
            Side::Creator => self.participant_key,
            Side::Participant => Some(self.creator_key),
        }
    }

    /// Until when the other side has read, and since when that is so.
    pub(crate) fn read_by_other(&self, side: Side) -> (i32, i32) {
        let [creator, participant] = self.read_by;
        if side == Side::Creator { participant } else { creator }
    }

    /// Which side this user's key is: of a participant every key, as long as none has accepted.
    pub(crate) fn side(&self, user: i64, key: i64) -> Option<Side> {
        if self.creator == user && self.creator_key == key {
            return Some(Side::Creator);
        }
        let is_participant = self.participant == user && self.participant_key.is_none_or(|accepted| accepted == key);
        is_participant.then_some(Side::Participant)
    }
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) qts: i32,
    /// `EncryptedMessage`
    pub(crate) content: Vec<u8>,
}

/// What was sent by a random_id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentBefore {
    pub(crate) date: i32,
    pub(crate) file: Option<i64>,
}

/// An encrypted file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecretFile {
    pub(crate) id: i64,
    pub(crate) access_hash: i64,
    pub(crate) blob: Blob,
    pub(crate) date: i32,
    pub(crate) key_fingerprint: i32,
}

const COLUMNS: &str = "id, creator, creator_key, participant, participant_key, discarded, history_deleted, g_a, g_b,
    fingerprint, date, changed, read_by_creator, read_by_creator_at, read_by_participant, read_by_participant_at
    FROM secret_chats";

/// The chat with this id.
pub(crate) fn find(db: &Db, id: i32) -> Result<Option<SecretChat>> {
    one(db, &format!("SELECT {COLUMNS} WHERE id = ?1"), [id], read)
}

/// Makes a chat that was asked for. Of the creator's chats that were discarded all but the last of so many are forgotten.
pub(crate) fn insert(db: &Db, chat: &SecretChat, discarded_max: i64) -> Result<()> {
    let sql = "DELETE FROM secret_chats WHERE id IN
               (SELECT id FROM secret_chats WHERE creator = ?1 AND discarded = 1 ORDER BY changed DESC LIMIT -1 OFFSET ?2)";
    run(db, sql, [chat.creator, discarded_max])?;
    let sql = "INSERT INTO secret_chats (id, creator, creator_key, participant, g_a, date, changed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    run(db, sql, params![chat.id, chat.creator, chat.creator_key, chat.participant, chat.g_a, chat.date])?;
    Ok(())
}

/// How many chats this user has asked for that are not discarded.
pub(crate) fn count(db: &Db, creator: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM secret_chats WHERE creator = ?1 AND discarded = 0";
    Ok(one(db, sql, [creator], |row| row.get(0))?.unwrap_or(0))
}

/// The participant's key has accepted.
pub(crate) fn accept(db: &Db, id: i32, key: i64, g_b: &[u8], fingerprint: i64, now: i32) -> Result<()> {
    let sql = "UPDATE secret_chats SET participant_key = ?2, g_b = ?3, fingerprint = ?4, changed = ?5 WHERE id = ?1";
    run(db, sql, params![id, key, g_b, fingerprint, now])?;
    Ok(())
}

/// Ends a chat.
pub(crate) fn discard(db: &Db, id: i32, history_deleted: bool, now: i32) -> Result<()> {
    let sql = "UPDATE secret_chats SET discarded = 1, history_deleted = ?2, changed = ?3 WHERE id = ?1";
    run(db, sql, params![id, history_deleted, now])?;
    Ok(())
}

/// The chats of this key that are not discarded.
pub(crate) fn of_key(db: &Db, key: i64) -> Result<Vec<SecretChat>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE creator_key = ?1 AND discarded = 0
         UNION ALL SELECT {COLUMNS} WHERE participant_key = ?1 AND discarded = 0"
    );
    all(db, &sql, [key], read)
}

/// The chats of this user, and where the user is the creator of this key, in which something was done since then.
pub(crate) fn changed_since(db: &Db, user: i64, key: i64, since: i32) -> Result<Vec<SecretChat>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE creator_key = ?2 AND creator = ?1 AND MAX(changed, read_by_participant_at) >= ?3
         UNION ALL SELECT {COLUMNS} WHERE participant = ?1 AND MAX(changed, read_by_creator_at) >= ?3"
    );
    all(db, &sql, params![user, key, since], read)
}

/// One side has read messages until then: false if it had before.
pub(crate) fn set_read(db: &Db, id: i32, side: Side, until: i32, now: i32) -> Result<bool> {
    let sql = match side {
        Side::Creator => {
            "UPDATE secret_chats SET read_by_creator = ?2, read_by_creator_at = ?3 WHERE id = ?1 AND read_by_creator < ?2"
        }
        Side::Participant => {
            "UPDATE secret_chats SET read_by_participant = ?2, read_by_participant_at = ?3
             WHERE id = ?1 AND read_by_participant < ?2"
        }
    };
    Ok(run(db, sql, params![id, until, now])? == 1)
}

/// A key's qts now.
pub(crate) fn qts(db: &Db, key: i64) -> Result<i32> {
    let qts = one(db, "SELECT qts FROM auth_keys WHERE id = ?1", [key], |row| row.get(0))?;
    qts.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// How many messages wait for a key. There is none missing between the first and the last.
pub(crate) fn waiting_count(db: &Db, key: i64) -> Result<i64> {
    let first: Option<i32> =
        one(db, "SELECT MIN(qts) FROM secret_messages WHERE auth_key = ?1", [key], |row| row.get(0))?.flatten();
    first.map_or(Ok(0), |first| Ok(i64::from(qts(db, key)? - first + 1)))
}

/// Has a message wait for a key: its qts.
pub(crate) fn append(db: &Db, key: i64, random_id: i64, content: &[u8]) -> Result<i32> {
    let qts = qts(db, key)? + 1;
    run(db, "UPDATE auth_keys SET qts = ?2 WHERE id = ?1", params![key, qts])?;
    let sql = "INSERT INTO secret_messages (auth_key, qts, random_id, content) VALUES (?1, ?2, ?3, ?4)";
    run(db, sql, params![key, qts, random_id, content])?;
    Ok(qts)
}

/// Messages that wait for a key with a higher qts than this, oldest first, and whether there are more: at most `limit`, and
/// none more once they have so many bytes.
pub(crate) fn waiting_after(
    db: &Db,
    key: i64,
    qts: i32,
    limit: usize,
    bytes_max: usize,
) -> Result<(Vec<Waiting>, bool)> {
    let sql = "SELECT qts, content FROM secret_messages WHERE auth_key = ?1 AND qts > ?2 ORDER BY qts";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![key, qts])?;
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if messages.len() == limit || bytes >= bytes_max {
            return Ok((messages, true));
        }
        let waiting = Waiting { qts: row.get(0)?, content: row.get(1)? };
        bytes += waiting.content.len();
        messages.push(waiting);
    }
    Ok((messages, false))
}

/// The key has what waited for it until this qts: the random_ids of that.
pub(crate) fn acknowledge(db: &Db, key: i64, max_qts: i32) -> Result<Vec<i64>> {
    let sql = "SELECT random_id FROM secret_messages WHERE auth_key = ?1 AND qts <= ?2 ORDER BY qts";
    let random_ids = all(db, sql, params![key, max_qts], |row| row.get(0))?;
    run(db, "DELETE FROM secret_messages WHERE auth_key = ?1 AND qts <= ?2", params![key, max_qts])?;
    Ok(random_ids)
}

/// What a sender has sent in a chat by this random_id.
pub(crate) fn sent_before(db: &Db, chat: i32, sender: i64, random_id: i64) -> Result<Option<SentBefore>> {
    let sql = "SELECT date, file FROM secret_random_ids WHERE chat = ?1 AND sender = ?2 AND random_id = ?3";
    one(db, sql, params![chat, sender, random_id], |row| Ok(SentBefore { date: row.get(0)?, file: row.get(1)? }))
}

/// Notes what a sender has sent in a chat by this random_id.
pub(crate) fn insert_sent(db: &Db, chat: i32, sender: i64, random_id: i64, sent: SentBefore) -> Result<()> {
    let sql = "INSERT INTO secret_random_ids (chat, sender, random_id, date, file) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![chat, sender, random_id, sent.date, sent.file])?;
    Ok(())
}

/// Forgets random_ids so old that no client repeats them.
pub(crate) fn prune_random_ids(db: &Db, now: i32) -> Result<()> {
    run(db, "DELETE FROM secret_random_ids WHERE date < ?1", [now - RANDOM_ID_LIFE_S])?;
    Ok(())
}

/// Notes that a file is encrypted with the key of this fingerprint.
pub(crate) fn insert_file(db: &Db, file: i64, key_fingerprint: i32) -> Result<()> {
    run(db, "INSERT INTO secret_files (file, key_fingerprint) VALUES (?1, ?2)", params![file, key_fingerprint])?;
    Ok(())
}

/// Notes that a file was sent in a chat.
pub(crate) fn set_file_sent(db: &Db, chat: i32, file: i64) -> Result<()> {
    run(db, "INSERT OR IGNORE INTO secret_file_chats (chat, file) VALUES (?1, ?2)", params![chat, file])?;
    Ok(())
}

/// The encrypted file with this id.
pub(crate) fn file(db: &Db, id: i64) -> Result<Option<SecretFile>> {
    let sql = "SELECT f.id, f.access_hash, f.date, s.key_fingerprint, b.id, b.size, b.part_bytes
               FROM secret_files s JOIN files f ON f.id = s.file JOIN blobs b ON b.id = f.blob WHERE s.file = ?1";
    one(db, sql, [id], |row| {
        Ok(SecretFile {
            id: row.get(0)?,
            access_hash: row.get(1)?,
            date: row.get(2)?,
            key_fingerprint: row.get(3)?,
            blob: Blob { id: row.get(4)?, size: row.get(5)?, part_bytes: row.get(6)? },
        })
    })
}

fn read(row: &Row<'_>) -> Result<SecretChat> {
    let participant_key: Option<i64> = row.get(4)?;
    let state = match (row.get(5)?, participant_key) {
        (true, _) => State::Discarded,
        (false, Some(_)) => State::Accepted,
        (false, None) => State::Requested,
    };
    Ok(SecretChat {
        id: row.get(0)?,
        creator: row.get(1)?,
        creator_key: row.get(2)?,
        participant: row.get(3)?,
        participant_key,
        state,
        history_deleted: row.get(6)?,
        g_a: row.get(7)?,
        g_b: row.get::<_, Option<Vec<u8>>>(8)?.unwrap_or_default(),
        fingerprint: row.get::<_, Option<i64>>(9)?.unwrap_or_default(),
        date: row.get(10)?,
        changed: row.get(11)?,
        read_by: [(row.get(12)?, row.get(13)?), (row.get(14)?, row.get(15)?)],
    })
}
