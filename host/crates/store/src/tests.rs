//! What the runtime and the account actor rely on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tgl::{
    Call, Event, Group, Message, MessageFlags, MessageId, Peer, PeerDetails, PeerId, Request, ServiceAction, User,
};

use super::*;
use crate::checkpoint::TRANSACTIONS_MAX;

mod commits;
mod formats;
mod inbox;
mod messages;
mod outbox;
mod scripts;

const SMALL: Bounds = Bounds {
    inbox_events_max: 8,
    away_events_max: 8,
    inbox_bytes_max: INBOX_BYTES_MAX,
    messages_max: 4,
    event_keys_max: 8,
    prune_step: 2,
};

fn open(dir: &TempDir) -> AccountStore {
    AccountStore::open(dir.path()).unwrap()
}

fn message(id: i64, text: &str) -> Message {
    Message {
        id,
        flags: MessageFlags { unread: true, created: true, ..MessageFlags::default() },
        source: Some(PeerId::user(2)),
        destination: PeerId::user(1),
        text: Some(text.to_owned()),
        media: None,
        date: 1_700_000_000,
        forward: None,
        reply_to: None,
        action: ServiceAction::None,
    }
}

fn user(id: i64, first_name: &str, last_name: &str) -> PeerRecord {
    let details = PeerDetails::User(User {
        id,
        first_name: (!first_name.is_empty()).then(|| first_name.to_owned()),
        last_name: (!last_name.is_empty()).then(|| last_name.to_owned()),
        ..User::default()
    });
    PeerRecord { peer: Peer { name: String::new(), details }, access_hash: Some(id * 7), facts: PeerFacts::default() }
}

fn send(random_id: i64, text: &str) -> Request {
    let call = Call::SendMessage { to: PeerId::user(1), text: text.to_owned(), reply_to: None, preview: None };
    Request { id: random_id as u64, random_id, call }
}

/// Records one message event for each id.
fn receive(store: &AccountStore, ids: impl IntoIterator<Item = i64>) -> u64 {
    let write = |batch: &mut Batch<'_>| {
        for id in ids {
            batch.push_event(Some(&format!("m{id}")), &Event::Message(message(id, "hello")))?;
        }
        Ok(())
    };
    store.record(write).unwrap().1
}

fn waiting(store: &AccountStore, after: u64) -> Vec<i64> {
    let events = store.scripts().inbox_after(after, 1000).unwrap();
    events
        .into_iter()
        .map(|(_, event)| match &**event {
            Event::Message(message) => message.id,
            other => panic!("not a message: {other:?}"),
        })
        .collect()
}

#[test]
fn events_come_out_in_the_order_they_went_in_and_once() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    assert_eq!(receive(&store, [5, 3, 9]), 3);
    assert_eq!(receive(&store, [3, 4, 5]), 4, "3 and 5 were known");
    assert_eq!(waiting(&store, 0), [5, 3, 9, 4]);
    assert_eq!(waiting(&store, 2), [9, 4]);
    assert_eq!(store.scripts().inbox_after(0, 2).unwrap().len(), 2);
    assert_eq!(store.inbox_seq(), 4);
}

#[test]
fn a_new_script_begins_at_the_end_and_a_known_one_where_it_was() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    receive(&store, [1, 2]);
    assert_eq!(store.scripts().join("bot.py").unwrap(), 2);
    receive(&store, [3, 4]);
    store.scripts().handled("bot.py", 3, &[], &[]).unwrap();
    store.scripts().handled("bot.py", 1, &[], &[]).unwrap();
    drop(store);
    let store = open(&dir);
    assert_eq!(store.scripts().join("bot.py").unwrap(), 3, "a cursor never goes back");
    assert_eq!(waiting(&store, 3), [4]);
    store.scripts().leave("bot.py").unwrap();
    assert_eq!(store.scripts().join("bot.py").unwrap(), 4);
}

