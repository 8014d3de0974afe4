//! What hosts of many tenants cost: the start of all their scripts, the memory of each, the end; and how fast events reach them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use files::FileSpace;
use telegram::DcAddress;
use tests::{HostFolder, Place, Process, root};
use tgl::{Call, Outcome, Peer, PeerId};
use tokio::runtime::Runtime;

use crate::client::Client;

use crate::progress;
use crate::sample::{self, Figures, MS, Measure};

/// Python scripts of one tenant, which share a worker, and tenants of one account.
const SCRIPTS: usize = 10;
const TENANTS: usize = 10;
/// Rust scripts of one tenant.
const RUST_SCRIPTS: usize = 100;
/// How long a host may take until all its scripts run.
const START_MAX: Duration = Duration::from_secs(120);

/// Answers one text.
const BOT: &str = "\
# /// tglhost
# calls = [\"read\", \"send\"]
# chats = [\"users\"]
# ///
import tgl
def heard(msg):
    if not msg.out and msg.text == '!ping': msg.src.send_msg('PONG!')
tgl.set_on_msg_receive(heard)
";

/// Says how late messages came that say when they were sent, once it is asked.
const CLOCK: &str = "\
# /// tglhost
# calls = [\"read\"]
# chats = [\"users\"]
# ///
import time, tgl
late = {}
def heard(msg):
    if msg.out: return
    if msg.text == 'end':
        print(*(f'{ms}:{count}' for ms, count in late.items()))
        late.clear()
    else:
        ms = (time.time_ns() - int(msg.text)) // 1_000_000
        late[ms] = late.get(ms, 0) + 1
tgl.set_on_msg_receive(heard)
";

/// Tenants of the host whose deliveries are measured; messages to each of its accounts, at once and then by this rate of all; who sends
/// them.
const HEARING_TENANTS: usize = 200;
const BURST: usize = 50;
const PACED: usize = 25;
const PACED_PER_S: f64 = 50.0;
const SENDERS: usize = 4;

