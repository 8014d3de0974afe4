//! A script's file space, opened.
//!
//! Invariant: its folders are held open, so what is renamed or replaced on the host later changes nothing here.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use crate::error::{FileError, MountError};
use crate::mount::{self, HOME_PATH, Mount, SCRIPT_PATH};
use crate::open::{self, OpenFile};
use crate::quota::Quota;

/// The folders that one script sees. Cheap to clone; clones share the count of what the private folder holds.
#[derive(Clone, Debug)]
pub struct FileSpace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    mounts: Vec<(Mount, Arc<OwnedFd>)>,
    quota: Quota,
}

impl FileSpace {
    /// Opens the folder that the script came from (read-only), its private folder (written within its quota) and further
    /// ones.
    ///
    /// # Errors
    /// Where a folder is not there, or two of them clash.
    pub fn open(
        script: Option<&Path>,
        home: Option<&Path>,
        home_bytes_max: u64,
        more: &[Mount],
    ) -> Result<Self, MountError> {
        mount::check(more)?;
        let home = home.map(mount::folder).transpose()?;
        let home = home.map(|host| Mount { host, guest: HOME_PATH.to_owned(), writable: true });
        let script = script.map(mount::folder).transpose()?;
        let script = script.map(|host| Mount { host, guest: SCRIPT_PATH.to_owned(), writable: false });
        let all = script.into_iter().chain(home).chain(more.iter().cloned());
        let open = |mount: Mount| Ok((mount.clone(), Arc::new(open_folder(&mount.host)?)));
        let mounts: Vec<_> = all.map(open).collect::<Result<_, _>>()?;
        let home = mounts.iter().find(|(mount, _)| mount.guest == HOME_PATH).map(|(_, folder)| Arc::clone(folder));
        let quota = Quota::new(home, home_bytes_max);
        Ok(Self { inner: Arc::new(Inner { mounts, quota }) })
    }

    /// Without any folder.
    pub fn empty() -> Self {
        Self { inner: Arc::new(Inner { mounts: Vec::new(), quota: Quota::new(None, 0) }) }
    }

    /// Its folders: the script's own two first, where it has them.
    pub fn mounts(&self) -> impl Iterator<Item = &Mount> {
        self.inner.mounts.iter().map(|(mount, _)| mount)
    }

    /// The same, each with a path under which this process finds it, whatever it is called on the host by now.
    pub fn folders(&self) -> impl Iterator<Item = (&Mount, PathBuf)> {
        self.inner.mounts.iter().map(|(mount, folder)| (mount, open::path(folder)))
    }

    /// The private folder.
    pub fn home(&self) -> Option<&Mount> {
        self.mounts().find(|mount| mount.guest == HOME_PATH)
    }

    /// What the private folder may hold.
    pub fn quota(&self) -> &Quota {
        &self.inner.quota
    }

    /// Opens a file that the guest names for reading. A relative path is looked for in the private folder first, then in
    /// the folder the script came from; an absolute one that is in no folder of the script's, in the private folder. Blocks.
    ///
    /// # Errors
    /// Says which of the reasons it is that the file is not to be had; see [`FileError`].
    pub fn open_file(&self, path: &str) -> Result<OpenFile, FileError> {
        let parts = open::parts(path)?;
        for (folder, rest) in self.places(path, &parts) {
            let is_home = self.folder(HOME_PATH).is_some_and(|home| std::ptr::eq(home, folder));
            let mut turn = is_home.then(|| self.quota().turn());
            match open::regular_file(folder.as_fd(), &rest, path) {
                Err(FileError::NotFound(_)) => {}
                Ok(found) => {
                    turn.iter_mut().for_each(|turn| turn.opened(&found.file));
                    return Ok(found);
                }
                refused => return refused,
            }
        }
        Err(FileError::NotFound(path.to_owned()))
    }

    /// Where a path may lie: a folder and the way from there.
    fn places(&self, path: &str, parts: &[&str]) -> Vec<(&OwnedFd, String)> {
        if path.starts_with('/') {
            let below = self.inner.mounts.iter().find_map(|(mount, folder)| {
                let place: Vec<&str> = mount.guest.split('/').skip(1).collect();
                parts.strip_prefix(&place[..]).map(|rest| (&**folder, rest.join("/")))
            });
            if let Some(place) = below {
                return vec![place];
            }
        }
        let (home, script) = (self.folder(HOME_PATH), self.folder(SCRIPT_PATH).filter(|_| !path.starts_with('/')));
        home.into_iter().chain(script).map(|folder| (folder, parts.join("/"))).collect()
    }

    pub(crate) fn folder(&self, guest: &str) -> Option<&OwnedFd> {
        self.inner.mounts.iter().find(|(mount, _)| mount.guest == guest).map(|(_, folder)| &**folder)
    }
}

fn open_folder(host: &Path) -> Result<OwnedFd, MountError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(host, flags, Mode::empty())
        .map_err(|reason| MountError::NotAFolder { host: host.display().to_string(), reason: reason.into() })
}
