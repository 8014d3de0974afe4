//! One attack, against a host that serves its tenant, an innocent neighbour, and a prober that writes to the neighbour and waits
//! for its answer, again and again.
//!
//! Invariant: the neighbour answers every message once, before and during the attack, or the trial fails.

use std::fs;
use std::time::{Duration, Instant};

use tests::{HostFolder, Process};

use crate::case::{Case, Verdict};

/// Round trips before the attack, and at least so many during it.
const ROUNDS: usize = 40;
/// What an attack may take until all is seen that must be.
const ATTACK_MAX: Duration = Duration::from_secs(40);
/// What a host may take to end when it is asked to.
const END_MAX: Duration = Duration::from_secs(20);
/// The most that the host's own process may ever have held in memory, in KiB, and the same of a worker.
const HOST_KIB_MAX: u64 = 200 << 10;
const WORKER_KIB_MAX: u64 = 200 << 10;
/// What no attack may bring about.
const NEVER: [&str; 5] = ["panicked", "bug in tglhost", "its process ended", "its process hung", "its process asks"];
/// The neighbours, who must stand at the end as they stood before.
const INNOCENT: [&str; 2] = ["neighbour/bot", "prober/bot"];

/// Who probes and who answers may write more often than is usual; the attack's tenant may not.
const HOST: &str = "\
[accounts.house]
tenants = [\"neighbour\", \"evil\"]
data_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }
[limits]
chat_sends_per_s = 1_000
sends_per_s = 1_000
loop_rounds_max = 1_000_000
";
const NEIGHBOUR: &str = "\
[grants]
calls = [\"read\", \"send\"]
chats = [\"users\"]
[scripts.bot]
file = \"bot.py\"
account = \"house\"
";
const PROBER: &str = "\
[grants]
calls = [\"read\", \"send\", \"contacts\"]
chats = [\"users\"]
[accounts.own]
data_centre.embedded = { phone = \"9996610002\", first_name = \"Prober\" }
[scripts.bot]
file = \"bot.py\"
account = \"own\"
";
/// The attack's tenant before it begins.
const EVIL: &str = "\
[accounts.own]
data_centre.embedded = { phone = \"9996610003\", first_name = \"Evil\" }
";

/// Where its script is.
const SCRIPTS: &str = "tenants/evil/scripts";

/// What was measured.
pub(crate) struct Measured {
    /// The neighbour's 99th percentile in milliseconds, before and during the attack.
    quiet_ms: f64,
    attacked_ms: f64,
    host_kib: u64,
    worker_kib: u64,
}

impl Measured {
    /// How much slower the neighbour was.
    pub(crate) fn ratio(&self) -> f64 {
        self.attacked_ms / self.quiet_ms
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { quiet_ms, attacked_ms, .. } = self;
        let (host_mib, worker_mib) = (self.host_kib >> 10, self.worker_kib >> 10);
        write!(f, "p99 {quiet_ms:.0} ms, {attacked_ms:.0} ms: {:.1}; MiB {host_mib}, {worker_mib}", self.ratio())
    }
}

/// Has the Python component compiled where it is not yet: that takes much memory, and is no attack's doing.
pub(crate) fn compile_first() {
    let mut trial = Trial::begin(&[]);
    trial.wait_for("the first round", |trial| !trial.rounds_ms.is_empty());
    trial.end();
}

/// Runs the case. Panics where its verdict does not hold.
pub(crate) fn run(case: &Case) -> Measured {
    let mut trial = Trial::begin(&[(&format!("{SCRIPTS}/bot.{}.toml", case.ending), &grants(case))]);
    let script = trial.folder.path(&format!("{SCRIPTS}/bot.{}", case.ending));
    fs::write(script, &case.attack).expect("written");
    trial.wait_for("the quiet rounds", |trial| trial.rounds_ms.len() >= ROUNDS);
    let quiet = trial.rounds_ms.len();
    trial.attack(case);
    trial.wait_for("the rounds during the attack", |trial| trial.rounds_ms.len() >= quiet + ROUNDS);
    trial.wait_for_verdict(case);
    for name in INNOCENT {
        let stands = trial.folder.stands(name);
        assert!(stands["state"] == "running" && stands["crashes"] == 0, "{stands}");
    }
    let measured = Measured {
        quiet_ms: p99(&trial.rounds_ms[..quiet]),
        attacked_ms: p99(&trial.rounds_ms[quiet..]),
        host_kib: most_memory_kib(trial.host.id()),
        worker_kib: trial.host.children().into_iter().map(most_memory_kib).max().unwrap_or(0),
    };
    assert!(measured.host_kib < HOST_KIB_MAX && measured.worker_kib < WORKER_KIB_MAX, "{measured}");
    let said = trial.end();
    for never in NEVER.into_iter().chain(case.verdict.never.iter().map(String::as_str)) {
        assert!(!said.contains(never), "{never:?} is in:\n{said}");
    }
    measured
}

/// A host at work.
struct Trial {
    folder: HostFolder,
    host: Process,
    /// What each of the neighbour's answers took to come.
    rounds_ms: Vec<f64>,
    /// What else the host has said.
    said: String,
}

impl Trial {
    /// A host with the neighbour, the prober and these files.
    fn begin(files: &[(&str, &str)]) -> Self {
        let innocent = [
            ("tglhost.toml", HOST),
            ("tenants/neighbour/tenant.toml", NEIGHBOUR),
            ("tenants/neighbour/scripts/bot.py", include_str!("neighbour.py")),
            ("tenants/prober/tenant.toml", PROBER),
            ("tenants/prober/scripts/bot.py", include_str!("prober.py")),
            ("tenants/evil/tenant.toml", EVIL),
        ];
        let folder = HostFolder::new(&[&innocent, files].concat());
        Self { host: folder.serve(), folder, rounds_ms: Vec::new(), said: String::new() }
    }

    /// Gives the attack's tenant its script.
    fn attack(&self, case: &Case) {
        let account = if case.verdict.is_on_neighbours_account { "house" } else { "own" };
        let (limits, grants) = (toml::to_string(&case.verdict.limits).expect("a table is TOML"), grants(case));
        let limits = format!("[limits]\nchat_sends_per_s = 1\nsends_per_s = 30\n{limits}");
        let script = format!("[scripts.bot]\nfile = \"bot.{}\"\naccount = \"{account}\"\n", case.ending);
        self.folder.write("tenants/evil/tenant.toml", &format!("[grants]\n{grants}{limits}{EVIL}{script}"));
        let reloaded = self.folder.ask(&["reload"]);
        assert_eq!(reloaded.code(), Some(0), "{}", reloaded.stderr);
    }

    /// Waits until all is said that must be, and the attack stands as it must.
    fn wait_for_verdict(&mut self, case: &Case) {
        for part in &case.verdict.says {
            self.wait_for(&format!("{part:?}"), |trial| trial.said.contains(part.as_str()));
        }
        let until = Instant::now() + ATTACK_MAX;
        loop {
            self.read();
            let stands = self.folder.stands("evil/bot");
            // One that restarts is between two states for a moment only; that it crashed stays to be seen.
            let has_crashed = stands["crashes"].as_u64().is_some_and(|crashes| crashes > 0);
            if stands["state"] == case.verdict.state || (case.verdict.state == "restarting" && has_crashed) {
                return;
            }
            assert!(Instant::now() < until, "{stands}; it said:\n{}", self.said);
        }
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + ATTACK_MAX;
        loop {
            self.read();
            if is_so(self) {
                return;
            }
            let rounds = self.rounds_ms.len();
            assert!(Instant::now() < until, "no {what}; {rounds} round trips; it said:\n{}", self.said);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Reads what the host has written.
    fn read(&mut self) {
        for line in self.host.news() {
            let Some(answer) = line.strip_prefix("prober.bot: answer ") else {
                self.said.push_str(&line);
                continue;
            };
            let (number, ms) = answer.trim_end().split_once(' ').expect("both");
            assert_eq!(number, self.rounds_ms.len().to_string(), "each message is answered once");
            self.rounds_ms.push(ms.parse().expect("a number"));
        }
    }

    /// Ends the host, and gives all that it said.
    fn end(mut self) -> String {
        let asked_at = Instant::now();
        self.host.terminate();
        while !self.host.has_ended() {
            assert!(asked_at.elapsed() < END_MAX, "it does not end; it said:\n{}", self.said);
            self.read();
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = self.host.finish();
        assert_eq!(ended.code(), Some(0), "{}{}", self.said, ended.stderr);
        self.said + &ended.stderr
    }
}

/// What the case's script asks for, and is given.
fn grants(case: &Case) -> String {
    let Verdict { calls, raw, .. } = &case.verdict;
    format!("calls = {calls:?}\nraw = {raw:?}\nchats = [\"users\", \"groups\", \"secret-chats\"]\n")
}

fn p99(values_ms: &[f64]) -> f64 {
    let mut values_ms = values_ms.to_vec();
    values_ms.sort_by(f64::total_cmp);
    values_ms[(values_ms.len() * 99 / 100).min(values_ms.len() - 1)]
}

/// The most memory that the process ever held.
fn most_memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
