//! What a login needs between two requests: codes sent, login tokens, password verifiers, SRP exchanges, exported logins.
//!
//! Invariant: each of them can be used for one user only, and only until it expires.

use super::{Db, Result, Row, one, params, random, run, unix_time};

/// How long a login code is good for.
const CODE_LIFE_S: i32 = 600;
/// How long an SRP exchange may take.
const SRP_LIFE_S: i32 = 600;
/// How long an exported login waits to be imported.
const EXPORT_LIFE_S: i32 = 60;
/// How long the client whose login token was accepted has to ask what came of it.
const ACCEPTED_LIFE_S: i32 = 600;
/// How long it is known of a login token that it has expired.
const EXPIRED_KEPT_S: i32 = 600;

/// A login code that was sent.
#[derive(Clone, Debug)]
pub(crate) struct SentCode {
    pub(crate) phone: String,
    pub(crate) api_id: i32,
    /// The right code was given, but there was no such user: auth.signUp may follow.
    pub(crate) verified: bool,
}

/// A login token, as it stands.
#[derive(Clone, Debug)]
pub(crate) struct LoginToken {
    /// The key that asked for it.
    pub(crate) auth_key_id: i64,
    /// Users who are not to accept it.
    pub(crate) except_ids: Vec<i64>,
    /// It can be accepted no more.
    pub(crate) has_expired: bool,
    /// Somebody has accepted it.
    pub(crate) is_accepted: bool,
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

/// Lets whoever sees this token log the key in, for so long: gives the token and when it expires. Those that the key asked for
/// before expire now, and of them all but the last of so many are forgotten.
pub(crate) fn insert_token(
    db: &Db,
    auth_key_id: i64,
    except_ids: &[i64],
    life_s: i32,
    max: i64,
) -> Result<(Vec<u8>, i32)> {
    let now = unix_time();
    run(db, "DELETE FROM login_tokens WHERE expires < ?1", [now - EXPIRED_KEPT_S])?;
    end_tokens(db, auth_key_id)?;
    let sql = "DELETE FROM login_tokens WHERE token IN
               (SELECT token FROM login_tokens WHERE auth_key = ?1 ORDER BY expires DESC LIMIT -1 OFFSET ?2)";
    run(db, sql, [auth_key_id, (max - 1).max(0)])?;
    let (token, expires) = (random::<32>().to_vec(), now + life_s);
    let except_ids: Vec<u8> = except_ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let sql = "INSERT INTO login_tokens (token, auth_key, except_ids, expires) VALUES (?1, ?2, ?3, ?4)";
    run(db, sql, params![token, auth_key_id, except_ids, expires])?;
    Ok((token, expires))
}

/// This login token, if it is known still.
pub(crate) fn find_token(db: &Db, token: &[u8]) -> Result<Option<LoginToken>> {
    let sql = "SELECT auth_key, except_ids, expires <= ?2, accepted_by IS NOT NULL FROM login_tokens WHERE token = ?1";
    one(db, sql, params![token, unix_time()], |row| {
        let except_ids: Vec<u8> = row.get(1)?;
        Ok(LoginToken {
            auth_key_id: row.get(0)?,
            except_ids: except_ids.as_chunks().0.iter().map(|id| i64::from_le_bytes(*id)).collect(),
            has_expired: row.get(2)?,
            is_accepted: row.get(3)?,
        })
    })
}

/// This user has accepted a login token.
pub(crate) fn accept_token(db: &Db, token: &[u8], user: i64) -> Result<()> {
    let sql = "UPDATE login_tokens SET accepted_by = ?2, expires = ?3 WHERE token = ?1";
    run(db, sql, params![token, user, unix_time() + ACCEPTED_LIFE_S])?;
    Ok(())
}

/// Whether this user has accepted a login token of this key.
pub(crate) fn has_accepted(db: &Db, auth_key_id: i64, user: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM login_tokens WHERE auth_key = ?1 AND accepted_by = ?2 AND expires > ?3";
    Ok(one(db, sql, params![auth_key_id, user, unix_time()], |_| Ok(()))?.is_some())
}

/// Nobody can accept what this key has asked for any more.
pub(crate) fn end_tokens(db: &Db, auth_key_id: i64) -> Result<()> {
    let sql = "UPDATE login_tokens SET expires = ?2 WHERE auth_key = ?1 AND accepted_by IS NULL AND expires > ?2";
    run(db, sql, params![auth_key_id, unix_time()])?;
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

/// Uses an exported login up, whoever's it was: the user, or that it has expired.
pub(crate) fn take_any_export(db: &Db, token: &[u8]) -> Result<Option<(i64, bool)>> {
    let sql = "DELETE FROM exported_logins WHERE token = ?1 RETURNING user, expires < ?2";
    one(db, sql, params![token, unix_time()], |row| Ok((row.get(0)?, row.get(1)?)))
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
