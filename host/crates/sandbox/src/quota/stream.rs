//! A file's streams.
//!
//! Invariant: what a guest has not read yet takes [`READ_AHEAD_BYTES_MAX`] of the host's memory at most. Of a counted file's
//! output stream: one write at a time, and none is lost: the next one, and the stream's end, wait for it. A write that failed
//! is reported once and leaves the stream where it was, so that it can be tried again when there is room.
//!
//! WASI's C library makes an input/output error of whatever a stream reports. So the reason of the last failure is kept, and
//! the Python component's asks for it by advice (guest-sdk/python/libc.py).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::filesystem::types::Advice;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::Quota;

/// Bytes that a guest may write in one go.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Bytes that are read before the guest takes them.
const READ_AHEAD_BYTES_MAX: usize = 4 << 10;

/// Advice on this byte, far behind most files' ends, asks why the last write failed.
const WHY_OFFSET: u64 = 0x4000_0200;

/// Whether this advice asks why the last write failed.
pub(super) fn asks_why(offset: u64, len: u64, advice: Advice) -> bool {
    (offset, len, advice) == (WHY_OFFSET, 1, Advice::Normal)
}

/// wasmtime-wasi's input stream, which reads as far ahead as a guest asks.
pub(super) struct ReadStream(pub(super) DynInputStream);

#[async_trait]
impl InputStream for ReadStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.read(size.min(READ_AHEAD_BYTES_MAX))
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.blocking_read(size).await
    }

    async fn cancel(&mut self) {
        self.0.cancel().await;
    }
}

#[async_trait]
impl Pollable for ReadStream {
    async fn ready(&mut self) {
        self.0.ready().await;
    }
}

/// wasmtime-wasi's output stream, of whose failures the reason is kept.
pub(super) struct WriteStream(pub(super) DynOutputStream, pub(super) Quota);

impl WriteStream {
    fn noted<T>(&self, outcome: StreamResult<T>) -> StreamResult<T> {
        if let Err(StreamError::LastOperationFailed(error)) = &outcome {
            self.1.note_failed_write(error.downcast_ref());
        }
        outcome
    }
}

#[async_trait]
impl OutputStream for WriteStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let outcome = self.0.write(bytes);
        self.noted(outcome)
    }

    fn flush(&mut self) -> StreamResult<()> {
        let outcome = self.0.flush();
        self.noted(outcome)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let outcome = self.0.check_write();
        self.noted(outcome)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        let outcome = self.0.blocking_write_and_flush(bytes).await;
        self.noted(outcome)
    }

    async fn cancel(&mut self) {
        self.0.cancel().await;
    }
}

#[async_trait]
impl Pollable for WriteStream {
    async fn ready(&mut self) {
        self.0.ready().await;
    }
}

pub(super) struct QuotaStream {
    quota: Quota,
    file: Arc<File>,
    /// Where the next byte goes; `None` at the end.
    position: Option<u64>,
    state: State,
}

enum State {
    Ready,
    Writing(AbortOnDropJoinHandle<io::Result<u64>>),
    Failed(io::Error),
}

/// Writes all the bytes at this position, or at the end. All that may write to the file takes turns, so the end stays where
/// it is meanwhile.
pub(super) async fn write(quota: Quota, file: Arc<File>, position: Option<u64>, bytes: Bytes) -> io::Result<u64> {
    let write = move |room: &mut super::Room<'_>| {
        let len = file.metadata()?.len();
        let (position, written) = (position.unwrap_or(len), bytes.len() as u64);
        let end = if written == 0 { 0 } else { position.saturating_add(written) };
        room.grow(end.saturating_sub(len), || file.write_all_at(&bytes, position))?;
        Ok(written)
    };
    quota.change(write).await
}

impl QuotaStream {
    pub(super) fn new(quota: Quota, file: Arc<File>, position: Option<u64>) -> Self {
        Self { quota, file, position, state: State::Ready }
    }

    fn begin(&self, bytes: Bytes) -> impl Future<Output = io::Result<u64>> + Send + use<> {
        write(self.quota.clone(), Arc::clone(&self.file), self.position, bytes)
    }

    fn end(&mut self, written: io::Result<u64>) {
        self.state = match written {
            Ok(bytes) => {
                self.position = self.position.map(|position| position.saturating_add(bytes));
                State::Ready
            }
            Err(error) => State::Failed(error),
        };
    }

