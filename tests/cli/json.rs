//! `--json`: what comes is an object on each line, and docs/json.schema.json says which.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Place, Process, finish, tglhost};

/// The lines about this script, as `kind` or `kind:part`.
fn kinds_of(lines: &[Value], script: &str) -> Vec<String> {
    let lines = lines.iter().filter(|line| line["script"] == script);
    lines.map(|line| line["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn what_becomes_of_a_script_is_told() {
    // What comes of a message may be told before a script is ready: the message may be there before it is loaded.
    let crashing = "import os, tgl\ndef f():\n    if not os.path.exists('been'):\n        open('been', 'w').close()\n        \
                    while True: pass\ntgl.set_on_get_difference_end(f)";
    let raising = "import tgl\ntgl.set_on_get_difference_end(lambda: 1/0)";
    /// Source, what is told of it in this order, code and reason of its end; none for one that is not over.
    type Case<'a> = (&'a str, &'a [&'a str], Option<(u8, &'a str)>);
    let cases: [Case<'_>; 7] = [
        ("import tgl\nprint('hi')\ntgl.set_on_our_id(print)", &["print", "loaded", "print", "ready"], None),
        ("", &["log", "loaded", "ready"], None),
        ("import sys\nsys.exit(5)", &["ended"], Some((5, "exited"))),
        ("import os\nos._exit(5)", &["ended"], Some((5, "exited"))),
        ("1/0", &["load_failed", "ended"], Some((1, "load_failed"))),
        (raising, &["loaded", "ready", "print"], None),
        (crashing, &["loaded", "ready", "log", "crashed", "loaded", "ready"], None),
    ];
    for (source, kinds, end) in cases {
        let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
        let path = scripts.path().join("bot.py");
        fs::write(&path, source).expect("written");
        let run = finish(tglhost(data.path()).arg("run").arg(&path).arg("--json"), "x\n");
        let lines = run.json_lines();
        let mut told = kinds_of(&lines, "bot.py");
        if end.is_none() && told.last().is_some_and(|kind| kind == "ended") {
            assert_eq!(told.pop().as_deref(), Some("ended"));
            assert_eq!(lines.last().map(|line| &line["why"]), Some(&Value::from("stopped")), "{source}");
        }
        assert_eq!(told, kinds, "{source}: {lines:?}");
        assert!(lines.iter().all(|line| line["script"].is_null() || line["account"].is_string()), "{lines:?}");
        if let Some((code, why)) = end {
            let ended = lines.iter().find(|line| line["kind"] == "ended").expect("it is over");
            assert_eq!((&ended["code"], &ended["why"]), (&Value::from(code), &Value::from(why)), "{source}");
            assert_eq!(run.code(), Some(i32::from(code)), "{source}");
        }
        assert_eq!(run.stderr, "", "{source}");
    }
}

#[test]
fn an_account_that_comes_and_goes_is_told() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    let script = place.script("up.py", "");
    let mut run = Process::start(place.command(&["run", "--json", "--account", "a"]).arg(&script));
    let mut wait_for = |kind: &str| loop {
        let line: Value = serde_json::from_str(&run.line()).expect("JSON");
        tests::check_line(&line);
        if line["kind"] == kind {
            assert_eq!(line["account"], "a", "{line}");
            return;
        }
    };
    wait_for("connected");
    let Place { data, address, data_centre, .. } = place;
    data_centre.kill();
    wait_for("lost");
    let _place = Place::at(data, &address);
    wait_for("connected");
}

#[test]
fn what_is_no_verbs_work_is_json_too() {
    let place = Place::new();
    let script = place.script("bot.py", "").display().to_string();
    // arguments, exit code, kind, what its text or name says
    let cases: [(&[&str], i32, &str, &str); 12] = [
        (&["--json", "--version"], 0, "version", "tglhost"),
        (&["run", "--version", "--json"], 0, "version", "tglhost"),
        (&["--help", "--json"], 0, "help", "Exit codes"),
        (&["help", "run", "--json"], 0, "help", "<SCRIPT>"),
        (&["help", "--json"], 0, "help", "Exit codes"),
        (&["run", "--json=true"], 2, "error", "unexpected value 'true'"),
        (&["--json", "--no-such-flag"], 2, "error", "--no-such-flag"),
        (&["--json"], 2, "error", "Usage"),
        (&["run", "--json"], 2, "error", "<SCRIPT>"),
        (&["run", "/no/such.py", "--json"], 2, "error", "/no/such.py"),
        (&["run", &script, "--account", "nobody", "--json"], 2, "error", "tglhost login nobody"),
        (&["telegram-cli", "--json", "-W", "-Z", "/no/such.py"], 2, "error", "/no/such.py"),
    ];
    for (arguments, code, kind, part) in cases {
        let run = finish(tglhost(place.data.path()).args(arguments), "");
        assert_eq!(run.code(), Some(code), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr, "", "{arguments:?}");
        let lines = run.json_lines();
        let line = lines.iter().find(|line| line["kind"] == kind);
        let said = line.map(|line| format!("{}{}", line["text"], line["name"])).unwrap_or_default();
        assert!(said.contains(part), "{arguments:?}: {lines:?}");
    }
    let login = place.login(&["me", "--json", "--bot-token", "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], "");
    assert!(login.json_lines().iter().any(|line| line["kind"] == "logged_in" && line["account"] == "me"));
    let accounts = finish(tglhost(&place.data.path().join("user")).args(["accounts", "--json"]), "");
    assert!(accounts.json_lines().iter().all(|line| line["kind"] == "account" && line["account"] == "me"));
}
