//! What a guest may change: the private folder, and others that it was given to write to. What it changes of its project is
//! changed in the private folder: a file is copied there before it is written to, and one that is removed gets a mark there
//! that hides the project's ([`WHITEOUT_PREFIX`]), as in other copy-on-write folders.
//!
//! Invariant: the project is never changed, unless the script works in it. A name gets its new content at once or not at
//! all, whenever the host is killed. What is made in the private folder has asked for room before: [`Room`].

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, Timestamps};
use rustix::io::Errno;

use crate::copy::copy;
use crate::private::{OWN_FOLDER_MARK, is_signed, would_sign};
use crate::quota::ENTRY_BYTES;
use crate::space::FileSpace;
use crate::tree::{Branch, Child, Folder, Place, WHITEOUT_PREFIX};
use crate::walk::{Found, is_link};

/// Asks for so many bytes more in the private folder; false where there is no room for them.
pub type Room<'a> = dyn FnMut(u64) -> bool + 'a;

/// A folder of the host's that a name is about to be changed in.
pub(crate) struct Target {
    pub(crate) folder: Arc<OwnedFd>,
    pub(crate) is_home: bool,
}

impl Target {
    pub(crate) fn ask(&self, bytes: u64, room: &mut Room<'_>) -> Result<(), Errno> {
        if !self.is_home || room(bytes) { Ok(()) } else { Err(Errno::NOSPC) }
    }
}

impl FileSpace {
    /// Makes a folder. Blocks, as all below.
    ///
    /// # Errors
    /// As the system call of this name; so below.
    pub fn make_folder(&self, from: &Place, path: &str, room: &mut Room<'_>) -> Result<(), Errno> {
        let (folder, name) = self.missing(from, path)?;
        let target = self.target(&folder, &name, room)?;
        target.ask(ENTRY_BYTES, room)?;
        rustix::fs::mkdirat(&target.folder, &name, Mode::from(0o777))
    }

    /// Makes a link with this text. An absolute one in the private folder is made as the relative one that leads there; where
    /// the host's programs may follow it too, it must not lead out of the folder that the script was given.
    pub fn make_link(&self, text: &str, from: &Place, path: &str, room: &mut Room<'_>) -> Result<(), Errno> {
        let (folder, name) = self.missing(from, path)?;
        let target = self.target(&folder, &name, room)?;
        let relative = match text.starts_with('/') && target.is_home {
            true => Some(self.tree().relative(&folder.place, text).ok_or(Errno::PERM)?),
            false => None,
        };
        let text = relative.as_deref().unwrap_or(text);
        if !target.is_home && self.leads_out(text, &folder.place) {
            return Err(Errno::PERM);
        }
        target.ask(ENTRY_BYTES.saturating_add(text.len() as u64), room)?;
        rustix::fs::symlinkat(text, &target.folder, &name)
    }

    /// Gives a file one more name.
    pub fn add_name(
        &self,
        from: &Place,
        path: &str,
        to: &Place,
        to_path: &str,
        room: &mut Room<'_>,
    ) -> Result<(), Errno> {
        let found = self.walk(from, path, false)?;
        let (folder, name) = found.at.ok_or(Errno::PERM)?;
        let (to_folder, to_name) = self.missing(to, to_path)?;
        let branch = match found.what {
            Child::File { branch, .. } => branch,
            Child::Folder(_) => return Err(Errno::PERM),
            Child::Missing => return Err(Errno::NOENT),
        };
        let target = self.target(&to_folder, &to_name, room)?;
        let source = self.own_copy(&folder, &name, &branch, room)?;
        if source.is_home != target.is_home || (!target.is_home && !same_region(self, &folder, &to_folder)) {
            return Err(Errno::XDEV);
        }
        self.check_link(&branch, &name, &folder, &to_folder, &target)?;
        target.ask(ENTRY_BYTES, room)?;
        rustix::fs::linkat(&source.folder, &name, &target.folder, &to_name, AtFlags::empty())
    }

    /// Removes a file or link.
    pub fn remove_file(&self, from: &Place, path: &str, room: &mut Room<'_>) -> Result<(), Errno> {
        let found = self.walk(from, path, false)?;
        let branch = match found.what {
            Child::File { branch, .. } => branch,
            Child::Folder(_) => return Err(Errno::ISDIR),
            Child::Missing => return Err(Errno::NOENT),
        };
        let (folder, name) = found.at.ok_or(Errno::BUSY)?;
        if branch.layer.writable() {
            self.hide_project(&folder, &name, room)?;
            return rustix::fs::unlinkat(branch.fd(), &name, AtFlags::empty());
        }
        // It is refused where there is nothing to write to.
        self.target(&folder, &name, room)?;
        self.hide_project(&folder, &name, room)
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, from: &Place, path: &str, room: &mut Room<'_>) -> Result<(), Errno> {
        let found = self.walk(from, path, false)?;
        let removed = match found.what {
            Child::Folder(folder) => folder,
            Child::File { .. } => return Err(Errno::NOTDIR),
            Child::Missing => return Err(Errno::NOENT),
        };
        let (folder, name) = found.at.ok_or(Errno::INVAL)?;
        if self.tree().is_fixed(&removed.place) {
            return Err(Errno::BUSY);
        }
        if !self.list(&removed.place)?.is_empty() {
            return Err(Errno::NOTEMPTY);
        }
        let target = self.target(&folder, &name, room)?;
        self.hide_project(&folder, &name, room)?;
        match removed.branches.first() {
            Some(branch) if branch.layer.writable() => {
                remove_marks(branch)?;
                rustix::fs::unlinkat(&target.folder, &name, AtFlags::REMOVEDIR)
            }
            _ => Ok(()),
        }
    }

