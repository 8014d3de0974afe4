//! The tables, and the version they have.
//!
//! Invariant: a database of another version is either brought up to this one or refused, never half understood.

use rusqlite::config::DbConfig;

use super::{Db, Result};

/// What each version added to the one before it. A step, once used, stays as it is.
const STEPS: [&str; 10] = [
    TABLES,
    CHANNELS,
    super::files::TABLES,
    super::uploads::TABLES,
    COUNTED,
    super::qts::TABLES,
    OF_KEYS,
    TOPICS,
    LOGIN_TOKENS,
    super::secret_chats::TABLES,
];
/// How many steps a database of this version has had.
pub(super) const VERSION: i32 = STEPS.len() as i32;

/// Sets the connection up and makes the tables in an empty database. Gives the database's version if it is too new.
pub(super) fn prepare(db: &Db) -> Result<Option<i32>> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // A kept statement stays as it is when other values are bound to it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let found: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Ok(Some(found));
    }
    for (version, step) in (1..=VERSION).zip(STEPS).filter(|(version, _)| *version > found) {
        db.execute_batch(&format!("BEGIN; {step} PRAGMA user_version = {version}; COMMIT;"))?;
    }
    Ok(None)
}

const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Authorisation keys, and who is logged in with each.
CREATE TABLE auth_keys (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    layer INTEGER,
    user INTEGER,               -- logged in
    password_pending INTEGER,   -- gave the right code, must give the password still
    revoked INTEGER NOT NULL DEFAULT 0,
    hash INTEGER NOT NULL,      -- names the authorisation in account.getAuthorizations
    api_id INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    active INTEGER NOT NULL
);
CREATE INDEX auth_keys_by_user ON auth_keys (user) WHERE user IS NOT NULL;

