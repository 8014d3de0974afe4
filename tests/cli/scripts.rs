//! Who is who among scripts, what is kept for each, and where each begins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Finished, Place, Process, finish, listed, tglhost, wait_until};

/// Counts its own runs in its private folder and says who it is.
const COUNTING: &str = "\
import os
n = int(open('n').read()) + 1 if os.path.exists('n') else 1
open('n', 'w').write(str(n))
print(WHO, n)
";

/// Prints what comes, and ends once everything missed has come.
const PRINTING: &str = "\
import tgl
def f(m):
    if not m.out: print(m.text)
tgl.set_on_msg_receive(f)
def up():
    print('up')
    tgl.safe_exit(0)
tgl.set_on_get_difference_end(up)
";

/// A data directory, and folders with scripts.
struct Case {
    data: TempDir,
    folders: TempDir,
}

impl Case {
    fn new() -> Self {
        Self { data: TempDir::new().expect("a folder"), folders: TempDir::new().expect("a folder") }
    }

    fn script(&self, path: &str, source: &str) -> PathBuf {
        let path = self.folders.path().canonicalize().expect("it is there").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, source).expect("written");
        path
    }

    fn counting(&self, path: &str) -> PathBuf {
        self.script(path, &COUNTING.replace("WHO", &format!("{path:?}")))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tglhost(self.data.path());
        command.args(arguments);
        command
    }

    fn run(&self, scripts: &[&Path], options: &[&str]) -> Finished {
        let run = finish(self.command(&["run"]).args(scripts).args(options), "");
        assert_eq!(run.code(), Some(0), "{}", run.stderr);
        run
    }

    fn listed(&self) -> Vec<Value> {
        listed(self.data.path())
    }
}

