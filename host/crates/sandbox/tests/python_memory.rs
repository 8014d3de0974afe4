//! What a Python script that handles many messages takes. A process of its own: the kernel counts pages by process.

#![cfg(test)]
#![cfg(target_os = "linux")]

#[path = "../../../../tests/guests/built.rs"]
mod built;
#[path = "it/support.rs"]
#[allow(dead_code)]
mod support;

use std::fs;

use sandbox::Program;
use support::{Running, message, program, started};
use tgl::{Event, PeerId};

/// What the guest keeps of the last messages is full by then.
const WARM_UP_MESSAGES: i64 = 20_000;
const MESSAGES: i64 = 100_000;
const GROWTH_KIB_MAX: u64 = 256;
const SCRIPTS: u64 = 8;
const SCRIPT_KIB_MAX: u64 = 1_040;

const SCRIPT: &str = "\
import tgl
seen = 0
def receive(msg):
    global seen
    seen += 1
    if msg.text.startswith('!') and msg.date:
        print(seen, msg.src.name, repr(msg)[:9])
        msg.src.send_msg(msg.text, print)
tgl.set_on_msg_receive(receive)
";

/// One test, as two at a time would count each other's pages.
#[tokio::test]
async fn a_script_takes_little_memory_and_no_more_over_100_000_messages() {
    let program = program(built::python()).await;
    takes_little(&program).await;
    stays_flat(&program).await;
}

async fn takes_little(program: &Program) {
    let mut guests = vec![loaded(program).await];
    let before = private_dirty_kib();
    for _ in 0..SCRIPTS {
        guests.push(loaded(program).await);
    }
    let each = private_dirty_kib().saturating_sub(before) / SCRIPTS;
    assert!(each <= SCRIPT_KIB_MAX, "{each} KiB for each script");
}

/// A guest with an ordinary script that has had a few messages.
async fn loaded(program: &Program) -> Running {
    let mut guest = started(program).await;
    guest.load(include_str!("../../../../examples/ping.py")).await;
    for id in 1..=10 {
        guest.instance.on_event(&Event::Message(message(id, "hello"))).await.unwrap();
    }
    guest
}

async fn stays_flat(program: &Program) {
    let mut guest = started(program).await;
    guest.load(SCRIPT).await;
    let mut before = 0;
    let mut requests = 0;
    for id in 1..=MESSAGES {
        if id == WARM_UP_MESSAGES {
            before = private_dirty_kib();
        }
        let is_answered = id % 100 == 0;
        let mut received = message(id, &format!("{} {id}", if is_answered { "!answer" } else { "hello" }));
        received.source = Some(PeerId::user(id));
        guest.instance.on_event(&Event::Message(received)).await.unwrap();
        if is_answered {
            requests += guest.notes.take_calls().len() as u64;
            guest.instance.on_completion(1, &Ok(tgl::Outcome::Message(message(id, "sent")))).await.unwrap();
            guest.notes.take_stdout();
        }
    }
    let grown = private_dirty_kib().saturating_sub(before);
    assert_eq!(requests, MESSAGES as u64 / 100);
    assert!(grown <= GROWTH_KIB_MAX, "{before} KiB grew by {grown} KiB");
    assert_eq!(guest.notes.stderr(), "");
}

/// What this process alone has in memory and has written to.
fn private_dirty_kib() -> u64 {
    let said = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = said.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
