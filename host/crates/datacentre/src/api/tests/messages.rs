//! Writing and reading, in private and in groups.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{
    World, delete, dialog_peers, dialogs_request, edit, forward, group, history_request, messages_of, new_message,
    peer_id, replied_id, reply_to, search_request, sent_id, texts, unwrapped,
};

#[test]
fn all_messages_are_in_one_range() {
    let world = World::new();
    let ranges = world.human(1).ok(&functions::messages::GetSplitRanges {});
    assert_eq!(ranges, [types::MessageRange { min_id: 1, max_id: i32::MAX }.into()]);
    assert_eq!(world.bot(7).err(&functions::messages::GetSplitRanges {}), "400 BOT_METHOD_INVALID");
}

#[test]
fn a_private_message_reaches_the_other_and_every_other_session_of_both() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let mut alice_elsewhere = world.client();
    alice_elsewhere.log_in(1);

    let answer = alice.ok(&alice.message(alice.peer(&bob), "  hello  "));
    let enums::Updates::UpdateShortSentMessage(short) = &answer else { panic!("{answer:?}") };
    assert!(short.out);
    assert!(alice.pushed().is_empty(), "the calling session has its answer");

    for (client, out, id) in [(&bob, false, 1), (&alice_elsewhere, true, short.id)] {
        let pushed = client.pushed();
        let [enums::Updates::Updates(updates)] = pushed.as_slice() else { panic!("{pushed:?}") };
        let [enums::Update::NewMessage(new)] = updates.updates.as_slice() else { panic!("{updates:?}") };
        let enums::Message::Message(message) = &new.message else { panic!("{new:?}") };
        assert_eq!((message.message.as_str(), message.out, message.id), ("hello", out, id));
        assert_eq!(message.from_id, Some(types::PeerUser { user_id: alice.me }.into()));
        assert_eq!(new.pts, client.pts());
        assert!(updates.users.iter().any(|user| user.id() == alice.me), "who wrote it comes along");
    }
    let seen: Vec<_> = bob.history(bob.peer(&alice)).into_iter().map(|message| message.message).collect();
    assert_eq!(seen, ["hello"]);
}

#[test]
fn a_random_id_sends_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let call = alice.message(alice.peer(&bob), "once");
    sent_id(&alice.ok(&call));
    assert_eq!(alice.err(&call), "500 RANDOM_ID_DUPLICATE");
    assert_eq!(bob.history(bob.peer(&alice)).len(), 1);
    assert_eq!(bob.pushed().len(), 1);
    let mut empty = alice.message(alice.peer(&bob), "x");
    empty.random_id = 0;
    assert_eq!(alice.err(&empty), "400 RANDOM_ID_EMPTY");
}

#[test]
fn texts_are_checked_and_given_entities() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    for (text, wanted) in
        [("", "400 MESSAGE_EMPTY"), (" \n ", "400 MESSAGE_EMPTY"), (&"🎉".repeat(2049), "400 MESSAGE_TOO_LONG")]
    {
        assert_eq!(alice.err(&alice.message(alice.peer(&bob), text)), wanted);
    }
    alice.send(alice.peer(&bob), &"🎉".repeat(2048));
    let mut outside = alice.message(alice.peer(&bob), "ab");
    outside.entities = Some(vec![types::MessageEntityBold { offset: 1, length: 2 }.into()]);
    assert_eq!(alice.err(&outside), "400 ENTITY_BOUNDS_INVALID");

    let mut call = alice.message(alice.peer(&bob), " /start me");
    call.entities = Some(vec![types::MessageEntityItalic { offset: 8, length: 2 }.into()]);
    alice.ok(&call);
    let message = bob.history(bob.peer(&alice)).remove(0);
    let wanted: [enums::MessageEntity; 2] = [
        types::MessageEntityBotCommand { offset: 0, length: 6 }.into(),
        types::MessageEntityItalic { offset: 7, length: 2 }.into(),
    ];
    assert_eq!(message.entities.unwrap(), wanted);
}

