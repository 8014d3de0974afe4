//! What bots hear of participants.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::channels::links::{export, hash, import};
use super::channels::{moderator, no_ban, no_rights, out, silence, supergroup};
use super::world::{Client, World, group, unwrapped};
use crate::model::qts;

#[test]
fn a_bot_that_is_administrator_hears_who_comes_and_goes() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(77));
    let channel = supergroup(&alice, &[&bob]);
    let link = hash(&alice.ok(&export(channel.peer(&alice))));
    alice.ok(&channel.invite(&alice, &[&bot]));
    alice.ok(&channel.admin(&alice, &bob, moderator()));
    assert_eq!(heard(&bot), ["101: 1 has 77 be self"], "of others only as an administrator");
    alice.ok(&channel.admin(&alice, &bob, no_rights()));
    alice.ok(&channel.admin(&alice, &bot, moderator()));
    assert_eq!(heard(&bot), ["102: 1 has 77 be admin, not self"]);
    alice.pushed();

    bob.ok(&channel.leave(&bob));
    bob.ok(&import(&link));
    alice.ok(&channel.ban(&alice, &bob, silence()));
    alice.ok(&channel.ban(&alice, &bob, silence()));
    bot.ok(&channel.ban(&bot, &bob, out()));
    alice.ok(&channel.ban(&alice, &bob, no_ban()));
    assert_eq!(
        heard(&bot),
        [
            "103: 2 has 2 be nothing, not member",
            "104: 2 has 2 be member by the link of 1",
            "105: 1 has 2 be restricted, not member",
            "106: 77 has 2 be banned, not restricted",
            "107: 1 has 2 be nothing, not banned",
        ]
    );
    alice.ok(&channel.admin(&alice, &bot, no_rights()));
    bob.ok(&import(&link));
    bot.ok(&channel.leave(&bot));
    assert_eq!(heard(&bot), ["108: 1 has 77 be self, not admin", "109: 77 has 77 be nothing, not self"]);
    assert!(heard(&alice).is_empty() && heard(&bob).is_empty(), "people hear of it by messages");
}

#[test]
fn a_bot_hears_of_basic_groups_too() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(77));
    let group = group(&alice, &[&bob, &bot], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = group else { panic!() };
    let make_admin = functions::messages::EditChatAdmin { chat_id, user_id: alice.user(&bot).into(), is_admin: true };
    let user_id = alice.user(&bob).into();
    let remove = functions::messages::DeleteChatUser { revoke_history: false, chat_id, user_id };
    let user_id = alice.user(&bob).into();
    let add = functions::messages::AddChatUser { chat_id, user_id, fwd_limit: 0 };
    let link = hash(&alice.ok(&export(group.clone())));
    let carol = world.human(3);
    alice.ok(&make_admin);
    alice.ok(&remove);
    alice.ok(&add);
    carol.ok(&import(&link));
    bot.ok(&functions::messages::DeleteChatUser {
        revoke_history: false,
        chat_id,
        user_id: enums::InputUser::UserSelf,
    });
    assert_eq!(
        heard(&bot),
        [
            "101: 1 has 77 be member",
            "102: 1 has 77 be admin, not member",
            "103: 1 has 2 be nothing, not member",
            "104: 1 has 2 be member",
            "105: 3 has 3 be member by the link of 1",
            "106: 77 has 77 be nothing, not admin",
        ]
    );
}

