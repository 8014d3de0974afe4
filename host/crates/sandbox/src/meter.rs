//! How much CPU time a callback has used, and its script in all.
//!
//! Invariant: a callback is stopped by what it used itself, not by how busy the machine is. Time is that of the thread, taken
//! at each turn's begin and end, and of other threads what they say they did for it. A callback that ends within its first
//! slice counts by the wall clock, and no more than a slice: the thread's own would cost more than most callbacks do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;
use wasmtime::UpdateDeadline;

use crate::clock::{SLICE_TICKS, TICK_MS};

/// After this time what was used counts half as much: whose turn it is depends on what was used of late.
const HALF_LIFE: Duration = Duration::from_secs(1);

/// What a turn computes before the engine interrupts it.
const SLICE: Duration = Duration::from_millis(SLICE_TICKS * TICK_MS);

/// The CPU time that a script has used, over all its lives. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct CpuUsed(Arc<Used>);

#[derive(Debug, Default)]
struct Used {
    total_ns: AtomicU64,
    recent: Mutex<Recent>,
}

/// What was used of late, at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    ns: f64,
    at: Option<Instant>,
}

impl Recent {
    /// The same as it counts now.
    fn now(self, now: Instant) -> f64 {
        let age = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.ns * (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
    }
}

impl CpuUsed {
    /// How much it is so far.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.total_ns.load(Ordering::Relaxed))
    }

    /// What was used in short: whose turn it is does not depend on that.
    fn add_short(&self, ns: u64) {
        self.0.total_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn add(&self, ns: u64) {
        self.0.total_ns.fetch_add(ns, Ordering::Relaxed);
        let now = Instant::now();
        let mut recent = self.0.recent.lock().unwrap_or_else(PoisonError::into_inner);
        *recent = Recent { ns: recent.now(now) + ns as f64, at: Some(now) };
    }

    fn recent_ns(&self) -> u64 {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner).now(Instant::now()) as u64
    }
}

/// The CPU time of the callback under way. Shared between the call and the engine's interruptions.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    budget_ns: AtomicU64,
    spent_ns: AtomicU64,
    turn_began_ns: AtomicU64,
    /// The first slice is over: from then on the thread's clock is read.
    is_measured: AtomicBool,
    used: CpuUsed,
}

/// The budget is used up.
#[derive(Debug, Error)]
#[error("the CPU time is used up")]
pub(crate) struct Spent;

impl Meter {
    /// Counts for this script.
    pub(crate) fn new(used: CpuUsed) -> Self {
        let [budget_ns, spent_ns, turn_began_ns] = Default::default();
        let is_measured = AtomicBool::new(false);
        Self { state: Arc::new(State { budget_ns, spent_ns, turn_began_ns, is_measured, used }) }
    }

    /// Begins a callback with this budget.
    pub(crate) fn begin(&self, budget_ms: u64) {
        self.state.budget_ns.store(budget_ms.saturating_mul(1_000_000), Ordering::Relaxed);
        self.state.spent_ns.store(0, Ordering::Relaxed);
        self.state.is_measured.store(false, Ordering::Relaxed);
    }

    /// Called by the engine when a slice is over: the guest gives way, or is stopped where its budget is used up.
    pub(crate) fn slice_over(&self) -> wasmtime::Result<UpdateDeadline> {
        if !self.state.is_measured.swap(true, Ordering::Relaxed) {
            // It counts as if the guest had computed all the while.
            self.spend(SLICE.as_nanos() as u64);
            self.begin_turn();
        }
        let spent_ns = self.state.spent_ns.load(Ordering::Relaxed).saturating_add(self.turn_ns());
        if spent_ns >= self.state.budget_ns.load(Ordering::Relaxed) {
            return Err(Spent.into());
        }
        Ok(UpdateDeadline::Yield(SLICE_TICKS))
    }

    /// Runs one turn of the callback, measuring the time spent in it.
    pub(crate) fn measure<T>(&self, turn: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        if self.state.is_measured.load(Ordering::Relaxed) {
            self.begin_turn();
        }
        let outcome = turn();
        if self.state.is_measured.load(Ordering::Relaxed) {
            self.spend(self.turn_ns());
        } else {
            self.state.used.add_short(began.elapsed().min(SLICE).as_nanos() as u64);
        }
        outcome
    }

    /// Does something for the callback on another thread, while the callback waits for it.
    pub(crate) fn charge<T>(&self, work: impl FnOnce() -> T) -> T {
        let began_ns = thread_cpu_ns();
        let outcome = work();
        self.spend(thread_cpu_ns().saturating_sub(began_ns));
        outcome
    }

    /// What the script has used of late.
    pub(crate) fn recent_ns(&self) -> u64 {
        self.state.used.recent_ns()
    }

    fn begin_turn(&self) {
        self.state.turn_began_ns.store(thread_cpu_ns(), Ordering::Relaxed);
    }

    /// Added, not stored: what is charged meanwhile stays.
    fn spend(&self, ns: u64) {
        self.state.spent_ns.fetch_add(ns, Ordering::Relaxed);
        self.state.used.add(ns);
    }

    fn turn_ns(&self) -> u64 {
        thread_cpu_ns().saturating_sub(self.state.turn_began_ns.load(Ordering::Relaxed))
    }
}

/// The CPU time of this thread.
fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32).as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_counts_half_as_much_after_its_half_life() {
        let begun = Instant::now();
        let recent = Recent { ns: 1_000.0, at: Some(begun) };
        for (half_lives, expected) in [(0, 1_000.0), (1, 500.0), (3, 125.0)] {
            assert_eq!(recent.now(begun + HALF_LIFE * half_lives), expected);
        }
    }

    #[test]
    fn every_turn_and_what_is_done_elsewhere_counts_for_the_script() {
        let used = CpuUsed::default();
        for _ in 0..2 {
            let meter = Meter::new(used.clone());
            meter.begin(1_000);
            // One that is short, and one whose first slice ends.
            let before = used.total();
            meter.measure(|| std::thread::sleep(Duration::from_millis(1)));
            assert!(used.total() >= before + Duration::from_millis(1) && used.total() <= before + SLICE);
            meter.measure(|| {
                meter.slice_over().unwrap();
                while meter.turn_ns() < 1_000_000 {}
            });
            meter.charge(|| ());
            assert!(meter.state.spent_ns.load(Ordering::Relaxed) as u128 >= SLICE.as_nanos() + 1_000_000);
        }
        assert!(used.total() >= 2 * (SLICE + Duration::from_millis(2)) && used.recent_ns() > 0);
    }
}
