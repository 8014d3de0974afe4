//! The compiler: in this process, or as a process of its own, the compile worker, with limits and locked down.
//!
//! Invariant: what a user's component costs to compile is bounded by the worker's limits; the worker has no access to the
//! cache or its key. It is a bound on cost, not on trust: what it answers is run where guests run, as the output of a
//! compiler is.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use lockdown::{Allowed, lock_down};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use wasmtime::Engine;

use crate::engine::{self, compatibility};
use crate::errors::CompileError;
use crate::inspect;
use crate::source::COMPONENT_BYTES_MAX;

/// The largest machine code that a worker may answer with.
const MACHINE_CODE_BYTES_MAX: u64 = 512 << 20;
/// Address space of a worker.
const WORKER_MEMORY_BYTES_MAX: u64 = 4 << 30;
/// CPU time of a worker, over all its threads.
const WORKER_CPU_S_MAX: u64 = 120;
/// Time from a worker's start to its end.
pub(crate) const WORKER_WALL_S_MAX: u64 = 240;
/// What of a worker's error text is read.
const WORKER_ERROR_BYTES_MAX: u64 = 1 << 10;
/// Files that a worker may have open.
const WORKER_FILES_MAX: u64 = 32;
/// A worker's exit code for a component that does not compile; any other failure is the worker's own.
const WORKER_REFUSES: u8 = 65;

/// The command that runs [`compile_worker`].
#[derive(Clone, Debug)]
pub struct CompilerCommand {
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

/// Compiles a component.
pub(crate) fn machine_code(engine: &Engine, bytes: &[u8]) -> Result<MachineCode, CompileError> {
    engine.precompile_component(bytes).map(MachineCode).map_err(|error| CompileError::Invalid(format!("{error:#}")))
}

/// Reads a component on stdin and writes its machine code on stdout, and whose engine can run it, within limits on memory and
/// CPU time; the host's binary calls this for its hidden compile-worker command. A component that does not compile is said on stderr.
pub fn compile_worker() -> ExitCode {
    let run = || -> Result<(), CompileError> {
        limit_worker().map_err(|error| CompileError::Compiler(format!("its limits cannot be set: {error}")))?;
        lock_worker_down()?;
        let mut bytes = Vec::new();
        io::stdin().lock().take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        inspect::check(&bytes)?;
        let engine = engine::without_pool().map_err(|error| CompileError::Compiler(format!("{error:#}")))?;
        let code = machine_code(&engine, &bytes)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(code.bytes())?;
        stdout.write_all(&compatibility(&engine).to_le_bytes())?;
        Ok(stdout.flush()?)
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal @ CompileError::Invalid(_)) => {
            // Nobody is there to be told where this fails.
            let _ = write!(io::stderr(), "{refusal}");
            ExitCode::from(WORKER_REFUSES)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

impl CompilerCommand {
    /// Has a component compiled by a worker, for an engine of this [`compatibility`].
    pub(crate) async fn compile(&self, bytes: &[u8], engine: u64) -> Result<MachineCode, CompileError> {
        let stopped = |reason: String| CompileError::Compiler(format!("the compiler {reason}"));
        let mut child = Command::new(&self.program)
            .arg0("tglhost")
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
        let (mut code, error_text) = answer.map_err(|error| stopped(format!("broke off: {error}")))?;
        let status = child.wait().await.map_err(|error| stopped(format!("is lost: {error}")))?;
        if status.code() == Some(i32::from(WORKER_REFUSES)) {
            return Err(CompileError::Refused(error_text));
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
        if code.split_off(code.len().saturating_sub(8)) != engine.to_le_bytes() {
            return Err(stopped(
                "did not answer for this version of tglhost: if that was replaced while it ran, start it again"
                    .to_owned(),
            ));
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

/// It reads what a user has given: whatever that makes of it, it has its stdin and its stdout and nothing else.
fn lock_worker_down() -> Result<(), CompileError> {
    // How many threads there are to be is looked up in the file system.
    crate::sandbox::prepare();
    let nothing = Allowed {
        folders: Vec::new(),
        files: Vec::new(),
        open_files_max: WORKER_FILES_MAX,
        parent_id: std::os::unix::process::parent_id(),
    };
    match lock_down(&nothing) {
        Ok(_) => Ok(()),
        Err(error) => Err(CompileError::Compiler(format!("it cannot be locked down: {error}"))),
    }
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
