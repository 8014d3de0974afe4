//! What scripts of one account cost, and what they cost each other. The other side is a script in a process of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tests::{Place, Process};

use crate::many::Used;
use crate::progress;
use crate::sample::{self, Figures, MS, Measure};

const SCRIPTS: usize = 100;
const MESSAGES: usize = 500;
const BUSY_SCRIPTS: usize = 5;
const ECHOES: usize = 300;

/// The phone numbers of the account that is measured, and of the other side.
const PHONES: [&str; 2] = ["9996610001", "9996610002"];

/// Answers each message with its text.
const ECHO: &str = "\
import tgl
def got(msg):
    if not msg.out: msg.src.send_msg(msg.text)
tgl.set_on_msg_receive(got)
tgl.set_on_binlog_replay_end(lambda: print('up'))
";

/// Computes half a second at a time, without end.
const BUSY: &str = "\
import threading, time, tgl
def compute():
    until = time.process_time() + .5
    while time.process_time() < until: sum(range(1000))
    threading.Timer(.001, compute).start()
tgl.set_on_msg_receive(lambda msg: None)
tgl.set_on_binlog_replay_end(lambda: print('up'))
threading.Timer(.001, compute).start()
";

/// Measures both.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    let place = Place::new();
    place.sign_up("measured", PHONES[0], "Ann");
    place.sign_up("other", PHONES[1], "Bob");
    Ok([deliveries(&place)?, neighbours(&place)?].concat())
}

/// A hundred scripts that get every message.
fn deliveries(place: &Place) -> Result<Vec<Measure>> {
    progress("100 scripts on one account: deliveries");
    let (scripts, messages) = (sample::count(SCRIPTS), sample::count(MESSAGES));
    let count = format!(
        "import tgl\nseen = 0\ndef got(msg):\n    global seen\n    seen += 1\n    if seen == {messages}: print('all')\n\
         tgl.set_on_msg_receive(got)\ntgl.set_on_binlog_replay_end(lambda: print('up'))\n"
    );
    let send = format!(
        "import tgl\ndef added(ok, peers):\n    for n in range({messages}): peers[0].send_msg('message %d' % n)\n\
         tgl.set_on_msg_receive(lambda msg: None)\ntgl.add_contact('{}', 'Ann', '', added)\n",
        PHONES[0]
    );
    let mut measured = start(place, "measured", (0..scripts).map(|n| place.script(&format!("{n}.py"), &count)));
    wait_for(&mut measured, scripts, "up")?;
    let (begun, before) = (Instant::now(), Used::of(measured.id())?);
    let other = start(place, "other", [place.script("send.py", &send)]);
    wait_for(&mut measured, scripts, "all")?;
    let (took, used) = (begun.elapsed(), Used::of(measured.id())?.since(&before));
    [measured, other].into_iter().for_each(Process::kill);
    let count = (scripts * messages) as f64;
    let one =
        |id, what, unit, value| Measure { id, what, unit, figures: Figures::One { value }, samples: 1, budget: None };
    Ok(vec![
        one("deliveries", "100 scripts on one account: deliveries a second", "/s", count / took.as_secs_f64()),
        one(
            "delivery_cpu",
            "100 scripts on one account: CPU time of a delivery",
            "µs",
            used.as_secs_f64() * 1e6 / count,
        ),
    ])
}

/// An echo with nobody beside it, and with scripts that compute.
fn neighbours(place: &Place) -> Result<Vec<Measure>> {
    progress("an echo beside scripts that compute");
    let quiet = echoes(place, 0)?;
    let beside = echoes(place, BUSY_SCRIPTS)?;
    let of = |id, what, times| Measure::of_times(id, what, MS, times, None);
    let [quiet, beside] = [
        of("echo_alone", "Echo from script to script, nobody beside it", quiet),
        of("echo_beside_busy", "Echo from script to script beside five scripts that compute", beside),
    ];
    let p99 = |measure: &Measure| match measure.figures {
        Figures::Percentiles { p99, .. } => p99,
        Figures::One { value } => value,
    };
    let ratio = Measure {
        id: "echo_beside_busy_ratio",
        what: "The same, relative to nobody beside it (p99)",
        unit: "×",
        figures: Figures::One { value: p99(&beside) / p99(&quiet) },
        samples: beside.samples,
        budget: Some(2.0),
    };
    Ok(vec![quiet, beside, ratio])
}

/// How long each echo took, by the clock of who asked.
fn echoes(place: &Place, busy: usize) -> Result<Vec<Duration>> {
    let echoes = sample::count(ECHOES);
    let ask = format!(
        "import time, tgl\npeer, times = None, []\ndef ask():\n    global begun\n    begun = time.monotonic()\n    \
         peer.send_msg('echo')\ndef added(ok, peers):\n    global peer\n    peer = peers[0]\n    ask()\ndef got(msg):\n    \
         if msg.out or peer is None: return\n    times.append(time.monotonic() - begun)\n    \
         if len(times) < {echoes}: ask()\n    else: print(times)\n\
         tgl.set_on_msg_receive(got)\ntgl.add_contact('{}', 'Ann', '', added)\n",
        PHONES[0]
    );
    let busy_scripts = (0..busy).map(|n| place.script(&format!("busy_{n}.py"), BUSY));
    let mut measured = start(place, "measured", [place.script("echo.py", ECHO)].into_iter().chain(busy_scripts));
    wait_for(&mut measured, 1 + busy, "up")?;
    let mut other = start(place, "other", [place.script("ask.py", &ask)]);
    let times: Vec<f64> = serde_json::from_str(&other.line()).context("the script that asks printed no times")?;
    [measured, other].into_iter().for_each(Process::kill);
    Ok(times.into_iter().map(Duration::from_secs_f64).collect())
}

/// These scripts on this account, from what comes now on.
fn start(place: &Place, account: &str, scripts: impl IntoIterator<Item = PathBuf>) -> Process {
    Process::start(place.command(&["run", "--account", account, "--from", "now"]).args(scripts))
}

/// Waits until so many lines say this.
fn wait_for(process: &mut Process, count: usize, said: &str) -> Result<()> {
    for _ in 0..count {
        let line = process.line();
        anyhow::ensure!(line.trim_end().ends_with(said), "a script said {line:?} instead of {said:?}");
    }
    Ok(())
}
