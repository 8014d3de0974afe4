//! What a client may make the data centre keep: each bound, reached.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::channels::{create, created};
use super::login_tokens::{accept, export, exported};
use super::world::{World, bot_token, delete, group};

#[test]
fn keys_nobody_logs_in_with_make_room_for_others() {
    let mut world = World::new();
    world.set_limits(|limits| limits.keys_without_login_max = 3);
    let kept = world.human(1);
    let mut oldest = world.client();
    world.age_key(&oldest);
    let mut others: Vec<_> = (0..3).map(|_| world.client()).collect();
    kept.ok(&functions::updates::GetState {});
    assert_eq!(oldest.try_log_in(1).unwrap_err().to_string(), "401 AUTH_KEY_INVALID");
    others.iter_mut().for_each(|client| client.log_in(1));
}

#[test]
fn the_oldest_of_too_many_logins_is_ended() {
    let mut world = World::new();
    world.set_limits(|limits| limits.logins_per_user_max = 2);
    let other = world.human(2);
    let first = world.human(1);
    world.age_key(&first);
    let mut next = world.client();
    next.log_in(1);
    let mut last = world.client();
    last.log_in(1);
    last.log_in(1);
    last.ok(&functions::updates::GetState {});
    assert_eq!(first.err(&functions::updates::GetState {}), "401 SESSION_REVOKED");
    next.ok(&functions::updates::GetState {});
    assert_eq!(world.disconnected(), [first.caller.auth_key_id], "and its connections with it");
    other.ok(&functions::updates::GetState {});
}

#[test]
fn a_key_has_so_many_codes_at_a_time() {
    let mut world = World::new();
    world.set_limits(|limits| limits.codes_per_key_max = 2);
    world.human(1);
    let client = world.client();
    let hashes: Vec<_> = (0..3).map(|_| client.send_code(1).unwrap()).collect();
    let expired = |hash: &String| client.sign_in(1, hash, "22222").unwrap_err().name == "PHONE_CODE_EXPIRED";
    assert_eq!(hashes.iter().filter(|hash| expired(hash)).count(), 1);
    client.sign_in(1, &hashes[2], "11111").unwrap();
}

#[test]
fn of_so_many_login_tokens_of_a_key_it_is_known_that_they_expired() {
    let mut world = World::new();
    world.set_limits(|limits| limits.login_tokens_per_key_max = 2);
    let (alice, client, other) = (world.human(1), world.client(), world.client());
    let others = exported(&other, &[]);
    let tokens: Vec<_> = (0..3)
        .map(|_| {
            world.age_login_tokens(1);
            exported(&client, &[])
        })
        .collect();
    assert_eq!(alice.err(&accept(&tokens[0])), "400 AUTH_TOKEN_INVALIDX");
    assert_eq!(alice.err(&accept(&tokens[1])), "400 AUTH_TOKEN_EXPIRED");
    alice.ok(&accept(&tokens[2]));
    alice.ok(&accept(&others));
    let too_many = export(&(0..101).collect::<Vec<_>>());
    assert_eq!(client.err(&too_many), "400 USERS_TOO_MUCH");
}

#[test]
fn nobody_uses_up_anothers_codes() {
    let world = World::new();
    let (mut alice, mallory) = (world.client(), world.client());
    let hash = alice.send_code(1).unwrap();
    for _ in 0..200 {
        mallory.send_code(1).unwrap();
    }
    alice.sign_in(1, &hash, "11111").unwrap();
    alice.sign_up(1);
}

#[test]
fn a_user_has_so_many_exported_logins() {
    let mut world = World::new();
    world.set_limits(|limits| limits.exports_per_user_max = 1);
    let alice = world.human(1);
    let export = || match alice.ok(&functions::auth::ExportAuthorization { dc_id: 2 }) {
        enums::auth::ExportedAuthorization::Authorization(exported) => exported,
    };
    let import = |exported: types::auth::ExportedAuthorization| functions::auth::ImportAuthorization {
        id: exported.id,
        bytes: exported.bytes,
    };
    let (before, last) = (export(), export());
    assert_eq!(world.client().err(&import(before)), "400 AUTH_BYTES_INVALID");
    world.client().ok(&import(last));
}

#[test]
fn there_are_so_many_bots() {
    let mut world = World::new();
    world.set_limits(|limits| limits.bots_max = 1);
    world.bot(1);
    let client = world.client();
    let log_in = |id| functions::auth::ImportBotAuthorization {
        flags: 0,
        api_id: 1,
        api_hash: String::new(),
        bot_auth_token: bot_token(id),
    };
    assert_eq!(client.err(&log_in(2)), "400 USERS_TOO_MUCH");
    client.ok(&log_in(1));
}

#[test]
fn a_bot_has_so_many_command_lists() {
    let mut world = World::new();
    world.set_limits(|limits| limits.command_lists_per_bot_max = 2);
    let bot = world.bot(1);
    let set = |language: &str| {
        let command =
            types::BotCommand { command: "start".to_owned(), description: "Starts".to_owned(), ephemeral: false };
        functions::bots::SetBotCommands {
            scope: enums::BotCommandScope::Default,
            lang_code: language.to_owned(),
            commands: vec![command.into()],
        }
    };
    bot.ok(&set("de"));
    bot.ok(&set("en"));
    bot.ok(&set("en"));
    assert_eq!(bot.err(&set("fr")), "400 BOT_COMMANDS_TOO_MUCH");
}

#[test]
fn a_user_makes_so_many_groups_and_channels() {
    let mut world = World::new();
    world.set_limits(|limits| limits.chats_made_per_user_max = 2);
    let (alice, bob) = (world.human(1), world.human(2));
    let first = group(&alice, &[&bob], "First");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = first else { panic!() };
    alice.ok(&functions::messages::DeleteChat { chat_id });
    group(&alice, &[&bob], "Second");
    let users = vec![alice.user(&bob).into()];
    let third = functions::messages::CreateChat { users, title: "Third".to_owned(), ttl_period: None };
    assert_eq!(alice.err(&third), "400 CHANNELS_TOO_MUCH");
    created(&alice, &create("First", false));
    created(&alice, &create("Second", true));
    assert_eq!(alice.err(&create("Third", false)), "400 CHANNELS_TOO_MUCH");
    group(&bob, &[&alice], "Bob's");
}

#[test]
fn a_full_database_refuses_messages_until_some_are_deleted() {
    let mut world = World::new();
    world.set_limits(|limits| limits.database_bytes_max = 2 << 20);
    let alice = world.human(1);
    let text = "long ".repeat(800);
    let mut sent = Vec::new();
    let error = loop {
        match alice.call(&alice.message(enums::InputPeer::PeerSelf, &text)) {
            Ok(answer) => sent.push(super::world::sent_id(&answer)),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "500 STORAGE_CHECK_FAILED");
    assert!(sent.len() > 100, "{}", sent.len());
    let half = sent.split_off(sent.len() / 2);
    for ids in half.chunks(50) {
        alice.ok(&delete(ids.to_vec(), true));
    }
    alice.send(enums::InputPeer::PeerSelf, &text);
    assert_eq!(alice.history(enums::InputPeer::PeerSelf)[0].message, text.trim());
}
