//! One of the process's two output streams, written by a thread of its own.
//!
//! Invariant: nobody who says something waits for whoever reads it. What does not fit into the buffer is dropped whole and
//! counted, and the count is told as soon as there is room. That the stream cannot be written is told once, and kept.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use serde::Serialize;
use tokio::sync::Notify;

/// What may wait to be written, per stream.
const BUFFER_BYTES_MAX: usize = 4 << 20;
/// What is written at once: little, so that a slow reader is seen to read.
const BATCH_BYTES_MAX: usize = 4 << 10;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What becomes of text that is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// So many bytes were dropped, and there is room again.
    Dropped(u64),
    /// The stream cannot be written, for the first time.
    Unwritable(Errno),
}

/// The way to one stream. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    more: Condvar,
    /// Something was written.
    progress: Notify,
}

#[derive(Default)]
struct Waiting {
    text: VecDeque<u8>,
    /// Bytes that the thread has taken and not written yet.
    in_hand: usize,
    /// Bytes dropped and not told yet.
    dropped: u64,
    /// Nobody will ever read it.
    is_closed: bool,
    /// Why it could not be written at some time.
    error: Option<Errno>,
    /// Gets a copy of all that is written.
    witness: Option<Arc<OwnedFd>>,
}

impl Writer {
    /// Starts the thread. It calls `tell` with what is lost.
    pub(super) fn start(
        stream: impl AsFd + Send + 'static,
        tell: impl Fn(&Self, Loss) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Shared { waiting: Mutex::default(), more: Condvar::new(), progress: Notify::new() };
        let writer = Self { shared: Arc::new(shared) };
        let its = writer.clone();
        std::thread::Builder::new().name("output".to_owned()).spawn(move || its.write_for_ever(stream, tell))?;
        Ok(writer)
    }

    /// Has the text written, or drops it where it does not fit.
    pub(super) fn say(&self, text: &str) {
        let mut waiting = self.lock();
        if !self.take(&mut waiting, text) {
            waiting.dropped = waiting.dropped.saturating_add(text.len() as u64);
        }
    }

    /// Has the text written; where it does not fit, waits for room.
    pub(super) async fn say_in_time(&self, text: &str) {
        loop {
            let mut progress = pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            if self.take(&mut self.lock(), text) {
                return;
            }
            progress.await;
        }
    }

    /// Waits until all is written, or nothing has been for so long.
    pub(super) async fn flush(&self, stall_max: Duration) {
        loop {
            let mut progress = pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            if self.lock().is_done() || tokio::time::timeout(stall_max, progress).await.is_err() {
                return;
            }
        }
    }

    /// Ready when nobody will ever read it.
    pub(super) async fn until_closed(&self) {
        loop {
            let mut progress = pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            if self.lock().is_closed {
                return;
            }
            progress.await;
        }
    }

    /// Why it could not be written, if ever that was so.
    pub(super) fn error(&self) -> Option<Errno> {
        self.lock().error
    }

    /// From now on a copy of everything goes there as well.
    pub(super) fn set_witness(&self, witness: OwnedFd) {
        self.lock().witness = Some(Arc::new(witness));
    }

    /// Ends the copying, and gives back where it went.
    pub(super) fn dismiss_witness(&self) -> Option<Arc<OwnedFd>> {
        self.lock().witness.take()
    }

    /// Whether the text has found its place. One that is larger than the whole buffer may have it to itself.
    fn take(&self, waiting: &mut Waiting, text: &str) -> bool {
        let taken = waiting.text.len() + waiting.in_hand;
        if taken > 0 && taken + text.len() > BUFFER_BYTES_MAX {
            return false;
        }
        if !waiting.is_closed {
            waiting.text.extend(text.as_bytes());
            self.shared.more.notify_one();
        }
        true
    }

    fn write_for_ever(&self, stream: impl AsFd, tell: impl Fn(&Self, Loss)) {
        loop {
            let (batch, witness) = self.next_batch();
            let outcome = write_all(stream.as_fd(), &batch);
            if let Some(witness) = witness {
                // Whoever reads there may have gone, and does not matter to anybody else.
                let _ = write_all(witness.as_fd(), &batch);
            }
            if let Some(loss) = self.end_batch(outcome, batch.len() as u64) {
                tell(self, loss);
            }
            // Last: who waits until all is written waits until what was lost is told.
            self.lock().in_hand = 0;
            self.shared.progress.notify_waiters();
        }
    }

