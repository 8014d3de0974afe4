//! The host's own folders, which no script sees: data, configuration and cache, this command's and every other's.
//!
//! Invariant: one of them is known by what it is, not by what it is called, so that no link and no second mount leads there;
//! one that is made later is known from then on. A guest moves no folder that one of this command's lies in, makes nothing
//! where one would be, and makes none of the names that another command's are known by.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Stat};
use serde::{Deserialize, Serialize};

/// The name of the file that says of its folder that it is one of the host's own.
pub const OWN_FOLDER_MARK: &str = ".tglhost-own";

/// What it holds, for whoever wonders.
const MARK_TEXT: &str = "This folder is tglhost's own: no script sees it, or anything in it.\n";

/// A folder is the host's own where it has all names of a line: the mark; or what a configuration, an account and a data
/// centre have, since earlier versions made no mark.
const SIGNS: [&[&str]; 4] =
    [&[OWN_FOLDER_MARK], &["tglhost.toml"], &["account.db", "account.lock"], &["datacentre.lock", "rsa.pem"]];

/// Marks a folder as the host's own, unless it is marked already.
///
/// # Errors
/// As making a file there.
pub fn mark_own_folder(folder: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(OWN_FOLDER_MARK)) {
        Ok(mut mark) => mark.write_all(MARK_TEXT.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The host's own folder that a folder is or lies in, whichever command's it is.
pub fn own_folder_around(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| is_signed(CWD, folder))
}

/// Whether the folder of this name in an open one is the host's own by what is in it.
pub(crate) fn is_signed(folder: BorrowedFd<'_>, name: impl AsRef<Path>) -> bool {
    let has = |sign: &&str| rustix::fs::statat(folder, name.as_ref().join(sign), AtFlags::SYMLINK_NOFOLLOW).is_ok();
    SIGNS.iter().any(|signs| signs.iter().all(has))
}

/// Whether an open folder would be taken for the host's own once it had something of this name.
pub(crate) fn would_sign(folder: BorrowedFd<'_>, name: &str) -> bool {
    let has = |sign: &&str| *sign == name || rustix::fs::statat(folder, *sign, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    SIGNS.iter().any(|signs| signs.contains(&name) && signs.iter().all(has))
}

/// Folders that are hidden wherever they lie.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Private {
    folders: Vec<PrivateFolder>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PrivateFolder {
    /// Links in it followed, as far as it was there. Not every path is a text, so it crosses to another process as it is.
    #[serde(with = "as_it_is")]
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

    /// The one that a folder of the host's is or lies in, whichever command's it is.
    pub(crate) fn around<'a>(&'a self, folder: &'a Path) -> Option<&'a Path> {
        self.known_around(folder).or_else(|| own_folder_around(folder))
    }

    /// The same of those that are known by their places, and not by what is in them.
    pub(crate) fn known_around<'a>(&'a self, folder: &'a Path) -> Option<&'a Path> {
        let is_one = |folder: &&Path| rustix::fs::stat(*folder).is_ok_and(|about| self.is(&about));
        let mut known = self.folders.iter().map(|private| private.path.as_path());
        let known = known.find(|private| folder.starts_with(private));
        known.or_else(|| folder.ancestors().find(is_one))
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

/// A path as the system's own string, which serde takes whatever is in it.
mod as_it_is {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(deserializer).map(PathBuf::from)
    }
}