    /// Gives a file or folder another name; what had that name before is replaced.
    pub fn rename(
        &self,
        from: &Place,
        path: &str,
        to: &Place,
        to_path: &str,
        room: &mut Room<'_>,
    ) -> Result<(), Errno> {
        let (found, to_found) = (self.walk(from, path, false)?, self.walk(to, to_path, false)?);
        let must_be_folder = found.must_be_folder || to_found.must_be_folder;
        let (Some((folder, name)), Some((to_folder, to_name))) = (found.at, to_found.at) else {
            return Err(Errno::BUSY);
        };
        let (place, to_place) = (folder.place.child(&name), to_folder.place.child(&to_name));
        if self.tree().is_fixed(&place) || self.tree().is_fixed(&to_place) {
            return Err(Errno::BUSY);
        }
        if place == to_place {
            return if matches!(found.what, Child::Missing) { Err(Errno::NOENT) } else { Ok(()) };
        }
        let branch = match &found.what {
            Child::Missing => return Err(Errno::NOENT),
            Child::File { .. } if must_be_folder => return Err(Errno::NOTDIR),
            Child::File { branch, .. } => branch.clone(),
            Child::Folder(_) if to_place.0.starts_with(&place.0) => return Err(Errno::INVAL),
            // A folder that is the project's wholly or in part would have to be copied: `mv` and shutil do that when told so.
            Child::Folder(moved) => match &moved.branches[..] {
                [branch] if branch.layer.writable() => branch.clone(),
                _ => return Err(Errno::XDEV),
            },
        };
        let is_folder = matches!(found.what, Child::Folder(_));
        self.check_replaced(is_folder, &to_found.what)?;
        let target = self.target(&to_folder, &to_name, room)?;
        if !branch.layer.writable() {
            if !target.is_home || folder.home().is_none() && !same_region(self, &folder, &to_folder) {
                return Err(Errno::XDEV);
            }
            copy(&branch, &name, &target, &to_name, room)?;
            return self.hide_project(&folder, &name, room);
        }
        let source = self.target(&folder, &name, room)?;
        if source.is_home != target.is_home || (!target.is_home && !same_region(self, &folder, &to_folder)) {
            return Err(Errno::XDEV);
        }
        if matches!(&found.what, Child::File { .. }) {
            self.check_link(&branch, &name, &folder, &to_folder, &target)?;
        }
        if let Child::Folder(replaced) = &to_found.what {
            replaced.home().map_or(Ok(()), remove_marks)?;
            self.hide_project(&to_folder, &to_name, room)?;
        }
        self.hide_project(&folder, &name, room)?;
        rustix::fs::renameat(&source.folder, &name, &target.folder, &to_name)
    }

    /// Sets a file's times.
    pub fn set_times(
        &self,
        from: &Place,
        path: &str,
        follow: bool,
        times: &Timestamps,
        room: &mut Room<'_>,
    ) -> Result<(), Errno> {
        let found = self.walk(from, path, follow)?;
        match (found.what, found.at) {
            (Child::Missing, _) => Err(Errno::NOENT),
            (Child::File { branch, .. }, Some((folder, name))) => {
                let own = self.own_copy(&folder, &name, &branch, room)?;
                rustix::fs::utimensat(&own.folder, &name, times, AtFlags::SYMLINK_NOFOLLOW)
            }
            (Child::Folder(folder), _) => match folder.branches.first() {
                Some(branch) if branch.layer.writable() => {
                    rustix::fs::utimensat(branch.fd(), ".", times, AtFlags::empty())
                }
                _ => Err(Errno::ROFS),
            },
            (Child::File { .. }, None) => Err(Errno::INVAL),
        }
    }

    /// The file where it can be written to: in its own folder, or copied from the project.
    pub(crate) fn own_copy(
        &self,
        folder: &Folder<'_>,
        name: &str,
        branch: &Branch<'_>,
        room: &mut Room<'_>,
    ) -> Result<Target, Errno> {
        let target = self.target(folder, name, room)?;
        if !branch.layer.writable() {
            copy(branch, name, &target, name, room)?;
        }
        Ok(target)
    }

    /// The folder of the host's that a name is made in: the private one's for the project, with those above it made where
    /// they are missing.
    pub(crate) fn target(&self, folder: &Folder<'_>, name: &str, room: &mut Room<'_>) -> Result<Target, Errno> {
        let target = match folder.branches.first() {
            Some(branch) if branch.layer.writable() => {
                if branch.hides(name) {
                    return Err(Errno::PERM);
                }
                Target { folder: Arc::clone(&branch.folder), is_home: branch.layer.is_home() }
            }
            _ => self.home_target(folder, room)?,
        };
        if name == OWN_FOLDER_MARK || !target.is_home && self.is_kept_from_guests(target.folder.as_fd(), name) {
            return Err(Errno::ACCESS);
        }
        Ok(target)
    }

