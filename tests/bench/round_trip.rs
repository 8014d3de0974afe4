//! How long an echo takes on the whole way: a Telethon client sends, `tglhost dc` delivers, a bot answers, the client has it.
//! The bot is a script under `tglhost run`, with a worker and without, or a Telethon program, in turns, at the same data centre.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::progress;
use crate::sample::{MS, Measure};

/// What round_trip.py prints: seconds per echo, by bot.
#[derive(Deserialize)]
struct Samples {
    tglhost_python: Vec<f64>,
    tglhost_rust: Vec<f64>,
    tglhost_alone: Vec<f64>,
    telethon: Vec<f64>,
}

/// Runs round_trip.py in a network namespace of its own, where only its own loopback exists.
pub(crate) fn measure(tglhost: &Path) -> Result<Vec<Measure>> {
    progress("echo round trips: scripts under tglhost, and a bot in Telethon");
    let root = tests::root();
    let data = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user"]).arg(root.join("target/interop-venv/bin/python"));
    command.arg(root.join("tests/bench/round_trip.py")).arg(tglhost).arg(data.path());
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `unshare` (util-linux)")?;
    if !output.status.success() {
        bail!("round_trip.py failed ({})", output.status);
    }
    let samples: Samples = serde_json::from_slice(&output.stdout).context("round_trip.py did not print its samples")?;
    Ok(measures(samples))
}

fn measures(samples: Samples) -> Vec<Measure> {
    let of = |id, what, seconds: Vec<f64>| {
        Measure::of_times(id, what, MS, seconds.into_iter().map(Duration::from_secs_f64).collect(), None)
    };
    let python = of("echo_tglhost_python", "Echo by a Python script under tglhost", samples.tglhost_python);
    let rust = of("echo_tglhost_rust", "Echo by a Rust guest under tglhost", samples.tglhost_rust);
    let alone = of("echo_tglhost_alone", "Echo by a Python script with `--isolation none`", samples.tglhost_alone);
    let telethon = of("echo_telethon", "Echo by a Telethon bot, unsandboxed", samples.telethon);
    let ratios = [
        (
            "echo_ratio_python",
            "Python script under tglhost, relative to the Telethon bot (medians)",
            &python,
            &telethon,
            1.0,
        ),
        ("echo_ratio_rust", "Rust guest under tglhost, relative to the Telethon bot (medians)", &rust, &telethon, 1.0),
        (
            "echo_worker_ratio",
            "The worker's price: echo of the script, relative to without it (medians)",
            &python,
            &alone,
            1.15,
        ),
    ];
    let ratios = ratios.map(|(id, what, of, to, budget)| Measure::ratio(id, what, of, to, budget));
    [python, rust, alone, telethon].into_iter().chain(ratios).collect()
}
