//! How much a private folder may hold, counted for everybody who writes there: the guest itself, and the account that
//! saves files for it.
//!
//! Invariant: what is counted is never less than what is in the folder. A file counts its length, holes included, and
//! every entry [`ENTRY_BYTES`] more. Growth is added before it happens; where something may have been counted too much (a
//! deletion, a file opened with "create" that was there already), the folder is measured again before anything is refused.
//! A folder that cannot be looked into (its path is too long, for example) counts as if it filled the whole.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

/// What a file, folder or link counts beside its bytes.
pub const ENTRY_BYTES: u64 = 4 << 10;

/// What a private folder may hold where nothing else is said: 50 MiB.
pub const HOME_BYTES_MAX: u64 = 50 << 20;

/// The room that is left in one private folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Quota {
    usage: Arc<Mutex<Usage>>,
    bytes_max: u64,
}

#[derive(Debug)]
struct Usage {
    /// `None`: there is no private folder, so nothing can grow.
    folder: Option<PathBuf>,
    bytes_max: u64,
    /// `None` until it was measured for the first time.
    used: Option<u64>,
    /// Whether the folder may hold less than was counted.
    inexact: bool,
}

impl Quota {
    /// Of this folder, which nothing but holders of this quota make grow.
    pub(crate) fn new(folder: Option<PathBuf>, bytes_max: u64) -> Self {
        let usage = Usage { folder, bytes_max, used: None, inexact: true };
        Self { usage: Arc::new(Mutex::new(usage)), bytes_max }
    }

    /// How much the folder may hold.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Takes room for so many bytes; false where there is not enough.
    pub fn take(&self, bytes: u64) -> bool {
        self.with(|usage| usage.take(bytes))
    }

    /// Takes room for so many bytes and makes them be there, at once: nobody measures in between.
    ///
    /// # Errors
    /// `EDQUOT` where there is not enough, else what `make` says.
    pub fn take_and<T>(&self, bytes: u64, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.with(|usage| {
            if !usage.take(bytes) {
                return Err(Errno::DQUOT.into());
            }
            let made = make();
            usage.inexact |= made.is_err();
            made
        })
    }

    /// Something may have become smaller.
    pub fn may_be_less(&self) {
        self.with(|usage| usage.inexact = true);
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Usage) -> T) -> T {
        use_it(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Usage {
    fn take(&mut self, bytes: u64) -> bool {
        self.fits(bytes) || (self.inexact && self.measure().fits(bytes))
    }

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
}

/// What a folder holds, links not followed. Stops once it is over the limit.
fn measure(folder: Option<&PathBuf>, bytes_max: u64) -> u64 {
    let mut bytes = 0_u64;
    let mut folders: Vec<PathBuf> = folder.into_iter().cloned().collect();
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