#[test]
fn a_user_is_named_only_with_the_hash_made_for_the_caller() {
    let world = World::new();
    let (alice, bob, eve) = (world.human(1), world.human(2), world.human(3));
    let right = alice.user(&bob);
    let stolen = eve.user(&bob);
    assert_ne!(right, stolen);
    for (user_id, access_hash) in [
        (bob.me, 0),
        (bob.me, right.access_hash ^ 1),
        (bob.me, stolen.access_hash),
        (eve.me, right.access_hash),
        (1, right.access_hash),
    ] {
        let peer = types::InputPeerUser { user_id, access_hash };
        assert_eq!(alice.err(&alice.message(peer.into(), "x")), "400 PEER_ID_INVALID");
        let found =
            alice.ok(&functions::users::GetUsers { id: vec![types::InputUser { user_id, access_hash }.into()] });
        assert_eq!(found, [types::UserEmpty { id: user_id }.into()]);
    }
    for (peer, wanted) in [
        (enums::InputPeer::Empty, "400 PEER_ID_INVALID"),
        (types::InputPeerChat { chat_id: 1 }.into(), "400 PEER_ID_INVALID"),
        (types::InputPeerChannel { channel_id: 1, access_hash: 0 }.into(), "400 CHANNEL_INVALID"),
    ] {
        assert_eq!(alice.err(&alice.message(peer, "x")), wanted);
    }
}

#[test]
fn a_user_seen_in_a_message_can_be_named_by_it() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob, &carol], "Friends");
    let id = alice.send(group.clone(), "hello");
    let seen = |msg_id| {
        let seen = types::InputPeerUserFromMessage { peer: group.clone(), msg_id, user_id: alice.me };
        enums::InputPeer::UserFromMessage(Box::new(seen))
    };
    let theirs = bob.history(group.clone())[0].id;
    bob.send(seen(theirs), "found you");
    assert_eq!(alice.history(alice.peer(&bob))[0].message, "found you");
    assert_eq!(bob.err(&bob.message(seen(id + 50), "x")), "400 MESSAGE_ID_INVALID");
}

#[test]
fn messages_to_oneself_are_kept_once() {
    let world = World::new();
    let alice = world.human(1);
    alice.send(enums::InputPeer::PeerSelf, "note");
    let notes = alice.history(enums::InputPeer::PeerSelf);
    assert_eq!(notes.len(), 1);
    assert!(!notes[0].out, "as on Telegram, one's own notes are not outgoing");
    assert!(alice.pushed().is_empty());
}

#[test]
fn replies_name_the_message_as_each_side_has_it() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    for _ in 0..3 {
        bob.send(enums::InputPeer::PeerSelf, "so that ids differ");
    }
    let first = alice.send(alice.peer(&bob), "question");
    let theirs = bob.history(bob.peer(&alice))[0].id;
    assert_ne!(first, theirs);
    let mut call = bob.message(bob.peer(&alice), "answer");
    call.reply_to = Some(reply_to(theirs));
    bob.ok(&call);
    for (client, peer, wanted) in [(&alice, alice.peer(&bob), first), (&bob, bob.peer(&alice), theirs)] {
        assert_eq!(replied_id(&client.history(peer)[0]), Some(wanted));
    }
    let asked = bob.ok(&functions::messages::GetMessages {
        id: vec![types::InputMessageReplyTo { id: theirs + 1 }.into(), types::InputMessageId { id: 999 }.into()],
    });
    let asked = messages_of(asked);
    assert_eq!((asked[0].id(), matches!(asked[1], enums::Message::Empty(_))), (theirs, true));

    let mut wrong = bob.message(bob.peer(&alice), "x");
    wrong.reply_to = Some(reply_to(1));
    assert_eq!(bob.err(&wrong), "400 REPLY_MESSAGE_ID_INVALID", "it is in another chat");
}

