//! What the process does at signals, and whom it tells that it is ready.

use std::fs;
use std::os::unix::net::UnixDatagram;

use tests::{Place, Process, WAIT_MAX, finish, wait_until};

const TOKEN: &str = "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn each_signal_does_what_it_says() {
    let place = Place::new();
    let script = place.script("bot.py", "import tgl\ntgl.set_on_get_difference_end(lambda: print('up'))");
    for (last, code) in [("TERM", 0), ("INT", 130)] {
        let mut run = Process::start(place.command(&["run", "--bot-token", TOKEN]).arg(&script));
        assert_eq!(run.line(), "up\n");
        run.signal("USR2");
        // One after the other: of two that wait, either may be taken first.
        for reopens in ["HUP", "USR1"] {
            run.signal(reopens);
            run.stderr_line_with(&format!("SIG{reopens}: there is no log file"));
        }
        run.signal(last);
        assert_eq!(run.finish().code(), Some(code), "{last}");
    }
    let mut centre = place;
    centre.data_centre.signal("USR1");
    centre.data_centre.signal("HUP");
    centre.data_centre.stderr_line_with("SIGHUP");
    centre.data_centre.terminate();
    assert_eq!(centre.data_centre.wait().code(), Some(0));
}

#[test]
fn the_log_file_is_opened_anew() {
    let place = Place::new();
    let script = place.script(
        "bot.py",
        "import threading, tgl\ndef f():\n    print('tick')\n    threading.Timer(0.05, f).start()\nf()\n",
    );
    let (log, old) = (place.data.path().join("bot.log"), place.data.path().join("bot.log.1"));
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let line = ["telegram-cli", "-b", TOKEN, "-L", &log.display().to_string(), "-Z", &script.display().to_string()];
    let mut run = Process::start(&mut place.command(&line));
    for name in ["HUP", "USR1"] {
        wait_until("it logs", || read(&log).contains("tick"));
        fs::rename(&log, &old).expect("moved");
        run.signal(name);
        wait_until("the new file is written", || read(&log).contains("tick"));
        assert!(read(&old).ends_with('\n'), "{name}: lines are whole");
    }
    run.terminate();
    assert_eq!(run.wait().code(), Some(0));
}

#[test]
fn a_service_manager_is_told_when_it_is_ready() {
    let place = Place::new();
    let script = place.script("bot.py", "print('loaded')");
    let path = place.data.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(WAIT_MAX)).expect("set");
    let hear = |what: &str| {
        let mut text = [0; 256];
        let count = socket.recv(&mut text).unwrap_or_else(|error| panic!("{what}: {error}"));
        String::from_utf8_lossy(&text[..count]).into_owned()
    };
    let mut run =
        Process::start(place.command(&["run", "--bot-token", TOKEN]).arg(&script).env("NOTIFY_SOCKET", &path));
    assert_eq!(hear("ready").trim(), "READY=1");
    assert_eq!(run.line(), "loaded\n", "it was not ready before");
    run.terminate();
    assert_eq!(hear("stopping").trim(), "STOPPING=1");
    assert_eq!(run.wait().code(), Some(0));
}

#[test]
fn in_the_background_it_is_said_whether_it_is_ready_and_why_not() {
    let place = Place::new();
    let good = place.script("good.py", "import time\nprint('begins')\n").display().to_string();
    let bad = place.script("bad.py", "1/0").display().to_string();
    let brief = place.script("brief.py", "import sys\nsys.exit(0)").display().to_string();
    // arguments, exit code, what is said, what is not
    let cases: [(&[&str], i32, &[&str], &str); 5] = [
        (&["-b", TOKEN, "-Z", &bad], 1, &["ZeroDivisionError", "failed before it was ready"], "goes on"),
        (&["-b", TOKEN, "-Z", &brief], 0, &["all is done"], "goes on"),
        (&["-b", "nonsense", "-p", "b", "-Z", &good], 1, &["token", "failed before it was ready"], "goes on"),
        (&["-p", "nobody", "-Z", &good], 2, &["tglhost login nobody"], "goes on"),
        (&["-b", TOKEN, "-Z", &good], 0, &["goes on in the background as process "], "failed"),
    ];
    for (arguments, code, said, not_said) in cases {
        let run = finish(place.command(&["telegram-cli", "-d"]).args(arguments), "");
        if let Some((_, id)) = run.stderr.split_once("as process ") {
            let killed = std::process::Command::new("kill").arg(id.trim()).status();
            assert!(killed.expect("kill runs").success(), "it is there: {}", run.stderr);
        }
        assert_eq!(run.code(), Some(code), "{arguments:?}: {}", run.stderr);
        assert!(said.iter().all(|part| run.stderr.contains(part)), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.contains(not_said), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn in_the_background_a_failure_is_an_error_in_json_too() {
    let place = Place::new();
    let bad = place.script("bad.py", "1/0").display().to_string();
    let run = finish(&mut place.command(&["telegram-cli", "-d", "--json", "-b", TOKEN, "-Z", &bad]), "");
    let lines = run.json_lines();
    let last = lines.last().expect("a line");
    assert_eq!((run.code(), &last["kind"]), (Some(1), &"error".into()), "{lines:?}");
    assert!(last["text"].to_string().contains("failed before it was ready"), "{lines:?}");
}

#[test]
fn help_says_how_it_ends_and_what_it_heeds() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["telegram-cli", "--help"]] {
        let run = finish(tests::tglhost(place.data.path()).args(arguments), "");
        assert_eq!(run.code(), Some(0), "{arguments:?}");
        for part in ["Exit codes:", "Environment:", "TGLHOST_LOG", "SIGHUP", "Usage:", "Everywhere:"] {
            assert!(run.stdout.contains(part), "{arguments:?}: {part:?} is not in {}", run.stdout);
        }
        let widest = run.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= 120), "{arguments:?}: a line of {widest:?}");
        assert!(!run.stdout.contains('\x1b'), "{arguments:?}");
    }
}
