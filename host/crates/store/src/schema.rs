//! The tables, and how a file gets them.
//!
//! Invariant: `user_version` says which format a file has; a file of another format is never written.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::Fault;

/// The format this program writes.
const FORMAT: i64 = 3;

/// How many prepared statements are kept: more than there are different ones.
const STATEMENTS_MAX: usize = 64;

/// The log's length at which a writer moves it into the file itself. Long before that it is done beside the writer.
const LOG_PAGES_MAX: i64 = 4_096;

/// Makes the connection ready for use, and the tables in a new file.
pub(crate) fn prepare(connection: &Connection) -> Result<(), Fault> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A kept statement stays as it is when other values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        FORMAT => Ok(()),
        0 => create(connection),
        1..FORMAT => update(connection, found),
        found if found > FORMAT => Err(Fault::TooNew { found, known: FORMAT }),
        found => Err(Fault::Content(format!("it says format {found}, which never was"))),
    }
}

fn create(connection: &Connection) -> Result<(), Fault> {
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(Fault::Content("it is the database of another program".to_owned()));
    }
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(CHANNEL_TABLES)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

/// Brings a file of an earlier format up to date, or leaves it as it is.
fn update(connection: &Connection, found: i64) -> Result<(), Fault> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    if found < 2 {
        name_peers(&transaction)?;
    }
    keep_media(&transaction)?;
    add_channels(&transaction)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

/// From format 1, in which a message held its peers, to 2, in which it names them.
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

/// From format 2 to 3: it is known where the server keeps a message's photo or file. Of older messages it is asked when
/// it is wanted.
fn keep_media(transaction: &Connection) -> Result<(), Fault> {
    Ok(transaction.execute_batch("ALTER TABLE message ADD COLUMN media TEXT")?)
}

/// From format 2 to 3: channels have states, and messages are the older the earlier they were sent, whatever their ids,
/// and stay when they are deleted.
fn add_channels(transaction: &Connection) -> Result<(), Fault> {
    transaction.execute_batch(
        "ALTER TABLE message ADD COLUMN date INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE message ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;
         UPDATE message SET date = COALESCE(json_extract(body, '$.date'), 0);",
    )?;
    Ok(transaction.execute_batch(CHANNEL_TABLES)?)
}

/// Peers, messages, events and calls are kept as the JSON of their types in crate `tgl`; columns beside it are what is
/// searched by. Each table and index that a message touches costs a page of the log, so there are few.
const TABLES: &str = "
    CREATE TABLE session (
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
        outgoing INTEGER NOT NULL, unread INTEGER NOT NULL, body TEXT NOT NULL, media TEXT,
        date INTEGER NOT NULL DEFAULT 0, standing INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX message_unread ON message (chat_kind, chat_id, outgoing, id) WHERE unread = 1;
    CREATE TABLE inbox (seq INTEGER PRIMARY KEY, key TEXT, event TEXT);
    CREATE UNIQUE INDEX inbox_key ON inbox (key) WHERE key IS NOT NULL;
    CREATE TABLE script (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE outbox (random_id INTEGER PRIMARY KEY, script TEXT NOT NULL, place INTEGER NOT NULL, call TEXT NOT NULL);
";

/// What came with format 3.
const CHANNEL_TABLES: &str = "
    CREATE TABLE channel (
        number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, pts INTEGER, top_id INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX message_date ON message (date);
    CREATE INDEX message_restored ON message (chat_kind, chat_id, id) WHERE standing = 2;
";
