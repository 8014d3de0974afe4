//! A channel's updates in their order: what is missing is fetched, whatever happens on the way.

use super::*;

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
