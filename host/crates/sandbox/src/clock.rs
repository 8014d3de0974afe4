//! The clock that interrupts guests.
//!
//! Invariant: it moves the engine's epoch on while any guest runs, and sleeps while none does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The clock's period. A guest gives way to others every [`SLICE_TICKS`] of them.
pub(crate) const TICK_MS: u64 = 5;
/// Ticks between two moments at which a running guest gives way and its CPU time is checked.
pub(crate) const SLICE_TICKS: u64 = 2;
/// Ticks without a running guest after which the clock stops until the next one: few, since each worker has a clock, and callbacks that
/// come now and then would keep them all going for nothing.
const IDLE_TICKS_MAX: u32 = 1;

/// A thread that makes the epoch move. It ends with this.
pub(crate) struct Ticker {
    state: Arc<TickerState>,
    thread: Thread,
}

#[derive(Default)]
struct TickerState {
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let state = Arc::new(TickerState::default());
        let (engine, for_thread) = (engine.weak(), Arc::clone(&state));
        let handle = thread::Builder::new().name("epoch".into()).spawn(move || {
            let mut idle_ticks = 0;
            while !for_thread.stopped.load(Ordering::SeqCst) {
                for_thread.pause(&mut idle_ticks);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { state, thread: handle.thread().clone() })
    }

    /// Keeps the clock going until the guard is dropped.
    pub(crate) fn run(&self) -> Ticking<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking { state: &self.state }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl TickerState {
    /// One tick long, or until a guest runs again if none has for a while.
    fn pause(&self, idle_ticks: &mut u32) {
        *idle_ticks = if self.running.load(Ordering::SeqCst) == 0 { *idle_ticks + 1 } else { 0 };
        if *idle_ticks <= IDLE_TICKS_MAX {
            thread::sleep(Duration::from_millis(TICK_MS));
            return;
        }
        // Who begins to run looks at `asleep` after it has counted itself, so one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
        *idle_ticks = 0;
    }
}

/// A guest is running.
pub(crate) struct Ticking<'a> {
    state: &'a TickerState,
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.state.running.fetch_sub(1, Ordering::SeqCst);
    }
}
