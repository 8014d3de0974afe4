//! Invite links of basic groups and channels, who came by them, and who asks to be let in:
//! <https://core.telegram.org/api/invites>.
//!
//! Invariant: a link that is revoked, over or used up leads nobody in; one pending request for each user and peer.

use super::{Db, Peer, Result, Row, all, one, params, run, unix_time};

/// How many revoked links of one administrator are remembered.
pub(crate) const REVOKED_KEPT_MAX: i32 = 100;

/// A link as stored.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) hash: String,
    pub(crate) peer: Peer,
    pub(crate) admin: i64,
    pub(crate) date: i32,
    pub(crate) title: Option<String>,
    pub(crate) expires: Option<i32>,
    pub(crate) usage_limit: Option<i32>,
    pub(crate) usage: i32,
    pub(crate) request_needed: bool,
    /// The administrator's main link.
    pub(crate) permanent: bool,
    pub(crate) revoked: bool,
    /// Pending requests that came by it.
    pub(crate) requested: i32,
}

impl Invite {
    /// Whether it leads in.
    pub(crate) fn is_open(&self, now: i32) -> bool {
        let over = self.expires.is_some_and(|expires| expires <= now);
        let used_up = self.usage_limit.is_some_and(|limit| self.usage >= limit);
        !self.revoked && !over && !used_up
    }
}

/// Someone who came by a link, or asks to.
#[derive(Clone, Debug)]
pub(crate) struct Importer {
    pub(crate) user: i64,
    pub(crate) date: i32,
    pub(crate) approved_by: Option<i64>,
    pub(crate) hash: String,
}

const COLUMNS: &str = "hash, peer, admin, date, title, expires, usage_limit, usage, request_needed, permanent, revoked,
    (SELECT COUNT(*) FROM join_requests r WHERE r.peer = invites.peer AND r.hash = invites.hash)";

/// Keeps a new link.
pub(crate) fn insert(db: &Db, invite: &Invite) -> Result<()> {
    let i = invite;
    let sql = "INSERT INTO invites (hash, peer, admin, date, title, expires, usage_limit, request_needed, permanent)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let peer = i.peer.code();
    run(
        db,
        sql,
        params![i.hash, peer, i.admin, i.date, i.title, i.expires, i.usage_limit, i.request_needed, i.permanent],
    )?;
    let sql =
        "DELETE FROM invites WHERE hash IN (SELECT hash FROM invites WHERE peer = ?1 AND admin = ?2 AND revoked = 1
               ORDER BY date DESC LIMIT -1 OFFSET ?3)";
    run(db, sql, params![peer, i.admin, REVOKED_KEPT_MAX])?;
    Ok(())
}

/// The link with this hash.
pub(crate) fn find(db: &Db, hash: &str) -> Result<Option<Invite>> {
    one(db, &format!("SELECT {COLUMNS} FROM invites WHERE hash = ?1"), [hash], read)
}

/// The administrator's main link to this peer.
pub(crate) fn permanent(db: &Db, peer: Peer, admin: i64) -> Result<Option<Invite>> {
    let sql = format!("SELECT {COLUMNS} FROM invites WHERE peer = ?1 AND admin = ?2 AND permanent = 1 AND revoked = 0");
    one(db, &sql, [peer.code(), admin], read)
}

/// The administrator's links to this peer, newest first.
pub(crate) fn of_admin(db: &Db, peer: Peer, admin: i64, revoked: bool) -> Result<Vec<Invite>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM invites WHERE peer = ?1 AND admin = ?2 AND revoked = ?3 ORDER BY permanent DESC, date DESC, hash"
    );
    all(db, &sql, params![peer.code(), admin, revoked], read)
}

