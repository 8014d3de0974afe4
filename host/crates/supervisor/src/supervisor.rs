//! What starts scripts, each where it is to run.
//!
//! Invariant: a script has its way to its account from the moment it is started: what comes while its program is compiled is
//! its own to handle.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use runtime::{End, Script, Threads};
use sandbox::{Compiler, CompilerConfig, ComponentSource, Sandbox, SandboxError};
use worker::Missing;

use crate::account::Account;
use crate::compiling::Compiling;
use crate::counter::WorkerCounter;
use crate::life::Waits;
use crate::script::{Placed, Ready, ScriptPlan};
use crate::spawner::Spawner;
use crate::worker::Worker;

/// Scripts that share a worker. It has two files open for each, and a third while it locks itself down.
const WORKER_SCRIPTS_MAX: usize = 1_000;

/// Where scripts run.
#[derive(Clone, Debug)]
pub enum Isolation {
    /// In worker processes, which this command starts.
    Worker(WorkerCommand),
    /// In this process.
    None,
}

/// The command that runs [`worker::work`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Usually this very program.
    pub program: PathBuf,
    /// What makes it a worker.
    pub args: Vec<OsString>,
}

/// Where what is said goes that is of no script.
pub trait HostOutput: Send + Sync + 'static {
    /// Something that whoever runs the host should know.
    fn note(&self, text: &str);
    /// A line of the host's own log.
    fn host_log(&self, line: &str);
}

/// What a supervisor needs to know.
pub struct SupervisorConfig {
    /// Where scripts run.
    pub isolation: Isolation,
    /// How their programs are compiled.
    pub compiler: CompilerConfig,
    /// Scripts at one time.
    pub scripts_max: u32,
    /// What workers log, as `tracing` filters are written.
    pub log_filter: String,
    /// How long workers are waited for.
    pub waits: Waits,
    /// Where what is said goes that is of no script.
    pub output: Arc<dyn HostOutput>,
}

/// Why no script can be started.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The sandbox cannot start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The system gives no threads.
    #[error("there are no threads for scripts: {0}")]
    Threads(std::io::Error),
}

/// See the module.
pub struct Supervisor {
    compiler: Compiler,
    site: Site,
}

/// Where scripts run, with what they need there.
enum Site {
    Workers(WorkerSite),
    Here { sandbox: Sandbox, threads: Threads },
}

/// What every worker is started with.
#[derive(Clone)]
pub(crate) struct WorkerSite {
    pub(crate) command: WorkerCommand,
    pub(crate) spawner: Spawner,
    pub(crate) log_filter: String,
    pub(crate) waits: Waits,
    pub(crate) output: Arc<dyn HostOutput>,
    /// What was said already of what the kernel lacks.
    missing: Arc<Mutex<HashSet<Missing>>>,
}

impl WorkerSite {
    /// Says, once, what this kernel lacks of a worker's lock-down.
    pub(crate) fn say_missing(&self, wall: Missing) {
        if self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(wall) {
            self.output.note(&format!("Scripts run behind one wall less than they could: {wall}."));
        }
    }
}

impl Supervisor {
    /// Starts what scripts need, none of them yet. Blocks for some milliseconds. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where the sandbox or its threads cannot start.
    pub fn start(config: SupervisorConfig) -> Result<Self, SupervisorError> {
        let SupervisorConfig { isolation, compiler, scripts_max, log_filter, waits, output } = config;
        let compiler = Compiler::new(compiler)?;
        let site = match isolation {
            Isolation::Worker(command) => {
                let spawner = Spawner::start().map_err(SupervisorError::Threads)?;
                Site::Workers(WorkerSite { command, spawner, log_filter, waits, output, missing: Arc::default() })
            }
            Isolation::None => Site::Here {
                sandbox: Sandbox::new(scripts_max)?,
                threads: Threads::start().map_err(SupervisorError::Threads)?,
            },
        };
        Ok(Self { compiler, site })
    }

