//! Who lags, has ended or crashes at every start holds up nobody, and what a bound takes from it is said.

use std::path::Path;

use broker::AWAY_EVENTS_MAX;
use rusqlite::Connection;
use tests::{Place, Process, finish, listed, text_message, wait_until};
use tgl::Event;

/// Prints what comes, and answers it.
const ANSWERING: &str = "\
import tgl
def f(m):
    if m.out: return
    print(m.text)
    m.src.send_msg('re: ' + m.text)
tgl.set_on_msg_receive(f)
";

/// Ends as soon as everything missed has come.
const ENROLLING: &str = "import tgl\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n";

/// Events beyond what waits for a script that does not run.
const BEYOND: u64 = 600;

/// Crashes in the callback after which a script counts as started, with calls that are too many for its memory.
const CRASHING: &str = "\
import faulthandler, tgl
def f(our_id):
    for n in range(3000): tgl.Peer(tgl.PEER_USER, our_id).send_msg('x' * 4096)
    faulthandler._sigabrt()
tgl.set_on_our_id(f)
";

/// What an account's file may take once that is over: less than the calls of one life, 12 MB.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Puts so many messages into the inbox of an account that nobody has open, as if they had come; the script `good` has
/// handled all of them.
fn fill_inbox(database: &Path, messages: u64, good: &str) {
    const FILL: &str = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
        INSERT INTO inbox (seq, key, event)
        SELECT last.seq + n, 'filled ' || n, json_set(?2, '$.Message.id', n, '$.Message.text', 'missed ' || n)
        FROM number, (SELECT MAX(seq) AS seq FROM inbox) AS last";
    let event = serde_json::to_string(&Event::Message(text_message(0, ""))).expect("JSON");
    let db = Connection::open(database).expect("a database");
    db.execute(FILL, (messages as i64, event)).expect("filled");
    let caught_up = "UPDATE script SET cursor = (SELECT MAX(seq) FROM inbox) WHERE name = ?1";
    assert_eq!(db.execute(caught_up, [good]).expect("updated"), 1);
}

#[test]
fn a_script_that_has_ended_holds_up_nobody_and_what_it_loses_is_said() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    let data = place.data.path().join("user");
    let (good, ends) = (place.script("good.py", ENROLLING), place.script("ends.py", ENROLLING));
    let run = |account: &str| place.command(&["run", "--account", account]);
    assert_eq!(finish(run("a").args([&good, &ends]), "").code(), Some(0), "both have their places");
    fill_inbox(&data.join("accounts/a/account.db"), AWAY_EVENTS_MAX + BEYOND, "good.py");

    place.script("good.py", ANSWERING);
    place.script("ends.py", "import sys\nsys.exit(0)\n");
    let mut both = Process::start(run("a").args([&good, &ends]));
    both.stderr_line_with("ends.py: has ended with code 0");
    let asking = place.script(
        "asking.py",
        "import tgl\n\
         tgl.add_contact('9996631001', 'Ann', '', lambda ok, peers: peers[0].send_msg('hello'))\n\
         def f(m):\n\
         \x20   if m.text == 're: hello': tgl.safe_exit(0)\n\
         tgl.set_on_msg_receive(f)\n",
    );
    assert_eq!(finish(run("b").arg(&asking), "").code(), Some(0));
    assert_eq!(both.line(), "good.py: hello\n", "it goes on");
    let lost = || listed(&data)[0]["lost_events"].as_u64().expect("a number");
    wait_until("what is beyond the bound goes", || lost() > 0);
    let lost = lost();
    assert!(lost.abs_diff(BEYOND) < 300, "{lost} are lost: no more than it must be");
    let said = finish(tests::tglhost(&data).arg("scripts"), "").stdout;
    assert!(said.contains(&format!("{lost} older events are lost: more came than may wait")), "{said}");
    both.terminate();
    assert_eq!(both.finish().code(), Some(0));

    place.script(
        "ends.py",
        "import sys, tgl\ndef f(m):\n    print(m.text)\n    sys.exit(0)\ntgl.set_on_msg_receive(f)\n",
    );
    let back = finish(run("a").arg(&ends).arg("--json"), "").json_lines();
    let warning = back.iter().find(|line| line["kind"] == "log" && line["level"] == "warn").expect("it is said");
    let text =
        format!("{lost} events are lost: no more than 1000000 wait for a script that runs, {AWAY_EVENTS_MAX} for one");
    assert!(warning["text"].to_string().contains(&text), "{warning}");
    let first = back.iter().find(|line| line["kind"] == "print").expect("it goes on behind them");
    assert_eq!(first["text"], format!("missed {}\n", lost + 1));
}

