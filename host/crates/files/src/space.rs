//! A script's file space, opened.
//!
//! Invariant: folders of others are held open, so what is renamed or replaced on the host later changes nothing here. The private
//! folder is one of the host's own, and found where it lies.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::MountError;
use crate::kept::KeptFiles;
use crate::kernel::is_kernels_own;
use crate::mount::{self, DEVICES_PATH, Mount, Project};
use crate::private::{self, Private};
use crate::quota::{Counter, Quota};
use crate::root::Root;
use crate::tree::{Layer, LayerKind, Place, Tree};
use crate::walk::Found;

/// How often a look-up is repeated because something was renamed on its way.
const RACES_MAX: u32 = 16;

/// Kinds of file system that lie on this machine, as `statfs` numbers them: ext4, XFS, Btrfs, tmpfs, overlay, F2FS, ZFS,
/// bcachefs. <https://man7.org/linux/man-pages/man2/statfs.2.html>
const LOCAL_FILE_SYSTEMS: [u32; 8] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e];

/// The folders of the host that one script is to see.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// What the script is part of: /script.
    pub project: Option<Project>,
    /// What it alone writes to: /home.
    pub home: Option<PathBuf>,
    /// How much that may hold.
    pub home_bytes_max: u64,
    /// Further ones.
    pub mounts: Vec<Mount>,
    /// The host's own, which it sees nowhere, whatever the others hold.
    pub private: Vec<PathBuf>,
}

/// The folders that one script sees. Cheap to clone; clones share the count of what the private folder holds.
#[derive(Clone, Debug)]
pub struct FileSpace {
    inner: Arc<Inner>,
    counter: Arc<dyn Counter>,
    pub(crate) begins_at_root: bool,
}

#[derive(Debug)]
struct Inner {
    tree: Tree,
    is_local: bool,
    quota: Quota,
    saving: Mutex<()>,
    kept: KeptFiles,
}

impl FileSpace {
    /// Opens a project folder, a private folder with its quota and further ones; nothing is hidden.
    ///
    /// # Errors
    /// Where a folder is not there, or two of them clash.
    pub fn open(
        project: Option<&Path>,
        home: Option<&Path>,
        home_bytes_max: u64,
        more: &[Mount],
    ) -> Result<Self, MountError> {
        let (project, home) = (project.map(Project::new), home.map(Path::to_owned));
        Self::of(Folders { project, home, home_bytes_max, mounts: more.to_vec(), private: Vec::new() })
    }

    /// Opens a script's folders.
    ///
    /// # Errors
    /// Where a folder is not there, two of them clash, or one given is the host's own.
    pub fn of(folders: Folders) -> Result<Self, MountError> {
        let Folders { project, home, home_bytes_max, mounts, private } = folders;
        mount::check(&mounts)?;
        let private = Private::new(&private);
        // A script that sees itself alone may lie anywhere.
        let whole = project.iter().filter(|project| project.only.is_none());
        let whole = whole.map(|project| (&project.folder, project.is_in_host_folder));
        let seen = whole.chain(mounts.iter().map(|mount| (&mount.host, false)));
        for (folder, is_in_host_folder) in seen {
            let folder_resolved = private::resolved(folder);
            let own = match is_in_host_folder {
                true => private.known_around(&folder_resolved),
                false => private.around(&folder_resolved),
            };
            if let Some(own) = own {
                let (host, own) = (folder.display().to_string(), own.display().to_string());
                return Err(MountError::Private { host, own });
            }
        }
        let project = project.map(|project| Ok((opened(Root::held, &project.folder)?, project))).transpose()?;
        let home = home.map(|host| opened(Root::private, &host)).transpose()?;
        let mounts = mounts.into_iter().map(|mount| Ok((mount.clone(), opened(Root::held, &mount.host)?)));
        let mounts = mounts.collect::<Result<Vec<_>, MountError>>()?;
        let project = project.as_ref().map(|(root, project)| (project, root.clone()));
        let tree = Tree::new(project, home, mounts, private);
        let is_local = tree.layers().all(|layer| layer.root.open().is_ok_and(is_local));
        // A host that has no devices has none to give.
        let tree =
            match rustix::fs::open(DEVICES_PATH, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(devices) => tree.with_devices(devices),
                Err(_) => tree,
            };
        Ok(Self::in_tree(tree, is_local, home_bytes_max))
    }

    pub(crate) fn in_tree(tree: Tree, is_local: bool, home_bytes_max: u64) -> Self {
        let quota = Quota::new(tree.home().cloned(), home_bytes_max);
        let counter = Arc::new(quota.clone());
        let inner = Arc::new(Inner { tree, is_local, quota, saving: Mutex::default(), kept: KeptFiles::default() });
        Self { inner, counter, begins_at_root: false }
    }

