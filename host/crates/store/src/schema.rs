//! The tables, and how a file gets them: step by step, each format from the one before.
//!
//! Invariant: `user_version` says how many steps a file has had; a file with more of them than are known is never written.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::Fault;

/// What each format changed about the one before it, from an empty file on. A step, once used, stays as it is.
const STEPS: [Step; 5] = [make_tables, name_peers, add_channels, tell_scripts_apart, let_calls_wait];

type Step = fn(&Connection) -> Result<(), Fault>;

/// The format this program writes.
const FORMAT: i64 = STEPS.len() as i64;

/// The first format that tells scripts apart by more than their files' names.
pub(crate) const SCRIPTS_FORMAT: i64 = 4;

/// How many prepared statements are kept: more than there are different ones.
const STATEMENTS_MAX: usize = 64;

/// The log's length at which a writer moves it into the file itself. Long before that it is done beside the writer.
const LOG_PAGES_MAX: i64 = 4_096;

/// How long the log's file stays after it was longer.
const LOG_BYTES_KEPT: i64 = 4 << 20;

/// Makes the connection ready for use, and brings the file to the format of this program, or leaves it as it is.
pub(crate) fn prepare(connection: &Connection) -> Result<(), Fault> {
    prepare_reader(connection)?;
    // Before anything is written: pages that are free can go back to the system. To say it again would be a write.
    if !is_shrinkable(connection)? {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    let found = format(connection)?;
    match usize::try_from(found) {
        Ok(done) if found <= FORMAT => step_on(connection, done).and_then(|()| make_shrinkable(connection)),
        Ok(_) => Err(Fault::TooNew { found, known: FORMAT }),
        Err(_) => Err(Fault::Content(format!("it says format {found}, which never was"))),
    }
}

/// Makes a connection ready that only looks things up.
pub(crate) fn prepare_reader(connection: &Connection) -> Result<(), Fault> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A kept statement stays as it is when other values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The format that the file has.
pub(crate) fn format(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Takes the steps that the file has not had, all or none.
fn step_on(connection: &Connection, done: usize) -> Result<(), Fault> {
    if done == STEPS.len() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if done == 0 && tables > 0 {
        return Err(Fault::Content("it is the database of another program".to_owned()));
    }
    STEPS[done..].iter().try_for_each(|step| step(&transaction))?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

/// A file of the time when free pages stayed in it for ever is written anew.
fn make_shrinkable(connection: &Connection) -> Result<(), Fault> {
    if !is_shrinkable(connection)?
        && let Err(error) = connection.execute_batch("VACUUM")
    {
        tracing::debug!(%error, "an account's file stays as large as it was");
    }
    Ok(())
}

/// Whether free pages of the file can go back to the system.
fn is_shrinkable(connection: &Connection) -> Result<bool, Fault> {
    let auto_vacuum: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    Ok(auto_vacuum != 0)
}

/// Peers, messages, events and calls are kept as the JSON of their types in crate `tgl`; columns beside it are what is
/// searched by. Each table and index that a message touches costs a page of the log, so there are few.
fn make_tables(transaction: &Connection) -> Result<(), Fault> {
    Ok(transaction.execute_batch(
        "CREATE TABLE session (
             one INTEGER PRIMARY KEY CHECK (one = 1),
             home_dc INTEGER, user_id INTEGER, is_bot INTEGER, pts INTEGER, qts INTEGER, date INTEGER, seq INTEGER,
             pruned_seq INTEGER NOT NULL DEFAULT 0
         );
         INSERT INTO session (one) VALUES (1);
         CREATE TABLE dc (id INTEGER PRIMARY KEY, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL, auth_key BLOB);
         CREATE TABLE peer (
             kind INTEGER NOT NULL, id INTEGER NOT NULL,
             name_base TEXT NOT NULL, name_number INTEGER NOT NULL,
             access_hash INTEGER, details TEXT NOT NULL, facts TEXT NOT NULL,
             PRIMARY KEY (kind, id), UNIQUE (name_base, name_number)
         ) WITHOUT ROWID;
         CREATE TABLE message (
             id INTEGER PRIMARY KEY,
             chat_kind INTEGER NOT NULL, chat_id INTEGER NOT NULL,
             outgoing INTEGER NOT NULL, unread INTEGER NOT NULL, body TEXT NOT NULL
         );
         CREATE INDEX message_unread ON message (chat_kind, chat_id, outgoing, id) WHERE unread = 1;
         CREATE TABLE inbox (seq INTEGER PRIMARY KEY, key TEXT, event TEXT);
         CREATE UNIQUE INDEX inbox_key ON inbox (key) WHERE key IS NOT NULL;
         CREATE TABLE script (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE outbox (
             random_id INTEGER PRIMARY KEY, script TEXT NOT NULL, place INTEGER NOT NULL, call TEXT NOT NULL
         );",
    )?)
}

/// A message held its peers; now it names them.
fn name_peers(transaction: &Connection) -> Result<(), Fault> {
    for (table, column, message) in [("message", "body", "$"), ("inbox", "event", "$.Message")] {
        for place in ["source", "destination", "forward.source"] {
            transaction.execute_batch(&format!(
                "UPDATE {table} SET {column} = json_replace({column}, '{message}.{place}', json((
                     SELECT json_object('kind', key, 'id', json_extract(value, '$.id'))
                     FROM json_each({column}, '{message}.{place}.details')
                 ))) WHERE json_type({column}, '{message}.{place}') IS NOT NULL"
            ))?;
        }
        // It was held without where it went only if nothing was known of that any more.
        transaction.execute_batch(&format!(
            "DELETE FROM {table} WHERE json_type({column}, '{message}.destination') = 'null'"
        ))?;
    }
    Ok(())
}

