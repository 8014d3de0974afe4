//! What `tgl-guest` gives to guests in Rust, used by tests/guests/tour under `tglhost run`.

use tempfile::TempDir;
use tests::{Process, root, tglhost};

/// A running guest and the person who chats with it.
struct Tour {
    process: Process,
    _data: TempDir,
}

impl Tour {
    fn start() -> Self {
        let guest = root().join("target/wasm32-wasip2/guest/tour.wasm");
        assert!(guest.is_file(), "{} is missing: run the tests with `cargo xtask test`", guest.display());
        let data = TempDir::new().expect("a folder");
        Self { process: Process::start(tglhost(data.path()).arg("run").arg(guest)), _data: data }
    }

    fn say(&mut self, text: &str) {
        self.process.write(format!("{text}\n"));
    }

    #[track_caller]
    fn hear(&mut self, expected: &str) {
        assert_eq!(self.process.line().trim_end(), expected);
    }
}

#[test]
fn closures_tasks_timers_and_look_ups_work() {
    let mut tour = Tour::start();
    let conversation: &[(&str, &[&str])] = &[
        ("closure", &["the call", "the closure: 1, true"]),
        ("closure", &["the call", "the closure: 2, true"]),
        ("task", &["a task", "Script: true, 1"]),
        ("task", &["a task", "Script: true, 2"]),
        ("failing call", &["Failure::NotFound"]),
        ("look up", &["true, true, true"]),
        ("timer", &["the timer"]),
        ("hello", &["what is \"hello\"?"]),
    ];
    for (said, answers) in conversation {
        tour.say(said);
        for answer in *answers {
            tour.hear(answer);
        }
    }
}

#[test]
fn an_error_ends_only_its_callback_and_stands_in_the_log() {
    let mut tour = Tour::start();
    tour.say("error");
    tour.process.stderr_line_with("as you wished");
    tour.say("log");
    tour.process.stderr_line_with("0 answers so far");
    tour.say("closure");
    tour.hear("the call");
    tour.hear("the closure: 1, true");
}

#[test]
fn a_panic_ends_the_instance_and_the_next_one_answers() {
    let mut tour = Tour::start();
    tour.say("closure");
    tour.hear("the call");
    tour.hear("the closure: 1, true");
    tour.say("panic");
    tour.process.stderr_line_with("as you wished");
    tour.process.stderr_line_with("gave up: it panicked or aborted");
    tour.say("closure");
    tour.hear("the call");
    tour.hear("the closure: 1, true");
}

#[test]
fn an_exit_waits_for_the_calls_under_way_and_gives_its_code() {
    let mut tour = Tour::start();
    tour.say("exit");
    let finished = tour.process.finish();
    assert_eq!((finished.stdout.as_str(), finished.code()), ("goodbye\n", Some(7)), "{}", finished.stderr);
}

/// The crate stands by itself: packaged, it is built from the package alone.
#[test]
fn the_crate_for_guests_can_be_packaged() {
    let mut package = std::process::Command::new(env!("CARGO"));
    package.args(["package", "--quiet", "--offline", "--allow-dirty", "--package", "tgl-guest"]).current_dir(root());
    let packaged = package.env("CARGO_TARGET_DIR", root().join("target/package")).output().expect("cargo starts");
    assert!(packaged.status.success(), "{}", String::from_utf8_lossy(&packaged.stderr));
}
