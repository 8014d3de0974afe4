//! Opening what a guest names.
//!
//! Invariant: the kernel resolves the path (openat2 with RESOLVE_BENEATH), so that nothing the guest can put there, and
//! nothing it changes meanwhile, leads out.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::FileError;

/// The longest path that is looked up.
pub const PATH_BYTES_MAX: usize = 4_096;

/// How often the look-up is repeated because something was renamed on its way.
const RACES_MAX: u32 = 16;

/// A regular file, open for reading.
#[derive(Debug)]
pub struct OpenFile {
    pub(crate) file: Arc<File>,
    opened: Metadata,
    path: String,
}

impl OpenFile {
    /// Its length when it was opened.
    pub fn len(&self) -> u64 {
        self.opened.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the guest called it, without its folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Reads exactly so many bytes at this place. Blocks.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file has become shorter.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Whether it is as it was when it was opened, by its length and the time of its last change.
    pub fn is_unchanged(&self) -> bool {
        let stamp = |about: &Metadata| (about.len(), about.mtime(), about.mtime_nsec());
        self.file.metadata().is_ok_and(|now| stamp(&now) == stamp(&self.opened))
    }
}

/// The parts of a path of a file, those that say nothing left out.
pub(crate) fn parts(path: &str) -> Result<Vec<&str>, FileError> {
    if path.len() > PATH_BYTES_MAX || path.contains('\0') {
        return Err(FileError::Invalid(path.chars().take(100).collect()));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    match path.rsplit('/').next() {
        Some("" | "." | "..") if !path.is_empty() => {
            Err(FileError::NotAFile { path: path.to_owned(), what: "a folder" })
        }
        _ if parts.is_empty() => Err(FileError::Invalid(path.to_owned())),
        _ => Ok(parts),
    }
}

/// Opens the regular file at `rest` below the folder; `path` is what the guest called it.
pub(crate) fn regular_file(folder: BorrowedFd<'_>, rest: &str, path: &str) -> Result<OpenFile, FileError> {
    if rest.is_empty() {
        return Err(FileError::NotAFile { path: path.to_owned(), what: "a folder" });
    }
    // Without O_NONBLOCK the open of a pipe would wait for who writes into it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(beneath(folder, rest, flags, ResolveFlags::empty()).map_err(|errno| refusal(errno, path))?);
    let opened = file.metadata().map_err(|reason| FileError::Failed { path: path.to_owned(), reason })?;
    match kind(&opened) {
        None => Ok(OpenFile { file: Arc::new(file), opened, path: path.to_owned() }),
        Some(what) => Err(FileError::NotAFile { path: path.to_owned(), what }),
    }
}

/// Where this process finds an open folder, whatever it is called by now.
pub(crate) fn path(folder: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", folder.as_raw_fd()).into()
}

/// openat2 that stays below the folder.
pub(crate) fn beneath(folder: BorrowedFd<'_>, rest: &str, flags: OFlags, more: ResolveFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | more;
    let mut races = 0;
    loop {
        match rustix::fs::openat2(folder, rest, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if races < RACES_MAX => races += 1,
            ended => return ended,
        }
    }
}

fn refusal(errno: Errno, path: &str) -> FileError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => FileError::NotFound(path),
        Errno::XDEV | Errno::LOOP | Errno::AGAIN => FileError::Outside(path),
        Errno::ACCESS | Errno::PERM => FileError::Denied(path),
        Errno::NXIO | Errno::NODEV => FileError::NotAFile { path, what: "a socket or device" },
        Errno::NAMETOOLONG | Errno::INVAL => FileError::Invalid(path),
        errno => FileError::Failed { path, reason: errno.into() },
    }
}

/// What it is if not a regular file.
fn kind(about: &Metadata) -> Option<&'static str> {
    let kind = about.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a pipe"),
        () => Some("a device"),
    }
}
