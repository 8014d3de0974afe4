//! Scripts that somebody has stopped, over the host's ends.
//!
//! Invariant: a script that was stopped, because it did harm perhaps, does not run again before somebody starts it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::script::ScriptKey;
use crate::data_dir::write_whole;

/// Which scripts are stopped, as it stands in a file.
pub(super) struct Stopped {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl Stopped {
    /// Reads it.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no such file.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let names = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!("{} is damaged: move it away, and stop again what is to be stopped", path.display())
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Self { path, names })
    }

    /// Whether somebody has stopped this script.
    pub(super) fn has(&self, key: &ScriptKey) -> bool {
        self.names.contains(&key.to_string())
    }

    /// Keeps whether it is stopped.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub(super) fn set(&mut self, key: &ScriptKey, is_stopped: bool) -> Result<()> {
        let (mut names, name) = (self.names.clone(), key.to_string());
        let is_new = if is_stopped { names.insert(name) } else { names.remove(&name) };
        if is_new { self.write(names) } else { Ok(()) }
    }

    /// Forgets all but these: what is called so later is another.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub(super) fn keep_only(&mut self, there: &BTreeSet<String>) -> Result<()> {
        if self.names.is_subset(there) { Ok(()) } else { self.write(&self.names & there) }
    }

    fn write(&mut self, names: BTreeSet<String>) -> Result<()> {
        write_whole(&self.path, &serde_json::to_vec(&names)?)?;
        self.names = names;
        Ok(())
    }
}
