//! Making channels and changing what they are.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::World;
use super::{AdminRights, broadcast, create, created, no_rights, supergroup, told};
use crate::model::{Db, members};

#[test]
fn a_new_channel_is_its_creators() {
    let world = World::new();
    let alice = world.human(1);
    let group = created(&alice, &create("  Friends ", false));
    let seen = group.open(&alice);
    assert_eq!((seen.title.as_str(), seen.creator, seen.megagroup, seen.broadcast), ("Friends", true, true, false));
    assert_eq!(seen.participants_count, Some(1));
    assert!(seen.admin_rights.is_some() && !seen.left);
    assert_eq!(group.written(&alice), ["(ChannelCreate)"]);
    let news = created(&alice, &create("News", true)).open(&alice);
    assert!(news.broadcast && !news.megagroup);
}

#[test]
fn a_channel_needs_a_title_and_one_kind() {
    let world = World::new();
    let (alice, bot) = (world.human(1), world.bot(700_001));
    assert_eq!(alice.err(&create("  ", false)), "400 CHAT_TITLE_EMPTY");
    let neither = functions::channels::CreateChannel { megagroup: false, ..create("x", false) };
    assert_eq!(alice.err(&neither), "400 CHANNELS_TYPE_INVALID");
    assert_eq!(bot.err(&create("x", false)), "400 BOT_METHOD_INVALID");
}

#[test]
fn nobody_is_in_more_channels_than_allowed() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let public = broadcast(&bob, "news_of_bob");
    join_many(&world.model.lock(), alice.me, crate::api::limits::CHANNELS_MAX);
    assert_eq!(alice.err(&create("one more", false)), "400 CHANNELS_TOO_MUCH");
    assert_eq!(alice.err(&public.join(&alice)), "400 CHANNELS_TOO_MUCH");
    assert_eq!(bob.err(&public.invite(&bob, &[&alice])), "403 USER_CHANNELS_TOO_MUCH");
}

fn join_many(db: &Db, user: i64, count: i32) {
    for n in 0..i64::from(count) {
        members::add(db, 2_000_000_000 + n, user, user, false).unwrap();
    }
}

#[test]
fn a_username_makes_it_public_and_is_nobody_elses() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    bob.ok(&functions::account::UpdateUsername { username: "bob_the_2nd".to_owned() });
    let group = supergroup(&alice, &[&bob]);
    let other = broadcast(&alice, "taken_name");
    for (name, error) in [
        ("x", "400 USERNAME_INVALID"),
        ("bob_the_2nd", "400 USERNAME_OCCUPIED"),
        ("Taken_Name", "400 USERNAME_OCCUPIED"),
        ("", "400 USERNAME_NOT_MODIFIED"),
    ] {
        assert_eq!(alice.err(&group.username(&alice, name)), error, "{name}");
    }
    assert_eq!(bob.err(&group.username(&bob, "friends_all")), "400 CHAT_ADMIN_REQUIRED");
    let check = |channel, username: &str| functions::channels::CheckUsername { channel, username: username.to_owned() };
    assert!(alice.ok(&check(enums::InputChannel::Empty, "friends_all")));
    assert!(!alice.ok(&check(group.input(&alice), "bob_the_2nd")));
    alice.ok(&group.username(&alice, "friends_all"));
    assert_eq!(group.open(&bob).username.as_deref(), Some("friends_all"));
    let take = functions::account::UpdateUsername { username: "Friends_All".to_owned() };
    assert_eq!(bob.err(&take), "400 USERNAME_OCCUPIED");
    alice.ok(&other.username(&alice, ""));
    assert_eq!(other.open(&alice).username, None);
}

