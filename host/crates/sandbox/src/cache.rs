//! The cache of compiled components: a folder of machine code.
//!
//! Invariant: what is loaded from it was written by this user's tglhost; on any doubt the answer is "not there", and the
//! component is compiled again. It never holds more bytes than it may, and no program that runs somewhere is removed.
//!
//! The base of the trust is the folder: mode 0700, ours, and no symbolic link, and files in it 0600 and ours; who can write
//! there is this user already (or root), and could replace tglhost itself. On that base every file has a seal (`seal.rs`).
//!
//! Several processes share the folder. Who writes holds the lock on `lock`; who runs a program holds a shared lock on its
//! code; who compiles one holds the lock on `NAME.compiling`. All of them end with their process.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use crate::compile_worker::MachineCode;
use crate::eviction::{Entry, next_to_go};
use crate::seal::{Identity, KEY_BYTES, Key, Seal};

const CODE: &str = "cwasm";
const SEAL: &str = "seal";
const COMPILING: &str = "compiling";
const KEY: &str = "key";
const LOCK: &str = "lock";
/// What unfinished files are called.
const UNFINISHED: &str = "unfinished-";

/// The folder of compiled components.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: Key,
    bytes_max: u64,
}

/// Machine code that is as it was sealed, and is not removed before this is dropped.
pub(crate) struct SealedFile(File);

impl SealedFile {
    /// The file, opened read only, with its shared lock.
    pub(crate) fn into_file(self) -> File {
        self.0
    }
}

/// Nobody begins to run a program while this is held.
struct Claim {
    _lock: Option<File>,
}

/// A component is being compiled: until this is dropped every other process waits with it.
pub(crate) struct Compiling {
    path: PathBuf,
    _lock: File,
}

impl Drop for Compiling {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Cache {
    /// Opens the folder, made if it is not there. An error says why it cannot be trusted or used.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let metadata = fs::symlink_metadata(folder).map_err(at)?;
        if !metadata.is_dir() || !is_ours(&metadata) {
            return Err(at(io::Error::other("not a folder of this user alone (mode 0700); remove it")));
        }
        let mut cache = Self { folder: folder.to_owned(), key: [0; KEY_BYTES], bytes_max };
        cache.key = cache.read_key().or_else(|_| cache.make_key()).map_err(at)?;
        Ok(cache)
    }

    /// The machine code of this name, if it is there and as it was written.
    pub(crate) fn find(&self, name: &str) -> Option<SealedFile> {
        let path = self.path(name, CODE);
        let code = open_ours(&path).ok()?;
        // Waited for is nobody: who has it to itself removes it, or does what it should not.
        code.try_lock_shared().ok()?;
        let found = Identity::of(&code.metadata().ok()?);
        if Identity::of(&fs::symlink_metadata(&path).ok()?) != found {
            // Removed or replaced before it was locked.
            return None;
        }
        let seal = Seal::read(open_ours(&self.path(name, SEAL)).ok()?, name, &self.key)?;
        if seal.identity != found && !self.renew(name, &seal, found, &code) {
            tracing::info!("a compiled program is not as it was written and is compiled again");
            return None;
        }
        Some(SealedFile(code))
    }

    /// Notes that the program of this name is used again.
    pub(crate) fn used(&self, name: &str) {
        let noted = open_ours(&self.path(name, SEAL)).and_then(|seal| seal.set_modified(SystemTime::now()));
        if let Err(reason) = noted {
            tracing::debug!("the use of a compiled program is not noted: {reason}");
        }
    }

    /// Waits until no other process compiles the component of this name.
    pub(crate) fn compiling(&self, name: &str) -> io::Result<Compiling> {
        let path = self.path(name, COMPILING);
        loop {
            let lock = open_lock(&path)?;
            lock.lock()?;
            let is_there = fs::symlink_metadata(&path).is_ok_and(|there| {
                lock.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
            });
            if is_there {
                return Ok(Compiling { path, _lock: lock });
            }
            // Whom we waited for has removed it.
        }
    }

