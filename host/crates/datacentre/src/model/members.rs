//! Who is, was or may not be in a channel.
//!
//! Invariant: a restriction whose time has passed is none: it is dropped before anyone looks at the member. The channel
//! knows how many are in it.

use super::{Db, Result, Row, all, one, params, run, unix_time};

/// How someone stands to a channel they are or were in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Member,
    Left,
    Banned,
}

/// Someone who is, was or may not be in a channel.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: i64,
    pub(crate) inviter: i64,
    pub(crate) date: i32,
    pub(crate) standing: Standing,
    pub(crate) via_request: bool,
    /// `ChatAdminRights`: an administrator.
    pub(crate) admin_rights: Option<Vec<u8>>,
    pub(crate) promoted_by: i64,
    pub(crate) rank: Option<String>,
    /// `ChatBannedRights`: banned, or with a member's or former member's standing, restricted.
    pub(crate) banned_rights: Option<Vec<u8>>,
    pub(crate) banned_until: i32,
    pub(crate) banned_by: i64,
    /// Messages up to this id are deleted for this member.
    pub(crate) available_min: i32,
}

impl Member {
    /// Is in the channel, banned or restricted: others can see how they stand to it.
    pub(crate) fn is_shown(&self) -> bool {
        self.standing == Standing::Member || self.banned_rights.is_some()
    }
}

/// Which members a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All that are in it, latest first.
    Recent,
    /// Creator and administrators.
    Admins,
    Bots,
    /// Those who may not come in.
    Banned,
    /// Those who may not do everything.
    Restricted,
}

const COLUMNS: &str = "m.user, m.inviter, m.date, m.standing, m.via_request, m.admin_rights, m.promoted_by, m.rank,
    m.banned_rights, m.banned_until, m.banned_by, m.available_min";

/// How this user stands to the channel; none for a stranger.
pub(crate) fn find(db: &Db, channel: i64, user: i64) -> Result<Option<Member>> {
    let sql = format!("SELECT {COLUMNS} FROM channel_members m WHERE m.channel = ?1 AND m.user = ?2");
    one(db, &sql, [channel, user], read)
}

/// The ids of those who are in the channel now.
pub(crate) fn ids(db: &Db, channel: i64) -> Result<Vec<i64>> {
    all(db, "SELECT user FROM channel_members WHERE channel = ?1 AND standing = 0", [channel], |row| row.get(0))
}

/// A page of the members of this kind whose name or username has a word that begins with `prefix`, and how many there
/// are in all.
pub(crate) fn page(
    db: &Db,
    channel: i64,
    kind: Kind,
    prefix: &str,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Member>, i32)> {
    let condition = match kind {
        Kind::Recent => "m.standing = 0",
        Kind::Admins => "m.standing = 0 AND (m.admin_rights IS NOT NULL OR m.user = c.creator)",
        Kind::Bots => "m.standing = 0 AND u.bot_token_hash IS NOT NULL",
        Kind::Banned => "m.standing = 2 AND (m.banned_until = 0 OR m.banned_until > ?3)",
        Kind::Restricted => {
            "m.standing <> 2 AND m.banned_rights IS NOT NULL AND (m.banned_until = 0 OR m.banned_until > ?3)"
        }
    };
    let from = format!(
        "FROM channel_members m JOIN users u ON u.id = m.user JOIN channels c ON c.id = m.channel
         WHERE m.channel = ?1 AND {condition} AND ?3 = ?3
         AND (u.username LIKE ?2 ESCAPE '\\' OR u.first_name LIKE ?2 ESCAPE '\\' OR u.last_name LIKE ?2 ESCAPE '\\'
              OR u.first_name || ' ' || u.last_name LIKE ?2 ESCAPE '\\')"
    );
    let (pattern, now) = (super::prefix_pattern(prefix), unix_time());
    let sql = format!("SELECT COUNT(*) {from}");
    let count = one(db, &sql, params![channel, pattern, now], |row| row.get(0))?.unwrap_or(0);
    let sql = format!("SELECT {COLUMNS} {from} ORDER BY m.date DESC, m.user LIMIT ?5 OFFSET ?4");
    Ok((all(db, &sql, params![channel, pattern, now, offset, limit], read)?, count))
}

/// The bots among the channel's administrators.
pub(crate) fn admin_bots(db: &Db, channel: i64) -> Result<Vec<i64>> {
    let sql = "SELECT m.user FROM channel_members m JOIN users u ON u.id = m.user AND u.bot_token_hash IS NOT NULL
               WHERE m.channel = ?1 AND m.standing = 0 AND m.admin_rights IS NOT NULL ORDER BY m.user";
    all(db, sql, [channel], |row| row.get(0))
}

/// How many administrators the channel has, its creator not counted.
pub(crate) fn admin_count(db: &Db, channel: i64) -> Result<i32> {
    let sql = "SELECT COUNT(*) FROM channel_members WHERE channel = ?1 AND standing = 0 AND admin_rights IS NOT NULL";
    Ok(one(db, sql, [channel], |row| row.get(0))?.unwrap_or(0))
}

/// How many channels this user is in.
pub(crate) fn channel_count(db: &Db, user: i64) -> Result<i32> {
    let sql = "SELECT COUNT(*) FROM channel_members WHERE user = ?1 AND standing = 0";
    Ok(one(db, sql, [user], |row| row.get(0))?.unwrap_or(0))
}

