//! What goes to the host: what scripts write, what becomes of them, and how they stand.
//!
//! Invariant: whoever has something to report never waits. What a script writes is dropped, and counted, where it is more
//! than the script may write or than waits already ([`TEXT_BYTES_MAX`]); what becomes of it is always reported, in order: that is
//! little, since a script's lives have pauses between them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker::frame;
use runtime::{Allowance, News, Phase, ScriptOutput, ScriptStatus};
use sandbox::{Limits, LogLevel, Output};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tracing_subscriber::fmt::MakeWriter;

use crate::protocol::{REPORT_BYTES_MAX, Report, STATUSES_MAX};

/// Text that waits for the host to take it, in bytes, over all scripts.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// How scripts stand is reported no more often than this, the end of one aside.
const STATUS_PAUSE: Duration = Duration::from_millis(10);

/// The way to the host. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Reports {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Reports so far.
    said: Arc<AtomicU64>,
    queue: Mutex<Queue>,
    is_more: Notify,
}

#[derive(Default)]
struct Queue {
    frames: Vec<u8>,
    /// Scripts that stand otherwise than was reported.
    changed: BTreeSet<usize>,
    /// One of them has ended.
    is_urgent: bool,
}

impl Reports {
    /// Reports it in any case.
    pub(crate) fn say(&self, report: &Report<'_>) {
        self.add(report, usize::MAX);
    }

    /// Counts reports.
    pub(crate) fn said(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.said)
    }

    /// Reports it if not too much waits already.
    fn say_text(&self, report: &Report<'_>) -> bool {
        self.add(report, TEXT_BYTES_MAX)
    }

    fn add(&self, report: &Report<'_>, waiting_bytes_max: usize) -> bool {
        let Ok(frame) = frame(report, REPORT_BYTES_MAX) else { return false };
        let mut queue = self.lock();
        let has_room = queue.frames.len().saturating_add(frame.len()) <= waiting_bytes_max;
        if has_room {
            queue.frames.extend_from_slice(&frame);
            self.shared.said.fetch_add(1, Ordering::Release);
            drop(queue);
            self.shared.is_more.notify_one();
        }
        has_room
    }

    /// Reports how this script stands whenever that has changed.
    pub(crate) async fn watch(self, script: usize, mut status: watch::Receiver<ScriptStatus>) {
        while status.changed().await.is_ok() {
            let is_end = matches!(status.borrow_and_update().phase, Phase::Ended(_));
            {
                let mut queue = self.lock();
                queue.changed.insert(script);
                queue.is_urgent |= is_end;
            }
            self.shared.is_more.notify_one();
        }
    }

    /// Brings all reports to the host, and how scripts stand, until the host has gone.
    pub(crate) async fn write_to(
        &self,
        host: &mut (impl AsyncWrite + Unpin),
        statuses: &[watch::Receiver<ScriptStatus>],
    ) -> io::Result<()> {
        let mut statuses_at = Instant::now();
        loop {
            let (frames, is_urgent, is_any_changed) = {
                let mut queue = self.lock();
                (std::mem::take(&mut queue.frames), queue.is_urgent, !queue.changed.is_empty())
            };
            if !frames.is_empty() {
                host.write_all(&frames).await?;
                continue;
            }
            if is_any_changed && (is_urgent || Instant::now() >= statuses_at) {
                self.report_statuses(statuses);
                statuses_at = Instant::now() + STATUS_PAUSE;
                continue;
            }
            let pause = async {
                match is_any_changed {
                    true => sleep_until(statuses_at).await,
                    false => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.shared.is_more.notified() => {}
                () = pause => {}
            }
        }
    }

    /// What was said before a status is in the queue already: who sees that a script has ended has heard all of it.
    fn report_statuses(&self, statuses: &[watch::Receiver<ScriptStatus>]) {
        let changed = {
            let mut queue = self.lock();
            queue.is_urgent = false;
            std::mem::take(&mut queue.changed)
        };
        let now = changed.into_iter().filter_map(|script| Some((script, statuses.get(script)?.borrow().clone())));
        let now: Vec<_> = now.collect();
        for some in now.chunks(STATUSES_MAX) {
            self.say(&Report::Statuses(some.to_vec()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One script's way to the host.
pub(crate) struct Voice {
    reports: Reports,
    script: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    allowance: Allowance,
    dropped: u64,
}

impl Voice {
    pub(crate) fn new(reports: Reports, script: usize, limits: &Limits) -> Self {
        Self { reports, script, inner: Mutex::new(Inner { allowance: Allowance::of_output(limits), dropped: 0 }) }
    }

    /// Reports it if the script may write so much, else drops it. Says whether it is reported.
    fn write(&self, text: &str, report: &Report<'_>) -> bool {
        let mut inner = self.lock();
        if inner.allowance.has(text.len()) {
            self.tell_dropped(&mut inner);
            if self.reports.say_text(report) {
                inner.allowance.take(text.len());
                return true;
            }
        }
        inner.dropped = inner.dropped.saturating_add(text.len() as u64);
        false
    }

    fn tell_dropped(&self, inner: &mut Inner) {
        let bytes = std::mem::take(&mut inner.dropped);
        if bytes > 0 {
            self.reports.say(&Report::Dropped { script: self.script, bytes });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScriptOutput for Voice {
    fn print(&self, to: Output, text: &str) -> bool {
        self.write(text, &Report::Print { script: self.script, to, text: Cow::Borrowed(text) })
    }

    fn log(&self, level: LogLevel, text: &str) -> bool {
        self.write(text, &Report::Log { script: self.script, level, text: Cow::Borrowed(text) })
    }

    fn dropped(&self, bytes: u64) {
        let mut inner = self.lock();
        inner.dropped = inner.dropped.saturating_add(bytes);
    }

    fn tell(&self, news: &News) {
        if matches!(news, News::Ended(_)) {
            self.tell_dropped(&mut self.lock());
        }
        self.reports.say(&Report::News { script: self.script, news: news.clone() });
    }
}

/// Where this process's own log goes: line by line to the host.
pub(crate) struct HostLog(pub(crate) Reports);

impl<'a> MakeWriter<'a> for HostLog {
    type Writer = &'a HostLog;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &HostLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.say_text(&Report::HostLog(String::from_utf8_lossy(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
