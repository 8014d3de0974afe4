//! Files' bytes on disk, below the data directory, written and read in parts: nothing holds a whole file in memory.
//!
//! Invariant: part `n` of a file begins at `n * PART_BYTES_MAX`, whatever the size of its parts, so that parts may come
//! in any order and none is ever moved; the gaps between smaller parts are holes.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The largest part, and the distance from part to part: <https://core.telegram.org/api/files#uploading-files>.
pub(crate) const PART_BYTES_MAX: usize = 512 << 10;
const STRIDE: u64 = PART_BYTES_MAX as u64;

/// Files by number, in one directory.
#[derive(Debug)]
pub(crate) struct Disk {
    directory: PathBuf,
}

/// A file whose parts are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    /// Names it in the directory.
    pub(crate) id: i64,
    pub(crate) size: i64,
    /// How long each of its parts but the last is.
    pub(crate) part_bytes: i64,
}

impl Disk {
    /// Opens the directory, making it for its owner only when there is none.
    pub(super) fn open(directory: &Path) -> io::Result<Disk> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(Disk { directory: directory.to_owned() })
    }

    /// Writes one part; a part that was there already is replaced.
    pub(crate) fn write_part(&self, id: i64, part: u32, bytes: &[u8]) -> io::Result<()> {
        let file = File::options().create(true).write(true).truncate(false).mode(0o600).open(self.path(id))?;
        file.write_all_at(bytes, u64::from(part) * STRIDE)
    }

    /// At most `limit` bytes from `offset` on; fewer where the file ends.
    pub(crate) fn read(&self, blob: &Blob, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let (size, part_bytes) = (blob.size.unsigned_abs(), blob.part_bytes.unsigned_abs().max(1));
        let length = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(limit);
        let mut bytes = vec![0; length];
        if length == 0 {
            return Ok(bytes);
        }
        let file = File::open(self.path(blob.id))?;
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let (part, within) = (at / part_bytes, at % part_bytes);
            let piece = usize::try_from(part_bytes - within).unwrap_or(usize::MAX).min(length - done);
            file.read_exact_at(&mut bytes[done..done + piece], part * STRIDE + within)?;
            done += piece;
        }
        Ok(bytes)
    }

    /// Reads a file from its beginning.
    pub(crate) fn reader<'a>(&'a self, blob: &'a Blob) -> impl io::Read + 'a {
        Reader { disk: self, blob, offset: 0 }
    }

    /// Removes a file; one that is not there is no error.
    pub(crate) fn remove(&self, id: i64) {
        if let Err(error) = fs::remove_file(self.path(id))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, id, "cannot remove a file that nothing refers to any more");
        }
    }

    /// The numbers of the files there are, in no order; at most `limit`.
    pub(super) fn ids(&self, limit: usize) -> io::Result<Vec<i64>> {
        let names = fs::read_dir(&self.directory)?.take(limit);
        Ok(names.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
    }

    fn path(&self, id: i64) -> PathBuf {
        self.directory.join(id.to_string())
    }
}

struct Reader<'a> {
    disk: &'a Disk,
    blob: &'a Blob,
    offset: u64,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.disk.read(self.blob, self.offset, buffer.len().min(PART_BYTES_MAX))?;
        self.offset += bytes.len() as u64;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn parts_come_in_any_order_and_are_read_across() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(&dir.path().join("files")).unwrap();
        let whole: Vec<u8> = (0..2500_u32).map(|n| n.to_le_bytes()[0]).collect();
        for (part, bytes) in
            [(2, &whole[2048..]), (0, b"replaced by the next".as_slice()), (0, &whole[..1024]), (1, &whole[1024..2048])]
        {
            disk.write_part(7, part, bytes).unwrap();
        }
        let blob = Blob { id: 7, size: 2500, part_bytes: 1024 };
        for (offset, limit) in [(0, 4096), (1000, 100), (1024, 1024), (2499, 9), (2500, 10), (9000, 1)] {
            let wanted: Vec<u8> = whole.iter().skip(offset).take(limit).copied().collect();
            assert_eq!(disk.read(&blob, offset as u64, limit).unwrap(), wanted, "{offset}");
        }
        let mut read = Vec::new();
        disk.reader(&blob).read_to_end(&mut read).unwrap();
        assert_eq!(read, whole);
        assert_eq!(disk.ids(9).unwrap(), [7]);
        disk.remove(7);
        disk.remove(7);
        assert!(disk.ids(9).unwrap().is_empty());
    }
}
