//! Files that the host saves for a script, in its private folder.
//!
//! Invariant: a file has its final name only when it is whole and on the disk. Until then it has another, under which its
//! whole length counts from the beginning, and which is removed if it does not come to its end.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::FileError;
use crate::mount::HOME_PATH;
use crate::open::beneath;
use crate::quota::{ENTRY_BYTES, Quota};
use crate::space::FileSpace;

/// Where a guest finds what was saved for it.
pub const DOWNLOADS_PATH: &str = "/home/downloads";

/// The folder in the private one.
const FOLDER: &str = "downloads";
/// How a file that is not whole yet is called: its name between these.
const PART_PREFIX: &str = "download_";
const PART_SUFFIX: &str = ".part";
/// The longest name of a file.
const NAME_BYTES_MAX: usize = 200;

/// A file on its way. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    folder: OwnedFd,
    file: File,
    name: String,
    len: u64,
    quota: Quota,
    is_over: AtomicBool,
}

impl FileSpace {
    /// The guest's path of a saved file that is there already, whole.
    ///
    /// # Errors
    /// Where the script has no private folder, or one in which nothing can be saved.
    pub fn saved(&self, name: &str, len: u64) -> Result<Option<String>, FileError> {
        check_name(name)?;
        let folder = match self.downloads(false) {
            Err(FileError::NotFound(_)) => return Ok(None),
            folder => folder?,
        };
        let is_whole = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|about| {
            FileType::from_raw_mode(about.st_mode) == FileType::RegularFile && u64::try_from(about.st_size) == Ok(len)
        });
        Ok(is_whole.then(|| guest_path(name)))
    }

    /// Begins a file of this length.
    ///
    /// # Errors
    /// [`FileError::Full`] where the quota has no room for all of it.
    pub fn save(&self, name: &str, len: u64) -> Result<Incoming, FileError> {
        check_name(name)?;
        let folder = self.downloads(true)?;
        let part = part_name(name);
        // What is left of an earlier try.
        let _ = rustix::fs::unlinkat(&folder, &part, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let begun = self.quota().take_and(len.saturating_add(ENTRY_BYTES), || {
            let file = File::from(rustix::fs::openat(&folder, &part, flags, Mode::RUSR | Mode::WUSR)?);
            file.set_len(len).inspect_err(|_| {
                let _ = rustix::fs::unlinkat(&folder, &part, AtFlags::empty());
            })?;
            Ok(file)
        });
        let file = begun.map_err(|error| self.failure(name, error))?;
        let (name, quota) = (name.to_owned(), self.quota().clone());
        Ok(Incoming { folder, file, name, len, quota, is_over: AtomicBool::new(false) })
    }

    /// Removes what a killed process has left half done. To be called before anything is saved.
    pub fn remove_leftovers(&self) {
        let Ok(folder) = self.downloads(false) else { return };
        let Ok(entries) = Dir::read_from(&folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_bytes();
            if name.starts_with(PART_PREFIX.as_bytes()) && name.ends_with(PART_SUFFIX.as_bytes()) {
                let _ = rustix::fs::unlinkat(&folder, entry.file_name(), AtFlags::empty());
            }
        }
        self.quota().may_be_less();
    }

    fn downloads(&self, make: bool) -> Result<OwnedFd, FileError> {
        let home = self.folder(HOME_PATH).ok_or(FileError::NoHome)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || beneath(home.as_fd(), FOLDER, flags, ResolveFlags::NO_SYMLINKS);
        match open() {
            Err(Errno::NOENT) if make => {
                let made = self.quota().take_and(ENTRY_BYTES, || Ok(rustix::fs::mkdirat(home, FOLDER, Mode::RWXU)?));
                made.map_err(|error| self.failure("", error))?;
                open()
            }
            opened => opened,
        }
        .map_err(|errno| match errno {
            Errno::NOENT => FileError::NotFound(DOWNLOADS_PATH.to_owned()),
            errno => self.failure("", errno.into()),
        })
    }

    fn failure(&self, name: &str, error: io::Error) -> FileError {
        failure(name, error, self.quota().bytes_max())
    }
}

impl Incoming {
    /// Writes a part. Blocks.
    ///
    /// # Errors
    /// [`FileError::DiskFull`] where the host's disk has no more room; [`FileError::Failed`] where the guest has shortened
    /// or removed the file meanwhile: its room has been given free, so nothing more may grow in it.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FileError> {
        let about = self.file.metadata().map_err(|error| self.failure(error))?;
        if about.len() != self.len || about.nlink() == 0 {
            return Err(self.failure(Errno::STALE.into()));
        }
        self.file.write_all_at(bytes, offset).map_err(|error| self.failure(error))
    }

    /// Sees to it that all of it is on the disk and gives it its final name. Gives the guest's path. Blocks.
    ///
    /// # Errors
    /// Where the disk fails; then there is no such file.
    pub fn finish(&self) -> Result<String, FileError> {
        self.file.sync_all().map_err(|error| self.failure(error))?;
        let renamed = rustix::fs::renameat(&self.folder, part_name(&self.name), &self.folder, &self.name);
        renamed.map_err(|errno| self.failure(errno.into()))?;
        self.is_over.store(true, Ordering::Relaxed);
        // An earlier file may have had the name.
        self.quota.may_be_less();
        rustix::fs::fsync(&self.folder).map_err(|errno| self.failure(errno.into()))?;
        Ok(guest_path(&self.name))
    }

    /// Removes what there is, unless it is whole. Whoever still writes to it does no harm.
    pub fn abandon(&self) {
        if !self.is_over.swap(true, Ordering::Relaxed) {
            let _ = rustix::fs::unlinkat(&self.folder, part_name(&self.name), AtFlags::empty());
            self.quota.may_be_less();
        }
    }

    fn failure(&self, error: io::Error) -> FileError {
        failure(&self.name, error, self.quota.bytes_max())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.abandon();
    }
}

fn failure(name: &str, error: io::Error, bytes_max: u64) -> FileError {
    match Errno::from_io_error(&error) {
        Some(Errno::DQUOT) => FileError::Full { bytes_max },
        Some(Errno::NOSPC) => FileError::DiskFull,
        _ => FileError::Failed { path: guest_path(name), reason: error },
    }
}

fn guest_path(name: &str) -> String {
    match name {
        "" => DOWNLOADS_PATH.to_owned(),
        name => format!("{DOWNLOADS_PATH}/{name}"),
    }
}

fn part_name(name: &str) -> String {
    format!("{PART_PREFIX}{}{PART_SUFFIX}", name.strip_prefix(PART_PREFIX).unwrap_or(name))
}

/// A name is the host's own making; this keeps a mistake there from becoming a way out.
fn check_name(name: &str) -> Result<(), FileError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain);
    if is_name { Ok(()) } else { Err(FileError::Invalid(name.to_owned())) }
}
