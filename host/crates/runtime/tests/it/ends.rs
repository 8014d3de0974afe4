//! How a script ends, by its own will or the host's.

use std::time::{Duration, Instant};

use runtime::{End, News, Phase};
use tgl::{Event, Outcome};

use crate::stage::{Setting, Stage, own_message};

#[tokio::test]
async fn a_script_ends_with_the_code_it_says() {
    for (source, code) in [("exit 3", 3), ("exit-drained 4", 4), ("process-exit 0", 0), ("process-exit 1", 1)] {
        let stage = Stage::new(Setting::of(source)).await;
        assert_eq!(stage.ends().await, End::Exited(code), "{source}");
        let stage = Stage::new(Setting::of("")).await;
        stage.tell(1, source);
        assert_eq!(stage.ends().await, End::Exited(code), "{source} in a callback");
    }
}

#[tokio::test]
async fn an_end_at_once_drops_the_callbacks_calls_and_a_drained_one_waits_for_them() {
    for (told, code, dropped) in [
        ("send lost\nexit 3", 3, Some(1)),
        ("send a\nsend b\nexit 3", 3, Some(2)),
        ("exit 3", 3, None),
        // As `std::process::exit` does it, of which WASI tells whether all is well alone.
        ("send a\nsend b\nprocess-exit 3", 1, Some(2)),
        ("send lost\nprocess-exit 0", 0, Some(1)),
    ] {
        let mut stage = Stage::new(Setting::of("")).await;
        stage.tell(1, told);
        assert_eq!(stage.ends().await, End::Exited(code), "{told}");
        assert!(stage.requests.recv().await.is_none(), "nothing was sent: {told}");
        let log = stage.log();
        let line = log.iter().find(|line| line.contains("calls not made"));
        match dropped {
            Some(count) => {
                assert!(line.is_some_and(|line| line.contains(&format!("calls not made: {count};"))), "{log:?}")
            }
            None => assert_eq!(line, None),
        }
    }

    let mut stage = Stage::new(Setting::of("")).await;
    stage.tell(1, "send kept\nexit-drained 3");
    let request = stage.request().await;
    assert_ne!(stage.script.status().borrow().phase, Phase::Ended(End::Exited(3)));
    stage.complete(&request, Ok(Outcome::Done), 0).await;
    assert_eq!(stage.ends().await, End::Exited(3));
}

#[tokio::test]
async fn a_script_that_asked_to_end_hears_of_its_calls_alone() {
    // What it left to be done: its own messages come back to it, a timer has rung.
    let mut stage = Stage::live(Setting::of("trace\non-timer send more")).await;
    stage.tell(1, "send kept\ntimer 0\nexit-drained 3");
    let request = stage.request().await;
    let echo = stage.push(Event::Message(own_message(2, "send again")));
    stage.complete(&request, Ok(Outcome::Message(own_message(2, "kept"))), echo).await;
    assert_eq!(stage.ends().await, End::Exited(3));
    let start = ["load /script/puppet", "our_id 77", "binlog_replay_end"];
    let told = ["message 1 send kept", "timer 0", "exit-drained 3", "completion 1 message 2"];
    stage.hears(&[&start[..], &told].concat()).await;
    assert!(stage.requests.recv().await.is_none(), "nothing more is sent");
}

#[tokio::test]
async fn a_script_that_does_not_load_is_over_with_its_traceback() {
    let stage = Stage::new(Setting::of("send never\nraise Traceback: line 1")).await;
    let end = End::LoadFailed("Traceback: line 1".into());
    assert_eq!(stage.ends().await, end);
    assert_eq!(stage.news(1).await, [News::Ended(end)], "it is told by the time that it can be seen");
}

#[tokio::test]
async fn a_script_that_sleeps_is_stopped_soon_and_does_it_again_at_the_next_start() {
    let stage = Stage::live(Setting::of("trace")).await;
    let seq = stage.tell(1, "print begun\nsend twice\nsleep 50000");
    let start = ["load /script/puppet", "our_id 77", "binlog_replay_end"];
    let told = ["message 1 print begun", "send twice", "sleep 50000", "begun"];
    stage.hears(&[&start[..], &told].concat()).await;
    let begun = Instant::now();
    let mut stage = stage.restart(Setting::of("trace")).await;
    assert!(begun.elapsed() < Duration::from_secs(40), "not after its sleep");
    let again = ["load /script/puppet", "our_id 77"];
    stage.hears(&[&again[..], &told].concat()).await;
    assert!(stage.requests.try_recv().is_err(), "what it called for before leaves when it returns");
    assert!(stage.store.scripts().join("puppet").unwrap() < seq);
}

#[tokio::test]
async fn a_script_that_sleeps_at_its_start_is_stopped_soon() {
    let stage = Stage::new(Setting::of("trace\nprint begun\nsleep 50000")).await;
    stage.hears(&["begun"]).await;
    assert_eq!(stage.script.stop().await, End::Stopped);
}

#[tokio::test]
async fn a_script_is_stopped_after_the_callback_it_is_in() {
    let stage = Stage::live(Setting::of("trace")).await;
    stage.tell(1, "print begun\nsleep 200\nprint done");
    let start = ["load /script/puppet", "our_id 77", "binlog_replay_end"];
    stage.hears(&[&start[..], &["message 1 print begun", "sleep 200", "print done", "begun"]].concat()).await;
    let status = stage.script.status();
    assert_eq!(stage.script.stop().await, End::Stopped);
    assert_eq!(status.borrow().handled_seq, 1, "the callback came to its end");
}

#[tokio::test]
async fn a_script_whose_account_goes_away_is_stopped() {
    let stage = Stage::new(Setting::of("")).await;
    stage.settles().await;
    let Stage { script, completions, .. } = stage;
    drop(completions);
    assert_eq!(script.ended().await, End::Stopped);
}
