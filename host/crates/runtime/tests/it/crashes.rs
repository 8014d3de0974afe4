//! Scripts that crash: said, started again, and nobody else's trouble.

use std::time::Duration;

use runtime::{End, News, Phase};
use sandbox::Limits;
use tgl::Outcome;

use crate::stage::{Setting, Stage};

fn quick() -> Setting {
    Setting { limits: Limits { cpu_ms_max: 100, load_ms_max: 100, ..Limits::default() }, ..Setting::of("trace") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_crashes_is_named_and_started_again_after_the_event() {
    let mut stage = Stage::new(quick()).await;
    let other = Stage::new(Setting::of("trace")).await;
    stage.tell(1, "send before");
    let before = stage.request().await;
    stage.tell(42, "spin");
    let line = stage.log_line("stopped").await;
    let said = "puppet: stopped in on_msg_receive (message 42): it ran longer than 100 ms of CPU; restarting in 1 s";
    assert_eq!(line, said);
    stage.stands("backing off", |status| status.phase == Phase::BackingOff && status.crashes == 1).await;
    other.tell(1, "print fine");
    other.hears(&["load /script/puppet", "our_id 77", "binlog_replay_end", "message 1 print fine", "fine"]).await;

    // A completion for the guest that is gone, and an event for the next one.
    stage.complete(&before, Ok(Outcome::Done), 0).await;
    stage.tell(43, "");
    let start = ["load /script/puppet", "our_id 77", "binlog_replay_end"];
    let first = ["message 1 send before", "message 42 spin"];
    let second = ["load /script/puppet", "our_id 77", "message 43 ", "binlog_replay_end"];
    stage.hears(&[&start[..], &first[..], &second[..]].concat()).await;
    stage.settles().await;
    let why = said.strip_prefix("puppet: stopped ").and_then(|said| said.strip_suffix("; restarting in 1 s"));
    let crashed = News::Crashed { why: why.unwrap_or_default().to_owned(), restart_in: Duration::from_secs(1) };
    let life = [News::Loaded, News::Ready];
    assert_eq!(stage.news(5).await, [&life[..], &[crashed], &life[..]].concat());
}

#[tokio::test]
async fn a_script_that_floods_the_host_with_calls_is_stopped() {
    let limits = Limits { calls_pending_max: 3, ..Limits::default() };
    let stage = Stage::new(Setting { limits, ..Setting::of("") }).await;
    stage.tell(1, "spam 1100");
    let line = stage.log_line("stopped").await;
    assert!(line.contains("it made call after call without waiting for any to complete; restarting in 1 s"), "{line}");
}

#[tokio::test]
async fn an_error_in_a_callback_is_said_and_no_crash() {
    let mut stage = Stage::new(Setting::of("")).await;
    stage.tell(1, "send anyway\nraise something is wrong");
    stage.request().await;
    assert_eq!(stage.log_line("wrong").await, "puppet: something is wrong");
    assert_eq!(stage.script.status().borrow().crashes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_crashes_while_it_is_loaded_can_be_stopped_meanwhile() {
    let stage = Stage::new(Setting { source: "spin", ..quick() }).await;
    let line = stage.log_line("stopped").await;
    assert_eq!(line, "puppet: stopped while it was loaded: it ran longer than 100 ms of CPU; restarting in 1 s");
    stage.stands("backing off", |status| status.phase == Phase::BackingOff).await;
    assert_eq!(stage.script.stop().await, End::Stopped);
}