    /// Has a program compiled, or taken from the cache; `before_compiling` is called in the first case. Must be called inside
    /// a Tokio runtime.
    pub fn compile(&self, source: ComponentSource, before_compiling: impl FnOnce() + Send + 'static) -> Compiling {
        Compiling::begin(self.compiler.clone(), source, before_compiling)
    }

    /// Starts scripts on an account, in their order. Those whose programs are there share a worker; the others are
    /// started once theirs are, in workers of their own, so that nobody waits for another's. Must be called inside a Tokio runtime.
    pub fn start_scripts(&self, account: &Account, plans: Vec<ScriptPlan>) -> Vec<Script> {
        match &self.site {
            Site::Here { sandbox, threads } => {
                plans.into_iter().map(|plan| start_here(sandbox, threads, account, plan)).collect()
            }
            Site::Workers(site) => {
                let (placed, scripts): (Vec<_>, _) = plans.into_iter().map(|plan| place(account, plan)).unzip();
                tokio::spawn(start_in_workers(site.clone(), placed));
                scripts
            }
        }
    }
}

/// Starts a script in this process.
fn start_here(sandbox: &Sandbox, threads: &Threads, account: &Account, plan: ScriptPlan) -> Script {
    let ScriptPlan { tenant, config, program, rules, output, secrets: _ } = plan;
    let server = account.serve(tenant, &config, config.files.clone(), rules);
    let sandbox = sandbox.clone();
    let program = async move {
        let code = program.code().await?;
        let loaded = tokio::task::spawn_blocking(move || sandbox.load(&code)).await;
        let loaded = loaded.map_err(|error| format!("loading was broken off: {error}"))?;
        loaded.map_err(|error| error.to_string())
    };
    Script::start(threads, config, program, broker::Client::here(server), output)
}

/// A script that is to run in a worker, and its handle.
fn place(account: &Account, plan: ScriptPlan) -> ((Placed, Compiling), Script) {
    let ScriptPlan { tenant, config, program, rules, secrets, output } = plan;
    let counter = WorkerCounter::default();
    let files = config.files.clone().counted_by(Arc::new(counter.clone()));
    let server = account.serve(tenant, &config, files, rules);
    let (placed, script) = Placed::new(config, secrets, output, server, counter);
    ((placed, program), script)
}

/// Starts a worker with all scripts whose programs are there, and further ones as further programs come.
async fn start_in_workers(site: WorkerSite, placed: Vec<(Placed, Compiling)>) {
    let at_once = placed.into_iter().map(async |(placed, program)| {
        let code = program.code_at_once().await;
        (placed, program, code)
    });
    let mut together = Vec::new();
    let mut late = FuturesUnordered::new();
    for (mut placed, program, code) in futures_util::future::join_all(at_once).await {
        match code {
            Some(Ok(code)) => together.push((placed, code)),
            Some(Err(why)) => placed.end(End::LoadFailed(why)),
            None => late.push(until_compiled(placed, program)),
        }
    }
    start_workers(&site, together);
    while let Some(ready) = late.next().await {
        // One program may have been waited for by many.
        let others = std::iter::from_fn(|| late.next().now_or_never().flatten());
        let together = std::iter::once(ready).chain(others).flatten().collect();
        start_workers(&site, together);
    }
}

/// The script once its program is there; none where it has ended before.
async fn until_compiled(mut placed: Placed, program: Compiling) -> Option<Ready> {
    let code = tokio::select! {
        code = program.code() => Some(code),
        () = placed.stopped() => None,
    };
    match code {
        Some(Ok(code)) => return Some((placed, code)),
        Some(Err(why)) => placed.end(End::LoadFailed(why)),
        None => placed.end(End::Stopped),
    }
    None
}

/// Starts a worker with these scripts, or as many as they need.
fn start_workers(site: &WorkerSite, mut scripts: Vec<Ready>) {
    while !scripts.is_empty() {
        let others = scripts.split_off(scripts.len().min(WORKER_SCRIPTS_MAX));
        tokio::spawn(Worker::new(site.clone(), scripts).run());
        scripts = others;
    }
}
