//! The messages of Telegram's service account, 777000: a script that is not allowed to see them sees none of it.

use tests::{Finished, Place, finish};

const CODE: &str = "Login code: 31337";

/// A data centre whose user 777000 has written a login code to a, whose contact b is.
fn told() -> Place {
    let place = Place::new();
    let path = place.data.path().join("dc/embedded/data-centre/datacentre.sqlite");
    // Ids are given out in their order: the next one is 777000.
    let insert = "INSERT INTO users (id, phone, first_name) VALUES (776999, 'nobody', 'Nobody')";
    rusqlite::Connection::open(path).and_then(|db| db.execute_batch(insert)).expect("inserted");
    place.sign_up("service", "9996670000", "Telegram");
    place.sign_up("a", "9996631001", "Ann");
    place.sign_up("b", "9996631002", "Bob");
    let writing = format!(
        "import tgl\n\
         tgl.set_on_our_id(lambda i: print(i))\n\
         tgl.add_contact('9996631001', 'Ann', '', lambda ok, peers: peers[0].send_msg({CODE:?}, lambda ok, m: tgl.safe_exit(0)))\n"
    );
    assert_eq!(run(&place, "service", &writing, &[]).stdout, "777000\n");
    place
}

fn run(place: &Place, account: &str, source: &str, options: &[&str]) -> Finished {
    let script = place.script("script.py", source);
    let run = finish(place.command(&["run", "--account", account]).arg(script).args(options), "");
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    run
}

/// Tries every way to a message that scripts have, b's chat last. `MINE` are the messages that b got.
const PRYING: &str = "\
import tgl
def show(given):
    if isinstance(given, list): return [show(one) for one in given]
    if isinstance(given, dict): return (given['peer'].id, show(given['message']))
    if isinstance(given, tgl.Msg): return (given.text, given.media, given.reply and given.reply.text)
    return given
def say(what):
    return lambda ok, given=None: print(what, ok, show(given))
tgl.set_on_msg_receive(lambda m: print('event', m.out, show(m)))
def up():
    tgl.add_contact('9996631002', 'Bob', '', added)
def added(ok, peers):
    bob = peers[0]
    service = tgl.Peer(tgl.PEER_USER, 777000)
    print('service', service.first_name)
    service.get_history(0, 10, say('history'))
    service.msg_search('Login', say('search'))
    service.mark_read(say('mark'))
    service.send_msg('hello', say('send'))
    tgl.msg_global_search('Login', say('everywhere'))
    tgl.get_dialog_list(say('dialogs'))
    for n in range(1, 9):
        bob.fwd_msg(n, say('fwd %d' % n))
        bob.fwd_media(n, say('media %d' % n))
        bob.send_msg('answer %d' % n, say('reply %d' % n), reply=n)
        tgl.restore_msg(n, say('restore %d' % n))
    bob.msg_search('Login', say('bob search'))
    bob.get_history(0, 50, lambda ok, msgs: (say('bob history')(ok, msgs), tgl.safe_exit(0)))
tgl.set_on_get_difference_end(up)
";

/// Allowed to see it, passes the code on to b.
const PASSING_ON: &str = "\
import tgl
def f(m):
    if m.text and 'Login' in m.text and not m.out:
        print('got', m.text)
        bob.fwd_msg(m.id, lambda ok, sent: (print('passed on', sent.text), tgl.safe_exit(0)))
def added(ok, peers):
    global bob
    bob = peers[0]
    tgl.Peer(tgl.PEER_USER, 777000).get_history(0, 10, lambda ok, msgs: f(msgs[0]))
tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996631002', 'Bob', '', added))
";

#[test]
fn login_codes_reach_no_script_that_is_not_allowed_to_see_them() {
    let place = told();
    let pried = run(&place, "a", PRYING, &[]).stdout;
    assert!(!pried.contains("31337") && !pried.contains("event False"), "{pried}");
    for line in ["service Telegram", "history False []", "search False []", "mark False None", "send False None"] {
        assert!(pried.lines().any(|printed| printed == line), "{line:?} is not in {pried}");
    }
    assert!(pried.lines().any(|line| line == "everywhere True []"), "{pried}");
    assert!(!pried.contains("777000"), "no conversation with it is listed: {pried}");

    let passed = run(&place, "a", PASSING_ON, &["--allow", "service-messages", "--name", "trusted"]).stdout;
    assert_eq!(passed, format!("got {CODE}\npassed on {CODE}\n"), "an allowed one sees it");

    let pried = run(&place, "a", PRYING, &["--from", "last"]).stdout;
    assert!(!pried.contains("31337"), "{pried}");
    assert!(pried.contains("event True (None, None, None)"), "what was passed on is there, without its text: {pried}");
    assert!(pried.contains("bob search True []\n"), "that it is found would tell what it says: {pried}");
    assert!(
        !pried.lines().any(|line| line.starts_with("fwd") && line.contains("True") && line.contains("(None")),
        "{pried}"
    );

    let heard = run(&place, "b", "import tgl\ntgl.set_on_msg_receive(lambda m: print(m.text))\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n", &["--from", "last"]).stdout;
    assert!(!heard.contains("31337") && heard.starts_with("None\n"), "nor what was passed on to its account: {heard}");
}
