//! What the transfers of an account share: the scripts' folders, places, and connections of their own, so that a large
//! file holds up no other call.
//!
//! Invariant: at most [`TRANSFERS_MAX`] files are under way at a time, and no two into the same file.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use files::FileSpace;
use tgl::ScriptName;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};

use crate::session::StoreSession;
use crate::wire::Wire;

/// Files of one account that are sent or loaded at a time; further ones wait for their turn.
pub const TRANSFERS_MAX: usize = 4;

/// Parts that are read or written at a time: more threads would only have more memory of their own.
const DISK_MAX: usize = 1;

/// A script, as its transfers see it.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) files: FileSpace,
    pub(crate) notes: mpsc::Sender<String>,
}

/// See the module.
pub(crate) struct Transfers {
    pub(crate) wire: Arc<Wire>,
    seats: Mutex<HashMap<ScriptName, Seat>>,
    places: Semaphore,
    disk: Semaphore,
    saving: Mutex<HashSet<(ScriptName, String)>>,
    saved: Notify,
}

/// A name under which a file is being saved. Dropping it gives the name free.
pub(crate) struct Saving<'a> {
    transfers: &'a Transfers,
    name: (ScriptName, String),
}

impl Transfers {
    pub(crate) fn new(session: Arc<StoreSession>, api_id: i32) -> Self {
        Self {
            wire: Arc::new(Wire::new(session, api_id)),
            seats: Mutex::default(),
            places: Semaphore::new(TRANSFERS_MAX),
            disk: Semaphore::new(DISK_MAX),
            saving: Mutex::default(),
            saved: Notify::new(),
        }
    }

    /// A script has come.
    pub(crate) fn seat(&self, script: ScriptName, seat: Seat) {
        locked(&self.seats).insert(script, seat);
    }

    /// A script's folders and log.
    pub(crate) fn seat_of(&self, script: &ScriptName) -> Option<Seat> {
        locked(&self.seats).get(script).cloned()
    }

    /// Waits for a place. In the order of asking.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.places.acquire().await.ok()
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

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use store::AccountStore;

    use super::*;
    use crate::config::DcAddress;
    use crate::wire::LINES_MAX;

    fn transfers(dir: &tempfile::TempDir) -> Transfers {
        let store = AccountStore::open(dir.path()).unwrap();
        Transfers::new(Arc::new(StoreSession::open(store, &DcAddress::Telegram).unwrap()), 1)
    }

    #[test]
    fn there_are_so_many_places_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let transfers = transfers(&dir);
        let mut taken: Vec<_> = (0..TRANSFERS_MAX).map(|_| transfers.place().now_or_never().unwrap()).collect();
        let mut next = pin!(transfers.place());
        assert!(next.as_mut().now_or_never().is_none(), "it waits for its turn");
        taken.pop();
        assert!(next.now_or_never().is_some());
        let lines: Vec<_> = (0..LINES_MAX).map(|_| transfers.wire.place().now_or_never().unwrap()).collect();
        assert!(transfers.wire.place().now_or_never().is_none());
        drop(lines);
        let disk: Vec<_> = (0..DISK_MAX).map(|_| transfers.disk().now_or_never().unwrap()).collect();
        assert!(transfers.disk().now_or_never().is_none());
        drop(disk);
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