#[test]
fn forwards_keep_the_first_sender() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    alice.send(alice.peer(&bob), "one");
    alice.send(alice.peer(&bob), "two");
    let ids: Vec<i32> = bob.history(bob.peer(&alice)).iter().rev().map(|message| message.id).collect();
    let call = forward(bob.peer(&alice), bob.peer(&carol), ids.clone());
    let answer = unwrapped(bob.ok(&call));
    assert_eq!(answer.iter().filter(|update| matches!(update, enums::Update::MessageId(_))).count(), 2);
    assert_eq!(bob.err(&call), "500 RANDOM_ID_DUPLICATE");

    let theirs = carol.history(carol.peer(&bob));
    assert_eq!(theirs.iter().map(|message| message.message.as_str()).collect::<Vec<_>>(), ["two", "one"]);
    let again = carol.ok(&forward(carol.peer(&bob), enums::InputPeer::PeerSelf, vec![theirs[1].id]));
    let enums::Message::Message(saved) = new_message(&again) else { panic!() };
    let Some(enums::MessageFwdHeader::Header(header)) = saved.fwd_from else { panic!("a forward") };
    assert_eq!(header.from_id, Some(types::PeerUser { user_id: alice.me }.into()));
    assert_eq!(header.saved_from_peer, Some(types::PeerUser { user_id: bob.me }.into()));

    for (ids, random_ids, wanted) in [
        (vec![], vec![], "400 MESSAGE_IDS_EMPTY"),
        (vec![1], vec![], "400 RANDOM_ID_INVALID"),
        (vec![999], vec![7], "400 MESSAGE_ID_INVALID"),
        ((0..101).collect(), (0..101).collect(), "400 LIMIT_INVALID"),
    ] {
        let mut call = forward(bob.peer(&alice), bob.peer(&carol), ids);
        call.random_id = random_ids;
        assert_eq!(bob.err(&call), wanted);
    }
    let failed = forward(bob.peer(&alice), bob.peer(&carol), vec![ids[0], 999]);
    bob.err(&failed);
    assert_eq!(carol.history(carol.peer(&bob)).len(), 2, "all or nothing");
}

#[test]
fn edits_reach_everyone_who_has_the_message() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let id = alice.send(alice.peer(&bob), "tpyo");
    bob.pushed();
    let answer = unwrapped(alice.ok(&edit(alice.peer(&bob), id, "typo")));
    assert!(matches!(answer[..], [enums::Update::EditMessage(_)]), "{answer:?}");
    let pushed = bob.pushed_updates();
    let [enums::Update::EditMessage(update)] = &pushed[..] else { panic!("{pushed:?}") };
    let enums::Message::Message(message) = &update.message else { panic!() };
    assert_eq!((message.message.as_str(), message.edit_date.is_some()), ("typo", true));
    assert_eq!(update.pts, bob.pts());

    let theirs = message.id;
    assert_eq!(alice.err(&edit(alice.peer(&bob), id, "typo")), "400 MESSAGE_NOT_MODIFIED");
    assert_eq!(alice.err(&edit(alice.peer(&bob), id + 1, "x")), "400 MESSAGE_ID_INVALID");
    assert_eq!(bob.err(&edit(bob.peer(&alice), theirs, "x")), "403 MESSAGE_AUTHOR_REQUIRED");
    assert_eq!(alice.err(&edit(alice.peer(&bob), id, "")), "400 MESSAGE_EMPTY");
}

#[test]
fn deleting_takes_a_message_from_one_or_from_all() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let ids: Vec<i32> = ["a", "b", "c"].map(|text| alice.send(alice.peer(&bob), text)).to_vec();
    bob.pushed();
    let before = alice.pts();
    let enums::messages::AffectedMessages::Messages(affected) = alice.ok(&delete(vec![ids[0], 999], false));
    assert_eq!((affected.pts, affected.pts_count), (before + 1, 1));
    assert_eq!(bob.history(bob.peer(&alice)).len(), 3);
    assert!(bob.pushed().is_empty());

    let enums::messages::AffectedMessages::Messages(affected) = alice.ok(&delete(ids[1..].to_vec(), true));
    assert_eq!((affected.pts, affected.pts_count), (before + 3, 2));
    let pushed = bob.pushed_updates();
    let [enums::Update::DeleteMessages(update)] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!((update.messages.len(), update.pts, update.pts_count), (2, bob.pts(), 2));
    assert_eq!(bob.history(bob.peer(&alice)).len(), 1);
    assert!(alice.history(alice.peer(&bob)).is_empty());
    let left = bob.dialog(bob.peer(&alice));
    assert_eq!((left.unread_count, left.top_message), (1, 1));
}

#[test]
fn a_history_is_deleted_for_one_or_for_both() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    for n in 0..5 {
        alice.send(alice.peer(&bob), &format!("{n}"));
    }
    let call = |revoke, max_id| functions::messages::DeleteHistory {
        revoke,
        ..tl_blank::delete_history(alice.peer(&bob), max_id)
    };
    let enums::messages::AffectedHistory::History(affected) = alice.ok(&call(false, 2));
    assert_eq!((affected.pts_count, affected.offset), (2, 0));
    assert_eq!((alice.history(alice.peer(&bob)).len(), bob.history(bob.peer(&alice)).len()), (3, 5));
    alice.ok(&call(true, 0));
    assert_eq!((alice.history(alice.peer(&bob)).len(), bob.history(bob.peer(&alice)).len()), (0, 2));
    assert!(dialog_peers(&alice).is_empty());
}

