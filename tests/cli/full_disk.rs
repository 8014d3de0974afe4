//! A disk that is full, at a start or later: whatever needs room waits for it, says so once, and goes on without having lost
//! anything.

use std::process::Command;

use tests::{HostFolder, Place, Process, after, finish, tglhost, wait_until};

const UP: &str = "import tgl\ntgl.set_on_get_difference_end(lambda: print('up'))";

const ANSWERING: &str =
    "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg('re: ' + m.text)\ntgl.set_on_msg_receive(f)\n";

/// The same command where no file may grow beyond so many blocks of 512 bytes, as on a full disk.
fn with_room_for(blocks: u32, command: &Command) -> Command {
    after(&format!("trap '' XFSZ; ulimit -S -f {blocks}"), command)
}

fn make_room(process: &Process) {
    bound_files(process, "unlimited:unlimited");
}

/// From now on no file of the process's may grow beyond so many bytes.
fn bound_files(process: &Process, bytes: &str) {
    for id in std::iter::once(process.id()).chain(process.children()) {
        let limit = [&format!("--fsize={bytes}"), "--pid", &id.to_string()];
        assert!(Command::new("prlimit").args(limit).status().expect("prlimit runs").success());
    }
}

#[test]
fn a_start_and_a_first_login_wait_until_the_disk_has_room() {
    let place = Place::new();
    place.sign_up("old", "9996631001", "Ann");
    let script = place.script("up.py", UP);
    let new = ["--account", "new", "--phone", "9996631002", "--code", "33333"];
    for account in [&["--account", "old"][..], &new] {
        let mut command = place.command(&["run"]);
        let mut run = Process::start(&mut with_room_for(1, command.args(account).arg(&script)));
        run.stderr_line_with("The start waits until the disk has room");
        make_room(&run);
        assert_eq!(run.line(), "up\n", "{account:?}");
        run.terminate();
        let end = run.finish();
        assert_eq!(end.code(), Some(0), "{account:?}: {}", end.stderr);
        assert!(!end.stderr.contains("disk has room"), "said once: {}", end.stderr);
    }
}

#[test]
fn the_embedded_data_centre_and_its_accounts_wait_too() {
    let place = Place::new();
    let script = place.script("answering.py", ANSWERING);
    // Whether the data centre has its files already, and the room: for its key, its database, an account's, and for so little
    // in its database that it refuses a login, or what comes after it.
    for (is_made, blocks) in [(false, 1), (false, 400), (true, 1), (true, 100), (true, 190), (true, 250), (true, 300)] {
        let data = tempfile::tempdir().expect("a folder");
        if is_made {
            let mut made = Process::start(tglhost(data.path()).arg("dc"));
            assert!(made.line().contains("ready"));
            made.terminate();
            made.finish();
        }
        let mut run = Process::start(&mut with_room_for(blocks, tglhost(data.path()).arg("run").arg(&script)));
        run.write("hello\n");
        run.stderr_line_with("room");
        make_room(&run);
        assert_eq!(run.line(), "re: hello\n", "{is_made} {blocks}");
        run.close_input();
        let end = run.finish();
        assert_eq!((end.code(), end.stdout.as_str()), (Some(0), ""), "{is_made} {blocks}: {}", end.stderr);
        let again = finish(tglhost(data.path()).arg("run").arg(&script), "again\n");
        assert_eq!((again.code(), again.stdout.as_str()), (Some(0), "re: again\n"), "{is_made} {blocks}");
    }
}

#[test]
fn a_data_centre_alone_waits_too() {
    let data = tempfile::tempdir().expect("a folder");
    let mut run = Process::start(&mut with_room_for(1, tglhost(data.path()).arg("dc")));
    run.stderr_line_with("The start waits until the disk has room");
    make_room(&run);
    assert!(run.line().contains("ready"));
    run.terminate();
    assert_eq!(run.finish().code(), Some(0));
}

#[test]
fn a_script_is_told_that_no_file_of_its_folders_may_grow() {
    let [data, folder, out] = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let source = "import errno, tgl\ndef fill(path):\n    f = open(path, 'wb', buffering=0)\n    try:\n        \
                  while True: f.write(b'x' * 65536)\n    except OSError as e: print(e.errno == errno.EFBIG, e)\n\
                  def go(m):\n    if not m.out: fill('/home/f'); fill('/out/f')\n\
                  tgl.set_on_msg_receive(go)\ntgl.set_on_get_difference_end(lambda: print('up'))\n";
    let script = folder.path().join("fills.py");
    std::fs::write(&script, source).expect("written");
    let mut command = tglhost(data.path());
    let mut run =
        Process::start(command.args(["run", "--dir", &format!("{}:/out:rw", out.path().display())]).arg(&script));
    assert_eq!(run.line(), "up\n");
    bound_files(&run, "10000000:unlimited");
    run.write("go\n");
    for folder in ["/home", "/out"] {
        assert_eq!(run.line(), "True [Errno 27] File too large\n", "{folder}");
    }
    run.close_input();
    assert_eq!(run.finish().code(), Some(0));
}

