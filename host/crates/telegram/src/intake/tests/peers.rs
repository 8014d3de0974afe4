//! People and groups: what is new about them, and what is less than we know.

use tgl::{Changes, PeerDetails, ServiceAction};

use super::*;

#[test]
fn changes_are_told_by_telegram_clis_names() {
    type Change = fn(&mut types::User);
    let none = Changes::default();
    let cases: [(Change, Changes); 9] = [
        (|_| {}, none),
        (|user| user.phone = Some("7900".to_owned()), Changes { phone: true, ..none }),
        (|user| user.contact = true, Changes { flags: true, ..none }),
        (|user| user.username = Some("ada".to_owned()), Changes { username: true, ..none }),
        (|user| user.first_name = Some("Eva".to_owned()), Changes { real_name: true, name: true, ..none }),
        (|user| user.access_hash = Some(9), Changes { access_hash: true, ..none }),
        (|user| user.deleted = true, Changes { deleted: true, ..none }),
        (|user| user.photo = Some(photo()), Changes { photo: true, ..none }),
        (|user| user.status = Some(types::UserStatusOnline { expires: 9 }.into()), Changes { ..none }),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        let mut stage = Stage::at(10);
        stage.intake.learn(&[user(ADA, "Ada", change)], &[], &[]).unwrap();
        let told: Vec<_> = stage.events();
        match told.as_slice() {
            [] => assert_eq!(expected, none, "case {at}"),
            [Event::UserUpdate { user, what }] => assert_eq!((*what, user.id()), (expected, PeerId::user(ADA))),
            other => panic!("{other:?}"),
        }
    }
    type ChatChange = fn(&mut types::Channel);
    let cases: [(ChatChange, Changes); 5] = [
        (|_| {}, none),
        (|chat| chat.title = "Other".to_owned(), Changes { title: true, ..none }),
        (|chat| chat.creator = true, Changes { admin: true, ..none }),
        (|chat| chat.participants_count = Some(5), Changes { members: true, ..none }),
        (|chat| chat.left = true, Changes { flags: true, ..none }),
    ];
    for (change, expected) in cases {
        let mut stage = Stage::at(10);
        stage.intake.learn(&[], &[channel(change)], &[]).unwrap();
        let told = stage.events();
        let what = told.first().map_or(none, |event| match event {
            Event::ChatUpdate { what, .. } => *what,
            other => panic!("{other:?}"),
        });
        assert_eq!((what, told.len()), (expected, usize::from(expected != none)));
    }
}

#[test]
fn what_is_known_is_not_overwritten_by_less() {
    let mut stage = Stage::at(10);
    let min = |user: &mut types::User| {
        (user.min, user.access_hash, user.phone) = (true, Some(999), None);
    };
    stage.intake.learn(&[user(ADA, "Somebody", min)], &[], &[]).unwrap();
    stage
        .intake
        .learn(&[], &[channel(|c| (c.min, c.title, c.access_hash) = (true, "?".to_owned(), Some(9)))], &[])
        .unwrap();
    assert!(stage.events().is_empty());
    let store = stage.intake.store.clone();
    let known = |id| store.peer_record(id).unwrap().unwrap();
    assert_eq!((known(PeerId::user(ADA)).peer.name.as_str(), known(PeerId::user(ADA)).access_hash), ("Ada", Some(20)));
    assert_eq!(known(PeerId::channel(CHANNEL)).access_hash, Some(7));

    // Who is known by a message only is named by it.
    stage.intake.learn(&[user(3, "Eva", min)], &[], &[]).unwrap();
    stage.push(types::UpdateNewChannelMessage { message: message(11, 3), pts: 11, pts_count: 1 }.into());
    let facts = known(PeerId::user(3)).facts;
    let named = store.server_message(facts.met_in.unwrap()).unwrap().unwrap();
    assert_eq!((named.chat, named.id, facts.is_min), (Some(PeerId::channel(CHANNEL)), 11, true));
    stage.intake.learn(&[user(3, "Eva", |_| {})], &[], &[]).unwrap();
    let PeerDetails::User(eva) = known(PeerId::user(3)).peer.details else { panic!() };
    assert_eq!((known(PeerId::user(3)).access_hash, eva.first_name.as_deref()), (Some(30), Some("Eva")));
}

#[test]
fn a_group_that_has_become_a_supergroup_is_remembered() {
    let mut stage = Stage::at(10);
    let migrated_to = Some(types::InputChannel { channel_id: CHANNEL, access_hash: 7 }.into());
    let group = types::Chat { deactivated: true, migrated_to, ..basic_group() };
    stage.intake.learn(&[], &[group.into()], &[]).unwrap();
    assert_eq!(stage.intake.store.peer_record(PeerId::chat(5)).unwrap().unwrap().facts.migrated_to, Some(CHANNEL));
    let begin = types::MessageActionChannelMigrateFrom { title: "Group".to_owned(), chat_id: 5 };
    let mut stage = Stage::at(0);
    stage.push(types::UpdateNewChannelMessage { message: service(1, begin.into()), pts: 2, pts_count: 1 }.into());
    let Event::Message(message) = stage.events().remove(0) else { panic!() };
    assert_eq!((message.action, message.flags.service), (ServiceAction::Noop, true));
}

#[test]
fn so_many_members_are_listed() {
    let mut stage = Stage::at(10);
    stage.intake.learn(&[], &[basic_group().into()], &[]).unwrap();
    let members = |stage: &Stage| match stage.intake.store.peer(PeerId::chat(5)).unwrap().unwrap().details {
        PeerDetails::Chat(group) => group.member_ids,
        other => panic!("{other:?}"),
    };
    for (count, kept) in [(MEMBERS_MAX, MEMBERS_MAX), (MEMBERS_MAX + 1, MEMBERS_MAX), (2, 2)] {
        let member = |user_id| types::ChatParticipant { user_id, inviter_id: US, date: 0, rank: None }.into();
        let participants = (1..=count as i64).map(member).collect();
        let list = types::ChatParticipants { chat_id: 5, participants, version: 3 };
        stage.push(types::UpdateChatParticipants { participants: list.into() }.into());
        assert_eq!(members(&stage), (1..=kept as i64).collect::<Vec<_>>(), "{count}");
        // One more comes in.
        let added = types::UpdateChatParticipantAdd { chat_id: 5, user_id: 9_999, inviter_id: US, date: 0, version: 4 };
        stage.push(added.into());
        assert_eq!(members(&stage).len(), (kept + 1).min(MEMBERS_MAX), "{count}");
    }
}

fn basic_group() -> types::Chat {
    types::Chat { creator: true, ..tl_blank::chat(5, "Group".to_owned(), enums::ChatPhoto::Empty, 0, 0, 2) }
}

fn photo() -> enums::UserProfilePhoto {
    types::UserProfilePhoto { has_video: false, personal: false, photo_id: 9, stripped_thumb: None, dc_id: 2 }.into()
}
