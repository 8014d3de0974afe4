//! Machine code on disk: the cache of compiled components, and the only `unsafe` in this workspace.
//!
//! Invariant: machine code is loaded only if this user's tglhost wrote it: it came from our compiler in this very run, or
//! from a file that we sealed. On any doubt the answer is "not there", and the component is compiled again.
//!
//! Loading machine code is running it, so what is on disk must be trusted. The base of that trust is the folder: mode 0700,
//! ours, and no symbolic link, and files in it 0600 and ours; who can write there is this user already (or root), and could
//! replace tglhost itself. On that base every file has a seal: its hash, and its identity (device, inode, length, times of
//! modification and of change) under a keyed MAC. Any later write through the file system changes the time of change, which
//! no program can set; so a file whose identity is as sealed is as it was written, and is mapped at once. A file whose
//! identity differs (restored from a backup, copied into an image) is read whole, and taken only if its hash is the sealed
//! one. Reading 45 MiB at every start instead would cost about 15 ms of the start's 100 and would find one thing more: a
//! disk that changes bits by itself, which hits every other executable as well.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::MachineCode;
use crate::errors::CompileError;

/// Compiled programs that are kept; the oldest go first.
const PROGRAMS_MAX: usize = 32;
/// The age at which a file that was never finished is removed.
const UNFINISHED_S_MAX: u64 = 3_600;
/// What unfinished files are called.
const UNFINISHED: &str = "unfinished-";

const CODE: &str = "cwasm";
const SEAL: &str = "seal";
const KEY: &str = "key";
const KEY_BYTES: usize = 32;

/// The folder of compiled components.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Machine code without a cache.
pub(crate) fn from_memory(engine: &Engine, code: &MachineCode) -> Result<Component, CompileError> {
    // SAFETY: `MachineCode` is made only by our own compiler in this run, and is not changed afterwards.
    #[allow(unsafe_code, reason = "wasmtime loads machine code by unsafe functions only")]
    let component = unsafe { Component::deserialize(engine, code.bytes()) };
    component.map_err(|error| CompileError::Compiler(format!("{error:#}")))
}

impl Cache {
    /// Opens the folder, made if it is not there. An error says why it cannot be trusted or used.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let metadata = fs::symlink_metadata(folder).map_err(at)?;
        if !metadata.is_dir() || !is_ours(&metadata) {
            return Err(at(io::Error::other("not a folder of this user alone (mode 0700); remove it")));
        }
        let key = read_key(folder).or_else(|_| make_key(folder)).map_err(at)?;
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// The component of this name, if it is there and as it was written.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let path = self.path(name, CODE);
        let code = open_ours(&path).ok()?;
        let found = Identity::of(&code.metadata().ok()?);
        let seal = Seal::read(&open_ours(&self.path(name, SEAL)).ok()?, name, &self.key)?;
        if seal.identity != found && !self.renew(name, &seal, found, &code) {
            tracing::info!("a compiled program is not as it was written and is compiled again");
            return None;
        }
        // SAFETY: nobody but this user can write the file (folder and mode were checked), and by its seal it is what our
        // compiler wrote. Files are replaced by renaming and never written again, so the mapping does not change.
        #[allow(unsafe_code, reason = "wasmtime loads machine code by unsafe functions only")]
        let component = unsafe { Component::deserialize_file(engine, &path) };
        component.inspect_err(|error| tracing::info!("a compiled program is compiled again: {error:#}")).ok()
    }

    /// Writes machine code and its seal, each under another name first.
    pub(crate) fn save(&self, name: &str, code: &MachineCode) -> io::Result<()> {
        self.prune()?;
        let path = self.path(name, CODE);
        self.put(&path, code.bytes())?;
        let identity = Identity::of(&fs::symlink_metadata(&path)?);
        self.seal(name, &Seal { hash: blake3::hash(code.bytes()), identity })
    }

    /// A file that is not where or when it was sealed is read whole; if it is what was sealed, it gets a new seal.
    fn renew(&self, name: &str, seal: &Seal, found: Identity, code: &File) -> bool {
        let mut hasher = blake3::Hasher::new();
        let same =
            found.len == seal.identity.len && hasher.update_reader(code).is_ok() && hasher.finalize() == seal.hash;
        if same && let Err(reason) = self.seal(name, &Seal { hash: seal.hash, identity: found }) {
            tracing::debug!("a compiled program keeps its old seal: {reason}");
        }
        same
    }

    fn seal(&self, name: &str, seal: &Seal) -> io::Result<()> {
        self.put(&self.path(name, SEAL), &seal.to_bytes(name, &self.key))
    }

    /// Writes a file whole: nobody sees a part of it, now or after a power cut.
    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{UNFINISHED}{:016x}", getrandom::u64().map_err(no_random)?));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&unfinished, path));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// Makes room for one more program, and removes what was never finished.
    fn prune(&self) -> io::Result<()> {
        let mut programs = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            let age = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                if age > Duration::from_secs(UNFINISHED_S_MAX) {
                    fs::remove_file(&path)?;
                }
            } else if path.extension().is_some_and(|extension| extension == CODE) {
                programs.push((age, path));
            }
        }
        programs.sort();
        for (_, path) in programs.iter().skip(PROGRAMS_MAX - 1) {
            fs::remove_file(path)?;
            let _ = fs::remove_file(path.with_extension(SEAL));
        }
        Ok(())
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

