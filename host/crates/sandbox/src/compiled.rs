//! Machine code into this process: the only `unsafe` in this workspace.
//!
//! Invariant: loading machine code is running it, so it is loaded only if this user's tglhost wrote it, and it is [`Code`]
//! that says so: it came from our compiler in this very run, from a file that the cache has found as it was sealed, or from
//! the host that started this process.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::code::Code;

/// The component of this machine code. Its file is mapped, so that it is in memory once for all who have it loaded.
pub(crate) fn component(engine: &Engine, code: &Code) -> wasmtime::Result<Component> {
    // SAFETY: a `Code` is made in three ways (`code.rs`), and each is what our own compiler wrote, unchanged:
    // * of a file of the cache: nobody but this user can write it (folder and mode were checked), and by its seal it is what
    //   the compiler wrote. Files there are replaced by renaming and never written again, so the mapping does not change;
    // * of `MachineCode`, which is made only by our own compiler in this run: in a file that is sealed against writing;
    // * handed over by the host that started this process, which made it in one of the other two: who calls
    //   `Code::handed_over` vouches for that, and tests/architecture.rs keeps who may call it.
    // The path names the file that is held open, not what has its name by now.
    #[allow(unsafe_code, reason = "wasmtime loads machine code by unsafe functions only")]
    let component = unsafe { Component::deserialize_file(engine, code.path()) };
    component
}
