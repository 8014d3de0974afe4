//! Basic groups: title, creator, members and their standing.
//!
//! Invariant: every change of title or members makes the version greater, so that clients can tell old from new.

use super::{Db, Result, Row, all, one, params, run, unix_time};

/// The first group's id.
const FIRST_CHAT_ID: i64 = 1_000_001;

/// A basic group as stored.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) creator: i64,
    pub(crate) date: i32,
    pub(crate) version: i32,
    pub(crate) deactivated: bool,
    /// `ChatBannedRights` of every ordinary member; none are banned from anything without.
    pub(crate) banned_rights: Option<Vec<u8>>,
    /// The supergroup it became.
    pub(crate) migrated_to: Option<i64>,
    pub(crate) members: i32,
}

/// How someone stands to a group they are or were in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Member,
    Left,
    Removed,
}

/// Someone who is or was in a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) user: i64,
    pub(crate) inviter: i64,
    pub(crate) date: i32,
    pub(crate) admin: bool,
    pub(crate) standing: Standing,
}

/// Makes a group without members.
pub(crate) fn insert(db: &Db, creator: i64, title: &str) -> Result<i64> {
    let sql = "INSERT INTO chats (id, title, creator, date)
               VALUES ((SELECT COALESCE(MAX(id), ?1 - 1) + 1 FROM chats), ?2, ?3, ?4) RETURNING id";
    let id = one(db, sql, params![FIRST_CHAT_ID, title, creator, unix_time()], |row| row.get(0))?;
    id.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// How many groups this user ever made.
pub(crate) fn made_count(db: &Db, creator: i64) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM chats WHERE creator = ?1", [creator], |row| row.get(0))?.unwrap_or(0))
}

/// The group with this id.
pub(crate) fn find(db: &Db, id: i64) -> Result<Option<Chat>> {
    let sql = "SELECT id, title, about, creator, date, version, deactivated, banned_rights, migrated_to,
               (SELECT COUNT(*) FROM chat_members m WHERE m.chat = chats.id AND m.standing = 0) FROM chats WHERE id = ?1";
    one(db, sql, [id], |row| {
        Ok(Chat {
            id: row.get(0)?,
            title: row.get(1)?,
            about: row.get(2)?,
            creator: row.get(3)?,
            date: row.get(4)?,
            version: row.get(5)?,
            deactivated: row.get(6)?,
            banned_rights: row.get(7)?,
            migrated_to: row.get(8)?,
            members: row.get(9)?,
        })
    })
}

/// How this user stands to the group; none for a stranger.
pub(crate) fn member(db: &Db, chat: i64, user: i64) -> Result<Option<Member>> {
    let sql = "SELECT user, inviter, date, admin, standing FROM chat_members WHERE chat = ?1 AND user = ?2";
    one(db, sql, [chat, user], read_member)
}

/// The group's members now, longest first.
pub(crate) fn members(db: &Db, chat: i64) -> Result<Vec<Member>> {
    let sql = "SELECT user, inviter, date, admin, standing FROM chat_members WHERE chat = ?1 AND standing = 0 ORDER BY date, user";
    all(db, sql, [chat], read_member)
}

/// The bots among the group's administrators.
pub(crate) fn admin_bots(db: &Db, chat: i64) -> Result<Vec<i64>> {
    let sql = "SELECT m.user FROM chat_members m JOIN users u ON u.id = m.user AND u.bot_token_hash IS NOT NULL
               WHERE m.chat = ?1 AND m.standing = 0 AND m.admin = 1 ORDER BY m.user";
    all(db, sql, [chat], |row| row.get(0))
}

/// Those who were removed from the group.
pub(crate) fn removed(db: &Db, chat: i64) -> Result<Vec<i64>> {
    all(db, "SELECT user FROM chat_members WHERE chat = ?1 AND standing = 2", [chat], |row| row.get(0))
}

/// The groups both users are members of now, with greater ids than `after`; at most `limit`.
pub(crate) fn common(db: &Db, a: i64, b: i64, after: i64, limit: i64) -> Result<Vec<i64>> {
    let sql =
        "SELECT x.chat FROM chat_members x JOIN chat_members y ON y.chat = x.chat AND y.user = ?2 AND y.standing = 0
               WHERE x.user = ?1 AND x.standing = 0 AND x.chat > ?3 ORDER BY x.chat LIMIT ?4";
    all(db, sql, [a, b, after, limit], |row| row.get(0))
}

/// Makes someone a member.
pub(crate) fn add_member(db: &Db, chat: i64, user: i64, inviter: i64) -> Result<()> {
    let sql = "INSERT INTO chat_members (chat, user, inviter, date) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET inviter = excluded.inviter, date = excluded.date, admin = 0, standing = 0";
    run(db, sql, params![chat, user, inviter, unix_time()])?;
    grow_version(db, chat)
}

/// Ends someone's membership.
pub(crate) fn end_member(db: &Db, chat: i64, user: i64, standing: Standing) -> Result<()> {
    let sql = "UPDATE chat_members SET standing = ?3, admin = 0 WHERE chat = ?1 AND user = ?2";
    run(db, sql, params![chat, user, if standing == Standing::Left { 1 } else { 2 }])?;
    grow_version(db, chat)
}

/// Makes a member an administrator, or an ordinary member again.
pub(crate) fn set_admin(db: &Db, chat: i64, user: i64, admin: bool) -> Result<()> {
    run(db, "UPDATE chat_members SET admin = ?3 WHERE chat = ?1 AND user = ?2", params![chat, user, admin])?;
    grow_version(db, chat)
}

/// Gives the group another title.
pub(crate) fn set_title(db: &Db, chat: i64, title: &str) -> Result<()> {
    run(db, "UPDATE chats SET title = ?2 WHERE id = ?1", params![chat, title])?;
    grow_version(db, chat)
}

/// Gives the group another description.
pub(crate) fn set_about(db: &Db, chat: i64, about: &str) -> Result<()> {
    run(db, "UPDATE chats SET about = ?2 WHERE id = ?1", params![chat, about])?;
    Ok(())
}

/// Says what ordinary members may not do (`ChatBannedRights`).
pub(crate) fn set_banned_rights(db: &Db, chat: i64, rights: &[u8]) -> Result<()> {
    run(db, "UPDATE chats SET banned_rights = ?2 WHERE id = ?1", params![chat, rights])?;
    grow_version(db, chat)
}

/// Ends the group for everyone: it goes on as this supergroup.
pub(crate) fn migrate(db: &Db, chat: i64, channel: i64) -> Result<()> {
    run(db, "UPDATE chats SET migrated_to = ?2 WHERE id = ?1", [chat, channel])?;
    deactivate(db, chat)
}

/// Ends the group for everyone.
pub(crate) fn deactivate(db: &Db, chat: i64) -> Result<()> {
    run(db, "UPDATE chats SET deactivated = 1 WHERE id = ?1", [chat])?;
    run(db, "UPDATE chat_members SET standing = 2, admin = 0 WHERE chat = ?1", [chat])?;
    grow_version(db, chat)
}

/// Notes that something about the group changed.
pub(crate) fn grow_version(db: &Db, chat: i64) -> Result<()> {
    run(db, "UPDATE chats SET version = version + 1 WHERE id = ?1", [chat])?;
    Ok(())
}

fn read_member(row: &Row<'_>) -> Result<Member> {
    let standing = match row.get(4)? {
        0 => Standing::Member,
        1 => Standing::Left,
        _ => Standing::Removed,
    };
    Ok(Member { user: row.get(0)?, inviter: row.get(1)?, date: row.get(2)?, admin: row.get(3)?, standing })
}