#[test]
fn a_batch_that_fails_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let state = UpdateState { pts: 7, qts: 1, date: 2, seq: 3 };
    store.record(|batch| batch.set_update_state(state)).unwrap();
    let failed = store.record(|batch| {
        batch.push_event(Some("m1"), &Event::Message(message(1, "x")))?;
        batch.put_message(PeerId::user(1), &message(1, "x"))?;
        batch.set_update_state(UpdateState { pts: 8, ..state })?;
        Err::<(), _>(StoreError::InboxFull { path: PathBuf::new() })
    });
    assert!(failed.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = store.record(|batch| -> Result<(), StoreError> {
            batch.set_update_state(UpdateState { pts: 9, ..state })?;
            panic!("as a bug would");
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(store.inbox_seq(), 0);
    assert_eq!(store.update_state().unwrap(), Some(state));
    assert_eq!(store.message(1).unwrap(), None);
    assert_eq!(receive(&store, [1]), 1, "its key was not used up");
}

#[test]
fn a_process_killed_after_a_record_finds_all_of_it_again() {
    let dir = TempDir::new().unwrap();
    let killed = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().join("bot.py").unwrap();
    receive(&store, [1, 2, 3]);
    store.scripts().handled("bot.py", 2, &[send(77, "answer")], &[]).unwrap();
    // What a kill leaves: the files as they are, with nothing flushed or closed.
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), killed.path().join(file.file_name())).unwrap();
    }
    let store = open(&killed);
    assert_eq!(store.scripts().join("bot.py").unwrap(), 2);
    assert_eq!(waiting(&store, 2), [3]);
    assert_eq!(store.scripts().outbox("bot.py").unwrap().len(), 1);
    assert_eq!(receive(&store, [3, 4]), 4);
}

#[test]
fn who_was_to_be_online_until_now_is_not() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    for (online, when, seen) in [(true, now + 300, true), (true, now - 1, false), (false, now + 300, false)] {
        let mut record = user(1, "Ada", "");
        if let PeerDetails::User(user) = &mut record.peer.details {
            user.status = tgl::UserStatus { online, when };
        }
        store.record(|batch| batch.put_peer(&record)).unwrap();
        let PeerDetails::User(user) = store.peer(PeerId::user(1)).unwrap().unwrap().details else { panic!() };
        assert_eq!(user.status, tgl::UserStatus { online: seen, when });
    }
}

#[test]
fn a_peer_is_given_as_it_was_last_committed_and_in_a_batch_as_that_has_it() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let id = PeerId::user(1);
    let known = |store: &AccountStore| store.peer(id).unwrap().map(|peer| peer.name);
    assert_eq!(known(&store), None);
    store.record(|batch| batch.put_peer(&user(1, "Ada", "")).map(drop)).unwrap();
    assert_eq!((known(&store), store.scripts().peer(id).unwrap()), (Some("Ada".to_owned()), store.peer(id).unwrap()));
    let failed = store.record(|batch| {
        batch.put_peer(&user(1, "Eve", ""))?;
        assert_eq!(batch.peer_record(id)?.unwrap().peer.name, "Eve");
        assert_eq!(known(&store), Some("Ada".to_owned()), "it is not committed");
        Err::<(), _>(StoreError::InboxFull { path: PathBuf::new() })
    });
    assert!(failed.is_err());
    assert_eq!(known(&store), Some("Ada".to_owned()));
    store.record(|batch| batch.put_peer(&user(1, "Ida", "")).map(drop)).unwrap();
    assert_eq!(known(&store), Some("Ida".to_owned()));
    let at_next_start = {
        drop(store);
        open(&dir)
    };
    assert_eq!(known(&at_next_start), Some("Ida".to_owned()));
}

#[test]
fn print_names_are_telegram_clis_and_unique() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let put = |record: &PeerRecord| store.record(|batch| batch.put_peer(record)).unwrap().0.name;
    let group = |id, title: &str| {
        let details = PeerDetails::Chat(Group { id, title: title.to_owned(), ..Group::default() });
        PeerRecord { peer: Peer { name: String::new(), details }, ..user(id, "", "") }
    };
    assert_eq!(put(&user(1, "John", "Doe")), "John_Doe");
    assert_eq!(put(&user(2, "John", "Doe")), "John_Doe#1");
    assert_eq!(put(&group(2, "John Doe")), "John_Doe#2");
    assert_eq!(put(&user(2, "John", "Doe")), "John_Doe#1", "a name stays");
    assert_eq!(put(&user(2, "Jane", "")), "Jane");
    assert_eq!(put(&user(3, "John", "Doe")), "John_Doe#3", "a name is not given twice while others use it");
    assert_eq!(put(&user(4, "a\tb", "#1 fan")), "a_b_@1_fan");
    assert_eq!(put(&user(5, "", "")), "user_5");
    assert_eq!(put(&group(6, "Ünïcode 群")), "Ünïcode_群");
    drop(store);
    let store = open(&dir);
    let record = store.peer_record(PeerId::user(2)).unwrap().unwrap();
    assert_eq!((record.peer.name.as_str(), record.access_hash), ("Jane", Some(14)));
    assert_eq!(store.peer(PeerId::chat(1)).unwrap(), None);
}

