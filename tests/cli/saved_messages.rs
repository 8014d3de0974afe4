//! What one writes to oneself is one's own wherever a script meets it, so no script answers itself.

use tests::{Place, finish};

/// The README's first script.
fn first_script() -> String {
    let readme = std::fs::read_to_string(tests::root().join("README.md")).expect("it is there");
    let (_, after) = readme.split_once("```python\n# hello.py\n").expect("it has a first script");
    after.split("```").next().expect("its text").to_owned()
}

/// Writes to itself and looks at what it wrote in every way there is.
const WRITING: &str = "\
import tgl
def show(where):
    return lambda ok, given: [print(where, m.text, m.out) for m in (given if isinstance(given, list) else [given])]
def begin(our_id):
    global me
    me = tgl.Peer(tgl.PEER_USER, our_id)
    me.send_msg('hello', sent)
def sent(ok, m):
    show('callback')(ok, m)
    me.msg_search('hello', show('search'))
    me.get_history(0, 10, lambda ok, all: (show('history')(ok, all), tgl.safe_exit(0)))
tgl.set_on_our_id(begin)
tgl.set_on_msg_receive(lambda m: print('event', m.text, m.out))
";

/// Counts what it has written to itself.
const COUNTING: &str = "\
import tgl
counted = lambda ok, all: (print(len(all)), tgl.safe_exit(0))
tgl.set_on_our_id(lambda our_id: tgl.Peer(tgl.PEER_USER, our_id).get_history(0, 10, counted))
";

#[test]
fn what_one_writes_to_oneself_is_outgoing_and_the_first_script_leaves_it_alone() {
    let place = Place::new();
    place.sign_up("a", "9996631001", "Ann");
    let run = |name: &str, source: &str| {
        let run = finish(place.command(&["run", "--account", "a"]).arg(place.script(name, source)), "");
        assert_eq!(run.code(), Some(0), "{name}: {}", run.stderr);
        run
    };
    // It has its place before anything is written, and ends once what it has missed is handled and its answers are sent.
    let hello = first_script() + "\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n";
    run("hello.py", &hello);
    let shown = run("writing.py", WRITING).stdout;
    assert_eq!(shown, "event hello True\ncallback hello True\nsearch hello True\nhistory hello True\n");
    let missed = run("hello.py", &hello).stderr;
    assert!(missed.contains("hello.py: 1 messages since last time"), "{missed}");
    assert_eq!(run("counting.py", COUNTING).stdout, "1\n", "it answered itself");
}
