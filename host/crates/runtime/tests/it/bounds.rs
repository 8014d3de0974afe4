//! What a script may have waiting, and what becomes of it when that is reached: nothing is dropped, and nobody else waits.

use std::time::{Duration, Instant};

use broker::SendRates;
use runtime::{End, Hold, Phase};
use sandbox::Limits;
use store::Bounds;
use tgl::{Call, Outcome, PeerId, Request};

use crate::stage::{Setting, Stage, own_message};

fn limited(calls_pending_max: usize) -> Setting {
    Setting { limits: Limits { calls_pending_max, ..Limits::default() }, ..Setting::of("trace") }
}

fn sent(request: &Request) -> (PeerId, &str) {
    match &request.call {
        Call::SendMessage { to, text, .. } => (*to, text),
        other => panic!("not a send: {other:?}"),
    }
}

/// Does what the script asks for, and gives the texts in the order in which they left.
async fn do_calls(stage: &mut Stage, count: usize, after_seq: u64) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let request = stage.request().await;
        texts.push(sent(&request).1.to_owned());
        stage.complete(&request, Ok(Outcome::Done), after_seq).await;
    }
    texts
}

#[tokio::test]
async fn a_newsletter_goes_out_whole_and_in_order() {
    let mut stage = Stage::live(Setting::of("")).await;
    stage.tell(1, "newsletter 2500");
    let first = stage.request().await;
    assert_eq!(sent(&first).1, "letter 0");
    let load = stage.store.scripts().outbox_load("puppet");
    assert_eq!(load.calls, 2_500, "all that is not held in memory waits on disk");
    stage.complete(&first, Ok(Outcome::Done), 0).await;
    let rest = do_calls(&mut stage, 2_499, 0).await;
    assert_eq!(rest, (1..2_500).map(|n| format!("letter {n}")).collect::<Vec<_>>());
    stage.settles().await;
    assert_eq!(stage.log(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_newsletter_that_was_broken_off_goes_on_at_the_next_start() {
    let mut stage = Stage::live(Setting::of("")).await;
    stage.tell(1, "newsletter 600");
    do_calls(&mut stage, 300, 0).await;
    let mut stage = stage.restart(Setting::of("")).await;
    let mut left = Vec::new();
    for _ in 300..600 {
        let request = stage.request().await;
        assert_eq!(request.id, 0, "nobody waits for it");
        left.push(sent(&request).1.to_owned());
    }
    assert_eq!(left, (300..600).map(|n| format!("letter {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_wait_until_their_answers_have_a_place_and_all_are_answered() {
    let mut stage = Stage::live(limited(20)).await;
    for id in 1..=300 {
        stage.tell(id, "send answer");
    }
    stage.stands("held", |status| status.hold == Some(Hold::Calls) && status.events_waiting > 200).await;
    do_calls(&mut stage, 300, 0).await;
    stage.settles().await;
    let log = stage.log();
    assert!(log.iter().all(|line| line.contains("events wait")), "{log:?}");
    assert!(log[0].ends_with("have not completed, of 20 and 65536 KiB that a script may have"), "{log:?}");
}

#[tokio::test]
async fn completions_that_must_follow_events_do_not_keep_those_from_coming() {
    // As after an absence: each answer's own message comes behind all that was missed.
    let mut stage = Stage::live(limited(20)).await;
    for id in 1..=300 {
        stage.tell(id, "send answer");
    }
    let own = own_message(1_000, "answer");
    stage.store.record(|batch| batch.put_message(PeerId::user(1), &own)).unwrap();
    let last_seq = stage.store.inbox_seq();
    for _ in 0..300 {
        let request = stage.request().await;
        stage.complete(&request, Ok(Outcome::Message(own.clone())), last_seq).await;
    }
    stage.settles().await;
    assert!(stage.log().iter().all(|line| line.contains("events wait")), "none was refused: {:?}", stage.log());
}

#[tokio::test]
async fn what_was_missed_is_answered_though_its_answers_have_no_place_before_the_end_of_it() {
    let before = Stage::live(limited(20)).await;
    let folder = before.pause().await;
    for id in 1..=100 {
        folder.tell(id, "send answer");
    }
    let mut stage = folder.resume(limited(20)).await;
    do_calls(&mut stage, 100, 0).await;
    stage.settles().await;
}

#[tokio::test]
async fn calls_are_bounded_by_what_they_take_too() {
    let limits = Limits { calls_bytes_max: 10_000, ..Limits::default() };
    let mut stage = Stage::live(Setting { limits, ..Setting::of("trace") }).await;
    stage.tell(1, "send-bytes 4000\nsend-bytes 4000\nsend-bytes 4000");
    for _ in 0..2 {
        stage.request().await;
    }
    let line = stage.log_line("refused").await;
    assert!(line.ends_with("1: the calls that wait take 9 KiB, the most a script's may take"), "{line}");
    stage.tell(2, "");
    stage.stands("held", |status| status.hold == Some(Hold::CallBytes)).await;
}

#[tokio::test]
async fn what_no_call_may_have_is_refused_before_anything_is_kept() {
    let stage = Stage::live(Setting::of("trace")).await;
    let told = ["send-bytes 4097", "create-chat 201", "nowhere", "send-bytes 2000000"];
    stage.tell(1, &told.join("\n"));
    let refused = (1..=4).map(|id| format!("completion {id} Failure::Invalid"));
    let mut lines = vec!["load /script/puppet".to_owned(), "our_id 77".into(), "binlog_replay_end".into()];
    lines.extend(format!("message 1 {}", told.join("\n")).lines().map(str::to_owned));
    lines.extend(refused);
    stage.hears(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(stage.store.scripts().outbox_load("puppet").calls, 0);
}

#[tokio::test]
async fn a_chat_that_takes_nothing_holds_up_no_other() {
    let mut stage = Stage::live(Setting::of("")).await;
    stage.tell(1, "newsletter 1000\nsend-to 2 through");
    let mut into_the_first = 0;
    loop {
        let request = stage.request().await;
        match sent(&request) {
            (to, "through") if to == PeerId::user(2) => break,
            _ => into_the_first += 1,
        }
    }
    assert!(into_the_first < 64, "{into_the_first}");
}

#[tokio::test]
async fn the_brake_slows_one_chat_down_says_so_and_holds_up_no_other() {
    let rates = SendRates { chat_per_s: 20, ..SendRates::default() };
    let mut stage = Stage::live(Setting { send_rates: Some(rates), ..Setting::of("") }).await;
    let begin = Instant::now();
    stage.tell(1, "newsletter 12\nsend-to 2 through");
    let mut texts = Vec::new();
    for _ in 0..6 {
        texts.push(sent(&stage.request().await).1.to_owned());
    }
    assert_eq!(texts, ["letter 0", "letter 1", "letter 2", "letter 3", "letter 4", "through"]);
    let line = stage.log_line("slowed").await;
    let said = "sends are slowed down to 20 a second in a chat, 20 a minute in a group, 30 a second in all";
    assert!(line.ends_with(said), "{line}");
    for n in 5..12 {
        assert_eq!(sent(&stage.request().await).1, format!("letter {n}"));
    }
    assert!(begin.elapsed() >= Duration::from_millis(7 * 50 - 1), "seven more, one every 50 ms");
    assert_eq!(stage.log().len(), 1, "said once");
    let told = stage.limits_told().await;
    assert!(told[0].contains("chat_sends_per_s = ") && told.len() == 1, "{told:?}");
}

#[tokio::test]
async fn a_script_that_never_gets_beyond_its_start_is_given_up_and_leaves_no_calls() {
    for source in ["on-our-id newsletter 1000;panic", "on-our-id newsletter 10;panic", "newsletter 1000\npanic"] {
        let stage = Stage::new(Setting { restart_wait: Duration::from_millis(5), ..Setting::of(source) }).await;
        let end = stage.ends().await;
        assert!(
            matches!(&end, End::Quarantined(why) if why.ends_with(", at every start (5 in a row are the limit start_crashes_max)")),
            "{end:?}"
        );
        assert_eq!(stage.store.scripts().outbox_load("puppet").calls, 0, "{source}");
    }
}

#[tokio::test]
async fn one_that_crashes_at_all_that_it_missed_is_given_up_too() {
    let before = Stage::live(Setting::of("")).await;
    let folder = before.pause().await;
    for id in 1..=20 {
        folder.tell(id, "send answer\npanic");
    }
    let stage = folder.resume(Setting { restart_wait: Duration::from_millis(5), ..Setting::of("") }).await;
    assert!(matches!(stage.ends().await, End::Quarantined(_)));
    assert_eq!(stage.store.scripts().outbox_load("puppet").calls, 5, "what was handled stays answered");
    assert_eq!(stage.script.status().borrow().handled_seq, 5);
}

#[tokio::test]
async fn who_has_ended_holds_up_nobody() {
    let bounds = Bounds { inbox_events_max: 8, ..Bounds::default() };
    let stage = Stage::live(Setting { bounds, ..Setting::of("") }).await;
    stage.tell(1, "exit 0");
    assert_eq!(stage.ends().await, End::Exited(0));
    for id in 2..=40 {
        stage.tell(id, "");
        assert_eq!(stage.store.inbox_room(), 8);
    }
}

#[tokio::test]
async fn events_that_a_script_was_too_late_for_are_counted_and_said() {
    let bounds = Bounds { away_events_max: 8, prune_step: 1, ..Bounds::default() };
    let before = Stage::live(Setting { bounds, ..Setting::of("") }).await;
    let folder = before.pause().await;
    for id in 1..=40 {
        folder.tell(id, "");
    }
    let stage = folder.resume(Setting { bounds, ..Setting::of("trace") }).await;
    let line = stage.log_line("lost").await;
    assert!(line.starts_with("puppet: 32 events are lost: no more than 1000000 wait for a script that runs"), "{line}");
    stage.settles().await;
    stage.stands("counted", |status| status.events_lost == 32 && status.phase == Phase::Running).await;
}

#[tokio::test]
async fn a_script_that_has_used_its_share_of_the_cpu_waits_and_goes_on() {
    // A minute makes up for 1.5 s, and a second for 25 ms.
    let limits = Limits { cpu_ms_per_min_max: 1_500, ..Limits::default() };
    let stage = Stage::live(Setting { limits, ..Setting::of("") }).await;
    // A little at a time, so that there is little to make up for.
    for id in 1.. {
        let seq = stage.tell(id, "work 100");
        let (mut is_held, mut status) = (false, stage.script.status());
        let waited = status.wait_for(|status| {
            is_held = status.hold == Some(Hold::Cpu);
            is_held || status.handled_seq >= seq
        });
        waited.await.unwrap();
        if is_held {
            break;
        }
    }
    stage.tell(1_000, "print went on");
    let line = stage.log_line("within a minute").await;
    assert_eq!(line, "puppet: it waits: it has used 1500 ms of CPU time within a minute, the most a script may");
    let told = stage.limits_told().await;
    assert!(told[0].contains("cpu_ms_per_min_max = 1500: ") && told.len() == 1, "{told:?}");
    stage.hears(&["went on"]).await;
    stage.settles().await;
}
