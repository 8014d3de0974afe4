//! `tglhost run` with the embedded data centre and the chat in the terminal.

use std::fs;

use tempfile::TempDir;
use tests::{Process, finish, root, tglhost};

/// A data directory and a folder with one script in it.
struct Case {
    data: TempDir,
    scripts: TempDir,
}

impl Case {
    fn new(source: &str) -> Self {
        let case = Self { data: TempDir::new().expect("a folder"), scripts: TempDir::new().expect("a folder") };
        fs::write(case.scripts.path().join("bot.py"), source).expect("written");
        case
    }

    fn command(&self) -> std::process::Command {
        let mut command = tglhost(self.data.path());
        command.arg("run").arg(self.scripts.path().join("bot.py"));
        command
    }

    fn run(&self, input: &str) -> tests::Finished {
        finish(&mut self.command(), input)
    }
}

#[test]
fn the_classic_answers_in_a_pipe_and_again_at_the_next_start() {
    let data = TempDir::new().expect("a folder");
    for _ in 0..2 {
        let run = finish(tglhost(data.path()).arg("run").arg(root().join("examples/ping.py")), "!ping\nhello\n!ping\n");
        assert_eq!(run.stdout, "PONG!\nPONG!\n", "stderr: {}", run.stderr);
        assert_eq!(run.code(), Some(0));
    }
}

#[test]
fn history_counts_what_was_said() {
    let data = TempDir::new().expect("a folder");
    let said: String = (0..250).map(|n| format!("line {n}\n")).collect();
    let run =
        finish(tglhost(data.path()).arg("run").arg(root().join("examples/history.py")), format!("{said}!count\n"));
    assert!(run.stdout.contains("251"), "stdout: {} stderr: {}", run.stdout, run.stderr);
    assert_eq!(run.code(), Some(0));
}

#[test]
fn a_rust_guest_runs_by_the_same_command() {
    let guest = root().join("target/wasm32-wasip2/guest/echo_rust.wasm");
    assert!(guest.is_file(), "{} is missing: run the tests with `cargo xtask test`", guest.display());
    let data = TempDir::new().expect("a folder");
    let run = finish(tglhost(data.path()).arg("run").arg(guest), "one\ntwo\n");
    assert_eq!(run.stdout, "one\ntwo\n", "stderr: {}", run.stderr);
    assert_eq!(run.code(), Some(0));
}

#[test]
fn prints_come_through_as_they_are_and_exit_codes_too() {
    // script, input, stdout, a part of stderr, exit code
    let cases = [
        ("print('out')", "", "out\n", "", 0),
        ("import sys\nsys.stderr.write('err\\n')\nprint('no newline', end='')", "", "no newline", "err\n", 0),
        ("import tgl\ntgl.safe_exit(7)", "", "", "", 7),
        ("import sys\nsys.exit(5)", "", "", "", 5),
        ("import sys, tgl\ndef f(m):\n    if not m.out: sys.exit(4)\ntgl.set_on_msg_receive(f)", "x\n", "", "", 4),
        (
            "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg('bye', lambda ok, m: tgl.safe_exit(3))\ntgl.set_on_msg_receive(f)",
            "x\n",
            "bye\n",
            "",
            3,
        ),
        ("import tgl\ndef f(m):\n    1/0\ntgl.set_on_msg_receive(f)", "x\n", "", "ZeroDivisionError", 0),
    ];
    for (source, input, stdout, stderr_part, code) in cases {
        let run = Case::new(source).run(input);
        assert_eq!(run.stdout, stdout, "{source}: {}", run.stderr);
        assert!(run.stderr.contains(stderr_part), "{source}: {}", run.stderr);
        assert_eq!(run.code(), Some(code), "{source}: {}", run.stderr);
    }
}

