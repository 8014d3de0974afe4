//! Locks of files in folders that a guest shares with other guests and with programs of the host. WASI has none, so the Python
//! component's C library asks for them by advice on the bytes that SQLite locks (guest-sdk/python/libc.py): to be needed is a
//! lock for reading, to be used once one for writing, not to be needed an unlock, and to be used as usual asks whether it is free.
//!
//! Invariant: a lock is the guest's whoever opened what in it, and ends with the guest, and with the process, however they end.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use wasmtime_wasi::p2::bindings::filesystem::types::Advice;

/// The bytes that SQLite locks, far behind most files' ends. Advice on others is advice.
const LOCK_BYTES: Range<u64> = 0x4000_0000..0x4000_0200;

/// Files that one guest has locks in at one time; a further one is refused as if another held it.
pub(super) const LOCKED_FILES_MAX: usize = 32;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    kind: Kind,
    start: u64,
    len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Look,
    Read,
    Write,
    Unlock,
}

impl Wish {
    /// The wish that this advice stands for, if it does.
    pub(super) fn of(start: u64, len: u64, advice: Advice) -> Option<Self> {
        let kind = match advice {
            Advice::Normal => Kind::Look,
            Advice::WillNeed => Kind::Read,
            Advice::NoReuse => Kind::Write,
            Advice::DontNeed => Kind::Unlock,
            Advice::Sequential | Advice::Random => return None,
        };
        let is_inside = LOCK_BYTES.contains(&start) && len > 0 && len <= LOCK_BYTES.end - start;
        let is_all = kind == Kind::Unlock && start == 0 && len == 0;
        (is_inside || is_all).then_some(Self { kind, start, len })
    }
}

/// The locks of one guest: for each file one opening of the host's own, which holds them.
#[derive(Debug, Default)]
pub(super) struct Locks {
    held: HashMap<(u64, u64), File>,
}

impl Locks {
    /// Does what is asked, and does not wait: where another holds a lock in the way, the error is `WouldBlock`.
    pub(super) fn follow(&mut self, file: &File, wish: Wish) -> io::Result<()> {
        let about = file.metadata()?;
        let identity = (about.dev(), about.ino());
        if wish == (Wish { kind: Kind::Unlock, start: 0, len: 0 }) {
            self.held.remove(&identity);
            return Ok(());
        }
        if !self.held.contains_key(&identity) {
            if wish.kind == Kind::Unlock {
                return Ok(());
            }
            if self.held.len() >= LOCKED_FILES_MAX {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            self.held.insert(identity, OpenOptions::new().read(true).write(true).open(path)?);
        }
        self.held.get(&identity).map_or(Ok(()), |holder| apply(holder, wish))
    }
}

fn apply(holder: &File, wish: Wish) -> io::Result<()> {
    let l_type = match wish.kind {
        Kind::Read => libc::F_RDLCK,
        Kind::Write | Kind::Look => libc::F_WRLCK,
        Kind::Unlock => libc::F_UNLCK,
    };
    let number = |value: u64| i64::try_from(value).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let mut lock = libc::flock {
        l_type: l_type as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: number(wish.start)?,
        l_len: number(wish.len)?,
        l_pid: 0,
    };
    if wish.kind == Kind::Look {
        fcntl(holder, FcntlArg::F_OFD_GETLK(&mut lock))?;
        return if lock.l_type == libc::F_UNLCK as i16 { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) };
    }
    fcntl(holder, FcntlArg::F_OFD_SETLK(&lock)).map(drop).map_err(io::Error::from)
}
