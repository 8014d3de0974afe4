//! A backup as a file: a tar archive within zstd, of regular files, and at its end the manifest, which says what belongs to it.
//!
//! Invariant: what the manifest names is what the archive has, byte for byte; links and folders are in the manifest alone.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tar::{Builder, Header};
use zstd::Encoder;

use super::steady;

/// The manifest's name in the archive.
pub(super) const MANIFEST: &str = "manifest.json";
/// The format of the manifest that this program writes.
pub(super) const FORMAT: u32 = 1;
/// How many files, folders and links one backup has at most.
pub(super) const ENTRIES_MAX: usize = 1_000_000;
/// Longest name of one, in bytes, as of paths in Linux.
pub(super) const NAME_BYTES_MAX: usize = 4_096;

/// What belongs to a backup, by its place in the host's folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The version that wrote it.
    pub(super) tglhost: String,
    pub(super) entries: BTreeMap<String, Kept>,
}

/// What lies at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    File {
        bytes: u64,
        blake3: String,
    },
    Folder,
    /// A link, by what it leads to.
    Link(String),
}

/// A backup that is being written.
pub(super) struct Archive {
    tar: Builder<Encoder<'static, File>>,
    entries: BTreeMap<String, Kept>,
    /// Where copies are made that are gone once they are in it.
    staging: PathBuf,
}

impl Archive {
    /// Begins one in a new file.
    pub(super) fn create(path: &Path, staging: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let mut encoder = Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { tar: Builder::new(encoder), entries: BTreeMap::new(), staging: staging.to_owned() })
    }

    /// Adds a file that is copied by this first.
    pub(super) fn add_copy(&mut self, name: &str, copy: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let copied = self.staging.join("copy");
        copy(&copied)?;
        self.add_file(name, &copied)?;
        Ok(fs::remove_file(&copied)?)
    }

    /// Adds a folder that another process writes to, with all below it, as it was at one moment.
    pub(super) fn add_steady(&mut self, name: &str, folder: &Path) -> Result<()> {
        let copied = self.staging.join("folder");
        steady::copy(folder, &copied)?;
        self.add_tree(name, &copied, &|_| false)?;
        Ok(fs::remove_dir_all(&copied)?)
    }

    /// Adds what lies in a folder and below it: files, folders and links that were not added before, and are not left out.
    pub(super) fn add_tree(&mut self, name: &str, folder: &Path, is_left_out: &dyn Fn(&Path) -> bool) -> Result<()> {
        let at = |path: &Path| format!("cannot back up {}", path.display());
        let mut folders = vec![(name.to_owned(), folder.to_owned())];
        while let Some((above, folder)) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| at(&folder))? {
                let path = entry.with_context(|| at(&folder))?.path();
                let name = self::name(&above, Path::new(path.file_name().unwrap_or_default()))?;
                if self.entries.contains_key(&name) || is_left_out(&path) {
                    continue;
                }
                let kind = match fs::symlink_metadata(&path) {
                    Ok(metadata) => metadata.file_type(),
                    // It has gone meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error).with_context(|| at(&path)),
                };
                if kind.is_dir() {
                    self.keep(name.clone(), Kept::Folder)?;
                    folders.push((name, path));
                } else if kind.is_symlink() {
                    let target = fs::read_link(&path).with_context(|| at(&path))?;
                    let target = target.to_str().with_context(|| format!("{}: its link is no UTF-8", at(&path)))?;
                    self.keep(name, Kept::Link(target.to_owned()))?;
                } else if kind.is_file() {
                    self.add_file(&name, &path)?;
                }
            }
        }
        Ok(())
    }

    /// Adds a file as far as it goes now: one that is written to meanwhile only grows.
    fn add_file(&mut self, name: &str, path: &Path) -> Result<()> {
        let at = || format!("cannot back up {}", path.display());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(at),
        };
        let bytes = file.metadata().with_context(at)?.len();
        let mut content = Hashed { inner: file.take(bytes), hasher: blake3::Hasher::new(), bytes: 0 };
        self.tar.append_data(&mut header(bytes), name, &mut content).with_context(at)?;
        ensure!(content.bytes == bytes, "{}: it became shorter meanwhile; try again", at());
        let blake3 = content.hasher.finalize().to_hex().to_string();
        self.keep(name.to_owned(), Kept::File { bytes, blake3 })
    }

    fn keep(&mut self, name: String, kept: Kept) -> Result<()> {
        ensure!(self.entries.len() < ENTRIES_MAX, "there are more than {ENTRIES_MAX} files, more than a backup has");
        self.entries.insert(name, kept);
        Ok(())
    }

    /// Writes the manifest, and all of it to the disk. Gives the number of files.
    pub(super) fn finish(mut self) -> Result<usize> {
        let files = self.entries.values().filter(|kept| matches!(kept, Kept::File { .. })).count();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Manifest { format: FORMAT, tglhost: version, entries: self.entries };
        let manifest = serde_json::to_vec_pretty(&manifest)?;
        self.tar.append_data(&mut header(manifest.len() as u64), MANIFEST, manifest.as_slice())?;
        self.tar.into_inner()?.finish()?.sync_all()?;
        Ok(files)
    }
}

/// The name in a backup of what lies there below what has this name.
pub(super) fn name(above: &str, inner: &Path) -> Result<String> {
    let inner = inner.to_str().with_context(|| format!("the name of {} is no text in UTF-8", inner.display()))?;
    let name = if above.is_empty() { inner.to_owned() } else { format!("{above}/{inner}") };
    if name.len() > NAME_BYTES_MAX || name == MANIFEST {
        bail!("a backup has no place for a file {name}: give it another name");
    }
    Ok(name)
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

/// Content that is read, and its digest.
pub(super) struct Hashed<R> {
    pub(super) inner: R,
    pub(super) hasher: blake3::Hasher,
    pub(super) bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
