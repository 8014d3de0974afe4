//! Who holds what in the inbox, and who holds up whom.

use super::*;

#[test]
fn rows_that_every_cursor_has_passed_go() {
    let dir = TempDir::new().unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    store.scripts().join("a.py").unwrap();
    store.scripts().join("b.py").unwrap();
    receive(&store, 1..=6);
    store.scripts().handled("a.py", 6, &[], &[]).unwrap();
    assert_eq!(waiting(&store, 0), [1, 2, 3, 4, 5, 6], "b.py still needs them");
    store.scripts().handled("b.py", 4, &[], &[]).unwrap();
    assert_eq!(waiting(&store, 0), [5, 6]);
    store.scripts().leave("b.py").unwrap();
    assert_eq!(waiting(&store, 0), [] as [i64; 0]);
    let unnamed = Event::UserUpdate { user: user(1, "A", "").peer, what: tgl::Changes::default() };
    let push_two = |batch: &mut Batch<'_>| (0..2).try_for_each(|_| batch.push_event(None, &unnamed).map(|_| ()));
    store.record(push_two).unwrap();
    store.scripts().handled("a.py", 8, &[], &[]).unwrap();
    assert_eq!(waiting(&store, 0), [] as [i64; 0]);
    drop(store);
    assert_eq!(receive(&open(&dir), [6, 7]), 9, "keys outlast events, and sequence numbers are never used again");
}

#[test]
fn a_full_inbox_takes_nothing_until_a_script_has_caught_up() {
    let dir = TempDir::new().unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    store.scripts().join("slow.py").unwrap();
    receive(&store, 1..=7);
    assert_eq!(store.inbox_room(), 1);
    let two = store.record(|batch| {
        batch.push_event(Some("m8"), &Event::Message(message(8, "x")))?;
        batch.push_event(Some("m9"), &Event::Message(message(9, "x")))
    });
    assert!(matches!(two, Err(StoreError::InboxFull { .. })));
    assert_eq!(store.inbox_seq(), 7);
    store.scripts().handled("slow.py", 5, &[], &[]).unwrap();
    assert_eq!(receive(&store, [8, 9]), 9);
}

#[test]
fn a_script_that_does_not_run_cannot_hold_up_the_account() {
    let dir = TempDir::new().unwrap();
    AccountStore::open_bounded(dir.path(), SMALL).unwrap().scripts().join("gone.py").unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    store.scripts().join("runs.py").unwrap();
    for id in 1..=20 {
        let seq = receive(&store, [id]);
        store.scripts().handled("runs.py", seq, &[], &[]).unwrap();
    }
    let kept = waiting(&store, store.scripts().join("gone.py").unwrap());
    assert!(kept.len() >= 8 && kept.len() <= 10 && kept.ends_with(&[20]), "{kept:?}");
}

#[test]
fn who_lags_holds_up_nobody_and_loses_only_what_is_beyond_its_quota() {
    // (inbox_events_max, away_events_max, whether the slow one runs, its first event still there)
    for (events_max, away_max, is_running, first_kept) in [(100, 8, true, 1), (8, 100, true, 33), (100, 8, false, 33)] {
        let dir = TempDir::new().unwrap();
        let bounds = Bounds { inbox_events_max: events_max, away_events_max: away_max, ..SMALL };
        let store = AccountStore::open_bounded(dir.path(), bounds).unwrap();
        let slow = store.scripts().join("slow.py").unwrap();
        store.scripts().join("good.py").unwrap();
        if !is_running {
            store.scripts().part("slow.py").unwrap();
        }
        for id in 1..=40 {
            let seq = receive(&store, [id]);
            store.scripts().handled("good.py", seq, &[], &[]).unwrap();
            assert!(store.inbox_room() > 0, "{id}: the good one goes on");
        }
        let kept = waiting(&store, slow);
        let lost = (first_kept - 1) as u64;
        assert!(kept.ends_with(&[40]) && kept[0].abs_diff(first_kept) <= SMALL.prune_step, "{kept:?}");
        assert!(store.scripts().pruned_seq().abs_diff(lost) <= SMALL.prune_step, "what is lost can be told");
    }
}

#[test]
fn the_inbox_takes_so_many_bytes_and_what_nobody_has_seen_stays() {
    let dir = TempDir::new().unwrap();
    let bounds = Bounds { inbox_events_max: 1_000, inbox_bytes_max: 2_000, ..SMALL };
    let store = AccountStore::open_bounded(dir.path(), bounds).unwrap();
    let slow = store.scripts().join("slow.py").unwrap();
    let push = |id| store.record(|batch| batch.push_event(None, &Event::Message(message(id, "hello"))));
    let taken = (1..).take_while(|id| push(*id).is_ok()).last().unwrap();
    assert_eq!(waiting(&store, slow).len() as i64, taken, "nobody else has seen them");
    store.scripts().join("good.py").unwrap();
    for id in 41..=80 {
        store.scripts().handled("good.py", store.inbox_seq(), &[], &[]).unwrap();
        receive(&store, [id]);
    }
    let kept = waiting(&store, slow);
    assert!(!kept.is_empty() && kept.len() < 20 && kept.ends_with(&[80]), "{kept:?}");
}

#[test]
fn a_full_disk_keeps_nobody_from_joining_and_passes() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let pages_max = |pages: i64| store.0.lock().connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"));
    pages_max(1).unwrap();
    let long = "x".repeat(100_000);
    let full = store.record(|batch| batch.push_event(None, &Event::Message(message(1, &long))));
    assert!(matches!(&full, Err(error) if error.is_passing()), "{full:?}");
    assert!(store.scripts().handled("bot.py", 0, &[send(1, &long)], &[]).unwrap_err().is_passing());
    let cursor = store.scripts().join("bot.py").unwrap();
    pages_max(1 << 30).unwrap();
    receive(&store, [1]);
    store.scripts().handled("bot.py", 0, &[send(1, &long)], &[]).unwrap();
    drop(store);
    let store = open(&dir);
    assert_eq!((store.scripts().join("bot.py").unwrap(), store.scripts().outbox_load("bot.py").calls), (cursor, 1));
}

#[test]
fn what_is_free_in_the_file_goes_back_to_the_system() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().join("bot.py").unwrap();
    let size = || std::fs::metadata(dir.path().join(DATABASE_FILE)).unwrap().len();
    let text = "x".repeat(4_000);
    let requests: Vec<Request> = (1..=4_000).map(|id| send(id, &text)).collect();
    store.scripts().handled("bot.py", 0, &[], &requests).unwrap();
    store.0.checkpointer.begin();
    store.0.checkpointer.wait();
    let full = size();
    store.scripts().leave("bot.py").unwrap();
    store.0.checkpointer.wait();
    store.0.checkpointer.begin();
    store.0.checkpointer.wait();
    assert!(full > 15 << 20 && size() < 8 << 20, "from {full} bytes to {}", size());
}
