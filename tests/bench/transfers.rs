//! How fast files go and come: the account's own transfers and Telethon with its compiled crypto, in turns, at the same
//! `tglhost dc`.
//!
//! Invariant: both have the same file and the same way to go, and what was loaded is what was sent.

use std::fs;
use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use files::FileSpace;
use serde::Deserialize;
use telegram::DcAddress;
use tgl::{Call, FileKind, FilePart, Outcome, PeerId};

use crate::client::Client;
use crate::progress;
use crate::sample::{MS, Measure};

/// Before the arguments of the process that transfers.py starts for the account's part.
const CLIENT: &str = "TGLHOST_BENCH_TRANSFERS";
const PHONE: &str = "9996610006";
/// What the private folder may hold: a file and its copy.
const HOME_BYTES_MAX: u64 = 1 << 30;

/// What transfers.py prints: seconds per transfer.
#[derive(Deserialize)]
struct Samples {
    telethon_up: Vec<f64>,
    telethon_down: Vec<f64>,
    tglhost_up: Vec<f64>,
    tglhost_down: Vec<f64>,
}

/// Runs transfers.py in a network namespace of its own, where only its own loopback exists.
pub(crate) fn measure(tglhost: &Path) -> Result<Vec<Measure>> {
    progress("files of 64 MiB, up and down: the account's transfers, and Telethon's");
    let root = tests::root();
    let data = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user"]).arg(root.join("target/interop-venv/bin/python"));
    command.arg(root.join("tests/bench/transfers.py")).arg(tglhost).arg(std::env::current_exe()?).arg(data.path());
    let output = command
        .env(CLIENT, "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `unshare` (util-linux)")?;
    if !output.status.success() {
        bail!("transfers.py failed ({})", output.status);
    }
    let samples: Samples = serde_json::from_slice(&output.stdout).context("transfers.py did not print its samples")?;
    Ok(measures(samples))
}

fn measures(samples: Samples) -> Vec<Measure> {
    let times = |seconds: Vec<f64>| seconds.into_iter().map(Duration::from_secs_f64).collect();
    let of = |id, what, seconds| Measure::of_times(id, what, MS, times(seconds), None);
    let mut measures = vec![
        of("send_tglhost", "Sending 64 MiB from a script's folder", samples.tglhost_up),
        of("send_telethon", "Sending 64 MiB by Telethon with cryptg", samples.telethon_up),
        of("load_tglhost", "Loading 64 MiB into a script's folder", samples.tglhost_down),
        of("load_telethon", "Loading 64 MiB by Telethon with cryptg", samples.telethon_down),
    ];
    let ratios = [
        Measure::ratio(
            "send_ratio",
            "Sending 64 MiB, time relative to Telethon (medians)",
            &measures[0],
            &measures[1],
            1.0,
        ),
        Measure::ratio(
            "load_ratio",
            "Loading 64 MiB, time relative to Telethon (medians)",
            &measures[2],
            &measures[3],
            1.0,
        ),
    ];
    measures.extend(ratios);
    measures
}

/// The account's part, if that is what this process was started for.
pub(crate) fn as_client() -> Option<Result<()>> {
    std::env::var_os(CLIENT)?;
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [address, pem, data, file] = &arguments[..] else { return Some(Err(anyhow::anyhow!("four arguments"))) };
    let runtime = tokio::runtime::Runtime::new().context("no runtime");
    Some(runtime.and_then(|runtime| runtime.block_on(transfer(address, pem, data, file))))
}

#[allow(clippy::print_stdout, reason = "it answers transfers.py on stdout")]
async fn transfer(address: &Path, pem: &Path, data: &Path, file: &Path) -> Result<()> {
    let address = address.to_str().context("an address")?.parse()?;
    let dc = DcAddress::Custom { address, public_key_pem: fs::read_to_string(pem)?, dc_id: 2 };
    let home = data.join("home");
    fs::create_dir_all(&home)?;
    fs::copy(file, home.join("file.bin"))?;
    let files = FileSpace::open(None, Some(&home), HOME_BYTES_MAX, &[])?;
    let mut client = Client::log_in(data, dc, PHONE, files).await?;
    let us = PeerId::user(client.account.state().borrow().our_id.context("nobody is logged in")?);
    for line in stdin().lock().lines() {
        line?;
        let begun = Instant::now();
        let send = Call::SendFile { to: us, kind: FileKind::Document, path: "file.bin".to_owned() };
        let Outcome::Message(message) = client.call(send).await? else { bail!("no message") };
        let up = begun.elapsed();
        let load = Call::LoadFile { message: message.id, part: FilePart::Document };
        let Outcome::File(path) = client.call(load).await? else { bail!("no file") };
        let down = begun.elapsed() - up;
        let loaded = home.join(path.trim_start_matches("/home/"));
        anyhow::ensure!(fs::read(&loaded)? == fs::read(file)?, "another file came than went");
        fs::remove_file(loaded)?;
        println!("[{}, {}]", up.as_secs_f64(), down.as_secs_f64());
    }
    client.account.stop().await;
    Ok(())
}
