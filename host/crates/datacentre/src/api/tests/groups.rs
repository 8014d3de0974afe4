//! Basic groups.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{Client, World, delete, group, messages_of, new_message, unwrapped};

#[test]
fn a_new_group_is_told_to_its_members() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = group(&alice, &[&bob], "  Friends ");
    let pushed = bob.pushed();
    let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
    let [enums::Update::ChatParticipants(_), enums::Update::NewMessage(new)] = &updates.updates[..] else {
        panic!("{updates:?}")
    };
    let enums::Message::Service(service) = &new.message else { panic!("{new:?}") };
    let wanted = types::MessageActionChatCreate { title: "Friends".to_owned(), users: vec![bob.me] };
    assert_eq!(service.action, wanted.into());
    let enums::Chat::Chat(chat) = &updates.chats[0] else { panic!() };
    assert_eq!((chat.title.as_str(), chat.participants_count, chat.creator), ("Friends", 2, false));
    assert_eq!(participants(&bob, &group), [(alice.me, "creator"), (bob.me, "member")]);
}

#[test]
fn a_group_needs_a_title_and_someone_in_it() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let create = |users: Vec<types::InputUser>, title: &str| functions::messages::CreateChat {
        users: users.into_iter().map(Into::into).collect(),
        title: title.to_owned(),
        ttl_period: None,
    };
    assert_eq!(alice.err(&create(vec![], "x")), "400 USERS_TOO_FEW");
    assert_eq!(alice.err(&create(vec![alice.user(&alice)], "x")), "400 USERS_TOO_FEW");
    assert_eq!(alice.err(&create(vec![alice.user(&bob)], "  ")), "400 CHAT_TITLE_EMPTY");
    assert_eq!(alice.err(&create(vec![alice.user(&bob); 200], "x")), "400 USERS_TOO_MUCH");
    let bot = world.bot(700_001);
    assert_eq!(bot.err(&create(vec![bot.user(&bob)], "x")), "400 BOT_METHOD_INVALID");
}

#[test]
fn members_write_and_others_do_not() {
    let world = World::new();
    let (alice, bob, eve) = (world.human(1), world.human(2), world.human(3));
    let bot = world.bot(700_001);
    let group = group(&alice, &[&bob, &bot], "Friends");
    bot.pushed();
    bob.send(group.clone(), "hello all");
    for client in [&alice, &bot] {
        assert!(!client.pushed().is_empty(), "privacy mode is off: bots see all");
    }
    assert_eq!(eve.err(&eve.message(group.clone(), "x")), "400 PEER_ID_INVALID");
    let id = chat_id(&group);
    assert_eq!(eve.err(&functions::messages::GetFullChat { chat_id: id }), "400 CHAT_ID_INVALID");
    assert_eq!(eve.err(&functions::messages::GetChats { id: vec![id] }), "400 CHAT_ID_INVALID");
}

#[test]
fn members_come_and_go() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob], "Friends");
    let id = chat_id(&group);
    let add = |by: &Client<'_>, who: &Client<'_>| functions::messages::AddChatUser {
        chat_id: id,
        user_id: by.user(who).into(),
        fwd_limit: 0,
    };
    let remove = |by: &Client<'_>, who: &Client<'_>| functions::messages::DeleteChatUser {
        revoke_history: false,
        chat_id: id,
        user_id: by.user(who).into(),
    };
    bob.ok(&add(&bob, &carol));
    assert_eq!(bob.err(&add(&bob, &carol)), "400 USER_ALREADY_PARTICIPANT");
    assert!(!carol.pushed().is_empty());
    alice.send(group.clone(), "welcome");
    assert_eq!(carol.history(group.clone()).len(), 1);

    assert_eq!(carol.err(&remove(&carol, &bob)), "400 CHAT_ADMIN_REQUIRED");
    carol.pushed();
    alice.ok(&remove(&alice, &carol));
    let told = carol.pushed();
    let [enums::Updates::Updates(updates)] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(updates.chats[0], enums::Chat::Forbidden(_)), "who was removed is told so");
    assert_eq!(carol.err(&carol.message(group.clone(), "x")), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(carol.err(&add(&carol, &carol)), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(alice.err(&remove(&alice, &carol)), "400 USER_NOT_PARTICIPANT");

    bob.ok(&remove(&bob, &bob));
    assert_eq!(participants(&alice, &group), [(alice.me, "creator")]);
    assert_eq!(bob.err(&bob.message(group.clone(), "x")), "403 CHAT_WRITE_FORBIDDEN");
    let before = bob.pts();
    alice.send(group.clone(), "not for bob");
    assert_eq!(bob.pts(), before);
    bob.ok(&add(&bob, &bob));
    bob.send(group, "back again");
}

#[test]
fn titles_change_for_everyone() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = group(&alice, &[&bob], "Old");
    let edit = |title: &str| functions::messages::EditChatTitle { chat_id: chat_id(&group), title: title.to_owned() };
    let answer = bob.ok(&edit("New"));
    let enums::Message::Service(service) = new_message(&answer) else { panic!() };
    assert_eq!(service.action, types::MessageActionChatEditTitle { title: "New".to_owned() }.into());
    assert_eq!(bob.err(&edit("New")), "400 CHAT_NOT_MODIFIED");
    let enums::messages::Chats::Chats(found) = alice.ok(&functions::messages::GetChats { id: vec![chat_id(&group)] })
    else {
        panic!()
    };
    let enums::Chat::Chat(chat) = &found.chats[0] else { panic!() };
    assert_eq!(chat.title, "New");
    let about = functions::messages::EditChatAbout { peer: group.clone(), about: "For friends".to_owned() };
    alice.ok(&about);
    assert_eq!(alice.err(&about), "400 CHAT_ABOUT_NOT_MODIFIED");
}