    /// Says what became of the last write, if that is not said yet.
    fn report(&mut self) -> StreamResult<()> {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Failed(error) => {
                self.quota.note_failed_write(Some(&error));
                Err(StreamError::LastOperationFailed(error.into()))
            }
            state => {
                self.state = state;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl OutputStream for QuotaStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.check_write()? < bytes.len() {
            return Err(StreamError::trap("more was written than `check-write` allowed"));
        }
        self.state = State::Writing(spawn(self.begin(bytes)));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.report()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.report()?;
        Ok(if let State::Writing(_) = self.state { 0 } else { WRITE_BYTES_MAX })
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.ready().await;
        self.report()?;
        let written = self.begin(bytes).await;
        self.end(written);
        self.report()
    }

    async fn cancel(&mut self) {
        self.ready().await;
    }
}

#[async_trait]
impl Pollable for QuotaStream {
    async fn ready(&mut self) {
        if let State::Writing(task) = &mut self.state {
            let written = task.await;
            self.end(written);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::future::ready;

    use files::{ENTRY_BYTES, FileSpace};
    use tempfile::TempDir;
    use tgl::{Call, Message, MessageId, Peer, PeerId, RequestId};

    use super::*;
    use crate::host::{Answer, ExitMoment, GuestHost, LogLevel, Output};
    use crate::meter::{CpuUsed, Meter};
    use crate::outlet::Outlet;
    use tgl::{LimitMeter, Limits};

    const QUOTA: u64 = 256 << 10;

    struct NoHost;

    impl GuestHost for NoHost {
        fn call(&mut self, _: Call) -> Answer<Option<RequestId>> {
            Box::pin(ready(None))
        }
        fn peer(&mut self, _: PeerId) -> Answer<Option<Peer>> {
            Box::pin(ready(None))
        }
        fn message(&mut self, _: MessageId) -> Answer<Option<Message>> {
            Box::pin(ready(None))
        }
        fn log(&mut self, _: LogLevel, _: &str) {}
        fn print(&mut self, _: Output, _: &str) {}
        fn set_timer(&mut self, _: u64) {}
        fn exit(&mut self, _: u8, _: ExitMoment) {}
    }

    struct Place {
        home: TempDir,
        space: FileSpace,
        quota: Quota,
    }

    fn place() -> Place {
        let home = tempfile::tempdir().unwrap();
        let space = FileSpace::open(None, Some(home.path()), QUOTA, &[]).unwrap();
        let outlet = Outlet::new(Box::new(NoHost), &Limits::default(), LimitMeter::default(), false);
        let quota = Quota::new(&space, outlet, Meter::new(CpuUsed::default()), LimitMeter::default());
        Place { home, space, quota }
    }

    impl Place {
        fn stream(&self, name: &str, position: Option<u64>) -> QuotaStream {
            let file = File::options().create(true).write(true).truncate(false).open(self.home.path().join(name));
            let file = Arc::new(file.unwrap());
            self.space.quota().turn().opened(&file);
            QuotaStream::new(self.quota.clone(), file, position)
        }

        fn len(&self, name: &str) -> u64 {
            fs::metadata(self.home.path().join(name)).unwrap().len()
        }
    }

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![b'x'; len])
    }

    #[tokio::test]
    async fn one_write_at_a_time_and_no_more_than_allowed() {
        let place = place();
        let mut stream = place.stream("a", Some(1));
        assert!(matches!(stream.write(bytes(WRITE_BYTES_MAX + 1)), Err(StreamError::Trap(_))));
        let turn = place.space.quota().turn();
        stream.write(bytes(2)).unwrap();
        assert_eq!(stream.check_write().unwrap(), 0);
        assert!(matches!(stream.write(bytes(1)), Err(StreamError::Trap(_))));
        drop(turn);
        stream.ready().await;
        assert_eq!(stream.check_write().unwrap(), WRITE_BYTES_MAX);
        stream.write(bytes(3)).unwrap();
        stream.cancel().await;
        assert_eq!(place.len("a"), 6, "the end of the stream waits for its last write");
    }

    #[tokio::test]
    async fn a_refused_write_is_said_once_and_can_be_tried_again() {
        let place = place();
        let mut stream = place.stream("a", Some(0));
        stream.blocking_write_and_flush(bytes(1)).await.unwrap();
        fs::write(place.home.path().join("b"), vec![0; (QUOTA - 2 * ENTRY_BYTES) as usize]).unwrap();
        place.space.quota().may_be_less();
        assert!(!place.space.quota().turn().take(QUOTA));
        stream.write(bytes(100)).unwrap();
        stream.ready().await;
        assert!(matches!(stream.check_write(), Err(StreamError::LastOperationFailed(_))));
        assert!(matches!(stream.blocking_write_and_flush(bytes(100)).await, Err(StreamError::LastOperationFailed(_))));
        stream.flush().unwrap();
        fs::remove_file(place.home.path().join("b")).unwrap();
        place.space.quota().may_be_less();
        stream.blocking_write_and_flush(bytes(100)).await.unwrap();
        assert_eq!(place.len("a"), 101);
    }

    #[tokio::test]
    async fn a_write_into_a_file_that_was_shortened_before_it_counts_in_full() {
        let place = place();
        fs::write(place.home.path().join("a"), vec![0; WRITE_BYTES_MAX]).unwrap();
        let mut stream = place.stream("a", Some(0));
        let mut turn = place.space.quota().turn();
        assert!(turn.take(1));
        stream.write(bytes(WRITE_BYTES_MAX)).unwrap();
        File::create(place.home.path().join("a")).unwrap();
        turn.may_be_less();
        assert!(turn.take(QUOTA - ENTRY_BYTES - 1), "and the room is taken by another");
        drop(turn);
        stream.ready().await;
        assert!(matches!(stream.flush(), Err(StreamError::LastOperationFailed(_))));
        assert_eq!(place.len("a"), 0);
    }

    #[tokio::test]
    async fn many_streams_at_once_stay_within_the_quota() {
        let place = place();
        let mut streams: Vec<_> = (0..20).map(|_| place.stream("a", None)).collect();
        for stream in &mut streams {
            stream.write(bytes(WRITE_BYTES_MAX)).unwrap();
        }
        let mut refused = 0;
        for stream in &mut streams {
            stream.ready().await;
            refused += usize::from(stream.flush().is_err());
        }
        let fit = (QUOTA - ENTRY_BYTES) / WRITE_BYTES_MAX as u64;
        assert_eq!((place.len("a"), refused as u64), (fit * WRITE_BYTES_MAX as u64, 20 - fit));
    }
}
