//! Files of the private folder that the account has open: the guest may remove one meanwhile, and fill its room again.
//!
//! Invariant: from its opening until all who opened it are done, such a file has a name in the private folder that the guest
//! cannot reach. So whoever measures the folder finds it, in whichever process. Where the file system has no second names
//! for files, only the account's own process knows of it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;

use crate::private;
use crate::space::FileSpace;

/// What such a name begins with, before the file's number. It hides nothing: a project's dot-files are not seen anyway.
pub(crate) const KEPT_PREFIX: &str = ".wh..open-";

/// How often each file is open, by its number. As long as the account's calls that are under way.
#[derive(Debug, Default)]
pub(crate) struct KeptFiles {
    opened: Mutex<HashMap<u64, usize>>,
}

/// One opening of a file.
#[derive(Debug)]
pub(crate) struct Kept {
    space: FileSpace,
    number: u64,
}

impl FileSpace {
    /// Keeps a name for an open file as long as what is given lives, where the file counts and can have one.
    ///
    /// # Errors
    /// `ENOENT` where it has lost all its names.
    pub(crate) fn keep(&self, file: &File) -> Result<Option<Kept>, Errno> {
        let Some(home) = self.home_folder()?.filter(|_| self.counts(file)) else { return Ok(None) };
        let number = rustix::fs::fstat(file)?.st_ino;
        let mut opened = self.kept().lock();
        if !opened.contains_key(&number) {
            let name = name(number);
            // What a killed process has left.
            let _ = rustix::fs::unlinkat(&home, &name, AtFlags::empty());
            match rustix::fs::linkat(CWD, private::path(file), home, name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => {}
                Err(Errno::NOENT) => return Err(Errno::NOENT),
                Err(_) => return Ok(None),
            }
        }
        *opened.entry(number).or_default() += 1;
        Ok(Some(Kept { space: self.clone(), number }))
    }
}

impl KeptFiles {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut opened = self.space.kept().lock();
        let times = opened.entry(self.number).or_default();
        *times = times.saturating_sub(1);
        if *times == 0 {
            opened.remove(&self.number);
            if let Ok(Some(home)) = self.space.home_folder() {
                let _ = rustix::fs::unlinkat(home, name(self.number), AtFlags::empty());
            }
            self.space.counter().may_be_less();
        }
    }
}

/// Whether a name in the private folder is one for a file that may have another.
pub(crate) fn is_kept(name: &OsStr) -> bool {
    name.as_bytes().starts_with(KEPT_PREFIX.as_bytes())
}

fn name(number: u64) -> String {
    format!("{KEPT_PREFIX}{number}")
}
