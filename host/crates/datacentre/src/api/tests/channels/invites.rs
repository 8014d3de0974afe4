//! Following links, asking to be let in.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, group};
use super::links::{export, exported, hash, import};
use super::{AdminRights, broadcast, no_rights, out, supergroup, told};

#[test]
fn a_link_shows_where_it_leads_and_leads_there() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let channel = supergroup(&alice, &[]);
    let link = alice.ok(&export(channel.peer(&alice)));
    let check = functions::messages::CheckChatInvite { hash: hash(&link) };
    let seen = bob.ok(&check);
    assert!(matches!(&seen, enums::ChatInvite::Invite(seen) if seen.megagroup && seen.title == "Friends"), "{seen:?}");
    told(&alice);
    bob.ok(&import(&hash(&link)));
    assert_eq!(told(&alice), ["new (ChatJoinedByLink) pts 3+1"]);
    assert!(matches!(bob.ok(&check), enums::ChatInvite::Already(_)));
    assert_eq!(bob.err(&import(&hash(&link))), "400 USER_ALREADY_PARTICIPANT");
    channel.send(&bob, "hello");
    let importers = functions::messages::GetChatInviteImporters {
        link: Some(exported(&link).link.clone()),
        ..importers(channel.peer(&alice), false)
    };
    let enums::messages::ChatInviteImporters::Importers(came) = alice.ok(&importers);
    assert!(
        matches!(&came.importers[..], [enums::ChatInviteImporter::Importer(one)] if one.user_id == bob.me && !one.requested)
    );
}

#[test]
fn hashes_that_lead_nowhere() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let channel = supergroup(&alice, &[&bob]);
    let once = functions::messages::ExportChatInvite { usage_limit: Some(1), ..export(channel.peer(&alice)) };
    let used = hash(&alice.ok(&once));
    world.human(3).ok(&import(&used));
    let dated = functions::messages::ExportChatInvite {
        expire_date: Some(crate::model::unix_time() + 1000),
        ..export(channel.peer(&alice))
    };
    let over = hash(&alice.ok(&dated));
    world.model.lock().execute("UPDATE invites SET expires = 5 WHERE expires > 5", []).unwrap();
    let carol = world.human(4);
    for (hash, error) in [
        ("", "400 INVITE_HASH_EMPTY"),
        ("not a hash", "400 INVITE_HASH_INVALID"),
        ("0123456789abcdef", "400 INVITE_HASH_EXPIRED"),
        (&used, "400 INVITE_HASH_EXPIRED"),
        (&over, "400 INVITE_HASH_EXPIRED"),
    ] {
        assert_eq!(carol.err(&import(hash)), error, "{hash}");
        assert_eq!(carol.err(&functions::messages::CheckChatInvite { hash: hash.to_owned() }), error, "{hash}");
    }
}

#[test]
fn a_link_does_not_lead_back_who_was_banned() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let channel = supergroup(&alice, &[&bob]);
    let link = hash(&alice.ok(&export(channel.peer(&alice))));
    alice.ok(&channel.ban(&alice, &bob, out()));
    assert_eq!(bob.err(&import(&link)), "400 INVITE_HASH_EXPIRED");
    alice.ok(&functions::channels::DeleteChannel { channel: channel.input(&alice) });
    assert_eq!(world.human(3).err(&import(&link)), "400 INVITE_HASH_EXPIRED");
}

#[test]
fn a_full_group_lets_nobody_in_by_link() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let peer = group(&alice, &[&bob], "Friends");
    let link = hash(&alice.ok(&export(peer.clone())));
    let enums::InputPeer::Chat(chat) = peer else { panic!() };
    for n in 0..198 {
        crate::model::chats::add_member(&world.model.lock(), chat.chat_id, 9_000_000_000 + n, alice.me).unwrap();
    }
    assert_eq!(world.human(3).err(&import(&link)), "400 USERS_TOO_MUCH");
}

