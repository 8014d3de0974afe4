//! The results as JSON and as a page for people.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::progress;
use crate::sample::{Figures, Measure};

/// What the figures depend on.
#[derive(Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
}

/// Writes both, and says which budgets were missed.
pub(crate) fn write(measures: &[Measure]) -> Result<()> {
    let root = tests::root();
    let machine = Machine::describe()?;
    let json = serde_json::json!({ "machine": machine, "measures": measures });
    fs::create_dir_all(root.join("target/bench"))?;
    fs::write(root.join("target/bench/results.json"), serde_json::to_string_pretty(&json)? + "\n")?;
    fs::create_dir_all(root.join("docs"))?;
    fs::write(root.join("docs/BENCHMARKS.md"), page(&machine, measures))?;
    for measure in measures {
        let verdict = if is_missed(measure) { "  BUDGET MISSED" } else { "" };
        progress(&format!("{}: {}{verdict}", measure.what, figures(measure)));
    }
    progress("written: target/bench/results.json, docs/BENCHMARKS.md");
    Ok(())
}

/// An error if something could not be measured. What was found by a few samples says nothing else.
pub(crate) fn check(measures: &[Measure]) -> Result<()> {
    for measure in measures {
        ensure!(measure.samples > 0 && measure.main_figure().is_finite(), "{} was not measured", measure.what);
    }
    progress(&format!("{} measures work", measures.len()));
    Ok(())
}

impl Machine {
    fn describe() -> Result<Self> {
        let processor = fs::read_to_string("/proc/cpuinfo").context("the machine can be described on Linux only")?;
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
        let memory = fs::read_to_string("/proc/meminfo")?;
        let memory_kib =
            memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).context("no MemTotal in meminfo")?;
        let memory_kib: u64 = memory_kib.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Self {
            processor: processor.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (memory_kib + (1 << 19)) >> 20,
            system: format!("Linux, {}", std::env::consts::ARCH),
        })
    }
}

fn page(machine: &Machine, measures: &[Measure]) -> String {
    let mut page = String::from("# Benchmarks\n\n");
    let Machine { processor, cores, memory_gib, system } = machine;
    let _ = writeln!(page, "Written by `cargo xtask bench` on {processor}, {cores} cores, {memory_gib} GiB, {system}.");
    page += "
Everything runs on the product's own parts, built by the profile `dev` (dependencies fully optimised). Times are wall
clock after a warm-up. A budget is for the median (p50), or for the one figure there is.

| what | p50 | p90 | p99 | budget | samples |
|---|---:|---:|---:|---:|---:|
";
    for measure in measures {
        let Measure { what, unit, samples, .. } = measure;
        let (p50, p90, p99) = match measure.figures {
            Figures::Percentiles { p50, p90, p99 } => (shown(p50), shown(p90), shown(p99)),
            Figures::One { value } => (shown(value), String::new(), String::new()),
        };
        let budget = measure.budget.map_or(String::new(), |budget| {
            format!("≤ {budget} {unit}{}", if is_missed(measure) { ", missed" } else { "" })
        });
        let _ = writeln!(page, "| {what} | {p50} {unit} | {p90} | {p99} | {budget} | {samples} |");
    }
    page += "
* *First event*: an instance is made from the compiled component, examples/ping.py is loaded (Python), one message is
  handled. *Warm event*: one message after the other in one instance; the Rust guest is examples/echo-rust.
* *Private memory*: what the kernel counts as private and written to (`Private_Dirty`), after load and 20 messages each.
* *Start to first answer*: the cache and the data directory are warm; the process starts its data centre and both accounts,
  loads the script, and answers `!ping`, which stands in its input from the beginning.
* *Idle*: each script has said that it is ready, and nothing comes for ten seconds. *Busy*: each computes without end in a
  callback when the signal comes. CPU time is the scheduler's account of all threads, those of workers too; it leaves out
  what else runs here.
* *Deliveries*: another account sends 500 messages, and each script of this one gets each of them. *The earlier build* is
  commit 6647595, at the same data centre in the same run; *a script's start* is what the host and its worker have computed when
  every script has said that it is ready.
* *`tglhost serve`*: ten scripts a tenant, which share a worker, and ten tenants an account; the accounts have signed up before.
  *Private memory* counts all that a worker has to itself.
* *Deliveries to 2,000 scripts*: native clients write to 20 accounts, first as fast as they can, then a message every 20 ms;
  each goes to 100 scripts in ten workers. It costs several times as much as a delivery in a row, where a script handles many
  messages in one turn: here nothing of it is in the processor's caches. By a profile (`perf record -a`) the scripts' threads are
  about seven tenths of it, Python more than half of these, and the host's a quarter.
* *10,000 Rust scripts*: a hundred a tenant. The host has one open file for each script, some 10,400 in all, and each worker two;
  the machine of these figures allows a process 20,000.
* *Echo*: a Telethon client sends and waits for the answer, to each bot in turn, all at one `tglhost dc` over TCP on
  loopback. The Telethon bot is a process of its own, as is `tglhost run`.
* *Turn-around*: by the clock of a data centre that runs in the measuring process: from a message that is there to be written
  to the bot's connection, to the bot's next send that has been read. The script that sleeps is one of `tglhost serve`.
* *The worker's price*: by itself `tglhost run` has scripts in a worker process; the same with `--isolation none`, in turns.
* Where *a script's start* goes, by a profile (`perf record`, 100 scripts): more than eight tenths are the worker's. About a sixth
  of all is the kernel's copying of the 190 pages of the snapshot that every script writes to; about a third is the interpreter's
  own work, for the most part loading the script, of which compiling it is a third.
* Where *the turn-around* goes, by the system's trace (`perf record -e sched:*,syscalls:*`), in µs of 1,130 while it is traced:

  | step | µs |
  |---|---:|
  | the host wakes, and reads the packet | 70 |
  | decrypted, parsed, put in order | 75 |
  | written to the account's file: seven pages, 24 system calls, no waiting for the disk | 155 |
  | told to the script's server, and by that to the worker | 85 |
  | the worker wakes, and reads the event | 75 |
  | the script's task and its guest, to the call that it makes | 385 |
  | the host wakes, and reads the call | 100 |
  | written to the account's file | 80 |
  | to the account, packed, encrypted, written | 80 |

  Nothing waits for a timer or a disk. In a row of events the guest's part is 26 µs: after a pause it is code and memory that no
  cache holds, and so is all the rest, of Telethon too. One network thread instead of two changes nothing. So the two writes and the
  two changes of process, which Telethon does not have, are about half of it, and without them it would still be 0.5 × Telethon's.
* Where *idle scripts with set_on_loop* spend it, by a profile: six tenths in the guest, four tenths of that in the interpreter's
  loop; a sixth in the script's task and wasmtime; a tenth in the kernel. Five hundred scripts do not fit into a cache, so a tick of
  some 8 µs takes 70.
* Beside a host of Python processes (pyeryx) nothing is measured here: its wheel needs Python 3.12 or newer.
";
    page
}

fn is_missed(measure: &Measure) -> bool {
    measure.budget.is_some_and(|budget| measure.main_figure() > budget)
}

fn figures(measure: &Measure) -> String {
    format!("{} {}", shown(measure.main_figure()), measure.unit)
}

/// Three significant digits.
fn shown(figure: f64) -> String {
    let digits_before = figure.abs().log10().floor() as i32;
    let decimals = usize::try_from(2_i32.saturating_sub(digits_before)).unwrap_or(0).min(4);
    format!("{figure:.decimals$}")
}
