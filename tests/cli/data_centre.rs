//! `tglhost dc`, and logging in and running scripts at it.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::{Place, Process, finish, tglhost};

#[test]
fn it_is_ready_with_a_public_key_and_keeps_the_private_one_to_itself() {
    let place = Place::new();
    let pem = fs::read_to_string(&place.public_key).expect("readable");
    assert!(pem.starts_with("-----BEGIN RSA PUBLIC KEY-----"), "{pem}");
    let mut checked = 0;
    let mut folders = vec![place.data.path().join("dc")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("about it").permissions().mode();
            if entry.path().is_dir() {
                assert_eq!(mode & 0o077, 0, "{:?} is open to others", entry.path());
                folders.push(entry.path());
            } else if entry.path() != place.public_key {
                assert_eq!(mode & 0o077, 0, "{:?} is open to others", entry.path());
                checked += 1;
            }
        }
    }
    assert!(checked >= 2, "a key and a database");
}

#[test]
fn logins_succeed_and_fail_with_reasons() {
    let place = Place::new();
    // arguments after `login`, input, exit code, what stdout or stderr must say
    let cases: &[(&[&str], &str, i32, &str)] = &[
        (&["new", "--phone", "+9996631001"], "33333\nAda\n", 0, "Ada"),
        (&["again", "--phone", "9996631001", "--code", "33333"], "", 0, "Ada"),
        (&["wrong", "--phone", "9996631001", "--code", "11111"], "", 1, "code"),
        (&["nocode", "--phone", "9996631001"], "", 1, "no answer"),
        (&["abroad", "--phone", "+4930123456"], "", 1, "phone number"),
        (&["bot", "--bot-token", "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], "", 0, "4242"),
        (&["nobot", "--bot-token", "nonsense"], "", 1, "token"),
    ];
    for (arguments, input, code, part) in cases {
        let run = place.login(arguments, input);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code(), Some(*code), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {part:?} is not in {said}");
    }
    let run = finish(tglhost(&place.data.path().join("user")).args(["accounts", "--json"]), "");
    let lines = run.json_lines();
    let names: Vec<&str> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    assert_eq!(names, ["again", "bot", "new"], "only those that succeeded: {lines:?}");
    assert!(lines.iter().all(|line| line["data_centre"] == place.address.as_str()), "{lines:?}");
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let place = Place::new();
    let script = place.script("bot.py", "import tgl\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n");
    let secret = |name: &str, text: &str| place.script(name, text).display().to_string();
    let (code, empty) = (secret("code", "\u{feff}33333\r\n"), secret("empty", "\n33333\n"));
    let token = secret("token", "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let script = script.display().to_string();
    // arguments, a variable of the environment, exit code, what stdout or stderr must say
    type Case<'a> = (&'a [&'a str], (&'a str, &'a str), i32, &'a str);
    let cases: &[Case<'_>] = &[
        (&["run", &script, "--phone", "9996631001", "--code-file", &code], ("", ""), 0, "its first name is default"),
        (
            &["run", &script, "--account", "me", "--phone", "9996631002"],
            ("TGLHOST_CODE", "33333"),
            0,
            "first name is me",
        ),
        (&["login", "you", "--phone", "9996631003", "--code", "33333", "--first-name", "Yo"], ("", ""), 0, "as Yo"),
        (
            &["login", "odd", "--phone", "9996631005", "--code", "33333", "--first-name", "Yo\n\u{1b}[31m"],
            ("", ""),
            0,
            "as Yo\\n\\u{1b}[31m (",
        ),
        (&["login", "bot", "--bot-token-file", &token], ("", ""), 0, "4242"),
        (&["login", "bot"], ("TGLHOST_BOT_TOKEN", "4343:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0, "4343"),
        (
            &["run", &script, "--account", "b2"],
            ("TGLHOST_BOT_TOKEN", "4444:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            0,
            "b2 connects",
        ),
        (&["login", "x", "--phone", "9996631004", "--code-file", "/no/such"], ("", ""), 2, "cannot read /no/such"),
        (&["login", "x", "--phone", "9996631004", "--code-file", &empty], ("", ""), 2, "the first line of"),
        (&["login", "x", "--phone", "1", "--bot-token-file", &token], ("", ""), 2, "cannot be used with"),
        (
            &["login", "x", "--phone", "9996631004", "--code", "1", "--code-file", &code],
            ("", ""),
            2,
            "cannot be used with",
        ),
        (&["login", "x", "--first-name", "X"], ("", ""), 2, "--phone"),
        (&["login", "x", "--qr", "--phone", "1"], ("", ""), 2, "cannot be used with"),
        (&["login", "x", "--qr", "--bot-token-file", &token], ("", ""), 2, "cannot be used with"),
        (&["login", "x", "--password-file", &token], ("", ""), 2, "--qr"),
    ];
    for (arguments, (variable, value), exit_code, part) in cases {
        let mut command = place.command(arguments);
        if !variable.is_empty() {
            command.env(variable, value);
        }
        // The input stays open, as under a supervisor, and nothing comes.
        let run = Process::start(&mut command).finish();
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code(), Some(*exit_code), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {part:?} is not in {said}");
        assert!(!said.contains("33333") && !said.contains("AAAA"), "a secret is shown: {said}");
    }
    let help =
        finish(tglhost(place.data.path()).args(["login", "--help"]).env("TGLHOST_PASSWORD", "s3cr3t"), "").stdout;
    assert!(help.contains("TGLHOST_PASSWORD") && !help.contains("s3cr3t"), "{help}");
}

#[test]
fn a_session_is_never_tried_at_another_data_centre() {
    let (place, other) = (Place::new(), Place::new());
    place.sign_up("a", "9996631001", "Ann");
    let script = place.script("s.py", "");
    for verb in [&["run", "SCRIPT", "--account", "a"][..], &["login", "a", "--phone", "9996631001", "--code", "33333"]]
    {
        let mut command = tglhost(&place.data.path().join("user"));
        for argument in verb {
            if *argument == "SCRIPT" {
                command.arg(&script)
            } else {
                command.arg(argument)
            };
        }
        let run = finish(command.args(["--dc", &other.address, "--dc-key"]).arg(&other.public_key), "");
        assert_eq!(run.code(), Some(2), "{verb:?}: {}", run.stderr);
        assert!(run.stderr.contains("logged in at another data centre"), "{verb:?}: {}", run.stderr);
    }
    let again = place.login(&["a", "--phone", "9996631001", "--code", "33333"], "");
    assert_eq!(again.code(), Some(0), "{}", again.stderr);
}

#[test]
fn two_scripts_on_two_accounts_talk() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    let answering = place.script(
        "answering.py",
        "import tgl\ndef f(m):\n    if not m.out: m.src.send_msg('re: ' + m.text, reply=m.id)\ntgl.set_on_msg_receive(f)\ntgl.set_on_get_difference_end(lambda: print('up'))\n",
    );
    let asking = place.script(
        "asking.py",
        "import tgl\n\
         def added(ok, peers):\n\
         \x20   for n in range(3): peers[0].send_msg('q%d' % n)\n\
         tgl.add_contact('9996631001', 'Ann', '', added)\n\
         def f(m):\n\
         \x20   if m.out: return\n\
         \x20   print(m.src.first_name, m.text, m.reply.text if m.reply else None)\n\
         \x20   if m.text == 're: q2': tgl.safe_exit(9)\n\
         tgl.set_on_msg_receive(f)\n",
    );
    let mut first = Process::start(place.command(&["run", "--account", "a"]).arg(answering));
    assert_eq!(first.line(), "up\n");
    let second = finish(place.command(&["run", "--account", "b"]).arg(asking), "");
    assert_eq!(second.stdout, "Ann re: q0 q0\nAnn re: q1 q1\nAnn re: q2 q2\n", "{}", second.stderr);
    assert_eq!(second.code(), Some(9));
}

#[test]
fn a_data_centre_that_is_down_or_speaks_garbage_is_named() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
    let garbage = TcpListener::bind("127.0.0.1:0").expect("a port");
    let garbage_address = garbage.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        for mut stream in garbage.incoming().flatten() {
            let _ = stream.write_all(&[0x15; 4096]);
        }
    });
    for address in [closed, garbage_address] {
        let mut command = tglhost(place.data.path());
        command.args(["login", "x", "--phone", "9996631001", "--dc", &address, "--dc-key"]).arg(&place.public_key);
        let run = finish(&mut command, "");
        assert_eq!(run.code(), Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(&address), "{}", run.stderr);
    }
}

#[test]
fn an_outage_is_said_once_and_survived() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    let script = place.script("up.py", "import tgl\ntgl.set_on_get_difference_end(lambda: print('up'))\n");
    let mut run = Process::start(place.command(&["run", "--account", "a"]).arg(&script));
    assert_eq!(run.line(), "up\n");
    run.stderr_line_with("is online");
    let Place { data, address, data_centre, .. } = place;
    data_centre.kill();
    run.stderr_line_with("is not connected");
    let _place = Place::at(data, &address);
    run.stderr_line_with("is online");
}

#[test]
fn a_damaged_session_is_named_and_left_alone() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    let path = place.data.path().join("user/accounts/a/account.db");
    let damaged = vec![0x5a_u8; 8192];
    fs::write(&path, &damaged).expect("written");
    for journal in ["account.db-wal", "account.db-shm"] {
        let _ = fs::remove_file(path.with_file_name(journal));
    }
    let script = place.script("s.py", "");
    let run = finish(place.command(&["run", "--account", "a"]).arg(script), "");
    assert_eq!(run.code(), Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("account.db") && run.stderr.contains("damaged"), "{}", run.stderr);
    assert_eq!(fs::read(Path::new(&path)).expect("still there"), damaged, "it was not touched");
}
