//! What a message is once it is in the inbox: its id, whom it answers, whose it is, and what becomes of it.

use super::*;

#[test]
fn channel_messages_change_as_others_do() {
    let mut stage = Stage::at(10);
    (11..=13).for_each(|id| stage.push(new(id)));
    let id = |server_id| stage.intake.store.message_id(PeerId::channel(CHANNEL), server_id).unwrap().unwrap();
    let (first, second, third) = (id(11), id(12), id(13));
    let edited = match message(12, ADA) {
        enums::Message::Message(message) => types::Message { message: "edited".to_owned(), ..message },
        _ => unreachable!(),
    };
    stage.push(types::UpdateEditChannelMessage { message: edited.into(), pts: 14, pts_count: 1 }.into());
    let deleted = types::UpdateDeleteChannelMessages { channel_id: CHANNEL, messages: vec![13], pts: 15, pts_count: 1 };
    stage.push(deleted.into());
    let read = types::UpdateReadChannelInbox {
        folder_id: None,
        channel_id: CHANNEL,
        max_id: 11,
        still_unread_count: 1,
        pts: 15,
    };
    stage.push(read.into());
    let store = &stage.intake.store;
    let held = |id| store.message(id).unwrap();
    assert_eq!(held(second).unwrap().text.as_deref(), Some("edited"));
    assert_eq!((held(first).unwrap().flags.unread, held(second).unwrap().flags.unread), (false, true));
    assert_eq!(held(third), None);
    assert_eq!(stage.ids(), [11, 12, 13], "and scripts hear of new ones only");
    assert_eq!(stage.state(), ChannelState { pts: Some(15), top_id: 13 });
}

#[test]
fn ids_and_replies_are_the_channels_own() {
    let mut stage = Stage::at(10);
    let mut header = tl_blank::message_reply_header();
    header.reply_to_msg_id = Some(4);
    let reply = match message(11, ADA) {
        enums::Message::Message(message) => types::Message { reply_to: Some(header.into()), ..message },
        _ => unreachable!(),
    };
    stage.push(types::UpdateNewChannelMessage { message: reply.into(), pts: 11, pts_count: 1 }.into());
    let Event::Message(message) = stage.events().remove(0) else { panic!() };
    let id = |server_id| stage.intake.store.message_id(PeerId::channel(CHANNEL), server_id).unwrap();
    assert_eq!((Some(message.id), message.reply_to), (id(11), id(4)));
    assert!(message.id > i64::from(i32::MAX));
    assert_eq!((message.source, message.destination), (Some(PeerId::user(ADA)), PeerId::channel(CHANNEL)));
}

#[test]
fn so_many_messages_that_were_sent_are_remembered() {
    let mut stage = Stage::at(10);
    for random_id in 0..=SENT_MAX as i64 {
        stage.push(types::UpdateMessageId { id: random_id as i32 + 1, random_id }.into());
    }
    assert_eq!((stage.intake.sent_id(0), stage.intake.sent_id(1)), (None, Some(2)));
}