#[test]
fn strangers_find_public_channels_only() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let public = broadcast(&alice, "news_of_alice");
    let private = created(&alice, &create("Newsroom", false));
    let resolve =
        |username: &str| functions::contacts::ResolveUsername { username: username.to_owned(), referer: None };
    let enums::contacts::ResolvedPeer::Peer(found) = bob.ok(&resolve("News_Of_Alice"));
    assert_eq!(found.peer, types::PeerChannel { channel_id: public.0 }.into());
    assert!(matches!(&found.chats[..], [enums::Chat::Channel(channel)] if channel.left));
    let search = functions::contacts::Search { broadcasts: false, bots: false, q: "news".to_owned(), limit: 10 };
    let ids = |peers: Vec<enums::Peer>| {
        peers
            .into_iter()
            .map(|peer| match peer {
                enums::Peer::Channel(channel) => channel.channel_id,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let enums::contacts::Found::Found(found) = bob.ok(&search);
    assert_eq!((ids(found.my_results), ids(found.results)), (vec![], vec![public.0]));
    let enums::contacts::Found::Found(found) = alice.ok(&search);
    assert_eq!((ids(found.my_results), ids(found.results)), (vec![public.0, private.0], vec![]));
}

#[test]
fn titles_and_descriptions_are_changed_by_who_may() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob, &carol]);
    let title = |by, title: &str| functions::channels::EditTitle { channel: group.input(by), title: title.to_owned() };
    assert_eq!(bob.err(&title(&bob, "Mine")), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&group.admin(&alice, &bob, AdminRights { change_info: true, ..no_rights() }));
    told(&carol);
    bob.ok(&title(&bob, "New"));
    assert_eq!(told(&carol), ["new (ChatEditTitle) pts 4+1", "channel"]);
    assert_eq!(group.open(&carol).title, "New");
    assert_eq!(bob.err(&title(&bob, "New")), "400 CHAT_NOT_MODIFIED");
    assert_eq!(bob.err(&title(&bob, " ")), "400 CHAT_TITLE_EMPTY");
    let about = |by| functions::messages::EditChatAbout { peer: group.peer(by), about: "For friends".to_owned() };
    assert_eq!(carol.err(&about(&carol)), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&about(&alice));
    assert_eq!(alice.err(&about(&alice)), "400 CHAT_ABOUT_NOT_MODIFIED");
    let full = full(&carol, group);
    assert_eq!((full.about.as_str(), full.participants_count, full.admins_count), ("For friends", Some(3), None));
}

#[test]
fn the_full_channel_tells_administrators_more() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(700_001));
    let group = supergroup(&alice, &[&bob, &bot]);
    let for_alice = full(&alice, group);
    assert_eq!((for_alice.admins_count, for_alice.kicked_count), (Some(1), Some(0)));
    assert_eq!(for_alice.bot_info.len(), 1);
    assert!(for_alice.can_set_username && for_alice.can_delete_channel);
    let for_bob = full(&bob, group);
    assert!(for_bob.can_view_participants && !for_bob.can_set_username && for_bob.admins_count.is_none());
}

#[test]
fn a_signed_channel_names_who_posted() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    let toggle = |by, signatures_enabled| functions::channels::ToggleSignatures {
        signatures_enabled,
        profiles_enabled: false,
        channel: news.input(by),
    };
    assert_eq!(bob.err(&toggle(&bob, true)), "400 CHAT_ADMIN_REQUIRED");
    assert_eq!(alice.err(&toggle(&alice, false)), "400 CHAT_NOT_MODIFIED");
    alice.ok(&toggle(&alice, true));
    news.send(&alice, "signed");
    assert_eq!(bob.history(news.peer(&bob))[0].post_author.as_deref(), Some("User1"));
    let group = supergroup(&alice, &[]);
    let in_group = functions::channels::ToggleSignatures { channel: group.input(&alice), ..toggle(&alice, true) };
    assert_eq!(alice.err(&in_group), "400 CHANNEL_INVALID");
}

#[test]
fn a_deleted_channel_is_forbidden_to_all() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let delete = |by| functions::channels::DeleteChannel { channel: group.input(by) };
    assert_eq!(bob.err(&delete(&bob)), "400 CHAT_ADMIN_REQUIRED");
    told(&bob);
    alice.ok(&delete(&alice));
    assert_eq!(told(&bob), ["channel"]);
    assert!(matches!(group.seen(&bob), enums::Chat::ChannelForbidden(_)));
    assert_eq!(group.refuses(&alice), "400 CHANNEL_PRIVATE");
    assert!(super::super::world::dialog_peers(&bob).is_empty());
}

fn full(client: &super::Client<'_>, channel: super::Channel) -> types::ChannelFull {
    let call = functions::channels::GetFullChannel { channel: channel.input(client) };
    let enums::messages::ChatFull::Full(full) = client.ok(&call);
    match full.full_chat {
        enums::ChatFull::ChannelFull(full) => full,
        other => panic!("{other:?}"),
    }
}
