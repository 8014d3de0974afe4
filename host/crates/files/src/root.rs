//! The host's folders that file spaces are made of, open.
//!
//! Invariant: a folder is open once in a process, however many file spaces have it; a private folder only while something is
//! done in it, or while it came open from another process. So what a host holds open does not grow with its scripts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

/// A folder of the host's.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    /// Held open: what is renamed or replaced on the host later changes nothing here.
    Held(Arc<OwnedFd>),
    /// In another one, which is held open: opened at each use. For private folders, which lie in one of the host's own, where
    /// nobody else renames them.
    In(Arc<OwnedFd>, OsString),
}

impl Root {
    /// Opens a folder of others', to hold it.
    pub(crate) fn held(host: &Path) -> Result<Self, Errno> {
        open(CWD, host.as_os_str()).map(shared).map(Self::Held)
    }

    /// A private folder, which is there.
    pub(crate) fn private(host: &Path) -> Result<Self, Errno> {
        let (Some(above), Some(name)) = (host.parent(), host.file_name()) else { return Self::held(host) };
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        let root = Self::In(open(CWD, above.as_os_str()).map(shared)?, name.to_owned());
        root.open().map(|_| root)
    }

    /// The open folder.
    pub(crate) fn open(&self) -> Result<Arc<OwnedFd>, Errno> {
        match self {
            Self::Held(folder) => Ok(Arc::clone(folder)),
            Self::In(above, name) => open(above, name).map(Arc::new),
        }
    }

    /// The same; a private one that somebody has removed is made anew, as at the next start.
    pub(crate) fn open_or_make(&self) -> Result<Arc<OwnedFd>, Errno> {
        match (self.open(), self) {
            (Err(Errno::NOENT), Self::In(above, name)) => {
                rustix::fs::mkdirat(above, name, Mode::RWXU)?;
                self.open()
            }
            (opened, _) => opened,
        }
    }
}

fn open(above: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(above, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// What one open folder has in common with another that can stand for it: its mount, its place there, how it is open.
type Likeness = (u64, (u32, u32), u64, u32);

/// The folders that are held open, as long as somebody does.
static HELD: Mutex<BTreeMap<Likeness, Weak<OwnedFd>>> = Mutex::new(BTreeMap::new());

/// The same folder, open once: this one is closed where another like it is held.
pub(crate) fn shared(folder: OwnedFd) -> Arc<OwnedFd> {
    let Some(likeness) = likeness(&folder) else { return Arc::new(folder) };
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = held.get(&likeness).and_then(Weak::upgrade) {
        return other;
    }
    // Now and then, so that it costs nothing: what was forgotten is never more than what was held.
    if held.len().is_power_of_two() {
        held.retain(|_, folder| folder.strong_count() > 0);
    }
    let folder = Arc::new(folder);
    held.insert(likeness, Arc::downgrade(&folder));
    folder
}

/// None where the kernel does not tell mounts apart (before Linux 5.8): by another one a folder may be read-only.
fn likeness(folder: &OwnedFd) -> Option<Likeness> {
    let wanted = StatxFlags::INO | StatxFlags::MNT_ID;
    let about = rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, wanted).ok()?;
    let is_told = StatxFlags::from_bits_retain(about.stx_mask).contains(wanted);
    let flags = rustix::fs::fcntl_getfl(folder).ok()?;
    is_told.then_some((about.stx_mnt_id, (about.stx_dev_major, about.stx_dev_minor), about.stx_ino, flags.bits()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn number(root: &Root) -> i32 {
        root.open().unwrap().as_raw_fd()
    }

    #[test]
    fn one_folder_is_held_once_and_what_has_its_name_later_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("a")).unwrap();
        std::os::unix::fs::symlink("a", at("link")).unwrap();
        let first = Root::held(&at("a")).unwrap();
        assert_eq!(number(&first), number(&Root::held(&at("link")).unwrap()));
        assert_ne!(number(&first), number(&Root::held(dir.path()).unwrap()));
        std::fs::rename(at("a"), at("b")).unwrap();
        std::fs::create_dir(at("a")).unwrap();
        assert_ne!(number(&first), number(&Root::held(&at("a")).unwrap()));
        assert_eq!(number(&first), number(&Root::held(&at("b")).unwrap()));
    }

    #[test]
    fn one_that_is_open_otherwise_does_not_stand_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let Root::Held(readable) = Root::held(dir.path()).unwrap() else { panic!("it is held") };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let by_path = shared(rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap());
        assert_ne!(readable.as_raw_fd(), by_path.as_raw_fd());
    }

    #[test]
    fn private_folders_cost_the_one_that_they_are_in() {
        let dir = tempfile::tempdir().unwrap();
        let roots: Vec<Root> = ["a", "b"]
            .iter()
            .map(|name| {
                std::fs::create_dir(dir.path().join(name)).unwrap();
                Root::private(&dir.path().join(name)).unwrap()
            })
            .collect();
        let [Root::In(above, _), Root::In(other, _)] = &roots[..] else { panic!("{roots:?}") };
        assert!(Arc::ptr_eq(above, other));
        assert_eq!(Root::private(&dir.path().join("c")).unwrap_err(), Errno::NOENT);
        std::fs::remove_dir(dir.path().join("a")).unwrap();
        assert_eq!(roots[0].open().unwrap_err(), Errno::NOENT);
        roots[0].open_or_make().unwrap();
        roots[0].open().unwrap();
    }
}
