//! Machine code that may be run, as a file: of the cache, in memory alone, or handed over by another process.
//!
//! Invariant: the file has been written for the last time before this exists, and is there as long as this is.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::cache::SealedFile;
use crate::compile_worker::MachineCode;

/// A component's machine code. Cheap to clone; while any clone is there, the cache keeps its file.
#[derive(Clone)]
pub struct Code {
    inner: Arc<Inner>,
}

struct Inner {
    file: File,
    was_cached: bool,
}

/// Machine code while somebody has it.
#[derive(Default)]
pub(crate) struct WeakCode(Weak<Inner>);

impl Code {
    /// Machine code that another process has handed over, as what [`Code::descriptor`] gave there.
    ///
    /// To load it is to run it, so the caller vouches for where it comes from: from the host that started this process, by
    /// the socket that it was started with, and from nowhere else.
    pub fn handed_over(file: OwnedFd) -> Self {
        Self::of(file.into(), false)
    }

    /// Machine code of the cache.
    pub(crate) fn sealed(file: SealedFile, was_cached: bool) -> Self {
        Self::of(file.into_file(), was_cached)
    }

    /// Machine code that is kept nowhere else: in a file without a name, which nobody can write to any more.
    pub(crate) fn in_memory(code: &MachineCode) -> io::Result<Self> {
        let mut file = File::from(memfd_create("tglhost-code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(code.bytes())?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self::of(File::open(path_of(&file))?, false))
    }

    fn of(file: File, was_cached: bool) -> Self {
        Self { inner: Arc::new(Inner { file, was_cached }) }
    }

    /// Whether it was in the cache when it was asked for.
    pub fn was_cached(&self) -> bool {
        self.inner.was_cached
    }

    /// A descriptor of its file, opened read only, for [`Code::handed_over`] in another process. The cache keeps the file
    /// until that one is closed as well. It has a lock of its own: who gets it can give up or change no other.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        let file = File::open(self.path())?;
        file.try_lock_shared()?;
        Ok(file.into())
    }

    /// Where this process can open it again, wherever it lies and whatever has become of its name.
    pub(crate) fn path(&self) -> PathBuf {
        path_of(&self.inner.file)
    }

    /// What tells it from every other code that is there at the same time.
    pub fn id(&self) -> io::Result<CodeId> {
        let metadata = self.inner.file.metadata()?;
        Ok(CodeId { device: metadata.dev(), inode: metadata.ino() })
    }

    pub(crate) fn downgrade(&self) -> WeakCode {
        WeakCode(Arc::downgrade(&self.inner))
    }
}

impl WeakCode {
    pub(crate) fn upgrade(&self) -> Option<Code> {
        self.0.upgrade().map(|inner| Code { inner })
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// The same for two descriptors of one file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeId {
    device: u64,
    inode: u64,
}

fn path_of(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}
