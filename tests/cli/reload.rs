//! A new version of a script while its host is at work: it takes over once it is loaded, and where it does not load the one
//! before goes on. Meanwhile nothing is lost, nothing is done twice, and what the old one has in memory stays.

use tests::{HostFolder, Process, wait_until};

/// What both tenants may.
const MAY: &str = "[grants]\ncalls = [\"read\", \"send\", \"contacts\"]\nchats = [\"users\"]\n\
                   [limits]\nchat_sends_per_s = 20\nloop_rounds_max = 1000000\nload_ms_max = 500\n";
const ASKS: &str =
    "# /// tglhost\n# calls = [\"read\", \"send\", \"contacts\"]\n# chats = [\"users\"]\n# ///\nimport tgl\n";

/// A script that answers each message with its version, how many it has heard, and the message.
fn answerer(version: &str, then: &str) -> String {
    format!(
        "{ASKS}heard = 0\n\
         def hear(msg):\n    global heard\n    if msg.out: return\n    heard += 1\n    msg.src.send_msg('{version} %d %s' % (heard, msg.text))\n\
         tgl.set_on_msg_receive(hear)\n{then}\n"
    )
}

/// Asks one question after another, each when the one before is answered.
fn asker() -> String {
    format!(
        "{ASKS}asked = 0\n\
         def ask(peer):\n    global asked\n    asked += 1\n    peer.send_msg(str(asked))\n\
         def hear(msg):\n    if msg.out: return\n    print('answer', msg.text, flush=True)\n    ask(msg.src)\n\
         tgl.set_on_msg_receive(hear)\n\
         tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996610001', 'House', '', lambda ok, peers: ask(peers[0])))\n"
    )
}

/// One that answers as version "one", and one that asks.
fn host() -> HostFolder {
    let account = |phone: &str| {
        format!("[accounts.own]\ndata_centre.embedded = {{ phone = \"{phone}\", first_name = \"Name\" }}\n")
    };
    let script = |file: &str| format!("[scripts.bot]\nfile = \"{file}\"\naccount = \"own\"\n");
    HostFolder::new(&[
        ("tglhost.toml", "[limits]\nchat_sends_per_s = 20\nloop_rounds_max = 1000000\n"),
        ("tenants/ann/tenant.toml", &[MAY, &account("9996610001"), &script("bot/bot.py")].concat()),
        ("tenants/ann/scripts/bot/bot.py", &answerer("one", "")),
        ("tenants/ann/scripts/bot/wrong.py", "def f(:\n"),
        ("tenants/zoe/tenant.toml", &[MAY, &account("9996610002"), &script("asks.py")].concat()),
        ("tenants/zoe/scripts/asks.py", &asker()),
    ])
}

/// The next answer that the asker had: the version, how many that had heard, and the question.
fn answer(host: &mut Process) -> (String, u64, u64) {
    loop {
        let line = host.line();
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["zoe.bot:", "answer", version, heard, question] = words[..] {
            return (version.to_owned(), heard.parse().unwrap(), question.parse().unwrap());
        }
    }
}

