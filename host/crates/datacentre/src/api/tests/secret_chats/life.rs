//! How secret chats begin and end.

use dh::DhGroup;
use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::{accept, discard, heard, message, missed, named, public, request, second, shown, state, talk};
use crate::api::tests::world::World;
use crate::seam::AuthKeys as _;

#[test]
fn the_parameters_are_safe_and_told_once() {
    let world = World::new();
    let alice = world.human(1);
    let config = |version, random_length| functions::messages::GetDhConfig { version, random_length };
    let enums::messages::DhConfig::Config(told) = alice.ok(&config(0, 256)) else { panic!() };
    DhGroup::check(&told.p, told.g).unwrap();
    for length in [0, 1, 1_024] {
        let enums::messages::DhConfig::NotModified(known) = alice.ok(&config(told.version, length)) else { panic!() };
        assert_eq!(i32::try_from(known.random.len()), Ok(length));
        assert_ne!((length, known.random), (1_024, told.random.clone()));
    }
    for length in [-1, 1_025] {
        assert_eq!(alice.err(&config(0, length)), "400 RANDOM_LENGTH_INVALID");
    }
}

#[test]
fn a_chat_is_asked_for_everywhere_and_lives_where_it_is_accepted() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let (alice_elsewhere, bob_elsewhere) = (second(&world, 1), second(&world, 2));
    let waiting = alice.ok(&request(&alice, &bob, 5));
    assert_eq!(shown(&waiting), "5 waiting");
    for client in [&bob, &bob_elsewhere] {
        let pushed = client.pushed();
        let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
        assert!(updates.users.iter().any(|user| user.id() == alice.me), "whoever asks comes along");
        let [enums::Update::Encryption(update)] = &updates.updates[..] else { panic!("{updates:?}") };
        let enums::EncryptedChat::Requested(chat) = &update.chat else { panic!("{update:?}") };
        assert_eq!((chat.id, chat.admin_id, chat.participant_id), (5, alice.me, bob.me));
        assert_eq!((&chat.g_a, named(&bob, 5)), (&public(65), input(chat.id, chat.access_hash)));
    }
    assert_eq!(shown(&bob.ok(&accept(&bob, 5))), "5 open with 65, key 77");
    assert_eq!(heard(&alice), ["5 open with 66, key 77"]);
    assert_eq!(heard(&bob_elsewhere), ["5 discarded"]);
    assert!(heard(&bob).is_empty() && heard(&alice_elsewhere).is_empty());

    let (from_alice, from_bob) = (message(&alice, 5, 1), message(&bob, 5, 2));
    alice.ok(&from_alice);
    bob.ok(&from_bob);
    assert_eq!((heard(&alice), heard(&bob)), (vec!["101: 2 in 5".to_owned()], vec!["101: 1 in 5".to_owned()]));
    assert!(heard(&alice_elsewhere).is_empty() && heard(&bob_elsewhere).is_empty());
    assert_eq!(alice_elsewhere.err(&from_alice), "400 CHAT_ID_INVALID");
    assert_eq!(bob_elsewhere.err(&from_bob), "400 CHAT_ID_INVALID");
    assert_eq!([&alice, &alice_elsewhere, &bob, &bob_elsewhere].map(|client| state(client).qts), [101, 100, 101, 100]);
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(77));
    let good = request(&alice, &bob, 5);
    let with = |g_a: Vec<u8>| functions::messages::RequestEncryption { g_a, ..good.clone() };
    let to = |user_id: enums::InputUser| functions::messages::RequestEncryption { user_id, ..good.clone() };
    let stranger = types::InputUser { user_id: bob.me, access_hash: 1 };
    let cases = [
        (with(Vec::new()), "400 DH_G_A_INVALID"),
        (with(vec![1]), "400 DH_G_A_INVALID"),
        (with(vec![65; 255 - 8]), "400 DH_G_A_INVALID"),
        (with(vec![65; 257]), "400 DH_G_A_INVALID"),
        (with(vec![255; 256]), "400 DH_G_A_INVALID"),
        (with(crate::api::srp::p().to_vec()), "400 DH_G_A_INVALID"),
        (to(enums::InputUser::UserSelf), "400 USER_ID_INVALID"),
        (to(enums::InputUser::Empty), "400 USER_ID_INVALID"),
        (to(stranger.into()), "400 USER_ID_INVALID"),
        (to(alice.user(&bot).into()), "400 USER_ID_INVALID"),
        (request(&alice, &bob, 0), "400 RANDOM_ID_EMPTY"),
    ];
    for (call, wanted) in cases {
        assert_eq!(alice.err(&call), wanted, "{call:?}");
    }
    assert_eq!(bot.err(&request(&bot, &bob, 6)), "400 BOT_METHOD_INVALID");
    bob.ok(&functions::contacts::Block { my_stories_from: false, id: bob.peer(&alice) });
    assert_eq!(alice.err(&good), "403 USER_IS_BLOCKED");
    assert!(heard(&bob).is_empty());
}

