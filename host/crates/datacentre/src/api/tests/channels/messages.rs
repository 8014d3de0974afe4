//! What is written in supergroups and channels.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, dialog_peers, dialogs_request, edit, forward, group, history_request, messages_of};
use super::super::world::{new_message, peer_id, replied_id, reply_to, search_request, texts};
use super::{broadcast, said, supergroup, told};

#[test]
fn a_supergroup_names_the_writer_and_a_channel_does_not() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    group.send(&alice, "hello");
    let seen = &bob.history(group.peer(&bob))[0];
    assert_eq!(seen.from_id, Some(types::PeerUser { user_id: alice.me }.into()));
    assert!(!seen.out && !seen.post && alice.history(group.peer(&alice))[0].out);
    let news = broadcast(&alice, "news_of_alice");
    news.send(&alice, "post");
    let seen = &bob.history(news.peer(&bob))[0];
    assert_eq!((&seen.from_id, seen.post, seen.views, &seen.post_author), (&None, true, Some(1), &None));
}

#[test]
fn ids_are_the_channels_own() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let (one, two) = (supergroup(&alice, &[&bob]), supergroup(&alice, &[&bob]));
    let private = alice.send(alice.peer(&bob), "private");
    let ids = [one.send(&alice, "a"), one.send(&bob, "b"), two.send(&alice, "c")];
    assert_eq!((private, ids), (1, [3, 4, 3]));
    let get = |channel: super::Channel, id| functions::channels::GetMessages {
        channel: channel.input(&bob),
        id: vec![types::InputMessageId { id }.into()],
    };
    assert_eq!(said(&messages_of(bob.ok(&get(one, 3)))[0]), "a");
    assert_eq!(said(&messages_of(bob.ok(&get(two, 3)))[0]), "c");
    assert_eq!(said(&messages_of(bob.ok(&get(two, 9)))[0]), "(empty)");
}

#[test]
fn replies_and_mentions_are_marked_for_whom_they_concern() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    bob.ok(&functions::account::UpdateUsername { username: "bob_the_2nd".to_owned() });
    let group = supergroup(&alice, &[&bob, &carol]);
    let id = group.send(&alice, "hey @bob_the_2nd");
    assert!(bob.history(group.peer(&bob))[0].mentioned);
    assert!(!carol.history(group.peer(&carol))[0].mentioned);
    let mut reply = carol.message(group.peer(&carol), "to alice");
    reply.reply_to = Some(reply_to(id));
    carol.ok(&reply);
    let seen = &alice.history(group.peer(&alice))[0];
    assert_eq!((replied_id(seen), seen.mentioned), (Some(id), true));
    let replied = functions::channels::GetMessages {
        channel: group.input(&bob),
        id: vec![types::InputMessageReplyTo { id: seen.id }.into()],
    };
    assert_eq!(said(&messages_of(bob.ok(&replied))[0]), "hey @bob_the_2nd");
    reply.reply_to = Some(reply_to(99));
    assert_eq!(carol.err(&reply), "400 REPLY_MESSAGE_ID_INVALID");
}

#[test]
fn messages_are_edited_and_deleted_for_all() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let id = group.send(&bob, "old");
    told(&alice);
    bob.ok(&edit(group.peer(&bob), id, "new"));
    assert_eq!(told(&alice), ["edit new pts 5+1"]);
    assert_eq!(alice.err(&edit(group.peer(&alice), id, "mine")), "403 MESSAGE_AUTHOR_REQUIRED");
    assert_eq!(bob.err(&edit(group.peer(&bob), id, "new")), "400 MESSAGE_NOT_MODIFIED");
    assert_eq!(bob.err(&edit(group.peer(&bob), 1, "x")), "400 MESSAGE_ID_INVALID", "service messages stay");
    let of_alice = group.send(&alice, "alice's");
    assert_eq!(bob.err(&group.delete(&bob, vec![id, of_alice])), "403 MESSAGE_DELETE_FORBIDDEN");
    told(&bob);
    let enums::messages::AffectedMessages::Messages(gone) = alice.ok(&group.delete(&alice, vec![id, of_alice, 77]));
    assert_eq!((gone.pts, gone.pts_count), (8, 2));
    assert_eq!(told(&bob), [format!("delete [{id}, {of_alice}] pts 8+2")]);
}

