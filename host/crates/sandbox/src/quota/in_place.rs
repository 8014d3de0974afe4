//! wasmtime-wasi's operations on a folder, on the thread that calls them.
//!
//! Invariant: for threads that may wait only. wasmtime-wasi itself moves an operation to such a thread, where the quota
//! cannot follow: it goes on there, counted or not, when the guest that wanted it is stopped and the future dropped. Its
//! context's `allow_blocking_current_thread` ends that for all operations of a guest at once, but at a price for the others:
//! each `sync`, each read from a slow disk and each listing of a large folder would hold up all guests of the same worker
//! thread. So it is set here for one operation at a time, and not for the descriptors that the guest keeps.

use std::array;

use tokio::runtime::Handle;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::FsResult;

/// Does something with these folders and comes back when it is done.
pub(super) fn in_place<T, const N: usize>(
    folders: [&Dir; N],
    operation: impl AsyncFnOnce(&mut WasiFilesystemCtxView<'_>, [Resource<Descriptor>; N]) -> FsResult<T>,
) -> FsResult<T> {
    let (mut ctx, mut table) = (WasiFilesystemCtx::default(), ResourceTable::new());
    let mut places = Vec::with_capacity(N);
    for folder in folders {
        let same = Dir::new(folder.dir.try_clone()?, folder.perms, folder.open_mode, true);
        places.push(table.push(Descriptor::Dir(same))?.rep());
    }
    let mut files = WasiFilesystemCtxView { ctx: &mut ctx, table: &mut table };
    Handle::current().block_on(operation(&mut files, array::from_fn(|number| Resource::new_own(places[number]))))
}
