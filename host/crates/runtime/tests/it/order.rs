//! What a script hears, in which order, and when its calls leave.

use std::time::Duration;

use runtime::End;
use tgl::{Call, CallError, Event, Failure, Forward, Grants, Message, Outcome, PeerId};

use crate::stage::{Setting, Stage, own_message};

#[tokio::test]
async fn a_start_is_heard_in_the_order_of_telegram_cli() {
    let before = Stage::live(Setting::of("")).await;
    // The script ends; two messages come while it is away; it is started again before the account is logged in.
    before.tell(1, "exit 0");
    assert_eq!(before.ends().await, End::Exited(0));
    before.tell(2, "");
    before.tell(3, "");
    let stage = before.restart(Setting { is_logged_in: false, ..Setting::of("trace") }).await;
    stage.hears(&["load /script/puppet"]).await;
    stage.state.send_modify(|state| state.our_id = Some(77));
    let left = ["load /script/puppet", "our_id 77", "message 2 ", "message 3 ", "binlog_replay_end"];
    stage.hears(&left).await;
    let missed_seq = stage.tell(4, "");
    stage.hears(&[&left[..], &["message 4 "]].concat()).await;
    stage.state.send_modify(|state| state.difference_end_seq = Some(missed_seq));
    stage.hears(&[&left[..], &["message 4 ", "get_difference_end"]].concat()).await;
    stage.tell(5, "");
    stage.hears(&[&left[..], &["message 4 ", "get_difference_end", "message 5 "]].concat()).await;
}

#[tokio::test]
async fn calls_wait_for_the_login_and_leave_in_their_order() {
    let mut stage =
        Stage::new(Setting { is_logged_in: false, ..Setting::of("trace\nsend one\nsend two\ntimer 1") }).await;
    stage.hears(&["load /script/puppet"]).await;
    assert!(stage.requests.try_recv().is_err(), "nobody is logged in yet");
    stage.state.send_modify(|state| state.our_id = Some(77));
    for expected in ["one", "two"] {
        let Call::SendMessage { text, .. } = stage.request().await.call else { panic!("another call") };
        assert_eq!(text, expected);
    }
    stage.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "timer"]).await;
}

#[tokio::test]
async fn what_led_to_no_call_is_written_down_before_the_script_waits_or_ends() {
    for last in ["", "panic", "exit 0"] {
        let stage = Stage::live(Setting::of("trace")).await;
        let [.., seq] = [(1, ""), (2, ""), (3, last)].map(|(id, text)| stage.tell(id, text));
        match last {
            "exit 0" => assert_eq!(stage.ends().await, End::Exited(0)),
            _ => stage.stands("at the last event", |status| status.handled_seq == seq).await,
        }
        assert_eq!(stage.store.scripts().join("puppet").unwrap(), seq, "after {last:?}");
    }
}

#[tokio::test]
async fn what_was_handled_before_a_long_callback_is_written_down_meanwhile() {
    let before = Stage::live(Setting::of("")).await.pause().await;
    before.tell(1, "");
    before.tell(2, "sleep 50000");
    let stage = before.resume(Setting::of("trace")).await;
    while stage.store.scripts().join("puppet").ok() != Some(1) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.hears(&["load /script/puppet", "our_id 77", "message 1 ", "message 2 sleep 50000"]).await;
}

#[tokio::test]
async fn link_previews_are_left_to_telegram_unless_the_script_is_to_have_none() {
    for (link_previews, preview) in [(true, None), (false, Some(false))] {
        let mut stage = Stage::new(Setting { link_previews, ..Setting::of("send hello") }).await;
        let Call::SendMessage { preview: sent, .. } = stage.request().await.call else { panic!("another call") };
        assert_eq!(sent, preview, "link_previews: {link_previews}");
    }
}

#[tokio::test]
async fn an_own_message_is_heard_before_the_callback_of_its_send() {
    let mut stage = Stage::live(Setting::of("trace")).await;
    stage.tell(1, "send hello");
    let request = stage.request().await;
    let after_seq = stage.store.inbox_seq() + 1;
    stage.complete(&request, Ok(Outcome::Message(own_message(2, "hello"))), after_seq).await;
    stage.push(Event::Message(own_message(2, "hello")));
    let heard = ["message 1 send hello", "message 2 hello", "completion 1 message 2"];
    stage.hears(&[&["load /script/puppet", "our_id 77", "binlog_replay_end"], &heard[..]].concat()).await;
    stage.settles().await;
}

#[tokio::test]
async fn a_call_that_did_not_leave_in_one_run_leaves_in_the_next_by_the_same_random_id() {
    let mut stage = Stage::new(Setting::of("")).await;
    stage.tell(1, "send hello\nhistory");
    let (sent, asked) = (stage.request().await, stage.request().await);
    assert!(matches!(asked.call, Call::GetHistory { .. }));
    let mut stage = stage.restart(Setting::of("send next")).await;
    let (again, next) = (stage.request().await, stage.request().await);
    assert_eq!((again.id, again.random_id, &again.call), (0, sent.random_id, &sent.call));
    assert!(
        matches!(next.call, Call::SendMessage { text, .. } if text == "next"),
        "an answer nobody waits for is not asked for again"
    );
}

