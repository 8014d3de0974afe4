//! `tglhost backup` and `restore`: a host at work is copied whole, and goes on elsewhere; what is no whole backup is refused.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use tests::{Finished, HostFolder, Process, binary, finish, wait_until};

/// What a script says first that may read and send.
const ASKS: &str =
    "# /// tglhost\n# calls = [\"read\", \"send\", \"contacts\"]\n# chats = [\"users\"]\n# ///\nimport tgl\n";

/// Keeps what it hears in a database, tells what it had, and compares it with what was said when it is asked.
const KEEPER: &str = "\
import os, sqlite3
db = sqlite3.connect('/home/heard.db')
db.execute('CREATE TABLE IF NOT EXISTS heard (text TEXT PRIMARY KEY)')
heard = lambda: {text for text, in db.execute('SELECT text FROM heard')}
print('had', len(heard()), db.execute('PRAGMA integrity_check').fetchone()[0])
def compare(ok, said):
    said = {m.text for m in said if not m.out}
    print('lacks', len(said - heard()), 'of many' if len(said) > 20 else 'of few')
def f(m):
    if m.out: return
    with db: db.execute('INSERT OR IGNORE INTO heard VALUES (?)', (m.text,))
    print('heard', m.text)
    if len(heard()) % 20 == 0: m.src.get_history(0, 100, compare)
tgl.set_on_msg_receive(f)
";

/// Says something new all the time.
const WRITER: &str = "\
import os, threading
def say():
    house.send_msg(os.urandom(8).hex())
    threading.Timer(.05, say).start()
def met(ok, peers):
    global house
    house = peers[0]
    say()
tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996610001', 'House', '', met))
";

fn host() -> HostFolder {
    let tenant = |account: &str, phone: &str, script: &str| {
        format!(
            "[grants]\ncalls = [\"read\", \"send\", \"contacts\"]\nchats = [\"users\"]\n[accounts.{account}]\n\
             data_centre.embedded = {{ phone = \"{phone}\", first_name = \"{account}\" }}\n\
             [scripts.{script}]\nfile = \"{script}.py\"\naccount = \"{account}\"\n"
        )
    };
    HostFolder::new(&[
        ("host/tglhost.toml", ""),
        ("host/tenants/ann/tenant.toml", &tenant("house", "9996610001", "keeper")),
        ("host/tenants/ann/scripts/keeper.py", &format!("{ASKS}{KEEPER}")),
        ("host/tenants/zoe/tenant.toml", &tenant("own", "9996610002", "writer")),
        ("host/tenants/zoe/scripts/writer.py", &format!("{ASKS}{WRITER}")),
        (&format!("host/tenants/zoe/{}", "long".repeat(50)), "a file whose name is longer than tar's own field"),
    ])
}

fn tglhost(verb: &str, host: &Path, option: &str, file: &Path) -> Finished {
    let mut command = Command::new(binary());
    command.arg(verb).arg("--host").arg(host).arg(option).arg(file).env_remove("TGLHOST_DATA");
    finish(&mut command, "")
}

fn serve(host: &Path) -> Process {
    let mut command = Command::new(binary());
    let mut host = Process::start(command.args(["serve", "--host"]).arg(host).env_remove("TGLHOST_DATA"));
    host.stderr_line_with("Serves 2 of 2 scripts");
    host
}

