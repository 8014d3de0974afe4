//! Where scripts run: in one process of their own that holds what they need and nothing else, and that ends with its host.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tests::{Place, Process, after, binary, finish, signal, tglhost, wait_until};

const UP: &str =
    "import tgl\ntgl.set_on_msg_receive(lambda m: None)\ntgl.set_on_get_difference_end(lambda: print('up'))\n";

/// Files that a worker may hold beside sockets, code and its scripts' folders.
const HELD: &[&str] = &["/dev", "/dev/null", "/proc/WORKER/pagemap", "anon_inode:[eventfd]", "anon_inode:[eventpoll]"];

fn of_worker(worker: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{worker}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The places of what a worker has open, and the kernel's numbers of its sockets.
fn open_files(worker: u32) -> (BTreeSet<String>, BTreeSet<String>) {
    let files = fs::read_dir(format!("/proc/{worker}/fd")).expect("it is there").flatten();
    // One may have been closed since.
    let places = files.filter_map(|file| fs::read_link(file.path()).ok());
    let places = places.map(|place| place.to_str().expect("text").to_owned());
    let (sockets, others): (BTreeSet<_>, BTreeSet<_>) = places.partition(|place| place.starts_with("socket:"));
    let numbers = sockets.iter().map(|socket| socket.trim_matches(|c: char| !c.is_ascii_digit()).to_owned());
    (others, numbers.collect())
}

/// Whether its parent, if it still has one, has nothing left of it but how it ended.
fn has_ended(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/status")).map_or(true, |status| status.contains("State:\tZ"))
}

#[test]
fn scripts_have_one_process_that_holds_what_they_need_and_nothing_else() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    let script = place.script("project/bot.py", UP);
    let script = script.to_str().expect("text");
    let given = TempDir::new().expect("a folder");
    let dir = format!("{}:/given", given.path().display());
    let embedded = || {
        let mut command = tglhost(&place.data.path().join("embedded"));
        command.args(["run", script, "--dir", &dir]);
        command
    };
    for command in [
        place.command(&["run", "--account", "a", script, "--dir", &dir]),
        place.command(&["telegram-cli", "-p", "a", "-Z", script, "--dir", &dir]),
        embedded(),
    ] {
        // Whoever starts it has a secret in the environment, and a file open that is no script's.
        let opening = format!("exec 9<'{}'", place.public_key.display());
        let mut host = Process::start(after(&opening, &command).env("SECRET", "secret"));
        assert_eq!(host.line(), "up\n", "{command:?}");
        let [worker] = host.children()[..] else { panic!("{command:?}: its children are {:?}", host.children()) };
        assert!(of_worker(worker, "environ").is_empty(), "{command:?}");
        let status = of_worker(worker, "status");
        for wall in ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"] {
            assert!(status.contains(wall), "{command:?}: {wall:?} is not in {status}");
        }
        let (files, sockets) = open_files(worker);
        let is_held = |place: &String| HELD.iter().any(|held| *place == held.replace("WORKER", &worker.to_string()));
        let is_scripts = |place: &String| {
            let project = script.strip_suffix("/bot.py").expect("its folder");
            *place == *project || Path::new(place) == given.path() || place.ends_with("/scripts/bot.py")
        };
        let others: Vec<_> =
            files.iter().filter(|place| !is_held(place) && !is_scripts(place) && !place.ends_with(".cwasm")).collect();
        assert_eq!(others, [] as [&String; 0], "{command:?}");
        let unix = of_worker(worker, "net/unix");
        let unix: BTreeSet<_> = unix.lines().filter_map(|line| line.split_whitespace().nth(6)).collect();
        let foreign: Vec<_> = sockets.iter().filter(|number| !unix.contains(number.as_str())).collect();
        assert_eq!(foreign, [] as [&String; 0], "{command:?}: sockets that are not to its host");
        host.terminate();
        assert_eq!(host.finish().code(), Some(0), "{command:?}");
    }
}

#[test]
fn a_worker_ends_with_its_host_however_that_ends() {
    let data = TempDir::new().expect("a folder");
    let script = data.path().join("scripts/bot.py");
    fs::create_dir(data.path().join("scripts")).expect("made");
    fs::write(&script, UP).expect("written");
    for way in ["KILL", "TERM", "input"] {
        let mut host = Process::start(tglhost(&data.path().join("data")).arg("run").arg(&script));
        assert_eq!(host.line(), "up\n");
        let [worker] = host.children()[..] else { panic!("{way}: its children are {:?}", host.children()) };
        match way {
            "input" => host.close_input(),
            way => signal(host.id(), way),
        }
        host.wait();
        wait_until(&format!("{way}: the worker ends"), || has_ended(worker));
    }
}

