//! What many scripts of one host cost: while nothing happens, and at the end of all of them while they compute.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tests::Process;

use crate::baseline::Baseline;
use crate::progress;
use crate::sample::{Figures, MS, Measure};
use crate::used::Used;

const IDLE_SCRIPTS: usize = 500;
/// How long scripts have been ready before they count as idle, and how long they are watched then.
const IDLE_AFTER: Duration = Duration::from_secs(5);
const IDLE_FOR: Duration = Duration::from_secs(10);
const BUSY_SCRIPTS: usize = 100;
const ENDS: usize = 5;

/// Says that it is ready, and then waits.
const IDLE: &str =
    "import tgl\ntgl.set_on_msg_receive(lambda m: None)\ntgl.set_on_binlog_replay_end(lambda: print('up'))\n";
/// Computes without end from the first message on.
const BUSY: &str = "import tgl\ndef f(m):\n    print('spins')\n    while True: pass\ntgl.set_on_msg_receive(f)\n";

/// Measures both.
pub(crate) fn measure(tglhost: &Path) -> Result<Vec<Measure>> {
    Ok([idle_all(tglhost)?, ends(tglhost)?].concat())
}

/// CPU time of scripts that wait, those that use `set_on_loop` too, which the earlier build called often.
fn idle_all(tglhost: &Path) -> Result<Vec<Measure>> {
    let one =
        |id, what, unit, value, budget| Measure { id, what, unit, figures: Figures::One { value }, samples: 1, budget };
    let what = "500 idle scripts: CPU time, of a core";
    progress(what);
    let mut measures = vec![one("idle_cpu", what, "%", idle(tglhost, IDLE)?, Some(0.1))];
    let what = "500 idle scripts that use set_on_loop: the same";
    progress(what);
    let (source, baseline) = (format!("{IDLE}tgl.set_on_loop(lambda: None)\n"), Baseline::find());
    let looping = idle(tglhost, &source)?;
    measures.push(one("idle_loop_cpu", what, "%", looping, None));
    if let Some(baseline) = baseline {
        progress("the same by the earlier build");
        let ratio = looping / idle(&baseline.program, &source)?;
        let what = "500 idle scripts that use set_on_loop: relative to the earlier build";
        measures.push(one("idle_loop_ratio", what, "×", ratio, Some(0.4)));
    }
    Ok(measures)
}

/// CPU time of scripts of this text that wait, in percent of a core.
fn idle(tglhost: &Path, source: &str) -> Result<f64> {
    let place = TempDir::new()?;
    let mut process = start(tglhost, &place, source, IDLE_SCRIPTS)?;
    (0..IDLE_SCRIPTS).for_each(|_| _ = process.line());
    std::thread::sleep(IDLE_AFTER);
    let (begun, before) = (Instant::now(), Used::of(process.id())?);
    std::thread::sleep(IDLE_FOR);
    let used = Used::of(process.id())?.since(&before);
    Ok(100.0 * used.as_secs_f64() / begun.elapsed().as_secs_f64())
}

/// From SIGTERM to the end, and the CPU time in between until the process was last seen: another's load does not count there.
fn ends(tglhost: &Path) -> Result<Vec<Measure>> {
    let what = "100 busy scripts: SIGTERM to end";
    progress(what);
    let (mut times, mut cpu_times) = (Vec::with_capacity(ENDS), Vec::with_capacity(ENDS));
    let place = TempDir::new()?;
    for _ in 0..ENDS {
        let mut process = start(tglhost, &place, BUSY, BUSY_SCRIPTS)?;
        process.write("go\n");
        (0..BUSY_SCRIPTS).for_each(|_| _ = process.line());
        let before = Used::of(process.id())?;
        let begun = Instant::now();
        process.terminate();
        let mut used = Duration::ZERO;
        // Until it has ended: then it has no program any more.
        while fs::read_link(format!("/proc/{}/exe", process.id())).is_ok() {
            used = Used::of(process.id()).map_or(used, |now| used.max(now.since(&before)));
            std::thread::sleep(Duration::from_millis(1));
        }
        ensure!(process.wait().success(), "tglhost ended with an error");
        times.push(begun.elapsed());
        cpu_times.push(used);
    }
    Ok(vec![
        Measure::of_times("busy_end", what, MS, times, Some(2_000.0)),
        Measure::of_times("busy_end_cpu", "100 busy scripts: the same, CPU time", MS, cpu_times, None),
    ])
}

/// So many scripts of this text under one host.
fn start(tglhost: &Path, place: &TempDir, source: &str, count: usize) -> Result<Process> {
    let folder = place.path().join("scripts");
    fs::create_dir_all(&folder)?;
    let mut command = std::process::Command::new(tglhost);
    command.arg("run").arg("--data").arg(place.path().join("data"));
    for n in 0..count {
        let script = folder.join(format!("script_{n}.py"));
        fs::write(&script, source)?;
        command.arg(script);
    }
    Ok(Process::start(&mut command))
}
