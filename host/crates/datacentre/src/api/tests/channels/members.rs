//! Coming, going, and who is there.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, dialog_peers};
use super::{Filter, broadcast, created, moderator, no_ban, out, silence, supergroup, told};
use crate::api::limits::CHANNEL_MEMBERS_MAX;

#[test]
fn members_are_invited_and_told() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[]);
    let enums::messages::InvitedUsers::Users(invited) = alice.ok(&group.invite(&alice, &[&bob]));
    assert!(invited.missing_invitees.is_empty());
    assert_eq!(told(&bob), ["channel", "new (ChatAddUser) pts 3+1"]);
    assert_eq!(dialog_peers(&bob), [group.0]);
    bob.ok(&group.invite(&bob, &[&carol, &alice]));
    assert_eq!(group.list(&alice, Filter::ChannelParticipantsRecent).len(), 3, "members bring others, once each");
    assert_eq!(group.open(&carol).participants_count, Some(3));
}

#[test]
fn who_blocked_the_inviter_is_missing() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    bob.ok(&functions::contacts::Block { my_stories_from: false, id: bob.peer(&alice) });
    let group = supergroup(&alice, &[]);
    let enums::messages::InvitedUsers::Users(invited) = alice.ok(&group.invite(&alice, &[&bob]));
    assert!(
        matches!(&invited.missing_invitees[..], [enums::MissingInvitee::Invitee(missing)] if missing.user_id == bob.me)
    );
    assert_eq!(alice.err(&group.admin(&alice, &bob, moderator())), "400 USER_BLOCKED");
}

#[test]
fn invitations_that_are_refused() {
    let world = World::new();
    let (alice, bob, carol, bot) = (world.human(1), world.human(2), world.human(3), world.bot(700_001));
    let group = supergroup(&alice, &[&bob]);
    let news = broadcast(&alice, "news_of_alice");
    bob.ok(&news.join(&bob));
    alice.ok(&group.ban(&alice, &carol, out()));
    let too_many =
        functions::channels::InviteToChannel { users: vec![alice.user(&bob).into(); 101], ..group.invite(&alice, &[]) };
    for (by, call, error) in [
        (&alice, too_many, "400 USERS_TOO_MUCH"),
        (&alice, news.invite(&alice, &[&bot]), "400 USER_BOT"),
        (&bob, news.invite(&bob, &[&carol]), "400 CHAT_ADMIN_REQUIRED"),
        (&bob, group.invite(&bob, &[&carol]), "400 USER_KICKED"),
        (&carol, group.invite(&carol, &[&carol]), "400 CHANNEL_PRIVATE"),
        (&bot, group.invite(&bot, &[&carol]), "400 BOT_METHOD_INVALID"),
    ] {
        assert_eq!(by.err(&call), error);
    }
    alice.ok(&group.invite(&alice, &[&carol]));
    assert!(!group.open(&carol).left, "who may ban may also forgive");
}

#[test]
fn a_full_channel_takes_no_more() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
               INSERT INTO channel_members (channel, user, inviter, date, standing) SELECT ?1, 9000000000 + i, 0, 0, 0 FROM n";
    world.model.lock().execute(sql, [news.0, i64::from(CHANNEL_MEMBERS_MAX) - 1]).unwrap();
    world.model.lock().execute("UPDATE channels SET members = ?1", [CHANNEL_MEMBERS_MAX]).unwrap();
    assert_eq!(bob.err(&news.join(&bob)), "400 USERS_TOO_MUCH");
}

#[test]
fn public_channels_are_joined_and_left() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    news.send(&alice, "first");
    assert_eq!(news.written(&bob), ["first", "(ChannelCreate)"], "anyone reads a public channel");
    assert_eq!(bob.err(&news.leave(&bob)), "400 USER_NOT_PARTICIPANT");
    let enums::messages::ChatInviteJoinResult::Ok(_) = bob.ok(&news.join(&bob)) else { panic!() };
    assert_eq!(bob.err(&news.join(&bob)), "400 USER_ALREADY_PARTICIPANT");
    assert_eq!(bob.dialog(news.peer(&bob)).unread_count, 0, "what was before is read");
    told(&bob);
    news.send(&alice, "second");
    assert_eq!(told(&bob), ["new second pts 4+1"]);
    bob.ok(&news.leave(&bob));
    told(&bob);
    news.send(&alice, "third");
    assert!(told(&bob).is_empty(), "only members are told");
    assert_eq!(alice.err(&news.leave(&alice)), "400 USER_CREATOR");
}

#[test]
fn who_left_a_private_group_sees_it_no_more() {
    let world = World::new();
    let (alice, bob, eve) = (world.human(1), world.human(2), world.human(3));
    let group = supergroup(&alice, &[&bob]);
    told(&alice);
    bob.ok(&group.leave(&bob));
    assert_eq!(told(&alice), ["new (ChatDeleteUser) pts 4+1"]);
    assert!(matches!(group.seen(&bob), enums::Chat::ChannelForbidden(_)));
    assert!(dialog_peers(&bob).is_empty());
    for client in [&bob, &eve] {
        assert_eq!(group.refuses(client), "400 CHANNEL_PRIVATE");
        assert_eq!(client.err(&group.join(client)), "400 CHANNEL_PRIVATE");
        assert_eq!(client.err(&super::super::world::history_request(group.peer(client), 1)), "400 CHANNEL_PRIVATE");
    }
    let guessed: enums::InputPeer = types::InputPeerChannel { channel_id: group.0, access_hash: 1 }.into();
    assert_eq!(eve.err(&eve.message(guessed.clone(), "x")), "400 CHANNEL_INVALID");
    assert_eq!(alice.err(&alice.message(guessed, "x")), "400 CHANNEL_INVALID", "a hash is right or wrong");
    let unknown = types::InputChannel { channel_id: 5, access_hash: world.model.channel_access_hash(eve.me, 5) };
    let call = functions::channels::JoinChannel { channel: unknown.into() };
    assert_eq!(eve.err(&call), "400 CHANNEL_INVALID");
}

