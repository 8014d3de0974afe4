//! Bad input gets an error that says what, why and what to do, and loses nothing.

use std::fs;

use tempfile::TempDir;
use tests::{after, binary, finish, tglhost};

/// A component that passes an instance with nothing in it off as the callbacks of a script: it compiles, and cannot be linked.
const MISFIT: &[u8] = b"\0asm\x0d\0\x01\0\x07\x03\x01\x42\0\x0a\x1b\x01\0\x16tgl:script/calls@0.1.0\x05\0\
    \x0b\x20\x01\0\x1atgl:script/callbacks@0.1.0\x05\0\0";

#[test]
fn files_that_cannot_be_run_say_why() {
    /// A file's name, its content if it is there, and what the error must say.
    type Case = (&'static str, Option<&'static [u8]>, &'static [&'static str]);
    let cases: &[Case] = &[
        ("missing.py", None, &["missing.py", "No such file"]),
        ("latin.py", Some(b"# ok\nname = 'caf\xe9'\n"), &["latin.py", "not UTF-8", "line 2", "save it as UTF-8"]),
        (
            "wrong.py",
            Some(b"# coding: cp1251x\nname = '\xe9'\n"),
            &["wrong.py", "not UTF-8", "line 2", "coding: latin-1"],
        ),
        ("garbage.py", Some(b"# coding: shift_jis\nname = '\xff'\n"), &["garbage.py", "not UTF-8", "line 2"]),
        ("broken.py", Some(b"x = 1\ndef f(:\n    pass\n"), &["broken.py", "line 2", "SyntaxError"]),
        ("old.py", Some(b"print 'hello'\n"), &["old.py", "SyntaxError", "Python 2"]),
        (
            "raises.py",
            Some(b"import nothing_like_this\n"),
            &["raises.py", "line 1", "ModuleNotFoundError", "pip install --target"],
        ),
        ("text.wasm", Some(b"not wasm at all"), &["text.wasm", "not a WebAssembly file"]),
        ("module.wasm", Some(b"\0asm\x01\0\0\0"), &["module.wasm", "core WebAssembly module"]),
        ("empty.wasm", Some(b"\0asm\x0d\0\x01\0"), &["empty.wasm", "tgl:script"]),
        ("misfit.wasm", Some(MISFIT), &["misfit.wasm", "does not fit the contract in wit/v0.1"]),
    ];
    for (name, content, parts) in cases {
        let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
        let path = scripts.path().join(name);
        if let Some(content) = content {
            fs::write(&path, content).expect("written");
        }
        let run = finish(tglhost(data.path()).arg("run").arg(&path), "!ping\n");
        let code = if content.is_some() { 1 } else { 2 };
        assert_eq!(run.code(), Some(code), "{name}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{name}");
        for part in *parts {
            assert!(run.stderr.contains(part), "{name}: {part:?} is not in {}", run.stderr);
        }
    }
}