#[test]
fn administrators_are_made_by_the_creator_and_may_delete_for_all() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob, &carol], "Friends");
    let admin = |by: &Client<'_>, who: &Client<'_>, is_admin| functions::messages::EditChatAdmin {
        chat_id: chat_id(&group),
        user_id: by.user(who).into(),
        is_admin,
    };
    assert_eq!(bob.err(&admin(&bob, &carol, true)), "400 CHAT_ADMIN_REQUIRED");
    carol.send(group.clone(), "spam");
    let at_bobs = bob.history(group.clone())[0].id;
    bob.ok(&delete(vec![at_bobs], true));
    assert_eq!(carol.history(group.clone()).len(), 1, "not an administrator: from his own box only");

    alice.ok(&admin(&alice, &bob, true));
    assert_eq!(participants(&carol, &group), [(alice.me, "creator"), (bob.me, "admin"), (carol.me, "member")]);
    carol.send(group.clone(), "more spam");
    let at_bobs = bob.history(group.clone())[0].id;
    bob.ok(&delete(vec![at_bobs], true));
    assert_eq!(carol.history(group).len(), 1);
}

#[test]
fn mentions_and_replies_are_marked_for_whom_they_concern() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    bob.ok(&functions::account::UpdateUsername { username: "bob_the_2nd".to_owned() });
    let group = group(&alice, &[&bob, &carol], "Friends");
    alice.send(group.clone(), "hey @Bob_the_2nd!");
    assert!(bob.history(group.clone())[0].mentioned);
    assert!(!carol.history(group.clone())[0].mentioned);
    let mut call = carol.message(group.clone(), "to alice");
    call.reply_to = Some(super::world::reply_to(carol.history(group.clone())[0].id));
    carol.ok(&call);
    assert!(alice.history(group.clone())[0].mentioned);
    assert!(!bob.history(group)[0].mentioned);
}

#[test]
fn reading_in_a_group_is_told_to_each_writer() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob, &carol], "Friends");
    alice.send(group.clone(), "a");
    bob.send(group.clone(), "b");
    [&alice, &bob, &carol].iter().for_each(|client| drop(client.pushed()));
    carol.ok(&functions::messages::ReadHistory { peer: group, max_id: 0 });
    for writer in [&alice, &bob] {
        let told = writer.pushed_updates();
        assert!(matches!(&told[..], [enums::Update::ReadHistoryOutbox(_)]), "{told:?}");
    }
}

#[test]
fn an_invite_link_leads_in() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let group = group(&alice, &[&bob], "Friends");
    let export = tl_blank::export_chat_invite(group.clone());
    assert_eq!(bob.err(&export), "400 CHAT_ADMIN_REQUIRED");
    let enums::ExportedChatInvite::ChatInviteExported(invite) = alice.ok(&export) else { panic!() };
    let hash = invite.link.strip_prefix("https://t.me/+").unwrap().to_owned();
    let seen = carol.ok(&functions::messages::CheckChatInvite { hash: hash.clone() });
    assert!(matches!(&seen, enums::ChatInvite::Invite(invite) if invite.title == "Friends"), "{seen:?}");
    carol.ok(&functions::messages::ImportChatInvite { hash: hash.clone() });
    assert!(matches!(carol.ok(&functions::messages::CheckChatInvite { hash }), enums::ChatInvite::Already(_)));
    carol.send(group, "hello");
    let wrong = functions::messages::ImportChatInvite { hash: "0000".to_owned() };
    assert_eq!(carol.err(&wrong), "400 INVITE_HASH_EXPIRED");
}

#[test]
fn a_deleted_group_is_over() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let group = group(&alice, &[&bob], "Friends");
    let call = functions::messages::DeleteChat { chat_id: chat_id(&group) };
    assert_eq!(bob.err(&call), "400 CHAT_ADMIN_REQUIRED");
    bob.pushed();
    alice.ok(&call);
    assert!(matches!(unwrapped(bob.pushed().remove(0))[..], [enums::Update::Chat(_)]));
    assert_eq!(bob.err(&bob.message(group.clone(), "x")), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(messages_of(bob.ok(&super::world::history_request(group, 10))).len(), 1, "what was said stays");
}

fn chat_id(group: &enums::InputPeer) -> i64 {
    match group {
        enums::InputPeer::Chat(chat) => chat.chat_id,
        other => panic!("{other:?}"),
    }
}

fn participants(client: &Client<'_>, group: &enums::InputPeer) -> Vec<(i64, &'static str)> {
    let enums::messages::ChatFull::Full(full) =
        client.ok(&functions::messages::GetFullChat { chat_id: chat_id(group) });
    let enums::ChatFull::Full(full) = full.full_chat else { panic!() };
    let enums::ChatParticipants::Participants(list) = full.participants else { panic!() };
    let one = |participant: &enums::ChatParticipant| match participant {
        enums::ChatParticipant::Creator(creator) => (creator.user_id, "creator"),
        enums::ChatParticipant::Admin(admin) => (admin.user_id, "admin"),
        enums::ChatParticipant::Participant(member) => (member.user_id, "member"),
    };
    list.participants.iter().map(one).collect()
}
