//! Calls that wait.

use broker::{Load, size};

use super::*;

fn script() -> Arc<str> {
    Arc::from("bot.py")
}

fn to(chat: i64, random_id: i64) -> Request {
    let call = Call::SendMessage { to: PeerId::user(chat), text: "hello".to_owned(), reply_to: None, preview: None };
    Request { call, ..send(random_id, "") }
}

fn ids(calls: &[Request]) -> Vec<i64> {
    calls.iter().map(|request| request.random_id).collect()
}

/// All that waits and that the store has not been asked for.
fn waiting_calls(store: &AccountStore) -> Vec<Request> {
    store.scripts().take_waiting(&script(), 0, 100, |_, _| true).unwrap()
}

#[test]
fn the_outbox_keeps_calls_that_change_something_until_they_complete() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().join("bot.py").unwrap();
    let ask = Request { call: Call::GetContacts, ..send(13, "") };
    store.scripts().handled("bot.py", 0, &[send(11, "one"), send(12, "two"), ask], &[]).unwrap();
    store.scripts().handled("bot.py", 0, &[send(10, "three"), send(11, "one")], &[]).unwrap();
    store.record(|batch| batch.complete_call(12)).unwrap();
    drop(store);
    let left = open(&dir).scripts().outbox("bot.py").unwrap();
    let expected = [Request { id: 0, ..send(11, "one") }, Request { id: 0, ..send(10, "three") }];
    assert_eq!(left, expected);
    assert!(open(&dir).scripts().outbox("other.py").unwrap().is_empty());
}

#[test]
fn calls_that_wait_come_out_in_their_order_with_those_that_only_ask() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let ask = Request { call: Call::GetContacts, ..send(6, "") };
    store.scripts().handled("bot.py", 0, &[send(9, "taken")], &[to(1, 8), to(2, 7), ask, to(1, 5)]).unwrap();
    store.scripts().handled("bot.py", 0, &[], &[to(1, 4)]).unwrap();
    store.scripts().handled("other.py", 0, &[], &[to(1, 3)]).unwrap();
    let mut seen = Vec::new();
    let first = store.scripts().take_waiting(&script(), 0, 2, |place, lane| {
        seen.push((place, lane));
        lane != Some(PeerId::user(2))
    });
    let first = first.unwrap();
    assert_eq!((ids(&first), seen.len()), (vec![8, 6], 3), "7 was passed over");
    assert_eq!(first[0], to(1, 8), "with its id: the guest waits for it");
    let (passed, _) = seen[2];
    assert_eq!(ids(&store.scripts().take_waiting(&script(), passed, 9, |_, _| true).unwrap()), [5, 4]);
    let of_lane =
        |chat, limit| store.scripts().take_waiting_in(&script(), PeerId::user(chat), 0..=passed + 1, limit).unwrap();
    assert_eq!(ids(&of_lane(1, 9).0), [8, 5]);
    assert_eq!((ids(&of_lane(1, 1).0), of_lane(1, 1).1), (vec![8], Some(seen[0].0)));
    assert_eq!(ids(&of_lane(2, 9).0), [7]);
    assert_eq!(store.scripts().outbox(&script()).unwrap().len(), 5, "what only asks has left");
}

#[test]
fn after_a_restart_what_is_left_waits_and_nobody_for_it() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let ask = Request { call: Call::GetContacts, ..send(3, "") };
    store.scripts().handled("bot.py", 0, &[to(1, 1)], &[to(1, 2), ask]).unwrap();
    store.scripts().stage("bot.py", &[to(1, 4)]).unwrap();
    drop(store);
    let store = open(&dir);
    assert_eq!(store.scripts().resume_outbox("bot.py").unwrap(), 2);
    let left = waiting_calls(&store);
    assert_eq!(ids(&left), [1, 2]);
    assert!(left.iter().all(|request| request.id == 0));
    let (of_lane, _) = store.scripts().take_waiting_in(&script(), PeerId::user(1), 0..=9, 9).unwrap();
    assert_eq!(ids(&of_lane), [1, 2], "one that had left already waits in its conversation's order too");
    assert_eq!(store.scripts().resume_outbox("other.py").unwrap(), 0);
}

#[test]
fn what_is_staged_counts_when_the_callback_has_returned() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().stage("bot.py", &[to(1, 1), to(1, 2)]).unwrap();
    assert_eq!(waiting_calls(&store), []);
    store.scripts().unstage("bot.py").unwrap();
    assert_eq!(store.scripts().outbox_load("bot.py"), Load::default());
    store.scripts().stage("bot.py", &[to(1, 1), to(1, 2)]).unwrap();
    store.scripts().stage("bot.py", &[to(1, 3)]).unwrap();
    store.scripts().handled("bot.py", 0, &[], &[to(1, 4)]).unwrap();
    assert_eq!(ids(&waiting_calls(&store)), [1, 2, 3, 4]);
    store.scripts().unstage("bot.py").unwrap();
    assert_eq!(store.scripts().outbox_load("bot.py").calls, 4);
}

#[test]
fn how_much_waits_is_known_over_restarts() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let bytes = size(&to(1, 1).call);
    store
        .scripts()
        .handled("bot.py", 0, &[to(1, 1), Request { call: Call::GetContacts, ..send(2, "") }], &[to(1, 3)])
        .unwrap();
    let load = |calls| Load { calls, bytes: bytes * calls };
    assert_eq!(store.scripts().outbox_load("bot.py"), load(2));
    drop(store);
    let store = open(&dir);
    assert_eq!(store.scripts().outbox_load("bot.py"), load(2));
    store.record(|batch| batch.complete_call(1)).unwrap();
    assert_eq!(store.scripts().outbox_load("bot.py"), load(1));
    let failed = store.record(|batch| {
        batch.complete_call(3)?;
        Err::<(), _>(StoreError::InboxFull { path: PathBuf::new() })
    });
    assert!(failed.is_err());
    assert_eq!(store.scripts().outbox_load("bot.py"), load(1), "it is still there");
}
