//! Profiles, usernames, contacts.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{Client, World, phone};

#[test]
fn usernames_are_unique_and_find_their_user() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let take = |username: &str| functions::account::UpdateUsername { username: username.to_owned() };
    for bad in ["abcd", "1abcde", "ab-cde", "abcde_", "ab__cde", &"a".repeat(33)] {
        assert_eq!(alice.err(&take(bad)), "400 USERNAME_INVALID", "{bad}");
    }
    alice.ok(&take("alice_1"));
    assert_eq!(alice.err(&take("alice_1")), "400 USERNAME_NOT_MODIFIED");
    assert_eq!(bob.err(&take("ALICE_1")), "400 USERNAME_OCCUPIED");
    assert_eq!(bob.err(&take("bot77_Bot")), "400 USERNAME_OCCUPIED", "kept for the bot");
    assert_eq!(world.bot(77).me, 77);
    assert!(!bob.ok(&functions::account::CheckUsername { username: "Alice_1".to_owned() }));

    let resolve =
        |username: &str| functions::contacts::ResolveUsername { username: username.to_owned(), referer: None };
    let enums::contacts::ResolvedPeer::Peer(found) = bob.ok(&resolve("@Alice_1"));
    let enums::User::User(user) = &found.users[0] else { panic!() };
    assert_eq!((user.id, user.username.as_deref(), user.phone.as_deref()), (alice.me, Some("alice_1"), None));
    assert_eq!(user.access_hash, Some(bob.user(&alice).access_hash));
    assert_eq!(bob.err(&resolve("nobody_here")), "400 USERNAME_NOT_OCCUPIED");
    assert_eq!(bob.err(&resolve("!")), "400 USERNAME_INVALID");
    alice.ok(&take(""));
    assert_eq!(bob.err(&resolve("alice_1")), "400 USERNAME_NOT_OCCUPIED");
}

#[test]
fn a_new_name_is_told_to_those_who_know_the_user() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    alice.send(alice.peer(&bob), "hello");
    bob.pushed();
    let update = functions::account::UpdateProfile {
        first_name: Some("Alice".to_owned()),
        last_name: None,
        about: Some("About me".to_owned()),
    };
    alice.ok(&update);
    let told = bob.pushed_updates();
    assert!(matches!(&told[..], [enums::Update::UserName(name)] if name.first_name == "Alice"), "{told:?}");
    let enums::users::UserFull::Full(full) = bob.ok(&functions::users::GetFullUser { id: bob.user(&alice).into() });
    let enums::UserFull::Full(full) = full.full_user;
    assert_eq!(full.about.as_deref(), Some("About me"));
}

#[test]
fn contacts_have_the_owners_name_and_show_the_phone() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let contact = |client_id, n| {
        types::InputPhoneContact {
            client_id,
            phone: phone(n),
            first_name: "Bobby".to_owned(),
            last_name: "Tables".to_owned(),
            note: None,
        }
        .into()
    };
    let call = functions::contacts::ImportContacts { contacts: vec![contact(7, 2), contact(8, 99)] };
    let enums::contacts::ImportedContacts::Contacts(imported) = alice.ok(&call);
    assert_eq!(imported.imported, [types::ImportedContact { user_id: bob.me, client_id: 7 }.into()]);
    let seen = known(&alice, &bob);
    assert_eq!((seen.first_name.as_deref(), seen.last_name.as_deref()), (Some("Bobby"), Some("Tables")));
    assert_eq!(seen.phone.as_deref(), Some("9996610002"));
    assert!(seen.contact && !seen.mutual_contact);
    assert_eq!(known(&bob, &alice).phone, None);

    bob.ok(&functions::contacts::AddContact {
        add_phone_privacy_exception: false,
        id: bob.user(&alice).into(),
        first_name: "Al".to_owned(),
        last_name: String::new(),
        phone: String::new(),
        note: None,
    });
    assert!(known(&alice, &bob).mutual_contact);
    let enums::contacts::Contacts::Contacts(list) = alice.ok(&functions::contacts::GetContacts { hash: 0 }) else {
        panic!()
    };
    assert_eq!(list.contacts, [types::Contact { user_id: bob.me, mutual: true }.into()]);
    alice.ok(&functions::contacts::DeleteContacts { id: vec![alice.user(&bob).into()] });
    assert!(!known(&alice, &bob).contact);
}

