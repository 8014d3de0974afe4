//! From a component's bytes to a component that can be linked: looked up in the cache, else checked and compiled.
//!
//! Invariant: machine code comes from the cache or from our own compiler, never from a user; and nothing is compiled that
//! could not be linked for what it imports or lacks.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{Compiling, SealedFile};
use crate::compiled;
use crate::engine::compiler_config;
use crate::errors::CompileError;
use crate::inspect;
use crate::program::check_size;
use crate::sandbox::Shared;
use crate::worker::{MachineCode, WORKER_WALL_S_MAX, machine_code};

/// The largest component that is compiled; the Python component has 28 MiB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// Where a component comes from.
pub struct ComponentSource {
    content_hash: blake3::Hash,
    bytes: Box<dyn FnOnce() -> io::Result<Vec<u8>> + Send>,
    built_in: bool,
}

impl ComponentSource {
    /// A component that comes with the host: the blake3 hash of its bytes, and the bytes, which are asked for only where
    /// the cache does not have it.
    pub fn built_in(content_hash: [u8; 32], bytes: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Self {
        Self { content_hash: content_hash.into(), bytes: Box::new(bytes), built_in: true }
    }

    /// A component that a user gives.
    pub fn user(bytes: Vec<u8>) -> Self {
        Self { content_hash: blake3::hash(&bytes), bytes: Box::new(|| Ok(bytes)), built_in: false }
    }
}

/// A component, ready to be linked.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    /// Its file in the cache, where it is kept as long as this is.
    pub(crate) file: Option<SealedFile>,
    pub(crate) was_cached: bool,
}

/// Takes a component from the cache, or compiles it and puts it there under this name.
pub(crate) async fn component(
    shared: &Arc<Shared>,
    name: String,
    source: ComponentSource,
    before_compiling: impl FnOnce() + Send,
) -> Result<Compiled, CompileError> {
    let name: Arc<str> = name.into();
    if let Some(compiled) = cached(shared, &name).await? {
        return Ok(compiled);
    }
    let bytes = blocking(|| checked_bytes(source)).await??;
    before_compiling();
    let _compiling = compiling(shared, &name).await;
    if let Some(compiled) = cached(shared, &name).await? {
        return Ok(compiled);
    }
    let code = shared.turns.take(compile(shared, bytes)).await?;
    let shared = Arc::clone(shared);
    blocking(move || keep(&shared, &name, &code)).await?
}

/// The same for the same component under the same engine settings, version and processor only.
pub(crate) fn cache_name(engine: &Engine, source: &ComponentSource) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}", source.content_hash.to_hex(), hasher.finish())
}

/// What there is to compile, and whether it comes from a user.
struct Bytes {
    content: Vec<u8>,
    built_in: bool,
}

/// A component's bytes, if it is a script's.
fn checked_bytes(source: ComponentSource) -> Result<Bytes, CompileError> {
    let ComponentSource { content_hash, bytes, built_in } = source;
    let content = bytes()?;
    if built_in && blake3::hash(&content) != content_hash {
        return Err(CompileError::Damaged);
    }
    inspect::check(&content)?;
    Ok(Bytes { content, built_in })
}

/// The component of this name from the cache.
async fn cached(shared: &Arc<Shared>, name: &Arc<str>) -> Result<Option<Compiled>, CompileError> {
    let (shared, name) = (Arc::clone(shared), Arc::clone(name));
    blocking(move || {
        let compiled = find(&shared, &name, true)?;
        shared.cache.as_ref()?.used(&name);
        Some(compiled)
    })
    .await
}

fn find(shared: &Shared, name: &str, was_cached: bool) -> Option<Compiled> {
    let file = shared.cache.as_ref()?.find(name)?;
    let component = compiled::from_file(&shared.engine, &file)
        .inspect_err(|error| tracing::info!("a compiled program is compiled again: {error:#}"))
        .ok()?;
    Some(Compiled { component, file: Some(file), was_cached })
}

/// Waits while another process compiles the same component; not longer than that can take.
async fn compiling(shared: &Arc<Shared>, name: &Arc<str>) -> Option<Compiling> {
    let (cache, name) = (shared.cache.clone()?, Arc::clone(name));
    let waited = blocking(move || cache.compiling(&name));
    let waited = tokio::time::timeout(Duration::from_secs(WORKER_WALL_S_MAX), waited).await;
    let lock = waited.ok()?.ok()?;
    lock.inspect_err(|reason| tracing::debug!("other processes are not waited for: {reason}")).ok()
}

async fn compile(shared: &Arc<Shared>, bytes: Bytes) -> Result<MachineCode, CompileError> {
    match &shared.compile_worker {
        Some(worker) if !bytes.built_in => worker.compile(&bytes.content).await,
        _ => {
            let engine = shared.engine.clone();
            blocking(move || machine_code(&engine, &bytes.content)).await?
        }
    }
}

/// Puts machine code into the cache and gives it from there, where it is shared with other processes; without a cache, from
/// memory.
fn keep(shared: &Shared, name: &str, code: &MachineCode) -> Result<Compiled, CompileError> {
    if let Some(cache) = &shared.cache {
        match cache.save(name, code) {
            Ok(()) => {
                if let Some(compiled) = find(shared, name, false) {
                    return Ok(compiled);
                }
            }
            // Each start will take as long as this one: the user can do something about it.
            Err(reason) => tracing::error!("a compiled program is not kept: {reason}"),
        }
    }
    let component = compiled::from_memory(&shared.engine, code).map_err(|error| misfit(code).unwrap_or(error))?;
    Ok(Compiled { component, file: None, was_cached: false })
}

/// Why there is no room for a component in the engine's pool, as an engine without one can tell.
fn misfit(code: &MachineCode) -> Option<CompileError> {
    let engine = Engine::new(&compiler_config()).ok()?;
    check_size(&compiled::from_memory(&engine, code).ok()?).err()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CompileError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CompileError::Compiler("the compiler failed inside".to_owned()))
}