#[test]
fn scripts_and_the_chat_wait_while_they_run_and_an_end_that_is_asked_for_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("answering.py");
    std::fs::write(&script, ANSWERING).expect("written");
    for comes_back in [true, false] {
        let data = tempfile::tempdir().expect("a folder");
        let mut run = Process::start(tglhost(data.path()).arg("run").arg(&script));
        run.write("first\n");
        assert_eq!(run.line(), "re: first\n");
        bound_files(&run, "4096:unlimited");
        run.write("second\nthird\n");
        run.stderr_line_with("You: calls wait: the data centre has no room");
        if comes_back {
            make_room(&run);
            run.stderr_line_with("You: there is room again: calls are made");
            assert_eq!((run.line().as_str(), run.line().as_str()), ("re: second\n", "re: third\n"));
            run.close_input();
        } else {
            run.terminate();
        }
        let end = run.finish();
        assert_eq!((end.code(), end.stdout.as_str()), (Some(0), ""), "{comes_back}: {}", end.stderr);
        assert!(!end.stderr.contains("You: calls wait"), "said once: {}", end.stderr);
    }
}

#[test]
fn updates_wait_at_the_server_and_that_is_said() {
    let place = Place::new();
    place.sign_up("ann", "9996631001", "Ann");
    place.sign_up("bob", "9996631002", "Bob");
    let heard = "import tgl\ntgl.set_on_msg_receive(lambda m: print(m.text))\ntgl.set_on_get_difference_end(lambda: print('up'))";
    let listening = place.script("listening.py", heard);
    let writes = "import sys, tgl\ndef go():\n    tgl.add_contact('9996631001', 'Ann', '', lambda ok, peers: \
                  peers[0].send_msg('for you', lambda ok, m: tgl.safe_exit(0)))\ntgl.set_on_get_difference_end(go)";
    let writing = place.script("writing.py", writes);
    let mut run = Process::start(place.command(&["run", "--account", "ann"]).arg(&listening));
    assert_eq!(run.line(), "up\n");
    bound_files(&run, "4096:unlimited");
    let wrote = finish(place.command(&["run", "--account", "bob"]).arg(&writing), "");
    assert_eq!(wrote.code(), Some(0), "{}", wrote.stderr);
    run.stderr_line_with("ann: updates wait at the server: there is no room for ");
    make_room(&run);
    run.stderr_line_with("ann: there is room again: updates are taken");
    assert_eq!(run.line(), "for you\n");
    run.terminate();
    let end = run.finish();
    assert!(end.code() == Some(0) && !end.stderr.contains("ann: updates wait"), "{}", end.stderr);
}

#[test]
fn a_deploy_onto_a_full_disk_fails_and_changes_nothing() {
    let long = |what: &str| format!("print('{what}')\n#{}\n", "x".repeat(200_000));
    // Neither the new file nor a copy of the old one finds room.
    for (old, new) in [("print('old')\n".to_owned(), long("new")), (long("old"), "print('new')\n".to_owned())] {
        let folder = HostFolder::new(&[
            (
                "tglhost.toml",
                "[accounts.house]\ntenants = [\"ann\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
            ),
            ("tenants/ann/tenant.toml", "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n"),
            ("tenants/ann/scripts/bot.py", &old),
            ("new.py", &new),
        ]);
        let mut host = folder.serve();
        assert_eq!(host.line(), "ann.bot: old\n");
        let runs = || folder.stands("ann/bot")["state"] == "running";
        wait_until("the script does not run", runs);
        bound_files(&host, "100000:unlimited");
        let new_path = folder.path("new.py").display().to_string();
        let refused = folder.ask(&["deploy", "ann/bot", &new_path]);
        assert!(refused.code() == Some(1) && refused.stderr.contains("cannot write"), "{}", refused.stderr);
        assert_eq!(std::fs::read_to_string(folder.path("tenants/ann/scripts/bot.py")).expect("it is there"), old);
        let left = std::fs::read_dir(folder.path("tenants/ann/scripts")).expect("it is there").count();
        assert!(left == 1 && runs(), "{left} files");
        make_room(&host);
        let deployed = folder.ask(&["deploy", "ann/bot", &new_path]);
        assert_eq!(deployed.code(), Some(0), "{}", deployed.stderr);
        assert_eq!(host.line(), "ann.bot: new\n");
        host.terminate();
        assert_eq!(host.finish().code(), Some(0));
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_beside_it() {
    let folder = HostFolder::new(&[("tglhost.toml", ""), ("tenants/ann/tenant.toml", "")]);
    let host = folder.serve();
    bound_files(&host, "1:unlimited");
    let names = || {
        let data = std::fs::read_dir(folder.path("data")).expect("it is there");
        let names = data.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("tokens")).collect::<Vec<_>>()
    };
    let refused = folder.ask(&["tenant", "token", "ann"]);
    assert!(refused.code() == Some(1) && refused.stderr.contains("cannot write"), "{}", refused.stderr);
    assert!(names().is_empty(), "{:?}", names());
    let refused = folder.ask(&["tenant", "add", "ben"]);
    assert!(refused.code() == Some(1) && refused.stderr.contains("cannot make"), "{}", refused.stderr);
    assert!(!folder.path("tenants/ben").exists());
    make_room(&host);
    assert_eq!(folder.ask(&["tenant", "token", "ann"]).code(), Some(0));
    assert_eq!(names(), ["tokens.json"]);
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}
