//! Logging in by a QR code: stock Telethon shows and accepts, and accepts what tglhost shows, by each verb that logs in.
//!
//! Invariant: a code that was shown is in no log.

use std::process::Command;

use datacentre::{Config, DataCentre};
use serde_json::{Value, json};
use tests::{HostFolder, Place, Process, run_inside, wait_until};
use tokio::runtime::Runtime;

use crate::chat::{Chat, Library};
use crate::{DC_ID, settings};

const ANN: (&str, &str) = ("9996620001", "Ann");
const BEN: (&str, &str) = ("9996620002", "Ben");
const PASSWORD: &str = "correct horse battery staple";

#[test]
fn telethon_accepts_what_telethon_shows() {
    run_inside("qr::telethon_accepts_what_telethon_shows", || {
        let scene = Scene::new();
        let (mut ann, mut ben) = (scene.person(ANN), scene.person(BEN));
        let shows = |label, name, settings: &Value, on_code: &mut dyn FnMut(&str)| {
            let mut all = scene.settings((label, name));
            all.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
            Chat::start_by_qr(Library::Telethon, &all, on_code)
        };
        let shown = shows("9996620011", ANN.1, &json!({"qr": []}), &mut |url| {
            assert_eq!(ann.ask(json!({"do": "accept", "url": url}))["password_pending"], false);
            refused(&mut ben, url, "AUTH_TOKEN_ALREADY_ACCEPTED");
        });
        assert_eq!(shown.id, ann.id);

        // One code expires, and the user who must not accept the next one is refused.
        let faults = scene.place.data_centre.faults();
        faults.set_login_token_life(2);
        let mut expired = None;
        let shown = shows("9996620012", BEN.1, &json!({"qr": [ann.id]}), &mut |url| match &expired {
            None => {
                expired = Some(url.to_owned());
                faults.set_login_token_life(30);
            }
            Some(expired) => {
                refused(&mut ben, expired, "AUTH_TOKEN_EXPIRED");
                refused(&mut ann, url, "AUTH_TOKEN_EXCEPTION");
                ben.ask(json!({"do": "accept", "url": url}));
            }
        });
        assert!(shown.id == ben.id && expired.is_some());
        refused(&mut ben, "tg://login?token=AAAA", "AUTH_TOKEN_INVALIDX");

        ann.ask(json!({"do": "set_password", "password": PASSWORD}));
        let mut shown = shows("9996620013", ANN.1, &json!({"qr": [], "password": PASSWORD}), &mut |url| {
            assert_eq!(ann.ask(json!({"do": "accept", "url": url}))["password_pending"], true);
        });
        let sent = shown.ask(json!({"do": "send", "user": shown.id, "text": "by QR code"}))["id"].clone();
        let history = ann.ask(json!({"do": "history", "user": ann.id, "limit": 1}));
        assert_eq!(history["messages"][0]["id"], sent);

        // A login that is sent on goes on at the other data centre, under another key.
        faults.send_on_next_logins(1);
        let shown = shows("9996620014", ANN.1, &json!({"qr": [], "password": PASSWORD}), &mut |url| {
            ann.ask(json!({"do": "accept", "url": url}));
        });
        assert_eq!(shown.id, ann.id);
    });
}

