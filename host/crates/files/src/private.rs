//! The host's own folders, which no script sees: its data, configuration and cache.
//!
//! Invariant: one of them is known by what it is, not by what it is called, so that no link and no second mount leads there;
//! one that is made later is known from then on. A guest moves no folder that one of them lies in, and makes nothing where
//! one would be.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

/// Folders that are hidden wherever they lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Private {
    folders: Vec<PrivateFolder>,
}

#[derive(Clone, Debug)]
struct PrivateFolder {
    /// Links in it followed, as far as it was there.
    path: PathBuf,
    /// What was there at the start, wherever it is by now.
    first: Option<Identity>,
}

/// Device and number.
type Identity = (u64, u64);

impl Private {
    pub(crate) fn new(folders: &[PathBuf]) -> Self {
        let known = |path: &PathBuf| PrivateFolder { path: resolved(path), first: at(path) };
        Self { folders: folders.iter().map(known).collect() }
    }

    /// Whether this is one of them.
    pub(crate) fn is(&self, about: &Stat) -> bool {
        let it = identity(about);
        self.folders.iter().any(|folder| folder.first == Some(it) || at(&folder.path) == Some(it))
    }

    /// Whether a folder of the host's is one of them or lies in one.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        let is_one = |folder: &Path| rustix::fs::stat(folder).is_ok_and(|about| self.is(&about));
        self.folders.iter().any(|private| folder.starts_with(&private.path)) || folder.ancestors().any(is_one)
    }

    /// Whether one of them is, or would be, at this name of an open folder, or below.
    pub(crate) fn lies_at(&self, folder: BorrowedFd<'_>, name: &OsStr) -> bool {
        if self.folders.is_empty() {
            return false;
        }
        // A folder whose name is not known might be any.
        let Ok(path) = std::fs::read_link(path(folder)) else { return true };
        let path = path.join(name);
        self.folders.iter().any(|private| private.path.starts_with(&path))
    }
}

/// Where this process finds an open folder, whatever it is called by now.
pub(crate) fn path(folder: impl AsFd) -> PathBuf {
    format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd()).into()
}

/// The path with its links followed; what is not there yet stays as it is written.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match there.map(|(above, real)| (path.strip_prefix(above), real)) {
        Some((Ok(rest), real)) if rest.as_os_str().is_empty() => real,
        Some((Ok(rest), real)) => real.join(rest),
        _ => path,
    }
}

fn at(path: &Path) -> Option<Identity> {
    rustix::fs::stat(path).ok().as_ref().map(identity)
}

fn identity(about: &Stat) -> Identity {
    (about.st_dev, about.st_ino)
}
