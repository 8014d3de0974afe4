//! What scripts of one account cost, and what they cost each other. The other side is a script in a process of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tests::{Place, Process};

use crate::baseline::Baseline;
use crate::progress;
use crate::sample::{self, Figures, MS, Measure};
use crate::used::Used;

const MESSAGES: usize = 500;
const BUSY_SCRIPTS: usize = 5;
/// Echoes in a row, and how many such rows of each kind: in turns, so that what else the machine does meets both.
const ECHOES: usize = 300;
const ECHO_ROWS: usize = 4;

/// The phone numbers of the account that is measured, of the other side, and of the account of the earlier build.
const PHONES: [&str; 3] = ["9996610001", "9996610002", "9996610003"];

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

/// The rows of so many scripts: their deliveries, and their starts.
struct Many {
    scripts: usize,
    deliveries: [&'static str; 2],
    delivery_cpu: [&'static str; 2],
    delivery_ratio: [&'static str; 2],
    start_cpu: [&'static str; 2],
    start_ratio: [&'static str; 2],
}

const MANY: [Many; 2] = [
    Many {
        scripts: 100,
        deliveries: ["deliveries", "100 scripts on one account: deliveries a second"],
        delivery_cpu: ["delivery_cpu", "100 scripts on one account: CPU time of a delivery"],
        delivery_ratio: [
            "delivery_ratio",
            "100 scripts on one account: time of a delivery, relative to the earlier build",
        ],
        start_cpu: ["start_cpu", "100 scripts: CPU time of a script's start"],
        start_ratio: ["start_cpu_ratio", "100 scripts: the same, relative to the earlier build"],
    },
    Many {
        scripts: 1_000,
        deliveries: ["deliveries_1000", "1,000 scripts on one account: deliveries a second"],
        delivery_cpu: ["delivery_cpu_1000", "1,000 scripts on one account: CPU time of a delivery"],
        delivery_ratio: [
            "delivery_ratio_1000",
            "1,000 scripts on one account: time of a delivery, relative to the earlier build",
        ],
        start_cpu: ["start_cpu_1000", "1,000 scripts: CPU time of a script's start"],
        start_ratio: ["start_cpu_ratio_1000", "1,000 scripts: the same, relative to the earlier build"],
    },
];

/// What many scripts cost.
struct Cost {
    start_cpu: Duration,
    delivery: Duration,
    delivery_cpu: Duration,
}

/// Measures both.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    let place = Place::new();
    place.sign_up("measured", PHONES[0], "Ann");
    place.sign_up("other", PHONES[1], "Bob");
    // A user of its own: what the others get is not to be caught up with.
    place.sign_up("earlier", PHONES[2], "Cem");
    let baseline = Baseline::log_in(&place, "measured", PHONES[2])?;
    let mut measures = Vec::new();
    for many in &MANY {
        measures.extend(deliveries(&place, many, baseline.as_ref())?);
    }
    measures.extend(neighbours(&place)?);
    Ok(measures)
}

/// Scripts that get every message.
fn deliveries(place: &Place, many: &Many, baseline: Option<&Baseline>) -> Result<Vec<Measure>> {
    let scripts = sample::count(many.scripts);
    progress(&format!("{scripts} scripts on one account: starts and deliveries"));
    let now = cost(place, scripts, PHONES[0], |scripts| start(place, "measured", scripts))?;
    let one = |[id, what]: [&'static str; 2], unit, value, budget| Measure {
        id,
        what,
        unit,
        figures: Figures::One { value },
        samples: 1,
        budget,
    };
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let mut measures = vec![
        one(many.deliveries, "/s", 1.0 / now.delivery.as_secs_f64(), None),
        one(many.delivery_cpu, "µs", us(now.delivery_cpu), None),
        one(many.start_cpu, "ms", us(now.start_cpu) / 1e3, None),
    ];
    if let Some(baseline) = baseline {
        progress("the same by the earlier build");
        let then = cost(place, scripts, PHONES[2], |scripts| baseline.start(place, "measured", scripts))?;
        let ratio = |now: Duration, then: Duration| now.as_secs_f64() / then.as_secs_f64();
        measures.push(one(many.delivery_ratio, "×", ratio(now.delivery, then.delivery), Some(0.33)));
        measures.push(one(many.start_ratio, "×", ratio(now.start_cpu, then.start_cpu), Some(0.5)));
    }
    Ok(measures)
}

/// What so many scripts cost that begin, and then get every message.
fn cost(place: &Place, scripts: usize, phone: &str, start_all: impl FnOnce(Vec<PathBuf>) -> Process) -> Result<Cost> {
    let messages = sample::count(MESSAGES);
    let count = format!(
        "import tgl\nseen = 0\ndef got(msg):\n    global seen\n    seen += 1\n    if seen == {messages}: print('all')\n\
         tgl.set_on_msg_receive(got)\ntgl.set_on_binlog_replay_end(lambda: print('up'))\n"
    );
    let send = format!(
        "import tgl\ndef added(ok, peers):\n    for n in range({messages}): peers[0].send_msg('message %d' % n)\n\
         tgl.set_on_msg_receive(lambda msg: None)\ntgl.add_contact('{phone}', 'Ann', '', added)\n"
    );
    let mut measured = start_all((0..scripts).map(|n| place.script(&format!("{n}.py"), &count)).collect());
    wait_for(&mut measured, scripts, "up")?;
    let (begun, before) = (Instant::now(), Used::of(measured.id())?);
    let other = start(place, "other", [place.script("send.py", &send)]);
    wait_for(&mut measured, scripts, "all")?;
    let (took, used) = (begun.elapsed(), Used::of(measured.id())?.since(&before));
    [measured, other].into_iter().for_each(Process::kill);
    let count = (scripts * messages) as u32;
    Ok(Cost { start_cpu: before.total() / scripts as u32, delivery: took / count, delivery_cpu: used / count })
}

/// An echo with nobody beside it, and with scripts that compute.
fn neighbours(place: &Place) -> Result<Vec<Measure>> {
    progress("an echo beside scripts that compute");
    let (mut quiet, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..sample::count(ECHO_ROWS) {
        quiet.extend(echoes(place, 0)?);
        beside.extend(echoes(place, BUSY_SCRIPTS)?);
    }
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
