//! What happens when a bound is reached: the source is held back, nothing is lost, and nobody else waits.

use tests::{Place, Process, finish};

/// Answers each message with its text.
const ECHO: &str = "\
import tgl
def f(m):
    if not m.out: m.src.send_msg(m.text)
tgl.set_on_msg_receive(f)
";

/// Messages that are missed: more than are held or under way anywhere at one time.
const MISSED: usize = 3_600;

/// Scripts that compute at one time.
const BUSY: usize = 40;

#[test]
fn a_newsletter_goes_out_whole_and_in_order() {
    let place = Place::new();
    let script = place.script(
        "news.py",
        "import tgl\ndef f(m):\n    if not m.out:\n        for n in range(2500): m.src.send_msg(f'letter {n}')\ntgl.set_on_msg_receive(f)\n",
    );
    let mut chat = Process::start(tests::tglhost(place.data.path()).arg("run").arg(script));
    chat.write("go\n");
    for n in 0..2500 {
        assert_eq!(chat.line(), format!("letter {n}\n"));
    }
    chat.close_input();
    let end = chat.finish();
    assert_eq!((end.code(), end.stdout.as_str()), (Some(0), ""), "{}", end.stderr);
}

#[test]
fn lines_typed_ahead_are_all_answered() {
    let place = Place::new();
    let script = place.script("echo.py", ECHO);
    let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
    let chat = finish(tests::tglhost(place.data.path()).arg("run").arg(script), &lines);
    assert_eq!((chat.code(), chat.stdout), (Some(0), lines), "{}", chat.stderr);
}

#[test]
fn messages_missed_by_the_thousand_are_all_answered_once() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    let sending = "\
import tgl
def added(ok, peers):
    for n in range(COUNT): peers[0].send_msg(f'q{n}', lambda ok, m: m.text == f'q{COUNT - 1}' and tgl.safe_exit(0))
tgl.add_contact('9996631001', 'Ann', '', added)
";
    let run = |account: &str, name: &str, source: &str| {
        let script = place.script(name, &source.replace("COUNT", &MISSED.to_string()));
        Process::start(place.command(&["run", "--account", account]).arg(script))
    };
    let sent = run("b", "sending.py", sending).finish();
    assert_eq!(sent.code(), Some(0), "{}", sent.stderr);

    let answering = run("a", "answering.py", ECHO);
    let heard = run(
        "b",
        "hearing.py",
        "import tgl\n\
         def f(m):\n\
         \x20   if m.out: return\n\
         \x20   print(m.text)\n\
         \x20   if m.text == f'q{COUNT - 1}': tgl.safe_exit(0)\n\
         tgl.set_on_msg_receive(f)\n",
    );
    let heard = heard.finish();
    let expected: String = (0..MISSED).map(|n| format!("q{n}\n")).collect();
    assert!(heard.stdout == expected, "{} answers came; {}", heard.stdout.lines().count(), heard.stderr);
    answering.terminate();
    let end = answering.finish();
    assert_eq!(end.code(), Some(0), "{}", end.stderr);
    assert!(!end.stderr.contains("lost") && !end.stderr.contains("refused"), "{}", end.stderr);
}

#[test]
fn scripts_that_answer_each_other_are_slowed_down() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    // Each message is answered twice: a side that is slowed down still makes the other send more than it may.
    let twice = format!("{ECHO}tgl.set_on_msg_receive(lambda m: (f(m), f(m)))\n");
    let begins = "def added(ok, peers): peers[0].send_msg('ping')\ntgl.add_contact('9996631001', 'Ann', '', added)\n";
    let (echo, first) = (place.script("echo.py", &twice), place.script("first.py", &format!("{twice}{begins}")));
    let run = |account: &str, script| {
        Process::start(place.command(&["run", "--account", account, "--brake", "on"]).arg(script))
    };
    let (mut ann, mut bob) = (run("a", echo), run("b", first));
    for end in [&mut ann, &mut bob] {
        end.stderr_line_with("sends are slowed down to 1 a second in a chat");
    }
    for end in [ann, bob] {
        end.terminate();
        assert_eq!(end.finish().code(), Some(0));
    }
}

#[test]
fn many_busy_scripts_end_in_order_and_lose_nothing() {
    let place = Place::new();
    let spin = "import tgl\ndef f(m):\n    print('spins')\n    while True: pass\ntgl.set_on_msg_receive(f)\n";
    let scripts: Vec<_> = (0..BUSY).map(|n| place.script(&format!("{n}.py"), spin)).collect();
    for begin in ["now", "last"] {
        let mut command = tests::tglhost(place.data.path());
        let mut run = Process::start(command.args(["run", "--from", begin]).args(&scripts));
        if begin == "now" {
            run.write("go\n");
        }
        for _ in 0..BUSY {
            assert!(run.line().ends_with("spins\n"), "what was not handled before the end comes again");
        }
        run.terminate();
        let end = run.finish();
        assert_eq!((end.code(), end.stdout.as_str()), (Some(0), ""), "{}", end.stderr);
        assert!(!end.stderr.contains("stopped"), "none counts as crashed: {}", end.stderr);
    }
}