/// The channels both users are in now, with greater ids than `after`; at most `limit`.
pub(crate) fn common(db: &Db, a: i64, b: i64, after: i64, limit: i64) -> Result<Vec<i64>> {
    let sql = "SELECT x.channel FROM channel_members x
               JOIN channel_members y ON y.channel = x.channel AND y.user = ?2 AND y.standing = 0
               WHERE x.user = ?1 AND x.standing = 0 AND x.channel > ?3 ORDER BY x.channel LIMIT ?4";
    all(db, sql, [a, b, after, limit], |row| row.get(0))
}

/// Makes someone a member. A restriction that is none of coming in stays.
pub(crate) fn add(db: &Db, channel: i64, user: i64, inviter: i64, via_request: bool) -> Result<()> {
    let sql = "INSERT INTO channel_members (channel, user, inviter, date, standing, via_request) VALUES (?1, ?2, ?3, ?4, 0, ?5)
               ON CONFLICT DO UPDATE SET inviter = excluded.inviter, date = excluded.date, via_request = excluded.via_request,
               banned_rights = CASE WHEN standing = 2 THEN NULL ELSE banned_rights END, standing = 0";
    run(db, sql, params![channel, user, inviter, unix_time(), via_request])?;
    recount(db, channel)
}

/// Ends someone's membership by their own will.
pub(crate) fn leave(db: &Db, channel: i64, user: i64) -> Result<()> {
    let sql =
        "UPDATE channel_members SET standing = 1, admin_rights = NULL, rank = NULL WHERE channel = ?1 AND user = ?2";
    run(db, sql, [channel, user])?;
    recount(db, channel)
}

/// Makes a member an administrator with these rights (`ChatAdminRights`), or an ordinary member again.
pub(crate) fn set_admin(
    db: &Db,
    channel: i64,
    user: i64,
    by: i64,
    rights: Option<&[u8]>,
    rank: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE channel_members SET admin_rights = ?4, promoted_by = ?3, rank = ?5,
               banned_rights = CASE WHEN ?4 IS NULL THEN banned_rights END WHERE channel = ?1 AND user = ?2";
    run(db, sql, params![channel, user, by, rights, rank])?;
    Ok(())
}

/// A ban or restriction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ban<'a> {
    pub(crate) by: i64,
    /// `ChatBannedRights`
    pub(crate) rights: &'a [u8],
    /// 0: for ever.
    pub(crate) until: i32,
    /// May not come in.
    pub(crate) out: bool,
}

/// Bans or restricts someone, a stranger to the channel too; none lifts it, and who was kept out has left.
pub(crate) fn set_banned(db: &Db, channel: i64, user: i64, ban: Option<Ban<'_>>) -> Result<()> {
    let Some(ban) = ban else {
        let sql = "UPDATE channel_members SET banned_rights = NULL, banned_until = 0, standing = MIN(standing, 1)
                   WHERE channel = ?1 AND user = ?2";
        run(db, sql, [channel, user])?;
        return Ok(());
    };
    let sql =
        "INSERT INTO channel_members (channel, user, inviter, date, standing, banned_rights, banned_until, banned_by)
               VALUES (?1, ?2, ?3, ?4, CASE WHEN ?7 THEN 2 ELSE 1 END, ?5, ?6, ?3)
               ON CONFLICT DO UPDATE SET banned_rights = ?5, banned_until = ?6, banned_by = ?3, admin_rights = NULL,
               rank = NULL, standing = CASE WHEN ?7 THEN 2 ELSE MIN(standing, 1) END";
    run(db, sql, params![channel, user, ban.by, unix_time(), ban.rights, ban.until, ban.out])?;
    recount(db, channel)
}

/// Deletes the channel's messages up to this id for one member.
pub(crate) fn set_available_min(db: &Db, channel: i64, user: i64, id: i32) -> Result<()> {
    let sql = "UPDATE channel_members SET available_min = MAX(available_min, ?3) WHERE channel = ?1 AND user = ?2";
    run(db, sql, params![channel, user, id])?;
    Ok(())
}

/// Counts who is in the channel: each message to it asks for that, and for each member.
fn recount(db: &Db, channel: i64) -> Result<()> {
    let sql = "UPDATE channels SET members =
               (SELECT COUNT(*) FROM channel_members m WHERE m.channel = ?1 AND m.standing = 0) WHERE id = ?1";
    run(db, sql, [channel])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Member> {
    let standing = match row.get(3)? {
        0 => Standing::Member,
        1 => Standing::Left,
        _ => Standing::Banned,
    };
    let mut member = Member {
        user: row.get(0)?,
        inviter: row.get(1)?,
        date: row.get(2)?,
        standing,
        via_request: row.get(4)?,
        admin_rights: row.get(5)?,
        promoted_by: row.get(6)?,
        rank: row.get(7)?,
        banned_rights: row.get(8)?,
        banned_until: row.get(9)?,
        banned_by: row.get(10)?,
        available_min: row.get(11)?,
    };
    let over = member.banned_until != 0 && member.banned_until <= unix_time();
    if over {
        member.banned_rights = None;
        if member.standing == Standing::Banned {
            member.standing = Standing::Left;
        }
    }
    Ok(member)
}
