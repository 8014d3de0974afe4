//! A guest's files: its folders as `wasi:filesystem` shows them, and the private one's quota, kept at the write. Each
//! operation that changes something is made in the private folder's turn, and takes room before it can make it grow.
//!
//! Invariant: nothing a guest does makes its private folder grow without room being taken in [`files::Quota`], and no file
//! it opens there goes unnoticed. What is in other folders that it may write to is not counted, and nothing is moved or
//! linked from there into the private one. A guest that is refused is told that there is no space left, and the script's
//! log says it in full, since some languages make an input/output error of it.
//!
//! An operation is one piece of work for a thread that may wait. It has the folder's turn until it is done, also where the
//! guest is stopped meanwhile, so it cannot come later than it was counted; and a folder that has to be measured for it
//! holds up this guest alone, and costs its CPU time.

mod about;
mod handles;
mod interface;
mod locks;
mod stream;
mod tree;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, PoisonError};

use files::FileSpace;
use rustix::io::Errno;
use tgl::{Limit, LimitMeter};
use tokio::sync::Mutex;
use wasmtime_wasi::runtime::spawn_blocking;

pub(crate) use self::handles::Handles;
use self::handles::LISTINGS_MAX;
pub(crate) use self::interface::{add_to_linker, no_folders};
use self::locks::{Locks, Wish};
use crate::host::LogLevel;
use crate::meter::Meter;
use crate::outlet::Outlet;

/// One guest's way to its quota. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Quota {
    inner: Arc<Inner>,
}

struct Inner {
    space: FileSpace,
    quota: files::Quota,
    /// Held by the one operation that has a thread or waits for one, so that a guest with many streams takes no more
    /// threads than one without.
    thread: Arc<Mutex<()>>,
    /// Where a refusal is said, once until there is room again.
    outlet: Outlet,
    said: AtomicBool,
    said_files_are_many: AtomicBool,
    said_listings_are_many: AtomicBool,
    /// Why a stream's last write failed, as the system numbers it; zero where nobody has to know.
    failed_write: AtomicI32,
    /// Pays for measurings.
    meter: Meter,
    limit_meter: LimitMeter,
    locks: std::sync::Mutex<Locks>,
}

/// The private folder, while one operation has its turn.
struct Room<'a> {
    guest: &'a Inner,
    turn: files::Turn<'a>,
}

impl Quota {
    pub(crate) fn new(files: &FileSpace, outlet: Outlet, meter: Meter, limit_meter: LimitMeter) -> Self {
        let (space, quota, thread) = (files.clone(), files.quota().clone(), Arc::default());
        let [said, said_files_are_many, said_listings_are_many] = [const { AtomicBool::new(false) }; 3];
        let locks = std::sync::Mutex::default();
        Self {
            inner: Arc::new(Inner {
                space,
                quota,
                thread,
                outlet,
                said,
                said_files_are_many,
                said_listings_are_many,
                failed_write: AtomicI32::new(0),
                meter,
                limit_meter,
                locks,
            }),
        }
    }

    fn space(&self) -> &FileSpace {
        &self.inner.space
    }

    /// Counts that it can open no more files, and says once in the script's log why.
    fn say_files_are_many(&self, open_files_max: usize) {
        self.inner.limit_meter.reached(Limit::open_files_max);
        if !self.inner.said_files_are_many.swap(true, Ordering::Relaxed) {
            let text = format!(
                "the script has {open_files_max} files open, the most it may have: close those it has done with"
            );
            self.inner.outlet.log(LogLevel::Warn, &text);
        }
    }

    /// Says once in the script's log why it can list no more folders.
    fn say_listings_are_many(&self) {
        if !self.inner.said_listings_are_many.swap(true, Ordering::Relaxed) {
            let text = format!(
                "the script reads {LISTINGS_MAX} folders at one time, the most it may: read each to its end, or close it \
                 (`with os.scandir(…)`)"
            );
            self.inner.outlet.log(LogLevel::Warn, &text);
        }
    }

    /// Keeps why a write failed, for a guest that asks.
    fn note_failed_write(&self, error: Option<&io::Error>) {
        let number = error.and_then(io::Error::raw_os_error).unwrap_or(0);
        self.inner.failed_write.store(number, Ordering::Relaxed);
    }

    /// Why the last write failed, said once.
    fn failed_write(&self) -> Option<Errno> {
        let number = self.inner.failed_write.swap(0, Ordering::Relaxed);
        (number != 0).then(|| Errno::from_raw_os_error(number))
    }

    /// Whether what is done to this file counts.
    fn counts(&self, file: &File) -> bool {
        self.space().counts(file)
    }

    /// Locks or unlocks a file for the guest.
    fn lock(&self, file: &File, wish: Wish) -> io::Result<()> {
        self.inner.locks.lock().unwrap_or_else(PoisonError::into_inner).follow(file, wish)
    }

    /// Does what takes neither room nor time in the folder's turn: at once where nobody else has that.
    async fn change_little<T: Send + 'static>(&self, change: impl FnOnce(&mut Room<'_>) -> T + Send + 'static) -> T {
        if let Some(turn) = self.inner.quota.turn_at_once() {
            return change(&mut Room { guest: &self.inner, turn });
        }
        self.change(change).await
    }

    /// Has a thread that may wait make a change. Once that has begun it comes to its end, whatever becomes of this future.
    async fn change<T: Send + 'static>(&self, change: impl FnOnce(&mut Room<'_>) -> T + Send + 'static) -> T {
        let (guest, thread) = (Arc::clone(&self.inner), Arc::clone(&self.inner.thread).lock_owned().await);
        let work = move || {
            let _thread = thread;
            let turn = guest.quota.turn();
            guest.meter.charge(|| change(&mut Room { guest: &guest, turn }))
        };
        spawn_blocking(work).await
    }
}

impl Room<'_> {
    /// Makes something grow, by so many bytes at most.
    fn grow<T, E: From<io::Error>>(&mut self, bytes: u64, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if !self.take(bytes) {
            return Err(io::Error::from(Errno::NOSPC).into());
        }
        make().inspect_err(|_| self.turn.may_be_less())
    }

    /// Does what may make something smaller, and nothing larger.
    fn shrink<T>(&mut self, make: impl FnOnce() -> T) -> T {
        let made = make();
        self.turn.may_be_less();
        made
    }

    fn take(&mut self, bytes: u64) -> bool {
        let fits = self.turn.take(bytes);
        if !fits {
            self.guest.limit_meter.reached(Limit::stored_bytes_max);
        }
        if !self.guest.said.swap(!fits, Ordering::Relaxed) && !fits {
            let bytes_max = self.guest.quota.bytes_max();
            let text = format!("the script's private folder is full: it may hold {} KiB", bytes_max >> 10);
            self.guest.outlet.log(LogLevel::Warn, &text);
        }
        fits
    }
}
