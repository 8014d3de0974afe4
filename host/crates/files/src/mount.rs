//! Which folder of the host a guest sees where.
//!
//! Invariant: places of one file space are absolute, without `.` and `..`, and none lies inside another.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::error::MountError;
use crate::kernel::is_kernels_own;

/// Where a guest sees its project folder.
pub const SCRIPT_PATH: &str = "/script";
/// Where a guest sees its private folder.
pub const HOME_PATH: &str = "/home";

/// The variables by which every guest finds places of its own: its private folder, where relative paths begin, and where
/// temporary files lie.
pub const PLACE_VARIABLES: [&str; 3] = ["HOME", "PWD", "TMPDIR"];

/// Where every guest finds the one device that it has, which is the host's.
pub(crate) const DEVICES_PATH: &str = "/dev";
/// That device: it is read as empty, and drops what is written to it.
pub const NULL_PATH: &str = "/dev/null";

/// Folders beside the script's own two.
pub const MOUNTS_MAX: usize = 16;

/// One folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// On the host.
    pub host: PathBuf,
    /// Where the guest sees it.
    pub guest: String,
    /// Whether the guest may write there.
    pub writable: bool,
}

/// The folder that a script's modules and data lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// On the host.
    pub folder: PathBuf,
    /// The only file of it that the script sees, where it may not see the others.
    pub only: Option<String>,
    /// Whether the script works in it, instead of in a view of it that keeps what it writes in the private folder.
    pub writable: bool,
    /// It lies in the folder of a host of many tenants, of which a script sees its own project and nothing else.
    pub is_in_host_folder: bool,
}

impl Project {
    /// All of a folder, which stays as it is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), only: None, writable: false, is_in_host_folder: false }
    }

    /// The folder, where the script sees more of it than itself.
    pub fn modules(&self) -> Option<&Path> {
        self.only.is_none().then_some(&self.folder)
    }
}

/// `HOST:GUEST` or `HOST:GUEST:rw`, as on the command line. The folder must be there.
impl FromStr for Mount {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, MountError> {
        let (places, writable) = match text.strip_suffix(":rw") {
            Some(places) => (places, true),
            None => (text, false),
        };
        let (host, guest) = places.rsplit_once(':').ok_or_else(|| MountError::Syntax(text.to_owned()))?;
        if host.is_empty() || guest.is_empty() {
            return Err(MountError::Syntax(text.to_owned()));
        }
        let names_two_places = host.rsplit_once(':').is_some_and(|(_, place)| place.starts_with('/'));
        if !guest.starts_with('/') && names_two_places {
            return Err(MountError::Access(guest.to_owned()));
        }
        if !guest.starts_with('/') || guest.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(MountError::NotAbsolute(guest.to_owned()));
        }
        let guest: String = guest.split('/').filter(|part| !part.is_empty()).flat_map(|part| ["/", part]).collect();
        check_place(&guest)?;
        Ok(Self { host: folder(Path::new(host))?, guest, writable })
    }
}

/// Whether mounts may stand side by side, and beside the script's own two folders.
pub(crate) fn check(mounts: &[Mount]) -> Result<(), MountError> {
    if mounts.len() > MOUNTS_MAX {
        return Err(MountError::TooMany { max: MOUNTS_MAX });
    }
    for (number, mount) in mounts.iter().enumerate() {
        check_place(&mount.guest)?;
        let (guest, others) = (one_name(&mount.guest), &mounts[..number]);
        let clashes = |other: &&Mount| {
            let other = one_name(&other.guest);
            is_inside(&guest, &other) || is_inside(&other, &guest)
        };
        if let Some(other) = others.iter().find(clashes) {
            return Err(MountError::Clash { guest: mount.guest.clone(), other: other.guest.clone() });
        }
    }
    Ok(())
}

/// The root and the script's own two folders are taken; what is in them is not.
fn check_place(guest: &str) -> Result<(), MountError> {
    match guest {
        "" => Err(MountError::Taken { guest: "/".to_owned() }),
        HOME_PATH | SCRIPT_PATH | DEVICES_PATH => Err(MountError::Taken { guest: guest.to_owned() }),
        _ => Ok(()),
    }
}

/// /home and /script may be two names of one folder, and /tmp leads into it.
fn one_name(guest: &str) -> String {
    match guest.strip_prefix(SCRIPT_PATH) {
        Some(rest) if rest.starts_with('/') => format!("{HOME_PATH}{rest}"),
        _ if is_inside(guest, "/tmp") => format!("{HOME_PATH}{guest}"),
        _ => guest.to_owned(),
    }
}

/// Whether a path is the folder or in it.
fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folder's own path, links followed.
pub(crate) fn folder(host: &Path) -> Result<PathBuf, MountError> {
    let failed = |reason| MountError::NotAFolder { host: host.display().to_string(), reason };
    let path = host.canonicalize().map_err(failed)?;
    if !path.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let opened = rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let opened = opened.map_err(|reason| failed(reason.into()))?;
    if is_kernels_own(&opened) || path.starts_with(DEVICES_PATH) {
        return Err(MountError::KernelsOwn { host: host.display().to_string() });
    }
    Ok(path)
}
