//! The WebAssembly engine: its settings, and the clock that interrupts guests.
//!
//! Invariant: the settings that decide what compiled code looks like are made in one place ([`compiler_config`]), the same
//! for this process and for the compile worker.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use crate::compile::{self, ComponentSource, WorkerCommand};
use crate::compiled::Cache;
use crate::errors::{CompileError, SandboxError};
use crate::imports::{self, Guest};
use crate::limits::{CORE_INSTANCES_MAX, Limits, MEMORIES_MAX, TABLES_MAX};
use crate::program::Program;

/// Instances that one sandbox runs at most: each reserves 4 GiB of address space, of which a process has 128 TiB.
pub const INSTANCES_MAX: u32 = 1_000;

/// Linear memory that a pool slot can hold, whatever a script's limits say.
const SLOT_MEMORY_BYTES_MAX: usize = 1 << 30;
/// Stack that WebAssembly may use: enough that Python's own guard against too many levels is reached before.
const WASM_STACK_BYTES: usize = 8 << 20;
/// Stack of a call, host functions included.
const CALL_STACK_BYTES: usize = 10 << 20;
/// The clock's period. A guest gives way to others every [`SLICE_TICKS`] of them.
pub(crate) const TICK_MS: u64 = 5;
/// Ticks between two moments at which a running guest gives way and its CPU time is checked.
pub(crate) const SLICE_TICKS: u64 = 2;
/// Ticks without a running guest after which the clock stops until the next one.
const IDLE_TICKS_MAX: u32 = 20;

/// What a sandbox needs to know.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled code is kept: a folder of its own, made if it is not there, closed to other users.
    pub cache_dir: PathBuf,
    /// The process that compiles components given by users; `None` compiles them in this process, which is for tools that
    /// trust their components.
    pub compile_worker: Option<WorkerCommand>,
    /// Instances at one time, [`INSTANCES_MAX`] at most.
    pub instances_max: u32,
}

impl SandboxConfig {
    /// A sandbox with its cache in this folder, as many instances as there can be, and no compile worker.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self { cache_dir: cache_dir.into(), compile_worker: None, instances_max: INSTANCES_MAX }
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
    pub(crate) instances_max: u32,
    cache: Option<Cache>,
    compile_worker: Option<WorkerCommand>,
}

impl Sandbox {
    /// Starts the engine. A cache folder that cannot be trusted or written is said in the log and done without.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let instances_max = config.instances_max.clamp(1, INSTANCES_MAX);
        let start = || -> wasmtime::Result<_> {
            let engine = engine(instances_max)?;
            let linker = imports::linker(&engine)?;
            Ok((engine, linker))
        };
        let (engine, linker) = start().map_err(|error| SandboxError(format!("{error:#}")))?;
        let ticker =
            Ticker::start(&engine).map_err(|error| SandboxError(format!("no thread for its clock: {error}")))?;
        let cache = Cache::open(&config.cache_dir)
            .inspect_err(|reason| tracing::warn!("compiled programs are not kept: {reason}"))
            .ok();
        let shared = Shared {
            engine,
            linker,
            ticker,
            slots: Arc::new(Semaphore::new(instances_max as usize)),
            instances_max,
            cache,
            compile_worker: config.compile_worker,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Gives the program of a component: from the cache in milliseconds, or compiled, which takes seconds for the Python
    /// component; `before_compiling` is called just before that. A component that is not a script of this version is an
    /// error that says why.
    pub async fn compile(
        &self,
        source: ComponentSource,
        before_compiling: impl FnOnce() + Send,
    ) -> Result<Program, CompileError> {
        let shared = &self.shared;
        let worker = shared.compile_worker.as_ref();
        let compiled =
            compile::component(&shared.engine, shared.cache.as_ref(), worker, source, before_compiling).await?;
        Program::new(Arc::clone(shared), compiled)
    }
}

/// The settings that decide what compiled code looks like.
pub(crate) fn compiler_config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        .wasm_backtrace_max_frames(None);
    config
}

/// An engine with pooled instances, or without a pool where the address space is too small for one.
fn engine(instances_max: u32) -> wasmtime::Result<Engine> {
    let mut config = compiler_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances_max)));
    Engine::new(&config).or_else(|reason| {
        tracing::info!("instances are not pooled: {reason:#}");
        Engine::new(&compiler_config())
    })
}

fn pool(instances_max: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances_max)
        .total_core_instances(instances_max * CORE_INSTANCES_MAX as u32)
        .total_memories(instances_max * MEMORIES_MAX as u32)
        .total_tables(instances_max * TABLES_MAX as u32)
        .total_stacks(instances_max)
        .max_core_instances_per_component(CORE_INSTANCES_MAX as u32)
        .max_memories_per_component(MEMORIES_MAX as u32)
        .max_tables_per_component(TABLES_MAX as u32)
        .table_elements(Limits::default().table_elements_max)
        .max_memory_size(SLOT_MEMORY_BYTES_MAX)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Moves the engine's epoch on while any guest runs, so that guests can be interrupted. Its thread sleeps while none does
/// and ends with it.
pub(crate) struct Ticker {
    state: Arc<TickerState>,
    thread: Thread,
}

#[derive(Default)]
struct TickerState {
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

impl Ticker {
    fn start(engine: &Engine) -> io::Result<Self> {
        let state = Arc::new(TickerState::default());
        let (engine, for_thread) = (engine.weak(), Arc::clone(&state));
        let handle = thread::Builder::new().name("epoch".into()).spawn(move || {
            let mut idle_ticks = 0;
            while !for_thread.stopped.load(Ordering::SeqCst) {
                for_thread.pause(&mut idle_ticks);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { state, thread: handle.thread().clone() })
    }

    /// Keeps the clock going until the guard is dropped.
    pub(crate) fn run(&self) -> Ticking<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking { state: &self.state }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl TickerState {
    /// One tick long, or until a guest runs again if none has for a while.
    fn pause(&self, idle_ticks: &mut u32) {
        *idle_ticks = if self.running.load(Ordering::SeqCst) == 0 { *idle_ticks + 1 } else { 0 };
        if *idle_ticks <= IDLE_TICKS_MAX {
            thread::sleep(Duration::from_millis(TICK_MS));
            return;
        }
        // Who begins to run looks at `asleep` after it has counted itself, so one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
        *idle_ticks = 0;
    }
}

/// A guest is running.
pub(crate) struct Ticking<'a> {
    state: &'a TickerState,
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.state.running.fetch_sub(1, Ordering::SeqCst);
    }
}
