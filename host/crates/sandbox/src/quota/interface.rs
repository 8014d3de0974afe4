//! `wasi:filesystem` as guests get it: paths are looked up by the script's file space, files are wasmtime-wasi's, and what
//! makes the private folder grow asks its quota.
//!
//! Invariant: nothing of wasmtime-wasi gets a path or a folder, so what a guest names is found by one look-up; and a method
//! that is passed on for a counted file changes nothing in it but times.

use std::sync::Arc;

use files::{OpenHow, Opened, Place};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Descriptor, File, OpenMode, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::about::{descriptor_type, error, timestamps};
use super::handles::Handles;
use super::locks::Wish;
use super::stream::{self, QuotaStream, ReadStream, WriteStream};
use super::tree::OpenThing;
use super::{Quota, Room};
use crate::imports::Guest;

/// Puts the script's file space in the place of wasmtime-wasi's.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<Guest, ScriptFiles>(linker, Guest::files)?;
    preopens::add_to_linker::<Guest, ScriptFiles>(linker, Guest::files)
}

impl Guest {
    fn files(&mut self) -> FilesView<'_> {
        let files = WasiFilesystemCtxView { ctx: &mut self.filesystem, table: &mut self.table };
        FilesView { quota: self.quota.clone(), handles: &mut self.handles, files }
    }
}

struct ScriptFiles;

impl HasData for ScriptFiles {
    type Data<'a> = FilesView<'a>;
}

struct FilesView<'a> {
    quota: Quota,
    handles: &'a mut Handles,
    files: WasiFilesystemCtxView<'a>,
}

type Fd = Resource<Descriptor>;

/// What a guest's table holds for an open folder, where it holds a [`Descriptor`] for a file.
struct OpenFolder(Place);

/// What it holds for the entries of one.
struct Listing(std::vec::IntoIter<DirectoryEntry>);

impl FilesView<'_> {
    fn folder(&self, fd: &Fd) -> Option<Place> {
        let folder = self.files.table.get(&Resource::<OpenFolder>::new_borrow(fd.rep()));
        folder.ok().map(|OpenFolder(place)| place.clone())
    }

    /// The folder that a path is looked up from.
    fn base(&self, fd: &Fd) -> FsResult<Place> {
        self.folder(fd).ok_or_else(|| ErrorCode::NotDirectory.into())
    }

    fn file(&self, fd: &Fd) -> FsResult<&File> {
        match self.folder(fd) {
            Some(_) => Err(ErrorCode::BadDescriptor.into()),
            None => match self.files.table.get(fd)? {
                Descriptor::File(file) => Ok(file),
                Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor.into()),
            },
        }
    }

    /// The file, if it may be written to and counts.
    fn counted_file(&self, fd: &Fd) -> FsResult<Option<Arc<std::fs::File>>> {
        let file = self.file(fd)?;
        let is_counted = !file.perms.write_not_permitted() && self.quota.counts(&file.file);
        Ok(is_counted.then(|| Arc::clone(&file.file)))
    }

    /// Whether it is a device, which is the host's: its times and locks are nothing to the guest.
    fn is_device(&self, fd: &Fd) -> FsResult<bool> {
        Ok(!self.file(fd)?.file.metadata()?.is_file())
    }

    /// The file, if it is one that others may write to as the guest does.
    fn shared_file(&self, fd: &Fd) -> FsResult<Option<Arc<std::fs::File>>> {
        let file = self.file(fd)?;
        let is_shared = !self.is_device(fd)? && !file.perms.write_not_permitted() && !self.quota.counts(&file.file);
        Ok(is_shared.then(|| Arc::clone(&file.file)))
    }

    fn counted_stream(
        &mut self,
        file: Arc<std::fs::File>,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(QuotaStream::new(self.quota.clone(), file, position));
        Ok(self.files.table.push(stream)?)
    }

    /// The stream, with failures noted.
    fn noting_stream(&mut self, stream: Resource<DynOutputStream>) -> FsResult<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(WriteStream(self.files.table.delete(stream)?, self.quota.clone()));
        Ok(self.files.table.push(stream)?)
    }

    fn push_folder(&mut self, place: Place) -> wasmtime::Result<Fd> {
        let rep = self.files.table.push(OpenFolder(place))?.rep();
        self.handles.opened();
        Ok(Resource::new_own(rep))
    }

    fn open_thing(&self, fd: &Fd) -> FsResult<OpenThing> {
        Ok(match self.folder(fd) {
            Some(place) => OpenThing::Folder(place),
            None => OpenThing::File(Arc::clone(&self.file(fd)?.file)),
        })
    }
}

