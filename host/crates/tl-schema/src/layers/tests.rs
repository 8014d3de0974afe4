//! What old layers are told and what they ask.
//!
//! Invariant: numbers stand here as those layers have them, and are not computed from the table.

use std::time::Instant;

use grammers_tl_types::{Deserializable as _, Identifiable as _, Serializable as _, enums, functions, types};

use super::shapes::{Field, Kind, Row, Says, Shapes, TABLE};
use super::*;

const OLD: [i32; 12] = [198, 199, 203, 206, 210, 216, 219, 222, 225, 227, 228, 232];

#[test]
fn every_line_of_the_table_fits_the_schema() {
    let (mut shapes, names) = Shapes::of_schema();
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let before = shapes.rows.len();
        assert!(shapes.row(line, &names).is_some(), "{line}");
        for row in &shapes.rows[before..] {
            assert!(LAYERS.contains(row.layers.start()) && LAYERS.contains(row.layers.end()), "{line}");
            assert!(!row.layers.is_empty() && !row.layers.contains(&230), "{line}");
        }
    }
    for (index, row) in shapes.rows.iter().enumerate() {
        let overlaps = |other: &Row| {
            other.of == row.of && other.layers.start() <= row.layers.end() && row.layers.start() <= other.layers.end()
        };
        assert!(!shapes.rows[index + 1..].iter().any(overlaps), "{}", shapes[row.of].name);
        if let Says::Other(to) = row.says {
            assert_ne!(shapes[to].id, shapes[row.of].id, "{}", shapes[to].name);
        }
    }
    for shape in (0..shapes.len()).map(|index| &shapes[index]) {
        let words = shape.fields.iter().filter(|field| matches!(field.kind, Kind::Flags(_))).count();
        let fits = |field: &Field| field.condition.is_none_or(|there| there.word < words && there.bit < 32);
        assert!(words <= 4 && shape.fields.iter().all(fits), "{}", shape.name);
    }
}

fn a_user() -> enums::User {
    let mut user = tl_blank::user(7);
    user.access_hash = Some(8);
    user.first_name = Some("Anna".to_owned());
    user.phone = Some("9996620001".to_owned());
    user.contact = true;
    user.into()
}

/// Updates with one message, as the data centre pushes them, and what of them is newer than the oldest layer.
fn pushed() -> enums::Updates {
    let mut message = tl_blank::message(1, types::PeerUser { user_id: 7 }.into(), 2, "hello \u{2713}".repeat(20));
    message.from_rank = Some("a rank".to_owned());
    let bold = types::MessageEntityBold { offset: 0, length: 2 };
    let date = types::MessageEntityFormattedDate::from_bytes(&[0; 16]).expect("its fields are numbers");
    message.entities = Some(vec![bold.into(), date.into()]);
    message.reply_to = Some(tl_blank::message_reply_header().into());
    let new = types::UpdateNewMessage { message: message.into(), pts: 3, pts_count: 1 };
    let users = vec![a_user(), a_user()];
    types::Updates { updates: vec![new.into()], users, chats: Vec::new(), date: 4, seq: 0 }.into()
}

#[test]
fn updates_are_said_in_every_layer_and_the_same_when_they_come_back() {
    for layer in LAYERS {
        let said = updates(layer, &pushed().to_bytes()).unwrap_or_else(|| panic!("{layer}"));
        assert!(is_understood(layer, None, &said), "{layer}");
        assert_eq!(said == pushed().to_bytes(), (228..232).contains(&layer), "{layer}");
    }
}

#[test]
fn what_an_old_layer_lacks_is_left_out() {
    let said = updates(198, &pushed().to_bytes()).expect("it can be said");
    let word = |at: usize| u32::from_le_bytes(*said[at..].first_chunk().expect("four bytes"));
    // updates, vector of one, updateNewMessage, message as layer 198 numbers it.
    assert_eq!([word(0), word(8), word(12), word(16)], [0x74ae_4240, 1, 0x1f2b_0afd, 0x96fd_bbe9]);
    let rank = b"a rank";
    assert!(!said.windows(rank.len()).any(|window| window == rank));
    let date = types::MessageEntityFormattedDate::CONSTRUCTOR_ID.to_le_bytes();
    assert!(!said.windows(4).any(|window| window == date), "an entity that is not known there");
    let bold = types::MessageEntityBold::CONSTRUCTOR_ID.to_le_bytes();
    assert!(said.windows(4).any(|window| window == bold));
}

