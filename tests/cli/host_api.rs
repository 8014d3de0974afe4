//! How a host at work is asked: by its owner at the socket, by tenants with tokens, by Prometheus.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use tests::{Finished, HostFolder, Place, Process, finish, wait_until};

/// Two tenants, a script each, on an account that both share; and ports that are listened at.
fn folder() -> HostFolder {
    let tenant =
        "[grants]\ncalls = [\"read\"]\nchats = [\"users\"]\n[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n";
    HostFolder::new(&[
        (
            "tglhost.toml",
            "[http]\nlisten = \"127.0.0.1:0\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n\
             [accounts.house]\ntenants = [\"ann\", \"ben\"]\n\
             data_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/tenant.toml", tenant),
        ("tenants/ann/scripts/bot.py", "print('I am the first')\n"),
        ("tenants/ben/tenant.toml", tenant),
        ("tenants/ben/scripts/bot.py", "print('I am ben')\n"),
    ])
}

/// The address that the host says after these words.
fn address(host: &mut Process, words: &str) -> String {
    let line = host.stderr_line_with(words);
    let (_, rest) = line.split_once("http://").expect("an address");
    rest.trim_end().trim_end_matches(['.', '/']).trim_end_matches("/metrics").to_owned()
}

/// A host at work, and its two addresses.
pub(crate) fn served(folder: &HostFolder) -> (Process, String, String) {
    let mut host = Process::start(&mut folder.command(&["serve"]));
    let http = address(&mut host, "Tenants reach the host at");
    let metrics = address(&mut host, "Metrics are at");
    host.stderr_line_with("Serves ");
    (host, http, metrics)
}

/// A question in HTTP, and the whole answer.
fn asked(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).expect("it listens");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// A tenant's own command, by its token.
pub(crate) fn ask_as(folder: &HostFolder, http: &str, token: &str, verb: &[&str]) -> Finished {
    let mut command = std::process::Command::new(tests::binary());
    command.args(verb).args(["--at", &format!("http://{http}")]).env("TGLHOST_TOKEN", token);
    command.current_dir(folder.path("."));
    finish(&mut command, "")
}

pub(crate) fn token(folder: &HostFolder, tenant: &str) -> String {
    let made = folder.ask(&["tenant", "token", tenant]);
    assert_eq!(made.code(), Some(0), "{}", made.stderr);
    made.stdout.trim_end().to_owned()
}

#[test]
fn a_tenant_reaches_what_is_its_own_and_nothing_else() {
    let folder = folder();
    let (host, http, _) = served(&folder);
    let ann = token(&folder, "ann");
    let as_ann = |verb: &[&str]| ask_as(&folder, &http, &ann, verb);
    let listed = as_ann(&["ps"]);
    assert_eq!(listed.code(), Some(0), "{}", listed.stderr);
    assert!(listed.stdout.contains("ann/bot") && !listed.stdout.contains("ben"), "{}", listed.stdout);
    assert_eq!(as_ann(&["stop", "ann/bot"]).code(), Some(0));
    assert_eq!(folder.stands("ann/bot")["state"], "stopped");
    assert_eq!(as_ann(&["start", "ann/bot"]).code(), Some(0));
    let accounts = as_ann(&["account", "list"]);
    assert!(accounts.stdout.contains("house\tonline\t1 scripts"), "{}", accounts.stdout);
    // What is another's is as good as not there; what is the owner's is refused.
    for (verb, why) in [
        (&["stop", "ben/bot"][..], "there is no script ben/bot"),
        (&["logs", "ben/bot"], "there is no script ben/bot"),
        (&["deploy", "ben/bot", "tenants/ann/scripts/bot.py"], "there is no script ben/bot"),
        (&["stop", "ben/nothing"], "there is no script ben/nothing"),
        (&["reload"], "only the host's owner can do this"),
        (&["tenant", "add", "cy"], "only the host's owner can do this"),
        (&["tenant", "rm", "ben"], "only the host's owner can do this"),
        (&["tenant", "token", "ben"], "only the host's owner can do this"),
    ] {
        let refused = as_ann(verb);
        assert!(refused.code() == Some(1) && refused.stderr.contains(why), "{verb:?}: {}", refused.stderr);
    }
    wait_until("it runs", || folder.stands("ben/bot")["state"] == "running");
    assert_eq!(folder.ask(&["tenant", "token", "ann", "--revoke"]).code(), Some(0));
    let refused = as_ann(&["ps"]);
    assert!(refused.code() == Some(1) && refused.stderr.contains("this needs a tenant's token"), "{}", refused.stderr);
    host.terminate();
    let said = host.finish();
    assert!(!said.stderr.contains(&ann) && said.code() == Some(0), "{}", said.stderr);
}

