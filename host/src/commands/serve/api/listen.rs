//! Connections of those who ask.
//!
//! Invariant: only the host's own user gets to its socket; and whoever is slow, or comes too often, is let go without anybody
//! waiting.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

/// Connections at one time, of the socket and again of TCP.
const CONNECTIONS_MAX: usize = 128;
/// Who has connected has so long to say what it wants.
const HEADER_WAIT_MAX: Duration = Duration::from_secs(10);

/// A socket or port that is listened at. Dropping it ends that.
pub(in crate::commands::serve) struct Listening {
    task: AbortHandle,
    /// The owner's socket, and the lock of its data.
    socket: Option<(PathBuf, File)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        if let Some((socket, _)) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
    }
}

/// The owner's socket, before anybody is answered: who asks waits.
pub(in crate::commands::serve) struct OwnersSocket {
    listener: UnixListener,
    path: PathBuf,
    lock: File,
}

/// Opens the owner's socket. Must be called inside a Tokio runtime.
///
/// # Errors
/// Where another host is at work there, or it cannot be made.
pub(in crate::commands::serve) fn open_socket(path: PathBuf) -> Result<OwnersSocket> {
    let (shown, data) = (path.display(), path.parent().unwrap_or(&path));
    let lock_path = data.join("host.lock");
    let lock = File::options().create(true).write(true).truncate(false).mode(0o600).open(&lock_path);
    let lock = lock.with_context(|| format!("cannot write {}", lock_path.display()))?;
    if lock.try_lock().is_err() {
        bail!("another `tglhost serve` is at work with the data in {}", data.display());
    }
    // What one that was killed has left.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen at {shown}"))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(OwnersSocket { listener, path, lock })
}

impl OwnersSocket {
    /// Answers from now on. Must be called inside a Tokio runtime.
    pub(super) fn serve(self, router: Router) -> Listening {
        let Self { listener, path, lock } = self;
        let accept = async move || listener.accept().await.map(|(stream, _)| stream);
        let task = tokio::spawn(serve(accept, router)).abort_handle();
        Listening { task, socket: Some((path, lock)) }
    }
}

/// Listens at a port, and gives its address.
///
/// # Errors
/// Where it cannot be listened there.
pub(in crate::commands::serve) async fn at_port(
    address: SocketAddr,
    router: Router,
) -> Result<(Listening, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))?;
    let address = listener.local_addr()?;
    let accept = async move || listener.accept().await.map(|(stream, _)| stream);
    let task = tokio::spawn(serve(accept, router)).abort_handle();
    Ok((Listening { task, socket: None }, address))
}

/// Serves whoever comes, without its end.
async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    mut accept: impl AsyncFnMut() -> io::Result<S>,
    router: Router,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let service = TowerToHyperService::new(router);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "nobody can be heard who asks the host");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = service.clone();
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_WAIT_MAX);
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "one who asked has gone");
            }
            drop(place);
        });
    }
}