    /// Writes machine code and its seal, each under another name first. An error if there is no room for it.
    pub(crate) fn save(&self, name: &str, code: &MachineCode) -> io::Result<()> {
        let _lock = self.lock()?;
        self.make_room(name, code.bytes().len() as u64)?;
        let path = self.path(name, CODE);
        self.put(&path, code.bytes())?;
        let metadata = fs::symlink_metadata(&path)?;
        self.seal(name, &Seal { hash: blake3::hash(code.bytes()), identity: Identity::of(&metadata) })?;
        // While the two times are the same it was used once.
        open_ours(&self.path(name, SEAL))?.set_modified(metadata.modified()?)
    }

    /// A file that is not where or when it was sealed is read whole; if it is what was sealed, it gets a new seal.
    fn renew(&self, name: &str, seal: &Seal, found: Identity, code: &File) -> bool {
        let mut hasher = blake3::Hasher::new();
        let same =
            found.len == seal.identity.len && hasher.update_reader(code).is_ok() && hasher.finalize() == seal.hash;
        if same {
            let renewed = Seal { hash: seal.hash, identity: found };
            if let Err(reason) = self.lock().and_then(|_lock| self.seal(name, &renewed)) {
                tracing::debug!("a compiled program keeps its old seal: {reason}");
            }
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

    /// Removes programs until there is room for the one of this name; none where there would be no room all the same.
    fn make_room(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut entries = self.entries()?;
        entries.retain(|entry| entry.name != name);
        let mut total: u64 = bytes + entries.iter().map(|entry| entry.bytes).sum::<u64>();
        let mut leaving = Vec::new();
        while total > self.bytes_max {
            let Some(at) = next_to_go(&entries, SystemTime::now()) else {
                return Err(io::Error::other(format!(
                    "it has {} MiB, and there is no room for it beside what runs in a cache of {} MiB",
                    bytes.div_ceil(1 << 20),
                    self.bytes_max >> 20
                )));
            };
            let entry = entries.swap_remove(at);
            if let Some(claim) = self.claim(&entry.name) {
                total -= entry.bytes;
                leaving.push((entry.name, claim));
            }
        }
        for (name, _claim) in &leaving {
            fs::remove_file(self.path(name, CODE))?;
            let _ = fs::remove_file(self.path(name, SEAL));
        }
        Ok(())
    }

    /// The right to remove a program; none while it runs somewhere.
    fn claim(&self, name: &str) -> Option<Claim> {
        // One that cannot be opened nobody runs.
        let Ok(code) = open_ours(&self.path(name, CODE)) else { return Some(Claim { _lock: None }) };
        code.try_lock().ok()?;
        Some(Claim { _lock: Some(code) })
    }

    /// What is there. Removes what was never finished: nobody writes while this holds the lock.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let path = entry.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            let sealed_at = || fs::symlink_metadata(self.path(&name, SEAL)).and_then(|seal| seal.modified()).ok();
            let is_stray = match extension.as_str() {
                CODE => {
                    let Ok(metadata) = entry.metadata() else { continue };
                    let made_at = metadata.modified()?;
                    let used_at = sealed_at();
                    if let Some(used_at) = used_at {
                        entries.push(Entry { name, bytes: metadata.len(), made_at, used_at });
                    }
                    used_at.is_none()
                }
                SEAL => fs::symlink_metadata(self.path(&name, CODE)).is_err(),
                COMPILING => open_ours(&path).is_ok_and(|file| file.try_lock().is_ok()),
                _ => name.starts_with(UNFINISHED),
            };
            if is_stray {
                fs::remove_file(&path)?;
            }
        }
        Ok(entries)
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    /// The right to write, until what this gives is dropped.
    fn lock(&self) -> io::Result<File> {
        let lock = open_lock(&self.folder.join(LOCK))?;
        lock.lock()?;
        Ok(lock)
    }

    fn read_key(&self) -> io::Result<Key> {
        let mut bytes = Vec::new();
        open_ours(&self.folder.join(KEY))?.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        bytes.try_into().map_err(|_| io::Error::other("the key is damaged"))
    }

    /// A new key, under which no older seal holds; or that of a process that was quicker.
    fn make_key(&self) -> io::Result<Key> {
        let _lock = self.lock()?;
        if let Ok(key) = self.read_key() {
            return Ok(key);
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(no_random)?;
        self.put(&self.folder.join(KEY), &key)?;
        Ok(key)
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

/// Opens a file that is there to be locked, made if missing.
fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits() as i32;
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)
}

/// Whether nobody but this user can read or write it.
fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0
}