#[test]
fn what_a_bot_missed_comes_by_its_qts() {
    let world = World::new();
    let (alice, bob, bot) = (world.human(1), world.human(2), world.bot(77));
    let channel = supergroup(&alice, &[&bot]);
    alice.ok(&channel.admin(&alice, &bot, moderator()));
    let before = state(&bot);
    bot.pushed();
    let link = hash(&alice.ok(&export(channel.peer(&alice))));
    for _ in 0..2 {
        bob.ok(&import(&link));
        bob.ok(&channel.leave(&bob));
    }
    let pushed = bot.pushed_updates();
    let pushed: Vec<_> = pushed.into_iter().filter(|update| told(update).is_some()).collect();
    assert_eq!(pushed.len(), 4);

    let difference = |qts, qts_limit| functions::updates::GetDifference {
        qts_limit,
        ..tl_blank::get_difference(before.pts, before.date, qts)
    };
    let enums::updates::Difference::Slice(first) = bot.ok(&difference(before.qts, Some(3))) else { panic!() };
    let enums::updates::State::State(between) = first.intermediate_state;
    let enums::updates::Difference::Difference(rest) = bot.ok(&difference(between.qts, Some(3))) else { panic!() };
    let enums::updates::State::State(after) = rest.state;
    assert_eq!((between.qts, after.qts), (before.qts + 3, state(&bot).qts));
    for (users, chats) in [(&first.users, &first.chats), (&rest.users, &rest.chats)] {
        assert!(users.iter().any(|user| user.id() == bob.me));
        assert!(chats.iter().any(|chat| chat.id() == channel.seen(&bot).id()));
    }
    let missed: Vec<_> =
        first.other_updates.into_iter().chain(rest.other_updates).filter(|update| told(update).is_some()).collect();
    assert_eq!(missed, pushed);
    for known in [after.qts, 0, -1] {
        let nothing = functions::updates::GetDifference { pts: after.pts, date: i32::MAX, ..difference(known, None) };
        assert!(matches!(bot.ok(&nothing), enums::updates::Difference::Empty(_)), "{known}");
    }
}

#[test]
fn only_the_latest_are_kept() {
    let world = World::new();
    let bot = world.bot(77);
    let mut db = world.model.lock();
    let transaction = db.transaction().unwrap();
    let first = qts::now(&transaction, bot.me).unwrap();
    let count = qts::ENTRIES_KEPT_MAX + 1_000;
    for n in 1..=count {
        qts::append(&transaction, bot.me, first + n, &enums::Update::PtsChanged.to_bytes()).unwrap();
    }
    let kept = qts::after(&transaction, bot.me, 0, usize::MAX).unwrap();
    assert_eq!(kept.qts, first + count);
    assert!((10_000..11_000).contains(&kept.updates.len()), "{}", kept.updates.len());
}

fn state(client: &Client<'_>) -> types::updates::State {
    let enums::updates::State::State(state) = client.ok(&functions::updates::GetState {});
    state
}

/// What was pushed about participants, in short; of users, those of people by the last digit of their ids.
fn heard(client: &Client<'_>) -> Vec<String> {
    client.pushed().into_iter().flat_map(unwrapped).filter_map(|update| told(&update)).collect()
}

fn told(update: &enums::Update) -> Option<String> {
    use enums::{ChannelParticipant as Channel, ChatParticipant as Chat};
    let in_chat = |participant: &Chat| match participant {
        Chat::Participant(_) => "member",
        Chat::Creator(_) => "creator",
        Chat::Admin(_) => "admin",
    };
    let in_channel = |participant: &Channel| match participant {
        Channel::Participant(_) => "member",
        Channel::ParticipantSelf(_) => "self",
        Channel::Creator(_) => "creator",
        Channel::Admin(_) => "admin",
        Channel::Banned(banned) if banned.left => "banned",
        Channel::Banned(_) => "restricted",
        Channel::Left(_) => "left",
    };
    let (qts, actor, user, prev, new, invite) = match update {
        enums::Update::ChatParticipant(u) => {
            let [prev, new] = [&u.prev_participant, &u.new_participant].map(|one| one.as_ref().map(in_chat));
            (u.qts, u.actor_id, u.user_id, prev, new, &u.invite)
        }
        enums::Update::ChannelParticipant(u) => {
            let [prev, new] = [&u.prev_participant, &u.new_participant].map(|one| one.as_ref().map(in_channel));
            (u.qts, u.actor_id, u.user_id, prev, new, &u.invite)
        }
        _ => return None,
    };
    let short = |id: i64| id % 5_000_000_000;
    let not = prev.map(|prev| format!(", not {prev}")).unwrap_or_default();
    let by = match invite {
        Some(enums::ExportedChatInvite::ChatInviteExported(link)) => {
            format!(" by the link of {}", short(link.admin_id))
        }
        _ => String::new(),
    };
    Some(format!("{qts}: {} has {} be {}{not}{by}", short(actor), short(user), new.unwrap_or("nothing")))
}
