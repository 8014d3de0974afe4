//! What becomes of differences that take long, are too long to be had, or have to wait.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use grammers_client::sender::RpcError;
use tempfile::TempDir;
use tl::{Deserializable, Identifiable, Serializable};

use super::*;
use crate::ask::PARTS_MAX;
use crate::ask::tests::{Answering, context, dialog, error, messages_kept, new_context};
use crate::intake::tests::{ADA, message, user};
use crate::net::Pushed;

/// A message in the conversation with this user, a second after the one before it.
fn from(user_id: i64, id: i32) -> enums::Message {
    let enums::Message::Message(message) = message(id, user_id) else { unreachable!() };
    types::Message { peer_id: types::PeerUser { user_id }.into(), ..message }.into()
}

fn state_at(pts: i32) -> enums::updates::State {
    types::updates::State { pts, qts: 1, date: 999, seq: 0, unread_count: 0 }.into()
}

/// What [`Answering`] answers by.
trait Answer: Fn(u32, &[u8]) -> Result<Vec<u8>, RpcError> + Sync {}

impl<F: Fn(u32, &[u8]) -> Result<Vec<u8>, RpcError> + Sync> Answer for F {}

/// A data centre that has no difference, and these conversations of 1 000 000 messages each, or of one.
fn forgetful(dialogs: usize, is_long: bool, asked: &Mutex<[usize; 2]>) -> Answering<impl Answer> {
    Answering(move |method, request: &[u8]| match method {
        functions::messages::GetDialogs::CONSTRUCTOR_ID => {
            let before = asked.lock().unwrap()[0] * PAGE as usize;
            asked.lock().unwrap()[0] += 1;
            let ids = before..(before + PAGE as usize).min(dialogs);
            // Each conversation's newest message has an id and a date of its own.
            let at = |at: usize| (ADA + at as i64, 1_000_000 - at as i32);
            let answer = types::messages::DialogsSlice {
                count: dialogs as i32,
                dialogs: ids
                    .clone()
                    .map(|id| dialog(types::PeerUser { user_id: at(id).0 }.into(), at(id).1, None))
                    .collect(),
                messages: ids.clone().map(|id| from(at(id).0, at(id).1)).collect(),
                users: ids.map(|id| user(at(id).0, "Somebody", |_| {})).collect(),
                chats: Vec::new(),
            };
            Ok(enums::messages::Dialogs::from(answer).to_bytes())
        }
        functions::messages::GetHistory::CONSTRUCTOR_ID => {
            asked.lock().unwrap()[1] += 1;
            let request = functions::messages::GetHistory::from_bytes(request).unwrap();
            let enums::InputPeer::User(peer) = request.peer else { panic!("{:?}", request.peer) };
            let newest = match request.offset_id {
                0 => 1_000_000 - (peer.user_id - ADA) as i32,
                older => older - 1,
            };
            let count = if is_long { PAGE } else { 1 };
            let messages = (0..count).map(|at| from(peer.user_id, newest - at)).collect();
            let topics = Vec::new();
            let answer = types::messages::Messages { messages, topics, chats: Vec::new(), users: Vec::new() };
            Ok(enums::messages::Messages::from(answer).to_bytes())
        }
        _ => Err(error(400, "METHOD_INVALID", None)),
    })
}

#[test]
fn a_history_that_goes_round_in_circles_has_an_end() {
    let page = |ids: &[i32]| -> Vec<enums::Message> {
        ids.iter().map(|id| types::MessageEmpty { id: *id, peer_id: None }.into()).collect()
    };
    for (ids, offset_id, expected) in
        [(&[][..], 0, None), (&[9, 8], 0, Some(8)), (&[7, 6], 8, Some(6)), (&[9, 8], 8, None), (&[12, 11], 8, None)]
    {
        assert_eq!(next_page(&page(ids), offset_id), expected, "{ids:?} after {offset_id}");
    }
}

#[tokio::test]
async fn a_difference_of_very_many_parts_comes_whole() {
    let dir = TempDir::new().unwrap();
    let context = context(&dir);
    let end = 10 + PARTS_MAX as i32 + 5;
    let dc = Answering(move |_, request: &[u8]| {
        let request = functions::updates::GetDifference::from_bytes(request).unwrap();
        assert_eq!(request.date, 100, "the channels that have moved since then are named in the last part");
        let pts = request.pts + 1;
        let (new_messages, other_updates, chats, users) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let new_encrypted_messages = Vec::new();
        let difference: enums::updates::Difference = if pts < end {
            let intermediate_state = state_at(pts);
            types::updates::DifferenceSlice {
                new_messages,
                new_encrypted_messages,
                other_updates,
                chats,
                users,
                intermediate_state,
            }
            .into()
        } else {
            let (new_messages, state) = (vec![from(ADA, 7)], state_at(pts));
            types::updates::Difference { new_messages, new_encrypted_messages, other_updates, chats, users, state }
                .into()
        };
        Ok(difference.to_bytes())
    });
    context.intake().want_difference();
    context.intake().begin_difference();
    let begun = Instant::now();
    catch_up(context.clone(), Arc::new(dc), || {}).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "with a pause");
    let state = context.intake().stored_state().unwrap();
    assert_eq!((state.pts, state.date, messages_kept(&context)), (end, 999, 1));
    assert!(context.intake().is_up_to_date());
}

