//! What reaches the inbox of what the server sends, whatever happens on the way.

use store::ChannelState;
use tempfile::TempDir;
use tgl::Event;
use tl::Deserializable;

use super::*;

mod peers;

pub(crate) const US: i64 = 1;
pub(crate) const ADA: i64 = 2;
pub(crate) const CHANNEL: i64 = 77;

/// An account without a network.
struct Stage {
    dir: TempDir,
    intake: Intake,
    cursor: u64,
}

impl Stage {
    /// Somebody who is in the channel, of which everything up to `pts` was taken.
    fn at(pts: i32) -> Self {
        let mut stage = Self::open(TempDir::new().unwrap(), 0);
        stage.intake.order.begin_difference();
        stage.intake.begin_at(UpdateState { pts: 1, qts: 1, date: 100, seq: 0 });
        stage.intake.end_difference();
        stage.intake.learn(&[user(ADA, "Ada", |_| {})], &[channel(|_| {})], &[]).unwrap();
        if pts > 0 {
            stage.intake.write(|batch| batch.set_channel_pts(CHANNEL, Some(pts))).unwrap();
        }
        stage.events();
        stage
    }

    fn open(dir: TempDir, cursor: u64) -> Self {
        let store = AccountStore::open(dir.path()).unwrap();
        let owner = Owner { user_id: US, is_bot: false };
        store.set_owner(owner).unwrap();
        let intake = Intake::open(store, owner, watch::Sender::new(AccountState::default())).unwrap();
        Self { dir, intake, cursor }
    }

    /// As after a kill: nothing but what is stored.
    fn restart(self) -> Self {
        let Self { dir, intake, cursor } = self;
        drop(intake);
        Self::open(dir, cursor)
    }

    fn push(&mut self, update: enums::Update) {
        self.push_with(vec![update], vec![]);
    }

    fn push_with(&mut self, updates: Vec<enums::Update>, chats: Vec<enums::Chat>) {
        let updates = types::Updates { updates, users: vec![], chats, date: 0, seq: 0 };
        self.intake.receive_pushed(Pushed::Updates(updates.into()));
    }

    fn events(&mut self) -> Vec<Event> {
        let events = self.intake.store.inbox_after(self.cursor, 10_000).unwrap();
        self.cursor = self.intake.store.inbox_seq();
        events.into_iter().map(|(_, event)| Event::clone(&event)).collect()
    }

    /// The server's ids of the messages that have come since the last time.
    fn ids(&mut self) -> Vec<i32> {
        let messages = self.events().into_iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.id),
            _ => None,
        });
        messages.map(|id| self.intake.store.server_message(id).unwrap().unwrap().id).collect()
    }

    fn state(&self) -> ChannelState {
        self.intake.store.channel_state(CHANNEL).unwrap()
    }

    /// Lets the half second pass after which a gap is believed.
    fn wait_for_gap(&mut self) {
        self.intake.channels.on_deadline(Instant::now() + Duration::from_secs(1));
    }

    /// Answers as the data centre would, whose channel is at `end` and had one message for each pts.
    fn catch_up(&mut self, end: i32) {
        while let Some(missed) = self.intake.begin_channel_difference() {
            let from = missed.state.pts.unwrap_or(0);
            let messages = (from + 1..=end).map(|id| message(id, ADA)).collect();
            self.intake.take_channel_difference(CHANNEL, end, ChannelPart { messages, ..ChannelPart::default() });
            self.intake.end_channel_difference(CHANNEL);
        }
    }
}

/// An object with nothing in it, to be filled.
pub(crate) fn empty<T: Deserializable>() -> T {
    T::from_bytes(&[0; 256]).unwrap()
}

pub(crate) fn channel(change: impl FnOnce(&mut types::Channel)) -> enums::Chat {
    let mut channel = types::Channel {
        id: CHANNEL,
        access_hash: Some(7),
        title: "Group".to_owned(),
        megagroup: true,
        date: 50,
        photo: enums::ChatPhoto::Empty,
        ..blank_channel()
    };
    change(&mut channel);
    channel.into()
}

pub(crate) fn user(id: i64, first_name: &str, change: impl FnOnce(&mut types::User)) -> enums::User {
    let mut user = types::User {
        id,
        access_hash: Some(id * 10),
        first_name: Some(first_name.to_owned()),
        ..empty::<types::User>()
    };
    change(&mut user);
    user.into()
}

