//! Users, human and bot: names, phones, usernames, when they were last seen.
//!
//! Invariant: a phone number, a username and an id each belong to one user; humans' ids and bots' ids never meet.

use super::{Db, Result, Row, all, log, one, params, run, unix_time};

/// The first human's id: above 32 bits, as Telegram's newer ones are.
const FIRST_HUMAN_ID: i64 = 5_000_000_001;
/// How many users hear of one user's coming and going, and how many a search or list looks at.
pub(crate) const AUDIENCE_MAX: i64 = 1000;

/// A user as stored.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) phone: Option<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) username: Option<String>,
    pub(crate) about: String,
    pub(crate) bot: bool,
    pub(crate) online_until: i32,
    pub(crate) seen: i32,
}

impl User {
    /// First and last name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

const COLUMNS: &str =
    "id, phone, first_name, last_name, username, about, bot_token_hash IS NOT NULL, online_until, seen";

/// The user with this id.
pub(crate) fn find(db: &Db, id: i64) -> Result<Option<User>> {
    one(db, &format!("SELECT {COLUMNS} FROM users WHERE id = ?1"), [id], read)
}

/// The user with this phone number (digits only).
pub(crate) fn by_phone(db: &Db, phone: &str) -> Result<Option<User>> {
    one(db, &format!("SELECT {COLUMNS} FROM users WHERE phone = ?1"), [phone], read)
}

/// The user with this username, in whatever case.
pub(crate) fn by_username(db: &Db, username: &str) -> Result<Option<User>> {
    one(db, &format!("SELECT {COLUMNS} FROM users WHERE username = ?1"), [username], read)
}

/// Users whose name or username begins with `prefix` in some word; at most `limit`.
pub(crate) fn search(db: &Db, prefix: &str, limit: i64) -> Result<Vec<User>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM users WHERE username LIKE ?1 ESCAPE '\\' OR first_name LIKE ?1 ESCAPE '\\'
         OR last_name LIKE ?1 ESCAPE '\\' OR first_name || ' ' || last_name LIKE ?1 ESCAPE '\\' ORDER BY id LIMIT ?2"
    );
    all(db, &sql, params![super::prefix_pattern(prefix), limit], read)
}

/// Makes a human.
pub(crate) fn insert_human(db: &Db, phone: &str, first_name: &str, last_name: &str) -> Result<User> {
    let sql = "SELECT COALESCE(MAX(id), ?1 - 1) + 1 FROM users WHERE bot_token_hash IS NULL";
    let mut id = one(db, sql, [FIRST_HUMAN_ID], |row| row.get(0))?.unwrap_or(FIRST_HUMAN_ID);
    while find(db, id)?.is_some() {
        id += 1;
    }
    let sql = "INSERT INTO users (id, phone, first_name, last_name, seen) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![id, phone, first_name, last_name, unix_time()])?;
    log::insert_counters(db, id)?;
    inserted(db, id)
}

/// Makes a bot with the id its token names.
pub(crate) fn insert_bot(db: &Db, id: i64, token_hash: &[u8]) -> Result<User> {
    let sql = "INSERT INTO users (id, first_name, username, bot_token_hash) VALUES (?1, ?2, ?3, ?4)";
    run(db, sql, params![id, format!("Bot {id}"), format!("bot{id}_bot"), token_hash])?;
    log::insert_counters(db, id)?;
    inserted(db, id)
}

/// How many bots there are.
pub(crate) fn bot_count(db: &Db) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM users WHERE bot_token_hash IS NOT NULL", [], |row| row.get(0))?.unwrap_or(0))
}

/// How many command lists this bot has.
pub(crate) fn command_list_count(db: &Db, bot: i64) -> Result<i64> {
    Ok(one(db, "SELECT COUNT(*) FROM bot_commands WHERE bot = ?1", [bot], |row| row.get(0))?.unwrap_or(0))
}

/// The hash of this bot's token; none for a human or nobody.
pub(crate) fn bot_token_hash(db: &Db, id: i64) -> Result<Option<Vec<u8>>> {
    Ok(one(db, "SELECT bot_token_hash FROM users WHERE id = ?1", [id], |row| row.get(0))?.flatten())
}

/// The commands this bot announces in this scope (`BotCommandScope`) and language.
pub(crate) fn bot_commands(db: &Db, bot: i64, scope: &[u8], language: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT commands FROM bot_commands WHERE bot = ?1 AND scope = ?2 AND language = ?3";
    one(db, sql, params![bot, scope, language], |row| row.get(0))
}

/// Announces a bot's commands; none takes them back.
pub(crate) fn set_bot_commands(db: &Db, bot: i64, scope: &[u8], language: &str, commands: Option<&[u8]>) -> Result<()> {
    run(db, "DELETE FROM bot_commands WHERE bot = ?1 AND scope = ?2 AND language = ?3", params![bot, scope, language])?;
    if let Some(commands) = commands {
        let sql = "INSERT INTO bot_commands (bot, scope, language, commands) VALUES (?1, ?2, ?3, ?4)";
        run(db, sql, params![bot, scope, language, commands])?;
    }
    Ok(())
}

/// Writes names and about text as they are in `user`.
pub(crate) fn update_profile(db: &Db, user: &User) -> Result<()> {
    let sql = "UPDATE users SET first_name = ?2, last_name = ?3, about = ?4 WHERE id = ?1";
    run(db, sql, params![user.id, user.first_name, user.last_name, user.about])?;
    Ok(())
}

/// Gives the user a username, or takes it away.
pub(crate) fn set_username(db: &Db, id: i64, username: Option<&str>) -> Result<()> {
    run(db, "UPDATE users SET username = ?2 WHERE id = ?1", params![id, username])?;
    Ok(())
}

/// Says until when the user counts as online; a time that has passed means offline.
pub(crate) fn set_presence(db: &Db, id: i64, online_until: i32, seen: i32) -> Result<()> {
    run(db, "UPDATE users SET online_until = ?2, seen = ?3 WHERE id = ?1", params![id, online_until, seen])?;
    Ok(())
}

/// Who is told that this user came or went: those who have a chat with them or have them as a contact.
pub(crate) fn audience(db: &Db, id: i64) -> Result<Vec<i64>> {
    let sql = "SELECT peer FROM dialogs WHERE owner = ?1 AND peer > 0 AND peer <> ?1
               UNION SELECT owner FROM contacts WHERE user = ?1 LIMIT ?2";
    all(db, sql, [id, AUDIENCE_MAX], |row| row.get(0))
}

fn inserted(db: &Db, id: i64) -> Result<User> {
    find(db, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn read(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.get(0)?,
        phone: row.get(1)?,
        first_name: row.get(2)?,
        last_name: row.get(3)?,
        username: row.get(4)?,
        about: row.get(5)?,
        bot: row.get(6)?,
        online_until: row.get(7)?,
        seen: row.get(8)?,
    })
}
