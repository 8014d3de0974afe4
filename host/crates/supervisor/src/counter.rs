//! Room in a script's private folder, for the account that saves files there: it is counted in the script's worker.
//!
//! Invariant: who asks waits for a bounded time ([`ROOM_WAIT`]), whatever the worker does.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use files::{Counter, FileError};
use tokio::sync::mpsc;
use worker::Order;

/// How long a worker may take to find out whether there is room: it may have to look through a full folder.
const ROOM_WAIT: Duration = Duration::from_secs(10);

/// Asks the worker in which a script runs, whichever that is by now. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerCounter {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The script's worker, and what it is called there.
    worker: Option<(mpsc::Sender<Order>, usize)>,
    last_number: u64,
    waiting: HashMap<u64, SyncSender<bool>>,
}

impl WorkerCounter {
    /// From now on the script is this one of this worker's.
    pub(crate) fn set_worker(&self, orders: mpsc::Sender<Order>, script: usize) {
        self.lock().worker = Some((orders, script));
    }

    /// The worker has gone.
    pub(crate) fn forget_worker(&self) {
        let mut inner = self.lock();
        inner.worker = None;
        inner.waiting.clear();
    }

    /// The worker's answer. One to no question is passed over.
    pub(crate) fn answer(&self, number: u64, is_taken: bool) {
        if let Some(asked) = self.lock().waiting.remove(&number) {
            // Who does not wait any more need not hear of it.
            let _ = asked.send(is_taken);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter for WorkerCounter {
    fn take(&self, bytes: u64) -> Result<bool, FileError> {
        let (asked, answer) = sync_channel(1);
        let (orders, order, number) = {
            let mut inner = self.lock();
            let (orders, script) = inner.worker.clone().ok_or(FileError::NotCounted)?;
            inner.last_number += 1;
            let number = inner.last_number;
            inner.waiting.insert(number, asked);
            (orders, Order::TakeRoom { script, number, bytes }, number)
        };
        let answer = match orders.try_send(order) {
            Ok(()) => answer.recv_timeout(ROOM_WAIT),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        self.lock().waiting.remove(&number);
        answer.map_err(|_| FileError::NotCounted)
    }

    fn may_be_less(&self) {
        if let Some((orders, script)) = self.lock().worker.clone() {
            // A worker that takes no orders is about to go, and the next one counts anew.
            let _ = orders.try_send(Order::MayBeLess { script });
        }
    }
}