#[tokio::test]
async fn what_comes_right_after_the_start_is_the_scripts() {
    let stage = Stage::new(Setting::of("trace")).await;
    stage.tell(1, "at once");
    stage.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "message 1 at once"]).await;
}

#[tokio::test]
async fn an_event_is_handled_once_over_restarts() {
    let stage = Stage::new(Setting::of("trace")).await;
    stage.tell(1, "");
    stage.settles().await;
    let stage = stage.restart(Setting::of("trace")).await;
    stage.settles().await;
    stage.tell(2, "");
    stage.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "message 2 "]).await;
}

#[tokio::test]
async fn a_timer_rings_and_can_be_set_anew() {
    let stage = Stage::new(Setting::of("trace\non-timer print ring\ntimer 60000\ntimer 20")).await;
    stage.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "timer", "ring"]).await;
}

#[tokio::test]
async fn calls_over_the_limit_are_refused_and_said_once() {
    let limits = sandbox::Limits { calls_pending_max: 3, ..sandbox::Limits::default() };
    let mut stage = Stage::live(Setting { limits, ..Setting::of("trace") }).await;
    stage.tell(1, "spam 5");
    for _ in 0..3 {
        stage.request().await;
    }
    let start = ["load /script/puppet", "our_id 77", "binlog_replay_end", "message 1 spam 5"];
    let refused = ["completion 4 Failure::LimitReached", "completion 5 Failure::LimitReached"];
    stage.hears(&[&start[..], &refused[..]].concat()).await;
    let said = "puppet: calls refused: 2: 3 calls wait for their completion, the most a script may have";
    assert_eq!(stage.log(), [said]);
    assert!(stage.requests.try_recv().is_err(), "the two that were refused did not leave");
}

#[tokio::test]
async fn a_place_that_is_none_is_refused_and_spoils_nothing() {
    let mut stage = Stage::live(Setting::of("trace")).await;
    stage.tell(1, "nowhere\nsend hello");
    stage.request().await;
    stage
        .hears(&[
            "load /script/puppet",
            "our_id 77",
            "binlog_replay_end",
            "message 1 nowhere",
            "send hello",
            "completion 1 Failure::Invalid",
        ])
        .await;
    let mut stage = stage.restart(Setting::of("")).await;
    assert!(matches!(stage.request().await.call, Call::SendMessage { .. }), "the outbox can be read");
}

#[tokio::test]
async fn a_failed_call_is_heard_as_such() {
    let mut stage = Stage::new(Setting::of("trace\nhistory")).await;
    let request = stage.request().await;
    stage.complete(&request, Err(CallError::new(Failure::Refused, "PEER_ID_INVALID")), 0).await;
    stage.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "completion 1 Failure::Refused"]).await;
}

#[tokio::test]
async fn what_the_account_notes_is_in_the_scripts_log() {
    let stage = Stage::live(Setting::of("")).await;
    stage.notes.send("sending big.iso: 40 %".to_owned()).await.unwrap();
    assert_eq!(stage.log_line("big.iso").await, "puppet: sending big.iso: 40 %");
}

#[tokio::test]
async fn messages_of_the_service_account_are_only_for_who_is_allowed_to_see_them() {
    let service = PeerId::user(777_000);
    let forward = Some(Forward { source: Some(service), date: 1 });
    for (is_allowed, heard) in [
        (false, &["message 2 -", "None", "None"][..]),
        (true, &["message 1 code", "message 2 code", "Some(\"code\")", "Some(\"code\")"][..]),
    ] {
        let grants = Grants { service_messages: is_allowed, ..Grants::trusted() };
        let stage = Stage::live(Setting { grants, ..Setting::of("trace") }).await;
        let from_service = Message { source: Some(service), ..own_message(1, "code") };
        let passed_on = Message { forward, ..own_message(2, "code") };
        for message in [&from_service, &passed_on] {
            stage.store.record(|batch| batch.put_message(PeerId::user(9), message)).unwrap();
            stage.push(Event::Message(message.clone()));
        }
        stage.tell(3, "message 1\nmessage 2");
        let mut expected = vec!["load /script/puppet", "our_id 77", "binlog_replay_end"];
        let (events, found) = heard.split_at(heard.len() - 2);
        expected.extend(events);
        expected.push("message 3 message 1\nmessage 2");
        let expected: Vec<&str> = expected.into_iter().chain(found.iter().copied()).flat_map(str::lines).collect();
        stage.hears(&expected).await;
        stage.settles().await;
    }
}
