//! `wasi:filesystem/types` as guests get it: what changes a private folder or opens something there goes by the quota,
//! the rest is passed on to wasmtime-wasi as it is. Pipes and devices are opened nowhere.
//!
//! Invariant: a method that is passed on for a counted file or folder changes nothing in it but times.

use std::fs::File;
use std::sync::Arc;

use files::ENTRY_BYTES;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::Quota;
use super::in_place::in_place;
use super::locks::Wish;
use super::stream::{self, QuotaStream};
use crate::imports::Guest;

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
    /// The file, if it is one that may be written to and counts.
    fn counted_file(&self, fd: &Fd) -> FsResult<Option<Arc<File>>> {
        Ok(match self.files.table.get(fd)? {
            Descriptor::File(file) if !file.perms.write_not_permitted() && self.quota.counts(&file.file) => {
                Some(Arc::clone(&file.file))
            }
            _ => None,
        })
    }

    /// The file, if it is one that others may write to as the guest does.
    fn shared_file(&self, fd: &Fd) -> FsResult<Option<Arc<File>>> {
        Ok(match self.files.table.get(fd)? {
            Descriptor::File(file) if !file.perms.write_not_permitted() && !self.quota.counts(&file.file) => {
                Some(Arc::clone(&file.file))
            }
            _ => None,
        })
    }

    /// The folder, if it is one and counts.
    fn counted_folder(&self, fd: &Fd) -> FsResult<Option<Dir>> {
        Ok(match self.files.table.get(fd)? {
            Descriptor::Dir(folder) if self.quota.counts(&folder.dir) => Some(folder.clone()),
            _ => None,
        })
    }

    fn counted_stream(&mut self, file: Arc<File>, position: Option<u64>) -> FsResult<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(QuotaStream::new(self.quota.clone(), file, position));
        Ok(self.files.table.push(stream)?)
    }
}

/// Who opens a pipe or a device may wait for ever for whoever is at its other end: with a thread, and with the turn in a
/// folder that counts.
async fn refuse_pipe(files: &mut WasiFilesystemCtxView<'_>, folder: Fd, flags: PathFlags, path: &str) -> FsResult<()> {
    use DescriptorType::{Directory, RegularFile, SymbolicLink};
    match files.stat_at(folder, flags, path.to_owned()).await {
        Ok(about) if !matches!(about.type_, Directory | RegularFile | SymbolicLink) => {
            Err(ErrorCode::Unsupported.into())
        }
        // Opening it says why.
        _ => Ok(()),
    }
}

/// The file or folder itself.
fn opened(descriptor: &Descriptor) -> &Arc<File> {
    match descriptor {
        Descriptor::File(file) => &file.file,
        Descriptor::Dir(folder) => &folder.dir,
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

/// Methods that change nothing.
macro_rules! pass_on {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&mut self, $($argument: $type),*) -> $result {
            self.files.$name($($argument),*).await
        })*
    };
}

