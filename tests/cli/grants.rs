//! What a script may do on its account: `--allow`, `--deny` and `--chats`.

use tests::{Finished, Place, finish};

/// One call of each group, and the name under which it is refused.
const CALLS: [(&str, &str, &str); 8] = [
    ("read", "get_history", "bob.get_history(0, 5, say)"),
    ("send", "send_message", "bob.send_msg('hello', say)"),
    ("edit", "delete_message", "tgl.delete_msg(1, say)"),
    ("media", "send_file", "bob.send_document('script.py', say)"),
    ("contacts", "get_contacts", "tgl.get_contact_list(say)"),
    ("groups", "create_chat", "tgl.create_group_chat([bob], 'group', say)"),
    ("profile", "set_profile_name", "tgl.set_profile_name('Ann', '', say)"),
    ("secret-chats", "create_secret_chat", "tgl.create_secret_chat(bob, say)"),
];

struct World {
    place: Place,
    /// Their ids.
    bob: i64,
    group: i64,
}

/// Ann, who knows Bob, has a group with him, and has heard from him in both.
fn world() -> World {
    let place = Place::new();
    place.sign_up("ann", "9996631001", "Ann");
    place.sign_up("bob", "9996631002", "Bob");
    let meet = "import tgl\n\
                def dialogs(ok, given):\n    print(*sorted(one['peer'].id for one in given if one['peer'].type == tgl.PEER_CHAT))\n    tgl.safe_exit(0)\n\
                def met(ok, peers):\n    print(peers[0].id)\n    tgl.create_group_chat([peers[0]], 'Friends', lambda ok: tgl.get_dialog_list(dialogs))\n\
                tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996631002', 'Bob', '', met))\n";
    let met = run(&place, "ann", meet, &[]).stdout;
    let (bob, group) = met.trim().split_once('\n').expect("two ids");
    let (bob, group) = (bob.parse().expect("an id"), group.parse().expect("an id"));
    let greet = "import tgl\n\
                 def said(ok, msg): tgl.safe_exit(0)\n\
                 def dialogs(ok, given):\n    for one in given: one['peer'].send_msg('from Bob', lambda ok, msg: None)\n    tgl.safe_exit(0)\n\
                 def met(ok, peers): peers[0].send_msg('from Bob', lambda ok, msg: tgl.get_dialog_list(dialogs))\n\
                 tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996631001', 'Ann', '', met))\n";
    run(&place, "bob", greet, &[]);
    World { place, bob, group }
}

fn run(place: &Place, account: &str, source: &str, options: &[&str]) -> Finished {
    let script = place.script("script.py", source);
    let run = finish(place.command(&["run", "--account", account]).arg(script).args(options), "");
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    run
}

#[test]
fn what_is_denied_is_not_done_and_is_said_with_what_to_do() {
    let World { place, bob, .. } = world();
    let calls: String = CALLS.iter().map(|(.., call)| format!("    {call}\n")).collect();
    let source = format!(
        "import tgl\ndef say(ok, *given): pass\ndef go():\n    bob = tgl.Peer(tgl.PEER_USER, {bob})\n{calls}    tgl.safe_exit(0)\ntgl.set_on_get_difference_end(go)\n"
    );
    for (group, name, _) in CALLS {
        let run = run(&place, "ann", &source, &["--deny", group]);
        let refused: Vec<&str> = run.stderr.lines().filter(|line| line.contains("not granted")).collect();
        let expected = format!("{name} is not granted to this script ({group}): run it with --allow {group}");
        assert!(refused.len() == 1 && refused[0].ends_with(&expected), "{group}: {}", run.stderr);
    }
    let run = run(&place, "ann", &source, &[]);
    assert!(!run.stderr.contains("not granted"), "by itself all of them are allowed: {}", run.stderr);
}

/// Says what it hears and finds, and tries to write to Bob and to the group.
const LISTENING: &str = "\
import tgl
names = lambda given: sorted(one['peer'].name for one in given)
def heard(msg):
    if not msg.out: print('heard', msg.dest.name)
def go():
    tgl.get_dialog_list(lambda ok, given: print('dialogs', names(given)))
    tgl.msg_global_search('from Bob', lambda ok, found: print('found', sorted({msg.dest.name for msg in found})))
    bob = tgl.Peer(tgl.PEER_USER, BOB)
    print('phone', bool(bob.phone))
    bob.send_msg('hello', lambda ok, msg: print('bob', ok))
    try:
        group = tgl.Peer(tgl.PEER_CHAT, GROUP)
    except tgl.PeerError:
        print('group unknown')
        tgl.safe_exit(0)
    else:
        group.send_msg('hello', lambda ok, msg: (print('group', ok), tgl.safe_exit(0)))
tgl.set_on_msg_receive(heard)
tgl.set_on_get_difference_end(go)
";

