//! How long `tglhost run` takes from the start of its process to a script that answers.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::progress;
use crate::sample::{MS, Measure, count};

const STARTS: usize = 20;
/// Starts that are not measured: the first compiles and signs up.
const WARM_UP_STARTS: usize = 2;

/// Where the scripts run, as the command line says it: as it is by itself, and without a worker.
const PLACES: [&str; 2] = ["process", "none"];

/// Types `!ping` into a fresh process as soon as it exists, and waits for the answer; with a worker and without one in turns.
pub(crate) fn measure(tglhost: &Path) -> Result<Vec<Measure>> {
    let what = "`tglhost run`: start of the process to the script's first answer in the chat";
    progress(what);
    let data = tempfile::tempdir()?;
    let (starts, warm_up) = (count(STARTS), count(WARM_UP_STARTS));
    let mut times = [Vec::with_capacity(starts), Vec::with_capacity(starts)];
    for round in 0..starts + warm_up {
        for (place, times) in PLACES.iter().zip(&mut times) {
            let time = start_to_answer(tglhost, &data.path().join(place), place)?;
            if round >= warm_up {
                times.push(time);
            }
        }
    }
    let [worker, alone] = times;
    let worker = Measure::of_times("start_to_answer", what, MS, worker, Some(100.0));
    let what = "The same with `--isolation none`: without a worker";
    let alone = Measure::of_times("start_to_answer_alone", what, MS, alone, None);
    let what = "The worker's price: start to first answer, relative to without it (medians)";
    let ratio = Measure::ratio("start_worker_ratio", what, &worker, &alone, 2.0);
    Ok(vec![worker, alone, ratio])
}

fn start_to_answer(tglhost: &Path, data: &Path, place: &str) -> Result<Duration> {
    let mut command = Command::new(tglhost);
    command.args(["run", "--isolation", place]).arg(tests::root().join("examples/ping.py")).arg("--data").arg(data);
    let begun = Instant::now();
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start tglhost")?;
    let mut stdin = process.stdin.take().context("stdin is piped")?;
    stdin.write_all(b"!ping\n")?;
    let mut stdout = BufReader::new(process.stdout.take().context("stdout is piped")?);
    let mut line = String::new();
    while !line.contains("PONG") {
        line.clear();
        ensure!(stdout.read_line(&mut line)? > 0, "tglhost ended without an answer to !ping");
    }
    let time = begun.elapsed();
    drop(stdin);
    ensure!(process.wait()?.success(), "tglhost ended with an error");
    Ok(time)
}
