//! WASI, narrowed to what a script may have: clocks, random numbers, its environment and arguments, its folders, and
//! output that goes where its prints go.
//!
//! Invariant: no network, no names look-up, no standard input, no file outside its file space. wasmtime-wasi refuses
//! sockets and look-ups unless told otherwise; nothing here tells it.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use files::{ENTRY_BYTES, FileSpace, HOME_PATH, Mount};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, async_trait};

use crate::errors::StartError;
use crate::host::Output;
use crate::limits::Limits;
use crate::outlet::Outlet;

/// The private folder's place for temporary files.
const TMP_FOLDER: &str = "tmp";
/// Bytes that a guest may write to an output stream in one go.
const STREAM_WRITE_BYTES_MAX: usize = 64 << 10;

/// The WASI side of one guest.
pub(crate) async fn context(
    files: &FileSpace,
    args: &[String],
    env: &[(String, String)],
    outlet: &Outlet,
    limits: &Limits,
) -> Result<WasiCtx, StartError> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .args(args)
        .env("HOME", HOME_PATH)
        .env("TMPDIR", format!("{HOME_PATH}/{TMP_FOLDER}"))
        .envs(env)
        .max_random_size(limits.random_bytes_max)
        .stdout(PrintStream { to: Output::Stdout, outlet: outlet.clone() })
        .stderr(PrintStream { to: Output::Stderr, outlet: outlet.clone() });
    for (mount, folder) in files.folders() {
        let perms = if mount.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        open(&mut builder, &folder, &mount.guest, perms).map_err(|reason| failure(mount, reason))?;
    }
    if let Some((home, folder)) = files.folders().find(|(mount, _)| mount.guest == HOME_PATH) {
        let tmp = folder.join(TMP_FOLDER);
        // What a guest may have put in its place is left alone.
        if tmp.symlink_metadata().is_err() {
            let files = files.clone();
            let made = spawn_blocking(move || make_tmp(&files, &tmp)).await;
            made.map_err(|reason| failure(home, reason))?;
        }
        open(&mut builder, &folder, ".", FsPerms::ReadWrite).map_err(|reason| failure(home, reason))?;
        builder.initial_cwd(HOME_PATH);
    }
    Ok(builder.build())
}

fn open(builder: &mut WasiCtxBuilder, folder: &Path, path: &str, perms: FsPerms) -> io::Result<()> {
    let opened = builder.preopened_dir(folder, path, perms).map(|_| ());
    opened.map_err(|error| error.downcast().unwrap_or_else(|error| io::Error::other(error.to_string())))
}

fn failure(mount: &Mount, reason: io::Error) -> StartError {
    StartError::Folder { path: mount.host.clone(), reason }
}

/// Makes the folder for temporary files, if there is room for it.
fn make_tmp(files: &FileSpace, place: &Path) -> io::Result<()> {
    let mut turn = files.quota().turn();
    if !turn.take(ENTRY_BYTES) {
        return Ok(());
    }
    match std::fs::create_dir(place).inspect_err(|_| turn.may_be_less()) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
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