#[test]
fn a_script_that_lags_holds_up_nobody_and_loses_nothing() {
    const MESSAGES: usize = 300;
    let place = Place::new();
    let (good, lags) = (
        place.script("good.py", ANSWERING),
        place.script("lags.py", "import time, tgl\ntgl.set_on_msg_receive(lambda m: time.sleep(50))\n"),
    );
    let run = || tests::tglhost(place.data.path());
    let mut both = Process::start(run().arg("run").args([&good, &lags]));
    both.write((0..MESSAGES).map(|n| format!("line {n}\n")).collect::<String>());
    let (mut printed, mut answered) = (0, 0);
    while printed < MESSAGES || answered < MESSAGES {
        let line = both.line();
        match line.strip_prefix("good.py: ") {
            Some(text) => {
                assert_eq!(text, format!("line {printed}\n"));
                printed += 1;
            }
            None => {
                assert_eq!(line, format!("chat: re: line {answered}\n"));
                answered += 1;
            }
        }
    }
    let lagging =
        listed(place.data.path()).into_iter().find(|script| script["name"] == "lags.py").expect("it is there");
    assert!(lagging["waiting_events"].as_u64() >= Some(MESSAGES as u64), "{lagging}");
    assert_eq!(lagging["lost_events"], 0, "{lagging}");
    both.terminate();
    assert_eq!(both.finish().code(), Some(0));

    place.script("lags.py", "import tgl\ndef f(m):\n    if not m.out: print(m.text)\ntgl.set_on_msg_receive(f)\n");
    let later = finish(run().arg("run").arg(&lags).args(["--from", "last"]), "");
    let expected: String = (0..MESSAGES).map(|n| format!("line {n}\n")).collect();
    assert_eq!((later.code(), later.stdout), (Some(0), expected), "{}", later.stderr);
}

#[test]
fn a_script_that_crashes_at_every_start_is_given_up_and_leaves_nothing_behind() {
    const MESSAGES: usize = 300;
    let place = Place::new();
    let (bad, good) = (place.script("bad.py", CRASHING), place.script("good.py", ANSWERING));
    let file = place.data.path().join("text/embedded/script/account.db");
    let run = |data: &str| {
        let mut command = tests::tglhost(&place.data.path().join(data));
        command.arg("run").args([&bad, &good]);
        command
    };
    // Side by side: both wait fifteen seconds between the starts.
    let (mut text, mut json) = (Process::start(&mut run("text")), Process::start(run("json").arg("--json")));
    for wait in [1, 2, 4, 8] {
        text.stderr_line_with("bad.py: stopped in on_our_id: it crashed its interpreter");
        text.write(format!("line {wait}\n"));
        assert_eq!(text.line(), format!("good.py: line {wait}\n"), "the other one goes on");
        assert_eq!(text.line(), format!("chat: re: line {wait}\n"));
    }
    text.stderr_line_with("bad.py: given up, and not started again: stopped in on_our_id");
    text.write((0..MESSAGES).map(|n| format!("line {n}\n")).collect::<String>());
    (0..2 * MESSAGES).for_each(|_| _ = text.line());
    wait_until("the file shrinks", || std::fs::metadata(&file).is_ok_and(|about| about.len() < FILE_BYTES_MAX));
    text.terminate();
    assert_eq!(text.finish().code(), Some(0));

    let mut told = Vec::new();
    while told.last().is_none_or(|kind| kind != "ended") {
        let line: serde_json::Value = serde_json::from_str(&json.line()).expect("JSON");
        tests::check_line(&line);
        if line["script"] == "bad.py" && line["kind"] != "print" {
            told.push(line["kind"].as_str().expect("a kind").to_owned());
        }
    }
    let life = ["loaded", "crashed"];
    assert_eq!(told, [&life.repeat(4)[..], &["loaded", "log", "given_up", "ended"]].concat());
    json.close_input();
    assert_eq!(json.finish().code(), Some(1), "of the two scripts one did not end well");
}
