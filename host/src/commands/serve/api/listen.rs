//! Connections of those who ask.
//!
//! Invariant: only the host's own user gets to its socket; and whoever is slow, or comes too often, is let go without anybody
//! waiting: where all places are taken, who came first and has not asked anything that was let through gives way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;

/// Connections at one time, of the socket and again of TCP.
const CONNECTIONS_MAX: usize = 128;
/// Who has connected has so long to say what it wants.
const HEADER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Connections that have given way to others, since the process began.
static GAVE_WAY: AtomicU64 = AtomicU64::new(0);

/// How many connections have given way.
pub(in crate::commands::serve) fn gave_way() -> u64 {
    GAVE_WAY.load(Ordering::Relaxed)
}

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

/// Serves whoever comes, without its end. Each connection is for one question.
async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    mut accept: impl AsyncFnMut() -> io::Result<S>,
    router: Router,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (silent, mut number) = (Silent::default(), 0);
    let service = TowerToHyperService::new(router);
    loop {
        let stream = match accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "nobody can be heard who asks the host");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        if places.available_permits() == 0 {
            silent.first_gives_way();
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        number += 1;
        let gives_way = silent.add(number);
        let (service, caller) = (service.clone(), Caller { number, silent: silent.clone() });
        tokio::spawn(async move {
            let ask = |mut request: Request<Incoming>| {
                request.extensions_mut().insert(caller.clone());
                service.call(request)
            };
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_WAIT_MAX).keep_alive(false);
            let served = tokio::select! {
                served = http.serve_connection(TokioIo::new(stream), service_fn(ask)) => served,
                () = gives_way.notified() => Ok(()),
            };
            if let Err(error) = served {
                tracing::debug!(%error, "one who asked has gone");
            }
            caller.is_let_through();
            drop(place);
        });
    }
}

/// Those who have connected and asked nothing yet that was let through, in the order in which they came. Cheap to clone.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<BTreeMap<u64, Arc<Notify>>>>);

impl Silent {
    /// Has one more. What is given back says that it is to give way.
    fn add(&self, number: u64) -> Arc<Notify> {
        let gives_way = Arc::<Notify>::default();
        self.lock().insert(number, Arc::clone(&gives_way));
        gives_way
    }

    fn first_gives_way(&self) {
        if let Some((_, first)) = self.lock().pop_first() {
            GAVE_WAY.fetch_add(1, Ordering::Relaxed);
            first.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has connected. Cheap to clone.
#[derive(Clone)]
pub(super) struct Caller {
    number: u64,
    silent: Silent,
}

impl Caller {
    /// It is known who asks: it gives way to nobody.
    pub(super) fn is_let_through(&self) {
        self.silent.lock().remove(&self.number);
    }
}