/// Methods of a file that change nothing.
macro_rules! pass_on {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&mut self, fd: Fd, $($argument: $type),*) -> $result {
            self.file(&fd)?;
            self.files.$name(fd, $($argument),*).await
        })*
    };
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        Ok(vec![(self.push_folder(Place::root())?, "/".to_owned())])
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.files.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.files.filesystem_error_code(error)
    }
}

impl HostDescriptor for FilesView<'_> {
    pass_on! {
        async fn read(len: u64, offset: u64) -> FsResult<(Vec<u8>, bool)>;
    }

    /// Advice may stand for a lock, or a question.
    async fn advise(&mut self, fd: Fd, offset: u64, len: u64, advice: Advice) -> FsResult<()> {
        if stream::asks_why(offset, len, advice) {
            return self.quota.failed_write().map_or(Ok(()), |reason| Err(error(reason)));
        }
        match (Wish::of(offset, len, advice), self.shared_file(&fd)?) {
            (Some(wish), Some(file)) => Ok(self.quota.lock(&file, wish)?),
            // There is nobody to lock out.
            (Some(_), None) => Ok(()),
            (None, _) => self.files.advise(fd, offset, len, advice).await,
        }
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        match self.folder(&fd) {
            Some(place) => self.quota.look_long(move |space| space.sync_folder(&place)).await,
            None => self.files.sync_data(fd).await,
        }
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        match self.folder(&fd) {
            Some(place) => self.quota.look_long(move |space| space.sync_folder(&place)).await,
            None => self.files.sync(fd).await,
        }
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        match self.folder(&fd) {
            Some(_) => Ok(DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY),
            None => self.files.get_flags(fd).await,
        }
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        match self.folder(&fd) {
            Some(_) => Ok(DescriptorType::Directory),
            None => self.files.get_type(fd).await,
        }
    }

    async fn set_times(&mut self, fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()> {
        let Some(place) = self.folder(&fd) else {
            if self.is_device(&fd)? {
                return Err(ErrorCode::NotPermitted.into());
            }
            return self.files.set_times(fd, accessed, modified).await;
        };
        let times = timestamps(accessed, modified);
        self.quota.change_tree(move |space, room| space.set_times(&place, ".", true, &times, room)).await
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let (base, follow) = (self.base(&fd)?, flags.contains(PathFlags::SYMLINK_FOLLOW));
        let times = timestamps(accessed, modified);
        self.quota.change_tree(move |space, room| space.set_times(&base, &path, follow, &times, room)).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        Ok(self.quota.about(self.open_thing(&fd)?).await?.stat)
    }

    async fn stat_at(&mut self, fd: Fd, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        Ok(self.quota.about_at(self.base(&fd)?, flags, path).await?.stat)
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        Ok(self.quota.about(self.open_thing(&fd)?).await?.identity)
    }

    async fn metadata_hash_at(&mut self, fd: Fd, flags: PathFlags, path: String) -> FsResult<MetadataHashValue> {
        Ok(self.quota.about_at(self.base(&fd)?, flags, path).await?.identity)
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        let (Ok(a), Ok(b)) = (self.open_thing(&a), self.open_thing(&b)) else { return Ok(false) };
        let both = (self.quota.about(a).await, self.quota.about(b).await);
        Ok(
            matches!(both, (Ok(a), Ok(b)) if (a.identity.lower, a.identity.upper) == (b.identity.lower, b.identity.upper)),
        )
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        let base = self.base(&fd)?;
        self.quota.look(&path.clone(), move |space| space.read_link(&base, &path)).await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        let place = self.base(&fd)?;
        if !self.handles.may_list() {
            self.quota.say_listings_are_many();
            return Err(ErrorCode::Quota.into());
        }
        let names = self.quota.look_long(move |space| space.list(&place)).await?;
        let entry = |(name, kind)| DirectoryEntry { type_: descriptor_type(kind), name };
        let listing = Listing(names.into_iter().map(entry).collect::<Vec<_>>().into_iter());
        let rep = self.files.table.push(listing)?.rep();
        self.handles.listed();
        Ok(Resource::new_own(rep))
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
        let base = self.base(&fd)?;
        self.quota.change_tree(move |space, room| space.make_folder(&base, &path, room)).await
    }

    async fn link_at(&mut self, fd: Fd, _: PathFlags, path: String, to: Fd, to_path: String) -> FsResult<()> {
        let (base, to) = (self.base(&fd)?, self.base(&to)?);
        self.quota.change_tree(move |space, room| space.add_name(&base, &path, &to, &to_path, room)).await
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let base = self.base(&fd)?;
        if !self.handles.may_open() {
            self.quota.say_files_are_many(self.handles.open_files_max());
            return Err(ErrorCode::Quota.into());
        }
        let how = how(path_flags, open_flags, flags)?;
        let changes_nothing = !(how.create || how.truncate || how.write);
        let at_once = changes_nothing && self.quota.is_quick(&path);
        let quota = self.quota.clone();
        let open = move |room: &mut Room<'_>| {
            let opened = quota.space().open_at(&base, &path, how, &mut |bytes| room.take(bytes));
            if how.create || how.truncate || opened.is_err() {
                // It may have been there already, and longer.
                room.turn.may_be_less();
            }
            let (file, writable) = match opened? {
                Opened::Folder(place) => return Ok(Err(place)),
                Opened::File { file, writable } => (file, writable),
            };
            let file = File::new(file, if writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly }, mode(how), false);
            if quota.counts(&file.file) {
                room.turn.opened(&file.file);
            }
            Ok(Ok(file))
        };
        let opened = if at_once { self.quota.change_little(open).await } else { self.quota.change(open).await };
        match opened.map_err(error)? {
            Ok(file) => {
                let fd = self.files.table.push(Descriptor::File(file))?;
                self.handles.opened();
                Ok(fd)
            }
            Err(place) => Ok(self.push_folder(place).map_err(FsError::trap)?),
        }
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        let base = self.base(&fd)?;
        self.quota.change_tree(move |space, room| space.make_link(&target, &base, &path, room)).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let base = self.base(&fd)?;
        self.quota.change_tree(move |space, room| space.remove_folder(&base, &path, room)).await
    }

    async fn rename_at(&mut self, fd: Fd, path: String, to: Fd, to_path: String) -> FsResult<()> {
        let (base, to) = (self.base(&fd)?, self.base(&to)?);
        self.quota.change_tree(move |space, room| space.rename(&base, &path, &to, &to_path, room)).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let base = self.base(&fd)?;
        self.quota.change_tree(move |space, room| space.remove_file(&base, &path, room)).await
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.handles.closed();
        match self.folder(&fd) {
            Some(_) => self.files.table.delete(Resource::<OpenFolder>::new_own(fd.rep())).map(drop).map_err(Into::into),
            None => HostDescriptor::drop(&mut self.files, fd),
        }
    }

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        if self.folder(&fd).is_some() {
            return Err(ErrorCode::IsDirectory.into());
        }
        let whole = self.files.read_via_stream(fd, offset)?;
        let stream: DynInputStream = Box::new(ReadStream(self.files.table.delete(whole)?));
        Ok(self.files.table.push(stream)?)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        match self.counted_file(&fd)? {
            Some(file) => self.counted_stream(file, Some(offset)),
            None => {
                let stream = self.files.write_via_stream(fd, offset)?;
                self.noting_stream(stream)
            }
        }
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        match self.counted_file(&fd)? {
            Some(file) => self.counted_stream(file, None),
            None => {
                let stream = self.files.append_via_stream(fd)?;
                self.noting_stream(stream)
            }
        }
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let Listing(entries) = self.files.table.get_mut(&Resource::<Listing>::new_borrow(stream.rep()))?;
        Ok(entries.next())
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.handles.listing_closed();
        self.files.table.delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