#[test]
fn telethon_accepts_what_one_scripts_login_shows() {
    run_inside("qr::telethon_accepts_what_one_scripts_login_shows", || {
        let scene = Scene::new();
        let (mut ann, mut ben) = (scene.person(ANN), scene.person(BEN));
        let script = scene.place.script("bot.py", "print('at work')\n").display().to_string();
        let faults = scene.place.data_centre.faults();
        faults.set_login_token_life(2);
        for (account, verb) in [
            ("one", &["login", "one", "--qr"][..]),
            ("two", &["run", &script, "--account", "two", "--qr"]),
            ("three", &["telegram-cli", "-Z", &script, "-p", "three", "--qr"]),
        ] {
            let mut shows = scene.start(verb);
            let expired = code(&mut shows);
            faults.set_login_token_life(30);
            let url = code_after(&mut shows, &expired);
            refused(&mut ben, &expired, "AUTH_TOKEN_EXPIRED");
            ann.ask(json!({"do": "accept", "url": url}));
            if verb[0] == "login" {
                let ended = shows.finish();
                assert!(ended.code() == Some(0) && ended.stdout.contains("one is logged in as Ann"), "{ended:?}");
                assert!(!ended.stderr.contains(&url), "{ended:?}");
            } else {
                assert_eq!(shows.line(), "at work\n", "{account}");
                shows.terminate();
                assert_eq!(shows.finish().code(), Some(0));
            }
            faults.set_login_token_life(2);
        }
        // As data, and for whoever has the account already there is nothing to be scanned.
        faults.set_login_token_life(30);
        let ended = scene.start(&["login", "one", "--qr", "--json"]).finish();
        let lines = ended.json_lines();
        assert_eq!((lines.len(), &lines[0]["kind"], &lines[0]["user_id"]), (1, &json!("logged_in"), &ann.id));

        ann.ask(json!({"do": "set_password", "password": PASSWORD}));
        let password = scene.place.script("password", PASSWORD).display().to_string();
        let mut shows = scene.start(&["login", "with-password", "--qr", "--json"]);
        let line: Value = serde_json::from_str(&shows.line()).expect("JSON");
        tests::check_line(&line);
        assert!(line["account"] == "with-password" && line["expires_in_s"].as_u64() <= Some(30), "{line}");
        ann.ask(json!({"do": "accept", "url": line["url"]}));
        shows.close_input();
        let ended = shows.finish();
        assert!(ended.code() == Some(1) && ended.stdout.contains("no answer to"), "{ended:?}");
        // What was accepted is so still.
        for (options, code, told) in [
            (["--password", "wrong"], 1, "the password is wrong"),
            (["--password-file", &password], 0, "with-password is logged in as Ann"),
        ] {
            let ended = scene.start(&[&["login", "with-password", "--qr"], &options[..]].concat()).finish();
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(ended.code() == Some(code) && said.contains(told), "{options:?}: {ended:?}");
        }

        // An account that was Ben's stays Ben's.
        scene.place.sign_up("bens", "9996620002", "Ben");
        ben.ask(json!({"do": "log_others_out"}));
        let mut shows = scene.start(&["login", "bens", "--qr", "--password-file", &password]);
        let url = code(&mut shows);
        ann.ask(json!({"do": "accept", "url": url}));
        let ended = shows.finish();
        let why = format!("has accepted the QR code, but this account belongs to the user {}", ben.id);
        assert!(ended.code() == Some(1) && ended.stderr.contains(&why), "{ended:?}");
        let mut shows = scene.start(&["login", "bens", "--qr"]);
        let url = code(&mut shows);
        ben.ask(json!({"do": "accept", "url": url}));
        assert!(shows.finish().stdout.contains("bens is logged in as Ben"));
    });
}

