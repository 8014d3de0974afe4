//! What a process has computed, with the processes that it has started.
//!
//! Invariant: a process that has ended loses nothing: what it used is then in its parent's account.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Where the times of children that have ended stand in `stat`, after the program's name: for its own instructions, and for the
/// system's. See proc_pid_stat(5).
const ENDED_CHILDREN: std::ops::Range<usize> = 13..15;

/// The scheduler's account: nanoseconds by process and thread.
pub(crate) struct Used {
    threads: HashMap<(u32, String), u64>,
    /// Of processes that have ended, in steps of the system's clock.
    ended: Duration,
}

impl Used {
    /// Of a process and those below it.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let mut used = Self { threads: HashMap::new(), ended: Duration::ZERO };
        used.add(process)?;
        Ok(used)
    }

    fn add(&mut self, process: u32) -> Result<()> {
        self.ended += ended_children(process)?;
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?;
            // One may end meanwhile, and so may a child.
            let Ok(account) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let ns = account.split(' ').next().context("no time in schedstat")?.parse()?;
            self.threads.insert((process, thread.file_name().to_string_lossy().into_owned()), ns);
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace() {
                let _ = self.add(child.parse()?);
            }
        }
        Ok(())
    }

    /// What the threads that are there now have computed in all, and processes that have ended.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.threads.values().sum()) + self.ended
    }

    /// What the threads that are there now have computed since then, and processes that have ended.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let is_there = |process: u32| self.threads.keys().any(|(own, _)| *own == process);
        let by_threads = self.threads.iter().map(|(thread, ns)| ns - before.threads.get(thread).copied().unwrap_or(0));
        let known = before.threads.iter().filter(|((process, _), _)| !is_there(*process)).map(|(_, ns)| *ns);
        let ended = self.ended.saturating_sub(before.ended).saturating_sub(Duration::from_nanos(known.sum()));
        Duration::from_nanos(by_threads.sum()) + ended
    }
}

/// What children of this process have used that it has seen the end of.
fn ended_children(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no program's name in stat")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let times = fields.get(ENDED_CHILDREN).context("no times in stat")?;
    let ticks: u64 = times.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<u64, _>>()?;
    Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?)
}
