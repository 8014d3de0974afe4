//! Supergroups and broadcast channels: what they are called, whose they are, what their members may do.
//!
//! Invariant: a channel's messages and updates belong to the owner [`Channel::code`]; its `moved` is never older than the
//! last of them.

use super::{Db, Peer, Result, Row, all, log, one, params, run, unix_time};

/// The first channel's id, as Telegram's are beyond all basic groups'.
const FIRST_CHANNEL_ID: i64 = 1_000_000_001;

/// A channel as stored.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) creator: i64,
    pub(crate) date: i32,
    /// Only its administrators post, and in its name; else it is a supergroup.
    pub(crate) broadcast: bool,
    /// Posts are signed.
    pub(crate) signatures: bool,
    /// It is public.
    pub(crate) username: Option<String>,
    /// `ChatBannedRights` of every ordinary member.
    pub(crate) banned_rights: Vec<u8>,
    /// The basic group it was.
    pub(crate) migrated_from: Option<i64>,
    pub(crate) deleted: bool,
    pub(crate) members: i32,
    /// Its messages lie in topics.
    pub(crate) forum: bool,
}

impl Channel {
    pub(crate) fn peer(&self) -> Peer {
        Peer::Channel(self.id)
    }

    /// The owner of its messages and its log.
    pub(crate) fn code(&self) -> i64 {
        self.peer().code()
    }
}

const COLUMNS: &str = "id, title, about, creator, date, broadcast, signatures, username, banned_rights, migrated_from, deleted, members, forum";

/// What a new channel is.
#[derive(Clone, Debug)]
pub(crate) struct New<'a> {
    pub(crate) creator: i64,
    pub(crate) title: &'a str,
    pub(crate) about: &'a str,
    pub(crate) broadcast: bool,
    /// `ChatBannedRights`
    pub(crate) banned_rights: &'a [u8],
    pub(crate) migrated_from: Option<i64>,
}

/// Makes a channel without members: its id.
pub(crate) fn insert(db: &Db, new: &New<'_>) -> Result<i64> {
    let sql = "INSERT INTO channels (id, title, about, creator, date, broadcast, banned_rights, migrated_from, moved)
               VALUES ((SELECT COALESCE(MAX(id), ?1 - 1) + 1 FROM channels), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?5) RETURNING id";
    let values = params![
        FIRST_CHANNEL_ID,
        new.title,
        new.about,
        new.creator,
        unix_time(),
        new.broadcast,
        new.banned_rights,
        new.migrated_from
    ];
    let id: i64 = one(db, sql, values, |row| row.get(0))?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    log::insert_counters(db, Peer::Channel(id).code())?;
    Ok(id)
}

/// How many channels this user ever made.
pub(crate) fn made_count(db: &Db, creator: i64) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM channels WHERE creator = ?1", [creator], |row| row.get(0))?.unwrap_or(0))
}

/// The channel with this id.
pub(crate) fn find(db: &Db, id: i64) -> Result<Option<Channel>> {
    one(db, &format!("SELECT {COLUMNS} FROM channels WHERE id = ?1"), [id], read)
}

/// The public channel with this username, in whatever case.
pub(crate) fn by_username(db: &Db, username: &str) -> Result<Option<Channel>> {
    one(db, &format!("SELECT {COLUMNS} FROM channels WHERE username = ?1"), [username], read)
}

/// Public channels, and those this user is in, with a word of the title or a username that begins with `prefix`.
pub(crate) fn search(db: &Db, user: i64, prefix: &str, limit: i64) -> Result<Vec<Channel>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM channels WHERE deleted = 0
         AND (username LIKE ?1 ESCAPE '\\' OR title LIKE ?1 ESCAPE '\\' OR title LIKE '% ' || ?1 ESCAPE '\\')
         AND (username IS NOT NULL OR id IN (SELECT channel FROM channel_members WHERE user = ?2 AND standing = 0))
         ORDER BY id LIMIT ?3"
    );
    all(db, &sql, params![super::prefix_pattern(prefix), user, limit], read)
}

