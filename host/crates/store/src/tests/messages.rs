//! Messages and channels: ids, states, what is deleted and what is kept.

use super::*;

#[test]
fn channels_number_their_messages_apart_and_for_good() {
    let dir = TempDir::new().unwrap();
    let (a, b) = (PeerId::channel(5_000_000_001), PeerId::channel(7));
    let ids = |store: &AccountStore| {
        let named = store.record(|batch| {
            let mut ids = Vec::new();
            for (chat, server_id) in [(a, 1), (b, 1), (a, i32::MAX), (b, 2), (PeerId::user(1), 1), (PeerId::chat(7), 2)]
            {
                ids.push(batch.message_id(chat, server_id)?);
            }
            Ok(ids)
        });
        named.unwrap().0
    };
    let store = open(&dir);
    assert_eq!(store.message_id(a, 1).unwrap(), None, "no channel was met yet");
    let first = ids(&store);
    let mut unique = first.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), first.len());
    assert!(first[0] > i64::from(i32::MAX) && first[3] > first[1] && first[4..] == [1, 2], "{first:?}");
    assert_eq!(store.server_message(first[2]).unwrap(), Some(ServerMessage { chat: Some(a), id: i32::MAX }));
    assert_eq!(store.server_message(first[3]).unwrap(), Some(ServerMessage { chat: Some(b), id: 2 }));
    assert_eq!(store.server_message(1).unwrap(), Some(ServerMessage { chat: None, id: 1 }), "not held, so not known");
    for nonsense in [0, -1, i64::MIN, i64::MAX, 1 << 31, 1 << 32, (3 << 32) + 1, (1 << 32) + (1 << 31)] {
        assert_eq!(store.server_message(nonsense).unwrap(), None, "{nonsense}");
    }
    drop(store);
    let store = open(&dir);
    assert_eq!(ids(&store), first);
    store.0.lock().connection.execute("INSERT INTO channel (number, id) VALUES (?1, 99)", [CHANNELS_MAX]).unwrap();
    let last = store.message_id(PeerId::channel(99), i32::MAX).unwrap().unwrap();
    assert!(last < 1 << 53, "a float holds every id");
    let failed = store.record(|batch| batch.message_id(PeerId::channel(100), 1));
    assert!(failed.is_err_and(|error| error.to_string().contains("more than 2097151 channels")));
}

#[test]
fn a_channels_state_is_kept_and_dropped() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let set = |pts, top_id| {
        store.record(|batch| {
            batch.set_channel_pts(7, pts)?;
            batch.note_channel_top(7, top_id)
        })
    };
    for (pts, top_id, kept) in [(Some(4), 2, 2), (Some(9), 1, 2), (None, 3, 3), (Some(1), 0, 3)] {
        set(pts, top_id).unwrap();
        assert_eq!(store.channel_state(7).unwrap(), ChannelState { pts, top_id: kept });
    }
}

#[test]
fn the_oldest_messages_go_whatever_their_ids() {
    let dir = TempDir::new().unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    let at = |id, date| Message { date, ..message(id, "x") };
    for (id, date) in [(1 << 33, 10), (2 << 33, 11), (1, 12), (2, 13), (3 << 33, 14), (3, 15), (4, 16), (5, 9)] {
        store.record(|batch| batch.put_message(PeerId::user(1), &at(id, date))).unwrap();
    }
    let held = [1 << 33, 2 << 33, 1, 2, 3 << 33, 3, 4, 5].map(|id| store.message(id).unwrap().is_some());
    assert_eq!(held, [false, false, false, true, true, true, true, false]);
}

#[test]
fn deleted_messages_can_be_restored() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let (ada, group) = (PeerId::user(1), PeerId::channel(1));
    let restore = |id| store.record(|batch| batch.restore_message(id)).unwrap().0;
    let restored = |chat| store.restored_messages(chat).unwrap().iter().map(|message| message.id).collect::<Vec<_>>();
    store
        .record(|batch| {
            [1, 2, 3].into_iter().try_for_each(|id| batch.put_message(ada, &message(id, "x")))?;
            batch.put_message(group, &message(1 << 32, "x"))?;
            batch.delete_messages(&[1, 3, 1 << 32, 99])
        })
        .unwrap();
    assert_eq!(store.message(1).unwrap(), None);
    assert_eq!(store.server_message(1).unwrap().unwrap().chat, Some(ada), "it is still known where it was");
    assert_eq!([1, 2, 3, 99, 1 << 32].map(restore), [true, true, true, false, true]);
    assert!(!store.message(1).unwrap().unwrap().flags.unread);
    assert_eq!(restored(Some(ada)), [3, 1], "2 was never deleted");
    assert_eq!((restored(Some(group)), restored(None)), (vec![1 << 32], vec![1 << 32, 3, 1]));
    store.record(|batch| batch.put_message(ada, &message(3, "edited"))).unwrap();
    assert!(store.is_restored(3).unwrap() && !store.is_restored(2).unwrap());
    store.record(|batch| batch.delete_messages(&[3])).unwrap();
    assert_eq!((restored(Some(ada)), store.message(3).unwrap()), (vec![1], None));
}

#[test]
fn old_messages_and_keys_make_room_for_new_ones() {
    let dir = TempDir::new().unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    for id in 1..=10 {
        store.record(|batch| batch.put_message(PeerId::user(1), &message(id, "x"))).unwrap();
        receive(&store, [id]);
    }
    assert_eq!(store.message(6).unwrap(), None);
    assert!(store.message(10).unwrap().is_some());
    assert_eq!(receive(&store, [10]), 10, "a recent key is known");
    assert_eq!(receive(&store, [1]), 11, "the oldest is forgotten");
}

#[test]
fn messages_keep_their_state() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let (alice, group) = (PeerId::user(1), PeerId::chat(1));
    let outgoing = Message { flags: MessageFlags { outgoing: true, ..message(3, "").flags }, ..message(3, "out") };
    store
        .record(|batch| {
            batch.put_message(alice, &message(1, "one"))?;
            batch.put_message(group, &message(2, "two"))?;
            batch.put_message(alice, &outgoing)?;
            batch.put_message(alice, &message(4, "four"))?;
            batch.put_message(alice, &message(1, "edited"))?;
            batch.mark_read(alice, false, 3)?;
            batch.delete_messages(&[4, 99])
        })
        .unwrap();
    let unread = |id| store.message(id).unwrap().unwrap().flags.unread;
    assert_eq!((unread(1), unread(2), unread(3)), (false, true, true));
    assert_eq!(store.message(1).unwrap().unwrap().text.as_deref(), Some("edited"));
    assert_eq!(store.server_message(2).unwrap(), Some(ServerMessage { chat: Some(group), id: 2 }));
    assert_eq!(store.message(4).unwrap(), None);
}
