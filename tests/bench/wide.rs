//! What hosts of many tenants cost: the start of all their scripts, the memory of each, the end.

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::{HostFolder, Process};

use crate::progress;
use crate::sample::{self, Figures, Measure};

/// Scripts of one tenant, which share a worker, and tenants of one account.
const SCRIPTS: usize = 10;
const TENANTS: usize = 10;
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

/// The rows of a host of so many scripts.
struct Wide {
    scripts: usize,
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

/// Measures all of them.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    let sizes = CURVE.iter().take(sample::count(CURVE.len()));
    Ok(sizes.map(of_size).collect::<Result<Vec<_>>>()?.concat())
}

fn of_size(wide: &Wide) -> Result<Vec<Measure>> {
    progress(wide.start[1]);
    let folder = folder(wide.scripts / SCRIPTS)?;
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

/// A host of so many tenants.
fn folder(tenants: usize) -> Result<HostFolder> {
    let (mut host, accounts) = ("[totals]\nscripts_max = 10_000\n".to_owned(), tenants.div_ceil(TENANTS));
    for account in 0..accounts {
        let of_it: Vec<String> = (account..tenants).step_by(accounts).map(|tenant| format!("t{tenant}")).collect();
        writeln!(host, "[accounts.a{account}]\ntenants = {of_it:?}")?;
        writeln!(host, "data_centre.embedded = {{ phone = \"999661{account:04}\", first_name = \"A{account}\" }}")?;
    }
    let folder = HostFolder::new(&[("tglhost.toml", &host)]);
    for tenant in 0..tenants {
        let mut file = "[grants]\ncalls = [\"read\", \"send\"]\nchats = [\"users\"]\n".to_owned();
        for script in 0..SCRIPTS {
            writeln!(file, "[scripts.s{script}]\nfile = \"bot.py\"\naccount = \"a{}\"", tenant % accounts)?;
        }
        folder.write(&format!("tenants/t{tenant}/tenant.toml"), &file);
        folder.write(&format!("tenants/t{tenant}/scripts/bot.py"), BOT);
    }
    Ok(folder)
}

fn wait_until_all_run(folder: &HostFolder, scripts: usize) -> Result<()> {
    let until = Instant::now() + START_MAX;
    while folder.ask(&["ps"]).stdout.matches("\trunning\t").count() < scripts {
        ensure!(Instant::now() < until, "not all of {scripts} scripts run in time");
        std::thread::sleep(Duration::from_millis(50));
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
