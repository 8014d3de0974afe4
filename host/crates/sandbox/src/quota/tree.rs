//! Operations on a script's tree of folders. What may take long is a piece of work for a thread that may wait.
//!
//! Invariant: what changes something has the private folder's turn; what only looks waits for nobody.

use std::sync::Arc;

use files::{FileSpace, Place};
use rustix::io::Errno;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::PathFlags;
use wasmtime_wasi::runtime::spawn_blocking;

use super::about::{About, error};
use super::{Quota, Room};

/// Longest path that is looked up at once. Each of its names, and of those in links on the way, is a call of the system's.
const QUICK_PATH_BYTES_MAX: usize = 512;

/// What a descriptor stands for.
pub(super) enum OpenThing {
    Folder(Place),
    File(Arc<std::fs::File>),
}

impl Quota {
    /// Looks up what is at a path. On this machine's disks that is done before another thread has even woken up.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        path: &str,
        look: impl FnOnce(&FileSpace) -> Result<T, Errno> + Send + 'static,
    ) -> FsResult<T> {
        if self.is_quick(path) { look(self.space()).map_err(error) } else { self.look_long(look).await }
    }

    /// Whether looking up this path takes no longer than a guest may compute before others have their turn.
    pub(super) fn is_quick(&self, path: &str) -> bool {
        self.space().is_local() && path.len() <= QUICK_PATH_BYTES_MAX
    }

    /// Has a thread that may wait look through something.
    pub(super) async fn look_long<T: Send + 'static>(
        &self,
        look: impl FnOnce(&FileSpace) -> Result<T, Errno> + Send + 'static,
    ) -> FsResult<T> {
        let quota = self.clone();
        spawn_blocking(move || quota.inner.meter.charge(|| look(quota.space()))).await.map_err(error)
    }

    /// Has a thread that may wait change the tree, in the private folder's turn.
    pub(super) async fn change_tree<T: Send + 'static>(
        &self,
        change: impl FnOnce(&FileSpace, &mut files::Room<'_>) -> Result<T, Errno> + Send + 'static,
    ) -> FsResult<T> {
        let quota = self.clone();
        let change = move |room: &mut Room<'_>| {
            let changed = change(quota.space(), &mut |bytes| room.take(bytes));
            // Something may have gone, or not have come to be after all.
            room.turn.may_be_less();
            changed
        };
        self.change(change).await.map_err(error)
    }

    pub(super) async fn about(&self, thing: OpenThing) -> FsResult<About> {
        let look = move |space: &FileSpace| match thing {
            OpenThing::Folder(place) => space.stat(&place, ".", true).map(About::of),
            OpenThing::File(file) => rustix::fs::fstat(file).map(About::of_stat),
        };
        self.look(".", look).await
    }

    pub(super) async fn about_at(&self, base: Place, flags: PathFlags, path: String) -> FsResult<About> {
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        self.look(&path.clone(), move |space| space.stat(&base, &path, follow).map(About::of)).await
    }
}