fn line_with(host: &mut Process, part: &str) -> String {
    loop {
        let line = host.line();
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn a_host_at_work_is_backed_up_and_goes_on_elsewhere() {
    let folder = host();
    let (here, there, file) = (folder.path("host"), folder.path("there"), folder.path("backup"));
    let mut host = serve(&here);
    (0..5).for_each(|_| drop(line_with(&mut host, "heard")));
    let backed_up = tglhost("backup", &here, "--to", &file);
    assert_eq!(backed_up.code(), Some(0), "{}", backed_up.stderr);
    assert!(backed_up.stdout.contains("It holds the accounts' keys"), "{}", backed_up.stdout);
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let again = tglhost("backup", &here, "--to", &file);
    assert!(again.code() == Some(2) && again.stderr.contains("is there already"), "{}", again.stderr);
    line_with(&mut host, "heard");
    host.kill();

    let restored = tglhost("restore", &there, "--from", &file);
    assert_eq!(restored.code(), Some(0), "{}", restored.stderr);
    assert!(there.join("tenants/zoe").join("long".repeat(50)).is_file());
    let over = tglhost("restore", &there, "--from", &file);
    assert!(over.code() == Some(2) && over.stderr.contains("nothing is overwritten"), "{}", over.stderr);
    let mut host = serve(&there);
    let had = line_with(&mut host, "had");
    let had: Vec<&str> = had.split_whitespace().collect();
    assert!(had[2].parse::<u32>().expect("a number") >= 4 && had[3] == "ok", "{had:?}");
    let lacks = loop {
        let lacks = line_with(&mut host, "lacks");
        if lacks.contains("of many") {
            break lacks;
        }
    };
    assert!(lacks.contains("lacks 0 "), "everything that was said is heard: {lacks}");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

/// Nothing is left of a restore that failed.
fn refused(file: &Path, why: &str) {
    let parent = TempDir::new().expect("a folder");
    let run = tglhost("restore", &parent.path().join("host"), "--from", file);
    assert!(run.code() == Some(1) && run.stderr.contains(why), "{why}: {:?} {}", run.code(), run.stderr);
    assert_eq!(fs::read_dir(parent.path()).expect("listed").count(), 0, "{why}: something is left");
}

#[test]
fn what_is_not_a_whole_backup_is_refused() {
    let folder = HostFolder::new(&[("host/tglhost.toml", ""), ("host/data/a", &"text ".repeat(50_000))]);
    let file = folder.path("backup");
    let made = tglhost("backup", &folder.path("host"), "--to", &file);
    assert_eq!(made.code(), Some(0), "{}", made.stderr);
    let whole = fs::read(&file).expect("read");
    for length in [0, 10, whole.len() / 2, whole.len() - 5] {
        fs::write(&file, &whole[..length]).expect("written");
        refused(&file, "cannot restore from");
    }
    for place in [5, whole.len() / 2, whole.len() - 3] {
        let mut garbled = whole.clone();
        garbled[place] ^= 0x55;
        fs::write(&file, garbled).expect("written");
        refused(&file, "cannot restore from");
    }
    refused(&folder.path("nowhere"), "No such file");
}

#[test]
fn a_backup_that_is_ended_leaves_nothing() {
    let folder = HostFolder::new(&[("host/tglhost.toml", "")]);
    fs::create_dir(folder.path("host/data")).expect("made");
    // A hole that takes minutes to read.
    File::create(folder.path("host/data/large")).and_then(|file| file.set_len(1 << 40)).expect("made");
    let mut command = Command::new(binary());
    command.arg("backup").arg("--host").arg(folder.path("host")).arg("--to").arg(folder.path("file"));
    let backup = Process::start(command.env_remove("TGLHOST_DATA"));
    let names = || -> Vec<_> {
        let entries = fs::read_dir(folder.path("")).expect("listed");
        entries.map(|entry| entry.expect("one").file_name()).filter(|name| name != "host").collect()
    };
    wait_until("it has begun", || {
        names().first().is_some_and(|name| folder.path(&name.to_string_lossy()).join("backup").exists())
    });
    backup.terminate();
    let ended = backup.finish();
    assert!(ended.code() == Some(1) && ended.stderr.contains("nothing was made"), "{}", ended.stderr);
    assert_eq!(names(), Vec::<std::ffi::OsString>::new());
}

#[test]
fn both_verbs_tell_what_they_did_as_json() {
    let folder = HostFolder::new(&[("host/tglhost.toml", ""), ("host/data/a", "text")]);
    let run = |arguments: &[&str], host: &str| {
        let mut command = Command::new(binary());
        command.args(arguments).arg(folder.path("file")).arg("--host").arg(folder.path(host));
        finish(command.env_remove("TGLHOST_DATA"), "").json_lines()
    };
    let backed_up = run(&["backup", "--json", "--to"], "host");
    assert_eq!((&backed_up[0]["kind"], &backed_up[0]["files"]), (&"backed_up".into(), &2.into()));
    let restored = run(&["restore", "--json", "--from"], "there");
    assert_eq!((&restored[0]["kind"], &restored[0]["files"]), (&"restored".into(), &2.into()));
}

/// An archive with these entries, in which a name may be anything.
fn archive(path: &Path, entries: &[(&str, EntryType, &str)]) {
    let file = File::create(path).expect("made");
    let mut tar = Builder::new(zstd::Encoder::new(file, 3).expect("an encoder"));
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        let bytes = &mut header.as_gnu_mut().expect("it is one").name;
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).expect("added");
    }
    let mut encoder = tar.into_inner().expect("ended");
    encoder.flush().expect("written");
    encoder.finish().expect("written");
}

#[test]
fn no_entry_of_a_hostile_backup_gets_out_of_the_folder() {
    use EntryType::{GNULongName, Link, Regular, Symlink};
    let hello = format!("{{\"file\": {{\"bytes\": 5, \"blake3\": \"{}\"}}}}", blake3_of_hello());
    let manifest = |entries: &str| format!("{{\"format\": 1, \"tglhost\": \"0\", \"entries\": {{{entries}}}}}");
    let good = manifest(&format!("\"a\": {hello}"));
    let (empty, later) = (manifest(""), good.replace("\"format\": 1", "\"format\": 9"));
    let through = manifest(&format!(
        "\"a\": {hello}, \"out\": {{\"link\": \"/tmp\"}}, \"out/b\": \"folder\", \"out/c\": {{\"link\": \"x\"}}"
    ));
    let above = manifest(&format!("\"a\": {hello}, \"../b\": \"folder\""));
    let above_link = manifest(&format!("\"a\": {hello}, \"b/../../c\": {{\"link\": \"x\"}}"));
    let other = good.replace("\"bytes\": 5", "\"bytes\": 6");
    let long = "x".repeat(5_000);
    type Entry<'a> = (&'a str, EntryType, &'a str);
    fn end(text: &str) -> Entry<'_> {
        ("manifest.json", Regular, text)
    }
    let cases: &[(&[Entry<'_>], &str)] = &[
        (&[("../a", Regular, "hello"), end(&good)], "is no name of a file"),
        (&[("/a", Regular, "hello"), end(&good)], "is no name of a file"),
        (&[("b/../../a", Regular, "hello"), end(&good)], "is no name of a file"),
        (&[("", Regular, "hello"), end(&good)], "is no name of a file"),
        (&[("a", Symlink, ""), end(&good)], "something else than files"),
        (&[("a", Link, ""), end(&good)], "something else than files"),
        (&[("a", GNULongName, &long), ("a", Regular, "hello"), end(&good)], "is larger than"),
        (&[("a", Regular, "hello"), ("a", Regular, "hello"), end(&good)], "File exists"),
        (&[("a", Regular, "hello"), ("a/b", Regular, "hello"), end(&good)], "cannot make the folder"),
        (&[("a", Regular, "hello")], "its end is missing"),
        (&[("a", Regular, "hello"), end(&good), ("b", Regular, "hello")], "goes on after its end"),
        (&[("a", Regular, "hallo"), end(&good)], "is not what was backed up"),
        (&[("a", Regular, "hello"), end(&other)], "is not what was backed up"),
        (&[end(&good)], "a is missing in it"),
        (&[("a", Regular, "hello"), end(&empty)], "is not of this backup"),
        (&[("a", Regular, "hello"), end(&later)], "in format 9"),
        (&[("a", Regular, "hello"), end(&through)], "cannot make the link"),
        (&[("a", Regular, "hello"), end(&above)], "is no name of a file"),
        (&[("a", Regular, "hello"), end(&above_link)], "is no name of a file"),
        (&[("a", Regular, "hello"), end("{}")], "missing field"),
    ];
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("backup");
    archive(&file, &[("a", Regular, "hello"), end(&good)]);
    let there = folder.path().join("there");
    assert_eq!(tglhost("restore", &there, "--from", &file).code(), Some(0), "this one is good");
    assert_eq!(fs::read_to_string(there.join("a")).expect("read"), "hello");
    for (entries, why) in cases {
        archive(&file, entries);
        refused(&file, why);
    }
}

fn blake3_of_hello() -> String {
    blake3::hash(b"hello").to_hex().to_string()
}
