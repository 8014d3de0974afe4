//! WASI, narrowed to what a script may have: clocks, random numbers, its environment and arguments, its folders, and
//! output that goes where its prints go.
//!
//! Invariant: no network, no names look-up, no standard input, no file outside its file space. wasmtime-wasi refuses
//! sockets and look-ups and has no folder unless told otherwise; nothing here tells it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use files::{FileSpace, HOME_PATH, PLACE_VARIABLES, Place};
use rustix::io::Errno;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, async_trait};

use crate::errors::StartError;
use crate::host::Output;
use crate::outlet::Outlet;

/// The private folder's place for temporary files.
const TMP_PATH: &str = "/home/tmp";
/// Bytes that a guest may write to an output stream in one go.
const STREAM_WRITE_BYTES_MAX: usize = 64 << 10;

/// The WASI side of one guest.
pub(crate) async fn context(
    files: &FileSpace,
    args: &[String],
    env: &[(String, String)],
    outlet: &Outlet,
) -> Result<WasiCtx, StartError> {
    let mut builder = WasiCtxBuilder::new();
    let [home, work, temporary] = PLACE_VARIABLES;
    builder
        .args(args)
        .env(home, HOME_PATH)
        .env(work, files.cwd_path())
        .env(temporary, TMP_PATH)
        .initial_cwd(files.cwd_path())
        .envs(env)
        .stdout(PrintStream { to: Output::Stdout, outlet: outlet.clone() })
        .stderr(PrintStream { to: Output::Stderr, outlet: outlet.clone() });
    let is_made = files.is_local() && files.stat(&Place::root(), TMP_PATH, false).is_ok();
    if files.has_home() && !is_made {
        let files = files.clone();
        let made = spawn_blocking(move || make_tmp(&files)).await;
        made.map_err(|reason| StartError::Folder { path: TMP_PATH, reason: reason.into() })?;
    }
    Ok(builder.build())
}

/// Makes the folder for temporary files, if there is room for it. What a guest may have put in its place is left alone.
fn make_tmp(files: &FileSpace) -> Result<(), Errno> {
    let mut turn = files.quota().turn();
    let made = files.make_folder(&Place::root(), TMP_PATH, &mut |bytes| turn.take(bytes));
    match made.inspect_err(|_| turn.may_be_less()) {
        Ok(()) | Err(Errno::EXIST | Errno::NOSPC) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// WASI's stdout or stderr: always ready, and what is written goes to the guest's host.
#[derive(Clone)]
struct PrintStream {
    to: Output,
    outlet: Outlet,
}

impl IsTerminal for PrintStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for PrintStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl OutputStream for PrintStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.outlet.write_stream(self.to, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(STREAM_WRITE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for PrintStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for PrintStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outlet.write_stream(self.to, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