#[test]
fn a_phone_or_a_name_finds_a_user() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let enums::contacts::ResolvedPeer::Peer(found) = alice.ok(&functions::contacts::ResolvePhone { phone: phone(2) });
    assert_eq!(found.users[0].id(), bob.me);
    let unknown = functions::contacts::ResolvePhone { phone: phone(77) };
    assert_eq!(alice.err(&unknown), "400 PHONE_NOT_OCCUPIED");

    let search = |q: &str| functions::contacts::Search { broadcasts: false, bots: false, q: q.to_owned(), limit: 10 };
    assert_eq!(alice.err(&search("us")), "400 QUERY_TOO_SHORT");
    let enums::contacts::Found::Found(nobody) = alice.ok(&search("user2"));
    assert!(nobody.users.is_empty(), "strangers without a username are not found");
    bob.ok(&functions::account::UpdateUsername { username: "user_two".to_owned() });
    let enums::contacts::Found::Found(found) = alice.ok(&search("USER2"));
    assert_eq!((found.my_results.len(), found.results.len()), (0, 1));
    alice.send(alice.peer(&bob), "hello");
    let enums::contacts::Found::Found(found) = alice.ok(&search("user_"));
    assert_eq!((found.my_results.len(), found.results.len()), (1, 0), "a percent or underscore is no wildcard");
    let enums::contacts::Found::Found(found) = alice.ok(&search("us%"));
    assert!(found.users.is_empty());
}

#[test]
fn a_login_is_listed_and_can_be_ended_from_elsewhere() {
    let world = World::new();
    let here = world.human(1);
    let mut there = world.client();
    there.log_in(1);
    let enums::account::Authorizations::Authorizations(list) = here.ok(&functions::account::GetAuthorizations {});
    let hashes: Vec<(bool, i64)> = list
        .authorizations
        .iter()
        .map(|enums::Authorization::Authorization(login)| (login.current, login.hash))
        .collect();
    assert_eq!(hashes.iter().filter(|(current, hash)| *current && *hash == 0).count(), 1);
    let (_, other) = hashes.into_iter().find(|(current, _)| !current).unwrap();
    assert_eq!(here.err(&functions::account::ResetAuthorization { hash: other ^ 1 }), "400 HASH_INVALID");
    here.ok(&functions::account::ResetAuthorization { hash: other });
    assert_eq!(world.disconnected(), [there.caller.auth_key_id]);
    assert_eq!(there.err(&functions::updates::GetState {}), "401 SESSION_REVOKED");
}

#[test]
fn a_bots_commands_are_shown_to_others() {
    let world = World::new();
    let (alice, bot) = (world.human(1), world.bot(700_001));
    let scope = enums::BotCommandScope::Default;
    let set = |command: &str| functions::bots::SetBotCommands {
        scope: scope.clone(),
        lang_code: String::new(),
        commands: vec![
            types::BotCommand { ephemeral: false, command: command.to_owned(), description: "Says pong".to_owned() }
                .into(),
        ],
    };
    assert_eq!(bot.err(&set("Ping!")), "400 BOT_COMMAND_INVALID");
    bot.ok(&set("ping"));
    assert_eq!(alice.err(&set("ping")), "400 USER_BOT_REQUIRED");
    let enums::users::UserFull::Full(full) = alice.ok(&functions::users::GetFullUser { id: alice.user(&bot).into() });
    let enums::UserFull::Full(full) = full.full_user;
    let Some(enums::BotInfo::Info(info)) = full.bot_info else { panic!("a bot has an info") };
    assert_eq!(info.commands.unwrap().len(), 1);
}

#[test]
fn notification_settings_are_kept_for_a_chat() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let peer: enums::InputNotifyPeer = types::InputNotifyPeer { peer: alice.peer(&bob) }.into();
    let settings =
        types::InputPeerNotifySettings { mute_until: Some(2_000_000_000), ..tl_blank::input_peer_notify_settings() };
    alice.ok(&functions::account::UpdateNotifySettings { peer: peer.clone(), settings: settings.into() });
    let enums::PeerNotifySettings::Settings(kept) = alice.ok(&functions::account::GetNotifySettings { peer });
    assert_eq!(kept.mute_until, Some(2_000_000_000));
}

/// How `viewer` sees `other`.
fn known(viewer: &Client<'_>, other: &Client<'_>) -> types::User {
    match viewer.ok(&functions::users::GetUsers { id: vec![viewer.user(other).into()] }).remove(0) {
        enums::User::User(user) => user,
        other => panic!("{other:?}"),
    }
}
