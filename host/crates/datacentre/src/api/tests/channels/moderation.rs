//! Administrators, bans, and bots that moderate.

use grammers_tl_types as tl;
use tl::{enums, functions};

use super::super::world::{World, edit, forward, new_message};
use super::{
    AdminRights, BannedRights, Filter, broadcast, moderator, no_ban, no_rights, out, silence, supergroup, told,
};
use crate::api::limits::ADMINS_MAX;
use crate::model::members;

#[test]
fn administrators_are_made_within_ones_own_rights() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob, &carol]);
    let promoter = AdminRights { add_admins: true, ban_users: true, ..no_rights() };
    assert_eq!(bob.err(&group.admin(&bob, &carol, moderator())), "400 CHAT_ADMIN_REQUIRED");
    told(&bob);
    alice.ok(&group.admin(&alice, &bob, promoter.clone()));
    assert_eq!(told(&bob), ["channel"]);
    assert_eq!(group.open(&bob).admin_rights, Some(promoter.into()));
    let ban_only = AdminRights { ban_users: true, ..no_rights() };
    for (by, who, rights, error) in
        [(&bob, &alice, ban_only.clone(), "400 USER_CREATOR"), (&bob, &carol, moderator(), "403 RIGHT_FORBIDDEN")]
    {
        assert_eq!(by.err(&group.admin(by, who, rights)), error);
    }
    alice.ok(&group.admin(&alice, &carol, ban_only.clone()));
    assert_eq!(bob.err(&group.admin(&bob, &carol, no_rights())), "400 CHAT_ADMIN_REQUIRED", "made by another");
    assert_eq!(bob.err(&group.ban(&bob, &carol, out())), "400 USER_ADMIN_INVALID");
    alice.ok(&group.admin(&alice, &carol, no_rights()));
    bob.ok(&group.admin(&bob, &carol, ban_only));
    bob.ok(&group.admin(&bob, &carol, no_rights()));
    assert_eq!(group.open(&carol).admin_rights, None);
}

#[test]
fn titles_of_administrators_are_short() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let with = |rank: &str| functions::channels::EditAdmin {
        rank: Some(rank.to_owned()),
        ..group.admin(&alice, &bob, moderator())
    };
    assert_eq!(alice.err(&with(&"x".repeat(17))), "400 ADMIN_RANK_INVALID");
    alice.ok(&with(&"x".repeat(16)));
}

#[test]
fn making_a_stranger_an_administrator_brings_them_in() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob]);
    alice.ok(&group.admin(&alice, &bob, AdminRights { add_admins: true, ban_users: true, ..no_rights() }));
    let ban_only = AdminRights { ban_users: true, ..no_rights() };
    assert_eq!(bob.err(&group.admin(&bob, &carol, ban_only.clone())), "403 CHAT_ADMIN_INVITE_REQUIRED");
    assert_eq!(alice.err(&group.admin(&alice, &carol, no_rights())), "400 USER_NOT_PARTICIPANT");
    alice.ok(&group.admin(&alice, &carol, ban_only));
    assert!(group.open(&carol).admin_rights.is_some());
}

#[test]
fn there_are_only_so_many_administrators() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    for n in 0..i64::from(ADMINS_MAX) {
        let db = world.model.lock();
        members::add(&db, group.0, 9_000_000_000 + n, alice.me, false).unwrap();
        members::set_admin(&db, group.0, 9_000_000_000 + n, alice.me, Some(&[]), None).unwrap();
    }
    assert_eq!(alice.err(&group.admin(&alice, &bob, moderator())), "400 ADMINS_TOO_MUCH");
}

#[test]
fn the_restricted_do_not_write() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob, &carol]);
    assert_eq!(bob.err(&group.ban(&bob, &carol, silence())), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&group.ban(&alice, &bob, silence()));
    assert_eq!(group.refuses(&bob), "400 USER_BANNED_IN_CHANNEL");
    assert!(group.open(&bob).banned_rights.is_some());
    assert_eq!(group.written(&bob).len(), 2, "but they read");
    alice.ok(&group.ban(&alice, &bob, no_ban()));
    group.send(&bob, "free again");

    let everyone =
        functions::messages::EditChatDefaultBannedRights { peer: group.peer(&alice), banned_rights: silence().into() };
    alice.ok(&everyone);
    assert_eq!(alice.err(&everyone), "400 CHAT_NOT_MODIFIED");
    assert_eq!(group.refuses(&bob), "403 CHAT_WRITE_FORBIDDEN");
    group.send(&alice, "administrators write");
    let by_bob = functions::messages::EditChatDefaultBannedRights { peer: group.peer(&bob), ..everyone };
    assert_eq!(bob.err(&by_bob), "400 CHAT_ADMIN_REQUIRED");
}

#[test]
fn the_banned_are_out_until_forgiven() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob, &carol]);
    alice.ok(&group.username(&alice, "friends_all"));
    told(&bob);
    alice.ok(&group.ban(&alice, &bob, out()));
    assert_eq!(told(&bob), ["channel"]);
    assert_eq!(group.written(&carol)[0], "(ChatDeleteUser)");
    assert!(matches!(group.seen(&bob), enums::Chat::ChannelForbidden(_)), "though it is public");
    assert_eq!(bob.err(&group.join(&bob)), "400 CHANNEL_PRIVATE");
    assert_eq!(group.refuses(&bob), "400 CHANNEL_PRIVATE");
    group.send(&alice, "not for bob");
    assert!(told(&bob).is_empty());
    alice.ok(&group.ban(&alice, &bob, no_ban()));
    assert!(group.open(&bob).left, "forgiven, not brought back");
    bob.ok(&group.join(&bob));
}