#[test]
fn telethon_accepts_what_a_host_shows() {
    run_inside("qr::telethon_accepts_what_a_host_shows", || {
        let scene = Scene::new();
        let (mut ann, mut ben) = (scene.person(ANN), scene.person(BEN));
        let at = format!(
            "data_centre.at = {{ address = \"{}\", dc_id = 2, key_file = {:?} }}\n",
            scene.place.address,
            scene.place.public_key.display().to_string()
        );
        let tenant = "[scripts.bot]\nfile = \"bot.py\"\naccount = \"own\"\n";
        let folder = HostFolder::new(&[
            ("tglhost.toml", "[http]\nlisten = \"127.0.0.1:0\"\n"),
            ("tenants/ann/tenant.toml", &format!("[accounts.own]\n{at}{tenant}")),
            ("tenants/ann/scripts/bot.py", "print('ann is at work')\n"),
            ("tenants/ben/tenant.toml", &format!("[accounts.own]\n{at}{tenant}")),
            ("tenants/ben/scripts/bot.py", "print('ben is at work')\n"),
        ]);
        let mut host = Process::start(folder.command(&["serve"]).env("TGLHOST_LOG", "debug,telegram=trace"));
        let line = host.stderr_line_with("Tenants reach the host at");
        let (_, address) = line.split_once("http://").expect("an address");
        let http = format!("http://{}", address.trim_end().trim_end_matches(['.', '/']));
        let token = folder.ask(&["tenant", "token", "ben"]).stdout;
        let by_socket = |options: &[&str]| {
            Process::start(&mut folder.command(&[&["account", "login", "ann.own", "--qr"], options].concat()))
        };
        let by_http = |account: &str| {
            let mut command = Command::new(tests::binary());
            command.args(["account", "login", account, "--qr", "--at", &http]).env("TGLHOST_TOKEN", token.trim_end());
            Process::start(&mut command)
        };
        let mut codes = Vec::new();

        // Who shows a code goes away: that login is ended for whoever begins another one, which takes its place at once.
        let mut gone = by_socket(&[]);
        codes.push(code(&mut gone));
        gone.kill();
        let mut displaced = by_socket(&[]);
        codes.push(code(&mut displaced));
        refused(&mut ann, &codes[0], "AUTH_TOKEN_EXPIRED");
        scene.place.data_centre.faults().set_login_token_life(2);
        let mut shows = by_socket(&[]);
        let ended = displaced.finish();
        assert!(ended.code() == Some(1) && ended.stderr.contains("another login of ann.own was begun"), "{ended:?}");
        // One code follows the other.
        codes.push(code(&mut shows));
        scene.place.data_centre.faults().set_login_token_life(30);
        let url = code_after(&mut shows, &codes[2]);
        ann.ask(json!({"do": "accept", "url": url}));
        codes.push(url);
        let ended = shows.finish();
        assert!(ended.stdout.contains("ann.own is logged in as Ann"), "{ended:?}");
        while host.line() != "ann.bot: ann is at work\n" {}
        let again = by_socket(&[]).finish();
        assert!(again.code() == Some(1) && again.stderr.contains("somebody is logged in"), "{again:?}");

        // A tenant, to what is its own, with a password that it is asked for.
        ben.ask(json!({"do": "set_password", "password": PASSWORD}));
        let refused_there = by_http("ann.own").finish();
        assert!(refused_there.stderr.contains("there is no account \"ann.own\" of yours"), "{refused_there:?}");
        let mut shows = by_http("ben.own");
        codes.push(code(&mut shows));
        ben.ask(json!({"do": "accept", "url": codes[4]}));
        shows.stderr_line_with("2FA password");
        shows.write(format!("{PASSWORD}\n"));
        shows.close_input();
        let ended = shows.finish();
        assert!(ended.stdout.contains("ben.own is logged in as Ben"), "{ended:?}");
        while host.line() != "ben.bot: ben is at work\n" {}

        // Logged out, it stays the user's.
        ben.ask(json!({"do": "log_others_out"}));
        wait_until("the host has heard of it", || folder.ask(&["account", "list"]).stdout.contains("logged-out"));
        let mut shows = by_http("ben.own");
        codes.push(code(&mut shows));
        ann.ask(json!({"do": "accept", "url": codes[5]}));
        let ended = shows.finish();
        assert!(ended.code() == Some(1) && ended.stderr.contains("but this account belongs to"), "{ended:?}");

        host.terminate();
        let said = host.finish();
        for url in &codes {
            let token = url.rsplit('=').next().expect("a token");
            assert!(!said.stderr.contains(token) && !said.stdout.contains(token), "{}", said.stderr);
        }
    });
}

/// A data centre whose faults are at hand, and people there.
struct Scene {
    place: Place<DataCentre>,
    /// What the data centre runs on.
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let (data, runtime) = (tempfile::tempdir().expect("a folder"), Runtime::new().expect("a tokio runtime"));
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: data.path().join("dc"), dc_id: DC_ID };
        let data_centre = runtime.block_on(DataCentre::start(config)).expect("a data centre");
        let (address, public_key) = (data_centre.address.to_string(), data_centre.public_key_path.clone());
        Self { place: Place { data, address, public_key, data_centre }, _runtime: runtime }
    }

    fn settings(&self, (phone, name): (&str, &str)) -> Value {
        let Place { data, data_centre, public_key, .. } = &self.place;
        settings(data_centre.address, public_key, data.path(), phone, name)
    }

    fn person(&self, who: (&str, &str)) -> Chat {
        Chat::start(Library::Telethon, &self.settings(who))
    }

    /// A command at this data centre.
    fn start(&self, arguments: &[&str]) -> Process {
        Process::start(&mut self.place.command(arguments))
    }
}

/// The link of the next code that a command shows.
fn code(shows: &mut Process) -> String {
    let said = shows.stderr_until("tg://login?token=");
    assert!(said.contains(" ▄▄▄▄▄ █"), "{said}");
    said.lines().next_back().expect("a line").trim().to_owned()
}

/// The link of the first code that is another than this.
fn code_after(shows: &mut Process, before: &str) -> String {
    loop {
        let next = code(shows);
        if next != before {
            return next;
        }
    }
}

/// A client accepts a code, and is refused.
fn refused(person: &mut Chat, url: &str, why: &str) {
    let answer = person.try_to(json!({"do": "accept", "url": url}));
    // Telethon has names of its own for most.
    let letters = |text: &str| text.replace('_', "").to_lowercase();
    let is_why = |error: &str| letters(error).contains(&letters(why));
    assert!(answer["event"] == "failed" && answer["error"].as_str().is_some_and(is_why), "{answer}");
}
