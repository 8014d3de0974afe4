//! A compiled component that fits the contract: checked and linked once, started many times.
//!
//! Invariant: whatever a [`Program`] is made of imports only what the linker has, exports the callbacks, and fits into a slot.

use std::sync::Arc;

use files::FileSpace;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::bindings::{INTERPRETER, ScriptIndices};
use crate::code::Code;
use crate::errors::{CompileError, StartError};
use crate::host::GuestHost;
use crate::imports::Guest;
use crate::instance::Instance;
use crate::limits::{MEMORIES_MAX, TABLES_MAX};
use crate::meter::CpuUsed;
use crate::sandbox::Shared;
use tgl::{LimitMeter, Limits};

/// A program, ready to be started. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) instance: InstancePre<Guest>,
    pub(crate) callbacks: ScriptIndices,
    pub(crate) load: Option<ComponentExportIndex>,
    /// Keeps its machine code in the cache.
    _code: Code,
}

/// What one instance of a program is given.
pub struct StartConfig {
    /// How much it may use.
    pub limits: Limits,
    /// What it sees of the file system.
    pub files: FileSpace,
    /// Its arguments; the first is the program's name.
    pub args: Vec<String>,
    /// Its environment, beside HOME and TMPDIR.
    pub env: Vec<(String, String)>,
    /// Where the CPU time is counted that its script uses.
    pub cpu_used: CpuUsed,
    /// Where it is counted that it reaches a limit.
    pub limit_meter: LimitMeter,
    /// Who answers it.
    pub host: Box<dyn GuestHost>,
}

impl Program {
    pub(crate) fn new(shared: Arc<Shared>, component: Component, code: Code) -> Result<Self, CompileError> {
        check_size(&component)?;
        let misfit = |error: wasmtime::Error| CompileError::Mismatch(format!("{error:#}"));
        let instance = shared.linker.instantiate_pre(&component).map_err(misfit)?;
        let callbacks = ScriptIndices::new(&instance).map_err(misfit)?;
        let interpreter = component.get_export_index(None, INTERPRETER);
        let load = interpreter.and_then(|interpreter| component.get_export_index(Some(&interpreter), "load"));
        Ok(Self { inner: Arc::new(Inner { shared, instance, callbacks, load, _code: code }) })
    }

    /// Whether it runs programs given as text, through [`Instance::load`].
    pub fn is_interpreter(&self) -> bool {
        self.inner.load.is_some()
    }

    /// Starts an instance: fresh memory, nothing run yet but the guest's own set-up.
    pub async fn start(&self, config: StartConfig) -> Result<Instance, StartError> {
        Instance::start(&self.inner, config).await
    }
}

/// Whether an instance fits into a slot. What it takes of its limits shows when it starts.
pub(crate) fn check_size(component: &Component) -> Result<(), CompileError> {
    let Some(required) = component.resources_required() else { return Ok(()) };
    for (what, found, max) in
        [("linear memories", required.num_memories, MEMORIES_MAX), ("tables", required.num_tables, TABLES_MAX)]
    {
        if found as usize > max {
            return Err(CompileError::TooMany { what, found: found as usize, max });
        }
    }
    Ok(())
}
