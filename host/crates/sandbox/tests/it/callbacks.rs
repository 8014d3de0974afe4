//! What a guest hears, and what the host hears of it.

use sandbox::{ExitMoment, GuestError, LogLevel};
use tgl::{Call, CallError, Changes, Event, Failure, Outcome, PeerId};

use crate::support::{With, message, puppet, start, started, user_peer};

#[tokio::test]
async fn a_guest_hears_every_callback_with_its_values() {
    let mut guest = started(&puppet().await).await;
    guest.load("trace").await;
    let Outcome::Message(sent) = Outcome::Message(message(9, "sent")) else { unreachable!() };
    let what = Changes { created: true, username: true, ..Changes::default() };
    let instance = &mut guest.instance;
    instance.on_our_id(77).await.unwrap();
    instance.on_binlog_replay_end().await.unwrap();
    instance.on_event(&Event::UserUpdate { user: user_peer(5, "Eve"), what }).await.unwrap();
    instance.on_event(&Event::ChatUpdate { chat: user_peer(6, "Chat"), what: Changes::default() }).await.unwrap();
    instance.on_event(&Event::Message(message(8, "print hello"))).await.unwrap();
    instance.on_get_difference_end().await.unwrap();
    instance.on_completion(3, &Ok(Outcome::Message(sent))).await.unwrap();
    instance.on_completion(4, &Err(CallError::new(Failure::Refused, "PEER_FLOOD"))).await.unwrap();
    instance.on_timer().await.unwrap();
    let expected = "load /script/test\nour_id 77\nbinlog_replay_end\n\
        user (5, \"Eve\") Changes(CREATED | USERNAME)\nchat (6, \"Chat\") Changes(0x0)\n\
        message 8 print hello\nhello\nget_difference_end\ncompletion 3 message 9\ncompletion 4 Failure::Refused\ntimer";
    assert_eq!(guest.notes.take_stdout(), expected);
}

#[tokio::test]
async fn a_guest_calls_looks_up_sets_timers_and_ends() {
    let mut guest = started(&puppet().await).await;
    guest.load("").await;
    assert_eq!(
        guest.tell("send hi\npeer 7\npeer 8\nmessage 7\nmessage 8").await,
        "Some(\"Ada\")\nNone\nSome(\"kept\")\nNone"
    );
    let sent = Call::SendMessage { to: PeerId::user(1), text: "hi".into(), reply_to: None, preview: None };
    assert_eq!(guest.notes.take_calls(), [sent]);
    guest.tell("timer 250\nlog said\neprint oops\nexit-drained 4").await;
    assert_eq!(guest.notes.timer_ms(), Some(250));
    assert_eq!(guest.notes.exit(), Some((4, ExitMoment::Drained)));
    assert_eq!(guest.notes.log(), [(LogLevel::Info, "said".to_owned())]);
    assert_eq!(guest.notes.stderr(), "oops\n");
}

#[tokio::test]
async fn an_error_of_the_guests_is_passed_on_and_survived() {
    let mut guest = started(&puppet().await).await;
    guest.load("").await;
    let raised = guest.instance.on_event(&Event::Message(message(1, "raise nonsense"))).await;
    assert_eq!(raised, Err(GuestError::Raised("nonsense".into())));
    assert_eq!(guest.tell("print still here").await, "still here");
}

#[tokio::test]
async fn output_through_wasi_comes_in_whole_lines_and_in_full() {
    let mut guest = started(&puppet().await).await;
    guest.load("").await;
    assert_eq!(guest.tell("println one\nprintln two").await, "one\ntwo");
    guest.tell("write-stderr unfinished").await;
    assert_eq!(guest.notes.stderr(), "unfinished", "it comes when the callback ends");
    let sink = "é".repeat(5_000);
    assert_eq!(guest.tell(&format!("println {sink}")).await, sink);
}

#[tokio::test]
async fn a_long_log_line_is_cut() {
    let limits = sandbox::Limits { log_line_bytes_max: 100, ..Default::default() };
    let mut guest = start(&puppet().await, With { limits, ..With::default() }).await.unwrap();
    guest.load("").await;
    guest.tell("log-bytes 101").await;
    assert_eq!(guest.notes.log()[0].1.len(), 100);
}
