//! Misbehaviour on demand: what a test makes the data centre do wrong, so that clients show how they bear it.
//!
//! Invariant: without a call on this handle the data centre behaves; a fault asked for happens once per asking.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::seam::RpcError;

/// Errors asked for by [`Faults::fail_next`] and not yet given; further ones are dropped.
const FAILURES_MAX: usize = 1_024;

/// A handle with which a test makes a data centre misbehave. Clones act on the same data centre.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    failures: Mutex<VecDeque<(String, RpcError)>>,
    refuse_connections: AtomicBool,
    lost_pushes: AtomicU32,
    references_expired_ns: AtomicI64,
    drop_generation: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            failures: Mutex::default(),
            refuse_connections: AtomicBool::new(false),
            lost_pushes: AtomicU32::new(0),
            references_expired_ns: AtomicI64::new(0),
            drop_generation: watch::Sender::new(0),
        }))
    }

    /// The next call of `method` (Telegram's name, e.g. `auth.signIn`) fails with this error instead of being executed.
    /// Asked for twice, two calls fail, in the order of asking.
    pub fn fail_next(&self, method: &str, code: i32, name: &str) {
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < FAILURES_MAX {
            failures.push_back((method.to_owned(), RpcError { code, name: name.to_owned() }));
        }
    }

    /// How many errors were asked for and not yet given.
    pub fn failures_pending(&self) -> usize {
        self.0.failures.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Cuts every connection there is now, without a word. New ones are accepted.
    pub fn drop_connections(&self) {
        self.0.drop_generation.send_modify(|generation| *generation += 1);
    }

    /// While true, every new connection is closed as soon as it is made.
    pub fn refuse_connections(&self, refuse: bool) {
        self.0.refuse_connections.store(refuse, Ordering::Relaxed);
    }

    /// Loses the next `count` updates that would be pushed, so that clients find a gap in pts or seq.
    pub fn drop_next_pushes(&self, count: u32) {
        self.0.lost_pushes.store(count, Ordering::Relaxed);
    }

    /// Every file reference given out until now holds no more; who fetches the message again gets one that does.
    pub fn expire_file_references(&self) {
        self.0.references_expired_ns.store(crate::api::now_ns(), Ordering::Relaxed);
    }

    /// References given out up to then do not hold.
    pub(crate) fn references_expired_ns(&self) -> i64 {
        self.0.references_expired_ns.load(Ordering::Relaxed)
    }

    /// The error asked for this method, if there is one.
    pub(crate) fn take(&self, method: &str) -> Option<RpcError> {
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let at = failures.iter().position(|(name, _)| name == method)?;
        failures.remove(at).map(|(_, error)| error)
    }

    pub(crate) fn refuses_connections(&self) -> bool {
        self.0.refuse_connections.load(Ordering::Relaxed)
    }

    /// True when the push at hand is to be lost.
    pub(crate) fn loses_push(&self) -> bool {
        self.0.lost_pushes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Changes each time the connections are to be cut.
    pub(crate) fn drops(&self) -> watch::Receiver<u64> {
        self.0.drop_generation.subscribe()
    }
}
