//! How much CPU time a callback has used.
//!
//! Invariant: a callback is stopped by what it used itself, not by how busy the machine is. Time is that of the thread, taken
//! at each slice's begin and end, and of other threads what they say they did for it; a callback that ends within its first
//! slice is not measured at all, so that the common case costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;
use wasmtime::UpdateDeadline;

use crate::clock::{SLICE_TICKS, TICK_MS};

/// The CPU time of the callback under way. Shared between the call and the engine's interruptions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    budget_ns: AtomicU64,
    spent_ns: AtomicU64,
    slice_began_ns: AtomicU64,
    measuring: AtomicBool,
}

/// The budget is used up.
#[derive(Debug, Error)]
#[error("the CPU time is used up")]
pub(crate) struct Spent;

impl Meter {
    /// Begins a callback with this budget.
    pub(crate) fn begin(&self, budget_ms: u64) {
        self.state.budget_ns.store(budget_ms.saturating_mul(1_000_000), Ordering::Relaxed);
        self.state.spent_ns.store(0, Ordering::Relaxed);
        self.state.measuring.store(false, Ordering::Relaxed);
    }

    /// Called by the engine when a slice is over: the guest gives way, or is stopped where its budget is used up.
    pub(crate) fn slice_over(&self) -> wasmtime::Result<UpdateDeadline> {
        if !self.state.measuring.swap(true, Ordering::Relaxed) {
            // The first slice was not measured: it counts as if the guest had computed all the while.
            self.state.spent_ns.fetch_add(SLICE_TICKS * TICK_MS * 1_000_000, Ordering::Relaxed);
            self.resume();
        }
        if self.spent_ns() >= self.state.budget_ns.load(Ordering::Relaxed) {
            return Err(Spent.into());
        }
        Ok(UpdateDeadline::Yield(SLICE_TICKS))
    }

    /// Runs one turn of the callback, measuring the time spent in it.
    pub(crate) fn measure<T>(&self, turn: impl FnOnce() -> T) -> T {
        self.resume();
        let outcome = turn();
        self.suspend();
        outcome
    }

    /// Does something for the callback on another thread, while the callback waits for it.
    pub(crate) fn charge<T>(&self, work: impl FnOnce() -> T) -> T {
        let began_ns = thread_cpu_ns();
        let outcome = work();
        self.state.spent_ns.fetch_add(thread_cpu_ns().saturating_sub(began_ns), Ordering::Relaxed);
        outcome
    }

    fn resume(&self) {
        if self.state.measuring.load(Ordering::Relaxed) {
            self.state.slice_began_ns.store(thread_cpu_ns(), Ordering::Relaxed);
        }
    }

    fn suspend(&self) {
        if self.state.measuring.load(Ordering::Relaxed) {
            // Added, not stored: what is charged meanwhile stays.
            self.state.spent_ns.fetch_add(self.slice_ns(), Ordering::Relaxed);
        }
    }

    /// What was spent before this slice and in it.
    fn spent_ns(&self) -> u64 {
        self.state.spent_ns.load(Ordering::Relaxed).saturating_add(self.slice_ns())
    }

    fn slice_ns(&self) -> u64 {
        thread_cpu_ns().saturating_sub(self.state.slice_began_ns.load(Ordering::Relaxed))
    }
}

/// The CPU time of this thread.
fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32).as_nanos() as u64
}