#[test]
fn the_session_survives_and_its_files_are_the_owners_alone() {
    let dir = TempDir::new().unwrap();
    let account = dir.path().join("accounts/bot");
    let address = "127.0.0.1:443".parse().unwrap();
    let dc = DcRecord { id: 2, ipv4: address, ipv6: "[::1]:443".parse().unwrap(), auth_key: Some([171; 256]) };
    let store = AccountStore::open(&account).unwrap();
    assert_eq!((store.home_dc().unwrap(), store.owner().unwrap(), store.update_state().unwrap()), (None, None, None));
    store.set_home_dc(2).unwrap();
    store.set_dc(&dc).unwrap();
    store.set_owner(Owner { user_id: 1, is_bot: true }).unwrap();
    store.record(|batch| batch.put_peer(&user(1, "Bot", ""))).unwrap();
    assert!(!format!("{dc:?}{store:?}").contains("171"), "no key in Debug");
    for file in std::fs::read_dir(&account).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    assert_eq!(std::fs::metadata(&account).unwrap().permissions().mode() & 0o777, 0o700);
    let seen = inspect(&account).unwrap().unwrap();
    assert_eq!((seen.user.unwrap().name.as_str(), seen.is_bot, seen.dc_address), ("Bot", true, Some(address)));
    drop(store);
    assert_eq!(inspect(&account).unwrap().unwrap().dc_id, Some(2));
    let store = AccountStore::open(&account).unwrap();
    assert_eq!(store.dc(2).unwrap(), Some(dc));
    store.clear_login().unwrap();
    assert_eq!(store.dc(2).unwrap().unwrap().auth_key, None);
    assert_eq!(inspect(&account).unwrap().unwrap().user, None);
    assert_eq!(inspect(dir.path()).unwrap(), None);
}

#[test]
fn another_users_login_begins_empty() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.set_owner(Owner { user_id: 1, is_bot: false }).unwrap();
    store.scripts().join("bot.py").unwrap();
    receive(&store, [1]);
    store.record(|batch| batch.put_message(PeerId::user(1), &message(1, "x"))).unwrap();
    store.set_owner(Owner { user_id: 1, is_bot: false }).unwrap();
    assert_eq!(waiting(&store, 0), [1], "the same user's events stay");
    store.set_owner(Owner { user_id: 2, is_bot: false }).unwrap();
    assert_eq!(waiting(&store, 0), [] as [i64; 0]);
    assert_eq!(store.message(1).unwrap(), None);
    assert_eq!(receive(&store, [1]), 2, "message 1 of another user is another message");
    assert_eq!(waiting(&store, store.scripts().join("bot.py").unwrap()), [1]);
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_left_alone() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 3] = [
        ("is damaged", |file| std::fs::write(file, b"not a database at all, however long the text may be").unwrap()),
        ("another program", |file| Connection::open(file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap()),
        ("newer tglhost", |file| {
            let db = Connection::open(file).unwrap();
            db.execute_batch("CREATE TABLE t (x); PRAGMA user_version = 99").unwrap();
        }),
    ];
    for (said, spoil) in spoil {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join(DATABASE_FILE);
        spoil(&file);
        let before = std::fs::read(&file).unwrap();
        let error = AccountStore::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(file.to_str().unwrap()), "{error}");
        assert!(before.len() > 100 || std::fs::read(&file).unwrap() == before);
    }
}

#[test]
fn an_unreadable_record_is_damage_not_a_panic() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    receive(&store, [1]);
    store.0.lock().connection.execute_batch("UPDATE inbox SET event = '{\"Message\":7}'").unwrap();
    drop(store);
    let store = open(&dir);
    assert!(matches!(store.scripts().inbox_after(0, 10), Err(StoreError::Damaged { .. })));
}

#[test]
fn the_log_is_moved_into_the_file_while_writing_goes_on() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().join("bot.py").unwrap();
    let size = || std::fs::metadata(dir.path().join(DATABASE_FILE)).unwrap().len();
    let (before, deadline) = (size(), std::time::Instant::now() + std::time::Duration::from_secs(20));
    let mut id = 0;
    while size() == before {
        id += 1;
        receive(&store, [id]);
        assert!(std::time::Instant::now() < deadline, "{id} transactions and no checkpoint");
    }
    assert!(id >= i64::from(TRANSACTIONS_MAX), "not at every transaction");
    assert_eq!(waiting(&store, 0).len() as i64, id.min(1_000));
}

