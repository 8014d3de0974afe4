//! Takes from a process, for good, everything that it does not need to run hostile guests: so whoever gets out of the
//! WebAssembly sandbox has the folders of the guests and nothing else. Three walls, which overlap where they can: limits of the
//! system (`limits`), files, network and signals (`reach`, Landlock), and system calls (`syscalls`, seccomp).
//!
//! What no wall hides is whether a file is there, its size and its times, wherever a path leads; and the times of any file of
//! its user's can be set.
//!
//! Invariant: what was taken never comes back, for no thread. A wall that this kernel lacks is told, not passed over.

mod limits;
mod missing;
mod reach;
mod syscalls;

use std::io;
use std::os::fd::BorrowedFd;

pub use missing::Missing;

/// What the process may still reach, beside what it holds open.
pub struct Allowed<'a> {
    pub folders: Vec<(BorrowedFd<'a>, Access)>,
    /// To be read: machine code.
    pub files: Vec<BorrowedFd<'a>>,
    pub open_files_max: u64,
    /// Id of the process that started this one. This one ends with the thread of it that did.
    pub parent_id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    /// Beside reading: files, folders and links are made, changed, moved and removed.
    Write,
}

/// After an error some walls may stand: the process is to end.
#[derive(Debug, thiserror::Error)]
pub enum LockdownError {
    #[error("the process has {0} threads, and only one that has a single thread can be locked down")]
    Threads(usize),
    #[error("the process that started this one has ended")]
    ParentEnded,
    #[error("its threads cannot be counted: {0}")]
    Count(#[source] io::Error),
    #[error("it cannot be made to end with the process that started it: {0}")]
    Death(#[source] io::Error),
    #[error("its limits cannot be set: {0}")]
    Limit(#[source] io::Error),
    #[error("what it may open cannot be bounded: {0}")]
    Reach(#[from] landlock::RulesetError),
    #[error("/dev/null cannot be opened: {0}")]
    Null(#[from] landlock::PathFdError),
    #[error("its system calls cannot be filtered: {0}")]
    Syscalls(#[from] seccompiler::Error),
}

/// Locks this process down, for good. To be called while it has one thread. Gives the walls that this kernel lacks.
///
/// Sockets that the process holds must be connected streams: another kind could still be sent from to any address.
pub fn lock_down(allowed: &Allowed<'_>) -> Result<Vec<Missing>, LockdownError> {
    limits::check_single_thread()?;
    limits::end_with(allowed.parent_id)?;
    limits::set(allowed.open_files_max)?;
    let landlock = reach::bound(allowed)?;
    let is_filtered = syscalls::filter()?;
    Ok(missing::missing(landlock, is_filtered))
}
