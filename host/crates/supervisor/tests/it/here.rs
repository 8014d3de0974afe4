//! The host's side: an account that nobody is logged in to, a supervisor, and the neighbour, whose worker must not notice
//! anything.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker::{Load, Rules};
use files::FileSpace;
use runtime::{End, News, Phase, ScriptConfig, ScriptOutput};
use sandbox::{CompilerConfig, ComponentSource, Limits, LogLevel, Output};
use store::AccountStore;
use supervisor::{
    Account, Compiling, HostOutput, Isolation, Script, ScriptPlan, Secrets, Supervisor, SupervisorConfig, Waits,
    WorkerCommand,
};
use telegram::{AccountConfig, ApiCredentials, DcAddress};
use tempfile::TempDir;
use tgl::Grants;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::there::{NEIGHBOUR, PLAY, TAKES_NOTHING, TICK};

/// How long a row waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// As much as the host may hold for a worker at one moment.
const HELD_KIB_MAX: u64 = 80 << 10;

/// Short, but a neighbour on a busy machine keeps them.
const WAITS: Waits = Waits {
    ping: Duration::from_millis(400),
    pings_unanswered_max: 5,
    hand_over: Duration::from_secs(2),
    stop: Duration::from_secs(1),
    exit: Duration::from_millis(500),
    restart: Duration::from_millis(50),
};

pub(crate) struct Stage {
    pub(crate) account: Account,
    pub(crate) supervisor: Supervisor,
    pub(crate) host: Arc<Host>,
    folder: TempDir,
    neighbour: Option<Actor>,
    neighbour_id: String,
}

/// A script, and what is heard of it.
pub(crate) struct Actor {
    pub(crate) script: Script,
    pub(crate) heard: Heard,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = AccountConfig {
            store: AccountStore::open(folder.path()).expect("a store"),
            dc: DcAddress::Telegram,
            api: ApiCredentials { api_id: 1, api_hash: String::new() },
            proxy: None,
        };
        let account = Account::start("account", config).expect("an account");
        let host = Arc::new(Host::default());
        let supervisor = supervisor(&folder, &host, &[PLAY]);
        let mut stage = Self { account, supervisor, host, folder, neighbour: None, neighbour_id: String::new() };
        let neighbour = stage.start(NEIGHBOUR);
        stage.neighbour_id = neighbour.heard.line().await.expect("it starts");
        stage.neighbour = Some(neighbour);
        stage
    }

    /// A supervisor whose workers are started with these arguments.
    pub(crate) fn supervisor(&self, args: &[&str]) -> Supervisor {
        supervisor(&self.folder, &self.host, args)
    }

    /// What the account knows of its scripts.
    pub(crate) fn scripts(&self) -> Vec<store::ScriptRecord> {
        store::scripts(self.folder.path()).expect("a store")
    }

    pub(crate) fn program(&self) -> Compiling {
        self.supervisor.compile(component("usual"), || ())
    }

    pub(crate) fn plan(&self, name: &str, program: Compiling) -> (ScriptPlan, Heard) {
        let limits = Limits::default();
        // More than a socket holds, so that it has to be taken.
        let source_bytes = if name == TAKES_NOTHING { 1 << 20 } else { 0 };
        let config = ScriptConfig {
            name: name.into(),
            source: Some(("#".repeat(source_bytes), "/script/it".to_owned())),
            files: FileSpace::empty(),
            args: Vec::new(),
            env: Vec::new(),
            limits,
            restart_wait: runtime::RESTART_WAIT,
            link_previews: true,
            sleep_after: None,
            is_successor: false,
        };
        let load_max = Load { calls: limits.calls_pending_max as u64, bytes: limits.calls_bytes_max };
        let rules = Rules { load_max, grants: Grants::trusted(), ..Rules::default() };
        let heard = Heard::default();
        (
            ScriptPlan {
                tenant: "tenant".into(),
                config,
                program,
                rules,
                secrets: Secrets::default(),
                output: Arc::new(heard.clone()),
            },
            heard,
        )
    }

    pub(crate) fn start(&self, name: &str) -> Actor {
        self.start_in(&self.supervisor, name, self.program())
    }

    pub(crate) fn start_in(&self, supervisor: &Supervisor, name: &str, program: Compiling) -> Actor {
        let (plan, heard) = self.plan(name, program);
        let script = supervisor.start_scripts(&self.account, vec![plan]).remove(0);
        Actor { script, heard }
    }

    /// What came of a row, and whether it has left all else as it was.
    pub(crate) async fn outcome(&self, row: impl Future<Output = Result<(), String>>) -> Result<(), String> {
        std::fs::write("/proc/self/clear_refs", "5").map_err(|error| format!("the peak is not reset: {error}"))?;
        let before = held_kib("VmRSS:");
        row.await?;
        let neighbour = self.neighbour.as_ref().expect("it is there");
        let ticks = neighbour.heard.words.borrow().ticks;
        neighbour.heard.until("the neighbour goes on", |words| words.ticks >= ticks + 5).await?;
        let news = neighbour.heard.words.borrow().news.clone();
        if news != [News::Loaded, News::Ready] {
            return Err(format!("the neighbour has noticed: {news:?}"));
        }
        let held = held_kib("VmHWM:").saturating_sub(before);
        if held > HELD_KIB_MAX {
            return Err(format!("the host held {held} KiB"));
        }
        self.others_are_gone().await
    }

    /// Waits until no worker is left but the neighbour's.
    async fn others_are_gone(&self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut workers = children();
            workers.remove(&self.neighbour_id);
            if workers.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("processes are left: {workers:?}"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Actor {
    /// Waits until it is lost for such a reason, so many times.
    pub(crate) async fn is_lost(&self, count: usize, why: &str) -> Result<(), String> {
        self.heard
            .until(why, |words| {
                let is_so = |news: &&News| matches!(news, News::Crashed { why: told, .. } if told.contains(why));
                words.news.iter().filter(is_so).count() >= count
            })
            .await
    }

    pub(crate) async fn ends(&self) -> Result<End, String> {
        timeout(PATIENCE, self.script.ended()).await.map_err(|_| format!("it does not end: {:?}", self.heard))
    }

    /// Stops it, and expects that it was there until then.
    pub(crate) async fn stops(self) -> Result<(), String> {
        let (status, heard) = (self.script.status(), self.heard.clone());
        let end = timeout(PATIENCE, self.script.stop()).await.map_err(|_| format!("it does not stop: {heard:?}"))?;
        let phase = status.borrow().phase.clone();
        if (&end, &phase) == (&End::Stopped, &Phase::Ended(End::Stopped)) { Ok(()) } else { Err(format!("{end:?}")) }
    }
}

fn supervisor(folder: &TempDir, host: &Arc<Host>, args: &[&str]) -> Supervisor {
    let command = WorkerCommand {
        program: std::env::current_exe().expect("this program"),
        args: args.iter().map(OsString::from).collect(),
    };
    let config = SupervisorConfig {
        isolation: Isolation::Worker(command),
        compiler: CompilerConfig::new(folder.path().join("compiled")),
        scripts_max: 10,
        log_filter: "off".to_owned(),
        waits: WAITS,
        output: host.clone(),
    };
    Supervisor::start(config).expect("a supervisor")
}

/// A script, with this in it that nobody reads: so it is another program. Nobody runs it.
pub(crate) fn component(mark: &str) -> ComponentSource {
    let section = [&[0, mark.len() as u8 + 1, mark.len() as u8], mark.as_bytes()].concat();
    ComponentSource::user([crate::built::puppet(), section].concat())
}

/// This process's, by their ids.
fn children() -> BTreeSet<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("this process");
    let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let lists: Vec<String> = tasks.flatten().map(of).collect();
    lists.iter().flat_map(|list| list.split_whitespace().map(str::to_owned)).collect()
}

fn held_kib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The host's own output, as far as it is counted.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) log_bytes: AtomicUsize,
    pub(crate) notes: AtomicUsize,
}

