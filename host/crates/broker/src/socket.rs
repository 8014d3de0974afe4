//! A socket between the two sides.
//!
//! Invariant: nobody is woken for room in it who does not wait for room. A Tokio stream is, each time the other side reads:
//! that would be a change of threads for every frame, just when the other side has begun to work on it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;

/// One end of it.
#[derive(Debug)]
pub struct Socket(pipe::Receiver);

/// What comes by it.
#[derive(Debug)]
pub(crate) struct ReadHalf(Arc<pipe::Receiver>);

/// What goes by it. When this is dropped the other side comes to an end of what it reads.
#[derive(Debug)]
pub(crate) struct WriteHalf(Arc<pipe::Receiver>);

impl Socket {
    /// This end. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(end: UnixStream) -> io::Result<Self> {
        end.set_nonblocking(true)?;
        // What a pipe's reader asks the system is what is wanted here: to be told what comes, and nothing else.
        pipe::Receiver::from_owned_fd_unchecked(OwnedFd::from(end)).map(Self)
    }

    pub(crate) fn into_split(self) -> (ReadHalf, WriteHalf) {
        let end = Arc::new(self.0);
        (ReadHalf(Arc::clone(&end)), WriteHalf(end))
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl WriteHalf {
    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(&*self.0, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::WOULDBLOCK) => self.wait_for_room().await?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn wait_for_room(&self) -> io::Result<()> {
        // By a descriptor of its own, for as long as it takes: the system is asked but one thing about each.
        let end = self.0.as_fd().try_clone_to_owned()?;
        pipe::Sender::from_owned_fd_unchecked(end)?.writable().await
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        // A socket that the other side has closed is at its end already.
        let _ = shutdown(&*self.0, Shutdown::Write);
    }
}
