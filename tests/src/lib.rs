//! Runs the `tglhost` binary for the tests, each run in a data directory of its own.
//!
//! Invariant: no run outlives its test, and none waits longer than [`WAIT_MAX`].

mod host_folder;
mod message;
mod namespace;
mod place;
mod raw;
mod schema;

pub use host_folder::HostFolder;
pub use message::text_message;
pub use namespace::{installed, interop_python, run_inside};
pub use place::Place;
pub use raw::raw_component;
pub use schema::check_line;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails.
pub const WAIT_MAX: Duration = Duration::from_secs(180);
/// Lines of a process's output kept until a test reads them.
const LINES_MAX: usize = 10_000;

/// What a finished run left.
#[derive(Debug)]
pub struct Finished {
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How it ended.
    pub status: ExitStatus,
}

impl Finished {
    /// Its exit code; none if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The lines of stdout as JSON, each as docs/json.schema.json says.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| {
                let line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"));
                check_line(&line);
                line
            })
            .collect()
    }
}

/// The project's root.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The built binary.
pub fn binary() -> PathBuf {
    let test_binary = std::env::current_exe().expect("the test's own path");
    let target = test_binary.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let binary = target.join("tglhost");
    assert!(binary.is_file(), "{} is missing: run the tests with `cargo xtask test`", binary.display());
    binary
}

/// The built binary, run in `data`.
pub fn tglhost(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command.env("TGLHOST_DATA", data).env_remove("TGLHOST_API_ID").env_remove("TGLHOST_API_HASH");
    command
}

/// Runs to the end with this input.
pub fn finish(command: &mut Command, input: impl AsRef<[u8]>) -> Finished {
    let mut process = Process::start(command);
    process.write(input);
    process.close_input();
    process.finish()
}

/// The same command, begun by a shell that does this first.
pub fn after(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}; exec \"$@\""), "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// What `tglhost scripts` lists of this data directory.
pub fn listed(data: &Path) -> Vec<serde_json::Value> {
    let run = finish(tglhost(data).args(["scripts", "--json"]), "");
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    run.json_lines()
}

/// Waits until it is so. `what` says what was waited for where it never is.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + WAIT_MAX;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends the process of this id the signal of this name.
pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// A process at work. It is killed when dropped.
pub struct Process {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Process {
    /// Starts a process with all its streams piped.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = lines_of(child.stdout.take().expect("piped"));
        let stderr = lines_of(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The processes that it has started and that are there, the worker in which its scripts run for example.
    pub fn children(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id()));
        let children = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).ok();
        let tasks = tasks.into_iter().flatten().flatten();
        tasks
            .filter_map(children)
            .flat_map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect()
    }

    /// Gives it more input. One that has ended already takes none.
    pub fn write(&mut self, input: impl AsRef<[u8]>) {
        if let Some(stdin) = &mut self.child.stdin {
            let _ = stdin.write_all(input.as_ref()).and_then(|()| stdin.flush());
        }
    }

    /// Tells it that there is no more input.
    pub fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        self.stdout
            .recv_timeout(WAIT_MAX)
            .unwrap_or_else(|_| panic!("no line on stdout; stderr: {}", drain(&self.stderr)))
    }

    /// The next line of stderr that contains `part`.
    pub fn stderr_line_with(&mut self, part: &str) -> String {
        self.stderr_until(part).lines().next_back().unwrap_or_default().to_owned() + "\n"
    }

    /// The lines of stderr to the next one that contains `part`.
    pub fn stderr_until(&mut self, part: &str) -> String {
        let until = Instant::now() + WAIT_MAX;
        let mut seen = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.stderr.recv_timeout(left) else { panic!("no {part:?} on stderr, only:\n{seen}") };
            seen.push_str(&line);
            if line.contains(part) {
                return seen;
            }
        }
    }

    /// The lines that it has written since they were read last: those of stdout, then those of stderr.
    pub fn news(&self) -> impl Iterator<Item = String> {
        self.stdout.try_iter().chain(self.stderr.try_iter())
    }

    /// Ends it as SIGKILL does.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to end. Not as Ctrl-C does: a shell may have SIGINT ignored by all that it started in the background, until
    /// `tglhost` listens for it.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it the signal of this name.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for its end; gives what it wrote that was not read yet.
    pub fn finish(mut self) -> Finished {
        let status = self.wait();
        Finished { stdout: drain_to_end(&self.stdout), stderr: drain_to_end(&self.stderr), status }
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + WAIT_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(
                Instant::now() < until,
                "still running after {WAIT_MAX:?}; stdout: {} stderr: {}",
                drain(&self.stdout),
                drain(&self.stderr)
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES_MAX);
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

fn drain(lines: &Receiver<String>) -> String {
    lines.try_iter().collect()
}

fn drain_to_end(lines: &Receiver<String>) -> String {
    lines.iter().collect()
}
