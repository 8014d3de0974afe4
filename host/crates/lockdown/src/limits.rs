//! What the system bounds for each process: threads, open files, core dumps, and for how long it lives.
//!
//! Invariant: a limit is only ever lowered.

use std::io;
use std::os::unix::process::parent_id;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use crate::LockdownError;

/// A core dump of one byte, which is none. With 0 the kernel would still write one to a program, where it is set up to
/// (core(5): a pipe in `core_pattern` ignores the limit); 1 alone is refused there (fs/coredump.c).
const CORE_BYTES_MAX: u64 = 1;

/// Landlock holds for the calling thread and those that it starts: one that is there already would be free.
pub(crate) fn check_single_thread() -> Result<(), LockdownError> {
    match std::fs::read_dir("/proc/self/task").map_err(LockdownError::Count)?.count() {
        1 => Ok(()),
        threads => Err(LockdownError::Threads(threads)),
    }
}

/// Ends this process when the thread that started it does. It may have ended before this was asked for.
pub(crate) fn end_with(parent: u32) -> Result<(), LockdownError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|errno| LockdownError::Death(errno.into()))?;
    if parent_id() == parent { Ok(()) } else { Err(LockdownError::ParentEnded) }
}

pub(crate) fn set(open_files_max: u64) -> Result<(), LockdownError> {
    for (resource, max) in [(Resource::Core, CORE_BYTES_MAX), (Resource::Nofile, open_files_max)] {
        lower(resource, max).map_err(LockdownError::Limit)?;
    }
    Ok(())
}

fn lower(resource: Resource, max: u64) -> io::Result<()> {
    let max = Some(getrlimit(resource).maximum.map_or(max, |now| now.min(max)));
    setrlimit(resource, Rlimit { current: max, maximum: max }).map_err(io::Error::from)
}
