//! The private folder's quota, kept at the write: `wasi:filesystem/types` with every operation that can make the folder
//! grow checked first, and the rest passed on as it is.
//!
//! Invariant: nothing a guest does makes its private folder grow without room being taken in [`files::Quota`] before. What
//! is in other folders that it may write to is not counted, and nothing is moved or linked from there into the private
//! one. A guest that is refused is told that there is no space left, and the script's log says it in full, since some
//! languages make an input/output error of it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use files::{ENTRY_BYTES, FileSpace, HOME_PATH};
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

/// One guest's way to its quota. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Quota {
    inner: Arc<Inner>,
}

struct Inner {
    quota: files::Quota,
    /// Folders that the guest may write to and that are not counted.
    uncounted: Vec<PathBuf>,
    /// Where a refusal is said, once until there is room again.
    outlet: Outlet,
    said: AtomicBool,
}

impl Quota {
    pub(crate) fn new(files: FileSpace, outlet: Outlet) -> Self {
        let others = files.mounts().filter(|mount| mount.writable && mount.guest != HOME_PATH);
        let uncounted = others.map(|mount| mount.host.clone()).collect();
        let inner = Inner { quota: files.quota().clone(), uncounted, outlet, said: AtomicBool::new(false) };
        Self { inner: Arc::new(inner) }
    }

    /// Whether what is done to this file or folder counts. Only what is known to be elsewhere does not.
    fn counts(&self, file: &File) -> bool {
        if self.inner.uncounted.is_empty() {
            return true;
        }
        let place = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let is_below = |place: &Path| self.inner.uncounted.iter().any(|folder| place.starts_with(folder));
        !place.is_ok_and(|place| is_below(&place))
    }

    /// Takes room for so many bytes; false where there is not enough.
    fn take(&self, bytes: u64) -> bool {
        let fits = self.inner.quota.take(bytes);
        if !self.inner.said.swap(!fits, Ordering::Relaxed) && !fits {
            let bytes_max = self.inner.quota.bytes_max();
            let text = format!("the script's private folder is full: it may hold {} KiB", bytes_max >> 10);
            self.inner.outlet.log(LogLevel::Warn, &text);
        }
        fits
    }

    /// Something may have become smaller.
    fn may_be_less(&self) {
        self.inner.quota.may_be_less();
    }
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

    /// The file or folder itself.
    fn opened(&self, fd: &Fd) -> FsResult<Arc<File>> {
        Ok(match self.files.table.get(fd)? {
            Descriptor::File(file) => Arc::clone(&file.file),
            Descriptor::Dir(folder) => Arc::clone(&folder.dir),
        })
    }

    fn counts(&self, fd: &Fd) -> FsResult<bool> {
        Ok(self.quota.counts(&*self.opened(fd)?))
    }

    /// Takes room for one more file, folder or link in this folder.
    fn take_entry(&self, folder: &Fd) -> FsResult<()> {
        if !self.counts(folder)? || self.quota.take(ENTRY_BYTES) {
            Ok(())
        } else {
            Err(ErrorCode::InsufficientSpace.into())
        }
    }

    /// Between a folder that is counted and one that is not there is only copying.
    fn check_same(&self, from: &Fd, to: &Fd) -> FsResult<()> {
        if self.counts(from)? == self.counts(to)? { Ok(()) } else { Err(ErrorCode::CrossDevice.into()) }
    }

    /// Puts a stream that checks the quota in the place of one that does not.
    fn check_stream(
        &mut self,
        fd: &Fd,
        stream: Resource<DynOutputStream>,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let (file, quota) = (self.file(fd)?, self.quota.clone());
        if !quota.counts(&file) {
            return Ok(stream);
        }
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
        let file = self.file(&fd)?;
        let len = file.metadata()?.len();
        if size < len {
            self.quota.may_be_less();
        } else if self.quota.counts(&file) && !self.quota.take(size - len) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        self.files.set_size(fd, size).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        let file = self.file(&fd)?;
        if self.quota.counts(&file) && !self.quota.take(growth(&file, Some(offset), bytes.len())?) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        self.files.write(fd, bytes, offset).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.take_entry(&fd)?;
        self.files.create_directory_at(fd, path).await
    }

    async fn link_at(&mut self, fd: Fd, flags: PathFlags, path: String, to: Fd, to_path: String) -> FsResult<()> {
        self.check_same(&fd, &to)?;
        self.take_entry(&to)?;
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
            self.take_entry(&fd)?;
        }
        if open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            self.quota.may_be_less();
        }
        self.files.open_at(fd, path_flags, path, open_flags, flags).await
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        self.take_entry(&fd)?;
        self.files.symlink_at(fd, target, path).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.quota.may_be_less();
        self.files.remove_directory_at(fd, path).await
    }

    async fn rename_at(&mut self, fd: Fd, path: String, to: Fd, to_path: String) -> FsResult<()> {
        self.check_same(&fd, &to)?;
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