#[test]
fn a_script_hears_of_the_chats_that_it_is_granted_and_writes_to_no_others() {
    let World { place, bob, group: group_id } = world();
    let one = format!("user#{bob}");
    let (all, private, group) = (["Ann", "Friends"], ["Ann"], ["Friends"]);
    let rows: [(&str, &[&str], &[&str], [bool; 2]); 5] = [
        ("users,groups", &all, &["Bob", "Friends"], [true, true]),
        ("users", &private, &["Bob"], [true, false]),
        ("groups", &group, &["Friends"], [false, true]),
        (&one, &private, &["Bob"], [true, false]),
        ("secret-chats", &[], &[], [false, false]),
    ];
    let source = LISTENING.replace("BOB", &bob.to_string()).replace("GROUP", &group_id.to_string());
    for (number, (chats, heard, dialogs, [to_bob, to_group])) in rows.into_iter().enumerate() {
        let name = format!("listener {number}");
        // What the account has missed comes to new scripts once: the first row's run is the first of Ann's since.
        let run = run(&place, "ann", &source, &["--chats", chats, "--name", &name]);
        if number == 0 {
            let said = heard.iter().all(|chat| run.stdout.contains(&format!("heard {chat}\n")));
            assert!(said, "{chats}: {}", run.stdout);
        }
        let wanted = [
            format!("dialogs {dialogs:?}").replace('"', "'"),
            format!("found {heard:?}").replace('"', "'"),
            format!("phone {}", python(to_bob)),
            format!("bob {}", python(to_bob)),
            format!("group {}", if to_group { "True" } else { "unknown" }),
        ];
        for line in wanted {
            assert!(
                run.stdout.lines().any(|said| said == line),
                "{chats}: {line} is not in {}{}",
                run.stdout,
                run.stderr
            );
        }
    }
}

fn python(truth: bool) -> &'static str {
    if truth { "True" } else { "False" }
}

#[test]
fn grants_that_are_none_are_refused_with_what_there_is() {
    let place = Place::new();
    let script = place.script("script.py", "import tgl\n");
    let rows: [(&[&str], &str); 8] = [
        (&["--allow", "everything"], "secret-chats"),
        (&["--allow", "raw"], "raw=METHOD"),
        (&["--allow", "raw=help.getconfig"], "--allow raw=help.getconfig: layer "),
        (&["--allow", "raw=account.getTmpPassword"], "it is about who may use the account, and no script may call it"),
        (&["--allow", "send,raw=initConnection"], "it carries another query, or is about the connection"),
        (&["--chats", "bob"], "user#5, chat#7 or channel#9"),
        (&["--chats", "user#0"], "user#5, chat#7 or channel#9"),
        (&["--allow", "send", "--deny", "send"], "send is both allowed and denied"),
    ];
    for (options, said) in rows {
        let run = finish(place.command(&["run", "--account", "ann"]).arg(&script).args(options), "");
        assert_eq!(run.code(), Some(2), "{options:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{options:?}: {}", run.stderr);
    }
}

#[test]
fn raw_queries_are_granted_by_their_methods() {
    let place = Place::new();
    place.sign_up("ann", "9996631001", "Ann");
    let source = "import tgl\n\
                  def ask(text, then): tgl.ext_function(text, lambda ok, answer: (print(ok, answer), then()))\n\
                  def go(): ask('(help.getNearestDc)', lambda: ask('(help.getConfig)', lambda: tgl.safe_exit(0)))\n\
                  tgl.set_on_get_difference_end(go)\n";
    let nearest = "True  ( nearestDc country :\"XX\" this_dc : 2 nearest_dc : 2 )";
    let refused = |method: &str| {
        format!("help.{method} is not granted to this script (raw): run it with --allow raw=help.{method}")
    };
    let none = "raw_query is not granted to this script (raw): run it with --allow raw=METHOD".to_owned();
    let rows: [(&[&str], &[&str], Vec<String>); 3] = [
        (&[], &["False None", "False None"], vec![none]),
        (&["--allow", "raw=help.getNearestDc"], &[nearest, "False None"], vec![refused("getConfig")]),
        (
            &["--allow", "send,raw=help.getNearestDc,raw=help.getConfig"],
            &[nearest, "True  ( config flags : "],
            Vec::new(),
        ),
    ];
    for (options, printed, said) in rows {
        let run = run(&place, "ann", source, options);
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert!(lines.iter().zip(printed).all(|(line, part)| line.starts_with(part)), "{options:?}: {}", run.stdout);
        assert_eq!(run.stderr.contains("not granted"), !said.is_empty(), "{options:?}: {}", run.stderr);
        assert!(said.iter().all(|said| run.stderr.contains(said)), "{options:?}: {}", run.stderr);
    }
}