CREATE TABLE login_codes (
    hash TEXT PRIMARY KEY,
    phone TEXT NOT NULL,
    api_id INTEGER NOT NULL,
    verified INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE exported_logins (
    token BLOB PRIMARY KEY,
    user INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE passwords (
    user INTEGER PRIMARY KEY,
    salt1 BLOB NOT NULL,
    salt2 BLOB NOT NULL,
    verifier BLOB NOT NULL,
    hint TEXT NOT NULL
);
CREATE TABLE srp_exchanges (
    id INTEGER PRIMARY KEY,
    user INTEGER NOT NULL,
    secret_b BLOB NOT NULL,
    expires INTEGER NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    phone TEXT UNIQUE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL DEFAULT '',
    username TEXT UNIQUE COLLATE NOCASE,
    about TEXT NOT NULL DEFAULT '',
    bot_token_hash BLOB,        -- a bot has one, a human has none
    online_until INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE bot_commands (
    bot INTEGER NOT NULL,
    scope BLOB NOT NULL,        -- BotCommandScope
    language TEXT NOT NULL,
    commands BLOB NOT NULL,     -- Vector<BotCommand>
    PRIMARY KEY (bot, scope, language)
) WITHOUT ROWID;
-- What changes with every message, apart from the wide and seldom changed users.
CREATE TABLE counters (
    user INTEGER PRIMARY KEY,
    pts INTEGER NOT NULL,
    message INTEGER NOT NULL    -- the last message id given out
);

CREATE TABLE contacts (
    owner INTEGER NOT NULL,
    user INTEGER NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    PRIMARY KEY (owner, user)
) WITHOUT ROWID;
CREATE INDEX contacts_by_user ON contacts (user, owner);
CREATE TABLE blocks (
    owner INTEGER NOT NULL,
    user INTEGER NOT NULL,
    date INTEGER NOT NULL,
    PRIMARY KEY (owner, user)
) WITHOUT ROWID;

CREATE TABLE chats (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    creator INTEGER NOT NULL,
    date INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    deactivated INTEGER NOT NULL DEFAULT 0,
    invite TEXT UNIQUE
);
CREATE TABLE chat_members (
    chat INTEGER NOT NULL,
    user INTEGER NOT NULL,
    inviter INTEGER NOT NULL,
    date INTEGER NOT NULL,
    admin INTEGER NOT NULL DEFAULT 0,
    standing INTEGER NOT NULL DEFAULT 0,  -- 0 member, 1 left, 2 removed
    PRIMARY KEY (chat, user)
) WITHOUT ROWID;
CREATE INDEX chat_members_by_user ON chat_members (user, chat);

-- A message once, whoever sees it; and each owner's sight of it, with the owner's own message id.
CREATE TABLE contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender INTEGER NOT NULL,
    date INTEGER NOT NULL,
    edit_date INTEGER,
    text TEXT NOT NULL,
    entities BLOB,
    action BLOB,
    forward BLOB,
    reply_to INTEGER,           -- contents.id
    quote BLOB,
    markup BLOB,
    silent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE boxes (
    owner INTEGER NOT NULL,
    id INTEGER NOT NULL,
    peer INTEGER NOT NULL,
    content INTEGER NOT NULL,
    mentioned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE INDEX boxes_by_peer ON boxes (owner, peer, id);
CREATE INDEX boxes_by_content ON boxes (content, owner, id);
CREATE TABLE random_ids (
    sender INTEGER NOT NULL,
    random_id INTEGER NOT NULL,
    date INTEGER NOT NULL,
    PRIMARY KEY (sender, random_id)
) WITHOUT ROWID;

CREATE TABLE dialogs (
    owner INTEGER NOT NULL,
    peer INTEGER NOT NULL,
    top_message INTEGER NOT NULL,
    read_inbox INTEGER NOT NULL DEFAULT 0,
    read_outbox INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,
    marked_unread INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,   -- 0: not; else the greater the higher
    draft BLOB,
    notify BLOB,
    PRIMARY KEY (owner, peer)
) WITHOUT ROWID;

-- What getDifference answers from.
CREATE TABLE updates (
    owner INTEGER NOT NULL,
    pts INTEGER NOT NULL,
    pts_count INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    message INTEGER NOT NULL,
    other BLOB,
    PRIMARY KEY (owner, pts)
) WITHOUT ROWID;
";

const CHANNELS: &str = "
-- Supergroups and broadcast channels. Each has a box, a log and counters of its own: their owner is its peer code.
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    about TEXT NOT NULL,
    creator INTEGER NOT NULL,
    date INTEGER NOT NULL,
    broadcast INTEGER NOT NULL,
    signatures INTEGER NOT NULL DEFAULT 0,
    username TEXT UNIQUE COLLATE NOCASE,
    banned_rights BLOB NOT NULL,          -- ChatBannedRights of every ordinary member
    migrated_from INTEGER,                -- the basic group it was
    deleted INTEGER NOT NULL DEFAULT 0,
    members INTEGER NOT NULL DEFAULT 0,   -- how many are in it
    moved INTEGER NOT NULL                -- when its pts last grew
);
CREATE TABLE channel_members (
    channel INTEGER NOT NULL,
    user INTEGER NOT NULL,
    inviter INTEGER NOT NULL,
    date INTEGER NOT NULL,
    standing INTEGER NOT NULL,            -- 0 member, 1 left, 2 banned
    via_request INTEGER NOT NULL DEFAULT 0,
    admin_rights BLOB,                    -- ChatAdminRights: an administrator
    promoted_by INTEGER NOT NULL DEFAULT 0,
    rank TEXT,
    banned_rights BLOB,                   -- ChatBannedRights: restricted or banned
    banned_until INTEGER NOT NULL DEFAULT 0,
    banned_by INTEGER NOT NULL DEFAULT 0,
    available_min INTEGER NOT NULL DEFAULT 0,  -- messages up to this id are deleted for this member
    PRIMARY KEY (channel, user)
) WITHOUT ROWID;
CREATE INDEX channel_members_by_user ON channel_members (user, channel) WHERE standing = 0;
CREATE TABLE channel_mentions (
    channel INTEGER NOT NULL,
    message INTEGER NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (channel, message, user)
) WITHOUT ROWID;
CREATE TABLE post_viewers (
    content INTEGER NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (content, user)
) WITHOUT ROWID;
ALTER TABLE contents ADD COLUMN post INTEGER NOT NULL DEFAULT 0;  -- in a broadcast channel: the channel speaks
ALTER TABLE contents ADD COLUMN author TEXT;                      -- a post's signature
ALTER TABLE contents ADD COLUMN views INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contents ADD COLUMN forwards INTEGER NOT NULL DEFAULT 0;

-- Invite links of basic groups and channels.
CREATE TABLE invites (
    hash TEXT PRIMARY KEY,
    peer INTEGER NOT NULL,
    admin INTEGER NOT NULL,
    date INTEGER NOT NULL,
    title TEXT,
    expires INTEGER,
    usage_limit INTEGER,
    usage INTEGER NOT NULL DEFAULT 0,
    request_needed INTEGER NOT NULL DEFAULT 0,
    permanent INTEGER NOT NULL DEFAULT 0,
    revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX invites_by_peer ON invites (peer, admin, date);
CREATE TABLE invite_uses (
    hash TEXT NOT NULL,
    user INTEGER NOT NULL,
    date INTEGER NOT NULL,
    approved_by INTEGER,
    PRIMARY KEY (hash, user)
) WITHOUT ROWID;
CREATE TABLE join_requests (
    peer INTEGER NOT NULL,
    user INTEGER NOT NULL,
    hash TEXT NOT NULL,
    date INTEGER NOT NULL,
    PRIMARY KEY (peer, user)
) WITHOUT ROWID;
INSERT INTO invites (hash, peer, admin, date, permanent)
    SELECT invite, -id, creator, date, 1 FROM chats WHERE invite IS NOT NULL;

ALTER TABLE chats RENAME TO chats_before;
CREATE TABLE chats (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    creator INTEGER NOT NULL,
    date INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    deactivated INTEGER NOT NULL DEFAULT 0,
    banned_rights BLOB,                   -- ChatBannedRights of every ordinary member
    migrated_to INTEGER                   -- the supergroup it became
);
INSERT INTO chats (id, title, about, creator, date, version, deactivated)
    SELECT id, title, about, creator, date, version, deactivated FROM chats_before;
DROP TABLE chats_before;
";

const COUNTED: &str = "
-- What there may be only so many of is counted by an index.
CREATE INDEX auth_keys_unused ON auth_keys (created) WHERE user IS NULL;
CREATE INDEX login_codes_by_phone ON login_codes (phone);
CREATE INDEX exported_logins_by_user ON exported_logins (user, expires);
CREATE INDEX bots ON users (id) WHERE bot_token_hash IS NOT NULL;
CREATE INDEX chats_by_creator ON chats (creator);
CREATE INDEX channels_by_creator ON channels (creator);
";

const OF_KEYS: &str = "
-- What a login needs between two requests is the key's that asked for it.
ALTER TABLE login_codes ADD COLUMN auth_key INTEGER NOT NULL DEFAULT 0;
ALTER TABLE srp_exchanges ADD COLUMN auth_key INTEGER NOT NULL DEFAULT 0;
DROP INDEX login_codes_by_phone;
CREATE INDEX login_codes_by_key ON login_codes (auth_key, expires);
CREATE INDEX login_codes_by_age ON login_codes (expires);
CREATE INDEX srp_exchanges_by_key ON srp_exchanges (auth_key);
CREATE INDEX srp_exchanges_by_age ON srp_exchanges (expires);
";

const TOPICS: &str = "
-- A supergroup with topics, and the message that began the topic of a content.
ALTER TABLE channels ADD COLUMN forum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contents ADD COLUMN topic INTEGER;
-- What was sent by a random_id, so that who missed the answer learns it from the difference.
ALTER TABLE random_ids ADD COLUMN content INTEGER;
CREATE INDEX random_ids_by_content ON random_ids (content) WHERE content IS NOT NULL;
";

const LOGIN_TOKENS: &str = "
CREATE TABLE login_tokens (
    token BLOB PRIMARY KEY,
    auth_key INTEGER NOT NULL,    -- asked for it
    except_ids BLOB NOT NULL,     -- users who are not to accept it, eight bytes each
    expires INTEGER NOT NULL,
    accepted_by INTEGER           -- this user
) WITHOUT ROWID;
CREATE INDEX login_tokens_by_key ON login_tokens (auth_key, expires);
CREATE INDEX login_tokens_by_age ON login_tokens (expires);
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DATABASE_FILE, Limits, Model, Peer, invites, log, login, members, messages, qts, secret_chats, uploads, users,
    };
    use crate::model::{channels, chats};
    use crate::seam::AuthKeys as _;

    /// A database of this version with these rows in it, opened now.
    fn brought_up(version: usize, rows: &str, limits: Limits) -> (tempfile::TempDir, Model) {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path().join(DATABASE_FILE)).unwrap();
        let tables = STEPS[..version].concat();
        db.execute_batch(&format!("{tables} {rows} PRAGMA user_version = {version};")).unwrap();
        drop(db);
        let model = Model::open(dir.path(), limits).unwrap();
        (dir, model)
    }

    #[test]
    fn groups_of_version_1_have_their_links() {
        let rows = "INSERT INTO chats (id, title, creator, date, invite) VALUES (1000001, 'Friends', 7, 5, 'abc');";
        let (_dir, model) = brought_up(1, rows, Limits::default());
        let db = model.lock();
        let chat = chats::find(&db, 1_000_001).unwrap().unwrap();
        assert_eq!((chat.title.as_str(), chat.creator, chat.migrated_to), ("Friends", 7, None));
        let invite = invites::find(&db, "abc").unwrap().unwrap();
        assert_eq!((invite.peer, invite.admin, invite.permanent), (Peer::Chat(chat.id), 7, true));
    }

    #[test]
    fn messages_and_channels_of_version_2_are_as_they_were() {
        let rows = "INSERT INTO contents (id, sender, date, text, views) VALUES (3, 7, 5, 'hello', 9);
                    INSERT INTO boxes (owner, id, peer, content) VALUES (8, 4, 7, 3);
                    INSERT INTO channels (id, title, about, creator, date, broadcast, banned_rights, members, moved)
                        VALUES (1000002, 'News', '', 7, 5, 1, x'', 1, 6);
                    INSERT INTO channel_members (channel, user, inviter, date, standing) VALUES (1000002, 7, 7, 5, 0);";
        let (_dir, model) = brought_up(2, rows, Limits::default());
        let db = model.lock();
        let content = messages::find(&db, 8, 4).unwrap().unwrap().content;
        assert_eq!((content.text.as_str(), content.media, content.files), ("hello", None, Vec::new()));
        assert_eq!(channels::find(&db, 1_000_002).unwrap().unwrap().title, "News");
        assert!(members::find(&db, 1_000_002, 7).unwrap().is_some());
    }

    #[test]
    fn how_much_was_uploaded_is_known_of_version_3() {
        let rows = "INSERT INTO blobs (id, size, part_bytes) VALUES (1, 5000, 4999), (2, NULL, NULL), (3, NULL, NULL);
                    INSERT INTO uploads (user, file_id, blob, big, touched) VALUES (7, 1, 1, 0, 5), (7, 2, 2, 0, 5), (8, 1, 3, 0, 5);
                    INSERT INTO upload_parts VALUES (2, 0, 10), (2, 1, 4), (3, 0, 2);";
        let (_dir, model) = brought_up(3, rows, Limits::default());
        let db = model.lock();
        let sums = || {
            let of_users = [7, 8, 9].map(|user| uploads::unfinished_bytes_of(&db, user).unwrap());
            (uploads::stored_bytes(&db).unwrap(), uploads::unfinished_bytes(&db).unwrap(), of_users)
        };
        let blocks = |stored, unfinished, of_users: [i64; 3]| {
            (
                stored * uploads::BLOCK_BYTES,
                unfinished * uploads::BLOCK_BYTES,
                of_users.map(|blocks| blocks * uploads::BLOCK_BYTES),
            )
        };
        assert_eq!(sums(), blocks(3, 3, [2, 1, 0]));
        let upload = uploads::find(&db, 7, 2).unwrap().unwrap();
        uploads::set_part(&db, 7, 2, &upload, 1, 5_000, 6).unwrap();
        assert_eq!(sums(), blocks(3, 4, [3, 1, 0]));
        let blob = crate::model::disk::Blob { id: upload.blob, size: 5_010, part_bytes: 5_000 };
        uploads::finish(&db, &blob).unwrap();
        assert_eq!(sums(), blocks(6, 1, [0, 1, 0]));
        crate::model::files::sweep(&db, 6, 6).unwrap();
        assert_eq!(sums(), blocks(3, 0, [0, 0, 0]), "the finished one was touched since");
    }

    #[test]
    fn what_is_bounded_is_counted_of_version_4() {
        let rows = "INSERT INTO auth_keys (id, key, user, hash, created, active)
                        VALUES (1, x'01', 7, 0, 1, 1), (2, x'02', NULL, 0, 2, 2), (3, x'03', NULL, 0, 3, 3);
                    INSERT INTO users (id, first_name, bot_token_hash) VALUES (7, 'A', NULL), (8, 'B', x'01');
                    INSERT INTO counters (user, pts, message) VALUES (7, 1, 0), (8, 1, 0);
                    INSERT INTO chats (id, title, creator, date) VALUES (1000001, 'Friends', 7, 5);
                    INSERT INTO channels (id, title, about, creator, date, broadcast, banned_rights, members, moved)
                        VALUES (1000002, 'News', '', 7, 5, 1, x'', 1, 6);
                    INSERT INTO exported_logins (token, user, expires) VALUES (x'01', 7, 2147483647);";
        let (_dir, model) = brought_up(4, rows, Limits { keys_without_login_max: 2, ..Limits::default() });
        assert!(model.insert(&[9; 256]));
        let db = model.lock();
        let of_keys: Vec<i64> =
            crate::model::all(&db, "SELECT id FROM auth_keys WHERE id < 4 AND id > 0 ORDER BY id", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(of_keys, [1, 3], "the oldest without a login makes room");
        assert_eq!(users::bot_count(&db).unwrap(), 1);
        assert_eq!((chats::made_count(&db, 7).unwrap(), channels::made_count(&db, 7).unwrap()), (1, 1));
        assert!(login::take_export(&db, 7, &[1]).unwrap());
    }

    #[test]
    fn counting_goes_on_where_version_5_stood() {
        let rows = "INSERT INTO counters (user, pts, message) VALUES (7, 40, 3);";
        let (_dir, model) = brought_up(5, rows, Limits::default());
        let db = model.lock();
        assert_eq!(
            (log::pts(&db, 7).unwrap(), qts::now(&db, 7).unwrap()),
            (40, 100),
            "100 is what was told until then"
        );
        qts::append(&db, 7, 101, b"update").unwrap();
        assert_eq!(log::append_message(&db, 7).unwrap(), (4, 41));
        assert_eq!(qts::after(&db, 7, 100, 10).unwrap().qts, 101);
    }

    #[test]
    fn a_login_under_way_in_version_6_goes_on() {
        let rows = "INSERT INTO login_codes (hash, phone, api_id, verified, expires)
                        VALUES ('a', '9996610001', 5, 1, 2147483647), ('b', '9996610001', 5, 0, 2147483647);
                    INSERT INTO srp_exchanges (id, user, secret_b, expires)
                        VALUES (3, 7, x'01', 2147483647), (4, 8, x'02', 2147483647);";
        let (_dir, model) = brought_up(6, rows, Limits::default());
        let db = model.lock();
        login::insert_code(&db, 1, "9996610001", 5, 1).unwrap();
        login::insert_srp(&db, 1, 7, &[9]).unwrap();
        assert!(login::find_code(&db, "a").unwrap().unwrap().verified);
        assert!(!login::find_code(&db, "b").unwrap().unwrap().verified);
        assert_eq!(login::take_srp(&db, 7, 3).unwrap(), Some(vec![1]));
        assert_eq!(login::take_srp(&db, 8, 4).unwrap(), Some(vec![2]));
    }

    #[test]
    fn messages_of_version_7_are_in_no_topic() {
        let rows = "INSERT INTO contents (id, sender, date, text) VALUES (3, 7, 5, 'hello');
                    INSERT INTO boxes (owner, id, peer, content) VALUES (7, 4, 8, 3);
                    INSERT INTO random_ids VALUES (7, 99, 5);";
        let (_dir, model) = brought_up(7, rows, Limits::default());
        let db = model.lock();
        assert_eq!(messages::find(&db, 7, 4).unwrap().unwrap().content.topic, None);
        assert_eq!(messages::random_id(&db, 7, 3).unwrap(), None);
        assert!(!messages::insert_random_id(&db, 7, 99, 6).unwrap(), "it was used already");
    }

    #[test]
    fn keys_of_version_9_count_from_where_they_were_told() {
        let rows = "INSERT INTO auth_keys (id, key, user, hash, created, active) VALUES (1, x'01', 7, 0, 1, 1);
                    INSERT INTO counters (user, pts, message, qts) VALUES (7, 1, 0, 100);";
        let (_dir, model) = brought_up(9, rows, Limits::default());
        let db = model.lock();
        assert_eq!((secret_chats::qts(&db, 1).unwrap(), qts::now(&db, 7).unwrap()), (100, 100));
        assert_eq!(secret_chats::append(&db, 1, 5, b"message").unwrap(), 101);
        assert_eq!(secret_chats::waiting_count(&db, 1).unwrap(), 1);
    }
}