/// A short form names people without saying who they are: the message waits until the difference does.
#[test]
fn a_short_message_about_somebody_unknown_is_fetched_whole() {
    const STRANGER: i64 = 99;
    let peer = |id| Some(types::PeerUser { user_id: id }.into());
    let forward = |change: fn(&mut types::MessageFwdHeader, Option<enums::Peer>)| {
        let mut header = tl_blank::message_fwd_header(0);
        change(&mut header, peer(STRANGER));
        Some(header.into())
    };
    let mention = |user_id| Some(vec![types::MessageEntityMentionName { offset: 0, length: 1, user_id }.into()]);
    type Change<'a> = Box<dyn Fn(&mut types::UpdateShortMessage) + 'a>;
    let cases: Vec<(&str, Change<'_>, bool)> = vec![
        ("nobody else", Box::new(|_| {}), true),
        ("the author", Box::new(|short| short.user_id = STRANGER), false),
        ("a forward's author", Box::new(|short| short.fwd_from = forward(|header, who| header.from_id = who)), false),
        (
            "where a forward was saved from",
            Box::new(|short| short.fwd_from = forward(|header, who| header.saved_from_peer = who)),
            false,
        ),
        ("an author who hides", Box::new(|short| short.fwd_from = forward(|_, _| {})), true),
        ("the bot", Box::new(|short| short.via_bot_id = Some(STRANGER)), false),
        ("a known bot", Box::new(|short| short.via_bot_id = Some(ADA)), true),
        ("somebody named", Box::new(|short| short.entities = mention(STRANGER)), false),
        ("somebody known named", Box::new(|short| short.entities = mention(ADA)), true),
        (
            "whom it answers",
            Box::new(|short| {
                let header = tl_blank::message_reply_header();
                short.reply_to = Some(types::MessageReplyHeader { reply_to_peer_id: peer(STRANGER), ..header }.into());
            }),
            false,
        ),
    ];
    for (what, change, is_given) in cases {
        let mut stage = Stage::at(10);
        let mut short = tl_blank::short_message(1, ADA, "hello".to_owned(), 2, 1, 101);
        change(&mut short);
        stage.intake.receive_pushed(Pushed::Updates(short.into()));
        assert_eq!(!stage.ids().is_empty(), is_given, "{what}");
        assert_eq!(stage.intake.wants_difference(), !is_given, "{what}");
    }
}

/// In a topic every message names the one that began it. That is no answer.
#[test]
fn a_message_in_a_topic_answers_what_it_answers() {
    // (in a topic, the message named, the topic named besides) and what is answered.
    let cases = [
        ((false, None, None), None),
        ((false, Some(4), None), Some(4)),
        // Below a channel's post: a thread is no topic.
        ((false, Some(6), Some(4)), Some(6)),
        ((true, Some(4), None), None),
        ((true, Some(4), Some(4)), None),
        ((true, Some(6), Some(4)), Some(6)),
    ];
    let mut stage = Stage::at(10);
    for (number, ((forum_topic, reply_to_msg_id, reply_to_top_id), expected)) in (11..).zip(cases) {
        let enums::Message::Message(message) = message(number, ADA) else { unreachable!() };
        let header = tl_blank::message_reply_header();
        let header = types::MessageReplyHeader { forum_topic, reply_to_msg_id, reply_to_top_id, ..header };
        let message = types::Message { reply_to: Some(header.into()), ..message };
        let seen = stage.intake.learn(&[], &[], &[message.into()]).unwrap().remove(0);
        let id = |server_id| stage.intake.store.message_id(PeerId::channel(CHANNEL), server_id).unwrap().unwrap();
        assert_eq!(seen.reply_to, expected.map(id), "{number}");
    }
}

/// What one writes to oneself is outgoing, though the server does not say so.
#[test]
fn saved_messages_are_our_own_unless_they_are_forwards() {
    let saved = |id, change: fn(&mut types::Message)| {
        let enums::Message::Message(message) = message(id, US) else { unreachable!() };
        let mut message = types::Message { peer_id: types::PeerUser { user_id: US }.into(), ..message };
        change(&mut message);
        enums::Message::from(message)
    };
    let cases: [(enums::Message, bool); 5] = [
        (saved(1, |_| {}), true),
        (saved(2, |message| message.from_id = None), true),
        (saved(3, |message| message.fwd_from = Some(tl_blank::message_fwd_header(0).into())), false),
        (saved(4, |message| message.out = true), true),
        (message(5, ADA), false),
    ];
    let mut stage = Stage::at(10);
    for (message, outgoing) in cases {
        let seen = stage.intake.learn(&[], &[], &[message]).unwrap().remove(0);
        assert_eq!((seen.flags.outgoing, seen.flags.unread && seen.id < 5), (outgoing, false), "{}", seen.id);
    }
}