/// The rows of a host of so many scripts.
struct Wide {
    scripts: usize,
    /// Of one tenant.
    each: usize,
    is_rust: bool,
    start: [&'static str; 2],
    memory: [&'static str; 2],
    end: [&'static str; 2],
    is_bounded: bool,
}

/// The rows of so many scripts, with their budgets where they are the most.
macro_rules! wide {
    ($scripts:literal, $tenants:literal, $is_bounded:literal) => {
        Wide {
            scripts: $scripts,
            each: SCRIPTS,
            is_rust: false,
            start: [
                concat!("wide_start_", $scripts),
                concat!("`tglhost serve`, ", $scripts, " scripts of ", $tenants, " tenants: until all of them run"),
            ],
            memory: [
                concat!("wide_memory_", $scripts),
                concat!("The same, ", $scripts, " scripts: private memory of each, its part of the worker's with it"),
            ],
            end: [concat!("wide_end_", $scripts), concat!("The same, ", $scripts, " scripts: SIGTERM to end")],
            is_bounded: $is_bounded,
        }
    };
}

const CURVE: [Wide; 4] =
    [wide!(100, 10, false), wide!(500, 50, false), wide!(1000, 100, false), wide!(2000, 200, true)];

/// The most that a host runs; it has one open file for a script.
const RUST: Wide = Wide {
    scripts: 10_000,
    each: RUST_SCRIPTS,
    is_rust: true,
    start: ["wide_start_rust", "`tglhost serve`, 10000 Rust scripts of 100 tenants: until all of them run"],
    memory: [
        "wide_memory_rust",
        "The same, 10000 Rust scripts: private memory of each, its part of the worker's with it",
    ],
    end: ["wide_end_rust", "The same, 10000 Rust scripts: SIGTERM to end"],
    is_bounded: true,
};

/// Measures all of them.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    let sizes = CURVE.iter().chain([&RUST]).take(sample::count(CURVE.len() + 1));
    let mut measures = sizes.map(of_size).collect::<Result<Vec<_>>>()?.concat();
    measures.extend(deliveries()?);
    Ok(measures)
}

fn of_size(wide: &Wide) -> Result<Vec<Measure>> {
    progress(wide.start[1]);
    let program = match wide.is_rust {
        true => ("echo.wasm", fs::read(root().join("target/wasm32-wasip2/guest/echo_rust.wasm"))?),
        false => ("bot.py", BOT.into()),
    };
    let folder = folder(wide.scripts / wide.each, wide.each, program, |account| {
        format!("data_centre.embedded = {{ phone = {:?}, first_name = \"A{account}\" }}", phone(account))
    })?;
    // Its accounts sign up the first time only.
    let mut host = folder.serve();
    wait_until_all_run(&folder, wide.scripts)?;
    end(&mut host)?;
    let begun = Instant::now();
    let mut host = folder.serve();
    wait_until_all_run(&folder, wide.scripts)?;
    let start = begun.elapsed();
    let workers = host.children();
    let private_kib = workers.iter().map(|worker| private_kib(*worker)).sum::<Result<u64>>()?;
    let memory_mib = private_kib as f64 / 1024.0 / wide.scripts as f64;
    let end = end(&mut host)?;
    let one = |[id, what]: [&'static str; 2], unit, value, budget: f64| {
        let budget = wide.is_bounded.then_some(budget);
        Measure { id, what, unit, figures: Figures::One { value }, samples: 1, budget }
    };
    Ok(vec![
        one(wide.start, "s", start.as_secs_f64(), 8.0),
        one(wide.memory, "MiB", memory_mib, 1.5),
        one(wide.end, "s", end.as_secs_f64(), 5.0),
    ])
}

/// A host of so many tenants, each with so many scripts of this program.
fn folder(
    tenants: usize,
    scripts: usize,
    (file, program): (&str, Vec<u8>),
    data_centre: impl Fn(usize) -> String,
) -> Result<HostFolder> {
    let mut host = "[totals]\nscripts_max = 10_000\nmemory_bytes_max = \"64 GiB\"\ncpu_ms_per_min_max = 10_000_000\n\
        stored_bytes_max = \"64 GiB\"\ncalls_pending_max = 100_000_000\noutput_bytes_per_s = \"64 MiB\"\nsends_per_s = 10_000\n"
        .to_owned();
    let accounts = tenants.div_ceil(TENANTS);
    for account in 0..accounts {
        let of_it: Vec<String> = (account..tenants).step_by(accounts).map(|tenant| format!("t{tenant}")).collect();
        writeln!(host, "[accounts.a{account}]\ntenants = {of_it:?}\n{}", data_centre(account))?;
    }
    let folder = HostFolder::new(&[("tglhost.toml", &host)]);
    for tenant in 0..tenants {
        let mut text = "[grants]\ncalls = [\"read\", \"send\"]\nchats = [\"users\"]\n".to_owned();
        for script in 0..scripts {
            writeln!(text, "[scripts.s{script}]\nfile = {file:?}\naccount = \"a{}\"", tenant % accounts)?;
        }
        folder.write(&format!("tenants/t{tenant}/tenant.toml"), &text);
        let scripts = folder.path(&format!("tenants/t{tenant}/scripts"));
        fs::create_dir_all(&scripts)?;
        fs::write(scripts.join(file), &program)?;
    }
    Ok(folder)
}

/// The number of a host's account.
fn phone(account: usize) -> String {
    format!("999661{account:04}")
}

/// How many messages a second reach 2,000 scripts of 20 accounts, and how late they are where there are fewer.
fn deliveries() -> Result<Vec<Measure>> {
    let what = "2,000 scripts of 200 tenants on 20 accounts: deliveries a second";
    progress(what);
    let (place, tenants) = (Place::new(), if sample::are_few() { TENANTS } else { HEARING_TENANTS });
    let (key, accounts, scripts) =
        (place.public_key.display().to_string(), tenants.div_ceil(TENANTS), tenants * SCRIPTS);
    let at = format!("data_centre.at = {{ address = {:?}, dc_id = 2, key_file = {key:?} }}", place.address);
    let folder = folder(tenants, SCRIPTS, ("clock.py", CLOCK.into()), |_| at.clone())?;
    let mut host = folder.serve();
    for account in 0..accounts {
        let (name, phone) = (format!("a{account}"), phone(account));
        let login = folder.ask(&["account", "login", &name, "--phone", &phone, "--code", &phone[5..6].repeat(5)]);
        ensure!(login.code() == Some(0), "{name} cannot log in: {}", login.stderr);
    }
    wait_until_all_run(&folder, scripts)?;
    let runtime = Runtime::new()?;
    let mut senders = (0..SENDERS.min(accounts))
        .map(|number| runtime.block_on(Sender::new(&place, number, accounts)))
        .collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    let (burst, paced) = (sample::count(BURST), sample::count(PACED));
    let heard = send(&runtime, &mut senders, burst, None, &mut host, scripts)?.values().sum::<u64>();
    let took = begun.elapsed();
    ensure!(heard == (burst * scripts) as u64, "{heard} messages were heard");
    let late = send(&runtime, &mut senders, paced, Some(PACED_PER_S), &mut host, scripts)?;
    host.kill();
    let times: Vec<Duration> =
        late.iter().flat_map(|(ms, count)| std::iter::repeat_n(Duration::from_millis(*ms), *count as usize)).collect();
    let late = Measure::of_times(
        "wide_late",
        "The same at 5,000 a second: from a message's sending to each script that gets it",
        MS,
        times,
        None,
    );
    let p99 = match late.figures {
        Figures::Percentiles { p99, .. } => p99,
        Figures::One { value } => value,
    };
    let one =
        |id, what, unit, value, budget| Measure { id, what, unit, figures: Figures::One { value }, samples: 1, budget };
    let delivery = took / heard as u32;
    Ok(vec![
        one("wide_deliveries", what, "/s", 1.0 / delivery.as_secs_f64(), None),
        one("wide_delivery", "The same, time of a delivery", "µs", delivery.as_secs_f64() * 1e6, Some(20.0)),
        late,
        one("wide_late_p99", "The same, p99", "ms", p99, Some(50.0)),
    ])
}

/// Who writes to some of the accounts.
struct Sender {
    client: Client,
    peers: Vec<PeerId>,
}

impl Sender {
    /// Of so many senders this one, who writes to every so manieth account.
    async fn new(place: &Place, number: usize, accounts: usize) -> Result<Self> {
        let public_key_pem = fs::read_to_string(&place.public_key)?;
        let dc = DcAddress::Custom { address: place.address.parse()?, public_key_pem, dc_id: 2 };
        let data = place.data.path().join(format!("sender_{number}"));
        let mut client = Client::log_in(&data, dc, &format!("999662{number:04}"), FileSpace::empty()).await?;
        let mut peers = Vec::new();
        for account in (number..accounts).step_by(SENDERS) {
            let (phone, first_name, last_name) = (phone(account), format!("A{account}"), String::new());
            let Outcome::Peers(found) = client.call(Call::AddContact { phone, first_name, last_name }).await? else {
                bail!("adding a contact gave no peers")
            };
            peers.push(found.first().map(Peer::id).context("the account is not known")?);
        }
        Ok(Self { client, peers })
    }

    /// So many messages to each account, as fast as they go, or each at a moment of its own where they have a pace: that of all
    /// senders together. Then one that ends the row.
    async fn send(&mut self, messages: usize, pace: Option<Pace>) -> Result<()> {
        let Self { client, peers } = self;
        let message = |to: &PeerId, text| Call::SendMessage { to: *to, text, reply_to: None, preview: None };
        let round = (0..messages).flat_map(|_| peers.iter());
        match pace {
            None => client.call_all(round.map(|to| message(to, now_text()))).await?,
            Some(pace) => {
                for (number, to) in round.enumerate() {
                    tokio::time::sleep_until((pace.begin + pace.every * number as u32).into()).await;
                    client.call(message(to, now_text())).await?;
                }
            }
        }
        client.call_all(peers.iter().map(|to| message(to, "end".to_owned()))).await
    }
}

/// When a sender sends: first then, and then every so often.
#[derive(Clone, Copy)]
struct Pace {
    begin: Instant,
    every: Duration,
}

/// The time, as the scripts read it.
fn now_text() -> String {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

/// Sends to all scripts, and gives how many messages were so many milliseconds late.
fn send(
    runtime: &Runtime,
    senders: &mut [Sender],
    messages: usize,
    messages_per_s: Option<f64>,
    host: &mut Process,
    scripts: usize,
) -> Result<BTreeMap<u64, u64>> {
    let mut late = BTreeMap::new();
    let (begin, count) = (Instant::now(), senders.len());
    thread::scope(|threads| {
        let sending: Vec<_> = (0..)
            .zip(senders)
            .map(|(number, sender)| {
                let pace = messages_per_s.map(|per_s| {
                    let gap = Duration::from_secs_f64(1.0 / per_s);
                    Pace { begin: begin + gap * number, every: gap * count as u32 }
                });
                threads.spawn(move || runtime.block_on(sender.send(messages, pace)))
            })
            .collect();
        for _ in 0..scripts {
            let line = host.line();
            let counts = line.split_once(": ").map_or("", |(_, counts)| counts).split_whitespace();
            for (ms, count) in counts.filter_map(|pair| pair.split_once(':')) {
                *late.entry(ms.parse()?).or_default() += count.parse::<u64>()?;
            }
        }
        for sent in sending {
            sent.join().map_err(|_| anyhow::anyhow!("a sender failed"))??;
        }
        Ok(late)
    })
}

fn wait_until_all_run(folder: &HostFolder, scripts: usize) -> Result<()> {
    let until = Instant::now() + START_MAX;
    while folder.ask(&["ps"]).stdout.matches("\trunning\t").count() < scripts {
        ensure!(Instant::now() < until, "not all of {scripts} scripts run in time");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Ends the host, and gives how long that took.
fn end(host: &mut Process) -> Result<Duration> {
    let begun = Instant::now();
    host.terminate();
    ensure!(host.wait().success(), "tglhost ended with an error");
    Ok(begun.elapsed())
}

/// What a process has to itself, in KiB.
fn private_kib(process: u32) -> Result<u64> {
    let account = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let private = account.lines().filter_map(|line| line.strip_prefix("Private_")?.split_whitespace().nth(1));
    private.map(|kib| kib.parse::<u64>().context("no number of KiB")).sum()
}
