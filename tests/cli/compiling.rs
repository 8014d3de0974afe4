//! What the cache of compiled programs holds, and whom a compile holds up.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tests::{Process, finish, root, signal, tglhost};

/// A cache of the test's own, a data directory, and guests.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self { folder: TempDir::new().expect("a folder") };
        fs::create_dir(case.at("guests")).expect("made");
        case
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A component that answers with what it hears. Each number makes another one of it, by a section that means nothing.
    fn echo(&self, number: u8) -> PathBuf {
        let guest = root().join("target/wasm32-wasip2/guest/echo_rust.wasm");
        let mut component = fs::read(&guest)
            .unwrap_or_else(|_| panic!("{} is missing: run the tests with `cargo xtask test`", guest.display()));
        component.extend([0, 3, 1, b'n', number]);
        let path = self.at(&format!("guests/echo{number}.wasm"));
        fs::write(&path, component).expect("written");
        path
    }

    fn command(&self, guests: &[&PathBuf]) -> Command {
        let mut command = tglhost(&self.at("data"));
        command.env("XDG_CACHE_HOME", self.at("cache")).arg("run").args(guests);
        command
    }

    /// Has the guest's program be compiled for as long as the file is held: somebody else is said to be at it.
    fn compile_for_long(&self, guest: &PathBuf) -> File {
        assert_eq!(finish(&mut self.command(&[guest]), "x\n").stdout, "x\n");
        let (program, _) = self.compiled().pop().expect("it is kept");
        for ending in ["cwasm", "seal"] {
            fs::remove_file(program.with_extension(ending)).expect("removed");
        }
        let compiling = File::create(program.with_extension("compiling")).expect("made");
        compiling.lock().expect("locked");
        compiling
    }

    /// The programs in the cache: their files without the ending, and what they take.
    fn compiled(&self) -> Vec<(PathBuf, u64)> {
        let entries =
            fs::read_dir(self.at("cache/tglhost")).expect("a cache").map(|entry| entry.expect("an entry").path());
        let code = entries.filter(|path| path.extension().is_some_and(|ending| ending == "cwasm"));
        code.map(|path| (path.with_extension(""), fs::metadata(&path).expect("a file").len())).collect()
    }
}

#[test]
fn one_that_is_compiled_for_long_holds_up_no_other() {
    let case = Case::new();
    let (slow, good) = (case.echo(1), case.echo(2));
    let compiling = case.compile_for_long(&slow);
    let mut process = Process::start(&mut case.command(&[&slow, &good]));
    process.write("hello\n");
    assert_eq!(process.line(), "chat: hello\n");
    drop(compiling);
    process.close_input();
    let run = process.finish();
    assert_eq!((run.code(), run.stdout.as_str()), (Some(0), "chat: hello\n"), "{}", run.stderr);
}

#[test]
fn one_that_is_compiled_for_long_has_a_worker_of_its_own_which_takes_no_other_with_it() {
    let case = Case::new();
    let (slow, good) = (case.echo(1), case.echo(2));
    let compiling = case.compile_for_long(&slow);
    let mut process = Process::start(&mut case.command(&[&slow, &good]));
    process.write("one\n");
    assert_eq!(process.line(), "chat: one\n");
    let [first] = process.children()[..] else { panic!("its children are {:?}", process.children()) };
    drop(compiling);
    assert_eq!(process.line(), "chat: one\n", "from the other one");
    let second = process.children().into_iter().find(|worker| *worker != first).expect("a worker of its own");
    signal(second, "KILL");
    process.stderr_line_with("echo1.wasm: stopped as its process ended (signal: 9 (SIGKILL))");
    process.write("two\n");
    assert_eq!([process.line(), process.line()], ["chat: two\n"; 2]);
    assert!(process.children().contains(&first));
    process.close_input();
    let run = process.finish();
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("echo2.wasm: stopped"), "{}", run.stderr);
}

#[test]
fn the_cache_holds_no_more_than_the_user_says() {
    let case = Case::new();
    let bytes_max: u64 = 1 << 20;
    for number in 1..=6 {
        let guest = case.echo(number);
        let run = finish(case.command(&[&guest]).env("TGLHOST_CACHE_MIB_MAX", "1"), "x\n");
        assert_eq!(run.stdout, "x\n", "{}", run.stderr);
        assert!(!run.stderr.contains("not kept"), "{}", run.stderr);
        let bytes: Vec<u64> = case.compiled().into_iter().map(|(_, bytes)| bytes).collect();
        assert!(bytes.iter().sum::<u64>() <= bytes_max && bytes.len() <= usize::from(number), "{bytes:?}");
    }
    assert!(case.compiled().len() < 6, "the bound was reached");
    let run = finish(case.command(&[&case.echo(7)]).env("TGLHOST_CACHE_MIB_MAX", "0"), "x\n");
    assert_eq!(run.stdout, "x\n", "{}", run.stderr);
    assert!(run.stderr.contains("a compiled program is not kept"), "{}", run.stderr);
    for (variable, code, part) in [("lots", 1, "TGLHOST_CACHE_MIB_MAX is not a number of MiB"), ("1", 0, "")] {
        let run = finish(case.command(&[&case.echo(1)]).env("TGLHOST_CACHE_MIB_MAX", variable), "x\n");
        assert_eq!(run.code(), Some(code), "{variable}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{variable}: {}", run.stderr);
    }
}

#[test]
fn one_that_cannot_be_read_as_a_script_holds_up_no_other() {
    let case = Case::new();
    let good = case.echo(1);
    let large = File::create(case.at("guests/large.py")).expect("made");
    large.set_len(17 << 20).expect("a hole");
    fs::write(case.at("guests/latin.py"), b"# caf\xe9\n").expect("written");
    for (bad, why) in
        [("latin.py", "it is not UTF-8 text (line 1)"), ("large.py", "the most a script of its kind may have")]
    {
        let bad_path = case.at("guests").join(bad);
        let run = finish(&mut case.command(&[&bad_path, &good]), "one\n");
        assert_eq!(run.stdout, "chat: one\n", "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("{bad}: could not be loaded: ")) && run.stderr.contains(why),
            "{}",
            run.stderr
        );
        assert_eq!(run.code(), Some(1));
    }
}
