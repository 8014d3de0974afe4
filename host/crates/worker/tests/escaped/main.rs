//! A guest that has left its sandbox, played by native code on a script's thread of a real worker: what it tries is refused by
//! the system, the worker beside it does not notice, and the script runs on. This program is its own worker.
//!
//! Invariant: what must be refused there is tried here as well, where it is not: so it is the worker's walls that refuse it.

#[path = "../../../../../tests/guests/built.rs"]
mod built;
mod tries;

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use broker::{Load, Rules};
use files::{FileSpace, Folders};
use runtime::{End, News, ScriptConfig, ScriptOutput};
use sandbox::{CompilerConfig, ComponentSource, Limits, LogLevel, Output};
use store::AccountStore;
use supervisor::{
    Account, HostOutput, Isolation, Script, ScriptPlan, Secrets, Supervisor, SupervisorConfig, Waits, WorkerCommand,
};
use telegram::{AccountConfig, ApiCredentials, DcAddress};
use tgl::Grants;
use tokio::time::{Instant, sleep, timeout};
use tries::{Given, ROWS, Who};

/// How long the test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(given) = Given::of_args(&args) {
        return tries::work(given);
    }
    let word = args.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let failures = runtime.block_on(all(word));
    failures.iter().for_each(|failure| eprintln!("FAILED {failure}"));
    eprintln!("{} tries, {} failures", ROWS.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every row whose name holds this word; gives what failed, and why.
async fn all(word: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::new(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut given = Given {
        root: folder.path().to_owned(),
        home: folder.path().join("neighbour"),
        host: std::process::id(),
        port: listener.local_addr().expect("a port").port(),
        neighbour: None,
    };
    let (neighbours, neighbour) = place.start("neighbour", &given);
    let said = told(&given.home.join(tries::TOLD)).await;
    given.neighbour = tries::Neighbour::of_text(&said);
    assert!(given.neighbour.is_some(), "{said:?}");
    given.home = folder.path().join("escaped");
    let (supervisor, escaped) = place.start("escaped", &given);
    let told = told(&given.home.join(tries::TOLD)).await;
    let mut failures = Vec::new();
    for (name, who, attempt) in ROWS.iter().filter(|row| row.0.contains(word)) {
        let there = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        if there != Some(tries::REFUSED) {
            failures.push(format!("{name}: in the worker: {there:?}"));
        }
        if *who == Who::Anybody
            && let Err(error) = attempt(&given)
        {
            failures.push(format!("{name}: where nothing refuses it: {error}"));
        }
    }
    for (name, script) in [("neighbour", neighbour), ("escaped", escaped)] {
        match timeout(PATIENCE, script.stop()).await {
            Ok(End::Stopped) => {}
            other => failures.push(format!("{name} did not run on until it was stopped: {other:?}")),
        }
    }
    drop((neighbours, supervisor));
    failures
}

/// What a worker has written for this test, once it is whole.
async fn told(path: &Path) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) => return text,
            Err(error) if Instant::now() > until => panic!("{}: {error}", path.display()),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// An account that nobody is logged in to, and where scripts run on it.
struct Place {
    root: PathBuf,
    account: Account,
}

impl Place {
    fn new(root: &Path) -> Self {
        let config = AccountConfig {
            store: AccountStore::open(&root.join(tries::ACCOUNT)).expect("a store"),
            dc: DcAddress::Telegram,
            api: ApiCredentials { api_id: 1, api_hash: String::new() },
            proxy: None,
        };
        Self { root: root.to_owned(), account: Account::start("account", config).expect("an account") }
    }

    /// Starts a script with a worker of its own, which is given this.
    fn start(&self, name: &str, given: &Given) -> (Supervisor, Script) {
        std::fs::create_dir(&given.home).expect("a folder");
        let folders = Folders { home: Some(given.home.clone()), home_bytes_max: 1 << 20, ..Folders::default() };
        let limits = Limits::default();
        let command = WorkerCommand {
            program: std::env::current_exe().expect("this program"),
            args: given.args().into_iter().map(OsString::from).collect(),
        };
        let config = SupervisorConfig {
            isolation: Isolation::Worker(command),
            compiler: CompilerConfig::new(self.root.join(tries::COMPILED)),
            scripts_max: 1,
            log_filter: "off".to_owned(),
            waits: Waits::default(),
            output: Arc::new(Silent),
        };
        let supervisor = Supervisor::start(config).expect("a supervisor");
        let plan = ScriptPlan {
            tenant: "tenant".into(),
            config: ScriptConfig {
                name: name.into(),
                source: Some((String::new(), "/script/it".to_owned())),
                files: FileSpace::of(folders).expect("folders"),
                args: Vec::new(),
                env: Vec::new(),
                limits,
                restart_wait: runtime::RESTART_WAIT,
                link_previews: true,
                sleep_after: None,
                is_successor: false,
            },
            program: supervisor.compile(ComponentSource::user(built::puppet()), || ()),
            rules: Rules {
                load_max: Load { calls: limits.calls_pending_max as u64, bytes: limits.calls_bytes_max },
                grants: Grants::trusted(),
                ..Rules::default()
            },
            secrets: Secrets::default(),
            output: Arc::new(Silent),
        };
        let script = supervisor.start_scripts(&self.account, vec![plan]).remove(0);
        (supervisor, script)
    }
}

/// What scripts and workers say, but what becomes of them.
struct Silent;

impl ScriptOutput for Silent {
    fn print(&self, _: Output, _: &str) -> bool {
        true
    }
    fn log(&self, _: LogLevel, _: &str) -> bool {
        true
    }
    fn dropped(&self, _: u64) {}
    fn tell(&self, news: &News) {
        if matches!(news, News::Crashed { .. } | News::Ended(End::LoadFailed(_) | End::Quarantined(_))) {
            eprintln!("{news:?}");
        }
    }
}

impl HostOutput for Silent {
    fn note(&self, text: &str) {
        eprintln!("{text}");
    }
    fn host_log(&self, line: &str) {
        eprintln!("{line}");
    }
}
