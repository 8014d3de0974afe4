//! A script that is to hold still, and one that is loaded beside the one whose place it is to take.

use runtime::{End, News};
use sandbox::Limits;

use crate::stage::{Setting, Stage};

const START: [&str; 3] = ["load /script/puppet", "our_id 77", "binlog_replay_end"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_holds_still_is_told_nothing_and_keeps_what_it_has() {
    let stage = Stage::live(Setting::of("trace\non-timer print rung")).await;
    stage.script.hold(true);
    stage.script.rests().await.unwrap();
    stage.tell(1, "print one\ntimer 0");
    stage.script.hold(false);
    stage.hears(&[&START[..], &["message 1 print one", "timer 0", "one", "timer", "rung"]].concat()).await;
    stage.script.hold(true);
    stage.script.rests().await.unwrap();
    stage.tell(2, "print two");
    let setting = Setting::of("trace");
    let stage = stage.restart(setting).await;
    stage.hears(&["load /script/puppet", "our_id 77", "message 2 print two", "two", "binlog_replay_end"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_is_loaded_and_does_nothing_before_it_is_to_run() {
    let mut stage = Stage::new(Setting { is_successor: true, ..Setting::of("trace\nsend early") }).await;
    stage.script.rests().await.unwrap();
    stage.hears(&START[..1]).await;
    // The one before handles this meanwhile.
    let seq = stage.tell(1, "print one");
    stage.store.scripts().join("puppet").unwrap();
    stage.store.scripts().handled("puppet", seq, &[], &[]).unwrap();
    assert!(stage.requests.is_empty());
    stage.script.hold(false);
    assert_eq!(stage.request().await.id, 1);
    stage.tell(2, "print two");
    stage.hears(&[&START[..], &["message 2 print two", "two"]].concat()).await;
    assert_eq!(stage.news(2).await, [News::Loaded, News::Ready]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_does_not_load_leaves_nothing() {
    let limits = Limits { load_ms_max: 100, ..Limits::default() };
    for (source, end) in [
        ("send early\nraise wrong", End::LoadFailed("wrong".to_owned())),
        ("spam 300\nexit 3", End::Exited(3)),
        ("spin", End::Quarantined("stopped while it was loaded: it ran longer than 100 ms of CPU".to_owned())),
    ] {
        let stage = Stage::new(Setting { limits, is_successor: true, ..Setting::of(source) }).await;
        assert_eq!(stage.script.rests().await, Err(end), "{source}");
        assert!(stage.requests.is_empty() && stage.store.scripts().outbox_load("puppet").calls == 0, "{source}");
    }
}
