//! How much one script may take.
//!
//! Invariant: whatever a guest can make grow has a limit here, in the engine's constants or in its call's bound.

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

/// What one script may use. The defaults suit a chat script in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Linear memory, over all memories of the component. The Python component takes 22 MiB of it before any script is loaded, shared with every
    /// other script until written to. Growth beyond it fails inside the guest (`MemoryError` in Python). Default: 64 MiB.
    pub memory_bytes_max: usize,
    /// Function table elements, over all tables. The Python component needs 5 700. Default: 20 000.
    pub table_elements_max: usize,
    /// Open files and folders at one time; who opens more is told `EMFILE`. Default: 1 000.
    pub open_files_max: usize,
    /// Files, streams and other handles at one time; who takes more is stopped. An open file may take four. Default: 4 096.
    pub resources_max: usize,
    /// Bytes that one call may hand to the host, and that a callback's error text may have. Default: 2 MiB.
    pub host_call_bytes_max: usize,
    /// CPU time of one callback. Catches endless loops. Not a share of the CPU: guests yield every 10 ms. Default: 2 000 ms.
    pub cpu_ms_max: u64,
    /// CPU time within a minute, over all lives of the script; with so much used it waits. Kept by who implements
    /// [`crate::GuestHost`]. Default: 30 000 ms, half of one core.
    pub cpu_ms_per_min_max: u64,
    /// CPU time of instantiation, and again of loading a script with its packages. Default: 10 000 ms.
    pub load_ms_max: u64,
    /// Time from a callback's begin to its end, sleep and file access included: it holds up nothing but its own script, and
    /// scripts do sleep between two sends. Default: 60 000 ms.
    pub wall_ms_max: u64,
    /// Bytes written for what it prints, logs and fails at in the long run; more is dropped and its amount logged, by who
    /// implements [`crate::GuestHost`]. Default: 64 KiB.
    pub output_bytes_per_s: u64,
    /// The same at once, before [`Limits::output_bytes_per_s`] holds. Default: 1 MiB.
    pub output_burst_bytes_max: u64,
    /// One log line; longer ones are cut. Default: 4 KiB.
    pub log_line_bytes_max: usize,
    /// Random bytes for one request. Default: 64 KiB.
    pub random_bytes_max: u64,
    /// Calls that have not completed yet, over all lives of the script; those that cannot be held in memory wait on disk.
    /// With more than half of them no event is delivered. Kept by who implements [`crate::GuestHost`]. Default: 100 000.
    pub calls_pending_max: usize,
    /// What they take, as they are written down. Default: 64 MiB.
    pub calls_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            table_elements_max: 20_000,
            open_files_max: 1_000,
            resources_max: 4_096,
            host_call_bytes_max: 2 << 20,
            cpu_ms_max: 2_000,
            cpu_ms_per_min_max: 30_000,
            load_ms_max: 10_000,
            wall_ms_max: 60_000,
            output_bytes_per_s: 64 << 10,
            output_burst_bytes_max: 1 << 20,
            log_line_bytes_max: 4 << 10,
            random_bytes_max: 64 << 10,
            calls_pending_max: 100_000,
            calls_bytes_max: 64 << 20,
        }
    }
}

/// Core instances in one component; the Python component has 14.
pub(crate) const CORE_INSTANCES_MAX: usize = 60;
/// Tables in one component; the Python component has 2.
pub(crate) const TABLES_MAX: usize = 8;
/// Linear memories in one component: each reserves 4 GiB of address space. Most have one, two joined components two.
pub(crate) const MEMORIES_MAX: usize = 4;

/// Tells wasmtime what may grow, and remembers whether memory was refused, so that a crash that follows can be explained.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes: Sum,
    table_elements: Sum,
    memory_refused: bool,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes: Sum::of(limits.memory_bytes_max),
            table_elements: Sum::of(limits.table_elements_max),
            memory_refused: false,
        }
    }

    /// Whether memory has been refused since this was last asked.
    pub(crate) fn take_memory_refused(&mut self) -> bool {
        std::mem::take(&mut self.memory_refused)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, own_max: Option<usize>) -> wasmtime::Result<bool> {
        if own_max.is_some_and(|max| desired > max) {
            // The guest's own bound, of which it knows.
            return Ok(false);
        }
        let allowed = self.memory_bytes.grow(current, desired);
        self.memory_refused |= !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, own_max: Option<usize>) -> wasmtime::Result<bool> {
        Ok(own_max.is_none_or(|max| desired <= max) && self.table_elements.grow(current, desired))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

/// What all memories, or all tables, of a guest have together. A growth that fails for want of the host's memory counts all
/// the same: who asks again and again is no nearer to the host's end.
#[derive(Debug)]
struct Sum {
    total: usize,
    max: usize,
}

impl Sum {
    fn of(max: usize) -> Self {
        Self { total: 0, max }
    }

    /// Counts a growth that is within the bound.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let growth = desired.saturating_sub(current);
        let fits = growth <= self.max.saturating_sub(self.total);
        self.total += if fits { growth } else { 0 };
        fits
    }
}