#[test]
fn a_worker_that_is_lost_is_replaced_which_is_said() {
    let data = TempDir::new().expect("a folder");
    let scripts = ["one.py", "two.py"].map(|name| data.path().join("scripts").join(name));
    fs::create_dir(data.path().join("scripts")).expect("made");
    scripts.iter().for_each(|script| fs::write(script, UP).expect("written"));
    let mut host = Process::start(tglhost(&data.path().join("data")).arg("run").args(&scripts));
    let both_are_up = |host: &mut Process| {
        let mut lines = [host.line(), host.line()];
        lines.sort_unstable();
        assert_eq!(lines, ["one.py: up\n", "two.py: up\n"]);
    };
    both_are_up(&mut host);
    let [first] = host.children()[..] else { panic!("its children are {:?}", host.children()) };
    signal(first, "KILL");
    for _ in &scripts {
        host.stderr_line_with("as its process ended (signal: 9 (SIGKILL))");
    }
    both_are_up(&mut host);
    let [second] = host.children()[..] else { panic!("its children are {:?}", host.children()) };
    assert_ne!(first, second);
    host.close_input();
    assert_eq!(host.finish().code(), Some(0));
}

/// An upgrade puts another file where the program was started from.
#[test]
fn a_worker_is_replaced_though_the_programs_file_has_gone() {
    let data = TempDir::new_in(binary().parent().expect("a folder")).expect("a folder");
    let at = |name: &str| data.path().join(name);
    fs::hard_link(binary(), at("tglhost")).expect("linked");
    fs::create_dir(at("scripts")).expect("made");
    fs::write(at("scripts/up.py"), UP).expect("written");
    let mut command = std::process::Command::new(at("tglhost"));
    let mut host = Process::start(command.arg("run").arg(at("scripts/up.py")).arg("--data").arg(at("data")));
    assert_eq!(host.line(), "up\n");
    fs::remove_file(at("tglhost")).expect("removed");
    fs::write(at("tglhost"), "another program").expect("written");
    host.children().into_iter().for_each(|worker| signal(worker, "KILL"));
    assert_eq!(host.line(), "up\n");
    host.close_input();
    assert_eq!(host.finish().code(), Some(0));
}

/// Tries what a script needs of its host, and says what came of it.
const WORKING: &str = r#"
import base64, sqlite3, threading, time, tgl
db = sqlite3.connect('/home/kept.db')
with db:
    db.execute('create table kept (n integer)')
    db.execute('insert into kept values (7)')
print('database', db.execute('select n from kept').fetchall())
done = []
thread = threading.Thread(target=lambda: done.append(threading.current_thread() is thread))
thread.start()
thread.join()
print('thread', done)
print('zone', time.strftime('%z', time.localtime(0)))
PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')
for path in '/given/one.png', 'two.png':
    with open(path, 'wb') as file: file.write(PNG)
left = {'photo', 'document'}
def loads(what):
    def loaded(ok, path):
        with open(path, 'rb') as file: print(what, ok, path.startswith('/home/'), file.read() == PNG)
        left.remove(what)
        if not left: tgl.safe_exit(0)
    return loaded
def f(m):
    if m.out: return
    m.src.send_photo('/given/one.png', lambda ok, sent: sent.load_photo(loads('photo')))
    m.src.send_document('two.png', lambda ok, sent: sent.load_document(loads('document')))
tgl.set_on_msg_receive(f)
"#;

#[test]
fn a_script_does_the_same_in_a_process_of_its_own_and_in_its_hosts() {
    for (isolation, workers) in [(None, 1), (Some("process"), 1), (Some("none"), 0)] {
        let folder = TempDir::new().expect("a folder");
        let [project, given] = ["project", "given"].map(|name| folder.path().join(name));
        [&project, &given].into_iter().for_each(|folder| fs::create_dir(folder).expect("made"));
        fs::write(project.join("bot.py"), WORKING).expect("written");
        let mut command = tglhost(&folder.path().join("data"));
        command.arg("run").arg(project.join("bot.py")).args(["--write-project", "--dir"]);
        command.arg(format!("{}:/given:rw", given.display())).env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3");
        command.args(isolation.iter().flat_map(|place| ["--isolation", place]));
        let mut host = Process::start(&mut command);
        let begun: Vec<String> = (0..3).map(|_| host.line()).collect();
        assert_eq!(begun, ["database [(7,)]\n", "thread [True]\n", "zone +0100\n"], "{isolation:?}");
        assert_eq!(host.children().len(), workers, "{isolation:?}");
        host.write("go\n");
        let run = host.finish();
        let mut loaded: Vec<&str> = run.stdout.lines().filter(|line| line.contains(" True")).collect();
        loaded.sort_unstable();
        let expected = ["document True True True", "photo True True True"];
        assert_eq!((run.code(), &loaded[..]), (Some(0), &expected[..]), "{isolation:?}: {}{}", run.stdout, run.stderr);
        let written = |path: &Path| fs::metadata(path).map(|file| file.len()).unwrap_or_default();
        assert_eq!([&given.join("one.png"), &project.join("two.png")].map(|path| written(path)), [70, 70]);
    }
}

#[test]
fn a_place_that_is_none_is_said() {
    let run = finish(tglhost(Path::new(".")).args(["run", "bot.py", "--isolation", "cellar"]), "");
    assert_eq!(run.code(), Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("process, none"), "{}", run.stderr);
}
