//! A file in place of the terminal.
//!
//! Invariant: its owner alone may read it, and it is only ever appended to.

use std::fs::File;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The file that stdout and stderr go to.
pub(crate) struct LogFile {
    path: PathBuf,
}

impl LogFile {
    /// Whether it can be written to; it is made if there is none.
    pub(crate) fn check(path: &Path) -> Result<()> {
        open(path).map(drop)
    }

    /// Has stdout and stderr go there from now on.
    pub(crate) fn redirect(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))?;
        let log_file = Self { path };
        log_file.reopen()?;
        Ok(log_file)
    }

    /// Goes on in the file that has the name now. Where there can be none, the old one stays.
    pub(crate) fn reopen(&self) -> Result<()> {
        let file = open(&self.path)?;
        rustix::stdio::dup2_stdout(&file).and_then(|()| rustix::stdio::dup2_stderr(&file))?;
        Ok(())
    }
}

fn open(path: &Path) -> Result<File> {
    // To open one waits for whoever reads it.
    if path.metadata().is_ok_and(|about| about.file_type().is_fifo()) {
        bail!(
            "cannot write to the log file {}: it is a pipe; name a file, or leave -L away and pipe stdout",
            path.display()
        );
    }
    let opened = File::options().create(true).append(true).mode(0o600).open(path);
    opened.with_context(|| format!("cannot write to the log file {}", path.display()))
}