    /// Whether one of the host's own folders has this name, would have it or lies below it, or would be known by it.
    fn is_kept_from_guests(&self, folder: BorrowedFd<'_>, name: &str) -> bool {
        self.tree().private().lies_at(folder, OsStr::new(name)) || is_signed(folder, name) || would_sign(folder, name)
    }

    /// The private folder's part of a folder that only the project has yet.
    fn home_target(&self, folder: &Folder<'_>, room: &mut Room<'_>) -> Result<Target, Errno> {
        let depth = self.tree().region_depth(&folder.place);
        let region = Place(folder.place.0[..depth].to_vec());
        let Child::Folder(top) = self.walk(&region, ".", true)?.what else { return Err(Errno::ROFS) };
        let mut own = Arc::clone(&top.home().ok_or(Errno::ROFS)?.folder);
        for name in &folder.place.0[depth..] {
            let open = || {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                rustix::fs::openat(&own, name, flags, Mode::empty())
            };
            let next = match open() {
                Err(Errno::NOENT) => {
                    if !room(ENTRY_BYTES) {
                        return Err(Errno::NOSPC);
                    }
                    rustix::fs::mkdirat(&own, name, Mode::from(0o777))?;
                    open()?
                }
                opened => opened?,
            };
            own = Arc::new(next);
        }
        Ok(Target { folder: own, is_home: true })
    }

    /// Marks the project's file or folder of this name, if there is one that is seen, as removed.
    fn hide_project(&self, folder: &Folder<'_>, name: &str, room: &mut Room<'_>) -> Result<(), Errno> {
        let has_layers_below = folder.branches.iter().any(|branch| !branch.layer.writable());
        if !has_layers_below || !folder.is_below(name)? {
            return Ok(());
        }
        let target = self.home_target(folder, room)?;
        target.ask(ENTRY_BYTES, room)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&target.folder, format!("{WHITEOUT_PREFIX}{name}"), flags, Mode::RUSR | Mode::WUSR).map(drop)
    }

    /// Whether a link with this text leads out of the folder that the script was given. `..` is known to stay in it only at
    /// the beginning: what a name stands for may become a link itself.
    fn leads_out(&self, text: &str, place: &Place) -> bool {
        let depth = place.0.len() - self.tree().region_depth(place);
        let mut names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        let ups = names.by_ref().take_while(|name| *name == "..").count();
        text.starts_with('/') || ups > depth || names.any(|name| name == "..")
    }

    /// Refuses to take a link to where it would lead out, unless it does already.
    fn check_link(
        &self,
        branch: &Branch<'_>,
        name: &str,
        from: &Folder<'_>,
        to: &Folder<'_>,
        target: &Target,
    ) -> Result<(), Errno> {
        if target.is_home || !branch.about(name)?.is_some_and(|about| is_link(&about)) {
            return Ok(());
        }
        let text = rustix::fs::readlinkat(branch.fd(), name, Vec::new())?.into_string().map_err(|_| Errno::ILSEQ)?;
        let is_led_out = self.leads_out(&text, &to.place) && !self.leads_out(&text, &from.place);
        if is_led_out { Err(Errno::PERM) } else { Ok(()) }
    }

    /// Whether what has the name may make way.
    fn check_replaced(&self, by_folder: bool, replaced: &Child<'_>) -> Result<(), Errno> {
        match replaced {
            Child::File { .. } if by_folder => Err(Errno::NOTDIR),
            Child::Folder(_) if !by_folder => Err(Errno::ISDIR),
            Child::Folder(folder) if !self.list(&folder.place)?.is_empty() => Err(Errno::NOTEMPTY),
            _ => Ok(()),
        }
    }

    /// A folder and a name that nothing has in it yet.
    fn missing(&self, from: &Place, path: &str) -> Result<(Folder<'_>, String), Errno> {
        match self.walk(from, path, false)? {
            Found { what: Child::Missing, at: Some(at), .. } => Ok(at),
            _ => Err(Errno::EXIST),
        }
    }
}

fn same_region(space: &FileSpace, one: &Folder<'_>, other: &Folder<'_>) -> bool {
    let depth = space.tree().region_depth(&one.place);
    depth == space.tree().region_depth(&other.place) && one.place.0[..depth] == other.place.0[..depth]
}

/// An empty folder may still hold marks.
fn remove_marks(branch: &Branch<'_>) -> Result<(), Errno> {
    if !branch.layer.is_home() {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(branch.fd(), ".", flags, Mode::empty())?;
    for entry in rustix::fs::Dir::read_from(&folder)? {
        let entry = entry?;
        if entry.file_name().to_bytes().starts_with(WHITEOUT_PREFIX.as_bytes()) {
            rustix::fs::unlinkat(&folder, entry.file_name(), AtFlags::empty())?;
        }
    }
    Ok(())
}