pub(crate) fn message(id: i32, from: i64) -> enums::Message {
    types::Message {
        id,
        from_id: Some(types::PeerUser { user_id: from }.into()),
        peer_id: types::PeerChannel { channel_id: CHANNEL }.into(),
        message: id.to_string(),
        date: 100 + id,
        ..blank_message()
    }
    .into()
}

fn new(id: i32) -> enums::Update {
    types::UpdateNewChannelMessage { message: message(id, ADA), pts: id, pts_count: 1 }.into()
}

fn service(id: i32, action: enums::MessageAction) -> enums::Message {
    types::MessageService {
        out: false,
        mentioned: false,
        media_unread: false,
        reactions_are_possible: false,
        silent: false,
        post: false,
        legacy: false,
        id,
        from_id: Some(types::PeerUser { user_id: ADA }.into()),
        peer_id: types::PeerChannel { channel_id: CHANNEL }.into(),
        saved_peer_id: None,
        reply_to: None,
        date: 100,
        action,
        reactions: None,
        ttl_period: None,
    }
    .into()
}

#[test]
fn every_arrival_order_of_a_channels_updates_gives_their_order_once() {
    for at in 0..24u32 {
        let mut left: Vec<i32> = vec![11, 12, 13, 14];
        let mut order = Vec::new();
        for (count, divisor) in [(4, 6), (3, 2), (2, 1), (1, 1)] {
            order.push(left.remove((at / divisor % count) as usize));
        }
        let mut stage = Stage::at(10);
        for id in order.iter().chain(&order) {
            stage.push(new(*id));
        }
        assert_eq!(stage.ids(), [11, 12, 13, 14], "{order:?}");
        assert_eq!(stage.state(), ChannelState { pts: Some(14), top_id: 14 });
        assert!(!stage.intake.wants_channel_difference());
    }
}

#[test]
fn what_never_comes_is_fetched_and_what_comes_meanwhile_is_kept() {
    let mut stage = Stage::at(10);
    stage.push(new(12));
    assert!(!stage.intake.wants_channel_difference(), "it may still come by itself");
    stage.wait_for_gap();
    assert!(stage.intake.wants_channel_difference() && !stage.intake.wants_difference());
    let missed = stage.intake.begin_channel_difference().unwrap();
    assert_eq!((missed.channel_id, missed.state.pts), (CHANNEL, Some(10)));
    stage.push(new(12));
    stage.push(new(13));
    assert!(stage.ids().is_empty());
    let messages = vec![message(11, ADA), message(12, ADA)];
    assert!(stage.intake.take_channel_difference(CHANNEL, 12, ChannelPart { messages, ..ChannelPart::default() }));
    stage.intake.end_channel_difference(CHANNEL);
    assert_eq!(stage.ids(), [11, 12, 13]);
    assert!(stage.intake.begin_channel_difference().is_none());
}

#[test]
fn a_kill_at_any_moment_loses_and_doubles_nothing() {
    let mut stage = Stage::at(10);
    let mut got = Vec::new();
    for round in 0..8 {
        let next = 11 + 3 * round;
        stage.push(new(next));
        // One is lost on the way, one comes too early, then the process is killed.
        stage.push(new(next + 2));
        if round % 2 == 0 {
            stage.wait_for_gap();
            stage.intake.begin_channel_difference();
        }
        stage = stage.restart();
        stage.push(types::UpdateChannelTooLong { channel_id: CHANNEL, pts: Some(next + 2) }.into());
        stage.catch_up(next + 2);
        got.extend(stage.ids());
    }
    assert_eq!(got, (11..35).collect::<Vec<_>>());
}

#[test]
fn channels_do_not_wait_for_one_another() {
    let mut stage = Stage::at(10);
    stage.intake.write(|batch| batch.set_channel_pts(78, Some(5))).unwrap();
    stage.push(new(12));
    let elsewhere = types::Message {
        id: 6,
        peer_id: types::PeerChannel { channel_id: 78 }.into(),
        ..match message(6, ADA) {
            enums::Message::Message(message) => message,
            _ => unreachable!(),
        }
    };
    stage.push(types::UpdateNewChannelMessage { message: elsewhere.into(), pts: 6, pts_count: 1 }.into());
    assert_eq!(stage.ids(), [6]);
    assert_eq!(stage.intake.store.channel_state(78).unwrap().pts, Some(6));
}

