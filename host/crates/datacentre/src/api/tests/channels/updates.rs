//! What members are told, and how they learn what they missed.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, edit, unwrapped};
use super::{Channel, Client, broadcast, said, short, supergroup, told};
use crate::model::log::{self, ENTRIES_KEPT_MAX, Entry};

#[test]
fn the_pts_is_the_channels_and_the_accounts_stands_still() {
    let world = World::new();
    let (alice, bob, eve) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob]);
    let before = [alice.pts(), bob.pts()];
    [&alice, &bob].iter().for_each(|client| drop(told(client)));
    let answer = alice.ok(&alice.message(group.peer(&alice), "hello"));
    let answered: Vec<String> = unwrapped(answer).iter().map(short).collect();
    assert_eq!(answered, ["MessageId", "new hello pts 4+1"]);
    assert_eq!(told(&bob), ["new hello pts 4+1"]);
    assert!(told(&alice).is_empty(), "the caller has it in the answer");
    assert!(told(&eve).is_empty());
    assert_eq!([alice.pts(), bob.pts()], before);
}

#[test]
fn a_difference_brings_what_was_missed_as_it_is_now() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let known = group.send(&alice, "known");
    let start = pts(&bob, group);
    let ids = ["kept", "gone", "changed"].map(|text| group.send(&alice, text));
    alice.ok(&group.delete(&alice, vec![ids[1]]));
    alice.ok(&edit(group.peer(&alice), ids[2], "changed!"));
    alice.ok(&edit(group.peer(&alice), known, "known!"));
    let enums::updates::ChannelDifference::Difference(missed) = bob.ok(&difference(&bob, group, start, 100)) else {
        panic!()
    };
    assert_eq!(missed.new_messages.iter().map(said).collect::<Vec<_>>(), ["kept", "changed!"]);
    let other: Vec<String> = missed.other_updates.iter().map(short).collect();
    assert_eq!(other, [format!("delete [{}] pts 8+1", ids[1]), "edit known! pts 10+0".to_owned()]);
    assert_eq!((missed.r#final, missed.pts), (true, pts(&bob, group)));
    assert!(missed.chats.iter().any(|chat| chat.id() == group.0));
    let nothing = bob.ok(&difference(&bob, group, missed.pts, 100));
    assert!(
        matches!(nothing, enums::updates::ChannelDifference::Empty(empty) if empty.r#final && empty.pts == missed.pts)
    );
}

#[test]
fn parts_lead_to_the_whole_without_doubles() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(700_001));
    let group = supergroup(&alice, &[&bob, &bot]);
    let start = pts(&bob, group);
    group.send_numbers(&alice, 25);
    for client in [&bob, &bot] {
        let (mut at, mut got, mut parts) = (start, Vec::new(), 0);
        loop {
            let part = client.ok(&difference(client, group, at, 10));
            let enums::updates::ChannelDifference::Difference(part) = part else { panic!("{part:?}") };
            got.extend(part.new_messages.iter().map(said));
            (at, parts) = (part.pts, parts + 1);
            if part.r#final {
                break;
            }
        }
        assert_eq!((got, parts), ((0..25).map(|n| n.to_string()).collect(), 3));
    }
}

#[test]
fn a_gap_too_long_brings_the_last_messages() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    group.send_numbers(&alice, 30);
    let mut db = world.model.lock();
    let transaction = db.transaction().unwrap();
    for _ in 0..ENTRIES_KEPT_MAX + 1000 {
        log::append(&transaction, crate::model::Peer::Channel(group.0).code(), 1, |_| Entry::EditedMessage(1)).unwrap();
    }
    transaction.commit().unwrap();
    drop(db);
    let answer = bob.ok(&difference(&bob, group, 1, 100));
    let enums::updates::ChannelDifference::TooLong(too_long) = answer else { panic!("{answer:?}") };
    let enums::Dialog::Dialog(dialog) = too_long.dialog else { panic!() };
    assert_eq!((dialog.pts, dialog.top_message), (Some(pts(&bob, group)), 32));
    assert_eq!((too_long.messages.len(), said(&too_long.messages[0])), (20, "29".to_owned()));
    let recent = bob.ok(&difference(&bob, group, pts(&bob, group) - ENTRIES_KEPT_MAX + 600, 100));
    assert!(matches!(recent, enums::updates::ChannelDifference::Difference(_)), "what is within the bound is there");
}

#[test]
fn differences_that_are_refused() {
    let world = World::new();
    let (alice, eve) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[]);
    for (client, pts, error) in [
        (&alice, 0, "400 PERSISTENT_TIMESTAMP_EMPTY"),
        (&alice, -1, "400 PERSISTENT_TIMESTAMP_INVALID"),
        (&eve, 1, "400 CHANNEL_PRIVATE"),
    ] {
        assert_eq!(client.err(&difference(client, group, pts, 100)), error);
    }
    let wrong = types::InputChannel { channel_id: group.0, access_hash: 7 }.into();
    let call = functions::updates::GetChannelDifference { channel: wrong, ..difference(&alice, group, 1, 100) };
    assert_eq!(alice.err(&call), "400 CHANNEL_INVALID");
}

#[test]
fn a_filter_leaves_out_messages() {
    let world = World::new();
    let alice = world.human(1);
    let group = supergroup(&alice, &[]);
    let ids = group.send_numbers(&alice, 4);
    let range = types::MessageRange { min_id: ids[1], max_id: ids[2] }.into();
    let filter = types::ChannelMessagesFilter { exclude_new_messages: false, ranges: vec![range] }.into();
    let call = functions::updates::GetChannelDifference { filter, ..difference(&alice, group, 1, 100) };
    let enums::updates::ChannelDifference::Difference(found) = alice.ok(&call) else { panic!() };
    assert_eq!(found.new_messages.iter().map(said).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn the_accounts_difference_names_the_channels_that_moved() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let news = broadcast(&alice, "news_of_alice");
    news.send(&alice, "not bob's");
    let call = |date| tl_blank::get_difference(bob.pts(), date, 0);
    let enums::updates::Difference::Difference(moved) = bob.ok(&call(1)) else { panic!() };
    assert_eq!(
        moved.other_updates.iter().map(short).collect::<Vec<_>>(),
        [format!("too long pts {}", pts(&bob, group))]
    );
    assert!(moved.chats.iter().any(|chat| chat.id() == group.0));
    let later = crate::model::unix_time() + 1000;
    assert!(matches!(bob.ok(&call(later)), enums::updates::Difference::Empty(_)));
}

#[test]
fn everything_is_there_after_a_restart() {
    let world = World::new();
    let (key, me, group) = {
        let (alice, bob) = (world.human(1), world.human(2));
        let group = supergroup(&alice, &[&bob]);
        group.send(&alice, "before");
        (alice.caller.auth_key_id, alice.me, group)
    };
    let world = world.restarted();
    let mut alice = world.session(key, 77);
    alice.me = me;
    assert_eq!(group.written(&alice)[0], "before");
    assert_eq!(group.send(&alice, "after"), 4);
}

fn pts(client: &Client<'_>, channel: Channel) -> i32 {
    client.dialog(channel.peer(client)).pts.unwrap()
}

fn difference(client: &Client<'_>, channel: Channel, pts: i32, limit: i32) -> functions::updates::GetChannelDifference {
    let filter = enums::ChannelMessagesFilter::Empty;
    functions::updates::GetChannelDifference { force: false, channel: channel.input(client), filter, pts, limit }
}
