//! A script is really run for a moment, as any other is: compiled, in a worker that locks itself down, on an account of an
//! embedded data centre of its own, on loopback.
//!
//! Invariant: it takes so long at most, and nothing of it stays.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use super::Finding;
use crate::commands::THIS_PROGRAM;
use crate::output::sentence;

/// What it prints.
const SAID: &str = "at work";
/// How long it may take: a machine that is slow needs a minute to compile the Python runtime.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_WAIT: Duration = Duration::from_millis(5);
/// How much it may say, in bytes.
const SAID_BYTES_MAX: u64 = 1 << 20;
/// How the host begins to say which wall its kernel lacks.
const LESS: &str = "Scripts run behind one wall less";

/// A line of JSON, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    kind: String,
    text: Option<String>,
}

/// How it went, and which walls this kernel lacks.
pub(super) fn look() -> Vec<Finding> {
    let begun = Instant::now();
    let lines = match run() {
        Ok(lines) => lines,
        Err(error) => return vec![failed(&sentence(&error))],
    };
    let text_of =
        |kind: &'static str| lines.iter().filter(move |line| line.kind == kind).filter_map(|line| line.text.as_deref());
    if !text_of("print").any(|text| text.trim() == SAID) {
        let said: Vec<&str> = text_of("error").chain(text_of("load_failed")).chain(text_of("note")).collect();
        return vec![failed(said.first().unwrap_or(&"it said nothing"))];
    }
    let walls = text_of("note").filter(|text| text.starts_with(LESS)).map(|text| {
        let advice = "A flaw in the WebAssembly sandbox would be held back by less: use a newer kernel, with Landlock on \
                      (lsm=landlock,… on its command line)";
        Finding::notice("walls", text.trim_end_matches('.'), advice)
    });
    let walls: Vec<_> = walls.collect();
    let ran = format!("a script ran in a locked-down worker, in {} ms with all around it", begun.elapsed().as_millis());
    std::iter::once(Finding::right("worker", ran)).chain(walls).collect()
}

fn failed(why: &str) -> Finding {
    Finding::wrong(
        "worker",
        format!("no script could be run: {why}"),
        "So none will run: see to that first, and run one with TGLHOST_LOG=debug to see more",
    )
}

fn run() -> Result<Vec<Line>> {
    let folder = TempDir::new().context("no temporary folder can be made")?;
    let script = folder.path().join("script/trial.py");
    fs::create_dir(folder.path().join("script"))?;
    fs::write(&script, format!("import sys\nprint({SAID:?})\nsys.exit(0)\n"))?;
    let mut child = Command::new(THIS_PROGRAM)
        .args(["run", "--json", "--data"])
        .arg(folder.path().join("data"))
        .arg(&script)
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("tglhost cannot be started anew")?;
    let stdout = child.stdout.take().context("its output is not piped")?;
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        stdout.take(SAID_BYTES_MAX).read_to_string(&mut said).map(|_| said)
    });
    let until = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("one was not done after {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_WAIT);
    }
    let said = reader.join().ok().context("its output cannot be read")??;
    Ok(said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