#[test]
fn a_channel_begins_where_we_came_in_or_is_looked_through() {
    let join = enums::MessageAction::ChatAddUser(types::MessageActionChatAddUser { users: vec![US] });
    let mut stage = Stage::at(0);
    stage.push(types::UpdateNewChannelMessage { message: service(5, join), pts: 9, pts_count: 1 }.into());
    assert_eq!((stage.ids(), stage.state().pts), (vec![5], Some(9)));

    let mut stage = Stage::at(0);
    stage.push(new(8));
    assert!(stage.ids().is_empty(), "what came before it is fetched first");
    let missed = stage.intake.begin_channel_difference().unwrap();
    assert_eq!((missed.state.pts, missed.since), (None, 100));
    stage.intake.on_channel_failure(CHANNEL);
    assert!(stage.intake.begin_channel_difference().is_none(), "not again at once");
    stage.wait_for_gap();
    stage.catch_up(8);
    assert_eq!(stage.ids(), (1..=8).collect::<Vec<_>>());

    let mut stage = Stage::at(0);
    stage.push(types::UpdateChannel { channel_id: CHANNEL }.into());
    assert!(stage.intake.wants_channel_difference(), "we may have missed its first messages");
}

#[test]
fn news_that_are_known_are_not_asked_for() {
    let mut stage = Stage::at(10);
    for (pts, is_wanted) in [(Some(9), false), (Some(10), false), (Some(11), true)] {
        stage.push(types::UpdateChannelTooLong { channel_id: CHANNEL, pts }.into());
        assert_eq!(stage.intake.wants_channel_difference(), is_wanted, "{pts:?}");
    }
    stage.catch_up(10);
    stage.push(types::UpdateChannelTooLong { channel_id: CHANNEL, pts: None }.into());
    assert!(stage.intake.wants_channel_difference());
}

/// The account's difference, which names channels that have moved by the date up to which it was told.
fn difference(stage: &mut Stage, channel_ids: impl Iterator<Item = i64>, date: i32) {
    let too_long = |channel_id| types::UpdateChannelTooLong { channel_id, pts: Some(12) }.into();
    stage.intake.begin_difference();
    let state = UpdateState { pts: 1, qts: 1, date, seq: 0 };
    assert!(stage.intake.take_difference(vec![], vec![], vec![], channel_ids.map(too_long).collect(), state));
    stage.intake.end_difference();
}

#[test]
fn a_channel_that_was_behind_when_the_process_was_killed_is_named_again() {
    let mut stage = Stage::at(10);
    let date = |stage: &Stage| stage.intake.stored_state().unwrap().date;
    difference(&mut stage, [CHANNEL].into_iter(), 200);
    stage = stage.restart();
    assert_eq!(date(&stage), 100, "killed before the channel's difference");
    difference(&mut stage, [CHANNEL].into_iter(), 200);
    stage.catch_up(12);
    assert_eq!((stage.ids(), date(&stage)), (vec![11, 12], 200));

    let early = types::UpdateNewChannelMessage { message: message(14, ADA), pts: 14, pts_count: 1 }.into();
    let pushed = types::Updates { updates: vec![early], users: vec![], chats: vec![], date: 300, seq: 0 };
    stage.intake.receive_pushed(Pushed::Updates(pushed.into()));
    stage = stage.restart();
    assert_eq!(date(&stage), 200, "killed before the gap was closed");
}

#[test]
fn channels_that_there_was_no_room_for_are_named_again() {
    let count = 2_500;
    let mut stage = Stage::at(10);
    let (mut done, mut rounds) = (std::collections::HashSet::new(), 0);
    while rounds == 0 || stage.intake.wants_difference() {
        rounds += 1;
        difference(&mut stage, (1..=count).filter(|id| !done.contains(id)), 200);
        assert!(!stage.intake.wants_difference() && !stage.intake.is_up_to_date(), "nobody asks before there is room");
        assert_eq!(stage.intake.stored_state().unwrap().date, 100);
        while let Some(missed) = stage.intake.begin_channel_difference() {
            stage.intake.give_channel_up(missed.channel_id);
            assert!(done.insert(missed.channel_id));
        }
    }
    assert_eq!((done.len() as i64, rounds, stage.intake.is_up_to_date()), (count, 3, true));
}

