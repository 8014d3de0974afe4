//! The way from a guest to its host: shared by the imports and by WASI's output streams.
//!
//! Invariant: what a guest prints and logs is bounded in rate and line length before the host sees it, and none of it
//! waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::host::{GuestHost, LogLevel, Output};
use crate::limits::Limits;

/// Bytes of a WASI output line after which it is passed on without its end.
const STREAM_LINE_BYTES_MAX: usize = 4 << 10;

/// Shared way to one guest's host.
#[derive(Clone)]
pub(crate) struct Outlet {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    host: Box<dyn GuestHost>,
    allowance: Allowance,
    log_line_bytes_max: usize,
    /// What came through WASI's stdout and stderr and is not a whole line yet.
    streams: [Vec<u8>; 2],
}

impl Outlet {
    pub(crate) fn new(host: Box<dyn GuestHost>, limits: &Limits) -> Self {
        let inner = Inner {
            host,
            allowance: Allowance::new(limits),
            log_line_bytes_max: limits.log_line_bytes_max,
            streams: [Vec::new(), Vec::new()],
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Asks the host something that is not text.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&mut dyn GuestHost) -> T) -> T {
        question(self.lock().host.as_mut())
    }

    /// Passes printed text on.
    pub(crate) fn print(&self, to: Output, text: &str) {
        self.lock().print(to, text);
    }

    /// Passes a log line on, cut to its length.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        let mut inner = self.lock();
        let text = cut(text, inner.log_line_bytes_max);
        if inner.may_write(text.len()) {
            inner.host.log(level, text);
        }
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

    /// Passes on what WASI's streams hold of unfinished lines; called when a callback ends.
    pub(crate) fn flush_streams(&self) {
        let mut inner = self.lock();
        for to in [Output::Stdout, Output::Stderr] {
            if !inner.streams[to as usize].is_empty() {
                inner.print_stream(to, true);
            }
        }
    }

    /// The host may have panicked inside; its guest is then on its way out.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn print(&mut self, to: Output, text: &str) {
        if self.may_write(text.len()) {
            self.host.print(to, text);
        }
    }

    /// Prints what a stream holds; a character cut in two at its end stays for the next time, unless this is the last.
    fn print_stream(&mut self, to: Output, last: bool) {
        let mut bytes = std::mem::take(&mut self.streams[to as usize]);
        if !last {
            self.streams[to as usize] = bytes.split_off(whole_chars(&bytes));
        }
        self.print(to, &String::from_utf8_lossy(&bytes));
    }

    /// Whether so much text may pass now. Tells the host's log once how much could not.
    fn may_write(&mut self, bytes: usize) -> bool {
        match self.allowance.take(bytes as u64) {
            Ok(0) => true,
            Ok(dropped) => {
                let text = format!("{dropped} bytes of output were dropped: the script writes too much");
                self.host.log(LogLevel::Warn, &text);
                true
            }
            Err(()) => false,
        }
    }
}

/// Text at once and per second, as a bucket that fills by itself.
struct Allowance {
    per_s: u64,
    burst_max: u64,
    left: u64,
    filled_at: Instant,
    dropped: u64,
}

impl Allowance {
    fn new(limits: &Limits) -> Self {
        Self {
            per_s: limits.output_bytes_per_s,
            burst_max: limits.output_burst_bytes_max,
            left: limits.output_burst_bytes_max,
            filled_at: Instant::now(),
            dropped: 0,
        }
    }

    /// Takes from the bucket; gives how much had to be dropped since the last success.
    fn take(&mut self, bytes: u64) -> Result<u64, ()> {
        if self.left < bytes {
            self.fill();
        }
        if self.left < bytes {
            self.dropped = self.dropped.saturating_add(bytes);
            return Err(());
        }
        self.left -= bytes;
        Ok(std::mem::take(&mut self.dropped))
    }

    fn fill(&mut self) {
        let elapsed_ms = self.filled_at.elapsed().as_millis() as u64;
        let gained = elapsed_ms.saturating_mul(self.per_s) / 1_000;
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(self.burst_max);
            self.filled_at = Instant::now();
        }
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

    #[test]
    fn the_allowance_says_once_what_was_dropped() {
        let limits = Limits { output_bytes_per_s: 1_000_000, output_burst_bytes_max: 10, ..Limits::default() };
        let mut allowance = Allowance::new(&limits);
        assert_eq!(allowance.take(10), Ok(0));
        assert_eq!(allowance.take(1_000), Err(()), "more than can ever be there");
        let began = Instant::now();
        while allowance.take(5).is_err() {
            assert!(began.elapsed().as_secs() < 10, "the bucket fills by itself");
        }
        assert_eq!(allowance.dropped, 0, "said with the take that succeeded");
    }
}
