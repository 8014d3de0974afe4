//! What a guest may look at: what is at a path, what a folder holds, where a link leads.
//!
//! Invariant: nothing here changes anything but the time of a last access.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::private::is_signed;
use crate::space::FileSpace;
use crate::tree::{Branch, Child, Folder, Place, TMP_NAME, subfolder};
use crate::walk::link_text;

/// What the host and the runtime keep in the private folder: temporary files, compiled modules. A script finds them by their
/// names, and what goes through its project does not come upon them.
const UNLISTED_NAMES: [&str; 2] = [TMP_NAME, ".cache"];

/// Names that one folder is listed with at most.
pub const LISTING_ENTRIES_MAX: usize = 65_536;

/// What is at a path.
#[derive(Clone, Debug)]
pub enum About {
    /// A folder that is there only because another is below it.
    Above(Place),
    /// Anything that is on the host.
    There(Box<Stat>),
}

impl FileSpace {
    /// What is at a path, from a folder. Blocks.
    ///
    /// # Errors
    /// As the system call of this name; a link that leads out is as one to nothing, which programs that look through a
    /// folder are ready for.
    pub fn stat(&self, from: &Place, path: &str, follow: bool) -> Result<About, Errno> {
        let leads_out = |errno| if errno == Errno::PERM { Errno::NOENT } else { errno };
        match self.walk(from, path, follow).map_err(leads_out)?.what {
            Child::Missing => Err(Errno::NOENT),
            Child::File { about, .. } => Ok(About::There(about)),
            Child::Folder(Folder { place, branches }) => match branches.first() {
                Some(branch) => Ok(About::There(Box::new(rustix::fs::fstat(branch.fd())?))),
                None => Ok(About::Above(place)),
            },
        }
    }

    /// The names in a folder, each once. Blocks.
    ///
    /// # Errors
    /// As the system call of this name; `EOVERFLOW` where there are more than [`LISTING_ENTRIES_MAX`].
    pub fn list(&self, place: &Place) -> Result<Vec<(String, FileType)>, Errno> {
        let found = self.walk(place, ".", true)?;
        let Child::Folder(folder) = found.what else { return Err(Errno::NOTDIR) };
        let mut names = BTreeMap::new();
        for branch in &folder.branches {
            self.list_names(&folder, branch, &mut names)?;
        }
        names.extend(self.tree().fixed_names(&folder.place).into_iter().map(|name| (name, FileType::Directory)));
        if folder.place == Place::root() && matches!(self.stat(&folder.place, TMP_NAME, true), Ok(About::There(_))) {
            names.insert(TMP_NAME.to_owned(), FileType::Directory);
        }
        Ok(names.into_iter().collect())
    }

    fn list_names(
        &self,
        folder: &Folder<'_>,
        branch: &Branch<'_>,
        names: &mut BTreeMap<String, FileType>,
    ) -> Result<(), Errno> {
        if let Some(name) = branch.only() {
            // The folder itself need not be open to who reads.
            return self.list_name(folder, branch, name, FileType::Unknown, names);
        }
        let readable = reopened(branch)?;
        for entry in Dir::read_from(&readable)? {
            let entry = entry?;
            // What is not UTF-8 could not be named by a guest.
            let Ok(name) = entry.file_name().to_str() else { continue };
            self.list_name(folder, branch, name, entry.file_type(), names)?;
        }
        Ok(())
    }

    /// Adds a name, if the guest sees it here.
    fn list_name(
        &self,
        folder: &Folder<'_>,
        branch: &Branch<'_>,
        name: &str,
        kind: FileType,
        names: &mut BTreeMap<String, FileType>,
    ) -> Result<(), Errno> {
        if matches!(name, "." | "..") || branch.hides(name) || names.contains_key(name) {
            return Ok(());
        }
        if branch.is_home_itself() && UNLISTED_NAMES.contains(&name) {
            return Ok(());
        }
        if !branch.layer.is_home() && (folder.is_whited_out(name) || self.is_hidden(branch, name, kind)) {
            return Ok(());
        }
        let kind = match kind {
            FileType::Unknown => match branch.about(name)? {
                Some(about) => FileType::from_raw_mode(about.st_mode),
                None => return Ok(()),
            },
            kind => kind,
        };
        if names.len() >= LISTING_ENTRIES_MAX {
            return Err(Errno::OVERFLOW);
        }
        names.insert(name.to_owned(), kind);
        Ok(())
    }

    /// Whether it is one of the host's own folders, or the kernel's.
    fn is_hidden(&self, branch: &Branch<'_>, name: &str, kind: FileType) -> bool {
        let may_be = matches!(kind, FileType::Directory | FileType::Unknown);
        let Some(about) = may_be.then(|| branch.about(name).ok().flatten()).flatten() else { return false };
        self.tree().private().is(&about) || is_signed(branch.fd(), name) || self.is_kernels_own(branch, name, &about)
    }

    fn is_kernels_own(&self, branch: &Branch<'_>, name: &str, about: &Stat) -> bool {
        // All of them are mounted, so what lies on the folder's own disk is none.
        let is_mounted = rustix::fs::fstat(branch.fd()).is_ok_and(|folder| folder.st_dev != about.st_dev);
        let opened = || subfolder(branch, name).is_ok_and(|folder| self.tree().is_kernels_own(folder, about));
        is_mounted && opened() || self.tree().is_devices(about)
    }

    /// Where a link leads. Blocks.
    ///
    /// # Errors
    /// As the system call of this name; `EPERM` for an absolute one, which means a place of the host's.
    pub fn read_link(&self, from: &Place, path: &str) -> Result<String, Errno> {
        let found = self.walk(from, path, false)?;
        match (found.what, found.at) {
            (Child::File { branch, .. }, Some((_, name))) => link_text(branch.fd(), &name),
            (Child::Missing, _) => Err(Errno::NOENT),
            _ => Err(Errno::INVAL),
        }
    }

    /// Makes sure that a folder's entries are on the disk. Blocks.
    ///
    /// # Errors
    /// As the system call of this name.
    pub fn sync_folder(&self, place: &Place) -> Result<(), Errno> {
        let Child::Folder(folder) = self.walk(place, ".", true)?.what else { return Err(Errno::NOTDIR) };
        match folder.branches.first() {
            Some(branch) if branch.layer.writable() => rustix::fs::fsync(reopened(branch)?),
            _ => Ok(()),
        }
    }
}

/// A folder, opened for more than looking up names.
fn reopened(branch: &Branch<'_>) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(branch.fd(), ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
