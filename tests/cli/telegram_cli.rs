//! `tglhost telegram-cli`: the command line that users have in their unit files.

use std::fs;

use tests::{Place, finish, wait_until};

const SCRIPT: &str = "import tgl
def on_get_difference_end():
    print('caught up')
    tgl.safe_exit(3)
tgl.set_on_get_difference_end(on_get_difference_end)
";
const TOKEN: &str = "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn a_unit_files_line_runs_the_script_and_says_which_flags_have_no_meaning() {
    let place = Place::new();
    let script = place.script("bot.py", SCRIPT).with_extension("").display().to_string();
    let line = ["telegram-cli", "-k", "tg-server.pub", "-WCR", "-P", "1234", "-p", "me", "-b", TOKEN, "-Z", &script];
    let run = finish(&mut place.command(&line), "");
    assert_eq!((run.code(), run.stdout.as_str()), (Some(3), "caught up\n"), "{}", run.stderr);
    for flag in
        ["-k/--rsa-key", "-W/--wait-dialog-list", "-C/--disable-colors", "-R/--disable-readline", "-P/--tcp-port"]
    {
        let said = run.stderr.lines().filter(|line| line.starts_with(&format!("{flag} has no meaning here: ")));
        assert_eq!(said.count(), 1, "{flag}: {}", run.stderr);
    }
    assert!(!run.stderr.contains(TOKEN), "a secret is shown: {}", run.stderr);

    let again = finish(&mut place.command(&["telegram-cli", "-p", "me", "-Z", &script]), "");
    assert_eq!((again.code(), again.stdout.as_str()), (Some(3), "caught up\n"), "{}", again.stderr);
}

#[test]
fn in_the_background_it_writes_to_its_log_file() {
    let place = Place::new();
    let script = place.script("bot.py", &SCRIPT.replace("tgl.safe_exit(3)", "pass")).display().to_string();
    let log = place.data.path().join("bot.log").display().to_string();
    let line = ["telegram-cli", "-d", "-b", TOKEN, "-L", &log, "-Z", &script];
    let run = finish(&mut place.command(&line), "");
    assert_eq!((run.code(), run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert!(run.stderr.contains("in the background"), "{}", run.stderr);
    wait_until("it writes", || fs::read_to_string(&log).expect("there from the start").contains("caught up\n"));
    let id = run.stderr.trim_end().rsplit(' ').next().expect("its number");
    let about = fs::read_to_string(format!("/proc/{id}/stat")).expect("it is there");
    let session = about.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(3));
    assert_eq!(session, Some(id), "it has left the terminal: {about}");
    let killed = std::process::Command::new("kill").arg(id).status();
    assert!(killed.expect("kill runs").success());
}

#[test]
fn what_cannot_be_run_is_said_before_anything_is_started() {
    let place = Place::new();
    let script = place.script("bot.py", SCRIPT).display().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["-d"], "-Z SCRIPT"),
        (&["-s", "bot.lua"], "Lua scripts do not run here"),
        (&["-d", "-Z", "/no/such.py"], "cannot run /no/such.py"),
        (&["-Z", &script, "-U", "no such user"], "there is no user \"no such user\""),
        (&["-Z", &script, "-L", "/no/such/log"], "cannot write to the log file /no/such/log"),
        (&["-Z", &script, "-p", "never logged in"], "cannot be an account's name"),
        (&["-Z", &script, "-p", "stranger"], "tglhost login stranger"),
    ];
    for (arguments, part) in cases {
        let run = finish(place.command(&["telegram-cli"]).args(*arguments), "");
        assert_eq!(run.code(), Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {part:?} is not in {}", run.stderr);
    }
}