#[tokio::test]
async fn so_many_messages_and_conversations_are_looked_up() {
    let pages = RECOVERY_MESSAGES_MAX / PAGE as usize;
    for (dialogs, is_long, is_whole, asked_for, messages) in [
        (3, false, true, [1, 3], 3),
        (1, true, false, [1, pages], RECOVERY_MESSAGES_MAX),
        (3, true, false, [1, pages], RECOVERY_MESSAGES_MAX),
        (RECOVERY_DIALOGS_MAX + 1, false, false, [5, RECOVERY_DIALOGS_MAX], RECOVERY_DIALOGS_MAX),
    ] {
        let (dir, asked) = (TempDir::new().unwrap(), Mutex::default());
        let context = context(&dir);
        let mut found = Found::default();
        let dc = forgetful(dialogs, is_long, &asked);
        assert_eq!(collect(&context, &dc, 0, &mut found).await.unwrap(), is_whole, "{dialogs} {is_long}");
        assert_eq!((*asked.lock().unwrap(), found.messages.len()), (asked_for, messages), "{dialogs} {is_long}");
    }
}

#[tokio::test]
async fn that_a_bound_was_reached_is_told() {
    for (is_long, is_cut) in [(false, false), (true, true)] {
        let (dir, asked) = (TempDir::new().unwrap(), Mutex::default());
        let context = context(&dir);
        recover(&context, &forgetful(3, is_long, &asked), UpdateState::default()).await.unwrap();
        assert_eq!(context.intake().account_state().is_missed_cut, is_cut);
    }
}

#[tokio::test]
async fn a_data_centre_that_never_has_a_difference_is_asked_at_its_leisure() {
    let (dir, asked) = (TempDir::new().unwrap(), Mutex::default());
    let context = context(&dir);
    let conversations = forgetful(1, false, &asked);
    let dc = Answering(|method: u32, request: &[u8]| match method {
        functions::updates::GetDifference::CONSTRUCTOR_ID if asked.lock().unwrap()[0] < 2 => {
            Ok(enums::updates::Difference::from(types::updates::DifferenceTooLong { pts: 50 }).to_bytes())
        }
        functions::updates::GetDifference::CONSTRUCTOR_ID => {
            Ok(enums::updates::Difference::from(types::updates::DifferenceEmpty { date: 999, seq: 0 }).to_bytes())
        }
        _ => (conversations.0)(method, request),
    });
    let begun = Instant::now();
    fetch(&context, &dc, &mut || {}).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2), "a pause after each time of looking through everything");
    assert_eq!((context.intake().stored_state().unwrap().pts, messages_kept(&context)), (50, 1));
}

#[tokio::test]
async fn what_was_found_instead_of_a_difference_is_kept() {
    let (dir, asked) = (TempDir::new().unwrap(), Mutex::default());
    let context = context(&dir);
    recover(&context, &forgetful(3, false, &asked), UpdateState { pts: 50, qts: 1, date: 200, seq: 0 }).await.unwrap();
    assert_eq!((context.intake().stored_state().unwrap().pts, messages_kept(&context)), (50, 3));
}

#[tokio::test]
async fn a_difference_that_floods_is_put_off_and_holds_up_nothing() {
    for (wait_s, is_up_to_date, asked_after_s) in [(30, false, 31), (600, true, 601), (1_000_000, true, 3_601)] {
        let dir = TempDir::new().unwrap();
        let context = context(&dir);
        context.intake().want_difference();
        context.intake().begin_difference();
        let dc = Answering(move |_, _: &[u8]| Err(error(420, "FLOOD_WAIT", Some(wait_s))));
        let mut is_answered = false;
        catch_up(context.clone(), Arc::new(dc), || is_answered = true).await.unwrap();
        assert!(is_answered, "calls may go");
        let mut intake = context.intake();
        assert_eq!((intake.wants_difference(), intake.is_up_to_date()), (false, is_up_to_date), "{wait_s}");
        // What comes meanwhile is taken, and the date from which is looked for the rest stays.
        let update = types::UpdateNewMessage { message: from(ADA, 7), pts: 11, pts_count: 1 }.into();
        let (users, chats) = (vec![user(ADA, "Ada", |_| {})], Vec::new());
        let pushed = types::Updates { updates: vec![update], users, chats, date: 500, seq: 0 };
        intake.receive_pushed(Pushed::Updates(pushed.into()));
        assert_eq!(messages_kept(&context), 1);
        assert_eq!(intake.stored_state().map(|state| (state.pts, state.date)), Some((11, 100)));
        let deadline = Instant::now() + Duration::from_secs(asked_after_s);
        assert!(intake.deadline().is_some_and(|at| at <= deadline));
        intake.on_deadline(deadline - Duration::from_secs(2));
        assert!(!intake.wants_difference(), "{wait_s}: not before");
        intake.on_deadline(deadline);
        assert!(intake.wants_difference(), "{wait_s}");
    }
}

#[tokio::test]
async fn an_account_that_begins_takes_nothing_before_it_knows_where() {
    let dir = TempDir::new().unwrap();
    let context = new_context(&dir);
    context.intake().begin_difference();
    let dc = Answering(move |_, _: &[u8]| Err(error(420, "FLOOD_WAIT", Some(600))));
    catch_up(context.clone(), Arc::new(dc), || {}).await.unwrap();
    let status = types::UpdateUserStatus { user_id: ADA, status: enums::UserStatus::Empty }.into();
    let (users, chats) = (vec![user(ADA, "Ada", |_| {})], Vec::new());
    let pushed = types::Updates { updates: vec![status], users, chats, date: 500, seq: 0 };
    context.intake().receive_pushed(Pushed::Updates(pushed.into()));
    assert_eq!(context.intake().stored_state(), None, "or all that was ever said would be taken for missed");

    context.intake().begin_difference();
    let dc = Answering(|method, _: &[u8]| {
        assert_eq!(method, functions::updates::GetState::CONSTRUCTOR_ID);
        Ok(state_at(50).to_bytes())
    });
    catch_up(context.clone(), Arc::new(dc), || {}).await.unwrap();
    assert_eq!(context.intake().stored_state().map(|state| state.pts), Some(50));
}