#[test]
fn a_ban_with_an_end_ends() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    alice.ok(&group.username(&alice, "friends_all"));
    let until = |seconds: i32| BannedRights { until_date: crate::model::unix_time() + seconds, ..out() };
    for (seconds, forever) in [(3600, false), (5, true), (400 * 24 * 3600, true)] {
        alice.ok(&group.ban(&alice, &bob, until(seconds)));
        let enums::Chat::ChannelForbidden(seen) = group.seen(&bob) else { panic!() };
        assert_eq!(seen.until_date.is_none(), forever, "{seconds}");
    }
    alice.ok(&group.ban(&alice, &bob, until(3600)));
    world.model.lock().execute("UPDATE channel_members SET banned_until = 1 WHERE banned_until > 1", []).unwrap();
    let kicked = Filter::from(tl::types::ChannelParticipantsKicked { q: String::new() });
    assert!(group.list(&alice, kicked).is_empty());
    bob.ok(&group.join(&bob));
    group.send(&bob, "back");
}

#[test]
fn bans_that_are_refused() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    let group = supergroup(&alice, &[&bob]);
    alice.ok(&group.admin(&alice, &bob, moderator()));
    let of_group =
        functions::channels::EditBanned { participant: group.peer(&alice), ..group.ban(&alice, &bob, out()) };
    for (by, call, error) in [
        (&alice, news.ban(&alice, &bob, silence()), "400 MEGAGROUP_REQUIRED"),
        (&alice, group.ban(&alice, &alice, out()), "400 USER_ADMIN_INVALID"),
        (&bob, group.ban(&bob, &alice, out()), "400 USER_ADMIN_INVALID"),
        (&alice, of_group, "400 PARTICIPANT_ID_INVALID"),
    ] {
        assert_eq!(by.err(&call), error);
    }
}

#[test]
fn a_bot_that_is_an_administrator_moderates() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(700_001));
    let group = supergroup(&alice, &[&bob, &bot]);
    let spam = group.send(&bob, "spam");
    assert!(told(&bot).iter().any(|update| update.starts_with("new spam")), "bots are told like members");
    assert_eq!(bot.err(&group.delete(&bot, vec![spam])), "403 MESSAGE_DELETE_FORBIDDEN");
    assert_eq!(bot.err(&group.ban(&bot, &bob, out())), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&group.admin(&alice, &bot, moderator()));
    bot.ok(&group.delete(&bot, vec![spam]));
    assert!(!group.written(&bob).contains(&"spam".to_owned()));
    bot.ok(&group.ban(&bot, &bob, silence()));
    assert_eq!(group.refuses(&bob), "400 USER_BANNED_IN_CHANNEL");
    bot.ok(&group.ban(&bot, &bob, out()));
    assert_eq!(group.refuses(&bob), "400 CHANNEL_PRIVATE");
    group.send(&bot, "bob is gone");
    let unhashed = tl::types::InputPeerChannel { channel_id: group.0, access_hash: 0 };
    bot.send(unhashed.into(), "a bot needs no hash for where it is");
}

#[test]
fn only_who_may_edits_and_posts_in_a_broadcast_channel() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let news = broadcast(&alice, "news_of_alice");
    bob.ok(&news.join(&bob));
    let id = news.send(&alice, "post");
    assert_eq!(news.refuses(&bob), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(bob.err(&edit(news.peer(&bob), id, "x")), "403 MESSAGE_AUTHOR_REQUIRED");
    alice.ok(&news.admin(&alice, &bob, AdminRights { post_messages: true, ..no_rights() }));
    let own = news.send(&bob, "bob's");
    bob.ok(&edit(news.peer(&bob), own, "bob's own"));
    assert_eq!(bob.err(&edit(news.peer(&bob), id, "x")), "403 MESSAGE_AUTHOR_REQUIRED");
    assert_eq!(bob.err(&news.delete(&bob, vec![id])), "403 MESSAGE_DELETE_FORBIDDEN");
    alice.ok(&news.admin(&alice, &carol, AdminRights { edit_messages: true, ..no_rights() }));
    carol.ok(&edit(news.peer(&carol), id, "edited by carol"));
    let forwarded = alice.ok(&forward(news.peer(&alice), news.peer(&alice), vec![id]));
    let forwarded = edit(news.peer(&carol), new_message(&forwarded).id(), "x");
    assert_eq!(carol.err(&forwarded), "403 MESSAGE_AUTHOR_REQUIRED", "what was said elsewhere stays as it was");
    alice.ok(&news.admin(&alice, &bob, no_rights()));
    assert_eq!(bob.err(&edit(news.peer(&bob), own, "x")), "403 CHAT_WRITE_FORBIDDEN");
    alice.ok(&news.admin(&alice, &bob, AdminRights { post_messages: true, ..no_rights() }));
    bob.ok(&news.delete(&bob, vec![own]));
}

#[test]
fn all_of_a_spammers_messages_go_at_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    group.send_numbers(&bob, 3);
    group.send(&alice, "kept");
    let purge = |by: &super::Client<'_>| functions::channels::DeleteParticipantHistory {
        channel: group.input(by),
        participant: by.peer(&bob),
    };
    assert_eq!(bob.err(&purge(&bob)), "400 CHAT_ADMIN_REQUIRED");
    let enums::messages::AffectedHistory::History(gone) = alice.ok(&purge(&alice));
    assert_eq!((gone.pts_count, gone.offset), (3, 0));
    assert_eq!(group.written(&alice), ["kept", "(ChatAddUser)", "(ChannelCreate)"]);
}
