//! A host of many tenants: `tglhost serve`, what it is told by its files and asked by other commands.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use tests::{Finished, HostFolder, Process, binary, finish, wait_until};

/// What a script says first that may read and send.
const ASKS: &str =
    "# /// tglhost\n# calls = [\"read\", \"send\", \"contacts\"]\n# chats = [\"users\"]\n# ///\nimport tgl\n";
/// What a tenant gives its scripts.
const GRANTS: &str = "[grants]\ncalls = [\"read\", \"send\", \"contacts\"]\nchats = [\"users\"]\n";

fn ended(host: Process) -> Finished {
    host.terminate();
    let ended = host.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended
}

/// The next line of stdout that contains this.
fn line_with(host: &mut Process, part: &str) -> String {
    loop {
        let line = host.line();
        if line.contains(part) {
            return line;
        }
    }
}

/// Two tenants with a script bot.py each on an account that both share, and one with an account of its own that writes to it.
fn shared() -> HostFolder {
    let bot = format!(
        "{ASKS}import os\nname = os.environ['WHO']\nfor f in os.listdir('/home'): print(name, 'found', f)\nopen('/home/' + name, 'w').close()\n\
         def heard(msg):\n    if not msg.out: print(name, 'heard', msg.text)\ntgl.set_on_msg_receive(heard)\n"
    );
    let writer = format!(
        "{ASKS}count = 0\n\
         def met(ok, peers):\n    global house\n    house = peers[0]\n    house.send_msg('first')\n\
         def tick():\n    global count\n    if count < 3:\n        count += 1\n        house.send_msg('tick %d' % count)\n\
         tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996610001', 'House', '', met))\n"
    );
    let tenant =
        |who: &str| format!("{GRANTS}[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\nenv.WHO = \"{who}\"\n");
    HostFolder::new(&[
        (
            "tglhost.toml",
            "[accounts.house]\ntenants = [\"ann\", \"ben\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/tenant.toml", &tenant("ann")),
        ("tenants/ann/scripts/bot.py", &bot),
        ("tenants/ben/tenant.toml", &tenant("ben")),
        ("tenants/ben/scripts/bot.py", &bot),
        (
            "tenants/zoe/tenant.toml",
            &format!(
                "{GRANTS}[accounts.own]\ndata_centre.embedded = {{ phone = \"9996610002\", first_name = \"Zoe\" }}\n[scripts.writer]\nfile = \"writer.py\"\naccount = \"own\"\n"
            ),
        ),
        ("tenants/zoe/scripts/writer.py", &writer),
    ])
}

#[test]
fn the_example_runs_at_once() {
    let folder = HostFolder::new(&[]);
    let host = folder.path("host");
    let mut serve = Process::start(Command::new(binary()).args(["serve", "--example", "--host"]).arg(&host));
    serve.stderr_line_with("Serves 3 of 3 scripts of 2 tenants on 2 of 2 accounts");
    let lines = [serve.line(), serve.line()].concat();
    assert!(lines.contains("ben.listener: message 1 from Bell\n"), "{lines}");
    assert!(lines.contains("ben.greeter: House answers: you said: hello\n"), "{lines}");
    let again = finish(Command::new(binary()).args(["serve", "--example", "--host"]).arg(&host), "");
    assert_eq!(again.code(), Some(2), "it overwrites nothing");
    let second = finish(Command::new(binary()).args(["serve", "--host"]).arg(&host), "");
    assert!(
        second.code() == Some(1) && second.stderr.contains("another `tglhost serve` is at work"),
        "{}",
        second.stderr
    );
    ended(serve);
    let checked = finish(Command::new(binary()).args(["check", "--host"]).arg(&host), "");
    assert_eq!((checked.code(), checked.stdout.as_str()), (Some(0), "2 tenants, 3 scripts: nothing is wrong\n"));
}

/// So many lines of stdout that contain one of these, in their alphabetical order.
fn lines_with(host: &mut Process, parts: &[&str], count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let line = host.line();
        if parts.iter().any(|part| line.contains(part)) {
            lines.push(line);
        }
    }
    lines.sort();
    lines
}

