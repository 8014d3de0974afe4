//! What a guest can make grow, and what holds it.
//!
//! Invariant: whatever a guest can make grow has a limit of [`Limits`], in the engine's constants or in its call's bound.

use tgl::{Limit, LimitMeter, Limits};
use wasmtime::ResourceLimiter;

/// Core instances in one component; the Python component has 3.
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
    meter: LimitMeter,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits, meter: LimitMeter) -> Self {
        Self {
            memory_bytes: Sum::of(limits.memory_bytes_max),
            table_elements: Sum::of(limits.table_elements_max),
            memory_refused: false,
            meter,
        }
    }

    /// All memories together, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes.total
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
        if !allowed {
            self.memory_refused = true;
            self.meter.reached(Limit::memory_bytes_max);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, own_max: Option<usize>) -> wasmtime::Result<bool> {
        if own_max.is_some_and(|max| desired > max) {
            return Ok(false);
        }
        let allowed = self.table_elements.grow(current, desired);
        if !allowed {
            self.meter.reached(Limit::table_elements_max);
        }
        Ok(allowed)
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