#[test]
fn a_data_centre_that_fails_is_asked_a_few_times_and_floods_are_waited_out() {
    let mut stage = Stage::at(10);
    let too_long = || types::UpdateChannelTooLong { channel_id: CHANNEL, pts: None }.into();
    stage.push(too_long());
    let mut tries = 0;
    while stage.intake.begin_channel_difference().is_some() {
        tries += 1;
        stage.intake.on_channel_failure(CHANNEL);
        stage.intake.channels.on_deadline(Instant::now() + Duration::from_secs(60));
    }
    assert_eq!((tries, stage.intake.is_up_to_date()), (5, true));
    stage.push(too_long());
    stage.intake.begin_channel_difference().unwrap();
    stage.intake.on_channel_flood(CHANNEL, Duration::from_secs(30));
    assert!(!stage.intake.wants_channel_difference() && !stage.intake.is_up_to_date());
    assert!(stage.intake.deadline().is_some());
    stage.intake.channels.on_deadline(Instant::now() + Duration::from_secs(31));
    stage.catch_up(11);
    assert_eq!(stage.ids(), [11]);
    assert!(stage.intake.is_up_to_date());
}

#[test]
fn who_is_shut_out_of_a_channel_hears_no_more_of_it_until_let_in_again() {
    let mut stage = Stage::at(10);
    stage.push_with(vec![types::UpdateChannel { channel_id: CHANNEL }.into()], vec![channel(|c| c.left = true)]);
    assert_eq!(stage.state().pts, None);
    let left = |event: &Event| matches!(event, Event::ChatUpdate { what, .. } if what.flags);
    assert!(stage.events().iter().any(left));
    stage.push_with(vec![types::UpdateChannel { channel_id: CHANNEL }.into()], vec![channel(|_| {})]);
    assert!(stage.intake.wants_channel_difference());
    stage.intake.begin_channel_difference().unwrap();
    stage.intake.leave_channel(CHANNEL);
    assert!(stage.intake.store.peer_record(PeerId::channel(CHANNEL)).unwrap().unwrap().facts.is_left);
    assert!(!stage.intake.wants_channel_difference());
}

#[test]
fn too_many_channels_that_wait_are_left_to_the_accounts_difference() {
    let mut stage = Stage::at(10);
    for channel_id in 0..1_000 {
        stage.push(types::UpdateChannelTooLong { channel_id: 1_000 + channel_id, pts: None }.into());
    }
    assert!(!stage.intake.wants_difference());
    stage.push(new(11));
    while let Some(missed) = stage.intake.begin_channel_difference() {
        assert!(!stage.intake.is_up_to_date());
        stage.intake.give_channel_up(missed.channel_id);
    }
    assert!(stage.intake.wants_difference() && !stage.intake.is_up_to_date());
}

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
    let mut header: types::MessageReplyHeader = empty();
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
        let mut header = empty::<types::MessageFwdHeader>();
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
                let header = empty::<types::MessageReplyHeader>();
                short.reply_to = Some(types::MessageReplyHeader { reply_to_peer_id: peer(STRANGER), ..header }.into());
            }),
            false,
        ),
    ];
    for (what, change, is_given) in cases {
        let mut stage = Stage::at(10);
        let mut short = types::UpdateShortMessage {
            id: 1,
            user_id: ADA,
            message: "hello".to_owned(),
            pts: 2,
            pts_count: 1,
            date: 101,
            ..empty()
        };
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
        let header = empty::<types::MessageReplyHeader>();
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
        (saved(3, |message| message.fwd_from = Some(empty::<types::MessageFwdHeader>().into())), false),
        (saved(4, |message| message.out = true), true),
        (message(5, ADA), false),
    ];
    let mut stage = Stage::at(10);
    for (message, outgoing) in cases {
        let seen = stage.intake.learn(&[], &[], &[message]).unwrap().remove(0);
        assert_eq!((seen.flags.outgoing, seen.flags.unread && seen.id < 5), (outgoing, false), "{}", seen.id);
    }
}

fn blank_channel() -> types::Channel {
    let mut bytes = vec![0; 256];
    // The photo comes after flags, flags2, id and title, and has to be one.
    bytes[20..24].copy_from_slice(&0x37c1_011c_u32.to_le_bytes());
    types::Channel::from_bytes(&bytes).unwrap()
}

fn blank_message() -> types::Message {
    let peer = types::PeerUser { user_id: 0 };
    let mut bytes = vec![0; 256];
    bytes[12..24].copy_from_slice(&tl::Serializable::to_bytes(&enums::Peer::User(peer)));
    types::Message::from_bytes(&bytes).unwrap()
}
