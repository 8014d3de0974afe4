//! The way from a guest to its host: shared by the imports and by WASI's output streams.
//!
//! Invariant: a log line is bounded in length before the host sees it, and nothing here waits. How much is written in all
//! is bounded where it is written. What an interpreter says as it crashes is not for the author of the program it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::{GuestHost, LogLevel, Output};
use tgl::{Limit, LimitMeter, Limits};

/// Bytes of a WASI output line after which it is passed on without its end.
const STREAM_LINE_BYTES_MAX: usize = 4 << 10;

/// Of what an interpreter says as it panics, so much is kept.
const PANIC_BYTES_MAX: usize = 16 << 10;

/// Shared way to one guest's host.
#[derive(Clone)]
pub(crate) struct Outlet {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    host: Box<dyn GuestHost>,
    log_line_bytes_max: usize,
    limit_meter: LimitMeter,
    /// What came through WASI's stdout and stderr and is not a whole line yet.
    streams: [Vec<u8>; 2],
    is_interpreter: bool,
    /// What of stderr is an interpreter's panic, or may become one.
    panic: String,
}

impl Outlet {
    pub(crate) fn new(
        host: Box<dyn GuestHost>,
        limits: &Limits,
        limit_meter: LimitMeter,
        is_interpreter: bool,
    ) -> Self {
        let inner = Inner {
            host,
            log_line_bytes_max: limits.log_line_bytes_max,
            limit_meter,
            streams: [Vec::new(), Vec::new()],
            is_interpreter,
            panic: String::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Asks the host something that is not text.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&mut dyn GuestHost) -> T) -> T {
        question(self.lock().host.as_mut())
    }

    /// Passes printed text on.
    pub(crate) fn print(&self, to: Output, text: &str) {
        self.lock().host.print(to, text);
    }

    /// Passes a log line on, cut to its length.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        let mut inner = self.lock();
        let line = cut(text, inner.log_line_bytes_max);
        if line.len() < text.len() {
            inner.limit_meter.reached(Limit::log_line_bytes_max);
        }
        inner.host.log(level, line);
    }

    /// Takes bytes of a WASI output stream and passes on the lines they complete.
    pub(crate) fn write_stream(&self, to: Output, bytes: &[u8]) {
        let mut inner = self.lock();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in piece.chunks(STREAM_LINE_BYTES_MAX) {
                let line = &mut inner.streams[to as usize];
                line.extend_from_slice(piece);
                if line.ends_with(b"\n") || line.len() >= STREAM_LINE_BYTES_MAX {
                    inner.print_stream(to, false);
                }
            }
        }
    }

    /// Passes on what WASI's streams hold; called when a callback ends. A panic is held back from who was stopped by it.
    pub(crate) fn flush_streams(&self, is_stopped: bool) {
        let mut inner = self.lock();
        for to in [Output::Stdout, Output::Stderr] {
            if !inner.streams[to as usize].is_empty() {
                inner.print_stream(to, true);
            }
        }
        let panic = std::mem::take(&mut inner.panic);
        match (panic.is_empty(), is_stopped) {
            (true, _) => {}
            (false, true) => tracing::debug!("an interpreter panicked: {panic}"),
            (false, false) => inner.host.print(Output::Stderr, &panic),
        }
    }

    /// The host may have panicked inside; its guest is then on its way out.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Prints what a stream holds; a character cut in two at its end stays for the next time, unless this is the last.
    fn print_stream(&mut self, to: Output, last: bool) {
        let mut bytes = std::mem::take(&mut self.streams[to as usize]);
        if !last {
            self.streams[to as usize] = bytes.split_off(whole_chars(&bytes));
        }
        let text = String::from_utf8_lossy(&bytes);
        if self.is_interpreter && to == Output::Stderr && self.is_of_panic(&text) {
            let room = PANIC_BYTES_MAX.saturating_sub(self.panic.len());
            self.panic.push_str(cut(&text, room));
        } else {
            let before = std::mem::take(&mut self.panic);
            self.host.print(to, &(before + &text));
        }
    }

    /// Whether a line is one of a panic's, as Rust's standard library writes them: a blank one, one that names the thread,
    /// and whatever comes then.
    fn is_of_panic(&self, line: &str) -> bool {
        let is_begun = self.panic.lines().any(|line| !line.is_empty());
        is_begun || line == "\n" || line.starts_with("thread '") && line.contains(" panicked at ")
    }
}

/// The text up to so many bytes, at a character's boundary.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// How many of the bytes are whole characters: all but an unfinished one at the end.
fn whole_chars(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let lead = bytes[tail..].iter().rposition(|byte| *byte >= 0xc0);
    match lead.map(|at| tail + at) {
        Some(at) if std::str::from_utf8(&bytes[at..]).is_err_and(|error| error.error_len().is_none()) => at,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_stays_whole() {
        for (bytes, whole) in [
            ("aé".as_bytes(), 3),
            (&"aé".as_bytes()[..2], 1),
            (&"a€".as_bytes()[..3], 1),
            (&"a😀".as_bytes()[..4], 1),
            (b"a\xff", 2),
            (b"", 0),
        ] {
            assert_eq!(whole_chars(bytes), whole, "{bytes:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(cut("aéé", 4), "aé");
        assert_eq!(cut("aé", 100), "aé");
    }
}
