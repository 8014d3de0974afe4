//! Tells whoever started this process how it stands: the service manager where NOTIFY_SOCKET names one (sd_notify(3)), and
//! the command that has it go on in the background.
//!
//! Invariant: that it has come through its start is told once, and only when there is work being done. A watchdog hears of
//! nothing but a main loop that comes round.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::time::{Interval, interval};

use crate::output::Output;

/// What the starting command reads after all that there was to say.
pub(crate) const READY: u8 = 0;

/// Has whoever reads there be told: what this process has to say until it is ready, and that it is.
pub(crate) fn tell_also(starter: OwnedFd, output: &Output) {
    output.set_witness(starter);
}

/// How long one round of a main loop may take, a reload that compiles for example, before it counts as hung.
const ROUND_MAX: Duration = Duration::from_secs(600);

/// It is about to end.
pub(crate) fn tell_stopping() {
    // A service manager that has not heard of this will hear of the end.
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// It is ready.
pub(crate) async fn tell(output: &Output) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        output.note(&format!("the service manager cannot be told that the start is over: {error}"));
    }
    if let Some(starter) = output.dismiss_witness().await {
        // It may not have waited.
        let _ = rustix::io::write(&*starter, &[READY]);
    }
}

/// Does this, and tells the service manager that it is done meanwhile and when that is over.
pub(crate) async fn tell_reload<T>(reload: impl Future<Output = T>) -> T {
    let since = NotifyState::monotonic_usec_now();
    // A service manager that does not hear of this shows less.
    let _ = since.and_then(|since| sd_notify::notify(&[NotifyState::Reloading, since]));
    let done = reload.await;
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    done
}

/// A service manager's watchdog (WatchdogSec=), which restarts a process that it does not hear of in time.
pub(crate) struct Watchdog {
    rounds: Option<Interval>,
    came_round: Arc<Mutex<Instant>>,
}

impl Watchdog {
    /// From now on it hears of this process, as long as the main loop comes round.
    pub(crate) fn start() -> Self {
        let came_round = Arc::new(Mutex::new(Instant::now()));
        let beat = sd_notify::watchdog_enabled().map(|patience| patience / 3).filter(|beat| !beat.is_zero());
        if let Some(beat) = beat {
            let came_round = Arc::clone(&came_round);
            tokio::spawn(async move {
                let mut beats = interval(beat);
                loop {
                    beats.tick().await;
                    if at(&came_round).elapsed() < ROUND_MAX {
                        // Unheard, it is restarted: there is nobody else to say it to.
                        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
                    }
                }
            });
        }
        Self { rounds: beat.map(interval), came_round }
    }

    /// Has the main loop come round, now and then, while nothing else does.
    pub(crate) async fn round(&mut self) {
        match &mut self.rounds {
            Some(rounds) => drop(rounds.tick().await),
            None => std::future::pending().await,
        }
        *self.came_round.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

fn at(came_round: &Mutex<Instant>) -> Instant {
    *came_round.lock().unwrap_or_else(PoisonError::into_inner)
}
