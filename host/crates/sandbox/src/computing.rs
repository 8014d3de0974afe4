//! Whose turn it is to compute, among guests whose callbacks take long.
//!
//! Invariant: at most [`computing_max`] of them are in the runtime's queue. Were all of them there, whoever has little to do
//! would wait behind each: a hundred would put half a second before every short callback.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// Guests that compute at one time beyond their first slice: as many as there are cores.
pub fn computing_max() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The turns: first come, first served.
pub(crate) struct Computing {
    turns: Semaphore,
}

impl Default for Computing {
    fn default() -> Self {
        Self { turns: Semaphore::new(computing_max()) }
    }
}

impl Computing {
    /// Goes on with work that has had its first turn and did not end in it.
    pub(crate) async fn finish<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        loop {
            woken().await;
            // It is never closed.
            let _turn = self.turns.acquire().await;
            // The runtime lets whoever is woken by another task go first; this one is to go last.
            tokio::task::yield_now().await;
            if let Poll::Ready(outcome) = once(work.as_mut()).await {
                return outcome;
            }
        }
    }
}

/// One turn of the work.
pub(crate) async fn once<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
}

/// Ends when the task is woken by what it was left with.
async fn woken() {
    let mut is_woken = false;
    poll_fn(|_| if std::mem::replace(&mut is_woken, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}
