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

/// Types `!ping` into a fresh process as soon as it exists, and waits for the answer.
pub(crate) fn measure(tglhost: &Path) -> Result<Vec<Measure>> {
    let what = "`tglhost run`: start of the process to the script's first answer in the chat";
    progress(what);
    let data = tempfile::tempdir()?;
    let (starts, warm_up) = (count(STARTS), count(WARM_UP_STARTS));
    let mut times = Vec::with_capacity(starts);
    for round in 0..starts + warm_up {
        let time = start_to_answer(tglhost, data.path())?;
        if round >= warm_up {
            times.push(time);
        }
    }
    Ok(vec![Measure::of_times("start_to_answer", what, MS, times, Some(100.0))])
}

fn start_to_answer(tglhost: &Path, data: &Path) -> Result<Duration> {
    let mut command = Command::new(tglhost);
    command.arg("run").arg(tests::root().join("examples/ping.py")).arg("--data").arg(data);
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
