//! What this machine gives: limits of the system, room on disks, folders that are ours.
//!
//! Invariant: nothing is made but a file without a name, which goes at once.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::statvfs;
use rustix::process::{Resource, geteuid, getrlimit};

use super::Finding;
use crate::output::sentence;
use crate::python_component;
use crate::script_file::cache_dir;

/// The least open files that are enough for some scripts, of which each may have a thousand.
const OPEN_FILES_MIN: u64 = 4_096;
/// The least processes and threads that a host with its workers gets by with.
const PROCESSES_MIN: u64 = 256;
/// The least room on a disk, in bytes, and in files.
const ROOM_BYTES_MIN: u64 = 1 << 30;
const ROOM_FILES_MIN: u64 = 10_000;
/// What it means that a folder cannot be used.
const WITHOUT_DATA: &str = "Without it nothing can be kept, and nothing runs";
const WITHOUT_CACHE: &str = "Without it each start compiles all programs anew, for Python some ten seconds";
/// How deep below the data's folder it is looked for what is not ours, and at how much at most.
const DEPTH_MAX: usize = 4;
const LOOKED_AT_MAX: usize = 100_000;

/// Everything that is about the machine and the folder of the data.
pub(super) fn look(data: &Path) -> Vec<Finding> {
    let cache = cache_dir();
    let mut found = vec![open_files(), processes(), python(), folder("data", data, WITHOUT_DATA), room("data", data)];
    match &cache {
        Ok(cache) => found.extend([folder("cache", cache, WITHOUT_CACHE), room("cache", cache)]),
        Err(error) => found.push(Finding::wrong(
            "cache",
            sentence(&error),
            format!("{WITHOUT_CACHE}: set HOME or XDG_CACHE_HOME to where this user may write"),
        )),
    }
    found.extend(strange_owner(data));
    found
}

fn open_files() -> Finding {
    let most = getrlimit(Resource::Nofile).maximum;
    let text = format!("{} files may be open at a time", shown(most));
    if most.is_none_or(|most| most >= OPEN_FILES_MIN) {
        return Finding::right("limits", text);
    }
    let advice = format!(
        "Each script may have a thousand, so scripts fail to open theirs: allow at least {OPEN_FILES_MIN} (LimitNOFILE= of the \
         service, or `ulimit -Hn`)"
    );
    Finding::wrong("limits", text, advice)
}

fn processes() -> Finding {
    let most = getrlimit(Resource::Nproc).current;
    let text = format!("{} processes and threads of this user may run", shown(most));
    if most.is_none_or(|most| most >= PROCESSES_MIN) {
        return Finding::right("limits", text);
    }
    let advice = format!(
        "A host or a worker that cannot start a thread ends: allow at least {PROCESSES_MIN} (LimitNPROC= of the service, or \
         `ulimit -u`)"
    );
    Finding::wrong("limits", text, advice)
}

fn shown(most: Option<u64>) -> String {
    most.map_or_else(|| "any number of".to_owned(), |most| most.to_string())
}

fn python() -> Finding {
    match python_component::source() {
        Ok(_) => {
            let digest = python_component::CONTENT_HASH.get(..12).unwrap_or_default();
            Finding::right("python", format!("tglhost {} with Python component {digest}", env!("CARGO_PKG_VERSION")))
        }
        Err(error) => Finding::wrong("python", sentence(&error), "No Python script runs with this binary"),
    }
}

/// Whether a folder is ours alone and can be written to; one that is not there is made when it is needed.
fn folder(about: &'static str, path: &Path, without: &str) -> Finding {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return not_there(about, path, without),
        Err(error) => {
            return Finding::wrong(about, format!("{shown}: {error}"), format!("{without}: name another folder"));
        }
    };
    if !metadata.is_dir() {
        return Finding::wrong(about, format!("{shown} is no folder"), format!("{without}: move it away"));
    }
    if let Some(finding) = not_ours(about, path, &metadata) {
        return finding;
    }
    if metadata.mode() & 0o077 != 0 {
        let advice = format!("Sessions and what scripts keep are for nobody else to read: `chmod 700 {shown}`");
        return Finding::wrong(about, format!("{shown} is open to other users"), advice);
    }
    match tempfile::tempfile_in(path) {
        Ok(_) => Finding::right(about, format!("{shown} is this user's alone")),
        Err(error) => {
            let advice = format!("{without}: see that its disk is whole and not read-only");
            Finding::wrong(about, format!("{shown} cannot be written to: {error}"), advice)
        }
    }
}

fn not_there(about: &'static str, path: &Path, without: &str) -> Finding {
    let above = path.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("/"));
    let text = format!("{} is not there yet", path.display());
    match tempfile::tempfile_in(above) {
        Ok(_) => Finding::right(about, format!("{text}, and can be made")),
        Err(error) => {
            let advice =
                format!("{without}. It cannot be made in {} ({error}): make it, for this user", above.display());
            Finding::wrong(about, text, advice)
        }
    }
}

fn not_ours(about: &'static str, path: &Path, metadata: &Metadata) -> Option<Finding> {
    let us = geteuid().as_raw();
    (metadata.uid() != us).then(|| {
        let text = format!("{} belongs to user {}, and this is user {us}", path.display(), metadata.uid());
        let advice = "A host cannot work with what is another user's: run tglhost as that one, or give all of it to this one \
                      (`chown -R`)";
        Finding::wrong(about, text, advice)
    })
}

/// Something in the data that another user owns, as when a command was run as root once.
fn strange_owner(data: &Path) -> Option<Finding> {
    let mut folders = vec![(data.to_owned(), 0)];
    let mut left = LOOKED_AT_MAX;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            let Ok(metadata) = fs::symlink_metadata(entry.path()) else { continue };
            if let Some(finding) = not_ours("data", &entry.path(), &metadata) {
                return Some(finding);
            }
            if metadata.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    None
}

/// Whether there is room on the disk of a folder.
fn room(about: &'static str, path: &Path) -> Finding {
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    let disk = match statvfs(there) {
        Ok(disk) => disk,
        Err(error) => {
            return Finding::notice(
                about,
                format!("the disk of {} says nothing: {error}", path.display()),
                "See to it",
            );
        }
    };
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} MiB and {} files are free on the disk of {}", bytes >> 20, disk.f_favail, path.display());
    // Some file systems count no files.
    let is_room_for_files = disk.f_files == 0 || disk.f_favail >= ROOM_FILES_MIN;
    if bytes >= ROOM_BYTES_MIN && is_room_for_files {
        return Finding::right(about, text);
    }
    let advice = format!(
        "On a full disk a host waits and takes no messages: make room for at least {} MiB and {ROOM_FILES_MIN} files",
        ROOM_BYTES_MIN >> 20
    );
    Finding::wrong(about, text, advice)
}