    /// What is to be written next: whole lines, where they are not longer than a batch.
    fn next_batch(&self) -> (Vec<u8>, Option<Arc<OwnedFd>>) {
        let waiting = self.shared.more.wait_while(self.lock(), |waiting| waiting.text.is_empty());
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let count = waiting.text.len().min(BATCH_BYTES_MAX);
        let lines = waiting.text.range(..count).rposition(|&byte| byte == b'\n').map(|end| end + 1);
        let batch: Vec<u8> = waiting.text.drain(..lines.unwrap_or(count)).collect();
        waiting.in_hand = batch.len();
        (batch, waiting.witness.clone())
    }

    /// Takes note of what became of a batch. Gives what is to be told now.
    fn end_batch(&self, outcome: Result<(), Errno>, bytes: u64) -> Option<Loss> {
        let mut waiting = self.lock();
        let Err(error) = outcome else {
            let dropped = std::mem::take(&mut waiting.dropped);
            return (dropped > 0).then_some(Loss::Dropped(dropped));
        };
        let is_first = waiting.error.replace(error).is_none();
        if error == Errno::PIPE {
            waiting.is_closed = true;
            waiting.text.clear();
            waiting.dropped = 0;
            return None;
        }
        // A disk without room, for example: that may pass.
        waiting.dropped = waiting.dropped.saturating_add(bytes);
        is_first.then_some(Loss::Unwritable(error))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_done(&self) -> bool {
        self.is_closed || (self.text.is_empty() && self.in_hand == 0)
    }
}

/// Writes all of it, however long that takes. A stream that another process has set not to block is waited for as well.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                rustix::event::poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// A writer to a pipe, the pipe's other end, and what was told as dropped.
    fn writer() -> (Writer, std::io::PipeReader, std::sync::mpsc::Receiver<u64>) {
        let (reader, pipe) = std::io::pipe().expect("a pipe");
        let (told, tells) = sync_channel(10);
        let writer = Writer::start(OwnedFd::from(pipe), move |_, loss| {
            if let Loss::Dropped(bytes) = loss {
                let _ = told.send(bytes);
            }
        });
        (writer.expect("a thread"), reader, tells)
    }

    #[test]
    fn what_nobody_reads_is_dropped_whole_and_counted() {
        let (writer, mut reader, tells) = writer();
        let line = format!("{}\n", "x".repeat(1_023));
        let lines = 2 * BUFFER_BYTES_MAX / line.len();
        for _ in 0..lines {
            writer.say(&line);
        }
        let mut read = vec![0; line.len()];
        let dropped = loop {
            reader.read_exact(&mut read).expect("there is more");
            assert_eq!(read, line.as_bytes(), "lines are whole");
            if let Ok(dropped) = tells.try_recv() {
                break dropped;
            }
        };
        let kept = lines as u64 * line.len() as u64 - dropped;
        assert_eq!(dropped % line.len() as u64, 0);
        assert!(kept >= BUFFER_BYTES_MAX as u64 && kept < (BUFFER_BYTES_MAX + (1 << 20)) as u64, "{kept} were kept");
    }

    #[tokio::test]
    async fn who_waits_for_room_loses_nothing() {
        let (writer, mut reader, _tells) = writer();
        let chunk = "y".repeat(BUFFER_BYTES_MAX / 4);
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.by_ref().take(3 * BUFFER_BYTES_MAX as u64).read_to_end(&mut all).map(|_| all.len())
        });
        for _ in 0..12 {
            writer.say_in_time(&chunk).await;
        }
        writer.flush(Duration::from_secs(60)).await;
        assert_eq!(reading.join().expect("it reads").expect("a pipe"), 3 * BUFFER_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_flush_gives_up_on_who_does_not_read_and_on_who_has_gone() {
        let (writer, reader, _tells) = writer();
        writer.say(&"z".repeat(1 << 20));
        writer.flush(Duration::from_millis(50)).await;
        assert!(!writer.lock().is_done(), "nobody has read it");
        drop(reader);
        writer.flush(Duration::from_secs(60)).await;
        writer.until_closed().await;
        writer.say("for nobody");
        assert!(writer.lock().is_done());
    }
}
