//! What all guests of a process share: the engine, the linker, the compile cache, the instances' slots.
//!
//! Invariant: what one component costs to compile holds up nobody who waits for another one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::cache::Cache;
use crate::clock::Ticker;
use crate::compile::{self, ComponentSource};
use crate::computing::Computing;
use crate::engine::{self, INSTANCES_MAX};
use crate::errors::{CompileError, SandboxError};
use crate::imports::{self, Guest};
use crate::program::{self, Program};
use crate::turns::Turns;
use crate::worker::WorkerCommand;

/// The compile cache's size where nothing else is said: some twenty Python runtimes.
pub const CACHE_BYTES_MAX: u64 = 1 << 30;

/// What a sandbox needs to know.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled code is kept: a folder of its own, made if it is not there, closed to other users.
    pub cache_dir: PathBuf,
    /// Bytes of compiled code that are kept there. Code of programs that run somewhere is never removed.
    pub cache_bytes_max: u64,
    /// The process that compiles components given by users; `None` compiles them in this process, which is for tools that
    /// trust their components.
    pub compile_worker: Option<WorkerCommand>,
    /// Instances at one time, [`INSTANCES_MAX`] at most.
    pub instances_max: u32,
}

impl SandboxConfig {
    /// A sandbox with its cache in this folder, everything else as is usual, and no compile worker.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            cache_bytes_max: CACHE_BYTES_MAX,
            compile_worker: None,
            instances_max: INSTANCES_MAX,
        }
    }
}

/// The engine and what all guests share. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

/// What programs and instances need of their sandbox.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) ticker: Ticker,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) computing: Computing,
    pub(crate) instances_max: u32,
    pub(crate) cache: Option<Cache>,
    pub(crate) compile_worker: Option<WorkerCommand>,
    pub(crate) turns: Turns,
    programs: Mutex<HashMap<String, Known>>,
}

/// A program while somebody uses it or waits for it. The lock is held by who makes it.
type Known = Arc<tokio::sync::Mutex<Weak<program::Inner>>>;

impl Sandbox {
    /// Starts the engine. A cache folder that cannot be trusted or written is said in the log and done without.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let instances_max = config.instances_max.clamp(1, INSTANCES_MAX);
        let start = || -> wasmtime::Result<_> {
            let engine = engine::start(instances_max)?;
            let linker = imports::linker(&engine)?;
            Ok((engine, linker))
        };
        let (engine, linker) = start().map_err(|error| SandboxError(format!("{error:#}")))?;
        let ticker =
            Ticker::start(&engine).map_err(|error| SandboxError(format!("no thread for its clock: {error}")))?;
        let cache = Cache::open(&config.cache_dir, config.cache_bytes_max)
            .inspect_err(|reason| tracing::warn!("compiled programs are not kept: {reason}"))
            .ok();
        let shared = Shared {
            engine,
            linker,
            ticker,
            slots: Arc::new(Semaphore::new(instances_max as usize)),
            computing: Computing::default(),
            instances_max,
            cache,
            compile_worker: config.compile_worker,
            turns: Turns::default(),
            programs: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Gives the program of a component: from the cache in milliseconds, or compiled, which takes seconds for the Python
    /// component; `before_compiling` is called just before that. A component that is not a script of this version is an
    /// error that says why.
    ///
    /// Components may be given side by side. Who gives one that is being compiled already waits for that.
    pub async fn compile(
        &self,
        source: ComponentSource,
        before_compiling: impl FnOnce() + Send,
    ) -> Result<Program, CompileError> {
        let shared = &self.shared;
        let name = compile::cache_name(&shared.engine, &source);
        let known = shared.known(&name);
        let mut known = known.lock().await;
        if let Some(inner) = known.upgrade() {
            return Ok(Program { inner });
        }
        let compiled = compile::component(shared, name, source, before_compiling).await?;
        let program = Program::new(Arc::clone(shared), compiled)?;
        *known = Arc::downgrade(&program.inner);
        Ok(program)
    }
}

impl Shared {
    /// The place of the program with this cache name. Places that nobody needs any more are given up.
    fn known(&self, name: &str) -> Known {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.retain(|_, known| {
            Arc::strong_count(known) > 1 || known.try_lock().is_ok_and(|program| program.strong_count() > 0)
        });
        Arc::clone(programs.entry(name.to_owned()).or_default())
    }
}
