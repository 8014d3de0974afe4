//! How many files this process may have open.
//!
//! Invariant: whoever is to work for long has as many as the system gives it, or ends with what to do.

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// With fewer open files than this nothing comes through its start: what is to connect waits for others to close theirs.
const OPEN_FILES_MIN: u64 = 128;

/// Has this process open as many files as it may: each script may have a thousand, and many systems give a process little more
/// unless it asks.
///
/// # Errors
/// Where it may not even have those that it needs for itself.
pub(crate) fn allow() -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    // Then opening one fails as it does for other programs, and the script is told.
    let raised = raised.inspect_err(|reason| tracing::warn!("no more open files are to be had: {reason}"));
    match if raised.is_ok() { maximum } else { current } {
        Some(most) if most < OPEN_FILES_MIN => bail!(
            "only {most} files may be open at one time, and tglhost needs {OPEN_FILES_MIN} and more: allow it more (`ulimit -n`, \
             LimitNOFILE= of a service)"
        ),
        _ => Ok(()),
    }
}
