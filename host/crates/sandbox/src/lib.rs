//! Guests in WebAssembly: compiles components, starts instances of them and calls them within limits.
//!
//! Invariant: this is the only crate that names wasmtime, and a guest can reach nothing but what is linked here: its own
//! memory, the calls of `wit/`, and of WASI the clocks, random numbers, its folders and its output.

mod bindings;
mod cache;
mod clock;
mod code;
mod compile_worker;
mod compiled;
mod compiler;
mod computing;
mod convert;
mod engine;
mod errors;
mod eviction;
mod host;
mod imports;
mod inspect;
mod instance;
mod limits;
mod meter;
mod outlet;
mod program;
mod quota;
mod random;
mod sandbox;
mod seal;
mod source;
mod turns;
mod verdict;
mod wasi;

pub use code::{Code, CodeId};
pub use compile_worker::{CompilerCommand, compile_worker};
pub use compiler::{CACHE_BYTES_MAX, Compiler, CompilerConfig};
pub use computing::computing_max;
pub use engine::INSTANCES_MAX;
pub use errors::{CompileError, GuestError, SandboxError, StartError, Trap};
pub use host::{Answer, ExitMoment, GuestHost, LogLevel, Output};
pub use instance::Instance;
pub use meter::CpuUsed;
pub use program::{Program, StartConfig};
pub use sandbox::{Sandbox, prepare};
pub use source::{COMPONENT_BYTES_MAX, ComponentSource};
pub use tgl::Limits;
