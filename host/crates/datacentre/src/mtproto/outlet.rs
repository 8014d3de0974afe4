//! The writing end of one connection. Whoever has something for the client writes it here at once, from its own thread:
//! a message for a waiting client costs no wake-up of another task.
//!
//! Invariant: packets leave in the order of [`Outlet::send`], whole, and at most [`PENDING_BYTES_MAX`] wait for a client
//! that does not read; one that reads still less is cut off.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::transport::Outbound;

/// What may wait for a slow client.
pub(crate) const PENDING_BYTES_MAX: usize = 8 << 20;
/// While this much waits, no further request of the client is read.
const CONGESTED_BYTES: usize = 1 << 20;

/// See the module.
pub(crate) struct Outlet {
    stream: Arc<TcpStream>,
    state: Mutex<State>,
    /// Tells the connection's own task that bytes are left over or that the end has been asked for.
    woken: Notify,
}

struct State {
    outbound: Outbound,
    pending: Vec<u8>,
    written: usize,
    /// The connection is to end once what is written has left.
    ending: bool,
    /// Nothing more can be written: the socket failed or the client reads too slowly.
    broken: bool,
}

impl Outlet {
    pub(crate) fn new(stream: Arc<TcpStream>, outbound: Outbound) -> Self {
        let state = State { outbound, pending: Vec::new(), written: 0, ending: false, broken: false };
        Self { stream, state: Mutex::new(state), woken: Notify::new() }
    }

    /// Sends one packet, now as far as the socket takes it.
    pub(crate) fn send(&self, payload: &[u8]) {
        self.append(|state| state.outbound.packet(payload, &mut state.pending));
    }

    /// Sends a quick acknowledgement.
    pub(crate) fn quick_ack(&self, token: u32) {
        self.append(|state| state.outbound.quick_ack(token, &mut state.pending));
    }

    /// Asks the connection's task to end the connection, once the packet at hand is answered.
    pub(crate) fn end(&self) {
        self.lock().ending = true;
        self.woken.notify_one();
    }

    /// Whether the end has been asked for or has come of itself.
    pub(crate) fn is_ending(&self) -> bool {
        let state = self.lock();
        state.ending || state.broken
    }

    /// Whether bytes wait for the socket.
    pub(crate) fn is_pending(&self) -> bool {
        !self.lock().pending.is_empty()
    }

    /// Whether so many wait that the client should first read them.
    pub(crate) fn is_congested(&self) -> bool {
        self.lock().pending.len() > CONGESTED_BYTES
    }

    /// Writes what waits, as far as the socket takes it.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.write(&mut self.lock())
    }

    /// Returns when the connection's task should look at this outlet again.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    fn append(&self, encode: impl FnOnce(&mut State)) {
        let state = &mut *self.lock();
        if state.broken {
            return;
        }
        let was_idle = state.pending.is_empty();
        encode(state);
        if was_idle && self.write(state).is_err() || state.pending.len() > PENDING_BYTES_MAX {
            state.broken = true;
            state.pending.clear();
            state.written = 0;
        }
        if state.broken || was_idle && !state.pending.is_empty() {
            self.woken.notify_one();
        }
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        while state.written < state.pending.len() {
            match self.stream.try_write(&state.pending[state.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => state.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.pending.drain(..state.written);
                    state.written = 0;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        state.pending.clear();
        state.written = 0;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