#[test]
fn history_pages_both_ways() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let ids: Vec<i32> = (1..=10).map(|n| alice.send(alice.peer(&bob), &format!("{n}"))).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<i32>>());
    // offset_id, add_offset, limit, max_id, min_id => ids
    type Case = (i32, i32, i32, i32, i32, &'static [i32]);
    let cases: [Case; 15] = [
        (0, 0, 3, 0, 0, &[10, 9, 8]),
        (8, 0, 3, 0, 0, &[7, 6, 5]),
        (3, 0, 5, 0, 0, &[2, 1]),
        (1, 0, 5, 0, 0, &[]),
        (0, 8, 5, 0, 0, &[2, 1]),
        (0, 20, 5, 0, 0, &[]),
        (5, -3, 3, 0, 0, &[7, 6, 5]),
        (5, -2, 4, 0, 0, &[6, 5, 4, 3]),
        (10, -3, 3, 0, 0, &[10]),
        (11, -3, 3, 0, 0, &[]),
        (0, 0, 5, 4, 0, &[3, 2, 1]),
        (0, 0, 5, 0, 8, &[10, 9]),
        (0, 0, 5, 8, 5, &[7, 6]),
        (7, 0, 5, 0, 4, &[6, 5]),
        (0, 0, 0, 0, 0, &[]),
    ];
    for (offset_id, add_offset, limit, max_id, min_id, wanted) in cases {
        let request = functions::messages::GetHistory {
            offset_id,
            add_offset,
            max_id,
            min_id,
            ..history_request(alice.peer(&bob), limit)
        };
        let page = alice.ok(&request);
        if let enums::messages::Messages::Slice(slice) = &page {
            assert_eq!(slice.count, 10);
        }
        let got: Vec<i32> = messages_of(page).iter().map(enums::Message::id).collect();
        assert_eq!(got, wanted, "offset_id {offset_id} add_offset {add_offset} limit {limit} {max_id} {min_id}");
    }
    let future = functions::messages::GetHistory { offset_date: i32::MAX, ..history_request(alice.peer(&bob), 2) };
    assert_eq!(messages_of(alice.ok(&future)).len(), 2);
    let past = functions::messages::GetHistory { offset_date: 1, ..history_request(alice.peer(&bob), 2) };
    assert!(messages_of(alice.ok(&past)).is_empty());
}

#[test]
fn a_page_has_at_most_100_messages_and_says_how_many_there_are() {
    let world = World::new();
    let alice = world.human(1);
    for n in 0..101 {
        alice.send(enums::InputPeer::PeerSelf, &format!("{n}"));
    }
    let page = alice.ok(&history_request(enums::InputPeer::PeerSelf, i32::MAX));
    let enums::messages::Messages::Slice(slice) = page else { panic!("a slice") };
    assert_eq!((slice.messages.len(), slice.count), (100, 101));
}

#[test]
fn search_finds_words_in_one_chat_and_in_all() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob], "Friends");
    alice.send(alice.peer(&bob), "apple pie at https://example.org/");
    alice.send(alice.peer(&bob), "banana");
    bob.send(bob.peer(&alice), "Apple juice");
    alice.send(alice.peer(&carol), "apple tart");
    alice.send(group, "APPLES");
    let texts_of = |answer| texts(messages_of(answer)).into_iter().map(|message| message.message).collect::<Vec<_>>();
    let search = |q: &str, from: Option<enums::InputPeer>, filter: enums::MessagesFilter| functions::messages::Search {
        q: q.to_owned(),
        from_id: from,
        filter,
        ..search_request(alice.peer(&bob))
    };
    use enums::MessagesFilter as Filter;
    for (request, wanted) in [
        (
            search("apple", None, Filter::InputMessagesFilterEmpty),
            vec!["Apple juice", "apple pie at https://example.org/"],
        ),
        (search("pie app", None, Filter::InputMessagesFilterEmpty), vec!["apple pie at https://example.org/"]),
        (search("pple", None, Filter::InputMessagesFilterEmpty), vec![]),
        (search("", Some(alice.peer(&bob)), Filter::InputMessagesFilterEmpty), vec!["Apple juice"]),
        (search("", None, Filter::InputMessagesFilterUrl), vec!["apple pie at https://example.org/"]),
        (search("", None, Filter::InputMessagesFilterPhotos), vec![]),
    ] {
        assert_eq!(texts_of(alice.ok(&request)), wanted);
    }
    let global = |groups_only, offset_id| functions::messages::SearchGlobal {
        broadcasts_only: false,
        groups_only,
        users_only: false,
        folder_id: None,
        community: None,
        q: "apple".to_owned(),
        filter: Filter::InputMessagesFilterEmpty,
        min_date: 0,
        max_date: 0,
        offset_rate: 0,
        offset_peer: enums::InputPeer::Empty,
        offset_id,
        limit: 3,
    };
    assert_eq!(texts_of(alice.ok(&global(true, 0))), ["APPLES"]);
    let first = texts(messages_of(alice.ok(&global(false, 0))));
    assert_eq!(first.len(), 3);
    let rest = texts_of(alice.ok(&global(false, first[2].id)));
    assert_eq!(rest, ["apple pie at https://example.org/"]);
}