/// Channels have states; messages are the older the earlier they were sent, whatever their ids, and stay when they are
/// deleted. It is known where the server keeps a message's photo or file; of older messages it is asked when it is wanted.
fn add_channels(transaction: &Connection) -> Result<(), Fault> {
    Ok(transaction.execute_batch(
        "ALTER TABLE message ADD COLUMN media TEXT;
         ALTER TABLE message ADD COLUMN date INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE message ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
         UPDATE message SET date = COALESCE(json_extract(body, '$.date'), 0);
         CREATE INDEX message_date ON message (date);
         CREATE INDEX message_restored ON message (chat_kind, chat_id, id) WHERE standing = 2;
         CREATE TABLE channel (
             number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, pts INTEGER, top_id INTEGER NOT NULL DEFAULT 0
         );",
    )?)
}

/// A script was known by its file's name alone; now by the file, or by a name that its owner gave it.
fn tell_scripts_apart(transaction: &Connection) -> Result<(), Fault> {
    Ok(transaction.execute_batch(
        "ALTER TABLE script ADD COLUMN path BLOB;
         ALTER TABLE script ADD COLUMN is_named INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE script ADD COLUMN is_running INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE script ADD COLUMN last_run INTEGER;",
    )?)
}

/// Calls that a script has no room for in memory wait in the outbox, in its order, those that only ask among them. Only what
/// waits is indexed.
fn let_calls_wait(transaction: &Connection) -> Result<(), Fault> {
    Ok(transaction.execute_batch(
        "ALTER TABLE outbox ADD COLUMN id INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE outbox ADD COLUMN lane TEXT;
         ALTER TABLE outbox ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;
         ALTER TABLE outbox ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
         CREATE INDEX outbox_waiting ON outbox (script, place) WHERE stage = 1;
         CREATE INDEX outbox_lanes ON outbox (script, lane, place) WHERE stage = 1;
         CREATE INDEX outbox_staged ON outbox (script) WHERE stage = 2;",
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_format_has_the_same_tables_after_the_steps_it_lacks() {
        let tables = |db: &Connection| {
            let mut columns =
                db.prepare("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c").unwrap();
            let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            columns.collect::<Result<Vec<(String, String)>, _>>().unwrap()
        };
        let new = Connection::open_in_memory().unwrap();
        prepare(&new).unwrap();
        for done in 0..=STEPS.len() {
            let db = Connection::open_in_memory().unwrap();
            STEPS[..done].iter().try_for_each(|step| step(&db)).unwrap();
            db.pragma_update(None, "user_version", done as i64).unwrap();
            prepare(&db).unwrap();
            assert_eq!((format(&db).unwrap(), tables(&db)), (FORMAT, tables(&new)), "from format {done}");
        }
    }
}
