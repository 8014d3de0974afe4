//! Bytes, keys and sessions: everything below the methods. <https://core.telegram.org/mtproto>
//!
//! The way of a request: `connection` reads the socket, `transport` cuts packets, `envelope` opens them (or `handshake`
//! makes a key), `session` judges and remembers, `wrappers` takes off `invokeWith…`, and [`Methods`] executes; the answer
//! goes back through `session` and `outlet`. Updates come in by `hub`.
//!
//! Invariant: a client can end its own connection and nothing else.

mod binding;
mod clock;
mod connection;
mod crypto;
mod envelope;
pub mod foreign;
mod handshake;
mod hub;
mod keyring;
mod message;
mod outlet;
mod refused;
mod rsa_key;
mod salts;
mod session;
#[cfg(test)]
mod tests;
mod transport;
mod wrappers;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub(crate) use self::clock::Clock;
pub(crate) use self::hub::Hub;
use self::keyring::Keyring;
use self::refused::Refused;
pub(crate) use self::rsa_key::RsaKey;
pub use self::rsa_key::RsaKeyError;
use crate::faults::Faults;
use crate::seam::{AuthKeys, Methods};

/// Steps of key exchanges computed at a time.
const EXCHANGES_MAX: usize = 4;
/// The pause after the system had no descriptor or memory for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What bounds connections, sessions and temporary keys. Tests make them small enough to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time; one more is closed at once.
    pub(crate) connections_max: usize,
    /// Sessions at a time, of all keys; for one more one without a connection goes, or the connection that would begin it is
    /// closed.
    pub(crate) sessions_max: usize,
    /// Temporary keys at a time that act for no other yet; for one more the oldest goes.
    pub(crate) unbound_keys_max: usize,
    /// Temporary keys at a time that act for one permanent key; for one more the one that was bound first goes.
    pub(crate) bound_keys_per_key_max: usize,
    /// The same of all permanent keys together.
    pub(crate) bound_keys_max: usize,
    /// How long a connection may last without a first message under a key.
    pub(crate) unauthorised_max: Duration,
    /// How long a connection may be silent. Clients ping each minute or oftener.
    pub(crate) idle_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            sessions_max: 20_000,
            unbound_keys_max: 4_096,
            bound_keys_per_key_max: 64,
            bound_keys_max: 16_384,
            unauthorised_max: Duration::from_secs(60),
            idle_max: Duration::from_secs(300),
        }
    }
}

/// What all connections share.
pub(crate) struct Shared {
    rsa: RsaKey,
    hub: Arc<Hub>,
    keyring: Keyring,
    methods: Arc<dyn Methods>,
    faults: Faults,
    refused: Refused,
    limits: Limits,
    exchanges: Semaphore,
}

impl Shared {
    pub(crate) fn new(
        rsa: RsaKey,
        hub: Arc<Hub>,
        keys: Arc<dyn AuthKeys>,
        methods: Arc<dyn Methods>,
        faults: Faults,
        limits: Limits,
    ) -> Arc<Self> {
        let exchanges = Semaphore::new(EXCHANGES_MAX);
        let (keyring, refused) = (Keyring::new(keys, limits), Refused::default());
        Arc::new(Self { rsa, hub, keyring, methods, faults, refused, limits, exchanges })
    }
}

/// Serves connections until `stop` changes or its sender is gone; returns when the last one has ended.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, mut stop: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok(_) if shared.faults.refuses_connections() => {}
            Ok(_) if connections.len() >= shared.limits.connections_max => {
                tracing::warn!(connections = connections.len(), "too many connections: a new one is closed");
            }
            Ok((stream, _)) => {
                connections.spawn(connection::serve(Arc::clone(&shared), stream, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
