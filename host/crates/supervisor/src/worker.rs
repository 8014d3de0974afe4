//! One worker after another for the same scripts, until all of them have ended.
//!
//! Invariant: a worker that goes before its scripts have ended is replaced, with pauses that grow; where none comes through
//! its start, its scripts are given up. No script waits for ever, and each has an end.

use std::time::Duration;

use runtime::{Backoff, End, News};
use sandbox::{Code, Limits};
use tokio::time::{Instant, sleep_until};

use crate::life::{Life, LifeEnd};
use crate::script::{Placed, Ready};
use crate::supervisor::WorkerSite;

/// Scripts that share a worker.
pub(crate) struct Worker {
    site: WorkerSite,
    scripts: Vec<Placed>,
    /// Of each script.
    codes: Vec<Code>,
}

impl Worker {
    pub(crate) fn new(site: WorkerSite, scripts: Vec<Ready>) -> Self {
        let (scripts, codes) = scripts.into_iter().unzip();
        Self { site, scripts, codes }
    }

    /// To the end of the last script.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(self.site.waits.restart, Limits::default().start_crashes_max);
        while !self.scripts.iter().all(Placed::has_ended) {
            let born = Instant::now();
            let LifeEnd { why, is_started } = Life::new(&self.site, &mut self.scripts, &self.codes).live().await;
            self.scripts.iter_mut().for_each(Placed::be_over);
            if self.scripts.iter().all(Placed::has_ended) {
                return;
            }
            tracing::warn!("a worker was lost: {why}");
            self.scripts.iter_mut().filter(|script| !script.has_ended()).for_each(|script| script.fail_trial(&why));
            match backoff.crashed(born.elapsed(), is_started) {
                Some(restart_in) => self.back_off(&why, restart_in).await,
                None => self.give_up(&why),
            }
        }
    }

    /// Waits before the next worker. Who is to stop meanwhile does not wait.
    async fn back_off(&mut self, why: &str, restart_in: Duration) {
        let until = Instant::now() + restart_in;
        for script in self.scripts.iter_mut().filter(|script| script.is_stopping()) {
            script.end(End::Stopped);
        }
        for script in self.scripts.iter_mut().filter(|script| !script.has_ended()) {
            let why = format!("as {why}");
            script.back_off(News::Crashed { why, restart_in });
        }
        let stops = self.scripts.iter_mut().filter(|script| !script.has_ended()).map(async |script| {
            let stopped = script.stopped();
            tokio::select! {
                () = stopped => script.end(End::Stopped),
                () = sleep_until(until) => {}
            }
        });
        futures_util::future::join_all(stops).await;
    }

    fn give_up(&mut self, why: &str) {
        for script in self.scripts.iter_mut().filter(|script| !script.has_ended()) {
            script.end(End::Quarantined(format!("stopped at every start, as {why}")));
        }
    }
}