fn sorted(stdout: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = stdout.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn files_of_one_name_are_scripts_of_their_own() {
    let case = Case::new();
    let (alice, bob) = (case.counting("alice/bot.py"), case.counting("bob/bot.py"));
    assert_eq!(case.run(&[&alice], &[]).stdout, "alice/bot.py 1\n");
    assert_eq!(case.run(&[&bob], &[]).stdout, "bob/bot.py 1\n", "it does not see the other's folder");
    let together = case.run(&[&alice, &bob], &[]);
    assert_eq!(sorted(&together.stdout), ["bob-bot.py: bob/bot.py 2", "bot.py: alice/bot.py 2"]);
    let link = case.folders.path().join("link.py");
    std::os::unix::fs::symlink(&alice, &link).expect("linked");
    assert_eq!(case.run(&[&link], &[]).stdout, "alice/bot.py 3\n", "by another way to it it is the same");

    let scripts = case.listed();
    let told: Vec<_> =
        scripts.iter().map(|s| (s["name"].as_str(), s["path"].as_str(), s["account"].as_str())).collect();
    let path = |path: &PathBuf| path.to_str().map(str::to_owned);
    let (alice, bob) = (path(&alice), path(&bob));
    let embedded = Some("embedded");
    assert_eq!(told, [(Some("bob-bot.py"), bob.as_deref(), embedded), (Some("bot.py"), alice.as_deref(), embedded)]);
    for (script, runs) in scripts.iter().zip(["2", "3"]) {
        let home = Path::new(script["home"].as_str().expect("a folder"));
        assert_eq!(fs::read_to_string(home.join("n")).expect("its file"), runs, "{script}");
        assert_eq!(
            (&script["home_bytes"], &script["waiting_events"], &script["running"]),
            (&1.into(), &0.into(), &false.into())
        );
        assert!(script["last_run"].as_i64().is_some_and(|second| second > 1_700_000_000), "{script}");
    }
    let mut relative = tglhost(Path::new("."));
    let text = finish(relative.arg("scripts").current_dir(case.data.path()), "").stdout;
    for part in ["bot.py", "bob-bot.py", "0 events wait", "last run 20", "/home is /"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_files_name_forges_nothing_in_the_list() {
    let case = Case::new();
    let odd = case.script("an\u{202e}odd\x1b[31m/bot.py", "");
    case.run(&[&odd], &[]);
    let list = finish(&mut case.command(&["scripts"]), "").stdout;
    assert!(list.contains(r"an\u{202e}odd\u{1b}[31m/bot.py") && list.lines().count() == 1, "{list}");
}

#[test]
fn a_name_goes_where_the_file_goes() {
    let case = Case::new();
    let (here, there) = (case.counting("here/bot.py"), case.counting("there/bot.py"));
    assert_eq!(case.run(&[&here], &["--name", "night"]).stdout, "here/bot.py 1\n");
    let moved = case.run(&[&there], &["--name", "night"]);
    assert_eq!(moved.stdout, "there/bot.py 2\n");
    assert!(moved.stderr.contains(&format!("it was last run from {}", here.display())), "{}", moved.stderr);
    assert_eq!(case.run(&[&there], &[]).stdout, "there/bot.py 1\n", "without its name it is another script");
    let twice = case.run(&[&here, &here], &["--name", "night", "--name", "day"]);
    assert_eq!(sorted(&twice.stdout), ["day: here/bot.py 1", "night: here/bot.py 3"], "one file, two scripts");
}

#[test]
fn names_that_cannot_be_are_said() {
    let case = Case::new();
    let bot = case.script("bot.py", "").display().to_string();
    let long = "x".repeat(65);
    // arguments, what the error must say
    let cases: &[(&[&str], &str)] = &[
        (&[&bot, &bot], "is given twice: give each a name of its own with --name"),
        (&[&bot, &bot, "--name", "a"], "2 scripts and 1 names are given"),
        (&[&bot, &bot, "--name", "a", "--name", "A"], "two scripts are called A"),
        (&[&bot, "--account", "embedded"], "is the account of the embedded data centre"),
    ];
    let names =
        ["../up", "a/b", ".hidden", " a", "a ", "a\nb", "a\u{202e}b", "a\u{200b}b", "a:b", "a\u{301}", "", &long];
    let named = names.map(|name| [&bot, "--name", name]);
    let named = named.iter().map(|arguments| (&arguments[..], "use up to 64 bytes of letters, digits, blanks and ._-"));
    for (arguments, part) in cases.iter().copied().chain(named) {
        let run = finish(case.command(&["run"]).args(arguments), "");
        assert_eq!(run.code(), Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {part:?} is not in {}", run.stderr);
    }
    assert_eq!(case.listed(), [] as [Value; 0]);
    case.run(&[Path::new(&bot)], &["--name", "Ночной бот_2.0-ü"]);
    assert_eq!(case.listed()[0]["name"], "Ночной бот_2.0-ü");
}

#[test]
fn what_an_earlier_version_kept_is_taken_over_once() {
    let case = Case::new();
    let (first, second) = (case.counting("first/bot.py"), case.counting("second/bot.py"));
    case.run(&[&first], &[]);
    // As an earlier version left it: known by its file's name alone.
    let db = rusqlite::Connection::open(case.data.path().join("embedded/script/account.db")).expect("a database");
    db.execute_batch("UPDATE script SET path = NULL, last_run = NULL").expect("changed");
    drop(db);
    assert_eq!(case.listed()[0]["path"], Value::Null);
    let run = case.run(&[&second], &[]);
    assert_eq!(run.stdout, "second/bot.py 2\n");
    assert!(run.stderr.contains("goes on with what was kept for all scripts called bot.py"), "{}", run.stderr);
    let run = case.run(&[&second], &[]);
    assert_eq!(run.stdout, "second/bot.py 3\n");
    assert!(!run.stderr.contains("goes on"), "once: {}", run.stderr);
    assert_eq!(case.run(&[&first], &[]).stdout, "first/bot.py 1\n", "it is the other's now");
}

#[test]
fn a_script_is_forgotten_when_it_is_not_at_work() {
    let case = Case::new();
    let forget = |name: &str| finish(&mut case.command(&["forget", name]), "");
    let bot = case.script("bot.py", &format!("{}\nimport tgl", COUNTING.replace("WHO", "'bot'")));
    let mut running = Process::start(case.command(&["run"]).arg(&bot));
    assert_eq!(running.line(), "bot 1\n");
    assert_eq!(case.listed()[0]["running"], true);
    let refused = forget("bot.py");
    assert_eq!(refused.code(), Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("bot.py runs on embedded now: stop it first"), "{}", refused.stderr);
    running.close_input();
    assert_eq!(running.finish().code(), Some(0));

    // One that has ended holds nothing, though the command goes on.
    let (ends, stays) = (case.script("ends.py", "raise SystemExit"), case.script("stays.py", "print('stays')"));
    let mut both = Process::start(case.command(&["run", "--json"]).arg(&ends).arg(&stays));
    while !both.line().contains("stays") {}
    let states = || -> Vec<_> { case.listed().iter().map(|s| (s["name"].clone(), s["running"].clone())).collect() };
    let expected: Vec<(Value, Value)> =
        [("bot.py", false), ("ends.py", false), ("stays.py", true)].map(|(n, r)| (n.into(), r.into())).into();
    wait_until("who has ended is listed so", || states() == expected);
    assert_eq!(forget("ends.py").code(), Some(0));
    both.terminate();
    both.finish();
    assert_eq!(forget("stays.py").code(), Some(0));

    let home = PathBuf::from(case.listed()[0]["home"].as_str().expect("a folder"));
    assert!(home.join("n").is_file());
    let forgotten = forget(bot.to_str().expect("text"));
    assert_eq!(forgotten.code(), Some(0), "{}", forgotten.stderr);
    assert!(!home.exists() && !case.data.path().join("embedded/script/forgotten").exists());
    assert_eq!(case.listed(), [] as [Value; 0]);
    assert_eq!(case.run(&[&bot], &[]).stdout, "bot 1\n");
    let stranger = forget("stranger.py");
    assert_eq!(stranger.code(), Some(2));
    assert!(stranger.stderr.contains("`tglhost scripts` lists"), "{}", stranger.stderr);
}

#[test]
fn the_chat_begins_anew_unless_it_is_to_go_on() {
    let case = Case::new();
    let source = "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg(__name__ + ': ' + m.text)\ntgl.set_on_msg_receive(f)\n";
    let (one, two) = (case.script("one.py", source), case.script("two.py", source));
    let chat = |script: &Path, options: &[&str], input: &str| {
        let chat = finish(case.command(&["run"]).arg(script).args(options), input);
        assert!(!chat.stderr.contains("online"), "its account is not the user's: {}", chat.stderr);
        chat.stdout
    };
    assert_eq!(chat(&one, &[], "a\n"), "one: a\n");
    assert_eq!(chat(&two, &[], "b\n"), "two: b\n");
    assert_eq!(chat(&one, &[], "c\n"), "one: c\n", "what was said to the other is none of its business");
    assert_eq!(chat(&two, &["--from", "last"], "d\n"), "two: c\ntwo: d\n");
}

/// Two accounts: b is to write to a.
fn two_accounts() -> Place {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    place
}

/// Has b write these to a.
fn write(place: &Place, texts: &str) {
    let writing = place.script(
        "writing.py",
        &format!(
            "import tgl\n\
             texts = {texts:?}.split()\n\
             def sent(ok, m):\n\
             \x20   if m.text == texts[-1]: tgl.safe_exit(0)\n\
             def added(ok, peers):\n\
             \x20   for text in texts: peers[0].send_msg(text, sent)\n\
             tgl.add_contact('9996631001', 'Ann', '', added)\n"
        ),
    );
    let run = finish(place.command(&["run", "--account", "b"]).arg(writing), "");
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
}

#[test]
fn what_was_missed_is_counted_and_given_or_passed_over() {
    let place = two_accounts();
    let script = place.script("printing.py", PRINTING);
    let run = |options: &[&str]| {
        let run = finish(place.command(&["run", "--account", "a"]).arg(&script).args(options), "");
        assert_eq!(run.code(), Some(0), "{}", run.stderr);
        run
    };
    write(&place, "one two");
    let first = run(&[]);
    assert_eq!(first.stdout, "one\ntwo\nup\n", "a new script gets what came since the login: {}", first.stderr);
    assert!(first.stderr.contains("printing.py: 2 messages since"), "{}", first.stderr);
    let nothing = run(&[]);
    assert_eq!(nothing.stdout, "up\n");
    assert!(!nothing.stderr.contains("messages since"), "{}", nothing.stderr);
    write(&place, "three four five");
    let passed = run(&["--from", "now"]);
    assert_eq!(passed.stdout, "up\n");
    assert!(passed.stderr.contains("printing.py: 3 messages since last time, passed over"), "{}", passed.stderr);
    assert_eq!(passed.stderr.matches("a is online").count(), 1, "{}", passed.stderr);
    write(&place, "six");
    let last = run(&["--from", "last", "--json"]);
    let missed = last.json_lines().into_iter().find(|line| line["kind"] == "missed").expect("it is said");
    assert_eq!((&missed["script"], &missed["messages"]), (&"printing.py".into(), &1.into()));
}

#[test]
fn nothing_is_lost_while_a_new_script_is_compiled() {
    let guest = tests::root().join("target/wasm32-wasip2/guest/echo_rust.wasm");
    assert!(guest.is_file(), "{} is missing: run the tests with `cargo xtask test`", guest.display());
    let (place, cache) = (two_accounts(), TempDir::new().expect("a folder"));
    write(&place, "missed");
    let mut command = place.command(&["run", "--account", "a"]);
    let _echo = Process::start(command.arg(guest).env("XDG_CACHE_HOME", cache.path()));
    // What the guest answers is heard.
    let hearing = place.script("hearing.py", "import tgl\ndef f(m):\n    if not m.out:\n        print(m.text)\n        tgl.safe_exit(0)\ntgl.set_on_msg_receive(f)\n");
    let heard = finish(place.command(&["run", "--account", "b"]).arg(hearing), "");
    assert_eq!(heard.stdout, "missed\n", "{}", heard.stderr);
}

#[test]
fn scripts_of_several_accounts_are_told_apart() {
    let place = two_accounts();
    let data = place.data.path().join("user");
    let script = place.script("bot.py", PRINTING);
    for account in ["a", "b"] {
        let run = finish(place.command(&["run", "--account", account]).arg(&script), "");
        assert_eq!(run.code(), Some(0), "{}", run.stderr);
    }
    let accounts: Vec<_> = listed(&data).iter().map(|line| line["account"].clone()).collect();
    assert_eq!(accounts, ["a", "b"]);
    let forget = |arguments: &[&str]| finish(tglhost(&data).args(["forget", "bot.py"]).args(arguments), "");
    let ambiguous = forget(&[]);
    assert_eq!(ambiguous.code(), Some(2));
    assert!(ambiguous.stderr.contains("a and b both have a script called bot.py"), "{}", ambiguous.stderr);
    assert_eq!(forget(&["--account", "b"]).code(), Some(0));
    assert_eq!(forget(&["--account", "b"]).code(), Some(2), "it is gone");
    assert_eq!(listed(&data)[0]["account"], "a");
    fs::write(data.join("accounts/b/account.db"), [0x5a; 8192]).expect("written");
    let damaged = finish(tglhost(&data).arg("scripts"), "");
    assert_eq!((damaged.code(), damaged.stdout.lines().count()), (Some(1), 1), "the others are listed");
    assert!(damaged.stderr.contains("the scripts of b cannot be listed"), "{}", damaged.stderr);
}