#[test]
fn a_new_version_that_does_not_load_leaves_the_old_one_and_one_that_does_goes_on_from_it() {
    let folder = host();
    let mut host = folder.serve();
    let (mut heard, mut asked) = (0, 0);
    // Each question is answered once, by the version that is at work, which has all in memory that it had.
    let mut goes_on = |host: &mut Process, version: &str| {
        for _ in 0..3 {
            (heard, asked) = (heard + 1, asked + 1);
            assert_eq!(answer(host), (version.to_owned(), heard, asked));
        }
    };
    goes_on(&mut host, "one");
    let rows = [
        ("def f(:", "SyntaxError"),
        ("import wrong", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("while True: pass", "longer than 500 ms"),
        ("tgl.safe_exit(3)\nimport os\nos._exit(4)", "with code 4"),
        ("heard = 1 / 0", "ZeroDivisionError"),
    ];
    for (then, why) in rows {
        folder.write("tenants/ann/scripts/bot/bot.py", &answerer("bad", then));
        let asked = folder.ask(&["reload"]);
        let is_told = asked.stderr.contains("ann/bot goes on as it was") && asked.stderr.contains(why);
        assert!(asked.code() == Some(1) && is_told, "{then}: {}", asked.stderr);
        host.stderr_line_with("ann.bot: its new version could not be loaded, and the one before goes on");
        assert_eq!(
            (folder.stands("ann/bot")["state"].as_str(), folder.stands("ann/bot")["crashes"].as_u64()),
            (Some("running"), Some(0))
        );
        goes_on(&mut host, "one");
    }
    folder.write("tenants/ann/scripts/bot/bot.py", &answerer("two", ""));
    let reloaded = folder.ask(&["reload"]);
    assert_eq!(reloaded.code(), Some(0), "{}", reloaded.stderr);
    // What was answered before the new version came is still to be read.
    let (mut by_two, mut last) = (0, asked);
    while by_two < 3 {
        let (version, heard_then, question) = answer(&mut host);
        last += 1;
        assert_eq!(question, last, "each is answered once, in order");
        match &*version {
            "one" => assert_eq!((by_two, heard_then), (0, question)),
            _ => {
                by_two += 1;
                assert_eq!((&*version, heard_then), ("two", by_two), "it begins with an empty memory");
            }
        }
    }
    // A change in a module that it imports is one of the script.
    let by_module =
        answerer("two", "").replace("'two %d", "part.NAME + ' %d").replace("import tgl", "import part, tgl");
    for (name, text) in [("bot.py", &*by_module), ("part.py", "NAME = 'three'\n"), ("part.py", "NAME = 'four'\n")] {
        folder.write(&format!("tenants/ann/scripts/bot/{name}"), text);
        if text.starts_with("NAME") {
            assert_eq!(folder.ask(&["reload"]).code(), Some(0));
            while format!("NAME = '{}'\n", answer(&mut host).0) != text {}
        }
    }
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_script_that_only_crashes_gets_its_new_limits_and_a_stopped_one_no_version_that_does_not_load() {
    let folder = host();
    let tenant = |limit: &str| {
        let may = MAY.replace("load_ms_max = 500", &format!("load_ms_max = {limit}"));
        let account = "[accounts.own]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"Name\" }\n";
        format!("{may}{account}[scripts.bot]\nfile = \"bot/bot.py\"\naccount = \"own\"\n")
    };
    let reload = |limit: &str| {
        folder.write("tenants/ann/tenant.toml", &tenant(limit));
        let reloaded = folder.ask(&["reload"]);
        assert_eq!((reloaded.code(), &*reloaded.stderr), (Some(0), ""));
    };
    let limits =
        "[limits]\nchat_sends_per_s = 20\nloop_rounds_max = 1000000\nload_ms_max = 60000\nstart_crashes_max = 1000\n";
    folder.write("tglhost.toml", limits);
    folder.write("tenants/ann/tenant.toml", &tenant("200"));
    folder.write("tenants/ann/scripts/bot/bot.py", &answerer("slow", "for _ in range(20_000_000): pass"));
    let mut host = folder.serve();
    host.stderr_line_with("ann.bot: stopped while it was loaded: it ran longer than 200 ms");
    reload("300");
    host.stderr_line_with("ann.bot: stopped while it was loaded: it ran longer than 300 ms");
    reload("60000");
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");

    // What is stopped is loaded on trial: one that cannot be leaves all as it was.
    assert_eq!(folder.ask(&["stop", "ann/bot"]).code(), Some(0));
    let deploy = |text: &str| {
        folder.write("new.py", text);
        folder.ask(&["deploy", "ann/bot", &folder.path("new.py").display().to_string()])
    };
    let file = || std::fs::read_to_string(folder.path("tenants/ann/scripts/bot/bot.py")).unwrap();
    let before = file();
    for (then, why) in [("def f(:", "SyntaxError"), ("import nothing_of_this_name", "ModuleNotFoundError")] {
        let refused = deploy(&answerer("bad", then));
        assert!(refused.code() == Some(1) && refused.stderr.contains(why), "{}", refused.stderr);
        assert_eq!((file(), folder.stands("ann/bot")["state"].as_str()), (before.clone(), Some("stopped")));
        host.stderr_line_with("its new version could not be loaded, and the one before stays in its place");
    }
    let new = answerer("new", "open('/home/loads', 'a').write('x')");
    let deployed = deploy(&new);
    assert_eq!(deployed.code(), Some(0), "{}", deployed.stderr);
    assert_eq!((file(), folder.stands("ann/bot")["state"].as_str()), (new, Some("stopped")));
    assert_eq!(folder.ask(&["start", "ann/bot"]).code(), Some(0));
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}
