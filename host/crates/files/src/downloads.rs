//! Files that the host saves for a script, in its private folder.
//!
//! Invariant: a file has its final name only when it is whole and on the disk. Until then it has another, under which its
//! whole length counts from the beginning, and which is removed if it does not come to its end. It changes in turn with
//! what the guest does, so that it never grows without having been counted.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::FileError;
use crate::quota::{ENTRY_BYTES, Quota, Turn};
use crate::space::{FileSpace, subfolder};

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
    file: Arc<File>,
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

    /// Begins a file of this length. Blocks.
    ///
    /// # Errors
    /// [`FileError::Full`] where the quota has no room for all of it.
    pub fn save(&self, name: &str, len: u64) -> Result<Incoming, FileError> {
        check_name(name)?;
        let folder = self.downloads(true)?;
        let part = part_name(name);
        let mut turn = self.quota().turn();
        // What is left of an earlier try.
        if rustix::fs::unlinkat(&folder, &part, AtFlags::empty()).is_ok() {
            turn.may_be_less();
        }
        self.take(&mut turn, len.saturating_add(ENTRY_BYTES))?;
        let begun = begin(&folder, &part, len).inspect_err(|_| turn.may_be_less());
        let file = Arc::new(begun.map_err(|error| failure(name, error))?);
        turn.opened(&file);
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
        let home = self.home_folder().ok_or(FileError::NoHome)?;
        let open = || subfolder(home, FOLDER);
        match open() {
            Err(Errno::NOENT) if make => {
                let mut turn = self.quota().turn();
                self.take(&mut turn, ENTRY_BYTES)?;
                let made = rustix::fs::mkdirat(home, FOLDER, Mode::RWXU).inspect_err(|_| turn.may_be_less());
                match made {
                    // Another load has made it meanwhile.
                    Ok(()) | Err(Errno::EXIST) => open(),
                    Err(errno) => Err(errno),
                }
            }
            opened => opened,
        }
        .map_err(|errno| match errno {
            Errno::NOENT => FileError::NotFound(DOWNLOADS_PATH.to_owned()),
            errno => failure("", errno.into()),
        })
    }

    fn take(&self, turn: &mut Turn<'_>, bytes: u64) -> Result<(), FileError> {
        if turn.take(bytes) { Ok(()) } else { Err(FileError::Full { bytes_max: self.quota().bytes_max() }) }
    }
}

impl Incoming {
    /// Writes a part. Blocks.
    ///
    /// # Errors
    /// [`FileError::DiskFull`] where the host's disk has no more room; [`FileError::Failed`] where the guest has shortened
    /// or removed the file meanwhile: nothing more may grow in it, and nobody would find it.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FileError> {
        // The guest does not shorten it between the look and the write.
        let _turn = self.quota.turn();
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
        let turn = self.quota.turn();
        let renamed = rustix::fs::renameat(&self.folder, part_name(&self.name), &self.folder, &self.name);
        drop(turn);
        renamed.map_err(|errno| self.failure(errno.into()))?;
        self.is_over.store(true, Ordering::Relaxed);
        // An earlier file may have had the name.
        self.quota.may_be_less();
        rustix::fs::fsync(&self.folder).map_err(|errno| self.failure(errno.into()))?;
        Ok(guest_path(&self.name))
    }

    /// Removes what there is, unless it is whole. Whoever still writes to it does no harm. Does not wait for a turn: nothing
    /// grows by it, and what it removes counts until it is closed.
    pub fn abandon(&self) {
        if !self.is_over.swap(true, Ordering::Relaxed) {
            let _ = rustix::fs::unlinkat(&self.folder, part_name(&self.name), AtFlags::empty());
            self.quota.may_be_less();
        }
    }

    fn failure(&self, error: io::Error) -> FileError {
        failure(&self.name, error)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Makes the file, its whole length a hole, or nothing.
fn begin(folder: &OwnedFd, part: &str, len: u64) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, part, flags, Mode::RUSR | Mode::WUSR)?);
    file.set_len(len).inspect_err(|_| {
        let _ = rustix::fs::unlinkat(folder, part, AtFlags::empty());
    })?;
    Ok(file)
}

fn failure(name: &str, error: io::Error) -> FileError {
    match Errno::from_io_error(&error) {
        Some(Errno::NOSPC | Errno::DQUOT) => FileError::DiskFull,
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
