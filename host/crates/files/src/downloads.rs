//! Files that the host saves for a script, in its private folder.
//!
//! Invariant: a file has its final name only when it is whole and on the disk. Until then it has another, which the guest
//! cannot name, so nobody but who saves it changes it. Under that it has its whole length from the beginning, counted before
//! anything is written, and is removed if it does not come to its end.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::FileError;
use crate::kept::KEPT_PREFIX;
use crate::quota::ENTRY_BYTES;
use crate::space::{FileSpace, subfolder};
use crate::tree::WHITEOUT_PREFIX;

/// Where a guest finds what was saved for it.
pub const DOWNLOADS_PATH: &str = "/home/downloads";

/// The folder in the private one.
const FOLDER: &str = "downloads";
/// How a file that is not whole yet is called in the private folder, with a number after it. It hides nothing: a project's
/// dot-files are not seen anyway.
const PART_PREFIX: &str = ".wh..download-";
/// How earlier versions called it, in the folder itself: its name between these.
const EARLIER_PART: (&str, &str) = ("download_", ".part");
/// The longest name of a file.
const NAME_BYTES_MAX: usize = 200;

/// A file on its way. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    space: FileSpace,
    file: Arc<File>,
    part: String,
    name: String,
    len: u64,
    is_over: AtomicBool,
}

impl FileSpace {
    /// The guest's path of a saved file that is there already, whole.
    ///
    /// # Errors
    /// Where the script has no private folder, or one in which nothing can be saved.
    pub fn saved(&self, name: &str, len: u64) -> Result<Option<String>, FileError> {
        check_name(name)?;
        let folder = match self.downloads() {
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
        let home = self.home()?;
        let bytes = len.saturating_add(ENTRY_BYTES);
        if bytes > self.quota().bytes_max() {
            return Err(self.full());
        }
        let _saving = self.saving();
        self.make_downloads()?;
        let part = part_name();
        let file = Arc::new(begin(&home, &part, len).map_err(|error| failure(name, error))?);
        self.quota().turn().opened(&file);
        let (space, name) = (self.clone(), name.to_owned());
        let incoming = Incoming { space, file, part, name, len, is_over: AtomicBool::new(false) };
        // Where that is refused, it is removed again.
        self.count(bytes)?;
        Ok(incoming)
    }

    /// Removes what a killed process has left half done. To be called before anything is saved or sent.
    pub fn remove_leftovers(&self) {
        let Ok(home) = self.home() else { return };
        remove(&home, |name| name.starts_with(PART_PREFIX) || name.starts_with(KEPT_PREFIX));
        if let Ok(folder) = self.downloads() {
            remove(&folder, is_earlier_part);
        }
        self.quota().may_be_less();
    }

    fn home(&self) -> Result<Arc<OwnedFd>, FileError> {
        self.home_folder().map_err(|errno| failure("", errno.into()))?.ok_or(FileError::NoHome)
    }

    /// The folder of what was saved, as it is now: the guest may have put another in its place.
    fn downloads(&self) -> Result<OwnedFd, FileError> {
        subfolder(self.home()?, FOLDER).map_err(|errno| match errno {
            Errno::NOENT => FileError::NotFound(DOWNLOADS_PATH.to_owned()),
            errno => failure("", errno.into()),
        })
    }

    /// Makes that folder where there is none.
    fn make_downloads(&self) -> Result<(), FileError> {
        match self.downloads() {
            Err(FileError::NotFound(_)) => {}
            opened => return opened.map(drop),
        }
        let home = self.home()?;
        match rustix::fs::mkdirat(&home, FOLDER, Mode::RWXU) {
            Ok(()) => {
                self.count(ENTRY_BYTES).inspect_err(|_| _ = rustix::fs::unlinkat(&home, FOLDER, AtFlags::REMOVEDIR))
            }
            // The guest has made it meanwhile.
            Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(failure("", errno.into())),
        }
    }

    fn count(&self, bytes: u64) -> Result<(), FileError> {
        if self.counter().take(bytes)? { Ok(()) } else { Err(self.full()) }
    }

    fn full(&self) -> FileError {
        FileError::Full { bytes_max: self.quota().bytes_max() }
    }
}

impl Incoming {
    /// Writes a part. Blocks.
    ///
    /// # Errors
    /// [`FileError::DiskFull`] where the host's disk has no more room; [`FileError::Failed`] beyond the file's length.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FileError> {
        if offset.saturating_add(bytes.len() as u64) > self.len {
            return Err(self.failure(Errno::FBIG.into()));
        }
        self.file.write_all_at(bytes, offset).map_err(|error| self.failure(error))
    }

    /// Sees to it that all of it is on the disk and gives it its final name. Gives the guest's path. Blocks.
    ///
    /// # Errors
    /// Where the disk fails, or the guest has removed or replaced the folder meanwhile; then there is no such file.
    pub fn finish(&self) -> Result<String, FileError> {
        self.file.sync_all().map_err(|error| self.failure(error))?;
        let (home, folder) = (self.space.home()?, self.space.downloads()?);
        let renamed = rustix::fs::renameat(home, &self.part, &folder, &self.name);
        renamed.map_err(|errno| self.failure(errno.into()))?;
        self.is_over.store(true, Ordering::Relaxed);
        // An earlier file may have had the name.
        self.space.counter().may_be_less();
        rustix::fs::fsync(&folder).map_err(|errno| self.failure(errno.into()))?;
        Ok(guest_path(&self.name))
    }

    /// Removes what there is, unless it is whole. Whoever still writes to it does no harm. Does not wait: nothing grows by it,
    /// and what it removes counts until it is closed.
    pub fn abandon(&self) {
        if let Ok(home) = self.space.home()
            && !self.is_over.swap(true, Ordering::Relaxed)
        {
            let _ = rustix::fs::unlinkat(home, &self.part, AtFlags::empty());
            self.space.counter().may_be_less();
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
fn begin(home: &OwnedFd, part: &str, len: u64) -> io::Result<File> {
    // What a killed process has left.
    let _ = rustix::fs::unlinkat(home, part, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(home, part, flags, Mode::RUSR | Mode::WUSR)?);
    file.set_len(len).inspect_err(|_| {
        let _ = rustix::fs::unlinkat(home, part, AtFlags::empty());
    })?;
    Ok(file)
}

/// Removes the files with such names from a folder.
fn remove(folder: &OwnedFd, is_one: impl Fn(&str) -> bool) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_ok_and(&is_one) {
            let _ = rustix::fs::unlinkat(folder, entry.file_name(), AtFlags::empty());
        }
    }
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

/// A name that no other file of this process has, and so none that is not a killed one's.
fn part_name() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    debug_assert!(PART_PREFIX.starts_with(WHITEOUT_PREFIX));
    format!("{PART_PREFIX}{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// Whether an earlier version called a file so that was not whole. A whole one may end like that, but has one dot then.
fn is_earlier_part(name: &str) -> bool {
    let (prefix, suffix) = EARLIER_PART;
    let between = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix));
    between.is_some_and(|name| name.contains('.'))
}

/// A name is the host's own making; this keeps a mistake there from becoming a way out.
fn check_name(name: &str) -> Result<(), FileError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain);
    if is_name { Ok(()) } else { Err(FileError::Invalid(name.to_owned())) }
}
