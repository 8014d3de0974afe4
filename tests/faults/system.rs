//! A disk that fails for a while, and a clock that is set: what waits is said, nothing is lost, and nothing is done twice. system.c is
//! what makes them fail.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;
use tests::{Place, Process, root};

use crate::load;

/// Answers what it is asked.
const ANSWERS: &str = "\
import tgl
def f(m):
    if not m.out: m.src.send_msg('re: ' + m.text)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: print('up', flush=True))
";
/// Asks numbers, so many whenever it is told to, and says what it hears.
const ASKS: &str = "\
import os, threading, tgl
numbers = iter(range(1, 1000))
def begin(ok, peers):
    def look():
        if os.path.exists('/home/go'):
            count = int(open('/home/go').read())
            os.remove('/home/go')
            for _ in range(count): peers[0].send_msg(str(next(numbers)))
        threading.Timer(.02, look).start()
    look()
    print('up', flush=True)
def f(m):
    if not m.out: print(m.text, flush=True)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996631001', 'Ann', '', begin))
";
/// Numbers that are asked at a time.
const AT_A_TIME: u32 = 10;

static SHIM: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.path().join("system.so"))
        .arg(root().join("tests/faults/system.c"))
        .arg("-ldl")
        .status();
    assert!(made.expect("a C compiler is there").success());
    folder
});

/// Ann, whose host's system can be made to fail, and Bob, who asks her numbers.
struct Stage {
    place: Place,
    faults: TempDir,
    ann: Option<Process>,
    bob: Process,
    /// The last number that was answered.
    answered: u32,
}

impl Stage {
    fn new() -> Self {
        let (place, faults) = (Place::new(), TempDir::new().expect("a folder"));
        place.sign_up("ann", "9996631001", "Ann");
        place.sign_up("bob", "9996631002", "Bob");
        let ann = answering(&place, &faults);
        let asks = place.script("asks.py", ASKS);
        let mut bob = Process::start(place.command(&["run", "--account", "bob"]).arg(asks));
        assert_eq!(bob.line(), "up\n");
        Self { place, faults, ann: Some(ann), bob, answered: 0 }
    }

    /// Has numbers asked.
    fn ask(&self) {
        let home = load::home(&self.place.data.path().join("user"), "asks.py");
        fs::write(home.join("new"), AT_A_TIME.to_string())
            .and_then(|()| fs::rename(home.join("new"), home.join("go")))
            .expect("written");
    }

    /// Each of those numbers is answered once, and in order.
    fn hear(&mut self, when: &str) {
        for _ in 0..AT_A_TIME {
            self.answered += 1;
            assert_eq!(self.bob.line(), format!("re: {}\n", self.answered), "{when}");
        }
    }

    fn set(&self, fault: &str, to: &str) {
        fs::write(self.faults.path().join("new"), to).expect("written");
        fs::rename(self.faults.path().join("new"), self.faults.path().join(fault)).expect("renamed");
    }

    fn mend(&self, fault: &str) {
        fs::remove_file(self.faults.path().join(fault)).expect("it was there");
    }

    /// Ann's host says that its disk may be failing, and what waits.
    fn wait_for_word(&mut self) {
        let said = self.ann.as_mut().expect("it runs").stderr_line_with("ann: updates wait at the server: ");
        assert!(said.contains("a disk that fails"), "{said}");
    }

    /// Ann's host ends when it is asked to, and nothing was lost.
    fn end_ann(&mut self) {
        let ann = self.ann.take().expect("it runs");
        ann.terminate();
        let ann = ann.finish();
        assert!(ann.code() == Some(0) && !ann.stderr.contains("lost"), "{}", ann.stderr);
    }

    /// Both end, and nothing was answered twice.
    fn end(mut self) {
        self.end_ann();
        self.bob.terminate();
        assert_eq!(self.bob.finish().stdout, "");
    }
}

/// Ann's host, which has caught up.
fn answering(place: &Place, faults: &TempDir) -> Process {
    let answers = place.script("answers.py", ANSWERS);
    let mut ann = place.command(&["run", "--account", "ann"]);
    ann.env("LD_PRELOAD", SHIM.path().join("system.so")).env("TGLHOST_TEST_FAULTS", faults.path());
    let mut ann = Process::start(ann.arg(answers));
    assert_eq!(ann.line(), "up\n");
    ann
}

#[test]
fn a_disk_that_fails_for_a_while_loses_nothing() {
    let mut stage = Stage::new();
    stage.ask();
    stage.hear("at first");
    for fault in ["no-writes", "no-reads", "no-writes"] {
        stage.set(fault, "");
        stage.ask();
        // What is read lies in memory, most often.
        if fault == "no-writes" {
            stage.wait_for_word();
        }
        stage.mend(fault);
        stage.hear(fault);
    }
    stage.end();
}

#[test]
fn an_end_comes_while_the_disk_fails_and_what_it_left_is_done_later() {
    let mut stage = Stage::new();
    stage.set("no-writes", "");
    stage.ask();
    stage.wait_for_word();
    stage.end_ann();
    stage.mend("no-writes");
    stage.ann = Some(answering(&stage.place, &stage.faults));
    stage.hear("after the end");
    stage.end();
}

#[test]
fn a_clock_that_is_set_changes_nothing() {
    let mut stage = Stage::new();
    stage.ask();
    stage.hear("at first");
    for ahead_s in ["86400", "-86400", "3", "-3", "400000000", "0"] {
        stage.set("clock", ahead_s);
        stage.ask();
        stage.hear(ahead_s);
    }
    stage.end();
}
