//! A new version of a script, from whoever may bring one.
//!
//! Invariant: there is always a whole file in the script's place; where the new one cannot be run, it is the old one. What has the
//! name of an old file is one that was whole when it got it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use config::{Config, Script as Settings};

use super::handle::Handle;
use super::refusal::{Refusal, blocking};
use super::script::{ScriptKey, all};
use crate::script_file::ScriptFile;

/// The new file until it takes the script's place, the old one until the new one runs, and a copy that becomes that.
const NEW: &str = "new";
const OLD: &str = "old";
const COPY: &str = "copy";

/// Puts this file in the place of the script's.
///
/// # Errors
/// Where it cannot be run, or not be written: then all is as it was.
pub(super) async fn put(handle: &Handle, key: ScriptKey, file: Vec<u8>) -> Result<(), Refusal> {
    handle.change_script(key, |handle, key| Box::pin(async move { put_now(&handle, &key, file).await })).await
}

/// Takes back what an end of the host has left half done: scripts whose new version had not been loaded yet. Gives whether
/// there was anything.
///
/// # Errors
/// Where the old file cannot be put back.
pub(super) fn undo_unfinished(config: &Config) -> anyhow::Result<bool> {
    let mut is_any = false;
    for (_, script) in all(config) {
        let path = &script.settings.path;
        remove_unfinished(path);
        let old = beside(path, OLD);
        if old.is_file() {
            fs::rename(&old, path).with_context(|| format!("cannot put {} back", path.display()))?;
            is_any = true;
        }
    }
    Ok(is_any)
}

/// What the files say of a script now.
fn settings(folder: &Path, own: &[PathBuf], key: &ScriptKey) -> Result<Settings, Refusal> {
    let config = config::read(folder, own).map_err(|faults| {
        Refusal::Conflict(format!("the host's files are wrong, which its owner has to mend: {faults}"))
    })?;
    let mut scripts = config.tenants.get(&*key.tenant).map(|tenant| tenant.scripts.clone()).unwrap_or_default();
    scripts.remove(&*key.name).ok_or_else(|| Refusal::no_script(key))
}

async fn put_now(handle: &Handle, key: &ScriptKey, file: Vec<u8>) -> Result<(), Refusal> {
    let path = handle.at_once(|host| host.script_path(key)).await??;
    let swap = blocking(move || Swap::make(path, &file)).await?;
    // What it asks for stands in its file.
    let (folder, own, named) = (handle.folder().to_owned(), handle.data_dir().own_folders(), key.clone());
    let renewed = match blocking(move || settings(&folder, &own, &named)).await {
        Ok(settings) => handle.renew_now(key, settings).await,
        Err(refusal) => Err(refusal),
    };
    let is_kept = renewed.is_ok();
    blocking(move || swap.settle(is_kept)).await?;
    renewed
}

/// A file that has taken the place of another, which may take it back.
struct Swap {
    path: PathBuf,
    /// The file that was there, if one was.
    old: Option<PathBuf>,
}

impl Swap {
    fn make(path: PathBuf, file: &[u8]) -> Result<Self, Refusal> {
        // What lies there already may lead elsewhere.
        remove_unfinished(&path);
        let made = Self::put(&path, file);
        if made.is_err() {
            remove_unfinished(&path);
        }
        made.map(|old| Self { path, old })
    }

    fn put(path: &Path, file: &[u8]) -> Result<Option<PathBuf>, Refusal> {
        let new = beside(path, NEW);
        let made = File::create_new(&new).and_then(|mut made| made.write_all(file).and_then(|()| made.sync_all()));
        made.map_err(|error| unwritten(error, &new))?;
        let fit = ScriptFile::read(&new).and_then(|file| file.unfit().map_or(Ok(()), Err));
        fit.map_err(|why| Refusal::Wrong(format!("it cannot be run: {}", why.root_cause())))?;
        let old = path.exists().then(|| beside(path, OLD));
        let kept = old.as_ref().map_or(Ok(()), |old| {
            let copy = beside(path, COPY);
            fs::copy(path, &copy).and_then(|_| File::open(&copy)?.sync_all()).and_then(|()| fs::rename(copy, old))
        });
        kept.and_then(|()| fs::rename(&new, path)).map_err(|error| unwritten(error, path))?;
        Ok(old)
    }

    fn settle(self, is_kept: bool) -> Result<(), Refusal> {
        let settled = match (is_kept, &self.old) {
            (true, None) => Ok(()),
            (true, Some(old)) => fs::remove_file(old),
            (false, None) => fs::remove_file(&self.path),
            (false, Some(old)) => fs::rename(old, &self.path),
        };
        settled.map_err(|error| unwritten(error, &self.path))
    }
}

/// Removes what a deploy had not written to its end.
fn remove_unfinished(script: &Path) {
    for what in [NEW, COPY] {
        let _ = fs::remove_file(beside(script, what));
    }
}

fn unwritten(error: io::Error, path: &Path) -> Refusal {
    Refusal::failed(&anyhow::Error::from(error).context(format!("cannot write {}", path.display())))
}

/// A file beside the script's, of the same kind.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{what}-{name}"))
}