#[test]
fn reading_moves_forward_and_is_told_to_both_sides() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let mut bob_elsewhere = world.client();
    bob_elsewhere.log_in(2);
    for n in 0..3 {
        alice.send(alice.peer(&bob), &format!("{n}"));
    }
    assert_eq!(bob.dialog(bob.peer(&alice)).unread_count, 3);
    [&alice, &bob_elsewhere].iter().for_each(|client| drop(client.pushed()));

    let read = |max_id| functions::messages::ReadHistory { peer: bob.peer(&alice), max_id };
    let before = bob.pts();
    let enums::messages::AffectedMessages::Messages(affected) = bob.ok(&read(2));
    assert_eq!((affected.pts, affected.pts_count), (before + 1, 1));
    let elsewhere = bob_elsewhere.pushed_updates();
    let [enums::Update::ReadHistoryInbox(inbox)] = &elsewhere[..] else { panic!("{elsewhere:?}") };
    assert_eq!((inbox.max_id, inbox.still_unread_count, inbox.pts), (2, 1, before + 1));
    let told = alice.pushed_updates();
    let [enums::Update::ReadHistoryOutbox(outbox)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((outbox.max_id, outbox.pts), (2, alice.pts()));
    assert_eq!(alice.dialog(alice.peer(&bob)).read_outbox_max_id, 2);

    for again in [1, 2] {
        let enums::messages::AffectedMessages::Messages(affected) = bob.ok(&read(again));
        assert_eq!((affected.pts, affected.pts_count), (before + 1, 0));
    }
    assert!(alice.pushed().is_empty());
    bob.ok(&read(0));
    assert_eq!(bob.dialog(bob.peer(&alice)).unread_count, 0);
}

#[test]
fn dialogs_are_newest_first_with_pinned_ones_above() {
    let world = World::new();
    let alice = world.human(1);
    let others: Vec<_> = (2..=8).map(|n| world.human(n)).collect();
    for other in &others {
        alice.send(alice.peer(other), "hello");
    }
    let id = |n: usize| others[n].me;
    assert_eq!(dialog_peers(&alice), [6, 5, 4, 3, 2, 1, 0].map(id));
    alice.send(alice.peer(&others[0]), "again");
    let pin = |n: usize, pinned| functions::messages::ToggleDialogPin {
        pinned,
        peer: types::InputDialogPeer { peer: alice.peer(&others[n]) }.into(),
    };
    alice.ok(&pin(3, true));
    alice.ok(&pin(1, true));
    assert_eq!(dialog_peers(&alice), [1, 3, 0, 6, 5, 4, 2].map(id));
    alice.ok(&functions::messages::ReorderPinnedDialogs {
        force: true,
        folder_id: 0,
        order: [3, 2].map(|n: usize| types::InputDialogPeer { peer: alice.peer(&others[n]) }.into()).to_vec(),
    });
    assert_eq!(dialog_peers(&alice), [3, 2, 0, 6, 5, 4, 1].map(id));
    for n in [0, 1, 4] {
        alice.ok(&pin(n, true));
    }
    assert_eq!(alice.err(&pin(5, true)), "400 PINNED_DIALOGS_TOO_MUCH");
    for n in 0..5 {
        alice.ok(&pin(n, false));
    }

    let mut seen = Vec::new();
    let mut offset_id = 0;
    loop {
        let page = alice.ok(&functions::messages::GetDialogs { offset_id, ..dialogs_request(3) });
        let (dialogs, count) = match page {
            enums::messages::Dialogs::Slice(slice) => (slice.dialogs, slice.count),
            other => panic!("{other:?}"),
        };
        assert_eq!(count, 7);
        let Some(enums::Dialog::Dialog(last)) = dialogs.last() else { break };
        offset_id = last.top_message;
        seen.extend(dialogs.into_iter().map(peer_id));
    }
    assert_eq!(seen, [0, 6, 5, 4, 3, 2, 1].map(id));
}

