//! Machine code into this process: the only `unsafe` in this workspace.
//!
//! Invariant: loading machine code is running it, so it is loaded only if this user's tglhost wrote it: it came from our
//! compiler in this very run ([`MachineCode`]), or from a file that the cache has found as it was sealed ([`SealedFile`]).

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::SealedFile;
use crate::errors::CompileError;
use crate::worker::MachineCode;

/// Machine code without a cache.
pub(crate) fn from_memory(engine: &Engine, code: &MachineCode) -> Result<Component, CompileError> {
    // SAFETY: `MachineCode` is made only by our own compiler in this run, and is not changed afterwards.
    #[allow(unsafe_code, reason = "wasmtime loads machine code by unsafe functions only")]
    let component = unsafe { Component::deserialize(engine, code.bytes()) };
    component.map_err(|error| CompileError::Compiler(format!("{error:#}")))
}

/// Machine code of the cache, shared with other processes.
pub(crate) fn from_file(engine: &Engine, file: &SealedFile) -> wasmtime::Result<Component> {
    // SAFETY: nobody but this user can write the file (folder and mode were checked), and by its seal it is what our
    // compiler wrote. Files are replaced by renaming and never written again, so the mapping does not change.
    #[allow(unsafe_code, reason = "wasmtime loads machine code by unsafe functions only")]
    let component = unsafe { Component::deserialize_file(engine, file.path()) };
    component
}
