//! What all guests of a process share: the engine, the linker, the instances' slots, and programs while they are used.
//!
//! Invariant: after [`prepare`] it opens nothing but the code that it is given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::clock::Ticker;
use crate::code::{Code, CodeId};
use crate::compiled;
use crate::computing::{Computing, computing_max};
use crate::engine::{self, INSTANCES_MAX};
use crate::errors::{CompileError, SandboxError};
use crate::imports::{self, Guest};
use crate::program::{self, Program, check_size};

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
    programs: Mutex<Programs>,
}

/// Programs while somebody uses them.
type Programs = HashMap<CodeId, Weak<program::Inner>>;

/// Looks up what a sandbox needs to know of this system. A process that is to close the file system to itself calls it before,
/// and [`Sandbox::new`] afterwards; others need not. It starts no thread.
pub fn prepare() {
    computing_max();
    engine::open_page_map();
}

impl Sandbox {
    /// Starts the engine and its clock, with room for so many instances at one time, [`INSTANCES_MAX`] at most.
    pub fn new(instances_max: u32) -> Result<Self, SandboxError> {
        let instances_max = instances_max.clamp(1, INSTANCES_MAX);
        let start = || -> wasmtime::Result<_> {
            let engine = engine::start(instances_max)?;
            let linker = imports::linker(&engine)?;
            Ok((engine, linker))
        };
        let (engine, linker) = start().map_err(|error| SandboxError(format!("{error:#}")))?;
        let ticker =
            Ticker::start(&engine).map_err(|error| SandboxError(format!("no thread for its clock: {error}")))?;
        let shared = Shared {
            engine,
            linker,
            ticker,
            slots: Arc::new(Semaphore::new(instances_max as usize)),
            computing: Computing::default(),
            instances_max,
            programs: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Loads code, which takes some milliseconds for the Python component. Code that is loaded already is shared, also where
    /// it was handed over twice. A component that does not fit the contract is an error that says why.
    pub fn load(&self, code: &Code) -> Result<Program, CompileError> {
        let shared = &self.shared;
        let id = code.id().map_err(|error| CompileError::NotLoaded(error.to_string()))?;
        let loaded = shared.programs().get(&id).and_then(Weak::upgrade);
        if let Some(inner) = loaded {
            return Ok(Program { inner });
        }
        let component = compiled::component(&shared.engine, code)
            .map_err(|error| too_many_parts(code).unwrap_or(CompileError::NotLoaded(format!("{error:#}"))))?;
        let program = Program::new(Arc::clone(shared), component, code.clone())?;
        let mut programs = shared.programs();
        programs.retain(|_, program| program.strong_count() > 0);
        // Nobody waits for another's loading, so somebody else may have loaded it meanwhile.
        if let Some(inner) = programs.get(&id).and_then(Weak::upgrade) {
            return Ok(Program { inner });
        }
        programs.insert(id, Arc::downgrade(&program.inner));
        Ok(program)
    }
}

impl Shared {
    fn programs(&self) -> MutexGuard<'_, Programs> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no room for a component in the engine's pool, as an engine without one can tell.
fn too_many_parts(code: &Code) -> Option<CompileError> {
    let engine = engine::without_pool().ok()?;
    check_size(&compiled::component(&engine, code).ok()?).err()
}