impl HostOutput for Host {
    fn note(&self, _: &str) {
        self.notes.fetch_add(1, Ordering::Relaxed);
    }

    fn host_log(&self, line: &str) {
        self.log_bytes.fetch_add(line.len(), Ordering::Relaxed);
    }
}

/// What is heard of a script.
#[derive(Clone, Default, Debug)]
pub(crate) struct Heard {
    pub(crate) words: watch::Sender<Words>,
}

#[derive(Default, Debug)]
pub(crate) struct Words {
    /// The last line that is no tick.
    line: Option<String>,
    ticks: usize,
    pub(crate) printed_bytes: usize,
    pub(crate) news: Vec<News>,
}

impl Heard {
    pub(crate) async fn until(&self, what: &str, wanted: impl FnMut(&Words) -> bool) -> Result<(), String> {
        let mut words = self.words.subscribe();
        let waited = timeout(PATIENCE, words.wait_for(wanted)).await;
        waited.map(drop).map_err(|_| format!("not so: {what}: {:?}", self.words.borrow()))
    }

    /// A line that it has printed.
    pub(crate) async fn line(&self) -> Result<String, String> {
        self.until("a line", |words| words.line.is_some()).await?;
        Ok(self.words.borrow().line.clone().unwrap_or_default())
    }
}

impl ScriptOutput for Heard {
    fn print(&self, _: Output, text: &str) -> bool {
        self.words.send_modify(|words| {
            words.printed_bytes += text.len();
            if text == TICK {
                words.ticks += 1;
            } else if text.len() < 100 {
                words.line = Some(text.trim_end().to_owned());
            }
        });
        true
    }

    fn log(&self, _: LogLevel, _: &str) -> bool {
        true
    }

    fn dropped(&self, _: u64) {}

    fn tell(&self, news: &News) {
        self.words.send_modify(|words| {
            let mut news = news.clone();
            if let News::Crashed { why, .. } = &mut news {
                why.truncate(why.floor_char_boundary(4 << 10));
            }
            words.news.push(news);
        });
    }
}
