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
const ROOM_WAIT: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 10_000 });

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The question that comes to the worker.
    fn asked(orders: &mut mpsc::Receiver<Order>) -> u64 {
        match orders.blocking_recv() {
            Some(Order::TakeRoom { script: 3, number, bytes: 10 }) => number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_asks_for_room_is_answered_whatever_the_worker_does() {
        type Act = fn(&WorkerCounter, &mut mpsc::Receiver<Order>);
        let cases: [(&str, Act, Option<bool>); 7] = [
            ("it has room", |counter, orders| counter.answer(asked(orders), true), Some(true)),
            ("it has none", |counter, orders| counter.answer(asked(orders), false), Some(false)),
            ("it answers what nobody asked", |counter, orders| counter.answer(asked(orders) + 1, true), None),
            ("it never answers", |_, orders| _ = asked(orders), None),
            (
                "it answers late",
                |counter, orders| {
                    let number = asked(orders);
                    while !counter.lock().waiting.is_empty() {
                        std::thread::yield_now();
                    }
                    counter.answer(number, true);
                },
                None,
            ),
            (
                "it goes",
                |counter, orders| {
                    asked(orders);
                    counter.forget_worker();
                },
                None,
            ),
            ("it takes no orders", |_, orders| orders.close(), None),
        ];
        for (what, act, expected) in cases {
            let counter = WorkerCounter::default();
            assert!(matches!(counter.take(10), Err(FileError::NotCounted)), "there is no worker yet");
            let (orders, mut to_worker) = mpsc::channel(1);
            counter.set_worker(orders, 3);
            let taken = std::thread::scope(|scope| {
                let asking = scope.spawn(|| counter.take(10));
                act(&counter, &mut to_worker);
                asking.join().unwrap()
            });
            assert_eq!(taken.ok(), expected, "{what}");
            assert!(counter.lock().waiting.is_empty(), "{what}: nothing is left of the question");
        }
    }

    #[test]
    fn a_worker_with_too_many_orders_is_not_waited_for() {
        let counter = WorkerCounter::default();
        let (orders, _to_worker) = mpsc::channel(1);
        counter.set_worker(orders, 3);
        counter.may_be_less();
        counter.may_be_less();
        assert!(matches!(counter.take(10), Err(FileError::NotCounted)));
        assert!(counter.lock().waiting.is_empty());
    }
}