    /// Without any folder.
    pub fn empty() -> Self {
        Self::in_tree(Tree::default(), true, 0)
    }

    /// The same for a guest that takes the root for its working folder and names relative paths from there, as compiled ones
    /// do: what the root does not have is looked for in the working folder, also by an absolute path, since they look alike.
    #[must_use]
    pub fn beginning_at_root(self) -> Self {
        Self { begins_at_root: true, ..self }
    }

    /// The same where the guest writes to the folders from another process: what is saved for it is counted there.
    #[must_use]
    pub fn counted_by(self, counter: Arc<dyn Counter>) -> Self {
        Self { counter, ..self }
    }

    /// Whether there is a private folder.
    pub fn has_home(&self) -> bool {
        self.tree().home().is_some()
    }

    /// The host's folders of which the guest sees what is in them, and whether it may write there. Beside those it opens
    /// [`Self::lone_file`] and [`NULL_PATH`](crate::NULL_PATH).
    ///
    /// # Errors
    /// Where the private folder cannot be opened.
    pub fn opened_folders(&self) -> io::Result<Vec<(Arc<OwnedFd>, bool)>> {
        let layers = self.tree().layers().filter(|layer| layer.only().is_none());
        layers.map(|layer| Ok((layer.root.open()?, layer.writable()))).collect()
    }

    /// The one file that the guest sees of its project, where it sees no more of it and the file is there.
    pub fn lone_file(&self) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let project = self.tree().layers().filter(|layer| layer.kind != LayerKind::Devices);
        let mut lone = project.filter_map(|layer| Some((layer, layer.only()?)));
        lone.find_map(|(layer, name)| rustix::fs::openat(layer.root.open().ok()?, name, flags, Mode::empty()).ok())
    }

    /// Whether what is done to an open file counts in the private folder. Only what is known to be elsewhere does not.
    pub fn counts(&self, file: &File) -> bool {
        let Ok(place) = std::fs::read_link(private::path(file)) else { return true };
        let is_in = |layer: &Layer| {
            let path_of = |root| std::fs::read_link(private::path(&root));
            layer.root.open().map_err(Into::into).and_then(path_of).is_ok_and(|folder| place.starts_with(folder))
        };
        let layers = || self.tree().layers();
        layers().filter(|layer| layer.is_home()).any(is_in) || !layers().filter(|layer| !layer.is_home()).any(is_in)
    }

    /// Whether looking something up asks no other machine and no other program: its folders lie on this one's disks. What is
    /// mounted below them is not known.
    pub fn is_local(&self) -> bool {
        self.inner.is_local
    }

    /// What the private folder may hold.
    pub fn quota(&self) -> &Quota {
        &self.inner.quota
    }

    /// Where relative paths begin.
    pub fn cwd(&self) -> Place {
        self.inner.tree.cwd()
    }

    /// The same as a path.
    pub fn cwd_path(&self) -> String {
        format!("/{}", self.cwd().0.join("/"))
    }

    /// Walks a path from a folder, as [`Tree::walk`].
    pub(crate) fn walk(&self, from: &Place, path: &str, follow: bool) -> Result<Found<'_>, Errno> {
        self.inner.tree.walk(from, path, follow, self.begins_at_root)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.inner.tree
    }

    pub(crate) fn counter(&self) -> &dyn Counter {
        &*self.counter
    }

    /// The right to put something into the private folder that is counted after it.
    pub(crate) fn saving(&self) -> MutexGuard<'_, ()> {
        self.inner.saving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kept(&self) -> &KeptFiles {
        &self.inner.kept
    }

    pub(crate) fn home_folder(&self) -> Result<Option<Arc<OwnedFd>>, Errno> {
        self.tree().home().map(Root::open).transpose()
    }
}

/// A folder in another one, links not followed.
pub(crate) fn subfolder(folder: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    let mut races = 0;
    loop {
        match rustix::fs::openat2(&folder, name, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if races < RACES_MAX => races += 1,
            ended => return ended,
        }
    }
}

fn is_local(root: impl AsFd) -> bool {
    rustix::fs::fstatfs(root).is_ok_and(|about| LOCAL_FILE_SYSTEMS.contains(&(about.f_type as u32)))
}

fn opened(how: fn(&Path) -> Result<Root, Errno>, host: &Path) -> Result<Root, MountError> {
    let failed = |reason: Errno| MountError::NotAFolder { host: host.display().to_string(), reason: reason.into() };
    let root = how(host).map_err(failed)?;
    if is_kernels_own(root.open().map_err(failed)?) {
        return Err(MountError::KernelsOwn { host: host.display().to_string() });
    }
    Ok(root)
}
