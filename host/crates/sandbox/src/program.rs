//! A compiled component that fits the contract: checked and linked once, started many times.
//!
//! Invariant: whatever a [`Program`] is made of imports only what the linker has and exports the callbacks.

use std::sync::Arc;

use files::FileSpace;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::bindings::{CALLBACKS, INTERPRETER, ScriptIndices};
use crate::compile::Compiled;
use crate::engine::Shared;
use crate::errors::{CompileError, StartError};
use crate::host::GuestHost;
use crate::imports::Guest;
use crate::instance::Instance;
use crate::limits::Limits;

/// The contract's package, and the version that this host speaks. Later patch versions of it fit as well.
const CONTRACT: (&str, &str) = ("tgl:script", "0.1.0");
/// What of the contract a guest may import.
const CONTRACT_INTERFACES: [&str; 4] = ["types", "calls", "lookup", "host"];
/// The packages of WASI 0.2 that a guest may import. Of sockets there is the interface, and every use of it is refused:
/// the Python component cannot be linked without it.
const WASI_PACKAGES: [&str; 6] =
    ["wasi:io", "wasi:clocks", "wasi:random", "wasi:cli", "wasi:filesystem", "wasi:sockets"];

/// A program, ready to be started. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) instance: InstancePre<Guest>,
    pub(crate) callbacks: ScriptIndices,
    pub(crate) load: Option<ComponentExportIndex>,
    was_cached: bool,
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
    /// Who answers it.
    pub host: Box<dyn GuestHost>,
}

impl Program {
    pub(crate) fn new(shared: Arc<Shared>, compiled: Compiled) -> Result<Self, CompileError> {
        let Compiled { component, was_cached } = compiled;
        check_imports(&component, &shared)?;
        let misfit = |error: wasmtime::Error| CompileError::Mismatch(format!("{error:#}"));
        let instance = shared.linker.instantiate_pre(&component).map_err(misfit)?;
        if component.get_export_index(None, CALLBACKS).is_none() {
            return Err(CompileError::NotAScript(CALLBACKS));
        }
        let callbacks = ScriptIndices::new(&instance).map_err(misfit)?;
        let interpreter = component.get_export_index(None, INTERPRETER);
        let load = interpreter.and_then(|interpreter| component.get_export_index(Some(&interpreter), "load"));
        Ok(Self { inner: Arc::new(Inner { shared, instance, callbacks, load, was_cached }) })
    }

    /// Whether it runs programs given as text, through [`Instance::load`].
    pub fn is_interpreter(&self) -> bool {
        self.inner.load.is_some()
    }

    /// Whether it came from the cache.
    pub fn was_cached(&self) -> bool {
        self.inner.was_cached
    }

    /// Starts an instance: fresh memory, nothing run yet but the guest's own set-up.
    pub async fn start(&self, config: StartConfig) -> Result<Instance, StartError> {
        Instance::start(&self.inner, config).await
    }
}

/// Names every import that guests are not given.
fn check_imports(component: &Component, shared: &Shared) -> Result<(), CompileError> {
    let mut unknown = Vec::new();
    for (name, _) in component.component_type().imports(&shared.engine) {
        let (path, version) = name.split_once('@').unwrap_or((name, ""));
        let (package, interface) = path.split_once('/').unwrap_or((path, ""));
        if package == CONTRACT.0 && !compatible(version, CONTRACT.1) {
            return Err(CompileError::OtherVersion { found: name.to_owned(), ours: "tgl:script@0.1.0" });
        }
        let known = (package == CONTRACT.0 && CONTRACT_INTERFACES.contains(&interface))
            || (WASI_PACKAGES.contains(&package) && compatible(version, "0.2.0"));
        if !known {
            unknown.push(name.to_owned());
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(CompileError::UnknownImports(unknown)) }
}

/// Whether two versions below 1.0 differ in their patch number at most.
fn compatible(version: &str, ours: &str) -> bool {
    let line = |version: &str| version.rsplit_once('.').map(|(line, _)| line.to_owned());
    line(version).is_some() && line(version) == line(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_up_to_their_patch_number() {
        for (version, fits) in [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.1.0", false), ("", false)] {
            assert_eq!(compatible(version, CONTRACT.1), fits, "{version}");
        }
    }
}
