//! What a script waits for when a bound is reached: room for its calls, the brake, its share of the CPU, the disk. Each is
//! said once.
//!
//! Invariant: nothing waits here for what only its own waiting holds up. Events wait for calls only while calls complete
//! without any event being delivered, and whatever waits for the disk ends with the script.

use std::time::Duration;

use broker::{AWAY_EVENTS_MAX, BrokerError, INBOX_BYTES_MAX, INBOX_EVENTS_MAX, Load};
use sandbox::LogLevel;
use tgl::{Limit, LimitCounts};
use tokio::time::{Instant, timeout};

use crate::actor::{Actor, LifeEnd};
use crate::script::{End, Hold, News, Wish};

/// How long to wait before the disk is tried again.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// How often it is said at most that the brake puts sends off, or that its share of the CPU is used.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What of a script's bounds was said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Events that left the inbox before the script handled them, all of them said.
    pub(crate) events_lost: u64,
    is_held: bool,
    is_disk_waited_for: bool,
    is_kept_awake: bool,
    /// The limit that puts its sends off.
    braked_by: Option<Limit>,
    braked_at: Option<Instant>,
    /// Limits that it was told of.
    limits: LimitCounts,
    held_by_share_at: Option<Instant>,
}

/// Asks the account's side for something, however long its disk takes nothing: the question is put anew each time.
macro_rules! patiently {
    ($actor:ident, $question:expr) => {
        loop {
            match $question.await {
                Ok(given) => {
                    $actor.tell_disk_is_back();
                    break given;
                }
                Err(error) => $actor.wait_for_disk(error).await?,
            }
        }
    };
}

pub(crate) use patiently;

impl Actor {
    /// How much of the script's waits or is under way.
    pub(crate) fn load_now(&self) -> Load {
        self.account.backlog().load
    }

    /// Why events have to wait, if they have: half of what may wait is kept for the calls of one callback.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let (backlog, limits) = (self.account.backlog(), &self.config.limits);
        if !backlog.is_moving {
            return None;
        }
        let load = backlog.load;
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
        if let Some(hold) = hold
            && !self.said.is_held
        {
            let is_of_bytes = hold == Hold::CallBytes;
            self.limit_meter.reached(if is_of_bytes { Limit::calls_bytes_max } else { Limit::calls_pending_max });
            let Load { calls, bytes } = self.load_now();
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
    pub(crate) fn tell_of_loss(&mut self, lost: u64) {
        if lost > 0 {
            let text = format!(
                "{lost} events are lost: no more than {INBOX_EVENTS_MAX} wait for a script that runs, {AWAY_EVENTS_MAX} for one that \
                 does not, {} MiB in all",
                INBOX_BYTES_MAX >> 20
            );
            self.log(LogLevel::Warn, &text);
            self.said.events_lost += lost;
            self.cursor += lost;
        }
    }

    /// Waits while the script has used more CPU time than it may within a minute.
    pub(crate) async fn wait_for_share(&mut self) -> Result<(), LifeEnd> {
        while let Some(until) = self.share.held_until(self.cpu_used.total(), Instant::now()) {
            if self.said.held_by_share_at.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
                self.said.held_by_share_at = Some(Instant::now());
                let ms = self.config.limits.cpu_ms_per_min_max;
                let text = format!("it waits: it has used {ms} ms of CPU time within a minute, the most a script may");
                self.log(LogLevel::Warn, &text);
            }
            self.limit_meter.reached(Limit::cpu_ms_per_min_max);
            self.tell_of_limits();
            self.publish_hold(Hold::Cpu);
            self.wait(Some(until)).await?;
        }
        Ok(())
    }

    /// Says of each limit that it has reached, once: which, what that does, and how it is raised. That is no output of the
    /// script's: it is said also where the script writes too much.
    pub(crate) fn tell_of_limits(&mut self) {
        let counts = self.limit_meter.counts();
        if counts == self.said.limits {
            return;
        }
        let before = std::mem::replace(&mut self.said.limits, counts);
        for limit in counts.reached().map(|(limit, _)| limit).filter(|limit| !before.has(*limit)) {
            self.output.tell(&News::LimitReached(limit.told(&self.config.limits)));
        }
    }

    /// Says that a timer keeps it from sleeping.
    pub(crate) fn tell_kept_awake(&mut self) {
        if !std::mem::replace(&mut self.said.is_kept_awake, true) {
            self.log(LogLevel::Info, "it does not sleep while it waits for a timer; with set_on_loop it always does");
        }
    }

    /// Says that the brake puts sends off, where it does.
    pub(crate) fn tell_of_brake(&mut self) {
        let backlog = self.account.backlog();
        let braked_before = std::mem::replace(&mut self.said.braked_by, backlog.braked_by);
        let (Some(rates), Some(limit)) = (self.send_rates, backlog.braked_by) else { return };
        if braked_before != Some(limit) {
            self.limit_meter.reached(limit);
        }
        if self.said.braked_at.is_some_and(|at| at.elapsed() < SAID_EVERY) {
            return;
        }
        self.said.braked_at = Some(Instant::now());
        let text = format!("{} calls wait: sends are slowed down to {rates}", backlog.calls_pending);
        self.log(LogLevel::Warn, &text);
    }

    /// Says that the disk takes something again, where it was waited for.
    pub(crate) fn tell_disk_is_back(&mut self) {
        if std::mem::take(&mut self.said.is_disk_waited_for) {
            self.log(LogLevel::Info, "the disk takes its data again: it goes on");
        }
    }

    /// Waits a moment before the account's side is asked again, where that may help.
    pub(crate) async fn wait_for_disk(&mut self, error: BrokerError) -> Result<(), LifeEnd> {
        if !error.is_passing() {
            return Err(error.into());
        }
        if !std::mem::replace(&mut self.said.is_disk_waited_for, true) {
            self.log(LogLevel::Error, &format!("it waits until the disk takes its data: {error}"));
        }
        self.publish_hold(Hold::Disk);
        let stopped = timeout(DISK_PAUSE, self.wish.wait_for(|wish| *wish == Wish::Stop)).await;
        if stopped.is_ok() { Err(LifeEnd::Over(End::Stopped)) } else { Ok(()) }
    }
}
