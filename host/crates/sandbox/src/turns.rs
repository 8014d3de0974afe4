//! Whose turn it is to compile.
//!
//! Invariant: as many components begin to be compiled side by side as there are cores, and who takes longer than
//! [`TURN_S_MAX`] lets the next one begin, so that none waits for the end of another.

use std::pin::pin;
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Components that are compiled at one time, those that take long included: each may take the memory of a worker.
const COMPILES_MAX: usize = 16;
/// How long a compile holds its turn. Most take less; the Python component takes 7 s on two cores.
const TURN_S_MAX: u64 = 3;

pub(crate) struct Turns {
    places: Semaphore,
    turns: Semaphore,
}

impl Default for Turns {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { places: Semaphore::new(COMPILES_MAX), turns: Semaphore::new(cores.min(COMPILES_MAX)) }
    }
}

impl Turns {
    /// Compiles when there is room for it.
    pub(crate) async fn take<T>(&self, compile: impl Future<Output = T>) -> T {
        let _place = self.places.acquire().await;
        let turn = self.turns.acquire().await;
        let mut compile = pin!(compile);
        match tokio::time::timeout(Duration::from_secs(TURN_S_MAX), compile.as_mut()).await {
            Ok(done) => done,
            Err(_) => {
                drop(turn);
                compile.await
            }
        }
    }
}
