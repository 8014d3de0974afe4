//! From a component's bytes to machine code: looked up in the cache, else compiled, here or in a process of its own.
//!
//! Invariant: machine code comes from the cache or from our own compiler, never from a user. What a user's component costs
//! to compile is bounded by the worker's limits; the worker has no access to the cache or its key. It is a bound on cost,
//! not on trust: what it answers runs in this process, as the output of a compiler does.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compiled::{self, Cache};
use crate::engine::compiler_config;
use crate::errors::CompileError;

/// The largest component that is compiled; the Python component has 28 MiB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// The largest machine code that a worker may answer with.
const MACHINE_CODE_BYTES_MAX: u64 = 512 << 20;
/// Address space of a worker.
const WORKER_MEMORY_BYTES_MAX: u64 = 4 << 30;
/// CPU time of a worker, over all its threads.
const WORKER_CPU_S_MAX: u64 = 120;
/// Time from a worker's start to its end.
const WORKER_WALL_S_MAX: u64 = 240;
/// What of a worker's error text is read.
const WORKER_ERROR_BYTES_MAX: u64 = 1 << 10;
/// Files that a worker may have open.
const WORKER_FILES_MAX: u64 = 32;
/// A worker's exit code for a component that does not compile; any other failure is the worker's own.
const WORKER_REFUSES: u8 = 65;

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

/// The command that runs [`compile_worker`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Usually this very program.
    pub program: PathBuf,
    /// What makes it a worker.
    pub args: Vec<OsString>,
}

/// Machine code that our own compiler made in this run.
pub(crate) struct MachineCode(Vec<u8>);

impl MachineCode {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A component, ready to be linked.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    pub(crate) was_cached: bool,
}

/// Takes a component from the cache, or compiles it and puts it there.
pub(crate) async fn component(
    engine: &Engine,
    cache: Option<&Cache>,
    worker: Option<&WorkerCommand>,
    source: ComponentSource,
    before_compiling: impl FnOnce() + Send,
) -> Result<Compiled, CompileError> {
    let name = cache_name(engine, &source.content_hash);
    if let Some(component) = cache.and_then(|cache| cache.load(engine, &name)) {
        return Ok(Compiled { component, was_cached: true });
    }
    let ComponentSource { content_hash, bytes, built_in } = source;
    let bytes = blocking(bytes).await??;
    check_bytes(&bytes)?;
    if built_in && blake3::hash(&bytes) != content_hash {
        return Err(CompileError::Damaged);
    }
    before_compiling();
    let code = match worker {
        Some(worker) if !built_in => worker.compile(&bytes).await?,
        _ => {
            let engine = engine.clone();
            blocking(move || machine_code(&engine, &bytes)).await??
        }
    };
    let (engine, cache) = (engine.clone(), cache.cloned());
    let component = blocking(move || keep(&engine, cache.as_ref(), &name, &code)).await??;
    Ok(Compiled { component, was_cached: false })
}

