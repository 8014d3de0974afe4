//! Files of earlier formats are brought up to date.

use super::*;

fn back_to_format_3(db: &Connection) {
    db.execute_batch(
        "DROP INDEX outbox_waiting; DROP INDEX outbox_lanes; DROP INDEX outbox_staged;
         ALTER TABLE outbox DROP COLUMN id; ALTER TABLE outbox DROP COLUMN lane;
         ALTER TABLE outbox DROP COLUMN kept; ALTER TABLE outbox DROP COLUMN stage;
         ALTER TABLE script DROP COLUMN path; ALTER TABLE script DROP COLUMN is_named;
         ALTER TABLE script DROP COLUMN is_running; ALTER TABLE script DROP COLUMN last_run; PRAGMA user_version = 3;
         PRAGMA auto_vacuum = NONE; VACUUM",
    )
    .unwrap();
}

fn back_to_format_2(db: &Connection) {
    back_to_format_3(db);
    db.execute_batch(
        "DROP TABLE channel; DROP INDEX message_date; DROP INDEX message_restored;
         ALTER TABLE message DROP COLUMN date; ALTER TABLE message DROP COLUMN standing;
         ALTER TABLE message DROP COLUMN media; PRAGMA user_version = 2",
    )
    .unwrap();
}

#[test]
fn scripts_of_format_3_wait_for_the_first_that_is_called_so() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    receive(&store, [1, 2]);
    store.scripts().join("bot.py").unwrap();
    receive(&store, [3]);
    drop(store);
    back_to_format_3(&Connection::open(dir.path().join(DATABASE_FILE)).unwrap());
    let seen = scripts(dir.path()).unwrap();
    assert_eq!((seen[0].name.as_str(), &seen[0].path, seen[0].waiting_events), ("bot.py", &None, 1), "before any step");
    let store = open(&dir);
    let first = enrolled(&store, "/alice/bot.py", None);
    assert_eq!((first.name.as_str(), first.origin, first.cursor), ("bot.py", Origin::EarlierVersion, 2));
    let second = enrolled(&store, "/bob/bot.py", None);
    assert_eq!((second.name.as_str(), second.origin, second.cursor), ("bob-bot.py", Origin::New, 3));
}

#[test]
fn a_file_of_format_3_is_brought_up_to_date() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let db = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    back_to_format_3(&db);
    let call = serde_json::to_string(&send(5, "left").call).unwrap();
    db.execute("INSERT INTO outbox VALUES (5, 'bot.py', 1, ?1)", [call]).unwrap();
    drop(db);
    let store = open(&dir);
    assert_eq!(store.scripts().resume_outbox("bot.py").unwrap(), 1);
    let left = store.scripts().take_waiting(&Arc::from("bot.py"), 0, 9, |_, _| true).unwrap();
    assert_eq!(left, [Request { id: 0, ..send(5, "left") }]);
    let vacuum: i64 = store.0.lock().connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
    assert_eq!(vacuum, 2, "pages that are free can go back to the system");
}

#[test]
fn a_file_of_format_2_is_brought_up_to_date() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.record(|batch| batch.put_message(PeerId::user(1), &message(5, "kept"))).unwrap();
    let user = user(7, "Ada", "");
    store.record(|batch| batch.put_peer(&user)).unwrap();
    drop(store);
    let db = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    back_to_format_2(&db);
    let facts = "{\"photo_id\":3,\"is_contact\":true,\"is_deleted\":false,\"is_bot\":false,\"is_left\":false,\"is_admin\":false,
        \"members_count\":0,\"version\":0,\"read_in_max\":0,\"read_out_max\":0}";
    db.execute("UPDATE peer SET facts = ?1", [facts]).unwrap();
    drop(db);
    let store = open(&dir);
    assert_eq!(store.message(5).unwrap().unwrap().text.as_deref(), Some("kept"));
    assert_eq!(store.media(5).unwrap(), None, "the server is asked when it is wanted");
    assert_eq!(store.peer_record(PeerId::user(7)).unwrap().unwrap().facts.photo_id, 3);
    let dates: i64 =
        store.0.lock().connection.query_row("SELECT SUM(date) FROM message", [], |row| row.get(0)).unwrap();
    assert_eq!(dates, 1_700_000_000);
    assert_eq!(store.channel_state(9).unwrap(), ChannelState { pts: None, top_id: 0 });
}

#[test]
fn a_file_of_format_1_is_brought_up_to_date() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let ada = r#"{"name":"Ada","details":{"User":{"id":2,"first_name":"Ada"}}}"#;
    let group = r#"{"name":"Us","details":{"Chat":{"id":7,"title":"Us","member_ids":[]}}}"#;
    let now = serde_json::to_value(message(5, "kept")).unwrap();
    let old = |source: &str, destination: &str| {
        let mut old = now.clone();
        old["source"] = serde_json::from_str(source).unwrap();
        old["destination"] = serde_json::from_str(destination).unwrap();
        old["forward"] =
            serde_json::json!({"source": serde_json::from_str::<serde_json::Value>(source).unwrap(), "date": 3});
        old
    };
    let db = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    back_to_format_2(&db);
    db.pragma_update(None, "user_version", 1).unwrap();
    for (id, source, destination) in [(5, ada, group), (6, "null", group), (7, ada, "null")] {
        let message = old(source, destination);
        db.execute("INSERT INTO message VALUES (?1, 2, 7, 0, 0, ?2)", (id, message.to_string())).unwrap();
        let event = serde_json::json!({"Message": message}).to_string();
        db.execute("INSERT INTO inbox VALUES (?1, NULL, ?2)", (id, event)).unwrap();
    }
    let seen = r#"{"UserUpdate":{"user":"kept as it is","what":{}}}"#;
    db.execute("INSERT INTO inbox VALUES (8, NULL, ?1)", [seen]).unwrap();
    drop(db);

    let store = open(&dir);
    let kept = store.message(5).unwrap().unwrap();
    let (ada, group) = (Some(PeerId::user(2)), PeerId::chat(7));
    assert_eq!((kept.source, kept.destination, kept.forward.unwrap().source), (ada, group, ada));
    let kept = store.message(6).unwrap().unwrap();
    assert_eq!((kept.source, kept.destination, kept.forward.unwrap().source), (None, group, None));
    assert_eq!(store.message(7).unwrap(), None);
    let events = store.scripts().inbox_after(4, 2).unwrap();
    assert!(matches!(&**events[0].1, Event::Message(message) if message.source == ada && message.destination == group));
}

#[test]
fn a_file_of_this_format_is_opened_without_a_write() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let content = || std::fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    let before = content();
    drop(open(&dir));
    assert!(content() == before, "each write counts in the file");
}
