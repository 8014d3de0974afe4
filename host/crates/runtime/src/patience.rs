//! What a script waits for when a bound is reached: room for its calls, the brake, the disk. Each is said once.
//!
//! Invariant: nothing waits here for what only its own waiting holds up. Events wait for calls only while calls complete
//! without any event being delivered, and whatever waits for the disk ends with the script.

use std::time::Duration;

use sandbox::LogLevel;
use store::{Load, ScriptStore, StoreError};
use tokio::time::{Instant, timeout};

use crate::actor::{Actor, LifeEnd};
use crate::script::{End, Hold};

/// How long to wait before the disk is tried again.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// How often it is said at most that the brake puts sends off.
const BRAKE_SAID_EVERY: Duration = Duration::from_secs(60);

/// What of a script's bounds was said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Events that left the inbox before the script handled them, all of them said.
    pub(crate) events_lost: u64,
    is_held: bool,
    is_disk_waited_for: bool,
    braked_at: Option<Instant>,
}

impl Actor {
    /// How much of the script's waits or is under way.
    pub(crate) fn load_now(&self) -> Load {
        let written = self.store.outbox_load(&self.config.name);
        Load { calls: written.calls + self.calls.unwritten(), ..written }
    }

    /// Why events have to wait, if they have: half of what may wait is kept for the calls of one callback.
    pub(crate) fn hold(&self) -> Option<Hold> {
        if !self.calls.are_moving() {
            return None;
        }
        let (load, limits) = (self.load_now(), &self.config.limits);
        if load.calls > (limits.calls_pending_max / 2) as u64 {
            Some(Hold::Calls)
        } else if load.bytes > limits.calls_bytes_max / 2 {
            Some(Hold::CallBytes)
        } else {
            None
        }
    }

    /// The same, said once as long as it lasts.
    pub(crate) fn is_held(&mut self) -> bool {
        let hold = self.hold();
        if hold.is_some() && !self.said.is_held {
            let (calls, bytes) = (self.load_now().calls, self.load_now().bytes);
            let text = format!(
                "events wait: {calls} calls of {} KiB have not completed, of {} and {} KiB that a script may have",
                bytes >> 10,
                self.config.limits.calls_pending_max,
                self.config.limits.calls_bytes_max >> 10
            );
            self.log(LogLevel::Warn, &text);
        }
        self.said.is_held = hold.is_some();
        hold.is_some()
    }

    /// Says that events have gone that the script had still to handle, and goes on behind them.
    pub(crate) fn tell_of_loss(&mut self) {
        let lost = self.store.pruned_seq().saturating_sub(self.cursor);
        if lost > 0 {
            let text = format!(
                "{lost} events are lost: no more than {} wait for a script that runs, {} for one that does not, {} MiB in all",
                store::INBOX_EVENTS_MAX,
                store::AWAY_EVENTS_MAX,
                store::INBOX_BYTES_MAX >> 20
            );
            self.log(LogLevel::Warn, &text);
            self.said.events_lost += lost;
            self.cursor += lost;
        }
    }

    /// Says that the brake puts sends off, where it does.
    pub(crate) fn tell_of_brake(&mut self) {
        let Some((rates, _)) = self.config.send_rates.zip(self.calls.braked_until()) else { return };
        if self.said.braked_at.is_some_and(|at| at.elapsed() < BRAKE_SAID_EVERY) {
            return;
        }
        self.said.braked_at = Some(Instant::now());
        let text = format!("{} calls wait: sends are slowed down to {rates}", self.calls.pending());
        self.log(LogLevel::Warn, &text);
    }

    /// Does something with the store, however long the disk takes nothing.
    pub(crate) async fn keep<T>(
        &mut self,
        mut what: impl FnMut(&ScriptStore) -> Result<T, StoreError>,
    ) -> Result<T, LifeEnd> {
        loop {
            match what(&self.store) {
                Ok(given) => {
                    self.tell_disk_is_back();
                    return Ok(given);
                }
                Err(error) => self.wait_for_disk(error).await?,
            }
        }
    }

    /// Says that the disk takes something again, where it was waited for.
    pub(crate) fn tell_disk_is_back(&mut self) {
        if std::mem::take(&mut self.said.is_disk_waited_for) {
            self.log(LogLevel::Info, "the disk takes its data again: it goes on");
        }
    }

    /// Waits a moment before the store is tried again, where that may help.
    pub(crate) async fn wait_for_disk(&mut self, error: StoreError) -> Result<(), LifeEnd> {
        if !error.is_passing() {
            return Err(error.into());
        }
        if !std::mem::replace(&mut self.said.is_disk_waited_for, true) {
            self.log(LogLevel::Error, &format!("it waits until the disk takes its data: {error}"));
        }
        self.publish_hold(Hold::Disk);
        let stopped = timeout(DISK_PAUSE, self.stop.wait_for(|stop| *stop)).await;
        if stopped.is_ok() { Err(LifeEnd::Over(End::Stopped)) } else { Ok(()) }
    }
}