#[test]
fn a_command_line_that_cannot_be_meant_ends_with_2_and_says_why() {
    let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let bot = scripts.path().join("bot.py").display().to_string();
    fs::write(&bot, "").expect("written");
    let folder = scripts.path().display().to_string();
    let none = scripts.path().join("none").display().to_string();
    let pipe = scripts.path().join("pipe").display().to_string();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let under_a_file = format!("{bot}/data");
    // arguments, what the error must say
    let cases: &[(&[&str], &str)] = &[
        (&["run", &folder], "it is a folder"),
        (&["run", "/dev/null"], "it is no regular file"),
        (&["run", "-"], "save the script in a file"),
        (&["run", &bot, "--proxy", "socks5://127.0.0.1:1"], "--proxy is for an account of your own"),
        (&["run", &bot, "--account", "me", "--proxy", "gopher://x", "--phone", "1"], "--proxy names no proxy"),
        (&["run", &bot, "--dc", "127.0.0.1:1", "--dc-key", &none], "cannot read the data centre's public key"),
        (&["login", "me", "--phone", "1", "--dc", "127.0.0.1:1", "--dc-key", &bot], "is not an RSA public key"),
        (&["login", "me", "--phone", "1", "--dc", "127.0.0.1:1", "--dc-key", &pipe], "is no regular file"),
        (&["run", &bot, "--data", &under_a_file], "cannot make the folder"),
        (&["accounts", "--data", &none], "there is no data directory"),
        (&["scripts", "--data", &none], "there is no data directory"),
        (&["forget", "bot.py", "--data", &none], "there is no data directory"),
        (&["compile-workers"], "unrecognized subcommand"),
        (&["help", "nothing"], "unrecognized subcommand"),
    ];
    for (arguments, part) in cases {
        let run = finish(tglhost(data.path()).args(*arguments), "");
        assert_eq!(run.code(), Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {part:?} is not in {}", run.stderr);
        assert!(!run.stderr.contains("compile-worker'"), "{}", run.stderr);
    }
    assert!(!scripts.path().join("none").exists(), "nothing is made");
}

#[test]
fn help_puts_options_in_groups() {
    let data = TempDir::new().expect("a folder");
    // a verb, and what its headings are
    let cases: &[(&str, &[&str])] = &[
        ("run", &["Arguments", "Options", "Account", "Scripts", "Folders", "Everywhere", "Environment", "Exit codes"]),
        ("login", &["Arguments", "Options", "Account", "Everywhere"]),
        ("telegram-cli", &["Options", "Account", "Scripts", "Folders", "Everywhere", "Exit codes"]),
    ];
    for (verb, headings) in cases {
        let help = finish(tglhost(data.path()).args(["help", verb]), "").stdout;
        for heading in *headings {
            assert!(help.lines().any(|line| line == format!("{heading}:")), "{verb}: {heading} is not in {help}");
        }
        let (_, rest) = help.split_once("\nOptions:\n").expect("options");
        let options: String = rest.lines().take_while(|line| line.is_empty() || line.starts_with(' ')).collect();
        assert!(!["--dc", "--dir", "--brake"].iter().any(|other| options.contains(other)), "{verb}: {options}");
    }
}

#[test]
fn the_suffix_may_be_left_off() {
    let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    fs::write(scripts.path().join("bot.py"), "print(__name__)").expect("written");
    let run = finish(tglhost(data.path()).arg("run").arg(scripts.path().join("bot")), "");
    assert_eq!(run.stdout, "bot\n", "{}", run.stderr);
}

#[test]
fn accounts_that_are_not_there_say_how_to_make_them() {
    let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    fs::write(scripts.path().join("bot.py"), "").expect("written");
    let bot = scripts.path().join("bot.py");
    // arguments, exit code, what the error must say
    let cases: &[(&[&str], i32, &str)] = &[
        (&["run", "BOT", "--account", "nobody"], 2, "tglhost login nobody"),
        (&["run", "BOT", "--account", "../up"], 2, "cannot be an account's name"),
        (&["login", "me", "--phone", "+12025550123"], 1, "https://my.telegram.org/apps"),
        (&["login", "me"], 2, "--phone NUMBER"),
    ];
    const VARIABLES: [&str; 5] =
        ["TGLHOST_API_ID", "TGLHOST_API_HASH", "TGLHOST_BOT_TOKEN", "TGLHOST_CODE", "TGLHOST_CACHE_MIB_MAX"];
    for (arguments, code, part) in cases {
        let mut command = tglhost(data.path());
        // An empty variable is none.
        command.env("XDG_CONFIG_HOME", data.path()).envs(VARIABLES.map(|name| (name, "")));
        for argument in *arguments {
            if *argument == "BOT" {
                command.arg(&bot)
            } else {
                command.arg(argument)
            };
        }
        let run = finish(&mut command, "");
        assert_eq!(run.code(), Some(*code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_config_file_that_is_no_toml_does_not_show_its_secret() {
    let data = TempDir::new().expect("a folder");
    let folder = data.path().join("tglhost");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("tglhost.toml"), "[telegram]\napi_hash = \"s3cr3t\n").expect("written");
    let run =
        finish(tglhost(data.path()).env("XDG_CONFIG_HOME", data.path()).args(["login", "me", "--phone", "1"]), "");
    assert!(run.stderr.contains("tglhost.toml") && !run.stderr.contains("s3cr3t"), "{}", run.stderr);
}

#[test]
fn folders_that_cannot_be_given_are_said() {
    let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let bot = scripts.path().join("bot.py");
    fs::write(&bot, "").expect("written");
    let given = |guest: &str| format!("{}:{guest}", scripts.path().display());
    // what is given, what the error must say
    let cases = [
        (vec![given("data")], "must begin with a slash"),
        (vec![given("/data:rx")], "\"rx\" is no way to give a folder: leave it out"),
        (vec!["/no/such/folder:/data".to_owned()], "is not a folder"),
        (vec![format!("{}:/data", bot.display())], "is not a folder"),
        (vec![scripts.path().display().to_string()], "HOST:GUEST"),
        (vec![given("/")], "/ is there already, as the script's own"),
        (vec![given("/home")], "/home is there already, as the script's own: choose a place beside it or in it"),
        (vec![given("/script")], "/script is there already"),
        (vec![given("/script/a"), given("/home/a")], "clashes with /script/a"),
        (vec![given("/a"), given("/a/b:rw")], "clashes with /a"),
    ];
    for (folders, part) in cases {
        let mut command = tglhost(data.path());
        command.arg("run").arg(&bot);
        for folder in &folders {
            command.arg("--dir").arg(folder);
        }
        let run = finish(&mut command, "");
        assert_eq!(run.code(), Some(2), "{folders:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{folders:?}: {}", run.stderr);
    }
}

#[test]
fn too_few_open_files_are_told_with_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let scripts: Vec<_> = (0..100).map(|number| folder.path().join(format!("bots/{number}.py"))).collect();
    fs::create_dir(folder.path().join("bots")).expect("made");
    scripts.iter().for_each(|script| fs::write(script, "").expect("written"));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 128; exec \"$@\"", "sh"]).arg(binary()).arg("run").args(&scripts);
    let run = finish(command.arg("--data").arg(folder.path().join("data")), "");
    assert_eq!(run.code(), Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("Too many open files") && run.stderr.contains("ulimit -n"), "{}", run.stderr);
}

#[test]
fn an_empty_name_of_the_data_directory_is_none() {
    let home = TempDir::new().expect("a folder");
    let usual = home.path().join("tglhost");
    let mut command = tglhost(home.path());
    command.env("TGLHOST_DATA", "").env("XDG_DATA_HOME", home.path());
    let run = finish(command.args(["run", "--account", "nobody", "bot.py"]).current_dir(home.path()), "");
    assert_eq!(run.code(), Some(2), "{}", run.stderr);
    fs::write(home.path().join("bot.py"), "").expect("written");
    let run = finish(&mut command, "");
    assert!(run.code() == Some(2) && run.stderr.contains("nobody is logged in"), "{}", run.stderr);
    assert!(usual.is_dir(), "it is where the platform has it");
}

#[test]
fn a_reason_is_said_once() {
    let data = TempDir::new().expect("a folder");
    fs::write(data.path().join("embedded"), "").expect("written");
    let ended = finish(tglhost(data.path()).arg("dc"), "");
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("Not a directory").count(), 1, "{}", ended.stderr);
}

#[test]
fn too_few_open_files_end_a_command_with_what_to_do() {
    let data = TempDir::new().expect("a folder");
    let script = data.path().join("bot.py");
    fs::write(&script, "").expect("written");
    let mut run = tglhost(data.path());
    run.arg("run").arg(&script);
    for command in [&run, tglhost(data.path()).arg("dc")] {
        let ended = finish(&mut after("ulimit -n 30", command), "");
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        let told = "only 30 files may be open at one time, and tglhost needs 128 and more: allow it more (`ulimit -n`";
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}
