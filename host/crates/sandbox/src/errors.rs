//! What can go wrong between a file and a running guest, in words for its user.
//!
//! Invariant: every text says what happened and, where the user can do something, what; none has host addresses in it.

use std::io;

use tgl::Limit;
use thiserror::Error;

/// Why there is no sandbox.
#[derive(Debug, Error)]
#[error("the WebAssembly engine does not start on this machine: {0}")]
pub struct SandboxError(pub(crate) String);

/// Why a file is not a program.
#[derive(Debug, Error)]
pub enum CompileError {
    /// It could not be read.
    #[error("the component cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Its content is not what its hash says.
    #[error("the built-in component is damaged; install tglhost again")]
    Damaged,
    /// Anything but WebAssembly.
    #[error("this is not a WebAssembly file; give a Python script (.py) or a WebAssembly component (.wasm)")]
    NotWasm,
    /// WebAssembly without the component layer.
    #[error("this is a core WebAssembly module, not a component; for Rust, build it with --target wasm32-wasip2")]
    CoreModule,
    /// Over the size cap.
    #[error("the component has {bytes} bytes; the most that is compiled is {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The cap.
        bytes_max: usize,
    },
    /// It does not validate.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It wants what scripts are not given; each with what its author can do.
    #[error(
        "the component asks for interfaces that scripts are not given: {}. \
         A script has tgl:script and, of WASI 0.2, io, clocks, random, cli, filesystem, and sockets that refuse every use",
        .0.join("; ")
    )]
    UnknownImports(Vec<String>),
    /// It was built against another version of the contract.
    #[error("the component was built for {found}; this tglhost speaks {ours}: build it again with the matching wit/")]
    OtherVersion {
        /// The interface and version it names.
        found: String,
        /// What there is.
        ours: &'static str,
    },
    /// It lacks the callbacks.
    #[error(
        "the component is not a script: it does not export {0}; build it for the world `script` of wit/v0.1, \
         as docs/GUESTS.md shows"
    )]
    NotAScript(&'static str),
    /// The names agree, the types do not.
    #[error(
        "the component does not fit the contract in wit/v0.1, or WASI 0.2, as this tglhost has them: \
         build it again with these files ({0})"
    )]
    Mismatch(String),
    /// It is made of more parts than a slot has room for.
    #[error("the component has {found} {what}, and {max} is the most: join fewer components into one")]
    TooMany {
        /// Which parts.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// The most.
        max: usize,
    },
    /// The worker says why it does not compile.
    #[error("{0}")]
    Refused(String),
    /// The compiler took too much, or failed.
    #[error("the component could not be compiled: {0}")]
    Compiler(String),
    /// It is compiled, and there is no room for it, or its file cannot be opened.
    #[error("the compiled component could not be loaded: {0}")]
    NotLoaded(String),
}

/// Why an instance did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Every instance slot is taken.
    #[error("this host already runs {0} scripts, its most")]
    HostFull(u32),
    /// A folder of the script's cannot be made.
    #[error("{path} cannot be made in the script's private folder: {reason}")]
    Folder {
        /// Which, as the script names it.
        path: &'static str,
        /// Why.
        reason: io::Error,
    },
    /// The guest crashed or hit a limit while it was being set up.
    #[error("it {0} while it was being set up")]
    Trapped(Trap),
}

/// Why a callback did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GuestError {
    /// The guest reported an error and lives on; the text is its own.
    #[error("{0}")]
    Raised(String),
    /// The guest was stopped: its instance is gone.
    #[error("{0}")]
    Trapped(Trap),
}

/// Why a guest was stopped. Each text fits after "it" or a script's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trap {
    /// Used up its CPU time.
    #[error("ran longer than {ms_max} ms of CPU")]
    CpuTime {
        /// The limit.
        ms_max: u64,
    },
    /// Did not come back in time.
    #[error(
        "did not return within {ms_max} ms, as it must to be told of events (what is only to keep it running can go: the \
         host does that)"
    )]
    WallTime {
        /// The limit.
        ms_max: u64,
    },
    /// Crashed when it got no more memory.
    #[error("needed more than {} MiB of memory", bytes_max >> 20)]
    Memory {
        /// The limit.
        bytes_max: usize,
    },
    /// Recursed too deeply.
    #[error("called functions too deeply, or freed something that was nested too deeply: its stack is used up")]
    StackOverflow,
    /// Held too many handles.
    #[error("held more than {max} files and streams open")]
    Resources {
        /// The limit.
        max: usize,
    },
    /// Handed over too much at once.
    #[error("handed more than {bytes_max} bytes to the host at once")]
    HostCallTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// Asked for too many random bytes at once.
    #[error("asked for more than {bytes_max} random bytes at once")]
    RandomTooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// Made more calls than can be answered.
    #[error("made call after call without waiting for any to complete")]
    TooManyCalls,
    /// Ended its own process.
    #[error("exited with code {0}")]
    Exited(i32),
    /// Called although it had been stopped before.
    #[error("had been stopped before")]
    Gone,
    /// The host's side of a call panicked.
    #[error("met a fault in the host (a bug in tglhost)")]
    HostFault,
    /// A component stopped itself.
    #[error("gave up: it panicked or aborted")]
    Aborted,
    /// A program crashed the interpreter that runs it.
    #[error("crashed its interpreter: it ran code that no compiler made, or met a fault of the interpreter")]
    InterpreterCrashed,
    /// Anything else, WebAssembly's own traps of components among them.
    #[error("crashed: {0}")]
    Other(String),
}

impl Trap {
    /// The limit that was reached, where one stopped the guest: while it was being loaded, or in a callback. What was refused
    /// before (memory, calls) was counted then.
    pub(crate) fn limit(&self, is_load: bool) -> Option<Limit> {
        Some(match self {
            Self::CpuTime { .. } if is_load => Limit::load_ms_max,
            Self::CpuTime { .. } => Limit::cpu_ms_max,
            Self::WallTime { .. } => Limit::wall_ms_max,
            Self::Resources { .. } => Limit::resources_max,
            Self::HostCallTooLarge { .. } => Limit::host_call_bytes_max,
            Self::RandomTooLong { .. } => Limit::random_bytes_max,
            _ => return None,
        })
    }
}