#[test]
fn an_answer_of_another_type_is_given_as_that_type() {
    let joined = types::messages::ChatInviteJoinResultOk { updates: pushed() };
    let joined = enums::messages::ChatInviteJoinResult::from(joined).to_bytes();
    let join = functions::channels::JoinChannel::CONSTRUCTOR_ID;
    assert_eq!(answer(226, join, &joined), updates(226, &pushed().to_bytes()));
    assert_eq!(answer(229, join, &joined), Some(joined));
}

#[test]
fn requests_are_understood_by_the_numbers_of_any_layer() {
    let send = tl_blank::send_message(enums::InputPeer::PeerSelf, "hello".to_owned(), 1);
    let new = send.to_bytes();
    for old in [0x983f_9745_u32, 0xfbf2_340a, 0xfe05_dc9a, 0x545c_d15a] {
        let asked = [&old.to_le_bytes()[..], &new[4..]].concat();
        assert_eq!(request(asked), Ok(new.clone()), "{old:08x}");
    }
    // account.editAdmin had no flags.
    let edit = functions::channels::EditAdmin {
        channel: types::InputChannel { channel_id: 1, access_hash: 2 }.into(),
        user_id: types::InputUser { user_id: 3, access_hash: 4 }.into(),
        admin_rights: tl_blank::chat_admin_rights().into(),
        rank: Some("x".to_owned()),
    };
    let new = edit.to_bytes();
    let old = [&0xd33c_8902_u32.to_le_bytes()[..], &new[8..]].concat();
    assert_eq!(request(old), Ok(new));
}

#[test]
fn peers_become_the_users_and_channels_that_are_meant_and_no_others() {
    let peer = types::InputPeerUser { user_id: 1, access_hash: 2 };
    let mention = |user_id| types::InputMessageEntityMentionName { offset: 0, length: 1, user_id };
    let mut meant = tl_blank::send_message(peer.clone().into(), "a".to_owned(), 1);
    meant.entities = Some(vec![mention(types::InputUser { user_id: 1, access_hash: 2 }.into()).into()]);
    let meant = meant.to_bytes();
    let user = types::InputUser::CONSTRUCTOR_ID.to_le_bytes();
    let at = meant.windows(4).position(|window| window == user).expect("a user is named");
    let mut asked = meant.clone();
    asked[at..at + 4].copy_from_slice(&types::InputPeerUser::CONSTRUCTOR_ID.to_le_bytes());
    assert_eq!(request(asked), Ok(meant));
}

#[test]
fn what_is_no_request_is_refused() {
    let mut deep = functions::channels::GetParticipants::CONSTRUCTOR_ID.to_le_bytes().to_vec();
    deep.extend(types::InputChannelFromMessage::CONSTRUCTOR_ID.to_le_bytes());
    deep.extend(types::InputPeerUserFromMessage::CONSTRUCTOR_ID.to_le_bytes().repeat(DEPTH_MAX + 1));
    let get = |rest: &[u8]| [&functions::users::GetUsers::CONSTRUCTOR_ID.to_le_bytes()[..], rest].concat();
    let many = [0x15, 0xc4, 0xb5, 0x1c, 0xff, 0xff, 0xff, 0xff];
    for (name, asked, wrong) in [
        ("too deep", deep, Wrong::TooLong),
        ("too long", get(&vec![0; REQUEST_BYTES_MAX]), Wrong::TooLong),
        ("cut short", get(&many[..4]), Wrong::Malformed),
        ("more elements than there are bytes", get(&many), Wrong::Malformed),
        ("an unknown constructor", get(&[&many[..4], &[1, 0, 0, 0], &[9; 4]].concat()), Wrong::Malformed),
    ] {
        assert_eq!(request(asked), Err(wrong), "{name}");
    }
    for unknown in [vec![], vec![1, 2, 3], vec![9; 40]] {
        assert_eq!(request(unknown.clone()), Ok(unknown), "what is no method is left to others");
    }
}

/// By hand: `cargo test -p tl-schema -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn what_an_old_layer_costs() {
    let bytes = pushed().to_bytes();
    for layer in OLD {
        updates(layer, &bytes);
        let (begun, times) = (Instant::now(), 10_000_u32);
        for _ in 0..times {
            std::hint::black_box(updates(layer, std::hint::black_box(&bytes)));
        }
        eprintln!("{layer}: {:?} for {} bytes", begun.elapsed() / times, bytes.len());
    }
}