impl HostDescriptor for QuotaFilesView<'_> {
    pass_on! {
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

    /// Advice may stand for a lock.
    async fn advise(&mut self, fd: Fd, offset: u64, len: u64, advice: Advice) -> FsResult<()> {
        match (Wish::of(offset, len, advice), self.shared_file(&fd)?) {
            (Some(wish), Some(file)) => Ok(self.quota.lock(&file, wish)?),
            // There is nobody to lock out.
            (Some(_), None) => Ok(()),
            (None, _) => self.files.advise(fd, offset, len, advice).await,
        }
    }

    async fn set_size(&mut self, fd: Fd, size: u64) -> FsResult<()> {
        let Some(file) = self.counted_file(&fd)? else { return self.files.set_size(fd, size).await };
        let change = self.quota.change(move |room| {
            let len = file.metadata()?.len();
            if size < len { room.shrink(|| file.set_len(size)) } else { room.grow(size - len, || file.set_len(size)) }
        });
        Ok(change.await?)
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        match self.counted_file(&fd)? {
            Some(file) => Ok(stream::write(self.quota.clone(), file, Some(offset), bytes.into()).await?),
            None => self.files.write(fd, bytes, offset).await,
        }
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let Some(folder) = self.counted_folder(&fd)? else { return self.files.create_directory_at(fd, path).await };
        let make = move || in_place([&folder], async |files, [fd]| files.create_directory_at(fd, path).await);
        self.quota.change(|room| room.grow(ENTRY_BYTES, make)).await
    }

    async fn link_at(&mut self, fd: Fd, flags: PathFlags, path: String, to: Fd, to_path: String) -> FsResult<()> {
        let (from_folder, to_folder) = match (self.counted_folder(&fd)?, self.counted_folder(&to)?) {
            (Some(from), Some(to)) => (from, to),
            (None, None) => return self.files.link_at(fd, flags, path, to, to_path).await,
            // Between a folder that is counted and one that is not there is only copying.
            _ => return Err(ErrorCode::CrossDevice.into()),
        };
        let make = move || {
            let folders = [&from_folder, &to_folder];
            in_place(folders, async |files, [fd, to]| files.link_at(fd, flags, path, to, to_path).await)
        };
        self.quota.change(|room| room.grow(ENTRY_BYTES, make)).await
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let Some(folder) = self.counted_folder(&fd)? else {
            refuse_pipe(&mut self.files, Resource::new_borrow(fd.rep()), path_flags, &path).await?;
            return self.files.open_at(fd, path_flags, path, open_flags, flags).await;
        };
        let open = move || {
            in_place([&folder], async |files, [fd]| {
                refuse_pipe(files, Resource::new_borrow(fd.rep()), path_flags, &path).await?;
                let fd = files.open_at(fd, path_flags, path, open_flags, flags).await?;
                Ok(files.table.delete(fd)?)
            })
        };
        let change = self.quota.change(move |room| {
            let entry_bytes = if open_flags.contains(OpenFlags::CREATE) { ENTRY_BYTES } else { 0 };
            let descriptor = room.grow(entry_bytes, open)?;
            room.turn.opened(opened(&descriptor));
            if open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
                // It may have been there already, and longer.
                room.turn.may_be_less();
            }
            FsResult::Ok(descriptor)
        });
        let descriptor = change.await?;
        Ok(self.files.table.push(descriptor)?)
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        let Some(folder) = self.counted_folder(&fd)? else { return self.files.symlink_at(fd, target, path).await };
        let bytes = ENTRY_BYTES.saturating_add(target.len() as u64);
        let make = move || in_place([&folder], async |files, [fd]| files.symlink_at(fd, target, path).await);
        self.quota.change(move |room| room.grow(bytes, make)).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let Some(folder) = self.counted_folder(&fd)? else { return self.files.remove_directory_at(fd, path).await };
        let remove = move || in_place([&folder], async |files, [fd]| files.remove_directory_at(fd, path).await);
        self.quota.change(|room| room.shrink(remove)).await
    }

    async fn rename_at(&mut self, fd: Fd, path: String, to: Fd, to_path: String) -> FsResult<()> {
        let (from_folder, to_folder) = match (self.counted_folder(&fd)?, self.counted_folder(&to)?) {
            (Some(from), Some(to)) => (from, to),
            (None, None) => return self.files.rename_at(fd, path, to, to_path).await,
            _ => return Err(ErrorCode::CrossDevice.into()),
        };
        let rename = move || {
            let folders = [&from_folder, &to_folder];
            in_place(folders, async |files, [fd, to]| files.rename_at(fd, path, to, to_path).await)
        };
        self.quota.change(|room| room.shrink(rename)).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let Some(folder) = self.counted_folder(&fd)? else { return self.files.unlink_file_at(fd, path).await };
        let remove = move || in_place([&folder], async |files, [fd]| files.unlink_file_at(fd, path).await);
        self.quota.change(|room| room.shrink(remove)).await
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.files, fd)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        self.files.read_via_stream(fd, offset)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        match self.counted_file(&fd)? {
            Some(file) => self.counted_stream(file, Some(offset)),
            None => self.files.write_via_stream(fd, offset),
        }
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        match self.counted_file(&fd)? {
            Some(file) => self.counted_stream(file, None),
            None => self.files.append_via_stream(fd),
        }
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
