//! Opening what a guest names.
//!
//! Invariant: only regular files and the null device are opened, each at its last name in a folder that is open already, so
//! that nothing that is put there meanwhile leads out or is waited for.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, makedev};
use rustix::io::Errno;

use crate::change::Room;
use crate::copy::copy;
use crate::error::FileError;
use crate::kept::Kept;
use crate::kernel::is_kernels_own;
use crate::quota::ENTRY_BYTES;
use crate::space::FileSpace;
use crate::tree::{Child, Folder, LayerKind, Place};
use crate::walk::is_link;

/// The longest path that is looked up.
pub const PATH_BYTES_MAX: usize = 4_096;

/// The null device's numbers, major and minor. <https://www.kernel.org/doc/Documentation/admin-guide/devices.txt>
const NULL_DEVICE: (u32, u32) = (1, 3);

/// A regular file, open for reading.
#[derive(Debug)]
pub struct OpenFile {
    pub(crate) file: Arc<File>,
    opened: Metadata,
    path: String,
    /// Lets it count, also where the guest removes it.
    _kept: Option<Kept>,
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

/// How a guest opens something: as the flags of the system call.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, clippy::struct_excessive_bools, reason = "they are the system call's flags, under its names")]
pub struct OpenHow {
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub exclusive: bool,
    pub truncate: bool,
    pub folder: bool,
    pub follow: bool,
}

/// What a guest has opened.
#[derive(Debug)]
pub enum Opened {
    /// A folder: where it is, for nothing is held open for it.
    Folder(Place),
    /// A file.
    File {
        /// Itself.
        file: File,
        /// Whether the guest may change it, as far as it has opened it for that.
        writable: bool,
    },
}

impl FileSpace {
    /// Opens a file that the guest names for reading, from where relative paths begin. Blocks.
    ///
    /// # Errors
    /// Says which of the reasons it is that the file is not to be had; see [`FileError`].
    pub fn open_file(&self, path: &str) -> Result<OpenFile, FileError> {
        if path.is_empty() || path.len() > PATH_BYTES_MAX || path.contains('\0') {
            return Err(FileError::Invalid(path.chars().take(100).collect()));
        }
        let from = if path.starts_with('/') { Place::root() } else { self.cwd() };
        let how = OpenHow { read: true, follow: true, ..OpenHow::default() };
        let mut turn = self.quota().turn();
        let file = match self.open_at(&from, path, how, &mut |_| false).map_err(|errno| refusal(errno, path))? {
            Opened::File { file, .. } => Arc::new(file),
            Opened::Folder(_) => return Err(FileError::NotAFile { path: path.to_owned(), what: "a folder" }),
        };
        turn.opened(&file);
        let kept = self.keep(&file).map_err(|errno| refusal(errno, path))?;
        let opened = file.metadata().map_err(|reason| FileError::Failed { path: path.to_owned(), reason })?;
        match kind(&opened) {
            None => Ok(OpenFile { file, opened, path: path.to_owned(), _kept: kept }),
            Some(what) => Err(FileError::NotAFile { path: path.to_owned(), what }),
        }
    }

