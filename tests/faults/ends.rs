//! A script answers every message once, however often and whenever its process is ended in between.

use std::time::Duration;

use tests::{Place, Process};

use crate::Moments;

/// The latest moment of an end after a process's start.
const END_MS_MAX: u64 = 250;

/// Answers each message. What it does can be seen from outside only.
const ANSWERING: &str = "\
import tgl
def f(m):
    if not m.out: m.src.send_msg('re: ' + m.text)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: print('up'))
";

/// Sends all messages at once, prints each answer, and ends when the answer to a last message shows that no more come.
const ASKING: &str = "\
import tgl
seen = set()
def added(ok, peers):
    global ann
    ann = peers[0]
    for n in range(COUNT): ann.send_msg('q%d' % n)
tgl.add_contact('9996631001', 'Ann', '', added)
def f(m):
    if m.out: return
    if m.text == 're: end': return tgl.safe_exit(0)
    print(m.text)
    before = len(seen)
    seen.add(m.text)
    if len(seen) == COUNT and before < COUNT: ann.send_msg('end')
tgl.set_on_msg_receive(f)
";

/// Sends so many messages to a process that is ended so often before it may stay.
fn every_message_is_answered_once_over(messages: usize, ends: u64, end: impl Fn(Process)) {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    let answering = place.script("answering.py", ANSWERING);
    let asking = place.script("asking.py", &ASKING.replace("COUNT", &messages.to_string()));
    let start_answering = || Process::start(place.command(&["run", "--account", "a"]).arg(&answering));

    let mut first = start_answering();
    assert_eq!(first.line(), "up\n");
    let asking = Process::start(place.command(&["run", "--account", "b"]).arg(&asking));
    end(first);
    let mut moments = Moments::new();
    for _ in 0..ends {
        let process = start_answering();
        std::thread::sleep(Duration::from_millis(moments.below(END_MS_MAX)));
        end(process);
    }
    let _last = start_answering();
    let run = asking.finish();
    let mut answers: Vec<&str> = run.stdout.lines().collect();
    answers.sort_unstable();
    let mut expected: Vec<String> = (0..messages).map(|n| format!("re: q{n}")).collect();
    expected.sort_unstable();
    assert_eq!(answers, expected, "{}", run.stderr);
    assert_eq!(run.code(), Some(0));
}

#[test]
fn kills_at_any_moment() {
    every_message_is_answered_once_over(1_000, 12, Process::kill);
}

#[test]
#[ignore = "takes minutes; the one above is the same with fewer kills"]
fn many_kills_at_any_moment() {
    every_message_is_answered_once_over(3_000, 60, Process::kill);
}

#[test]
fn orderly_ends_at_any_moment() {
    every_message_is_answered_once_over(1_000, 12, |process| {
        process.terminate();
        process.finish();
    });
}
