//! Basic groups that become supergroups.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, group, history_request, messages_of};
use super::{Channel, Filter, said, told};

#[test]
fn a_group_goes_on_as_a_supergroup() {
    let world = World::new();
    let (alice, bob, carol, dave) = (world.human(1), world.human(2), world.human(3), world.human(4));
    let old = group(&alice, &[&bob, &carol, &dave], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = old else { panic!() };
    alice.ok(&functions::messages::EditChatAdmin { chat_id, user_id: alice.user(&bob).into(), is_admin: true });
    let remove =
        functions::messages::DeleteChatUser { revoke_history: false, chat_id, user_id: alice.user(&dave).into() };
    alice.ok(&remove);
    let link = alice.ok(&super::links::export(old.clone()));
    let migrate = functions::messages::MigrateChat { chat_id };
    assert_eq!(bob.err(&migrate), "400 CHAT_ADMIN_REQUIRED");
    told(&bob);
    let enums::Updates::Updates(answer) = alice.ok(&migrate) else { panic!() };
    let id = answer.chats.iter().find_map(|chat| match chat {
        enums::Chat::Channel(channel) => Some(channel.id),
        _ => None,
    });
    let new = Channel(id.expect("the answer shows the supergroup"));
    assert_eq!(told(&bob), ["NewMessage", "new (ChannelMigrateFrom) pts 2+1", "channel"]);

    assert_eq!(new.written(&carol), ["(ChannelMigrateFrom)"]);
    let last = &messages_of(bob.ok(&history_request(old.clone(), 1)))[0];
    let wanted = types::MessageActionChatMigrateTo { channel_id: new.0 };
    assert!(
        matches!(last, enums::Message::Service(service) if service.action == wanted.clone().into()),
        "{}",
        said(last)
    );
    let enums::messages::Chats::Chats(seen) = carol.ok(&functions::messages::GetChats { id: vec![chat_id] }) else {
        panic!()
    };
    let enums::Chat::Chat(seen) = &seen.chats[0] else { panic!() };
    assert_eq!((seen.deactivated, seen.migrated_to.as_ref()), (true, Some(&new.input(&carol))));
    assert_eq!(carol.err(&carol.message(old, "x")), "403 CHAT_WRITE_FORBIDDEN");
    assert_eq!(alice.err(&migrate), "403 CHAT_WRITE_FORBIDDEN");

    new.send(&carol, "here we are");
    assert_eq!(new.open(&alice).participants_count, Some(3));
    assert!(new.open(&alice).creator && new.open(&bob).admin_rights.is_some());
    let banned = Filter::from(types::ChannelParticipantsKicked { q: String::new() });
    assert_eq!(new.list(&alice, banned), [dave.me], "who was removed stays out");
    let eve = world.human(5);
    eve.ok(&super::links::import(&super::links::hash(&link)));
    assert!(!new.open(&eve).left, "the old link leads here");
}

#[test]
fn the_supergroup_names_the_group_it_was() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let old = group(&alice, &[&bob], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = old else { panic!() };
    let enums::Updates::Updates(answer) = alice.ok(&functions::messages::MigrateChat { chat_id }) else { panic!() };
    let new = Channel(answer.chats.iter().map(enums::Chat::id).max().unwrap());
    let call = functions::channels::GetFullChannel { channel: new.input(&bob) };
    let enums::messages::ChatFull::Full(full) = bob.ok(&call);
    let enums::ChatFull::ChannelFull(full) = full.full_chat else { panic!() };
    assert_eq!((full.migrated_from_chat_id, full.migrated_from_max_id), (Some(chat_id), Some(2)));
    assert_eq!(bob.err(&functions::messages::MigrateChat { chat_id: 77 }), "400 CHAT_ID_INVALID");
}

#[test]
fn a_groups_members_can_be_silenced_all_at_once() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let old = group(&alice, &[&bob], "Friends");
    let call =
        functions::messages::EditChatDefaultBannedRights { peer: old.clone(), banned_rights: super::silence().into() };
    assert_eq!(bob.err(&call), "400 CHAT_ADMIN_REQUIRED");
    alice.ok(&call);
    assert_eq!(alice.err(&call), "400 CHAT_NOT_MODIFIED");
    assert_eq!(bob.err(&bob.message(old.clone(), "x")), "403 CHAT_WRITE_FORBIDDEN");
    alice.send(old, "administrators write");
}