#[test]
fn a_request_waits_for_an_administrator() {
    let world = World::new();
    let (alice, bob, carol, dave) = (world.human(1), world.human(2), world.human(3), world.human(4));
    let channel = supergroup(&alice, &[&bob]);
    let make = functions::messages::ExportChatInvite { request_needed: true, ..export(channel.peer(&alice)) };
    let link = alice.ok(&make);
    [&alice, &bob].iter().for_each(|client| drop(told(client)));
    for client in [&carol, &dave] {
        assert_eq!(client.err(&import(&hash(&link))), "400 INVITE_REQUEST_SENT");
    }
    assert_eq!(carol.err(&import(&hash(&link))), "400 INVITE_REQUEST_SENT");
    assert_eq!(told(&alice), ["pending 1", "pending 2"], "once for each");
    assert!(told(&bob).is_empty(), "only who may let others in is told");
    assert_eq!(channel.refuses(&carol), "400 CHANNEL_PRIVATE");
    let call = importers(channel.peer(&alice), true);
    let enums::messages::ChatInviteImporters::Importers(asking) = alice.ok(&call);
    assert_eq!(asking.count, 2);
    assert_eq!(bob.err(&importers(channel.peer(&bob), true)), "400 CHAT_ADMIN_REQUIRED");

    let answer = |who: &super::Client<'_>, approved| functions::messages::HideChatJoinRequest {
        approved,
        peer: channel.peer(&alice),
        user_id: alice.user(who).into(),
    };
    told(&bob);
    alice.ok(&answer(&carol, true));
    assert_eq!(told(&bob), ["new (ChatJoinedByRequest) pts 4+1"]);
    let joined =
        &super::super::world::messages_of(bob.ok(&super::super::world::history_request(channel.peer(&bob), 1)))[0];
    assert!(
        matches!(joined, enums::Message::Service(service) if service.from_id == Some(types::PeerUser { user_id: carol.me }.into()))
    );
    channel.send(&carol, "thanks");
    alice.ok(&answer(&dave, false));
    assert_eq!(channel.refuses(&dave), "400 CHANNEL_PRIVATE");
    assert_eq!(alice.err(&answer(&dave, true)), "400 HIDE_REQUESTER_MISSING");
}

#[test]
fn who_is_added_asks_no_more() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let channel = supergroup(&alice, &[]);
    let peer = group(&alice, &[&bob], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = peer else { panic!() };
    for peer in [peer.clone(), channel.peer(&alice)] {
        let make = functions::messages::ExportChatInvite { request_needed: true, ..export(peer) };
        assert_eq!(carol.err(&import(&hash(&alice.ok(&make)))), "400 INVITE_REQUEST_SENT");
    }
    let user_id = alice.user(&carol).into();
    alice.ok(&functions::messages::AddChatUser { chat_id, user_id, fwd_limit: 0 });
    alice.ok(&channel.invite(&alice, &[&carol]));
    for peer in [peer, channel.peer(&alice)] {
        let enums::messages::ChatInviteImporters::Importers(asking) = alice.ok(&importers(peer, true));
        assert_eq!(asking.count, 0);
    }
}

#[test]
fn all_requests_are_answered_at_once_in_groups_and_channels() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let news = broadcast(&alice, "news_of_alice");
    for peer in [group(&alice, &[&bob], "Friends"), news.peer(&alice)] {
        let make = functions::messages::ExportChatInvite { request_needed: true, ..export(peer.clone()) };
        let link = hash(&alice.ok(&make));
        let all = functions::messages::HideAllChatJoinRequests { approved: true, peer: peer.clone(), link: None };
        assert_eq!(alice.err(&all), "400 HIDE_REQUESTER_MISSING");
        let asking = [
            world.human(3 + u16::from(peer == news.peer(&alice)) * 2),
            world.human(4 + u16::from(peer == news.peer(&alice)) * 2),
        ];
        for client in &asking {
            assert_eq!(client.err(&import(&link)), "400 INVITE_REQUEST_SENT");
        }
        let enums::Updates::Updates(answer) = alice.ok(&all) else { panic!() };
        assert!(
            matches!(&answer.updates[..], [enums::Update::PendingJoinRequests(left)] if left.requests_pending == 0)
        );
        for client in &asking {
            assert_eq!(super::super::world::dialog_peers(client).len(), 1);
        }
    }
}

#[test]
fn a_bot_that_may_invite_cares_for_links_and_requests() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(700_001));
    let channel = supergroup(&alice, &[&bot]);
    assert_eq!(bot.err(&export(channel.peer(&bot))), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&channel.admin(&alice, &bot, AdminRights { invite_users: true, ..no_rights() }));
    let make = functions::messages::ExportChatInvite { request_needed: true, ..export(channel.peer(&bot)) };
    let link = hash(&bot.ok(&make));
    told(&bot);
    assert_eq!(bob.err(&import(&link)), "400 INVITE_REQUEST_SENT");
    assert_eq!(told(&bot), ["pending 1"]);
    let user_id = bot.user(&bob).into();
    bot.ok(&functions::messages::HideChatJoinRequest { approved: true, peer: channel.peer(&bot), user_id });
    channel.send(&bob, "in");
    assert_eq!(bot.err(&import(&link)), "400 BOT_METHOD_INVALID");
}

fn importers(peer: enums::InputPeer, requested: bool) -> functions::messages::GetChatInviteImporters {
    functions::messages::GetChatInviteImporters {
        requested,
        subscription_expired: false,
        peer,
        link: None,
        q: None,
        offset_date: 0,
        offset_user: enums::InputUser::Empty,
        limit: 100,
    }
}
