//! How much a private folder may hold, counted for everybody who writes there: the guest itself, and the account that
//! saves files for it.
//!
//! Invariant: what is counted is never less than what the folder has of the disk. Whoever changes the folder has its
//! [`Turn`] from before the room is taken until the change is made, so nobody counts in between; only a removal may do
//! without. So may the account, which may be in another process: it puts a hole into the folder, which has nothing of the
//! disk, and fills it when that has been counted by a [`Counter`]. A file counts its length, holes included, and every
//! entry [`ENTRY_BYTES`] more; a file without a name counts for as long as it is open. Where something may have been counted too much (a deletion, a file opened with "create" that
//! was there already), the folder is measured again before anything is refused. A folder that cannot be looked into (its
//! path is too long, for example) counts as if it filled the whole.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::error::FileError;
use crate::held::HeldFiles;
use crate::kept::is_kept;
use crate::private;
use crate::root::Root;

/// What a file, folder or link counts beside its bytes.
pub const ENTRY_BYTES: u64 = 4 << 10;

/// What a private folder may hold where nothing else is said: 50 MiB.
pub const HOME_BYTES_MAX: u64 = 50 << 20;

/// Counts what is put into a private folder by others than the guest, for who is not in the process that counts.
pub trait Counter: Send + Sync + Debug {
    /// As [`Turn::admit`], with a turn of its own. Blocks.
    ///
    /// # Errors
    /// Where nobody can be asked.
    fn take(&self, bytes: u64) -> Result<bool, FileError>;

    /// As [`Quota::may_be_less`]. Does not wait.
    fn may_be_less(&self);
}

/// The room that is left in one private folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Quota {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None`: there is no private folder, so nothing can grow.
    folder: Option<Root>,
    bytes_max: u64,
    /// Whether the folder may hold less than was counted. Not in `usage`: who removes something need not wait.
    inexact: AtomicBool,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    /// `None` until it was measured for the first time.
    bytes: Option<u64>,
    held: HeldFiles,
}

/// The right to change the folder. Others wait for it meanwhile, so it is for threads that may wait themselves.
#[derive(Debug)]
pub struct Turn<'a> {
    quota: &'a Inner,
    usage: MutexGuard<'a, Usage>,
}

impl Quota {
    /// Of this folder, which nothing but holders of this quota make grow.
    pub(crate) fn new(folder: Option<Root>, bytes_max: u64) -> Self {
        let (inexact, usage) = (AtomicBool::new(true), Mutex::default());
        Self { inner: Arc::new(Inner { folder, bytes_max, inexact, usage }) }
    }

    /// How much the folder may hold.
    pub fn bytes_max(&self) -> u64 {
        self.inner.bytes_max
    }

    /// Waits until nobody else changes the folder. Blocks, for as long as it takes to measure a full folder or to make one
    /// change.
    pub fn turn(&self) -> Turn<'_> {
        let usage = self.inner.usage.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { quota: &self.inner, usage }
    }

    /// The same where nobody else changes the folder now. Does not wait.
    pub fn turn_at_once(&self) -> Option<Turn<'_>> {
        match self.inner.usage.try_lock() {
            Ok(usage) => Some(Turn { quota: &self.inner, usage }),
            Err(TryLockError::Poisoned(poisoned)) => Some(Turn { quota: &self.inner, usage: poisoned.into_inner() }),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Something may have become smaller. To be called when it has.
    pub fn may_be_less(&self) {
        self.inner.may_be_less();
    }

    /// Others may have written to the folder: what was counted is worth nothing. Waits as [`Self::turn`] does.
    pub fn measure_anew(&self) {
        self.turn().usage.bytes = None;
        self.may_be_less();
    }
}

impl Counter for Quota {
    fn take(&self, bytes: u64) -> Result<bool, FileError> {
        Ok(self.turn().admit(bytes))
    }

    fn may_be_less(&self) {
        self.inner.may_be_less();
    }
}

impl Inner {
    fn may_be_less(&self) {
        self.inexact.store(true, Ordering::Release);
    }
}

impl Turn<'_> {
    /// Takes room for so many bytes; false where there is not enough. What did not grow after all is given back with
    /// [`Turn::may_be_less`].
    pub fn take(&mut self, bytes: u64) -> bool {
        bytes == 0 || self.fits(bytes) || {
            let inexact = self.quota.inexact.swap(false, Ordering::AcqRel);
            inexact && {
                self.measure();
                self.fits(bytes)
            }
        }
    }

    /// Counts so many bytes that are in the folder already, as a hole that nobody fills before; false where they are too
    /// many, and have to go again.
    pub fn admit(&mut self, bytes: u64) -> bool {
        let fits = self.fits(bytes) || {
            self.measure();
            self.fits(0)
        };
        // Who has measured the folder since they are there has counted them as well.
        self.may_be_less();
        fits
    }

    /// Something may have become smaller. To be called when it has.
    pub fn may_be_less(&mut self) {
        self.quota.may_be_less();
    }

    /// A file or folder of the private folder was opened in this turn: it counts until the last of its owners has dropped
    /// it, whether it still has a name or not.
    pub fn opened(&mut self, file: &Arc<File>) {
        self.usage.held.add(file);
    }

    /// Counts so many bytes more, if there is room for them by what is known.
    fn fits(&mut self, bytes: u64) -> bool {
        let bytes = self.usage.bytes.unwrap_or(u64::MAX).saturating_add(bytes);
        let fits = bytes <= self.quota.bytes_max;
        if fits {
            self.usage.bytes = Some(bytes);
        }
        fits
    }

    /// What has a name is looked at first: what loses it meanwhile is still open, and counts twice rather than not at all.
    fn measure(&mut self) {
        let Inner { folder, bytes_max, .. } = self.quota;
        let named = match folder.as_ref().map(Root::open) {
            None => 0,
            Some(Ok(folder)) => measure(&private::path(&folder), *bytes_max),
            Some(Err(_)) => u64::MAX,
        };
        let nameless = self.usage.held.nameless_bytes();
        self.usage.bytes = Some(named.saturating_add(nameless));
        if nameless > 0 {
            // They can be closed at any moment, and nobody says so.
            self.may_be_less();
        }
    }
}

/// What a folder holds, links not followed. Stops once it is over the limit.
fn measure(folder: &Path, bytes_max: u64) -> u64 {
    let mut bytes = 0_u64;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return u64::MAX,
        };
        for entry in entries {
            let (metadata, entry) = match entry.and_then(|entry| Ok((entry.metadata()?, entry))) {
                Ok(found) => found,
                // It has gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => return u64::MAX,
            };
            // It is counted by its other name.
            if is_kept(&entry.file_name()) && metadata.nlink() > 1 {
                continue;
            }
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