#[test]
fn forwards_name_the_channel_or_the_writer() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let (group, news) = (supergroup(&alice, &[&bob]), broadcast(&alice, "news_of_alice"));
    let post = news.send(&alice, "post");
    let origin = |answer: &enums::Updates| match new_message(answer) {
        enums::Message::Message(message) => match message.fwd_from.unwrap() {
            enums::MessageFwdHeader::Header(header) => header,
        },
        other => panic!("{other:?}"),
    };
    let first = origin(&bob.ok(&forward(news.peer(&bob), group.peer(&bob), vec![post])));
    let channel: enums::Peer = types::PeerChannel { channel_id: news.0 }.into();
    assert_eq!((first.from_id.as_ref(), first.channel_post), (Some(&channel), Some(post)));
    let in_group = alice.history(group.peer(&alice))[0].id;
    let again = origin(&alice.ok(&forward(group.peer(&alice), alice.peer(&bob), vec![in_group])));
    assert_eq!((again.from_id.as_ref(), again.channel_post), (Some(&channel), Some(post)), "the first origin stays");
    let private = bob.send(bob.peer(&alice), "private");
    let from_private = origin(&bob.ok(&forward(bob.peer(&alice), group.peer(&bob), vec![private])));
    assert_eq!(from_private.from_id, Some(types::PeerUser { user_id: bob.me }.into()));
    assert_eq!(bob.err(&forward(group.peer(&bob), news.peer(&bob), vec![in_group])), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(bob.history(news.peer(&bob))[0].forwards, Some(1));
}

#[test]
fn views_count_each_viewer_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    let id = news.send(&alice, "post");
    let views = |by: &super::Client<'_>, increment| {
        let call = functions::messages::GetMessagesViews { peer: news.peer(by), id: vec![id, 99], increment };
        let enums::messages::MessageViews::Views(answer) = by.ok(&call);
        answer.views.into_iter().map(|enums::MessageViews::Views(one)| one.views).collect::<Vec<_>>()
    };
    assert_eq!(views(&bob, false), [Some(1), None]);
    assert_eq!(views(&bob, true), [Some(2), None]);
    assert_eq!(views(&bob, true), [Some(2), None]);
}

#[test]
fn history_and_search_page_as_in_other_chats() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let ids: Vec<i32> =
        (0..10).map(|n| group.send(if n % 2 == 0 { &alice } else { &bob }, &format!("word {n}"))).collect();
    let page = functions::messages::GetHistory { offset_id: ids[5], ..history_request(group.peer(&bob), 3) };
    let enums::messages::Messages::ChannelMessages(page) = bob.ok(&page) else { panic!() };
    assert_eq!(page.messages.iter().map(enums::Message::id).collect::<Vec<_>>(), [ids[4], ids[3], ids[2]]);
    assert_eq!((page.count, page.pts), (12, 13));
    let search = functions::messages::Search {
        q: "word".to_owned(),
        from_id: Some(bob.peer(&alice)),
        ..search_request(group.peer(&bob))
    };
    assert_eq!(texts(messages_of(bob.ok(&search))).len(), 5);
}

#[test]
fn a_search_everywhere_looks_into_channels_too() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let other = supergroup(&alice, &[]);
    alice.send(alice.peer(&bob), "needle 1");
    group.send(&alice, "needle 2");
    other.send(&alice, "needle not for bob");
    alice.send(alice.peer(&bob), "needle 3");
    let search = |offset_peer, offset_id, limit| functions::messages::SearchGlobal {
        broadcasts_only: false,
        groups_only: false,
        users_only: false,
        folder_id: None,
        community: None,
        q: "needle".to_owned(),
        filter: enums::MessagesFilter::InputMessagesFilterEmpty,
        min_date: 0,
        max_date: 0,
        offset_rate: 0,
        offset_peer,
        offset_id,
        limit,
    };
    let found = |call| texts(messages_of(bob.ok(&call))).into_iter().map(|found| found.message).collect::<Vec<_>>();
    assert_eq!(found(search(enums::InputPeer::Empty, 0, 10)), ["needle 3", "needle 2", "needle 1"]);
    assert_eq!(found(search(group.peer(&bob), 3, 10)), ["needle 1"]);
    let groups = functions::messages::SearchGlobal { groups_only: true, ..search(enums::InputPeer::Empty, 0, 10) };
    assert_eq!(found(groups), ["needle 2"]);
}

#[test]
fn dialogs_hold_channels_with_their_pts() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let news = broadcast(&alice, "news_of_alice");
    bob.ok(&news.join(&bob));
    group.send_numbers(&alice, 2);
    bob.send(group.peer(&bob), "own");
    let dialog = bob.dialog(group.peer(&bob));
    assert_eq!((dialog.pts, dialog.top_message, dialog.unread_count), (Some(6), 5, 3));
    let mut listed = dialog_peers(&bob);
    listed.sort_unstable();
    assert_eq!(listed, [group.0, news.0]);
    let pin = |pinned| functions::messages::ToggleDialogPin {
        pinned,
        peer: types::InputDialogPeer { peer: news.peer(&bob) }.into(),
    };
    bob.ok(&pin(true));
    assert_eq!(dialog_peers(&bob), [news.0, group.0]);
    let draft = tl_blank::save_draft(group.peer(&bob), "not yet".to_owned());
    bob.ok(&draft);
    assert!(bob.dialog(group.peer(&bob)).draft.is_some());
}