#[test]
fn a_repeated_call_is_answered_again_and_another_is_not() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    let (alice_elsewhere, bob_elsewhere) = (second(&world, 1), second(&world, 2));
    let asked = request(&alice, &bob, 5);
    assert_eq!(alice.ok(&asked), alice.ok(&asked));
    assert_eq!(heard(&bob), ["5 requested with 65"]);
    let other_value = functions::messages::RequestEncryption { g_a: public(64), ..asked.clone() };
    assert_eq!(alice.err(&other_value), "400 RANDOM_ID_DUPLICATE");
    assert_eq!(alice.err(&request(&alice, &carol, 5)), "400 RANDOM_ID_DUPLICATE");
    assert_eq!(alice_elsewhere.err(&asked), "400 RANDOM_ID_DUPLICATE");
    assert_eq!(carol.err(&request(&carol, &bob, 5)), "400 RANDOM_ID_DUPLICATE");

    let accepted = accept(&bob, 5);
    assert_eq!(bob.ok(&accepted), bob.ok(&accepted));
    assert_eq!(heard(&alice), ["5 open with 66, key 77"]);
    let other_key = functions::messages::AcceptEncryption { key_fingerprint: 78, ..accepted.clone() };
    assert_eq!(bob.err(&other_key), "400 ENCRYPTION_ALREADY_ACCEPTED");
    assert_eq!(bob_elsewhere.err(&accepted), "400 ENCRYPTION_ALREADY_ACCEPTED");
    assert_eq!(shown(&alice.ok(&asked)), "5 open with 66, key 77", "as it is by now");
}

#[test]
fn what_is_wrong_with_an_answer_to_a_request_is_said() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    alice.ok(&request(&alice, &bob, 5));
    let good = accept(&bob, 5);
    let unnamed = functions::messages::AcceptEncryption { peer: input(5, 1), ..good.clone() };
    let unsafe_value = functions::messages::AcceptEncryption { g_b: vec![1], ..good.clone() };
    for (client, call, wanted) in [
        (&bob, accept(&bob, 6), "400 CHAT_ID_INVALID"),
        (&bob, unnamed, "400 CHAT_ID_INVALID"),
        (&bob, unsafe_value, "400 DH_G_A_INVALID"),
        (&carol, accept(&carol, 5), "400 CHAT_ID_INVALID"),
        (&alice, accept(&alice, 5), "400 CHAT_ID_INVALID"),
    ] {
        assert_eq!(client.err(&call), wanted, "{call:?}");
    }
    for (client, call, wanted) in [
        (&bob, discard(6, false), "400 ENCRYPTION_ID_INVALID"),
        (&bob, discard(0, false), "400 CHAT_ID_EMPTY"),
        (&carol, discard(5, false), "400 ENCRYPTION_ID_INVALID"),
    ] {
        assert_eq!(client.err(&call), wanted, "{call:?}");
    }
    assert_eq!(second(&world, 1).err(&discard(5, false)), "400 ENCRYPTION_ID_INVALID");
    bob.ok(&discard(5, false));
    assert_eq!(bob.err(&good), "400 ENCRYPTION_ALREADY_DECLINED");
    for client in [&alice, &bob] {
        assert_eq!(client.err(&discard(5, false)), "400 ENCRYPTION_ALREADY_DECLINED");
    }
}

