//! A copy of a folder that a script writes to, as it was at one moment: of all its files together, so that a database in it
//! and its journal fit.
//!
//! Invariant: a copy stands only if nothing in the folder has changed from before it to after it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

/// How often a copy is tried. Pauses between tries grow to [`PAUSE_MAX`], so that it is given up after some five seconds.
const TRIES_MAX: u32 = 30;
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// How long nothing must have changed before a copy: the clock by which files are changed makes steps of up to 10 ms, and
/// two changes within one look like one.
const QUIET: Duration = Duration::from_millis(20);

/// What tells that a file was changed, by anybody and in any way.
#[derive(PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    kind: fs::FileType,
}

/// Copies a folder to a new one.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    copy_while(from, to, || {})
}

/// The same, while this is done to the folder each time.
fn copy_while(from: &Path, to: &Path, mut meanwhile: impl FnMut()) -> Result<()> {
    let mut in_motion = from.to_owned();
    for attempt in 0..TRIES_MAX {
        let before = marks(from).with_context(|| format!("cannot look through {}", from.display()))?;
        match recently_changed(&before) {
            Some(file) => in_motion = file,
            None => {
                let copied = copy_all(from, to, &before);
                meanwhile();
                match first_difference(&before, &marks(from)?) {
                    // Nothing has gone meanwhile that could not be found.
                    None => return copied.with_context(|| format!("cannot copy {}", from.display())),
                    Some(file) => in_motion = file,
                }
            }
        }
        remove(to)?;
        std::thread::sleep(PAUSE_MAX.min(QUIET * (attempt + 1)));
    }
    bail!(
        "{} is written to all the time: stop its script for the time of the backup (`tglhost stop TENANT/SCRIPT`)",
        in_motion.display()
    )
}

/// Everything below a folder, itself included.
fn marks(folder: &Path) -> io::Result<BTreeMap<PathBuf, Mark>> {
    let mut found = BTreeMap::from([(folder.to_owned(), Mark::of(&fs::symlink_metadata(folder)?))]);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let metadata = match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, Mark::of(&metadata));
        }
    }
    Ok(found)
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { inode: metadata.ino(), bytes: metadata.len(), changed, kind: metadata.file_type() }
    }
}

/// A file that was changed a moment ago.
fn recently_changed(marks: &BTreeMap<PathBuf, Mark>) -> Option<PathBuf> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let is_recent = |mark: &Mark| {
        let (seconds, nanoseconds) = mark.changed;
        let changed = Duration::new(seconds.unsigned_abs(), u32::try_from(nanoseconds).unwrap_or_default());
        now.checked_sub(changed).is_some_and(|age| age < QUIET)
    };
    marks.iter().find(|(_, mark)| is_recent(mark)).map(|(path, _)| path.clone())
}

/// The first place where the two are not the same.
fn first_difference(before: &BTreeMap<PathBuf, Mark>, after: &BTreeMap<PathBuf, Mark>) -> Option<PathBuf> {
    let changed = before.iter().find(|(path, mark)| after.get(*path) != Some(mark));
    changed.or_else(|| after.iter().find(|(path, _)| !before.contains_key(*path))).map(|(path, _)| path.clone())
}

fn copy_all(from: &Path, to: &Path, marks: &BTreeMap<PathBuf, Mark>) -> io::Result<()> {
    for (path, mark) in marks {
        let to = match path.strip_prefix(from) {
            Ok(inner) if inner.as_os_str().is_empty() => to.to_owned(),
            Ok(inner) => to.join(inner),
            Err(_) => continue,
        };
        if mark.kind.is_dir() {
            DirBuilder::new().mode(0o700).create(to)?;
        } else if mark.kind.is_symlink() {
            symlink(fs::read_link(path)?, to)?;
        } else if mark.kind.is_file() {
            fs::copy(path, to)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use tempfile::TempDir;

    use super::*;

    /// A folder with a file and a link in it, and what appends to the file.
    fn restless() -> (TempDir, PathBuf, impl Fn()) {
        let folder = TempDir::new().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("inner")).unwrap();
        let file = from.join("inner/log");
        fs::write(&file, "begun\n").unwrap();
        symlink("inner/log", from.join("link")).unwrap();
        let append = move || OpenOptions::new().append(true).open(&file).unwrap().write_all(b"more\n").unwrap();
        (folder, from, append)
    }

    #[test]
    fn a_copy_is_of_one_moment() {
        let (folder, from, append) = restless();
        let to = folder.path().join("to");
        let mut tries = 0;
        copy_while(&from, &to, || {
            tries += 1;
            if tries < 3 {
                append();
            }
        })
        .unwrap();
        assert_eq!(tries, 3);
        assert_eq!(fs::read_to_string(to.join("inner/log")).unwrap(), "begun\nmore\nmore\n");
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("inner/log"));
    }

    #[test]
    fn a_folder_that_is_never_still_is_named_and_nothing_of_it_stays() {
        let (folder, from, append) = restless();
        let to = folder.path().join("to");
        let refused = copy_while(&from, &to, append).unwrap_err().to_string();
        assert!(refused.contains("from/inner/log is written to all the time"), "{refused}");
        assert!(!to.exists());
    }
}
