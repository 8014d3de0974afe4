//! The private folder's quota, kept at the write: `wasi:filesystem/types` with every operation that can make the folder
//! grow checked first, and the rest passed on as it is.
//!
//! Invariant: what the quota counts is never less than what is in the folder. A file counts its length, holes included, and
//! every entry [`ENTRY_BYTES`] more. Growth is added as it happens; where something may have been counted too much (a
//! deletion, a file opened with "create" that was there already), the folder is measured again before anything is refused.
//! The read-only folder needs no check: nothing in it can grow. A guest that is refused is told that there is no space left,
//! and the script's log says it in full, since some languages make an input/output error of it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::io::Errno;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError, StreamResult,
};

use crate::host::LogLevel;
use crate::imports::Guest;
use crate::outlet::Outlet;

/// What a file, folder or link counts beside its bytes.
const ENTRY_BYTES: u64 = 4 << 10;

/// The room that is left in one private folder. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Quota {
    inner: Arc<Mutex<Usage>>,
}

struct Usage {
    /// `None`: there is no private folder, so nothing can grow.
    folder: Option<PathBuf>,
    bytes_max: u64,
    /// `None` until it was measured for the first time.
    used: Option<u64>,
    /// Whether the folder may hold less than was counted.
    inexact: bool,
    /// Where a refusal is said, once until there is room again.
    outlet: Outlet,
    said: bool,
}

impl Quota {
    pub(crate) fn new(folder: Option<PathBuf>, bytes_max: u64, outlet: Outlet) -> Self {
        let usage = Usage { folder, bytes_max, used: None, inexact: true, outlet, said: false };
        Self { inner: Arc::new(Mutex::new(usage)) }
    }

    /// Takes room for so many bytes; false where there is not enough.
    fn take(&self, bytes: u64) -> bool {
        self.with(|usage| {
            let fits = usage.fits(bytes) || (usage.inexact && usage.measure().fits(bytes));
            usage.say_if(!fits);
            fits
        })
    }

    /// Takes room for one more file, folder or link.
    fn take_entry(&self) -> FsResult<()> {
        if self.take(ENTRY_BYTES) { Ok(()) } else { Err(ErrorCode::InsufficientSpace.into()) }
    }

    /// Something may have become smaller.
    fn may_be_less(&self) {
        self.with(|usage| usage.inexact = true);
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Usage) -> T) -> T {
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Usage {
    /// Counts so many bytes more, if there is room for them by what is known.
    fn fits(&mut self, bytes: u64) -> bool {
        let used = self.used.unwrap_or(u64::MAX).saturating_add(bytes);
        let fits = used <= self.bytes_max;
        if fits {
            self.used = Some(used);
        }
        fits
    }

    fn measure(&mut self) -> &mut Self {
        self.used = Some(measure(self.folder.as_ref(), self.bytes_max));
        self.inexact = false;
        self
    }

    fn say_if(&mut self, full: bool) {
        if full && !self.said {
            let text = format!("the script's private folder is full: it may hold {} KiB", self.bytes_max >> 10);
            self.outlet.log(LogLevel::Warn, &text);
        }
        self.said = full;
    }
}

/// What a folder holds, links not followed. Stops once it is over the limit.
fn measure(folder: Option<&PathBuf>, bytes_max: u64) -> u64 {
    let mut bytes = 0_u64;
    let mut folders: Vec<PathBuf> = folder.into_iter().cloned().collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(ENTRY_BYTES);
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes = bytes.saturating_add(metadata.len());
            }
            if bytes > bytes_max {
                return bytes;
            }
        }
    }
    bytes
}

/// Puts the checked interface in the place of the unchecked one.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<Guest, QuotaFiles>(linker, |guest| QuotaFilesView {
        quota: guest.quota.clone(),
        files: guest.filesystem(),
    })
}

struct QuotaFiles;

impl HasData for QuotaFiles {
    type Data<'a> = QuotaFilesView<'a>;
}

struct QuotaFilesView<'a> {
    quota: Quota,
    files: WasiFilesystemCtxView<'a>,
}

type Fd = Resource<Descriptor>;

impl QuotaFilesView<'_> {
    fn file(&self, fd: &Fd) -> FsResult<Arc<File>> {
        match self.files.table.get(fd)? {
            Descriptor::File(file) => Ok(Arc::clone(&file.file)),
            Descriptor::Dir(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    /// Puts a stream that checks the quota in the place of one that does not.
    fn check_stream(
        &mut self,
        fd: &Fd,
        stream: Resource<DynOutputStream>,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let (file, quota) = (self.file(fd)?, self.quota.clone());
        let stream = self.files.table.delete(stream)?;
        let checked: DynOutputStream = Box::new(QuotaStream { stream, quota, file, position });
        Ok(self.files.table.push(checked)?)
    }
}

impl types::Host for QuotaFilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.files.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.files.filesystem_error_code(error)
    }
}