#[test]
fn either_side_ends_a_chat_before_and_after() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let bob_elsewhere = second(&world, 2);
    let everybody_heard = || [&alice, &bob, &bob_elsewhere].map(|client| heard(client).join(", "));
    let silent = String::new;

    alice.ok(&request(&alice, &bob, 1));
    everybody_heard();
    alice.ok(&discard(1, false));
    assert_eq!(everybody_heard(), [silent(), "1 discarded".to_owned(), "1 discarded".to_owned()]);

    alice.ok(&request(&alice, &bob, 2));
    everybody_heard();
    bob_elsewhere.ok(&discard(2, false));
    assert_eq!(everybody_heard(), ["2 discarded".to_owned(), "2 discarded".to_owned(), silent()]);

    talk(&alice, &bob, 3);
    everybody_heard();
    assert_eq!(bob_elsewhere.err(&discard(3, false)), "400 ENCRYPTION_ALREADY_ACCEPTED");
    alice.ok(&discard(3, true));
    assert_eq!(everybody_heard(), [silent(), "3 discarded, history too".to_owned(), silent()]);

    talk(&alice, &bob, 4);
    everybody_heard();
    bob.ok(&discard(4, false));
    assert_eq!(everybody_heard(), ["4 discarded".to_owned(), silent(), silent()]);
    for (client, id) in [(&alice, 3), (&bob, 3), (&alice, 4), (&bob, 4)] {
        assert_eq!(client.err(&message(client, id, 9)), "400 ENCRYPTION_DECLINED");
    }
}

#[test]
fn a_chat_ends_with_the_login_of_either_side() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    type End = fn(&World, &crate::api::tests::world::Client<'_>);
    let ends: [(End, bool); 3] = [
        (|_, ending| drop(ending.ok(&functions::auth::LogOut {})), true),
        (|world, _| assert!(second(world, 2).ok(&functions::auth::ResetAuthorizations {})), true),
        // Nobody calls here who could tell of it: it is learnt by whoever asks.
        (|world, ending| world.model.remove(ending.caller.auth_key_id), false),
    ];
    for (n, (end, is_told)) in (1..).zip(ends) {
        let ending = second(&world, 2);
        let since = state(&alice);
        talk(&alice, &ending, n);
        talk(&ending, &alice, 100 + n);
        alice.ok(&message(&alice, n, 1));
        alice.pushed();
        end(&world, &ending);
        let told = heard(&alice);
        assert_eq!(told.len(), if is_told { 2 } else { 0 }, "{told:?}");
        let (_, other, ..) = missed(&alice, &since);
        for id in [n, 100 + n] {
            assert!(!is_told || told.contains(&format!("{id} discarded")), "{told:?}");
            assert!(other.contains(&format!("{id} discarded")), "{other:?}");
            assert_eq!(alice.err(&message(&alice, id, 2)), "400 ENCRYPTION_DECLINED");
        }
        let sql = "SELECT COUNT(*) FROM secret_messages WHERE auth_key = ?1";
        let waiting: i64 = world.model.lock().query_row(sql, [ending.caller.auth_key_id], |row| row.get(0)).unwrap();
        assert_eq!(waiting, 0);
    }
    drop(bob);
}

#[test]
fn who_was_away_learns_what_has_become_of_chats() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let bob_elsewhere = second(&world, 2);
    let since = [&alice, &bob, &bob_elsewhere].map(state);
    let keys = [&alice, &bob, &bob_elsewhere].map(|client| (client.caller.auth_key_id, client.me));
    alice.ok(&request(&alice, &bob, 5));
    let missed_by = |client, n: usize| missed(client, &since[n]).1.join(", ");
    assert_eq!(missed_by(&bob_elsewhere, 2), "5 requested with 65");
    let world = world.restarted();
    let [alice, bob, bob_elsewhere] = keys.map(|(key, me)| {
        let mut client = world.session(key, 900);
        client.me = me;
        client
    });
    let missed_by = |client, n: usize| missed(client, &since[n]).1.join(", ");
    assert_eq!(missed_by(&bob, 1), "5 requested with 65");
    bob.ok(&accept(&bob, 5));
    assert_eq!(missed_by(&alice, 0), "5 open with 66, key 77");
    assert_eq!(missed_by(&bob_elsewhere, 2), "5 discarded");
    alice.ok(&discard(5, true));
    assert_eq!(missed_by(&bob, 1), "5 discarded, history too");
    let later = types::updates::State { date: i32::MAX, ..state(&bob) };
    assert!(missed(&bob, &later).1.is_empty());
}

fn input(chat_id: i32, access_hash: i64) -> enums::InputEncryptedChat {
    types::InputEncryptedChat { chat_id, access_hash }.into()
}