    /// Opens what is at a path, from a folder. To be called in the private folder's turn. Blocks.
    ///
    /// # Errors
    /// As the system call of this name; `ENOTSUP` for what is neither a file nor a folder.
    pub fn open_at(&self, from: &Place, path: &str, how: OpenHow, room: &mut Room<'_>) -> Result<Opened, Errno> {
        let found = self.walk(from, path, how.follow && !how.exclusive)?;
        match (found.what, found.at) {
            (Child::Folder(_) | Child::File { .. }, _) if how.create && how.exclusive => Err(Errno::EXIST),
            (Child::Folder(_), _) if how.create || how.write || how.truncate => Err(Errno::ISDIR),
            (Child::Folder(Folder { place, .. }), _) => Ok(Opened::Folder(place)),
            (Child::File { .. }, _) if how.folder => Err(Errno::NOTDIR),
            (Child::File { about, .. }, _) if is_link(&about) => Err(Errno::LOOP),
            (Child::File { branch, .. }, Some((folder, name))) => {
                let flags = flags(how, how.truncate);
                let changes = how.write || how.truncate;
                if branch.layer.kind == LayerKind::Devices {
                    return Ok(Opened::File { file: null_device(branch.fd(), &name, how)?, writable: true });
                }
                if branch.layer.writable() || !changes {
                    let file = regular(branch.fd(), &name, flags)?;
                    return Ok(Opened::File { file, writable: branch.layer.writable() });
                }
                let own = self.target(&folder, &name, room)?;
                let file = if how.truncate {
                    own.ask(ENTRY_BYTES, room)?;
                    create(&own.folder, &name, how)?
                } else {
                    copy(&branch, &name, &own, &name, room)?;
                    regular(own.folder.as_fd(), &name, flags)?
                };
                Ok(Opened::File { file, writable: true })
            }
            (Child::Missing, Some((folder, name))) if how.create => {
                if found.must_be_folder || how.folder {
                    return Err(Errno::ISDIR);
                }
                let own = self.target(&folder, &name, room)?;
                own.ask(ENTRY_BYTES, room)?;
                Ok(Opened::File { file: create(&own.folder, &name, how)?, writable: true })
            }
            _ => Err(Errno::NOENT),
        }
    }
}

fn flags(how: OpenHow, truncate: bool) -> OFlags {
    let access = match (how.read, how.write || how.truncate) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    if truncate { access | OFlags::TRUNC } else { access }
}

fn create(folder: &OwnedFd, name: &str, how: OpenHow) -> Result<File, Errno> {
    let access = if how.read { OFlags::RDWR } else { OFlags::WRONLY };
    let flags = access | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::from(0o666)).map(File::from)
}

/// Opens the regular file of this name. Without O_NONBLOCK the open of a pipe would wait for its other end.
pub(crate) fn regular(folder: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<File, Errno> {
    let about = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_regular = |mode| FileType::from_raw_mode(mode).is_file();
    if !is_regular(about.st_mode) {
        return Err(Errno::NOTSUP);
    }
    let more = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags | more, Mode::empty())?;
    let opened = rustix::fs::fstat(&file)?;
    match is_regular(opened.st_mode) {
        // A single file can be mounted too.
        true if is_kernels_own(&file) => Err(Errno::ACCESS),
        true => Ok(file.into()),
        false => Err(Errno::NOTSUP),
    }
}

/// Opens what is called like the null device, if that is what it is.
fn null_device(folder: BorrowedFd<'_>, name: &str, how: OpenHow) -> Result<File, Errno> {
    let is_it = |about: &Stat| {
        FileType::from_raw_mode(about.st_mode).is_char_device()
            && about.st_rdev == makedev(NULL_DEVICE.0, NULL_DEVICE.1)
    };
    if !is_it(&rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        return Err(Errno::NOTSUP);
    }
    let more = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags(how, false) | more, Mode::empty())?;
    if is_it(&rustix::fs::fstat(&file)?) { Ok(file.into()) } else { Err(Errno::NOTSUP) }
}

fn refusal(errno: Errno, path: &str) -> FileError {
    let path = path.to_owned();
    match errno {
        _ if path.ends_with('/') => FileError::NotAFile { path, what: "a folder" },
        Errno::NOENT | Errno::NOTDIR if leads_up(&path) => FileError::Outside(path),
        Errno::NOENT | Errno::NOTDIR => FileError::NotFound(path),
        Errno::PERM | Errno::LOOP => FileError::Outside(path),
        Errno::ACCESS => FileError::Denied(path),
        Errno::NOTSUP | Errno::NXIO | Errno::NODEV => {
            FileError::NotAFile { path, what: "a pipe, a socket or a device" }
        }
        Errno::NAMETOOLONG | Errno::INVAL => FileError::Invalid(path),
        errno => FileError::Failed { path, reason: errno.into() },
    }
}

/// Whether a path goes up to the root, where no file is.
fn leads_up(path: &str) -> bool {
    let mut depth = usize::from(!path.starts_with('/'));
    path.split('/').filter(|name| !matches!(*name, "" | ".")).any(|name| {
        depth = if name == ".." { depth.saturating_sub(1) } else { depth + 1 };
        depth == 0
    })
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