/// Methods that cannot make the folder grow.
macro_rules! pass_on {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&mut self, $($argument: $type),*) -> $result {
            self.files.$name($($argument),*).await
        })*
    };
}

impl HostDescriptor for QuotaFilesView<'_> {
    pass_on! {
        async fn advise(fd: Fd, offset: u64, len: u64, advice: Advice) -> FsResult<()>;
        async fn sync_data(fd: Fd) -> FsResult<()>;
        async fn get_flags(fd: Fd) -> FsResult<DescriptorFlags>;
        async fn get_type(fd: Fd) -> FsResult<DescriptorType>;
        async fn set_times(fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()>;
        async fn read(fd: Fd, len: u64, offset: u64) -> FsResult<(Vec<u8>, bool)>;
        async fn read_directory(fd: Fd) -> FsResult<Resource<DirectoryEntryStream>>;
        async fn sync(fd: Fd) -> FsResult<()>;
        async fn stat(fd: Fd) -> FsResult<DescriptorStat>;
        async fn stat_at(fd: Fd, flags: PathFlags, path: String) -> FsResult<DescriptorStat>;
        async fn set_times_at(
            fd: Fd, flags: PathFlags, path: String, accessed: NewTimestamp, modified: NewTimestamp
        ) -> FsResult<()>;
        async fn readlink_at(fd: Fd, path: String) -> FsResult<String>;
        async fn is_same_object(a: Fd, b: Fd) -> wasmtime::Result<bool>;
        async fn metadata_hash(fd: Fd) -> FsResult<MetadataHashValue>;
        async fn metadata_hash_at(fd: Fd, flags: PathFlags, path: String) -> FsResult<MetadataHashValue>;
    }

    async fn set_size(&mut self, fd: Fd, size: u64) -> FsResult<()> {
        let len = self.file(&fd)?.metadata()?.len();
        if size < len {
            self.quota.may_be_less();
        } else if !self.quota.take(size - len) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        self.files.set_size(fd, size).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        let file = self.file(&fd)?;
        if !self.quota.take(growth(&file, Some(offset), bytes.len())?) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        self.files.write(fd, bytes, offset).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.quota.take_entry()?;
        self.files.create_directory_at(fd, path).await
    }

    async fn link_at(&mut self, fd: Fd, flags: PathFlags, path: String, to: Fd, to_path: String) -> FsResult<()> {
        self.quota.take_entry()?;
        self.files.link_at(fd, flags, path, to, to_path).await
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        if open_flags.contains(OpenFlags::CREATE) {
            self.quota.take_entry()?;
        }
        if open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            self.quota.may_be_less();
        }
        self.files.open_at(fd, path_flags, path, open_flags, flags).await
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        self.quota.take_entry()?;
        self.files.symlink_at(fd, target, path).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.quota.may_be_less();
        self.files.remove_directory_at(fd, path).await
    }

    async fn rename_at(&mut self, fd: Fd, path: String, to: Fd, to_path: String) -> FsResult<()> {
        self.quota.may_be_less();
        self.files.rename_at(fd, path, to, to_path).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.quota.may_be_less();
        self.files.unlink_file_at(fd, path).await
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.files, fd)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        self.files.read_via_stream(fd, offset)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.files.write_via_stream(Resource::new_borrow(fd.rep()), offset)?;
        self.check_stream(&fd, stream, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.files.append_via_stream(Resource::new_borrow(fd.rep()))?;
        self.check_stream(&fd, stream, None)
    }
}

impl HostDirectoryEntryStream for QuotaFilesView<'_> {
    pass_on! {
        async fn read_directory_entry(stream: Resource<DirectoryEntryStream>) -> FsResult<Option<DirectoryEntry>>;
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.files, stream)
    }
}

/// How much a file grows by a write at this position, or at its end.
fn growth(file: &File, position: Option<u64>, bytes: usize) -> io::Result<u64> {
    let bytes = bytes as u64;
    match position {
        None => Ok(bytes),
        Some(position) => Ok(position.saturating_add(bytes).saturating_sub(file.metadata()?.len())),
    }
}

/// A file's output stream that takes room before it writes.
struct QuotaStream {
    stream: DynOutputStream,
    quota: Quota,
    file: Arc<File>,
    /// Where the next byte goes; `None` at the end.
    position: Option<u64>,
}

impl QuotaStream {
    fn take(&mut self, bytes: usize) -> StreamResult<()> {
        let grows = growth(&self.file, self.position, bytes).map_err(failed)?;
        if !self.quota.take(grows) {
            return Err(failed(Errno::NOSPC.into()));
        }
        self.position = self.position.map(|position| position.saturating_add(bytes as u64));
        Ok(())
    }
}

fn failed(error: io::Error) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}

#[async_trait]
impl OutputStream for QuotaStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(bytes.len())?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.stream.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(bytes.len())?;
        self.stream.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[async_trait]
impl Pollable for QuotaStream {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}
