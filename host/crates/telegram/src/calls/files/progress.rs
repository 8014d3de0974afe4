//! How far a large transfer is, in the script's log.
//!
//! Invariant: at most one line per second and transfer on its way, and one at its end; a file's name breaks none of them.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::one_line::one_line;
use crate::sync::locked;

/// Transfers up to this size are not told of: 10 MB.
const QUIET_BYTES_MAX: u64 = 10_000_000;

/// The time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Progress {
    notes: mpsc::Sender<String>,
    what: String,
    bytes: u64,
    state: Mutex<State>,
}

struct State {
    done: u64,
    said: Instant,
}

impl Progress {
    /// Of `what`, "sending a.mp4" for example, which has so many bytes.
    pub(super) fn new(notes: mpsc::Sender<String>, what: &str, bytes: u64) -> Self {
        Self { notes, what: one_line(what), bytes, state: Mutex::new(State { done: 0, said: Instant::now() }) }
    }

    /// So many bytes more are done. A log that takes nothing misses a line.
    pub(super) fn add(&self, bytes: u64) {
        let mut state = locked(&self.state);
        let was_done = state.done >= self.bytes;
        state.done += bytes;
        let is_done = !was_done && state.done >= self.bytes;
        if self.bytes > QUIET_BYTES_MAX && (is_done || state.said.elapsed() >= LINE_EVERY) {
            state.said = Instant::now();
            let percent = state.done.min(self.bytes) * 100 / self.bytes;
            let _ = self.notes.try_send(format!("{}: {percent} %", self.what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_stays_in_its_line() {
        for (name, shown) in [
            ("a b.mp4", "a b.mp4"),
            ("naïve\\日本.mp4", "naïve\\日本.mp4"),
            ("a\nError: forged", "a\\nError: forged"),
            ("a\r\u{1b}[2Jb\0", "a\\r\\u{1b}[2Jb\\0"),
            ("a\u{85}b\u{2028}c\u{2029}", "a\\u{85}b\\u{2028}c\\u{2029}"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
        ] {
            let (notes, mut taken) = mpsc::channel(1);
            let progress = Progress::new(notes, &format!("sending {name}"), QUIET_BYTES_MAX + 1);
            progress.add(QUIET_BYTES_MAX + 1);
            assert_eq!(taken.try_recv(), Ok(format!("sending {shown}: 100 %")));
        }
    }
}
