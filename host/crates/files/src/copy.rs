//! A project's file, copied into the private folder before it is changed there.
//!
//! Invariant: the copy has its name only when it is whole.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::change::{Room, Target};
use crate::open;
use crate::quota::ENTRY_BYTES;
use crate::tree::{Branch, WHITEOUT_PREFIX};
use crate::walk::{is_link, link_text};

/// What a copy is called until it is whole. There is one at a time, in the private folder's turn.
const PART: &str = ".wh..part";

/// Copies a file or link, with its time of last change.
pub(crate) fn copy(
    branch: &Branch<'_>,
    name: &str,
    to: &Target,
    to_name: &str,
    room: &mut Room<'_>,
) -> Result<(), Errno> {
    debug_assert!(PART.starts_with(WHITEOUT_PREFIX));
    if !to.is_home {
        return Err(Errno::ROFS);
    }
    let about = branch.about(name)?.ok_or(Errno::NOENT)?;
    let _ = rustix::fs::unlinkat(&to.folder, PART, AtFlags::empty());
    let made = if is_link(&about) {
        let text = link_text(branch.fd(), name)?;
        to.ask(ENTRY_BYTES.saturating_add(text.len() as u64), room)?;
        rustix::fs::symlinkat(text, &to.folder, PART)
    } else {
        copy_file(branch, name, to, room)
    };
    let times = Timestamps {
        last_access: Timespec { tv_sec: about.st_atime, tv_nsec: about.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: about.st_mtime, tv_nsec: about.st_mtime_nsec as _ },
    };
    made.and_then(|()| rustix::fs::utimensat(&to.folder, PART, &times, AtFlags::SYMLINK_NOFOLLOW))
        .and_then(|()| rustix::fs::renameat(&to.folder, PART, &to.folder, to_name))
        .inspect_err(|_| _ = rustix::fs::unlinkat(&to.folder, PART, AtFlags::empty()))
}

fn copy_file(branch: &Branch<'_>, name: &str, to: &Target, room: &mut Room<'_>) -> Result<(), Errno> {
    let source = open::regular(branch.fd(), name, OFlags::RDONLY)?;
    let len = rustix::fs::fstat(&source)?.st_size;
    let len = u64::try_from(len).map_err(|_| Errno::INVAL)?;
    to.ask(len.saturating_add(ENTRY_BYTES), room)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let copy = File::from(rustix::fs::openat(to.folder.as_fd(), PART, flags, Mode::from(0o666))?);
    // One that grows meanwhile is not followed: there is no room for more.
    let copied = std::io::copy(&mut std::io::Read::take(source, len), &mut &copy);
    copied.map(drop).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