#[test]
fn lists_of_members_are_filtered() {
    let world = World::new();
    let (alice, bob, carol, dave) = (world.human(1), world.human(2), world.human(3), world.human(4));
    let bot = world.bot(700_001);
    let group = supergroup(&alice, &[&bob, &carol, &dave, &bot]);
    alice.ok(&group.admin(&alice, &bob, moderator()));
    alice.ok(&group.ban(&alice, &carol, silence()));
    alice.ok(&group.ban(&alice, &dave, out()));
    let query = |q: &str| types::ChannelParticipantsSearch { q: q.to_owned() }.into();
    let kicked = || Filter::from(types::ChannelParticipantsKicked { q: String::new() });
    let restricted = || Filter::from(types::ChannelParticipantsBanned { q: String::new() });
    let mut everyone = group.list(&bob, Filter::ChannelParticipantsRecent);
    everyone.sort_unstable();
    assert_eq!(everyone, [bot.me, alice.me, bob.me, carol.me]);
    assert_eq!(group.list(&carol, query("User3")), [carol.me]);
    assert_eq!(group.list(&carol, Filter::ChannelParticipantsBots), [bot.me]);
    let mut admins = group.list(&carol, Filter::ChannelParticipantsAdmins);
    admins.sort_unstable();
    assert_eq!(admins, [alice.me, bob.me]);
    assert_eq!(group.list(&bob, kicked()), [dave.me]);
    assert_eq!(group.list(&bob, restricted()), [carol.me]);
    assert_eq!(carol.err(&group.participants(&carol, kicked())), "400 CHAT_ADMIN_REQUIRED");
    let page = functions::channels::GetParticipants { offset: 1, limit: 2, ..group.participants(&bob, query("")) };
    let enums::channels::ChannelParticipants::Participants(page) = bob.ok(&page) else { panic!() };
    assert_eq!((page.participants.len(), page.count), (2, 4));
    alice.ok(&group.ban(&alice, &carol, no_ban()));
    assert!(group.list(&bob, restricted()).is_empty());
}

#[test]
fn the_members_of_a_broadcast_channel_are_its_administrators_to_know() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    bob.ok(&news.join(&bob));
    assert_eq!(bob.err(&news.participants(&bob, Filter::ChannelParticipantsRecent)), "400 CHAT_ADMIN_REQUIRED");
    assert_eq!(news.list(&alice, Filter::ChannelParticipantsRecent).len(), 2);
    let ask = |by: &super::Client<'_>, participant| functions::channels::GetParticipant {
        channel: news.input(by),
        participant,
    };
    assert_eq!(bob.err(&ask(&bob, bob.peer(&alice))), "400 CHAT_ADMIN_REQUIRED");
    let enums::channels::ChannelParticipant::Participant(own) = bob.ok(&ask(&bob, enums::InputPeer::PeerSelf));
    assert!(matches!(own.participant, enums::ChannelParticipant::ParticipantSelf(_)));
}

#[test]
fn one_participant_is_told_by_role() {
    use enums::ChannelParticipant as P;
    let world = World::new();
    let (alice, bob, carol, dave, eve) =
        (world.human(1), world.human(2), world.human(3), world.human(4), world.human(5));
    let group = supergroup(&alice, &[&bob, &carol, &dave]);
    alice.ok(&group.admin(&alice, &bob, moderator()));
    alice.ok(&group.ban(&alice, &dave, out()));
    let ask = |participant| functions::channels::GetParticipant { channel: group.input(&carol), participant };
    let role = |who: &super::Client<'_>| {
        let enums::channels::ChannelParticipant::Participant(found) = carol.ok(&ask(carol.peer(who)));
        found.participant
    };
    assert!(matches!(role(&alice), P::Creator(_)));
    assert!(matches!(role(&bob), P::Admin(admin) if admin.promoted_by == alice.me && !admin.can_edit));
    assert!(matches!(role(&carol), P::ParticipantSelf(own) if own.inviter_id == alice.me));
    assert!(matches!(role(&dave), P::Banned(ban) if ban.left && ban.kicked_by == alice.me));
    assert_eq!(carol.err(&ask(carol.peer(&eve))), "400 USER_NOT_PARTICIPANT");
    assert_eq!(carol.err(&ask(group.peer(&carol))), "400 PARTICIPANT_ID_INVALID");
    let other = created(&alice, &super::create("Other", false));
    let call = functions::channels::GetParticipant { channel: other.input(&carol), participant: carol.peer(&bob) };
    assert_eq!(carol.err(&call), "400 CHANNEL_PRIVATE");
}

#[test]
fn common_groups_count_supergroups() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = supergroup(&alice, &[&bob]);
    let call = functions::messages::GetCommonChats { user_id: alice.user(&bob).into(), max_id: 0, limit: 10 };
    let enums::messages::Chats::Chats(common) = alice.ok(&call) else { panic!() };
    assert_eq!(common.chats.iter().map(enums::Chat::id).collect::<Vec<_>>(), [group.0]);
}