#[test]
fn the_log_begins_again_once_it_was_moved() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let size = || std::fs::metadata(dir.path().join(format!("{DATABASE_FILE}-wal"))).unwrap().len();
    let write = |round: i64| {
        let transactions = i64::from(TRANSACTIONS_MAX);
        (0..transactions).for_each(|n| {
            receive(&store, [round * transactions + n + 1]);
        });
        store.0.checkpointer.wait();
        size()
    };
    let first = write(0);
    let later = (1..10).map(write).max().unwrap();
    assert!(later < 2 * first, "after one round {first} bytes, after ten {later}");
}

#[test]
fn an_account_is_open_once() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    assert!(matches!(AccountStore::open(dir.path()), Err(StoreError::InUse { .. })));
    drop(store);
    open(&dir);
}

#[test]
fn the_topic_of_a_message_is_known_with_it() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let put = |batch: &mut Batch<'_>, id| batch.put_message(PeerId::channel(7), &message(id, "text"));
    store
        .record(|batch| {
            put(batch, 5)?;
            put(batch, 6)?;
            batch.put_topic(6, 4)
        })
        .unwrap();
    assert_eq!([4, 5, 6].map(|id| store.scripts().topic(id).unwrap()), [None, None, Some(4)]);
    assert_eq!(store.message(6).unwrap(), Some(message(6, "text")), "scripts see nothing of it");
    store.record(|batch| batch.delete_messages(&[6])).unwrap();
    assert_eq!(store.scripts().topic(6).unwrap(), Some(4), "what was deleted was said there all the same");
}

#[test]
fn where_a_file_is_lives_and_goes_with_its_message() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let chat = PeerId::chat(7);
    let put = |text| store.record(|batch| batch.put_message(chat, &message(5, text))).unwrap();
    store.record(|batch| batch.put_media(5, &media())).unwrap();
    assert_eq!(store.media(5).unwrap(), None, "there is no such message");
    put("first");
    store.record(|batch| batch.put_media(5, &media())).unwrap();
    assert_eq!(store.media(5).unwrap(), Some(media()));
    store.record(|batch| batch.delete_messages(&[5])).unwrap();
    assert_eq!(store.media(5).unwrap(), None);
    store.record(|batch| batch.restore_message(5)).unwrap();
    assert_eq!(store.media(5).unwrap(), Some(media()), "and comes back with it");
    put("edited");
    assert_eq!(store.media(5).unwrap(), None, "an edit took it away");
}

#[test]
fn so_many_restored_messages_are_given_and_no_more() {
    let dir = TempDir::new().unwrap();
    let (store, chat) = (open(&dir), PeerId::chat(7));
    let ids: Vec<MessageId> = (1..=RESTORED_MAX as MessageId + 1).collect();
    let restored = store.record(|batch| {
        ids.iter().try_for_each(|id| batch.put_message(chat, &message(*id, "gone")))?;
        batch.delete_messages(&ids)?;
        ids.iter().try_for_each(|id| batch.restore_message(*id).map(drop))
    });
    restored.unwrap();
    let given: Vec<MessageId> = store.restored_messages(None).unwrap().iter().map(|message| message.id).collect();
    assert_eq!(given, ids[1..].iter().rev().copied().collect::<Vec<_>>(), "the newest");
}

#[test]
fn ids_that_name_no_message_name_none_of_another_channel() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let id =
        |channel, server_id| store.record(|batch| batch.message_id(PeerId::channel(channel), server_id)).unwrap().0;
    let first = id(10, 1);
    store.record(|batch| batch.set_channel_pts(10, Some(1))).unwrap();
    for server_id in [0, -1, i32::MIN] {
        assert_eq!(id(10, server_id), first - 1, "{server_id}");
        assert_eq!(store.server_message(id(10, server_id)).unwrap(), None);
    }
}

fn media() -> MediaFile {
    MediaFile {
        kind: MediaKind::Document,
        id: -7,
        access_hash: i64::MIN,
        reference: vec![0, 1, 0xfe],
        dc_id: 2,
        bytes: 1 << 40,
        mime: "video/mp4".to_owned(),
        name: "a \"b\".mp4".to_owned(),
        thumbnail: Some(Thumbnail { size: "m".to_owned(), bytes: 9 }),
    }
}

/// A script's place, given to it by itself.
fn enrolled(store: &AccountStore, path: &str, name: Option<&str>) -> Enrolled {
    store.scripts().enrol(&[(Path::new(path), name)]).unwrap().remove(0)
}
