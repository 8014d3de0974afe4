//! Three scripts of one account handle every message in order, and answer each once, however often the worker in which they
//! run and its host are killed, in turn, and whatever becomes of pushes, answers and connections meanwhile.

use std::fs;
use std::time::Duration;

use tests::{Process, signal, wait_until};
use tokio::runtime::Runtime;

use crate::Moments;
use crate::load::{self, Load};

const SCRIPTS: [&str; 3] = ["one.py", "two.py", "three.py"];
/// The latest moments of the kills, after a worker's start and after the kill before: a worker is replaced after a second.
const WORKER_KILL_MS_MAX: u64 = 1_000;
const HOST_KILL_MS_MAX: u64 = 2_500;

/// Writes each message down, then answers it.
const ANSWERING: &str = "\
import tgl
handled = open('/home/handled', 'a')
def f(m):
    if m.out: return
    print(m.text, file=handled, flush=True)
    m.src.send_msg('NAME ' + m.text)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: print('up'))
";

fn nothing_is_lost_or_doubled_over(kills: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let place = load::place(&runtime);
    let faults = place.data_centre.faults();
    place.sign_up("a", "9996631001", "Ann");
    let scripts = SCRIPTS.map(|name| place.script(name, &ANSWERING.replace("NAME", name)));
    let start = || Process::start(place.command(&["run", "--account", "a"]).args(&scripts));
    let mut host = start();
    SCRIPTS.iter().for_each(|_| assert!(host.line().ends_with(": up\n")));

    let load = Load::start(&place, &["9996631001"], SCRIPTS.len());
    let mut moments = Moments::new();
    for kill in 0..kills {
        load::misbehave(&faults, kill);
        if kill % 2 == 0 {
            wait_until("a worker is there", || !host.children().is_empty());
            std::thread::sleep(Duration::from_millis(moments.below(WORKER_KILL_MS_MAX)));
            host.children().into_iter().for_each(|worker| signal(worker, "KILL"));
        } else {
            std::thread::sleep(Duration::from_millis(moments.below(HOST_KILL_MS_MAX)));
            host.kill();
            host = start();
        }
    }
    load::behave(&faults);
    let heard = load.finish();
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
    for script in SCRIPTS {
        heard.answered_once_by(script);
        let home = load::home(&place.data.path().join("user"), script);
        let handled = fs::read_to_string(home.join("handled")).expect("it is there");
        let again = heard.handled_again(handled.lines());
        println!("{script}: {} messages, {again} of them handled again, {kills} kills", heard.sent);
        assert!(again <= kills, "{script}: {again} were handled again");
    }
}

#[test]
fn kills_of_the_worker_and_of_the_host_in_turn() {
    nothing_is_lost_or_doubled_over(10);
}

#[test]
#[ignore = "takes minutes; the one above is the same with fewer kills"]
fn many_kills_of_the_worker_and_of_the_host_in_turn() {
    nothing_is_lost_or_doubled_over(200);
}
