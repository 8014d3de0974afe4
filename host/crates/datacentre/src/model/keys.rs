//! Authorisation keys, and who is logged in with each: <https://core.telegram.org/api/auth>.
//!
//! Invariant: a key belongs to at most one user at a time; a key that was revoked says so until its next login.

use super::{Db, Model, Result, Row, all, one, params, random, run, unix_time};
use crate::seam::{AuthKeyRecord, AuthKeys};
use sha1::{Digest, Sha1};

/// Who holds a key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holder {
    /// Logged in with it.
    pub(crate) user: Option<i64>,
    /// Gave the right code with it, and must give the password still.
    pub(crate) password_pending: Option<i64>,
    /// Why nobody is, where that is so.
    pub(crate) logged_out: LoggedOut,
}

/// Why a key is logged in with no more.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum LoggedOut {
    /// Whoever was asked for it, or nobody ever was.
    #[default]
    Here = 0,
    /// From elsewhere.
    Elsewhere = 1,
    /// The key was used from two places at once.
    UsedTwice = 2,
}

/// A login, as account.getAuthorizations lists it.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) auth_key_id: i64,
    pub(crate) hash: i64,
    pub(crate) api_id: i32,
    pub(crate) layer: Option<i32>,
    pub(crate) created: i32,
    pub(crate) active: i32,
}

/// Who holds this key.
pub(crate) fn holder(db: &Db, auth_key_id: i64) -> Result<Holder> {
    let read = |row: &Row<'_>| {
        let logged_out = match row.get(2)? {
            0 => LoggedOut::Here,
            1 => LoggedOut::Elsewhere,
            _ => LoggedOut::UsedTwice,
        };
        Ok(Holder { user: row.get(0)?, password_pending: row.get(1)?, logged_out })
    };
    let sql = "SELECT user, password_pending, revoked FROM auth_keys WHERE id = ?1";
    Ok(one(db, sql, [auth_key_id], read)?.unwrap_or_default())
}

/// Logs the key in as this user; false if the key was forgotten meanwhile.
pub(crate) fn log_in(db: &Db, auth_key_id: i64, user: i64) -> Result<bool> {
    let sql = "UPDATE auth_keys SET user = ?2, password_pending = NULL, revoked = 0, hash = ?3, created = ?4, active = ?4 WHERE id = ?1";
    Ok(run(db, sql, params![auth_key_id, user, i64::from_le_bytes(random()), unix_time()])? == 1)
}

/// The keys this user is logged in with beyond so many, the oldest, but never this one.
pub(crate) fn beyond(db: &Db, user: i64, max: i64, but_not: i64) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM auth_keys WHERE user = ?1 AND id <> ?3 ORDER BY created DESC, id LIMIT -1 OFFSET ?2";
    all(db, sql, [user, (max - 1).max(0), but_not], |row| row.get(0))
}

/// The key's user gave the right code; only the password is missing.
pub(crate) fn await_password(db: &Db, auth_key_id: i64, user: i64) -> Result<()> {
    run(db, "UPDATE auth_keys SET password_pending = ?2 WHERE id = ?1", [auth_key_id, user])?;
    Ok(())
}

/// Remembers which application uses the key.
pub(crate) fn set_api_id(db: &Db, auth_key_id: i64, api_id: i32) -> Result<()> {
    run(db, "UPDATE auth_keys SET api_id = ?2 WHERE id = ?1", params![auth_key_id, api_id])?;
    Ok(())
}

/// Logs the key out, for this reason.
pub(crate) fn log_out(db: &Db, auth_key_id: i64, why: LoggedOut) -> Result<()> {
    let sql = "UPDATE auth_keys SET user = NULL, password_pending = NULL, revoked = ?2 WHERE id = ?1";
    run(db, sql, params![auth_key_id, why as i64])?;
    Ok(())
}

/// The keys this user is logged in with.
pub(crate) fn of_user(db: &Db, user: i64) -> Result<Vec<i64>> {
    all(db, "SELECT id FROM auth_keys WHERE user = ?1", [user], |row| row.get(0))
}

/// This user's logins, oldest first.
pub(crate) fn logins(db: &Db, user: i64) -> Result<Vec<Login>> {
    let sql = "SELECT id, hash, api_id, layer, created, active FROM auth_keys WHERE user = ?1 ORDER BY created, id";
    all(db, sql, [user], login)
}

/// The login with this key, as it is or is to be.
pub(crate) fn find_login(db: &Db, auth_key_id: i64) -> Result<Option<Login>> {
    one(db, "SELECT id, hash, api_id, layer, created, active FROM auth_keys WHERE id = ?1", [auth_key_id], login)
}

fn login(row: &Row<'_>) -> Result<Login> {
    Ok(Login {
        auth_key_id: row.get(0)?,
        hash: row.get(1)?,
        api_id: row.get(2)?,
        layer: row.get(3)?,
        created: row.get(4)?,
        active: row.get(5)?,
    })
}

impl AuthKeys for Model {
    fn find(&self, auth_key_id: i64) -> Option<AuthKeyRecord> {
        let sql = "SELECT key, layer FROM auth_keys WHERE id = ?1";
        let read = |row: &Row<'_>| Ok(AuthKeyRecord { key: row.get(0)?, layer: row.get(1)? });
        self.logged(one(&self.lock(), sql, [auth_key_id], read)).flatten()
    }

    fn insert(&self, key: &[u8; 256]) -> bool {
        let sql = "INSERT OR IGNORE INTO auth_keys (id, key, hash, created, active) VALUES (?1, ?2, 0, ?3, ?3)";
        let db = self.lock();
        self.logged(forget_unused(&db, self.limits.keys_without_login_max));
        self.logged(run(&db, sql, params![key_id(key), key, unix_time()])) == Some(1)
    }

    fn remove(&self, auth_key_id: i64) {
        self.logged(run(&self.lock(), "DELETE FROM auth_keys WHERE id = ?1", [auth_key_id]));
    }

    fn set_layer(&self, auth_key_id: i64, layer: i32) {
        let sql = "UPDATE auth_keys SET layer = ?2 WHERE id = ?1 AND layer IS NOT ?2";
        self.logged(run(&self.lock(), sql, params![auth_key_id, layer]));
    }
}

/// Makes room for one more key that nobody is logged in with: anyone can make them.
fn forget_unused(db: &Db, max: i64) -> Result<()> {
    let count: i64 = one(db, "SELECT COUNT(*) FROM auth_keys WHERE user IS NULL", [], |row| row.get(0))?.unwrap_or(0);
    if count >= max {
        let sql = "DELETE FROM auth_keys WHERE id IN
                   (SELECT id FROM auth_keys WHERE user IS NULL ORDER BY created LIMIT ?1)";
        run(db, sql, [count + 1 - max])?;
    }
    Ok(())
}

/// The low 64 bits of the key's SHA-1: <https://core.telegram.org/mtproto/description#authorization-key-identifier>.
fn key_id(key: &[u8; 256]) -> i64 {
    let hash = Sha1::digest(key);
    i64::from_le_bytes(hash[12..20].try_into().expect("eight of 20 bytes"))
}

impl Model {
    /// `mtproto` can do nothing about a failing disk but refuse the key; whoever runs the data centre can.
    fn logged<T>(&self, result: Result<T>) -> Option<T> {
        result.inspect_err(|error| self.room.tell(error)).ok()
    }
}
