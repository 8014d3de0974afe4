//! Guests in WebAssembly: compiles components, starts instances of them and calls them within limits.
//!
//! Invariant: this is the only crate that names wasmtime, and a guest can reach nothing but what is linked here: its own
//! memory, the calls of `wit/`, and of WASI the clocks, random numbers, its folders and its output.

mod bindings;
mod compile;
mod compiled;
mod convert;
mod engine;
mod errors;
mod host;
mod imports;
mod instance;
mod limits;
mod meter;
mod outlet;
mod program;
mod quota;
mod wasi;

pub use compile::{COMPONENT_BYTES_MAX, ComponentSource, WorkerCommand, compile_worker};
pub use engine::{INSTANCES_MAX, Sandbox, SandboxConfig};
pub use errors::{CompileError, GuestError, SandboxError, StartError, Trap};
pub use host::{ExitMoment, GuestHost, LogLevel, Output};
pub use instance::Instance;
pub use limits::Limits;
pub use program::{Program, StartConfig};
