//! How long a bot takes from a message to its answer by the data centre's own clock: a script under `tglhost run` and a Telethon
//! program in turns, at a data centre in this process; and the same of a script that sleeps until each message.
//!
//! Invariant: nothing but the bot, and the way to it and back, is in the figure.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use datacentre::{Config, DataCentre, TurnAround};
use files::FileSpace;
use serde::{Deserialize, Serialize};
use telegram::DcAddress;
use tests::{HostFolder, Process, finish, interop_python, root, tglhost, wait_until};
use tgl::{Call, Outcome, Peer, PeerId};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

use crate::client::Client;
use crate::progress;
use crate::sample::{self, MS, Measure};

/// Set in the process that measures.
const INSIDE: &str = "TGLHOST_BENCH_TURN_AROUND";
const ROUNDS: usize = 500;
const WARM_UP_ROUNDS: usize = 50;
/// Between two messages: what a bot does after its answer is not to meet the other one's turn.
const PAUSE: Duration = Duration::from_millis(10);
const ANSWER_WAIT: Duration = Duration::from_secs(60);
const DC_ID: i32 = 2;
/// Of the script, of the Telethon program, of who asks, and of the script that sleeps.
const PHONES: [&str; 4] = ["9996610001", "9996610003", "9996610004", "9996610005"];
/// Messages that wake a script.
const WAKES: usize = 20;

/// Seconds.
#[derive(Default, Serialize, Deserialize)]
struct Samples {
    tglhost: Vec<f64>,
    telethon: Vec<f64>,
    sleeper: Vec<f64>,
}

/// Measures in a process of its own, in a network namespace where only its own loopback is up.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    progress("a bot's own turn-around: a script under tglhost, and a bot in Telethon");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(interop_python()).arg(root().join("tests/interop/in_namespace.py"));
    let output = command
        .arg(std::env::current_exe()?)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `unshare` (util-linux)")?;
    ensure!(output.status.success(), "measuring the turn-around failed ({})", output.status);
    let samples: Samples = serde_json::from_slice(&output.stdout).context("there are no samples of the turn-around")?;
    let of = |id, what, seconds: Vec<f64>| {
        Measure::of_times(id, what, MS, seconds.into_iter().map(Duration::from_secs_f64).collect(), None)
    };
    let script = of("turn_around_tglhost", "Turn-around of a Python script under tglhost", samples.tglhost);
    let telethon = of("turn_around_telethon", "Turn-around of a Telethon bot", samples.telethon);
    let what = "Turn-around of the script, relative to the Telethon bot's (medians)";
    let ratio = Measure::ratio("turn_around_ratio", what, &script, &telethon, 0.4);
    let what = "Turn-around of a Python script that sleeps until the message";
    let times = samples.sleeper.into_iter().map(Duration::from_secs_f64).collect();
    let sleeper = Measure::of_times("turn_around_sleeper", what, MS, times, Some(5.0));
    Ok(vec![script, telethon, ratio, sleeper])
}

/// The measurement itself, if that is what this process was started for.
pub(crate) fn as_inside() -> Option<Result<()>> {
    std::env::var_os(INSIDE)?;
    Some(inside())
}

#[allow(clippy::print_stdout, reason = "it answers on stdout")]
fn inside() -> Result<()> {
    let (place, runtime) = (tempfile::tempdir()?, Runtime::new()?);
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: place.path().join("dc"), dc_id: DC_ID };
    let centre = runtime.block_on(DataCentre::start(config))?;
    let bots = [script(&centre, &place.path().join("script"))?, telethon(&centre)?];
    let public_key_pem = centre.public_key_pem.clone();
    let dc = DcAddress::Custom { address: centre.address, public_key_pem, dc_id: centre.dc_id };
    let data = place.path().join("asks");
    let mut client = runtime.block_on(Client::log_in(&data, dc, PHONES[2], FileSpace::empty()))?;
    let mut told = centre.turn_arounds();
    let mut samples = runtime.block_on(ask(&mut client, &mut told))?;
    bots.into_iter().for_each(Process::kill);
    samples.sleeper = wake(&centre, &runtime, &mut client, &mut told)?;
    runtime.block_on(client.account.stop());
    println!("{}", serde_json::to_string(&samples)?);
    runtime.block_on(centre.stop());
    Ok(())
}

/// A script that echoes, logged in and at work.
fn script(centre: &DataCentre, data: &Path) -> Result<Process> {
    let command = |arguments: &[&str]| {
        let mut command = tglhost(data);
        command.args(arguments).args(["--dc", &centre.address.to_string(), "--dc-key"]).arg(&centre.public_key_path);
        command
    };
    let login = ["login", "bot", "--phone", PHONES[0], "--code", &PHONES[0][5..6].repeat(5), "--first-name", "Script"];
    let login = finish(&mut command(&login), "");
    ensure!(login.code() == Some(0), "the script's account cannot log in: {}", login.stderr);
    let echo = root().join("tests/bench/echo.py");
    let mut process = Process::start(command(&["run", "--account", "bot", "--json"]).arg(echo));
    while !process.line().contains("connected") {}
    Ok(process)
}

