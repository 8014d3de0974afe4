//! From a component to its machine code: looked up in the cache, else checked and compiled.
//!
//! Invariant: machine code comes from the cache or from our own compiler, never from a user; nothing is compiled that could
//! not be linked for what it imports or lacks; none of it is loaded here; and what one component costs to compile holds up
//! nobody who waits for another one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

use crate::cache::{Cache, Compiling};
use crate::code::{Code, WeakCode};
use crate::compile_worker::{CompilerCommand, MachineCode, WORKER_WALL_S_MAX, machine_code};
use crate::engine::{self, compatibility};
use crate::errors::{CompileError, SandboxError};
use crate::source::{CheckedBytes, ComponentSource};
use crate::turns::Turns;

/// The compile cache's size where nothing else is said: some twenty Python runtimes.
pub const CACHE_BYTES_MAX: u64 = 1 << 30;

/// What a compiler needs to know.
#[derive(Clone, Debug)]
pub struct CompilerConfig {
    /// Where compiled code is kept: a folder of its own, made if it is not there, closed to other users.
    pub cache_dir: PathBuf,
    /// Bytes of compiled code that are kept there. Code of programs that run somewhere is never removed.
    pub cache_bytes_max: u64,
    /// The process that compiles components given by users; `None` compiles them in this process, which is for tools that
    /// trust their components.
    pub compile_worker: Option<CompilerCommand>,
}

impl CompilerConfig {
    /// A compiler with its cache in this folder, of the usual size, and no compile worker.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self { cache_dir: cache_dir.into(), cache_bytes_max: CACHE_BYTES_MAX, compile_worker: None }
    }
}

/// Compiles components and keeps what comes of it. Cheap to clone.
#[derive(Clone)]
pub struct Compiler {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    cache: Option<Cache>,
    compile_worker: Option<CompilerCommand>,
    turns: Turns,
    known: Mutex<HashMap<Arc<str>, Known>>,
}

/// Code while somebody uses it or waits for it. The lock is held by who makes it.
type Known = Arc<tokio::sync::Mutex<WeakCode>>;

impl Compiler {
    /// Opens the cache. A folder that cannot be trusted or written is said in the log and done without.
    pub fn new(config: CompilerConfig) -> Result<Self, SandboxError> {
        let engine = engine::without_pool().map_err(|error| SandboxError(format!("{error:#}")))?;
        let cache = Cache::open(&config.cache_dir, config.cache_bytes_max)
            .inspect_err(|reason| {
                tracing::error!("compiled programs are not kept, and are compiled anew at each start: {reason}")
            })
            .ok();
        let compile_worker = config.compile_worker;
        let shared = Shared { engine, cache, compile_worker, turns: Turns::default(), known: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Gives the machine code of a component: from the cache in no time, or compiled, which takes seconds for the Python
    /// component; `before_compiling` is called just before that. A component that says itself that it is no script of this
    /// version is an error that says why; whether it is one shows when the code is loaded.
    ///
    /// Components may be given side by side. Who gives one that is being compiled already waits for that.
    pub async fn compile(
        &self,
        source: ComponentSource,
        before_compiling: impl FnOnce() + Send,
    ) -> Result<Code, CompileError> {
        let name = cache_name(&self.shared.engine, &source);
        let known = self.shared.known(&name);
        let mut known = known.lock().await;
        if let Some(code) = known.upgrade() {
            return Ok(code);
        }
        let code = cached_or_compiled(&self.shared, &name, source, before_compiling).await?;
        *known = code.downgrade();
        Ok(code)
    }
}

impl Shared {
    /// The place of the code with this cache name. Places that nobody needs any more are given up.
    fn known(&self, name: &Arc<str>) -> Known {
        let mut places = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, known| Arc::strong_count(known) > 1 || known.try_lock().is_ok_and(|code| !code.is_gone()));
        Arc::clone(places.entry(Arc::clone(name)).or_default())
    }

    /// The code of this name in the cache.
    fn find(&self, name: &str, was_cached: bool) -> Option<Code> {
        Some(Code::sealed(self.cache.as_ref()?.find(name)?, was_cached))
    }
}

/// The same for the same component under the same engine settings, version and processor only.
fn cache_name(engine: &Engine, source: &ComponentSource) -> Arc<str> {
    format!("{}-{:016x}", source.content_hash.to_hex(), compatibility(engine)).into()
}

async fn cached_or_compiled(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    source: ComponentSource,
    before_compiling: impl FnOnce() + Send,
) -> Result<Code, CompileError> {
    if let Some(code) = cached(shared, name).await? {
        return Ok(code);
    }
    let bytes = blocking(|| source.checked()).await??;
    before_compiling();
    let _compiling = compiling(shared, name).await;
    if let Some(code) = cached(shared, name).await? {
        return Ok(code);
    }
    let code = shared.turns.take(compile(shared, bytes)).await?;
    let (shared, name) = (Arc::clone(shared), Arc::clone(name));
    blocking(move || keep(&shared, &name, &code)).await?
}

/// The code of this name from the cache, which notes that it is used again.
async fn cached(shared: &Arc<Shared>, name: &Arc<str>) -> Result<Option<Code>, CompileError> {
    let (shared, name) = (Arc::clone(shared), Arc::clone(name));
    blocking(move || {
        let code = shared.find(&name, true)?;
        shared.cache.as_ref()?.used(&name);
        Some(code)
    })
    .await
}

/// Waits while another process compiles the same component; not longer than that can take.
async fn compiling(shared: &Arc<Shared>, name: &Arc<str>) -> Option<Compiling> {
    let (cache, name) = (shared.cache.clone()?, Arc::clone(name));
    let waited = blocking(move || cache.compiling(&name));
    let waited = tokio::time::timeout(Duration::from_secs(WORKER_WALL_S_MAX), waited).await;
    let lock = waited.ok()?.ok()?;
    lock.inspect_err(|reason| tracing::debug!("other processes are not waited for: {reason}")).ok()
}

async fn compile(shared: &Arc<Shared>, bytes: CheckedBytes) -> Result<MachineCode, CompileError> {
    match &shared.compile_worker {
        Some(worker) if !bytes.built_in => worker.compile(&bytes.content, compatibility(&shared.engine)).await,
        _ => {
            let engine = shared.engine.clone();
            blocking(move || machine_code(&engine, &bytes.content)).await?
        }
    }
}

/// Puts machine code into the cache and gives it from there, where it is shared with other processes; without a cache, from
/// memory.
fn keep(shared: &Shared, name: &str, code: &MachineCode) -> Result<Code, CompileError> {
    if let Some(cache) = &shared.cache {
        match cache.save(name, code) {
            Ok(()) => {
                if let Some(code) = shared.find(name, false) {
                    return Ok(code);
                }
            }
            // Each start will take as long as this one: the user can do something about it.
            Err(reason) => tracing::error!("a compiled program is not kept: {reason}"),
        }
    }
    Code::in_memory(code).map_err(|error| CompileError::Compiler(format!("there is no room in memory for it: {error}")))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CompileError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CompileError::Compiler("the compiler failed inside".to_owned()))
}
