//! Whose turn it is to compute, among guests whose callbacks take long.
//!
//! Invariant: at most [`computing_max`] of them are in the runtime's queue, and of those that wait, whoever has computed
//! least of late goes first. Were all of them there, whoever has little to do would wait behind each: a hundred would put
//! half a second before every short callback.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::available_parallelism;

use tokio::sync::oneshot;

use crate::meter::Meter;

/// Guests that compute at one time beyond their first slice: as many as there are cores. It is looked up once: a process that
/// has closed the file system to itself no longer sees how much of them its control group leaves it.
pub fn computing_max() -> usize {
    static CORES: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(1, usize::from));
    *CORES
}

/// The turns.
pub(crate) struct Computing {
    turns: Arc<Mutex<Turns>>,
}

struct Turns {
    free: usize,
    /// Who waits, in the order of asking: never more than there are instances.
    waiting: Vec<Waiting>,
}

struct Waiting {
    recent_ns: u64,
    told: oneshot::Sender<Turn>,
}

/// A turn. Dropping it gives it to who is next.
struct Turn {
    turns: Arc<Mutex<Turns>>,
}

impl Default for Computing {
    fn default() -> Self {
        Self::new(computing_max())
    }
}

impl Computing {
    fn new(turns: usize) -> Self {
        Self { turns: Arc::new(Mutex::new(Turns { free: turns, waiting: Vec::new() })) }
    }

    /// Goes on with work that has had its first turn and did not end in it.
    pub(crate) async fn finish<T>(&self, meter: &Meter, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        loop {
            woken().await;
            let _turn = self.turn(meter.recent_ns()).await;
            // The runtime lets whoever is woken by another task go first; this one is to go last.
            tokio::task::yield_now().await;
            if let Poll::Ready(outcome) = once(work.as_mut()).await {
                return outcome;
            }
        }
    }

    /// Waits for a turn for who has computed so much of late.
    async fn turn(&self, recent_ns: u64) -> Turn {
        let waits = {
            let mut turns = locked(&self.turns);
            if turns.free > 0 {
                turns.free -= 1;
                return Turn { turns: Arc::clone(&self.turns) };
            }
            let (told, waits) = oneshot::channel();
            turns.waiting.push(Waiting { recent_ns, told });
            waits
        };
        match waits.await {
            Ok(turn) => turn,
            // Who waits is told before it is forgotten.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = locked(&self.turns);
        // Who has given up waiting is passed over.
        turns.waiting.retain(|waiting| !waiting.told.is_closed());
        let next = turns.waiting.iter().enumerate().min_by_key(|(_, waiting)| waiting.recent_ns).map(|(at, _)| at);
        let Some(next) = next else {
            turns.free += 1;
            return;
        };
        let next = turns.waiting.remove(next);
        drop(turns);
        // A turn that nobody takes any more is dropped, and so given on.
        drop(next.told.send(Turn { turns: Arc::clone(&self.turns) }));
    }
}

fn locked(turns: &Mutex<Turns>) -> MutexGuard<'_, Turns> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    type Ask<'a> = Pin<Box<dyn Future<Output = Turn> + 'a>>;

    fn poll(ask: &mut Ask<'_>) -> Option<Turn> {
        match ask.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn asked(computing: &Computing, recent_ns: u64) -> Ask<'_> {
        let mut ask: Ask<'_> = Box::pin(computing.turn(recent_ns));
        assert!(poll(&mut ask).is_none());
        ask
    }

    #[test]
    fn whoever_has_computed_least_of_late_goes_first() {
        let computing = Computing::new(1);
        let mut turn = poll(&mut (Box::pin(computing.turn(9)) as Ask<'_>));
        assert!(turn.is_some());
        let mut asks: Vec<(u64, Ask<'_>)> = [5, 1, 3, 1].map(|recent| (recent, asked(&computing, recent))).into();
        let gives_up = asked(&computing, 0);
        drop(gives_up);
        let mut order = Vec::new();
        while !asks.is_empty() {
            drop(turn.take());
            let (at, next) = asks.iter_mut().enumerate().find_map(|(at, (_, ask))| Some((at, poll(ask)?))).unwrap();
            order.push(asks.remove(at).0);
            turn = Some(next);
        }
        assert_eq!(order, [1, 1, 3, 5]);
        drop(turn);
        assert_eq!(locked(&computing.turns).free, 1);
    }

    #[test]
    fn a_turn_that_is_not_taken_is_given_on() {
        let computing = Computing::new(1);
        let turn = poll(&mut (Box::pin(computing.turn(0)) as Ask<'_>));
        let (first, mut second) = (asked(&computing, 0), asked(&computing, 1));
        drop(turn);
        assert!(poll(&mut second).is_none(), "it is the first one's");
        drop(first);
        assert!(poll(&mut second).is_some());
    }
}
