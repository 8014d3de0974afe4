//! What a login needs between two requests: codes sent, password verifiers, SRP exchanges, exported logins.
//!
//! Invariant: each of them can be used for one user only, and only until it expires.

use super::{Db, Result, Row, one, params, random, run, unix_time};

/// How long a login code is good for.
const CODE_LIFE_S: i32 = 600;
/// How long an SRP exchange may take.
const SRP_LIFE_S: i32 = 600;
/// How long an exported login waits to be imported.
const EXPORT_LIFE_S: i32 = 60;

/// A login code that was sent.
#[derive(Clone, Debug)]
pub(crate) struct SentCode {
    pub(crate) phone: String,
    pub(crate) api_id: i32,
    /// The right code was given, but there was no such user: auth.signUp may follow.
    pub(crate) verified: bool,
}

/// A 2FA password, as SRP keeps it: <https://core.telegram.org/api/srp>. `Debug` shows nothing of it.
pub(crate) struct Password {
    pub(crate) salt1: Vec<u8>,
    pub(crate) salt2: Vec<u8>,
    pub(crate) verifier: Vec<u8>,
    pub(crate) hint: String,
}

/// Sends a code: gives the hash that names it. Of those this key asked for before, all but the last of so many are
/// forgotten; nobody else can use up what a key may ask for.
pub(crate) fn insert_code(db: &Db, auth_key_id: i64, phone: &str, api_id: i32, max: i64) -> Result<String> {
    let now = unix_time();
    run(db, "DELETE FROM login_codes WHERE expires < ?1", [now])?;
    let sql = "DELETE FROM login_codes WHERE hash IN
               (SELECT hash FROM login_codes WHERE auth_key = ?1 ORDER BY expires DESC LIMIT -1 OFFSET ?2)";
    run(db, sql, [auth_key_id, (max - 1).max(0)])?;
    let hash = hex::encode(random::<9>());
    let sql = "INSERT INTO login_codes (hash, phone, api_id, expires, auth_key) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![hash, phone, api_id, now + CODE_LIFE_S, auth_key_id])?;
    Ok(hash)
}

/// The code with this hash, unless it expired.
pub(crate) fn find_code(db: &Db, hash: &str) -> Result<Option<SentCode>> {
    let sql = "SELECT phone, api_id, verified FROM login_codes WHERE hash = ?1 AND expires >= ?2";
    one(db, sql, params![hash, unix_time()], |row| {
        Ok(SentCode { phone: row.get(0)?, api_id: row.get(1)?, verified: row.get(2)? })
    })
}

/// The right code was given, but the phone number has no user yet.
pub(crate) fn verify_code(db: &Db, hash: &str) -> Result<()> {
    run(db, "UPDATE login_codes SET verified = 1 WHERE hash = ?1", [hash])?;
    Ok(())
}

/// Uses a code up.
pub(crate) fn remove_code(db: &Db, hash: &str) -> Result<()> {
    run(db, "DELETE FROM login_codes WHERE hash = ?1", [hash])?;
    Ok(())
}

/// Lets another data centre's client log in as this user: gives the token. Of those before, all but the last of so many
/// are forgotten.
pub(crate) fn insert_export(db: &Db, user: i64, max: i64) -> Result<Vec<u8>> {
    let now = unix_time();
    run(db, "DELETE FROM exported_logins WHERE expires < ?1", [now])?;
    let sql = "DELETE FROM exported_logins WHERE token IN
               (SELECT token FROM exported_logins WHERE user = ?1 ORDER BY expires DESC LIMIT -1 OFFSET ?2)";
    run(db, sql, [user, (max - 1).max(0)])?;
    let token = random::<32>().to_vec();
    run(
        db,
        "INSERT INTO exported_logins (token, user, expires) VALUES (?1, ?2, ?3)",
        params![token, user, now + EXPORT_LIFE_S],
    )?;
    Ok(token)
}

/// Uses an exported login up: true if it was this user's.
pub(crate) fn take_export(db: &Db, user: i64, token: &[u8]) -> Result<bool> {
    let sql = "DELETE FROM exported_logins WHERE token = ?1 AND user = ?2 AND expires >= ?3";
    Ok(run(db, sql, params![token, user, unix_time()])? == 1)
}

/// The user's 2FA password, if one is set.
pub(crate) fn password(db: &Db, user: i64) -> Result<Option<Password>> {
    let sql = "SELECT salt1, salt2, verifier, hint FROM passwords WHERE user = ?1";
    one(db, sql, [user], |row: &Row<'_>| {
        Ok(Password { salt1: row.get(0)?, salt2: row.get(1)?, verifier: row.get(2)?, hint: row.get(3)? })
    })
}

/// Sets the user's 2FA password, or removes it.
pub(crate) fn set_password(db: &Db, user: i64, password: Option<&Password>) -> Result<()> {
    run(db, "DELETE FROM passwords WHERE user = ?1", [user])?;
    if let Some(new) = password {
        let sql = "INSERT INTO passwords (user, salt1, salt2, verifier, hint) VALUES (?1, ?2, ?3, ?4, ?5)";
        run(db, sql, params![user, new.salt1, new.salt2, new.verifier, new.hint])?;
    }
    Ok(())
}

/// Begins an SRP exchange with the server's secret `b`: gives its id. It takes the place of the one the key had before.
pub(crate) fn insert_srp(db: &Db, auth_key_id: i64, user: i64, secret_b: &[u8]) -> Result<i64> {
    let now = unix_time();
    run(db, "DELETE FROM srp_exchanges WHERE expires < ?1 OR auth_key = ?2", params![now, auth_key_id])?;
    let id = i64::from_le_bytes(random());
    let sql = "INSERT INTO srp_exchanges (id, user, secret_b, expires, auth_key) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![id, user, secret_b, now + SRP_LIFE_S, auth_key_id])?;
    Ok(id)
}

/// Uses an SRP exchange up: its secret `b`.
pub(crate) fn take_srp(db: &Db, user: i64, id: i64) -> Result<Option<Vec<u8>>> {
    let sql = "DELETE FROM srp_exchanges WHERE id = ?1 AND user = ?2 AND expires >= ?3 RETURNING secret_b";
    one(db, sql, params![id, user, unix_time()], |row| row.get(0))
}
