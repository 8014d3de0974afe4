//! A counted file's output stream.
//!
//! Invariant: one write at a time, and none is lost: the next one, and the stream's end, wait for it. A write that failed
//! is reported once and leaves the stream where it was, so that it can be tried again when there is room.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::Quota;

/// Bytes that a guest may write in one go.
const WRITE_BYTES_MAX: usize = 64 << 10;

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
            State::Failed(error) => Err(StreamError::LastOperationFailed(error.into())),
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
