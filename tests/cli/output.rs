//! What is written: by whom, how much of it, and whom it may hold up.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::Instant;

use tempfile::TempDir;
use tests::{Process, WAIT_MAX, finish, listed, tglhost};

/// A folder with these scripts, and a data directory.
struct Case {
    data: TempDir,
    scripts: TempDir,
    names: Vec<&'static str>,
}

impl Case {
    fn new(scripts: &[(&'static str, &str)]) -> Self {
        let case = Self {
            data: TempDir::new().expect("a folder"),
            scripts: TempDir::new().expect("a folder"),
            names: scripts.iter().map(|(name, _)| *name).collect(),
        };
        for (name, source) in scripts {
            fs::write(case.scripts.path().join(name), source).expect("written");
        }
        case
    }

    fn command(&self) -> std::process::Command {
        let mut command = tglhost(self.data.path());
        command.arg("run").args(self.names.iter().map(|name| self.scripts.path().join(name)));
        command
    }
}

const ANSWERS: &str =
    "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg('re: ' + m.text)\ntgl.set_on_msg_receive(f)\n";

#[test]
fn nobody_who_reads_holds_up_neither_scripts_nor_the_end() {
    const PRINTS: &str = "import sys
for n in range(100):
    print('x' * 4000)
    print('y' * 4000, file=sys.stderr)
open('/out/' + __name__, 'w').close()
";
    let case = Case::new(&[("a.py", PRINTS), ("b.py", PRINTS)]);
    let out = TempDir::new().expect("a folder");
    let mut command = case.command();
    command.arg("--dir").arg(format!("{}:/out:rw", out.path().display()));
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().expect("it starts");
    let begun = Instant::now();
    let mut all = |done: &mut dyn FnMut(&mut std::process::Child) -> bool, what: &str| {
        while !done(&mut child) {
            if begun.elapsed() > WAIT_MAX {
                let _ = child.kill();
                panic!("{what}");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    all(&mut |_| ["a", "b"].iter().all(|name| out.path().join(name).exists()), "the scripts stand still");
    all(
        &mut |child| {
            std::process::Command::new("kill").arg(child.id().to_string()).status().is_ok_and(|status| status.success())
        },
        "it takes the signal",
    );
    all(&mut |child| child.try_wait().expect("a child").is_some(), "it does not end");
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

#[test]
fn who_reads_no_more_ends_the_command_with_a_line() {
    let source = "import tgl\nfor n in range(9000): print(n)\n\
                  def f(m):\n    if not m.out: print('heard', m.text)\ntgl.set_on_msg_receive(f)\n";
    for options in [&[][..], &["--json"]] {
        let case = Case::new(&[("bot.py", source)]);
        let mut command = case.command();
        let streams = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        assert!(!first.is_empty());
        // Its input stays open: nothing else ends it.
        let _input = child.stdin.take();
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        assert_eq!(said, "tglhost: nobody reads stdout any more: the command ends\n", "{options:?}");
        assert_eq!(child.wait().expect("a child").code(), Some(141), "{options:?}");
    }
}

#[test]
fn what_stdout_does_not_take_is_an_error_at_the_end() {
    const PRINTS: &str = "import tgl\nprint('lost')\ndef f(m):\n    if not m.out: open('/home/went on', 'w')\n\
                          tgl.set_on_msg_receive(f)\n";
    let case = Case::new(&[("bot.py", PRINTS), ("three.py", "import sys\nprint('lost')\nsys.exit(3)\n")]);
    let script = |name| case.scripts.path().join(name).display().to_string();
    let (bot, three) = (script("bot.py"), script("three.py"));
    // arguments, and the code where stdout is full
    let cases: [(&[&str], i32); 7] = [
        (&["run", &bot], 1),
        (&["scripts"], 1),
        (&["scripts", "--json"], 1),
        (&["--help"], 1),
        (&["--version"], 1),
        (&["--version", "--json"], 1),
        (&["run", &three], 3),
    ];
    for (arguments, full_code) in cases {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device");
        let (_, nobody_reads) = std::io::pipe().expect("a pipe");
        let streams: [(Stdio, i32, &str); 2] = [
            (full.into(), full_code, "tglhost: cannot write to stdout: No space left on device"),
            (nobody_reads.into(), 141, "tglhost: nobody reads stdout any more"),
        ];
        // A script's own code may be there first.
        let streams = streams.into_iter().filter(|(_, code, _)| full_code == 1 || *code == full_code);
        for (stdout, code, said) in streams {
            let mut command = tglhost(case.data.path());
            let streams = command.args(arguments).stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped());
            let mut child = streams.spawn().expect("it starts");
            let _ = child.stdin.take().expect("piped").write_all(b"hello\n");
            let run = child.wait_with_output().expect("it ends");
            let stderr = String::from_utf8_lossy(&run.stderr);
            assert_eq!(run.status.code(), Some(code), "{arguments:?}: {stderr}");
            assert_eq!(stderr.matches(said).count(), 1, "{arguments:?}: {stderr}");
        }
        if full_code == 1 && arguments[0] == "run" {
            let home = listed(case.data.path())[0]["home"].as_str().expect("a folder").to_owned();
            assert!(fs::exists(format!("{home}/went on")).expect("a folder"), "the script goes on");
        }
    }
}

#[test]
fn everything_that_is_read_in_time_is_written_to_the_end() {
    let case = Case::new(&[("bot.py", "for n in range(9000): print(n, 'x' * 90)\nimport sys\nsys.exit(3)\n")]);
    let run = finish(&mut case.command(), "");
    assert_eq!(run.code(), Some(3), "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 9000);
    assert!(run.stdout.ends_with("x\n"));
}

#[test]
fn whatever_a_script_tries_it_is_written_no_more_than_its_limit() {
    const FAILS: &str = "import threading
left = [8]
def f():
    left[0] -= 1
    if left[0]: threading.Timer(0, f).start()
    raise ValueError('x\\n' * 500000)
threading.Timer(0, f).start()";
    const CRASHES: &str = "import tgl
def f(m):
    if m.out: return
    for n in range(1500): print('z' * 999)
    while True: pass
tgl.set_on_msg_receive(f)";
    // what it does, options
    let cases: [(&str, &[&str]); 6] = [
        ("for n in range(30000): print()", &["--json"]),
        ("for n in range(9): print('x' * 900000)", &[]),
        ("for n in range(100): print('\\x01\\u2028' * 3000)", &["--json"]),
        (FAILS, &[]),
        (&FAILS.replace("x", ""), &["--json"]),
        (CRASHES, &[]),
    ];
    for (source, options) in cases {
        let case = Case::new(&[("evil.py", source)]);
        let begun = Instant::now();
        let run = finish(case.command().args(options), "go\n");
        let written = run.stdout.len() + run.stderr.len();
        let allowed = (1 << 20) as f64 + begun.elapsed().as_secs_f64() * f64::from(64 << 10);
        assert!(written as f64 <= allowed * 1.1, "{source}: {written} bytes, {allowed} are allowed");
        assert!(written > 20_000, "{source}: it did nothing: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn no_line_is_taken_for_anothers() {
    // Each writes lines that could be good.py's or the host's.
    const TRIES: [&str; 6] = [
        "print('a', *(end + 'good.py: forged' for end in ENDS))",
        "sys.stderr.write(''.join('b' + end + 'tglhost: forged' for end in ENDS))",
        "raise ValueError(''.join('c' + end + 'good.py: forged' for end in ENDS))",
        "warnings.warn(''.join('d' + end + 'good.py: forged' for end in ENDS))",
        "os.write(1, ''.join('e' + end + 'good.py: forged' for end in ENDS).encode())",
        "sys.exit(''.join('f' + end + 'good.py: forged' for end in ENDS))",
    ];
    const ENDS: [char; 10] =
        ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    for attempt in TRIES {
        let source = format!(
            "import os, sys, tgl, warnings\nENDS = ['\\n', '\\r', '\\r\\n', '\\x0b', '\\x0c', '\\x1c', '\\x1d', '\\x1e', '\\x85', '\\u2028', '\\u2029']\n\
             def f(m):\n    if not m.out: {attempt}\ntgl.set_on_msg_receive(f)\n"
        );
        let case = Case::new(&[("evil.py", &source), ("good.py", "")]);
        let run = finish(&mut case.command(), "go\n");
        let said = format!("{}\n{}", run.stdout, run.stderr);
        let lines: Vec<&str> = said.split(ENDS).filter(|line| line.contains("forged")).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("evil.py: ")), "{attempt}: {lines:?}");
        let run = finish(case.command().arg("--json"), "go\n");
        assert_eq!(run.stderr, "", "{attempt}");
        for line in run.stdout.split(ENDS).filter(|line| !line.is_empty()) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{attempt}: {line:?}"));
            assert!(!line["text"].to_string().contains("forged") || line["script"] == "evil.py", "{attempt}: {line}");
        }
    }
}

#[test]
fn lines_of_several_scripts_carry_their_names() {
    let source = |n| {
        format!(
            "import sys\nprint({n}, end='')\nprint('', {n}, 'é' * 3000)\nprint('err', file=sys.stderr)\nprint('no end', end='')\nsys.exit(0)\n"
        )
    };
    let case = Case::new(&[("a.py", &source(1)), ("b.py", &source(2))]);
    let run = finish(&mut case.command(), "");
    for (name, n) in [("a.py", 1), ("b.py", 2)] {
        let lines: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with(name)).collect();
        assert_eq!(lines.len(), 3, "{}", run.stdout);
        assert!(lines[0].starts_with(&format!("{name}: {n} {n} éé")), "{}", run.stdout);
        assert_eq!(lines[2], format!("{name}: no end"), "what is printed last is written too");
        assert!(run.stderr.lines().any(|line| line == format!("{name}: err")), "{}", run.stderr);
    }
}

#[test]
fn what_becomes_of_one_of_several_is_said_at_once() {
    let component = "not a component";
    // file, what it holds, what is said of it, the code of the command
    let cases = [
        ("bad.py", "1/0", "bad.py: ZeroDivisionError", 1),
        ("bad.wasm", component, "bad.wasm: could not be loaded: ", 1),
        ("bad.py", "import tgl\ntgl.safe_exit(7)", "bad.py: has ended with code 7", 7),
        ("bad.py", "import os\nos.abort()", "bad.py: has ended with code 134", 134),
    ];
    for (name, content, said, code) in cases {
        let case = Case::new(&[(name, content), ("good.py", ANSWERS)]);
        let mut process = Process::start(&mut case.command());
        process.stderr_line_with(said);
        process.write("hello\n");
        assert_eq!(process.line(), "chat: re: hello\n", "{said}: the other one goes on");
        process.terminate();
        let run = process.finish();
        assert_eq!(run.code(), Some(0), "{said}: {}", run.stderr);
        let run = finish(&mut case.command(), "again\n");
        assert_eq!(run.code(), Some(code), "{said}: {}", run.stderr);
    }
}

#[test]
fn the_hosts_log_has_no_colours_and_a_filter_that_means_nothing_is_said() {
    let case = Case::new(&[("bot.py", "")]);
    let run = finish(case.command().env("TGLHOST_LOG", "debug").env("CLICOLOR_FORCE", "1"), "");
    assert!(run.stderr.contains("DEBUG") && !run.stderr.contains('\x1b'), "{}", run.stderr);
    for wrong in ["debgu", "telegram=lots", "telegarm=debug", "=", "debug,warning"] {
        let run = finish(case.command().env("TGLHOST_LOG", wrong), "");
        assert_eq!(run.code(), Some(0), "{wrong}: {}", run.stderr);
        assert!(run.stderr.contains("TGLHOST_LOG is passed over: "), "{wrong}: {}", run.stderr);
    }
}