#[test]
fn drafts_are_kept_for_all_sessions_and_cleared_by_sending() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let mut elsewhere = world.client();
    elsewhere.log_in(1);
    let draft = |message: &str| tl_blank::save_draft(alice.peer(&bob), message.to_owned());
    alice.ok(&draft("unfinished"));
    assert!(matches!(elsewhere.pushed_updates()[..], [enums::Update::DraftMessage(_)]));
    assert_eq!(unwrapped(elsewhere.ok(&functions::messages::GetAllDrafts {})).len(), 1);
    let mut call = alice.message(alice.peer(&bob), "finished");
    call.clear_draft = true;
    alice.ok(&call);
    assert!(unwrapped(alice.ok(&functions::messages::GetAllDrafts {})).is_empty());
}

#[test]
fn typing_is_shown_to_the_others_only() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob, &carol], "Friends");
    [&alice, &bob, &carol].iter().for_each(|client| drop(client.pushed()));
    let typing = |peer| functions::messages::SetTyping {
        peer,
        top_msg_id: None,
        action: enums::SendMessageAction::SendMessageTypingAction,
    };
    alice.ok(&typing(alice.peer(&bob)));
    let told = bob.pushed_updates();
    assert!(matches!(&told[..], [enums::Update::UserTyping(typing)] if typing.user_id == alice.me), "{told:?}");
    bob.ok(&typing(group));
    for client in [&alice, &carol] {
        let told = client.pushed_updates();
        assert!(matches!(&told[..], [enums::Update::ChatUserTyping(_)]), "{told:?}");
    }
    assert!(bob.pushed().is_empty());
}

#[test]
fn a_bot_speaks_only_to_who_spoke_to_it() {
    let world = World::new();
    let (alice, bot, other_bot) = (world.human(1), world.bot(700_001), world.bot(700_002));
    assert_eq!(bot.err(&bot.message(bot.peer(&alice), "hi")), "400 PEER_ID_INVALID");
    alice.ok(&functions::messages::StartBot {
        bot: alice.user(&bot).into(),
        peer: alice.peer(&bot),
        random_id: 5,
        start_param: "deep-link".to_owned(),
    });
    let pushed = bot.pushed_updates();
    let [enums::Update::NewMessage(new)] = &pushed[..] else { panic!("{pushed:?}") };
    let enums::Message::Message(message) = &new.message else { panic!() };
    assert_eq!(message.message, "/start deep-link");
    bot.send(bot.peer(&alice), "hi");
    // Bots may name whom they met without a hash.
    bot.send(types::InputPeerUser { user_id: alice.me, access_hash: 0 }.into(), "hi again");
    assert_eq!(bot.err(&bot.message(bot.peer(&other_bot), "hi")), "400 USER_IS_BOT");
    alice.ok(&functions::contacts::Block { my_stories_from: false, id: alice.peer(&bot) });
    assert_eq!(bot.err(&bot.message(bot.peer(&alice), "hi")), "403 USER_IS_BLOCKED");
}

#[test]
fn a_blocked_user_is_not_told_and_not_heard() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    alice.ok(&functions::contacts::Block { my_stories_from: false, id: alice.peer(&bob) });
    bob.send(bob.peer(&alice), "hello?");
    assert!(alice.history(alice.peer(&bob)).is_empty());
    assert_eq!(alice.err(&alice.message(alice.peer(&bob), "x")), "400 YOU_BLOCKED_USER");
    let blocked = alice.ok(&functions::contacts::GetBlocked { my_stories_from: false, offset: 0, limit: 10 });
    let enums::contacts::Blocked::Blocked(blocked) = blocked else { panic!() };
    assert_eq!(blocked.blocked.len(), 1);
    alice.ok(&functions::contacts::Unblock { my_stories_from: false, id: alice.peer(&bob) });
    alice.send(alice.peer(&bob), "again");
}
