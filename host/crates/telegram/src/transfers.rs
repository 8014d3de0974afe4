//! What the transfers of an account share: the scripts' folders, slots, and connections of their own, so that a large
//! file holds up no other call.
//!
//! Invariant: no two transfers write into the same file, and no script waits for another's without need.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use files::FileSpace;
use tgl::{Grants, ScriptName};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit, mpsc};

use crate::file_connections::FileConnections;
use crate::session::StoreSession;
use crate::slots::{TransferSlot, TransferSlots};
use crate::sync::locked;

/// Bytes of text files that one script may have in memory while their messages wait to be sent: 4 MiB. Further files of
/// the same script wait; no other's do.
const TEXT_BYTES_WAITING_MAX: usize = 4 << 20;

/// Parts that are read or written at a time: more threads would only have more memory of their own.
const DISK_MAX: usize = 1;

/// Lists of one script that are in memory at a time: those that it was not given yet, and those under way. Each is bounded
/// by itself.
pub const LISTS_MAX: usize = 4;

/// A script, as its calls and transfers see it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) script: ScriptName,
    pub(crate) files: FileSpace,
    pub(crate) notes: mpsc::Sender<String>,
    pub(crate) grants: Grants,
    texts: Semaphore,
    lists: Arc<Semaphore>,
}

/// See the module.
pub(crate) struct Transfers {
    pub(crate) connections: Arc<FileConnections>,
    slots: TransferSlots,
    disk: Semaphore,
    saving: Mutex<HashSet<(ScriptName, String)>>,
    saved: Notify,
}

/// A name under which a file is being saved. Dropping it gives the name free.
pub(crate) struct Saving<'a> {
    transfers: &'a Transfers,
    name: (ScriptName, String),
}

impl Seat {
    pub(crate) fn new(script: ScriptName, files: FileSpace, notes: mpsc::Sender<String>, grants: Grants) -> Self {
        Self {
            script,
            files,
            notes,
            grants,
            texts: Semaphore::new(TEXT_BYTES_WAITING_MAX),
            lists: Arc::new(Semaphore::new(LISTS_MAX)),
        }
    }

    /// Waits until there is room for one more list. In the order of asking.
    pub(crate) async fn list(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.lists.clone().acquire_owned().await.ok()
    }

    /// Waits until a text of this size may be held in memory. In the order of asking.
    pub(crate) async fn text(&self, bytes: u32) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.texts.acquire_many(bytes).await.ok()
    }
}

impl Transfers {
    pub(crate) fn new(session: Arc<StoreSession>, api_id: i32) -> Self {
        Self {
            connections: Arc::new(FileConnections::new(session, api_id)),
            slots: TransferSlots::default(),
            disk: Semaphore::new(DISK_MAX),
            saving: Mutex::default(),
            saved: Notify::new(),
        }
    }

    /// Waits for a slot for one of the script's files. It is to be held while parts of the file are on their way, and not
    /// while the message that carries it waits.
    ///
    /// A part's flood wait keeps the slot: what the data centre slows down is the account, so that another file in its
    /// slot would only be told the same, and files that are half on their way would pile up. Other scripts do not lose by
    /// it, for there is a slot kept for their first file.
    pub(crate) async fn slot(&self, script: &ScriptName) -> TransferSlot<'_> {
        self.slots.take(script).await
    }

    /// Waits until a part may be read or written.
    pub(crate) async fn disk(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.disk.acquire().await.ok()
    }

    /// Waits until nobody saves a file of this name for the script.
    pub(crate) async fn saving(&self, script: &ScriptName, name: &str) -> Saving<'_> {
        let name = (script.clone(), name.to_owned());
        loop {
            let freed = self.saved.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if locked(&self.saving).insert(name.clone()) {
                return Saving { transfers: self, name };
            }
            freed.await;
        }
    }
}

impl Drop for Saving<'_> {
    fn drop(&mut self) {
        locked(&self.transfers.saving).remove(&self.name);
        self.transfers.saved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use store::AccountStore;

    use super::*;
    use crate::calls::TEXT_FILE_BYTES_MAX;
    use crate::config::DcAddress;
    use crate::file_connections::FILE_CONNECTIONS_MAX;

    fn transfers(dir: &tempfile::TempDir) -> Transfers {
        let store = AccountStore::open(dir.path()).unwrap();
        Transfers::new(Arc::new(StoreSession::open(store, &DcAddress::Telegram, None).unwrap()), 1)
    }

    #[test]
    fn so_many_parts_are_under_way_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let transfers = transfers(&dir);
        let permits: Vec<_> =
            (0..FILE_CONNECTIONS_MAX).map(|_| transfers.connections.permit().now_or_never().unwrap()).collect();
        assert!(transfers.connections.permit().now_or_never().is_none());
        drop(permits);
        let disk: Vec<_> = (0..DISK_MAX).map(|_| transfers.disk().now_or_never().unwrap()).collect();
        assert!(transfers.disk().now_or_never().is_none());
        drop(disk);
    }

    #[test]
    fn texts_in_memory_are_bounded_for_each_script() {
        let dir = tempfile::tempdir().unwrap();
        let files = FileSpace::open(None, Some(dir.path()), 1, &[]).unwrap();
        let seat = || Seat::new("test.py".into(), files.clone(), mpsc::channel(1).0, Grants::trusted());
        let (one, other) = (seat(), seat());
        let largest = TEXT_FILE_BYTES_MAX as u32;
        let held: Vec<_> =
            (0..TEXT_BYTES_WAITING_MAX as u32 / largest).map(|_| one.text(largest).now_or_never().unwrap()).collect();
        let mut next = pin!(one.text(1));
        assert!(next.as_mut().now_or_never().is_none() && other.text(largest).now_or_never().is_some());
        drop(held);
        assert!(next.now_or_never().is_some());
    }

    #[test]
    fn nobody_saves_into_a_file_that_is_being_saved() {
        let dir = tempfile::tempdir().unwrap();
        let transfers = transfers(&dir);
        let (one, other) = (ScriptName::from("one.py"), ScriptName::from("other.py"));
        let first = transfers.saving(&one, "a").now_or_never().unwrap();
        assert!(transfers.saving(&one, "b").now_or_never().is_some());
        assert!(transfers.saving(&other, "a").now_or_never().is_some());
        let mut second = pin!(transfers.saving(&one, "a"));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
    }
}