#[test]
fn two_owners_scripts_of_one_name_on_one_account_share_nothing() {
    let folder = shared();
    let host_file = fs::read_to_string(folder.path("tglhost.toml")).unwrap();
    folder.write("tglhost.toml", &format!("[metrics]\nlisten = \"127.0.0.1:0\"\n{host_file}"));
    for tenant in ["ann", "ben"] {
        let path = format!("tenants/{tenant}/scripts/bot.py");
        let bot = fs::read_to_string(folder.path(&path)).unwrap();
        let answers =
            "\n    if not msg.out: msg.src.send_msg('from ' + name, lambda ok, m: print(name, 'sent', ok))\ntgl.set";
        folder.write(&path, &bot.replace("\ntgl.set", answers));
    }
    let writer = fs::read_to_string(folder.path("tenants/zoe/scripts/writer.py")).unwrap();
    let hears = "tgl.set_on_msg_receive(lambda msg: msg.out or print('got', msg.text))\n";
    folder.write("tenants/zoe/scripts/writer.py", &format!("{writer}{hears}"));
    let mut host = Process::start(&mut folder.command(&["serve"]));
    let line = host.stderr_line_with("Metrics are at");
    let address = line.split_once("http://").expect("an address").1.split_once('/').expect("a path").0.to_owned();
    host.stderr_line_with("Serves ");
    let metric = |name: &str, tenant: &str| {
        let mut socket = std::net::TcpStream::connect(&address).expect("it listens");
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it listens");
        let mut text = String::new();
        socket.read_to_string(&mut text).expect("it answers");
        let of = format!("tglhost_script_{name}{{tenant=\"{tenant}\",script=\"bot\",account=\"house\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&of)).map(str::to_owned);
        value.unwrap_or_else(|| panic!("no {of}in {text}"))
    };
    // Each has its own calls, though they have the same numbers, and its own completions of them.
    let seen = ["heard", "sent", "got"];
    let expected = [
        "ann.bot: ann heard first\n",
        "ann.bot: ann sent True\n",
        "ben.bot: ben heard first\n",
        "ben.bot: ben sent True\n",
        "zoe.writer: got from ann\n",
        "zoe.writer: got from ben\n",
    ];
    assert_eq!(lines_with(&mut host, &seen, 6), expected);
    for tenant in ["ann", "ben"] {
        wait_until("it is counted", || metric("calls_total", tenant) == "1");
    }
    // What comes while one of them is stopped waits for that one.
    assert_eq!(folder.ask(&["stop", "ann/bot"]).code(), Some(0));
    assert_eq!(folder.ask(&["restart", "zoe/writer"]).code(), Some(0));
    assert_eq!(lines_with(&mut host, &seen, 3), [expected[2], expected[3], expected[5]]);
    assert_eq!(folder.stands("ann/bot")["state"], "stopped");
    assert_eq!((metric("running", "ann").as_str(), metric("running", "ben").as_str()), ("0", "1"));
    assert_eq!(folder.ask(&["start", "ann/bot"]).code(), Some(0));
    let expected = ["ann.bot: ann found ann\n", "ann.bot: ann found bot.py\n", expected[0], expected[1], expected[4]];
    assert_eq!(lines_with(&mut host, &["found", "heard", "sent", "got"], 5), expected, "its own folder, its own place");
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    for (mine, others) in [("ann", "ben"), ("ben", "ann")] {
        let log = folder.ask(&["logs", &format!("{mine}/bot")]).stdout;
        assert!(log.contains(&format!("{mine} heard first")) && !log.contains(others), "{log}");
    }
    ended(host);
}

#[test]
fn a_reload_does_what_the_files_say_now_and_nothing_where_they_are_wrong() {
    let folder = shared();
    let mut host = folder.serve();
    line_with(&mut host, "heard");
    line_with(&mut host, "heard");
    let bot = fs::read_to_string(folder.path("tenants/ann/scripts/bot.py")).unwrap();

    folder.write("tenants/ann/scripts/bot.py", &bot.replace("'heard'", "'has heard'"));
    assert_eq!(folder.ask(&["reload"]).code(), Some(0));
    assert_eq!(folder.ask(&["restart", "zoe/writer"]).code(), Some(0));
    let mut lines = [line_with(&mut host, "heard"), line_with(&mut host, "heard")];
    lines.sort();
    assert_eq!(lines, ["ann.bot: ann has heard first\n", "ben.bot: ben heard first\n"], "only what is new is replaced");

    let wrong = "[scripts.bot]\nfile = \"bot.py\"\naccount = \"nowhere\"\n";
    let right = fs::read_to_string(folder.path("tenants/ben/tenant.toml")).unwrap();
    folder.write("tenants/ben/tenant.toml", wrong);
    let refused = folder.ask(&["reload"]);
    assert!(
        refused.code() == Some(1) && refused.stderr.contains("tenant.toml:3:11: this tenant has no account"),
        "{}",
        refused.stderr
    );
    host.signal("HUP");
    host.stderr_line_with("everything goes on as it was");
    assert_eq!(folder.stands("ben/bot")["state"], "running");

    folder.write("tenants/ben/tenant.toml", &right.replace("[scripts.bot]", "[scripts.other]"));
    assert_eq!(folder.ask(&["reload"]).code(), Some(0));
    let gone = folder.ask(&["stop", "ben/bot"]);
    assert!(gone.code() == Some(1) && gone.stderr.contains("there is no script ben/bot"), "{}", gone.stderr);
    wait_until("the new one runs", || folder.stands("ben/other")["state"] == "running");
    ended(host);
}

#[test]
fn what_cannot_run_says_why_and_keeps_nobody_else() {
    let folder = shared();
    folder.write("hash", "0123456789abcdef0123456789abcdef\n");
    let host_file = fs::read_to_string(folder.path("tglhost.toml")).unwrap();
    folder.write("tglhost.toml", &format!("[telegram]\napi_id = 1\napi_hash_file = \"hash\"\n{host_file}"));
    folder
        .write("tenants/eve/tenant.toml", "[accounts.away]\n[scripts.waits]\nfile = \"bot.py\"\naccount = \"away\"\n");
    folder.write("tenants/eve/scripts/bot.py", "import tgl\n");
    folder.write("tenants/ben/scripts/bot.py", &format!("{ASKS}syntax error\n"));
    let mut host = folder.serve();
    assert_eq!(line_with(&mut host, "heard"), "ann.bot: ann heard first\n");
    let waits = folder.stands("eve/waits");
    assert_eq!(waits["state"], "failed");
    let why = waits["why"].as_str().unwrap();
    assert!(why.contains("nobody is logged in") && why.contains("tglhost account login eve.away"), "{why}");
    wait_until("it fails", || folder.stands("ben/bot")["state"] == "failed");
    assert!(folder.stands("ben/bot")["why"].as_str().unwrap().contains("SyntaxError"));
    ended(host);
}

#[test]
fn a_script_gets_what_it_is_granted_and_asks_for() {
    let rows = [
        // Not granted, not asked for, both.
        ("[grants]\ncalls = [\"read\", \"contacts\"]\nchats = [\"users\"]\n", ASKS, false),
        (
            GRANTS,
            "# /// tglhost\n# calls = [\"read\", \"contacts\"]\n# chats = [\"users\"]\n# ///\nimport tgl\n",
            false,
        ),
        (GRANTS, ASKS, true),
    ];
    for (grants, asks, is_sent) in rows {
        let folder = shared();
        let own = "[accounts.own]\ndata_centre.embedded = { phone = \"9996610002\", first_name = \"Zoe\" }\n[scripts.writer]\nfile = \"writer.py\"\naccount = \"own\"\n";
        folder.write("tenants/zoe/tenant.toml", &format!("{grants}{own}"));
        let writer = "def met(ok, peers): peers[0].send_msg('x', lambda ok, msg: print('sent', ok))\n\
                      tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996610001', 'House', '', met))\n";
        folder.write("tenants/zoe/scripts/writer.py", &format!("{asks}{writer}"));
        let mut host = folder.serve();
        let expected = if is_sent { "zoe.writer: sent True\n" } else { "zoe.writer: sent False\n" };
        assert_eq!(line_with(&mut host, "sent"), expected);
        let said = ended(host).stderr;
        let advice = "send_message is not granted to this script (send): add \"send\" to `calls` in its tenant's file";
        assert_eq!(said.contains(advice), !is_sent, "{said}");
    }
}

#[test]
fn a_host_that_is_not_there_is_said() {
    let folder = shared();
    for verb in [&["ps"][..], &["reload"], &["stop", "ann/bot"]] {
        let asked = folder.ask(verb);
        assert!(asked.code() == Some(2) || asked.stderr.contains("no host is at work"), "{verb:?}: {}", asked.stderr);
    }
    let nowhere = finish(Command::new(binary()).args(["serve", "--host"]).arg(Path::new("/nowhere")), "");
    assert_eq!(nowhere.code(), Some(2));
    assert!(
        nowhere.stderr.contains("/nowhere/tglhost.toml: there is no such file; `tglhost serve --example"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn a_script_that_may_sleep_is_woken_by_what_comes() {
    let folder = shared();
    let ann = fs::read_to_string(folder.path("tenants/ann/tenant.toml")).unwrap();
    folder.write("tenants/ann/tenant.toml", &format!("{ann}sleep_after_s = 1\n"));
    let mut host = folder.serve();
    line_with(&mut host, "ann.bot: ann heard first");
    for _ in 0..2 {
        wait_until("it sleeps", || folder.stands("ann/bot")["state"] == "sleeping");
        assert_eq!(folder.ask(&["restart", "zoe/writer"]).code(), Some(0));
        let mut lines = [line_with(&mut host, "ann.bot"), line_with(&mut host, "ann.bot")];
        lines.sort();
        assert_eq!(lines, ["ann.bot: ann found ann\n", "ann.bot: ann found bot.py\n"], "it is started from its file");
        assert_eq!(line_with(&mut host, "ann.bot"), "ann.bot: ann heard first\n", "and hears of this once");
    }
    ended(host);
}

/// Open files of a host with so many Rust scripts of one tenant, and of their workers, once all of them run.
fn open_files(scripts: usize) -> (usize, Vec<usize>) {
    let each = |number: usize| format!("[scripts.s{number}]\nfile = \"echo.wasm\"\naccount = \"own\"\n");
    let tenant: String = (0..scripts).map(each).collect();
    let folder = HostFolder::new(&[
        (
            "tglhost.toml",
            "[totals]\nscripts_max = 10_000\nmemory_bytes_max = \"1024 GiB\"\ncpu_ms_per_min_max = 1_000_000_000\n\
             stored_bytes_max = \"1024 GiB\"\ncalls_pending_max = 1_000_000_000\noutput_bytes_per_s = \"1 GiB\"\n\
             sends_per_s = 1_000_000\n",
        ),
        (
            "tenants/ann/tenant.toml",
            &format!(
                "[accounts.own]\ndata_centre.embedded = {{ phone = \"9996610001\", first_name = \"Ann\" }}\n{tenant}"
            ),
        ),
    ]);
    let program = tests::root().join("target/wasm32-wasip2/guest/echo_rust.wasm");
    fs::create_dir_all(folder.path("tenants/ann/scripts")).expect("made");
    fs::copy(program, folder.path("tenants/ann/scripts/echo.wasm")).expect("cargo xtask build");
    let host = folder.serve();
    wait_until("all run", || folder.ask(&["ps"]).stdout.matches("\trunning\t").count() == scripts);
    let count = |process: u32| fs::read_dir(format!("/proc/{process}/fd")).expect("it is there").count();
    let held = (count(host.id()), host.children().into_iter().map(count).collect());
    ended(host);
    held
}

#[test]
fn a_thousand_scripts_share_a_worker_and_no_more() {
    assert_eq!(open_files(1_001).1.len(), 2);
}

#[test]
fn a_script_costs_its_host_one_open_file_and_its_worker_two() {
    let scripts = 100;
    let [(host, worker), (host_of_twice, worker_of_twice)] = [scripts, 2 * scripts].map(open_files);
    // The host may be answering somebody, and a worker be starting a thread.
    let spare = 16;
    assert!(host_of_twice <= host + scripts + spare, "the host: {host} and {host_of_twice}");
    let [worker, of_twice] = [worker, worker_of_twice].map(|workers| workers.into_iter().sum::<usize>());
    assert!(of_twice <= worker + 2 * scripts + spare, "the worker: {worker} and {of_twice}");
}