/// Makes the supergroup one with topics, or one without.
pub(crate) fn set_forum(db: &Db, id: i64, forum: bool) -> Result<()> {
    run(db, "UPDATE channels SET forum = ?2 WHERE id = ?1", params![id, forum])?;
    Ok(())
}

/// Gives the channel another title.
pub(crate) fn set_title(db: &Db, id: i64, title: &str) -> Result<()> {
    run(db, "UPDATE channels SET title = ?2 WHERE id = ?1", params![id, title])?;
    Ok(())
}

/// Gives the channel another description.
pub(crate) fn set_about(db: &Db, id: i64, about: &str) -> Result<()> {
    run(db, "UPDATE channels SET about = ?2 WHERE id = ?1", params![id, about])?;
    Ok(())
}

/// Makes the channel public, or private again.
pub(crate) fn set_username(db: &Db, id: i64, username: Option<&str>) -> Result<()> {
    run(db, "UPDATE channels SET username = ?2 WHERE id = ?1", params![id, username])?;
    Ok(())
}

/// Says whether posts are signed.
pub(crate) fn set_signatures(db: &Db, id: i64, signatures: bool) -> Result<()> {
    run(db, "UPDATE channels SET signatures = ?2 WHERE id = ?1", params![id, signatures])?;
    Ok(())
}

/// Says what ordinary members may not do (`ChatBannedRights`).
pub(crate) fn set_banned_rights(db: &Db, id: i64, rights: &[u8]) -> Result<()> {
    run(db, "UPDATE channels SET banned_rights = ?2 WHERE id = ?1", params![id, rights])?;
    Ok(())
}

/// Ends the channel for everyone. Its messages go; who was in it stays known, to be told that it is no more.
pub(crate) fn delete(db: &Db, channel: &Channel) -> Result<()> {
    run(db, "UPDATE channels SET deleted = 1, username = NULL WHERE id = ?1", [channel.id])?;
    run(
        db,
        "DELETE FROM post_viewers WHERE content IN (SELECT content FROM boxes WHERE owner = ?1)",
        [channel.code()],
    )?;
    run(db, "DELETE FROM contents WHERE id IN (SELECT content FROM boxes WHERE owner = ?1)", [channel.code()])?;
    run(db, "DELETE FROM boxes WHERE owner = ?1", [channel.code()])?;
    run(db, "DELETE FROM updates WHERE owner = ?1", [channel.code()])?;
    run(db, "DELETE FROM channel_mentions WHERE channel = ?1", [channel.id])?;
    run(db, "DELETE FROM dialogs WHERE peer = ?1", [channel.code()])?;
    run(db, "DELETE FROM join_requests WHERE peer = ?1", [channel.code()])?;
    run(db, "UPDATE invites SET revoked = 1 WHERE peer = ?1", [channel.code()])?;
    run(
        db,
        "UPDATE channel_members SET standing = 1, admin_rights = NULL WHERE channel = ?1 AND standing = 0",
        [channel.id],
    )?;
    Ok(())
}

/// The channel's pts grew just now.
pub(crate) fn set_moved(db: &Db, id: i64, now: i32) -> Result<()> {
    run(db, "UPDATE channels SET moved = ?2 WHERE id = ?1", params![id, now])?;
    Ok(())
}

/// The channels this user is in whose pts grew at `since` or later.
pub(crate) fn moved_since(db: &Db, user: i64, since: i32) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM channels JOIN channel_members m ON m.channel = id
               WHERE m.user = ?1 AND m.standing = 0 AND moved >= ?2 ORDER BY id";
    all(db, sql, params![user, since], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Channel> {
    Ok(Channel {
        id: row.get(0)?,
        title: row.get(1)?,
        about: row.get(2)?,
        creator: row.get(3)?,
        date: row.get(4)?,
        broadcast: row.get(5)?,
        signatures: row.get(6)?,
        username: row.get(7)?,
        banned_rights: row.get(8)?,
        migrated_from: row.get(9)?,
        deleted: row.get(10)?,
        members: row.get(11)?,
        forum: row.get(12)?,
    })
}