/// wasmtime-wasi's context, which has no folder.
pub(crate) fn no_folders() -> WasiFilesystemCtx {
    WasiFilesystemCtx::default()
}

fn how(path_flags: PathFlags, open_flags: OpenFlags, flags: DescriptorFlags) -> FsResult<OpenHow> {
    let synchronous = DescriptorFlags::FILE_INTEGRITY_SYNC
        | DescriptorFlags::DATA_INTEGRITY_SYNC
        | DescriptorFlags::REQUESTED_WRITE_SYNC;
    if flags.intersects(synchronous) {
        return Err(ErrorCode::Unsupported.into());
    }
    let write = flags.contains(DescriptorFlags::WRITE);
    let how = OpenHow {
        read: flags.contains(DescriptorFlags::READ) || !write,
        write,
        create: open_flags.contains(OpenFlags::CREATE),
        exclusive: open_flags.contains(OpenFlags::EXCLUSIVE),
        truncate: open_flags.contains(OpenFlags::TRUNCATE),
        folder: open_flags.contains(OpenFlags::DIRECTORY),
        follow: path_flags.contains(PathFlags::SYMLINK_FOLLOW),
    };
    if how.folder && (how.create || how.exclusive || how.truncate) {
        return Err(ErrorCode::Invalid.into());
    }
    Ok(how)
}

fn mode(how: OpenHow) -> OpenMode {
    let mut mode = OpenMode::empty();
    mode.set(OpenMode::READ, how.read);
    mode.set(OpenMode::WRITE, how.write || how.create || how.truncate);
    mode
}