#[test]
fn whoever_asks_badly_is_told_and_holds_up_nobody() {
    let folder = folder();
    let (host, http, metrics) = served(&folder);
    let ann = token(&folder, "ann");
    // Half a question each, that nobody waits for.
    let _silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(&http).expect("it listens")).collect();
    let garbled = UnixStream::connect(folder.path("data/control.sock")).and_then(|mut socket| {
        socket.write_all(b"\x00\xff no http\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).map(|_| answer)
    });
    assert!(garbled.is_ok_and(|answer| answer.starts_with("HTTP/1.1 400")));
    let bearer = format!("Authorization: Bearer {ann}");
    for (head, status) in [
        ("GET /health HTTP/1.1".to_owned(), "200"),
        ("GET /v1/scripts HTTP/1.1".to_owned(), "401"),
        ("GET /v1/scripts HTTP/1.1\r\nAuthorization: Bearer tglhost_guess".to_owned(), "401"),
        ("GET /v1/openapi.json HTTP/1.1".to_owned(), "401"),
        (format!("GET /v1/scripts HTTP/1.1\r\n{bearer}"), "200"),
        (format!("GET /v1/nothing HTTP/1.1\r\n{bearer}"), "404"),
        (format!("GET /v1/scripts/..%2F..%2Fhouse/bot HTTP/1.1\r\n{bearer}"), "404"),
        (format!("DELETE /v1/scripts HTTP/1.1\r\n{bearer}"), "405"),
        (format!("GET /v1/scripts/ann/bot/log?lines=many HTTP/1.1\r\n{bearer}"), "400"),
        (format!("POST /v1/tenants HTTP/1.1\r\nContent-Length: 9\r\n{bearer}\r\nX: no json"), "403"),
    ] {
        let answer = asked(&http, &head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
        assert!(!answer.contains("ben"), "{head}: {answer}");
    }
    assert!(asked(&metrics, "GET /v1/scripts HTTP/1.1").starts_with("HTTP/1.1 404"), "metrics are all there is there");
    let too_often = (0..200).any(|_| asked(&http, "GET /v1/scripts HTTP/1.1").starts_with("HTTP/1.1 429"));
    assert!(too_often, "who guesses is slowed down");
    assert!(
        asked(&http, &format!("GET /v1/scripts HTTP/1.1\r\n{bearer}")).starts_with("HTTP/1.1 200"),
        "others are not"
    );
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_new_version_is_deployed_and_one_that_cannot_run_changes_nothing() {
    let folder = folder();
    let (mut host, http, _) = served(&folder);
    let ann = token(&folder, "ann");
    // Longer than any other question may be.
    folder.write("new.py", &format!("print('I am the second')\n#{}\n", "x".repeat(200_000)));
    let deployed = ask_as(&folder, &http, &ann, &["deploy", "ann/bot", "new.py"]);
    assert_eq!(deployed.code(), Some(0), "{}", deployed.stderr);
    while host.line() != "ann.bot: I am the second\n" {}
    let kept = fs::read_to_string(folder.path("tenants/ann/scripts/bot.py")).expect("it is there");
    let asks_badly = b"# /// tglhost\n# calls = [\n# ///\n";
    let rows =
        [(&b"print('\xff')\n"[..], "it cannot be run"), (b"print('\n", "SyntaxError"), (asks_badly, "bot.py:2:12")];
    for (bad, why) in rows {
        fs::write(folder.path("bad.py"), bad).expect("written");
        let refused = ask_as(&folder, &http, &ann, &["deploy", "ann/bot", "bad.py"]);
        assert!(refused.code() == Some(1) && refused.stderr.contains(why), "{}", refused.stderr);
        assert_eq!(fs::read_to_string(folder.path("tenants/ann/scripts/bot.py")).expect("it is there"), kept);
    }
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    let left = || fs::read_dir(folder.path("tenants/ann/scripts")).expect("a folder").count();
    assert_eq!(left(), 1, "nothing lies beside it");
    host.kill();
    // As an end in the middle of a deploy leaves it.
    folder.write("tenants/ann/scripts/.old-bot.py", "print('I was here before')\n");
    folder.write("tenants/ann/scripts/.copy-bot.py", "print('I am ha");
    folder.write("tenants/ben/scripts/.copy-bot.py", "print('I am ha");
    let mut host = folder.serve();
    while host.line() != "ann.bot: I was here before\n" {}
    assert_eq!(left(), 1, "nothing lies beside it");
    let of_ben = fs::read_to_string(folder.path("tenants/ben/scripts/bot.py")).expect("it is there");
    assert_eq!(of_ben, "print('I am ben')\n", "half a copy is no old version");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_new_version_that_loads_for_long_holds_up_no_other_script_and_the_end_does_not_wait_for_it() {
    let folder = folder();
    let file = fs::read_to_string(folder.path("tglhost.toml")).expect("it is there");
    folder.write("tglhost.toml", &format!("{file}[limits]\nload_ms_max = 600000\n"));
    let (host, http, _) = served(&folder);
    let ann = token(&folder, "ann");
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    folder.write("slow.py", "while True: pass\n");
    let mut deploy = std::process::Command::new(tests::binary());
    deploy.args(["deploy", "ann/bot", "slow.py", "--at", &format!("http://{http}")]).env("TGLHOST_TOKEN", &ann);
    let mut deploy = deploy.current_dir(folder.path(".")).spawn().expect("it starts");
    wait_until("it is being loaded", || {
        folder.stands("ann/bot")["why"] == "it waits: a new version of it is being loaded"
    });
    for verb in ["restart", "stop", "start"] {
        assert_eq!(folder.ask(&[verb, "ben/bot"]).code(), Some(0), "{verb}");
    }
    assert!(deploy.try_wait().expect("it can be asked").is_none(), "it is still being loaded");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
    assert_eq!(deploy.wait().expect("it ends").code(), Some(1));
    let kept = fs::read_to_string(folder.path("tenants/ann/scripts/bot.py")).expect("it is there");
    assert_eq!(kept, "print('I am the first')\n");
}

#[test]
fn a_log_that_is_followed_ends_with_the_token_and_is_made_anew_where_it_was_removed() {
    let folder = folder();
    let (host, http, _) = served(&folder);
    let ann = token(&folder, "ann");
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    fs::remove_dir_all(folder.path("data/logs")).expect("it is there");
    assert_eq!(folder.ask(&["restart", "ann/bot"]).code(), Some(0));
    wait_until("it logs", || folder.ask(&["logs", "ann/bot"]).stdout.contains("I am the first"));
    let mut follow = std::process::Command::new(tests::binary());
    follow.args(["logs", "-f", "ann/bot", "--at", &format!("http://{http}")]).env("TGLHOST_TOKEN", &ann);
    let mut follow = Process::start(&mut follow);
    while !follow.line().contains("I am the first") {}
    assert_eq!(folder.ask(&["tenant", "token", "ann", "--revoke"]).code(), Some(0));
    follow.finish();
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn what_was_stopped_stays_so_over_the_hosts_end_and_one_host_has_its_data() {
    let folder = folder();
    let (host, ..) = served(&folder);
    assert_eq!(folder.ask(&["stop", "ann/bot"]).code(), Some(0));
    fs::remove_file(folder.path("data/control.sock")).expect("it is there");
    let second = folder.ask(&["serve"]);
    assert!(
        second.code() == Some(1) && second.stderr.contains("another `tglhost serve` is at work"),
        "{}",
        second.stderr
    );
    host.kill();
    let (host, ..) = served(&folder);
    wait_until("the other runs", || folder.stands("ben/bot")["state"] == "running");
    assert_eq!(folder.stands("ann/bot")["state"], "stopped");
    assert_eq!(folder.ask(&["start", "ann/bot"]).code(), Some(0));
    host.kill();
    let (host, ..) = served(&folder);
    wait_until("it runs again", || folder.stands("ann/bot")["state"] == "running");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_log_is_kept_for_each_script_and_followed() {
    let folder = folder();
    let (mut host, ..) = served(&folder);
    while host.line() != "ben.bot: I am ben\n" {}
    wait_until("it is logged", || folder.ask(&["logs", "ann/bot"]).stdout.contains("I am the first"));
    let of_ben = folder.ask(&["logs", "ben/bot"]).stdout;
    assert!(of_ben.contains("I am ben") && !of_ben.contains("first"), "{of_ben}");
    let lines = folder.ask(&["logs", "ben/bot", "--json"]).json_lines();
    lines.iter().for_each(tests::check_line);
    assert!(lines.iter().any(|line| line["kind"] == "ready"), "{lines:?}");
    let follower = Process::start(&mut folder.command(&["logs", "ann/bot", "-f", "-n", "0"]));
    folder.write("new.py", "import sys\nprint('I am the next')\nsys.stderr.write('\\x1b[31mred')\n");
    let new = folder.path("new.py").display().to_string();
    // It may not listen yet; what comes after it does, it shows.
    wait_until("it follows", || {
        let deployed = folder.ask(&["deploy", "ann/bot", &new]);
        assert_eq!(deployed.code(), Some(0), "{}", deployed.stderr);
        assert_eq!(folder.ask(&["restart", "ann/bot"]).code(), Some(0));
        follower.news().any(|line| line.contains("I am the next"))
    });
    follower.kill();
    wait_until("it is shown as what it is", || folder.ask(&["logs", "ann/bot"]).stdout.contains("\\u{1b}[31mred"));
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn tenants_come_and_go_while_the_host_is_at_work() {
    let folder = folder();
    let (host, http, _) = served(&folder);
    let added = folder.ask(&["tenant", "add", "cy"]);
    assert!(added.code() == Some(0) && added.stdout.contains("tenants/cy/tenant.toml"), "{}", added.stderr);
    assert_eq!(folder.ask(&["check"]).code(), Some(0), "what it is made of is right");
    let again = folder.ask(&["tenant", "add", "cy"]);
    assert!(again.code() == Some(1) && again.stderr.contains("already"), "{}", again.stderr);
    let odd = folder.ask(&["tenant", "add", "../cy"]);
    assert!(odd.code() == Some(1) && odd.stderr.contains("cannot be a name"), "{}", odd.stderr);
    folder.write("tenants/cy/tenant.toml", "[accounts.own]\ndata_centre.embedded = { phone = \"9996610003\", first_name = \"Cy\" }\n[scripts.bot]\nfile = \"bot.py\"\naccount = \"own\"\n");
    folder.write("tenants/cy/scripts/bot.py", "open('/home/kept', 'w').write('mine')\n");
    assert_eq!(folder.ask(&["reload"]).code(), Some(0));
    wait_until("it runs", || folder.stands("cy/bot")["state"] == "running");
    let cy = token(&folder, "cy");
    assert_eq!(ask_as(&folder, &http, &cy, &["ps"]).code(), Some(0));

    // Named by the host's file, it cannot go.
    let refused = folder.ask(&["tenant", "rm", "ben"]);
    assert!(refused.code() == Some(1) && refused.stderr.contains("there is no tenant \"ben\""), "{}", refused.stderr);
    wait_until("it runs", || folder.stands("ben/bot")["state"] == "running");
    let host_file = fs::read_to_string(folder.path("tglhost.toml")).expect("read");
    folder.write("tglhost.toml", &host_file.replace("\"ann\", \"ben\"", "\"ann\""));
    let gone = folder.ask(&["tenant", "rm", "ben"]);
    assert_eq!(gone.code(), Some(0), "{}", gone.stderr);
    // What is called so later is another, and nobody has stopped that.
    assert_eq!(folder.ask(&["stop", "cy/bot"]).code(), Some(0));
    let gone = folder.ask(&["tenant", "rm", "cy", "--json"]);
    assert_eq!(gone.code(), Some(0), "{}", gone.stderr);
    let kept_in = gone.json_lines()[0]["kept_in"].as_str().expect("a folder").to_owned();
    for kept in [
        "logs/cy.bot.jsonl",
        "tenant/scripts/bot.py",
        "accounts/cy.own/account.db",
        "accounts/cy.own/scripts/cy.bot/kept",
    ] {
        assert!(fs::metadata(format!("{kept_in}/{kept}")).is_ok(), "{kept}");
    }
    assert!(!folder.path("data/accounts/cy.own").exists() && !folder.path("tenants/cy").exists());
    assert_eq!(ask_as(&folder, &http, &cy, &["ps"]).code(), Some(1), "its token is worth nothing");
    let stopped = fs::read_to_string(folder.path("data/stopped.json")).expect("it is there");
    assert_eq!(stopped, "[]");
    let listed = folder.ask(&["ps"]).stdout;
    assert!(listed.contains("ann/bot") && !listed.contains("cy") && !listed.contains("ben"), "{listed}");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn prometheus_reads_what_each_script_does() {
    let folder = folder();
    folder.write("tenants/ben/scripts/bot.py", "import sys\nsys.stderr.write('x' * 2000000)\nprint('I am ben')\n");
    let (host, _, metrics) = served(&folder);
    wait_until("both run", || {
        let text = asked(&metrics, "GET /metrics HTTP/1.1");
        ["ann", "ben"].iter().all(|tenant| {
            text.contains(&format!("tglhost_script_running{{tenant=\"{tenant}\",script=\"bot\",account=\"house\"}} 1"))
        })
    });
    let text = asked(&metrics, "GET /metrics HTTP/1.1");
    for name in [
        "script_events_total",
        "script_memory_bytes",
        "script_callback_seconds_bucket",
        "account_online",
        "account_flood_waits_total",
        "tenant_errors_total",
    ] {
        assert!(
            text.contains(&format!("# TYPE tglhost_{name} ")) && text.contains(&format!("\ntglhost_{name}{{")),
            "{text}"
        );
    }
    let reached = "tglhost_script_limit_reached_total{tenant=\"ben\",script=\"bot\",account=\"house\",limit=\"output_bytes_per_s\"}";
    assert!(text.contains(reached) && folder.ask(&["usage"]).stdout.contains("output_bytes_per_s"), "{text}");
    // What the dashboard asks for is there.
    let dashboard = fs::read_to_string(tests::root().join("host/package/grafana.json")).expect("it is there");
    let asked_for =
        dashboard.split(|c: char| !c.is_ascii_lowercase() && c != '_').filter(|word| word.starts_with("tglhost_"));
    let missing: Vec<&str> = asked_for.filter(|name| !text.contains(&format!("\n{name}{{"))).collect();
    assert!(missing.is_empty() && dashboard.contains("tglhost_script_running"), "{missing:?}");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

/// Takes a step of a login, as the owner, and gives what the host answers.
fn log_in_step(folder: &HostFolder, account: &str, step: &serde_json::Value) -> String {
    let body = step.to_string();
    let length = body.len();
    let head = format!(
        "POST /v1/accounts/{account}/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let mut socket = UnixStream::connect(folder.path("data/control.sock")).expect("it listens");
    socket.write_all((head + &body).as_bytes()).expect("it listens");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_login_outlives_a_step_that_does_not_fit_and_not_its_account() {
    let place = Place::new();
    let key = place.public_key.display().to_string();
    let tenant = format!(
        "[accounts.own]\ndata_centre.at = {{ address = {:?}, dc_id = 2, key_file = {key:?} }}\n",
        place.address
    );
    let done = |folder: &HostFolder, verb: &[&str]| assert_eq!(folder.ask(verb).code(), Some(0), "{verb:?}");
    let nothing = |_: &HostFolder| {};
    let taken_out = |folder: &HostFolder| {
        folder.write("tenants/cy/tenant.toml", "");
        done(folder, &["reload"]);
    };
    let made_anew = |folder: &HostFolder| {
        done(folder, &["tenant", "rm", "cy"]);
        done(folder, &["tenant", "add", "cy"]);
        folder.write("tenants/cy/tenant.toml", &tenant);
        done(folder, &["reload"]);
    };
    let rows: [(&str, &dyn Fn(&HostFolder), &str); 3] = [
        ("9996610011", &nothing, "\"next\":\"done\""),
        ("9996610012", &taken_out, "there is no account"),
        ("9996610013", &made_anew, "was taken away while somebody logged in to it"),
    ];
    for (phone, befalls, answer) in rows {
        let folder = HostFolder::new(&[("tglhost.toml", ""), ("tenants/cy/tenant.toml", &tenant)]);
        let mut host = Process::start(&mut folder.command(&["serve"]));
        host.stderr_line_with("Serves ");
        let step = |step: serde_json::Value| log_in_step(&folder, "cy.own", &step);
        let next = step(serde_json::json!({"step": "phone", "phone": phone}));
        assert!(next.contains("\"next\":\"code\""), "{next}");
        let unfit = step(serde_json::json!({"step": "qr-wait"}));
        assert!(unfit.contains(" 409 ") && unfit.contains("needs an earlier one first"), "{unfit}");
        let next = step(serde_json::json!({"step": "code", "code": "11111"}));
        assert!(next.contains("\"next\":\"sign-up\""), "{next}");
        befalls(&folder);
        let ended = step(serde_json::json!({"step": "sign-up", "first_name": "Cy"}));
        assert!(ended.contains(answer), "{ended}");
        let is_logged_in = std::path::Path::new(&folder.path("data/accounts/cy.own/account.toml")).exists();
        assert_eq!(is_logged_in, answer.contains("done"), "{answer}");
        host.terminate();
        assert_eq!(host.finish().code(), Some(0));
    }
}

#[test]
fn an_account_is_logged_in_while_others_are_at_work() {
    let place = Place::new();
    let folder = folder();
    let at = format!(
        "data_centre.at = {{ address = \"{}\", dc_id = 2, key_file = {:?} }}\n",
        place.address,
        place.public_key.display().to_string()
    );
    folder.write(
        "tenants/ann/tenant.toml",
        &format!("[accounts.own]\n{at}[scripts.bot]\nfile = \"bot.py\"\naccount = \"own\"\n"),
    );
    let (mut host, http, _) = served(&folder);
    let waits = folder.stands("ann/bot");
    let why = waits["why"].as_str().expect("a reason");
    assert!(why.contains("nobody is logged in: run `tglhost account login ann.own"), "{why}");
    let (ann, ben) = (token(&folder, "ann"), token(&folder, "ben"));
    let log_in = |token: &str, account: &str, code: &str| {
        let verb = ["account", "login", account, "--phone", "9996610009", "--first-name", "Ann", "--code", code];
        ask_as(&folder, &http, token, &verb)
    };
    for (refused, why) in [
        (log_in(&ben, "ann.own", "11111"), "there is no account \"ann.own\" of yours"),
        (log_in(&ann, "house", "11111"), "there is no account \"house\" of yours"),
        (log_in(&ann, "ann.other", "11111"), "there is no account \"ann.other\" of yours"),
        (log_in(&ann, "ann.own", "22222"), "the code is wrong"),
    ] {
        assert!(refused.code() == Some(1) && refused.stderr.contains(why), "{}", refused.stderr);
    }
    let logged_in = log_in(&ann, "ann.own", "11111");
    assert!(logged_in.stdout.contains("ann.own is logged in as Ann"), "{}{}", logged_in.stdout, logged_in.stderr);
    while host.line() != "ann.bot: I am the first\n" {}
    let again = log_in(&ann, "ann.own", "11111");
    assert!(again.code() == Some(1) && again.stderr.contains("somebody is logged in"), "{}", again.stderr);
    assert_eq!(folder.stands("ben/bot")["crashes"], 0);
    host.terminate();
    let said = host.finish();
    assert!(said.code() == Some(0) && !said.stderr.contains("11111"), "{}", said.stderr);
}

#[test]
fn who_connects_and_says_nothing_keeps_nobody_out() {
    let folder = folder();
    let (host, http, metrics) = served(&folder);
    let ann = token(&folder, "ann");
    // One whose question is let through: it is kept, whoever comes.
    let mut follows = TcpStream::connect(&http).expect("it listens");
    let question =
        format!("GET /v1/scripts/ann/bot/log?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann}\r\n\r\n");
    follows.write_all(question.as_bytes()).expect("it listens");
    let mut begin = [0; 12];
    follows.read_exact(&mut begin).expect("it is answered");
    assert_eq!(&begin, b"HTTP/1.1 200");
    // More than there are places, half of them with the beginning of a question.
    let silent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(&http).expect("it listens");
            if number % 2 == 0 {
                // The first ones have been closed.
                let _ = stream.write_all(b"GET /health HTTP/1.1\r\n");
            }
            stream
        })
        .collect();
    let began = std::time::Instant::now();
    assert!(asked(&http, "GET /health HTTP/1.1").ends_with("ok\n"));
    let as_ann = ask_as(&folder, &http, &ann, &["ps"]);
    assert_eq!(as_ann.code(), Some(0), "{}", as_ann.stderr);
    assert!(began.elapsed().as_secs() < 8, "nobody waited until the silent ones had had their time");
    follows.set_nonblocking(true).expect("set");
    let still = loop {
        match follows.read(&mut [0; 4096]) {
            Ok(0) => break false,
            Ok(_) => {}
            Err(error) => break error.kind() == std::io::ErrorKind::WouldBlock,
        }
    };
    assert!(still, "the log is still followed");
    let text = asked(&metrics, "GET /metrics HTTP/1.1");
    let gave_way = text.lines().find_map(|line| line.strip_prefix("tglhost_connections_gave_way_total "));
    let gave_way: u64 = gave_way.expect("it is told").parse().expect("a number");
    assert!((170..=310).contains(&gave_way), "{gave_way}");
    drop(silent);
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_tenant_that_asks_much_at_one_time_leaves_others_their_places() {
    let folder = folder();
    let (host, http, _) = served(&folder);
    let [ann, ben] = ["ann", "ben"].map(|tenant| token(&folder, tenant));
    let ask = |token: &str| asked(&http, &format!("GET /v1/scripts HTTP/1.1\r\nAuthorization: Bearer {token}"));
    // Files that never come: the first is waited for, the others wait for it.
    let uploads: Vec<TcpStream> = (0..32)
        .map(|_| {
            let mut stream = TcpStream::connect(&http).expect("it listens");
            let head = "PUT /v1/scripts/ann/bot/file HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n";
            let asked = format!("{head}Authorization: Bearer {ann}\r\n\r\n");
            stream.write_all(asked.as_bytes()).expect("it listens");
            stream
        })
        .collect();
    wait_until("she has no place left", || ask(&ann).contains("32 questions of this tenant are being answered"));
    let others = ask(&ben);
    assert!(others.starts_with("HTTP/1.1 200"), "{others}");
    drop(uploads);
    wait_until("she has places again", || ask(&ann).starts_with("HTTP/1.1 200"));
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}
