//! What a worker writes into the host's log of its own accord.
//!
//! Invariant: it is as bounded as what a script prints; what is more is dropped, and its amount told.

use runtime::Allowance;
use sandbox::Limits;

use crate::supervisor::HostOutput;

/// One worker's way to the log.
pub(crate) struct WorkerLog {
    allowance: Allowance,
    dropped: u64,
}

impl Default for WorkerLog {
    fn default() -> Self {
        Self { allowance: Allowance::of_output(&Limits::default()), dropped: 0 }
    }
}

impl WorkerLog {
    /// Writes it if the worker may write so much, else drops it.
    pub(crate) fn write(&mut self, text: &str, output: &dyn HostOutput) {
        let text = text.trim_end();
        if !self.allowance.has(text.len()) {
            self.dropped = self.dropped.saturating_add(text.len() as u64);
            return;
        }
        self.allowance.take(text.len());
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            output.host_log(&format!("{dropped} bytes of a worker's log were dropped: it writes too much"));
        }
        output.host_log(text);
    }
}
