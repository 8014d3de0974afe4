//! Files of tenants, read so that nobody waits.
//!
//! Invariant: only a regular file is read, and no more of it than was asked for: a pipe in its place would be waited for without
//! end.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// So many bytes of the file at most.
///
/// # Errors
/// Where there is no such file, or it is something else than a file.
pub(crate) fn beginning(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file, to be read.
///
/// # Errors
/// As above.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}