/// What tells one writing of a file from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let (modified, changed) = (self.modified, self.changed);
        let numbers = [
            self.device.to_le_bytes(),
            self.inode.to_le_bytes(),
            self.len.to_le_bytes(),
            modified.0.to_le_bytes(),
            modified.1.to_le_bytes(),
            changed.0.to_le_bytes(),
            changed.1.to_le_bytes(),
        ];
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (numbers, _) = bytes.as_chunks::<8>();
        let (unsigned, signed) =
            (|at: usize| u64::from_le_bytes(numbers[at]), |at: usize| i64::from_le_bytes(numbers[at]));
        Self {
            device: unsigned(0),
            inode: unsigned(1),
            len: unsigned(2),
            modified: (signed(3), signed(4)),
            changed: (signed(5), signed(6)),
        }
    }

    const BYTES: usize = 7 * 8;
}

/// What was written: its hash and its identity. On disk a MAC over these and the name follows.
struct Seal {
    hash: blake3::Hash,
    identity: Identity,
}

impl Seal {
    const HASH_BYTES: usize = blake3::OUT_LEN;
    const BYTES: usize = Self::HASH_BYTES + Identity::BYTES;

    fn to_bytes(&self, name: &str, key: &[u8; KEY_BYTES]) -> Vec<u8> {
        let mut bytes = [self.hash.as_bytes().as_slice(), &self.identity.to_bytes()].concat();
        bytes.extend_from_slice(mac(&bytes, name, key).as_bytes());
        bytes
    }

    /// The seal, if it was made with our key for this name.
    fn read(file: &File, name: &str, key: &[u8; KEY_BYTES]) -> Option<Self> {
        let mut bytes = Vec::new();
        file.take(Self::BYTES as u64 + blake3::OUT_LEN as u64 + 1).read_to_end(&mut bytes).ok()?;
        let (sealed, found_mac) = bytes.split_at_checked(Self::BYTES)?;
        let found_mac: [u8; blake3::OUT_LEN] = found_mac.try_into().ok()?;
        // Comparing `blake3::Hash`es takes the same time wherever they differ.
        if mac(sealed, name, key) != blake3::Hash::from_bytes(found_mac) {
            return None;
        }
        let (hash, identity) = sealed.split_first_chunk::<{ Self::HASH_BYTES }>()?;
        Some(Self { hash: (*hash).into(), identity: Identity::from_bytes(identity.try_into().ok()?) })
    }
}

fn mac(sealed: &[u8], name: &str, key: &[u8; KEY_BYTES]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update(sealed).update(name.as_bytes()).finalize()
}

fn read_key(folder: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = Vec::new();
    open_ours(&folder.join(KEY))?.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    bytes.try_into().map_err(|_| io::Error::other("the key is damaged"))
}

/// A new key, under which no older seal holds.
fn make_key(folder: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = folder.join(KEY);
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(no_random)?;
    if path.symlink_metadata().is_ok() && read_key(folder).is_err() {
        fs::remove_file(&path)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => file.write_all(&key).map(|()| key),
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(folder),
        Err(error) => Err(error),
    }
}

fn no_random(error: getrandom::Error) -> io::Error {
    io::Error::other(error.to_string())
}

/// Opens a file that is ours alone; never through a symbolic link.
fn open_ours(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits() as i32).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && is_ours(&metadata) {
        Ok(file)
    } else {
        Err(io::Error::other("not a file of this user alone"))
    }
}

/// Whether nobody but this user can read or write it.
fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0
}