#[test]
fn dialogs_of_every_kind_are_paged_without_doubles() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    alice.send(alice.peer(&bob), "x");
    group(&alice, &[&bob], "Old");
    (0..5).for_each(|_| drop(supergroup(&alice, &[&bob]).send_numbers(&alice, 2)));
    let all = dialog_peers(&bob);
    let mut call = dialogs_request(2);
    let mut got = Vec::new();
    loop {
        let page = match bob.ok(&call) {
            enums::messages::Dialogs::Slice(slice) => slice,
            other => panic!("{other:?}"),
        };
        let Some(enums::Dialog::Dialog(last)) = page.dialogs.last().cloned() else { break };
        call.offset_id = last.top_message;
        let peer_of = |message: &enums::Message| match message {
            enums::Message::Message(message) => (message.peer_id.clone(), message.date),
            enums::Message::Service(message) => (message.peer_id.clone(), message.date),
            enums::Message::Empty(_) => panic!(),
        };
        call.offset_date = page.messages.iter().map(peer_of).find(|(peer, _)| *peer == last.peer).unwrap().1;
        call.offset_peer = match &last.peer {
            enums::Peer::User(_) => bob.peer(&alice),
            enums::Peer::Chat(chat) => types::InputPeerChat { chat_id: chat.chat_id }.into(),
            enums::Peer::Channel(channel) => super::Channel(channel.channel_id).peer(&bob),
        };
        got.extend(page.dialogs.into_iter().map(peer_id));
    }
    assert_eq!((got.len(), got), (7, all));
}

#[test]
fn more_messages_than_one_update_names_are_deleted_too() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    group.send_numbers(&alice, 1000);
    told(&bob);
    let all = functions::channels::DeleteHistory { for_everyone: true, channel: group.input(&alice), max_id: 0 };
    alice.ok(&all);
    assert!(group.written(&alice).is_empty());
    assert_eq!(told(&bob).len(), 2);
}

#[test]
fn reading_is_told_to_the_writers_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let first = group.send(&alice, "a");
    let last = group.send(&alice, "b");
    [&alice, &bob].iter().for_each(|client| drop(told(client)));
    let read = |max_id| functions::channels::ReadHistory { channel: group.input(&bob), max_id };
    let second = world.session(bob.caller.auth_key_id, 99);
    bob.ok(&read(first));
    assert_eq!(told(&second), ["read inbox 3 left 1"]);
    assert_eq!(told(&alice), ["read outbox 3"]);
    bob.ok(&read(0));
    bob.ok(&read(first));
    assert_eq!(told(&alice), [format!("read outbox {last}")]);
    assert_eq!(bob.dialog(group.peer(&bob)).unread_count, 0);
    let wrong = functions::messages::ReadHistory { peer: group.peer(&bob), max_id: 0 };
    assert_eq!(bob.err(&wrong), "400 PEER_ID_INVALID");
}

#[test]
fn typing_is_seen_in_supergroups() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    told(&bob);
    let typing = functions::messages::SetTyping {
        peer: group.peer(&alice),
        top_msg_id: None,
        action: enums::SendMessageAction::SendMessageTypingAction,
    };
    alice.ok(&typing);
    assert_eq!(told(&bob), ["typing"]);
}

#[test]
fn a_history_is_deleted_for_oneself_or_for_all() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    group.send_numbers(&alice, 3);
    let delete = |by: &super::Client<'_>, for_everyone, max_id| functions::channels::DeleteHistory {
        for_everyone,
        channel: group.input(by),
        max_id,
    };
    bob.ok(&delete(&bob, false, 0));
    assert!(group.written(&bob).is_empty());
    assert_eq!(group.written(&alice).len(), 5, "for bob alone");
    let new = group.send(&alice, "new");
    assert_eq!(group.written(&bob), ["new"]);
    assert_eq!(bob.err(&delete(&bob, true, 0)), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&delete(&alice, true, new - 1));
    assert_eq!(group.written(&alice), ["new"]);
    let other_way = tl_blank::delete_history(group.peer(&bob), 0);
    assert_eq!(bob.err(&other_way), "400 PEER_ID_INVALID");
}

#[test]
fn messages_have_links() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let (group, news) = (supergroup(&alice, &[&bob]), broadcast(&alice, "news_of_alice"));
    let link = |channel: super::Channel, id| functions::channels::ExportMessageLink {
        grouped: false,
        thread: false,
        channel: channel.input(&bob),
        id,
    };
    let exported = |call| {
        let enums::ExportedMessageLink::Link(link) = bob.ok(&call);
        link.link
    };
    assert_eq!(exported(link(news, 1)), "https://t.me/news_of_alice/1");
    assert_eq!(exported(link(group, 1)), format!("https://t.me/c/{}/1", group.0));
    assert_eq!(bob.err(&link(group, 99)), "400 MESSAGE_ID_INVALID");
}