/// Reads a component on stdin and writes its machine code on stdout, within limits on memory and CPU time; the host's
/// binary calls this for its hidden compile-worker command. A component that does not compile is said on stderr.
pub fn compile_worker() -> ExitCode {
    let run = || -> Result<(), CompileError> {
        limit_worker().map_err(|error| CompileError::Compiler(format!("its limits cannot be set: {error}")))?;
        let mut bytes = Vec::new();
        io::stdin().lock().take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        check_bytes(&bytes)?;
        let engine = Engine::new(&compiler_config()).map_err(|error| CompileError::Compiler(format!("{error:#}")))?;
        let code = machine_code(&engine, &bytes)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(code.bytes())?;
        Ok(stdout.flush()?)
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(CompileError::Invalid(reason)) => {
            // Nobody is there to be told where this fails.
            let _ = io::stderr().write_all(reason.as_bytes());
            ExitCode::from(WORKER_REFUSES)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

impl WorkerCommand {
    async fn compile(&self, bytes: &[u8]) -> Result<MachineCode, CompileError> {
        let stopped = |reason: String| CompileError::Compiler(format!("the compiler {reason}"));
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| stopped(format!("cannot be started ({}): {error}", self.program.display())))?;
        let talk = tokio::time::timeout(Duration::from_secs(WORKER_WALL_S_MAX), talk(&mut child, bytes));
        let Ok(answer) = talk.await else {
            return Err(stopped(format!("did not end within {WORKER_WALL_S_MAX} s")));
        };
        let (code, error_text) = answer.map_err(|error| stopped(format!("broke off: {error}")))?;
        let status = child.wait().await.map_err(|error| stopped(format!("is lost: {error}")))?;
        if status.code() == Some(i32::from(WORKER_REFUSES)) {
            return Err(CompileError::Invalid(error_text));
        }
        if !status.success() {
            return Err(stopped(format!(
                "stopped ({status}); it may use {} GiB of memory and {WORKER_CPU_S_MAX} s of CPU. {error_text}",
                WORKER_MEMORY_BYTES_MAX >> 30
            )));
        }
        if code.len() as u64 > MACHINE_CODE_BYTES_MAX {
            return Err(stopped(format!("made more than {MACHINE_CODE_BYTES_MAX} bytes of machine code")));
        }
        Ok(MachineCode(code))
    }
}

/// Gives the worker its component and takes what it answers, at the same time.
async fn talk(child: &mut Child, bytes: &[u8]) -> io::Result<(Vec<u8>, String)> {
    let missing = || io::Error::other("no pipe");
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let give = async move {
        // A worker that refuses the component does not read it to its end.
        let _ = stdin.write_all(bytes).await;
    };
    let (mut code, mut error_text) = (Vec::new(), Vec::new());
    let (mut stdout, mut stderr) = (stdout.take(MACHINE_CODE_BYTES_MAX + 1), stderr.take(WORKER_ERROR_BYTES_MAX));
    let ((), read, read_error) = tokio::join!(give, stdout.read_to_end(&mut code), stderr.read_to_end(&mut error_text));
    read.and(read_error)?;
    Ok((code, String::from_utf8_lossy(&error_text).into_owned()))
}

fn limit_worker() -> rustix::io::Result<()> {
    for (resource, max) in [
        (Resource::As, WORKER_MEMORY_BYTES_MAX),
        (Resource::Cpu, WORKER_CPU_S_MAX),
        (Resource::Nofile, WORKER_FILES_MAX),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })?;
    }
    Ok(())
}

/// Says what is wrong with a file before anything costly looks at it.
fn check_bytes(bytes: &[u8]) -> Result<(), CompileError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(CompileError::TooLarge { bytes: bytes.len(), bytes_max: COMPONENT_BYTES_MAX });
    }
    // https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md: magic, version, layer.
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(CompileError::CoreModule),
        _ => Err(CompileError::NotWasm),
    }
}

fn machine_code(engine: &Engine, bytes: &[u8]) -> Result<MachineCode, CompileError> {
    engine.precompile_component(bytes).map(MachineCode).map_err(|error| CompileError::Invalid(format!("{error:#}")))
}

/// Puts machine code into the cache and gives it from there, where it is shared with other processes; without a cache, from
/// memory.
fn keep(engine: &Engine, cache: Option<&Cache>, name: &str, code: &MachineCode) -> Result<Component, CompileError> {
    if let Some(cache) = cache {
        match cache.save(name, code) {
            Ok(()) => {
                if let Some(component) = cache.load(engine, name) {
                    return Ok(component);
                }
            }
            Err(reason) => tracing::warn!("a compiled program is not kept: {reason}"),
        }
    }
    compiled::from_memory(engine, code)
}

/// The same for the same component under the same engine settings, version and processor only.
fn cache_name(engine: &Engine, content_hash: &blake3::Hash) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}", content_hash.to_hex(), hasher.finish())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CompileError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CompileError::Compiler("the compiler failed inside".to_owned()))
}