#[test]
fn a_line_that_cannot_be_a_message_is_passed_over() {
    let longest = "x".repeat(70_000);
    for (line, why) in [(&b"caf\xe9"[..], "not UTF-8"), (longest.as_bytes(), "longer than any message")] {
        let echo = "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg(m.text)\ntgl.set_on_msg_receive(f)";
        let run = finish(&mut Case::new(echo).command(), [b"one\n", line, b"\ntwo\r\nthree"].concat());
        assert_eq!(run.stdout, "one\ntwo\nthree\n", "{why}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        assert_eq!(run.code(), Some(0));
    }
}

#[test]
fn a_script_may_be_in_the_encoding_it_declares() {
    // declaration, the word in that encoding, and in UTF-8
    let cases: [(&str, &[u8], &str); 5] = [
        ("# -*- coding: latin-1 -*-", b"caf\xe9", "café"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1251 :", b"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"),
        ("# coding=koi8_r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        ("# -*- coding: latin-1 -*-", "café".as_bytes(), "café"),
        ("# -*- coding: utf-8 -*-", "🐈".as_bytes(), "🐈"),
    ];
    for (declaration, word, printed) in cases {
        let case = Case::new("");
        let source = [declaration.as_bytes(), b"\nprint('", word, b"')\n"].concat();
        fs::write(case.scripts.path().join("bot.py"), source).expect("written");
        let run = case.run("");
        assert_eq!(run.stdout, format!("{printed}\n"), "{declaration}: {}", run.stderr);
    }
}

#[test]
fn callbacks_come_in_the_documented_order() {
    let case = Case::new(
        "import tgl\n\
         print('import')\n\
         tgl.get_contact_list(lambda ok, l: print('contacts', ok))\n\
         tgl.set_on_our_id(lambda i: print('our_id', i > 0))\n\
         tgl.set_on_binlog_replay_end(lambda: print('replay_end'))\n\
         tgl.set_on_get_difference_end(lambda: print('difference_end'))\n\
         def f(m):\n\
         \x20   print('receive', m.out, m.text)\n\
         \x20   if not m.out: m.src.send_msg('re: ' + m.text, lambda ok, m: print('sent', ok, m.text))\n\
         tgl.set_on_msg_receive(f)\n",
    );
    let run = case.run("a\n");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let place = |line: &str| {
        lines.iter().position(|&l| l == line).unwrap_or_else(|| panic!("no {line:?} in {lines:?}; {}", run.stderr))
    };
    let order = [
        "import",
        "our_id True",
        "replay_end",
        "difference_end",
        "receive False a",
        "receive True re: a",
        "sent True re: a",
    ];
    assert!(order.map(place).is_sorted(), "{lines:?}");
    assert!(place("replay_end") < place("contacts True"), "calls made at import wait for the replay's end: {lines:?}");
}

#[test]
fn an_endless_loop_is_named_and_the_script_restarted() {
    let case = Case::new(
        "import tgl\n\
         def f(m):\n\
         \x20   if m.out: return\n\
         \x20   if m.text == 'loop':\n\
         \x20       while True: pass\n\
         \x20   m.src.send_msg('alive')\n\
         tgl.set_on_msg_receive(f)\n",
    );
    let run = case.run("loop\nhello\n");
    assert!(run.stderr.contains("bot.py") && run.stderr.contains("restart"), "{}", run.stderr);
    assert_eq!(run.stdout, "alive\n", "{}", run.stderr);
    assert_eq!(run.code(), Some(0));
}

#[test]
fn json_is_one_object_per_line() {
    let case = Case::new(
        "import tgl\nprint('hi')\ndef f(m):\n    if not m.out: m.src.send_msg('yes')\ntgl.set_on_msg_receive(f)\n",
    );
    let mut command = case.command();
    let run = finish(command.arg("--json"), "x\n");
    let lines = run.json_lines();
    assert!(lines.iter().any(|l| l["kind"] == "print" && l["text"] == "hi\n" && l["stream"] == "stdout"), "{lines:?}");
    assert!(lines.iter().any(|l| l["kind"] == "message" && l["text"] == "yes"), "{lines:?}");
    let of_script: Vec<_> = lines.iter().filter(|l| l["script"] == "bot.py").collect();
    assert!(
        !of_script.is_empty() && of_script.iter().all(|l| l["account"] == "embedded"),
        "as `scripts` calls it: {lines:?}"
    );
}

#[test]
fn several_scripts_each_get_every_message() {
    let data = TempDir::new().expect("a folder");
    let scripts = TempDir::new().expect("a folder");
    let source = "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg(__name__)\ntgl.set_on_msg_receive(f)\n";
    let paths = ["a.py", "b.py"].map(|name| scripts.path().join(name));
    for path in &paths {
        fs::write(path, source).expect("written");
    }
    let run = finish(tglhost(data.path()).arg("run").args(&paths), "x\n");
    let mut answers: Vec<&str> = run.stdout.lines().collect();
    answers.sort_unstable();
    assert_eq!(answers, ["chat: a", "chat: b"], "{}", run.stderr);
}

#[test]
fn arguments_reach_the_script() {
    let case = Case::new("import sys\nprint(sys.argv[1:])\n");
    let mut command = case.command();
    let run = finish(command.args(["--", "--name", "x y"]), "");
    assert_eq!(run.stdout, "['--name', 'x y']\n", "{}", run.stderr);
}

#[test]
fn a_script_keeps_files_in_its_own_folder_only() {
    let case = Case::new(
        "import os\n\
         n = int(open('n').read()) if os.path.exists('n') else 0\n\
         open('n', 'w').write(str(n + 1))\n\
         print('run', n, os.getcwd())\n\
         for path in ['/script/bot.py', '/etc/passwd', '/script/../x', '/script/new']:\n\
         \x20   try:\n\
         \x20       open(path, 'w' if path.endswith('new') else 'r').close(); print(path, 'opened')\n\
         \x20   except OSError as e: print(path, type(e).__name__)\n",
    );
    for run in 0..2 {
        let lines = case.run("").stdout;
        assert!(lines.starts_with(&format!("run {run} /script\n/script/bot.py opened\n")), "{lines}");
        assert_eq!(lines.matches("opened").count(), 2, "{lines}");
        assert!(lines.contains("/script/new opened") && !case.scripts.path().join("new").exists(), "{lines}");
    }
}

#[test]
fn what_the_compiler_warns_of_is_said_once() {
    // A short script's code is kept for that alone.
    for length in [0, 3_000] {
        let case = Case::new(&format!("print('\\d')\n#{}\n", "x".repeat(length)));
        let said = [(); 3].map(|()| {
            let run = case.run("");
            assert!(run.stdout.contains("\\d"), "{}", run.stdout);
            run.stderr.matches("SyntaxWarning").count()
        });
        assert_eq!(said, [1, 0, 0], "{length}");
    }
}

#[test]
fn an_interrupt_ends_it_in_order() {
    let case = Case::new("print('up')\n");
    let mut process = Process::start(&mut case.command());
    assert_eq!(process.line(), "up\n");
    process.terminate();
    assert_eq!(process.finish().code(), Some(0));
}

#[test]
fn a_script_sends_and_loads_files_by_its_own_paths() {
    let case = Case::new(
        r#"
import os, tgl

def loaded(success, path):
    print(success, path.startswith("/home/downloads/download_"), open(path).read())

def sent(success, message):
    message.load_document(loaded)

def refused(success, message):
    print(success, message)

def on_message(message):
    if message.out:
        return
    with open("own.txt", "w") as file:
        file.write("own")
    message.src.send_document("own.txt", sent)
    message.src.send_document("/script/beside.txt", sent)
    message.src.send_document("/data/given.txt", sent)
    message.src.send_document("/etc/passwd", refused)
    message.src.send_text("/script/beside.txt")

tgl.set_on_msg_receive(on_message)
"#,
    );
    fs::write(case.scripts.path().join("beside.txt"), "beside").expect("written");
    let given = TempDir::new().expect("a folder");
    fs::write(given.path().join("given.txt"), "given").expect("written");
    let run = finish(case.command().arg("--dir").arg(format!("{}:/data", given.path().display())), "go\n");
    let mut lines: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with(['T', 'F'])).collect();
    lines.sort_unstable();
    let expected = ["False None", "True True beside", "True True given", "True True own"];
    assert_eq!(lines, expected, "stdout: {} stderr: {}", run.stdout, run.stderr);
    assert!(run.stdout.lines().any(|line| line == "beside"), "its text is a message: {}", run.stdout);
}

#[test]
fn a_message_is_lines_of_its_own_and_named_among_several_scripts() {
    let forging = "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg('a\\nbot.py: \\x1b[2Kb\\u202e\\rc')\n\
                   tgl.set_on_msg_receive(f)\n";
    let case = Case::new(forging);
    let run = case.run("x\n");
    assert_eq!(run.stdout, "a\nbot.py: \\u{1b}[2Kb\\u{202e}\\rc\n", "{}", run.stderr);
    let other = case.scripts.path().join("other.py");
    fs::write(&other, "").expect("written");
    let run = finish(case.command().arg(&other), "x\n");
    assert_eq!(run.stdout, "chat: a\nchat: bot.py: \\u{1b}[2Kb\\u{202e}\\rc\n", "{}", run.stderr);
}

#[test]
fn a_script_that_answers_itself_keeps_the_chat_from_ending_no_longer_than_its_bound() {
    let case =
        Case::new("import tgl\ntgl.set_on_msg_receive(lambda m: (m.dest if m.out else m.src).send_msg('more'))\n");
    let run = case.run("x\n");
    assert_eq!(run.code(), Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("more than 5000 messages have come since the input's end"), "{}", run.stderr);
    assert!(run.stdout.lines().count() < 6_000);
}

#[test]
fn what_is_waited_for_at_the_inputs_end_is_said() {
    let handling = "import time, tgl\ntgl.set_on_msg_receive(lambda m: time.sleep(50))\n";
    for (source, what) in [("while True: pass\n", "is being loaded"), (handling, "is handling messages")] {
        let case = Case::new(source);
        let mut process = Process::start(&mut case.command());
        process.write("x\n");
        process.close_input();
        process.stderr_line_with(&format!("The input is at its end, but bot.py {what}; Ctrl-C ends it."));
        process.terminate();
        assert_eq!(process.finish().code(), Some(0));
    }
}
