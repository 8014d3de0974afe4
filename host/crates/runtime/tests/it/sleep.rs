//! A script that may sleep: without a guest while nothing comes for it, and with all that comes.

use std::time::Duration;

use runtime::{End, Phase};
use tgl::Outcome;

use crate::stage::{Setting, Stage};

const START: [&str; 3] = ["load /script/puppet", "our_id 77", "binlog_replay_end"];

fn sleepy(source: &'static str) -> Setting {
    Setting { sleep_after: Some(Duration::from_millis(20)), ..Setting::of(source) }
}

async fn sleeps(stage: &Stage) {
    stage.stands("asleep", |status| status.phase == Phase::Sleeping).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_wakes_a_script_that_sleeps_and_a_call_keeps_it_awake() {
    let mut stage = Stage::new(sleepy("trace\non-completion print done")).await;
    sleeps(&stage).await;
    stage.tell(1, "send answer");
    let call = stage.request().await;
    // Longer than it takes to fall asleep: its last callback returned before this one of the neighbour's sleep ends.
    let neighbour = Stage::new(sleepy("trace")).await;
    sleeps(&neighbour).await;
    let seq = stage.tell(2, "");
    stage.stands("at work", |status| status.phase == Phase::Running && status.handled_seq >= seq).await;
    stage.complete(&call, Ok(Outcome::Done), 0).await;
    sleeps(&stage).await;
    let awake = ["message 1 send answer", "message 2 ", "completion 1 Outcome::Done", "done"];
    stage.tell(3, "print again");
    let woken = ["message 3 print again", "again"];
    stage.hears(&[&START[..], &START[..], &awake[..], &START[..], &woken[..]].concat()).await;
    sleeps(&stage).await;
    assert_eq!(stage.store.scripts().join("puppet").unwrap(), 3, "what it handled is written down");
    assert_eq!(stage.script.stop().await, End::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_keeps_a_script_awake_and_that_is_said_once() {
    let stage = Stage::new(sleepy("trace\ntimer 60000")).await;
    stage.log_line("it does not sleep while it waits for a timer").await;
    let neighbour = Stage::new(sleepy("trace")).await;
    sleeps(&neighbour).await;
    stage.tell(1, "timer 0");
    stage.hears(&[&START[..], &["message 1 timer 0", "timer"]].concat()).await;
    sleeps(&stage).await;
    assert_eq!(stage.log().len(), 1);
}