/// A Telethon program that does the same.
fn telethon(centre: &DataCentre) -> Result<Process> {
    let mut command = Command::new(interop_python());
    command.arg(root().join("tests/bench/telethon_echo.py")).arg(centre.address.port().to_string());
    let mut process = Process::start(command.arg(&centre.public_key_path).arg(PHONES[1]));
    let line = process.line();
    ensure!(line.trim() == "ready", "the Telethon bot said {line:?}");
    Ok(process)
}

/// Writes to each bot in turn, and takes what the data centre says of each.
async fn ask(client: &mut Client, told: &mut Receiver<TurnAround>) -> Result<Samples> {
    let bots = [contact(client, PHONES[0]).await?, contact(client, PHONES[1]).await?];
    let mut samples = Samples::default();
    let (rounds, warm_up) = (sample::count(ROUNDS), sample::count(WARM_UP_ROUNDS));
    for round in 0..warm_up + rounds {
        // Each goes first as often as the other.
        let turns = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for turn in turns {
            let text = format!("echo {round}");
            client.call(Call::SendMessage { to: bots[turn], text, reply_to: None, preview: None }).await?;
            let took = answered(told, bots[turn]).await?;
            if round >= warm_up {
                let samples = if turn == 0 { &mut samples.tglhost } else { &mut samples.telethon };
                samples.push(took.as_secs_f64());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(samples)
}

/// How long a script under `tglhost serve` takes that is asleep when the message comes.
fn wake(
    centre: &DataCentre,
    runtime: &Runtime,
    client: &mut Client,
    told: &mut Receiver<TurnAround>,
) -> Result<Vec<f64>> {
    let (key, address) = (centre.public_key_path.display().to_string(), centre.address);
    let tenant = format!(
        "[grants]\ncalls = [\"read\", \"send\"]\nchats = [\"users\"]\n[scripts.echo]\nfile = \"echo.py\"\n\
         account = \"bot\"\nsleep_after_s = 1\n[accounts.bot]\n\
         data_centre.at = {{ address = \"{address}\", dc_id = {DC_ID}, key_file = {key:?} }}\n"
    );
    let asks = "# /// tglhost\n# calls = [\"read\", \"send\"]\n# chats = [\"users\"]\n# ///\n";
    let folder = HostFolder::new(&[
        ("tglhost.toml", ""),
        ("tenants/t/tenant.toml", &tenant),
        ("tenants/t/scripts/echo.py", &format!("{asks}{}", include_str!("echo.py"))),
    ]);
    let host = folder.serve();
    let login = ["account", "login", "t.bot", "--phone", PHONES[3], "--code", &PHONES[3][5..6].repeat(5)];
    let login = folder.ask(&login);
    ensure!(login.code() == Some(0), "the account of the script that sleeps cannot log in: {}", login.stderr);
    let bot = runtime.block_on(contact(client, PHONES[3]))?;
    let mut times = Vec::new();
    for round in 0..sample::count(WAKES) {
        wait_until("the script sleeps", || folder.stands("t/echo")["state"] == "sleeping");
        std::thread::sleep(PAUSE);
        times.push(runtime.block_on(async {
            let text = format!("echo {round}");
            client.call(Call::SendMessage { to: bot, text, reply_to: None, preview: None }).await?;
            answered(told, bot).await
        })?);
    }
    host.kill();
    Ok(times.into_iter().map(|time| time.as_secs_f64()).collect())
}

/// The bot with this number.
async fn contact(client: &mut Client, phone: &str) -> Result<PeerId> {
    let (first_name, last_name) = ("Bot".to_owned(), String::new());
    let outcome = client.call(Call::AddContact { phone: phone.to_owned(), first_name, last_name }).await?;
    let Outcome::Peers(peers) = outcome else { bail!("adding a contact gave {outcome:?}") };
    peers.first().map(Peer::id).context("the bot is not known")
}

/// How long this user took. Of others the data centre tells too.
async fn answered(told: &mut Receiver<TurnAround>, user: PeerId) -> Result<Duration> {
    let answer = async {
        loop {
            let TurnAround { user_id, took } = told.recv().await.context("the data centre has stopped")?;
            if user_id == user.id {
                return Ok(took);
            }
        }
    };
    tokio::time::timeout(ANSWER_WAIT, answer).await.context("a bot did not answer")?
}