/// How many links that are not revoked each administrator has to this peer, and how many that are.
pub(crate) fn admins(db: &Db, peer: Peer) -> Result<Vec<(i64, i32, i32)>> {
    let sql = "SELECT admin, SUM(1 - revoked), SUM(revoked) FROM invites WHERE peer = ?1 GROUP BY admin ORDER BY admin";
    all(db, sql, [peer.code()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Writes what an administrator may change of a link.
pub(crate) fn update(db: &Db, invite: &Invite) -> Result<()> {
    let i = invite;
    let sql = "UPDATE invites SET title = ?2, expires = ?3, usage_limit = ?4, request_needed = ?5, revoked = ?6 WHERE hash = ?1";
    run(db, sql, params![i.hash, i.title, i.expires, i.usage_limit, i.request_needed, i.revoked])?;
    Ok(())
}

/// Forgets a link.
pub(crate) fn delete(db: &Db, hash: &str) -> Result<()> {
    run(db, "DELETE FROM invites WHERE hash = ?1", [hash])?;
    run(db, "DELETE FROM invite_uses WHERE hash = ?1", [hash])?;
    Ok(())
}

/// Everything that led to a basic group leads to the supergroup it became.
pub(crate) fn migrate(db: &Db, from: Peer, to: Peer) -> Result<()> {
    run(db, "UPDATE invites SET peer = ?2 WHERE peer = ?1", [from.code(), to.code()])?;
    run(db, "UPDATE join_requests SET peer = ?2 WHERE peer = ?1", [from.code(), to.code()])?;
    Ok(())
}

/// Someone came by this link.
pub(crate) fn count_use(db: &Db, hash: &str, user: i64, approved_by: Option<i64>) -> Result<()> {
    let sql = "INSERT INTO invite_uses (hash, user, date, approved_by) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET date = excluded.date, approved_by = excluded.approved_by";
    run(db, sql, params![hash, user, unix_time(), approved_by])?;
    run(db, "UPDATE invites SET usage = usage + 1 WHERE hash = ?1", [hash])?;
    Ok(())
}

/// Who came by this link, latest first.
pub(crate) fn uses(db: &Db, hash: &str) -> Result<Vec<Importer>> {
    let sql = "SELECT user, date, approved_by, hash FROM invite_uses WHERE hash = ?1 ORDER BY date DESC, user";
    all(db, sql, [hash], read_importer)
}

/// Someone asks to be let in; true if this is news.
pub(crate) fn request(db: &Db, peer: Peer, user: i64, hash: &str) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO join_requests (peer, user, hash, date) VALUES (?1, ?2, ?3, ?4)";
    Ok(run(db, sql, params![peer.code(), user, hash, unix_time()])? == 1)
}

/// Who asks to be let in, by this link or by any, latest first.
pub(crate) fn requests(db: &Db, peer: Peer, hash: Option<&str>) -> Result<Vec<Importer>> {
    let sql = "SELECT user, date, NULL, hash FROM join_requests WHERE peer = ?1 AND (?2 IS NULL OR hash = ?2)
               ORDER BY date DESC, user";
    all(db, sql, params![peer.code(), hash], read_importer)
}

/// Takes a request away: the hash of the link it came by.
pub(crate) fn take_request(db: &Db, peer: Peer, user: i64) -> Result<Option<String>> {
    let sql = "DELETE FROM join_requests WHERE peer = ?1 AND user = ?2 RETURNING hash";
    one(db, sql, [peer.code(), user], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Invite> {
    Ok(Invite {
        hash: row.get(0)?,
        peer: Peer::from_code(row.get(1)?),
        admin: row.get(2)?,
        date: row.get(3)?,
        title: row.get(4)?,
        expires: row.get(5)?,
        usage_limit: row.get(6)?,
        usage: row.get(7)?,
        request_needed: row.get(8)?,
        permanent: row.get(9)?,
        revoked: row.get(10)?,
        requested: row.get(11)?,
    })
}

fn read_importer(row: &Row<'_>) -> Result<Importer> {
    Ok(Importer { user: row.get(0)?, date: row.get(1)?, approved_by: row.get(2)?, hash: row.get(3)? })
}
