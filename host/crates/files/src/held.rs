//! The files of a private folder that are open, since one that has lost its name fills the disk until it is closed.
//!
//! Invariant: every file that somebody has open is in the list. The list is at most twice as long as it was after its last
//! pruning, or [`UNPRUNED_MAX`]; who opens has a bound of its own: a guest on its handles, an account on its calls.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Weak};

use crate::quota::ENTRY_BYTES;

/// A list of this length is not looked through for files that were closed.
const UNPRUNED_MAX: usize = 64;

/// Which files are open. Does not keep them open.
#[derive(Debug, Default)]
pub(crate) struct HeldFiles {
    files: Vec<Weak<File>>,
    /// How many there were after the last pruning.
    open: usize,
}

impl HeldFiles {
    pub(crate) fn add(&mut self, file: &Arc<File>) {
        if self.files.len() >= UNPRUNED_MAX.max(2 * self.open) {
            self.files.retain(|file| file.strong_count() > 0);
            self.open = self.files.len();
        }
        self.files.push(Arc::downgrade(file));
    }

    /// What those count that have no name any more, each once however often it is open.
    pub(crate) fn nameless_bytes(&self) -> u64 {
        let mut nameless = HashMap::new();
        for file in self.files.iter().filter_map(Weak::upgrade) {
            match file.metadata() {
                Ok(about) if about.nlink() > 0 => {}
                Ok(about) => {
                    let len = if about.is_dir() { 0 } else { about.len() };
                    nameless.insert((about.dev(), about.ino()), len.saturating_add(ENTRY_BYTES));
                }
                Err(_) => return u64::MAX,
            }
        }
        nameless.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_closed_are_forgotten() {
        let file = || Arc::new(tempfile::tempfile().unwrap());
        let mut held = HeldFiles::default();
        for _ in 0..10 * UNPRUNED_MAX {
            held.add(&file());
            assert!(held.files.len() <= UNPRUNED_MAX);
        }
        let open: Vec<_> = (0..2 * UNPRUNED_MAX).map(|_| file()).collect();
        for _ in 0..5 {
            open.iter().for_each(|file| held.add(file));
        }
        let mut others = HeldFiles::default();
        open.iter().for_each(|file| others.add(file));
        for _ in 0..10 * UNPRUNED_MAX {
            others.add(&file());
            assert!(others.files.len() <= 2 * open.len() + 1);
        }
        assert_eq!(others.nameless_bytes(), open.len() as u64 * ENTRY_BYTES, "none that is open is forgotten");
        assert_eq!(held.nameless_bytes(), open.len() as u64 * ENTRY_BYTES, "each counts once");
    }
}
