//! Which folder of the host a guest sees where.
//!
//! Invariant: places of one file space are absolute, without `.` and `..`, and none lies inside another.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::MountError;

/// Where a guest sees the folder that its script came from.
pub const SCRIPT_PATH: &str = "/script";
/// Where a guest sees its private folder. It is the working directory as well, and what any other path is looked up in: a
/// script that writes to /tmp writes to the private folder's tmp.
pub const HOME_PATH: &str = "/home";
/// Leads into the private folder, so nothing can be put there.
const TMP_PATH: &str = "/tmp";

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
        if !guest.starts_with('/') || guest.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(MountError::NotAbsolute(guest.to_owned()));
        }
        let guest: String = guest.split('/').filter(|part| !part.is_empty()).flat_map(|part| ["/", part]).collect();
        check_place(&guest, [HOME_PATH, SCRIPT_PATH, TMP_PATH])?;
        Ok(Self { host: folder(Path::new(host))?, guest, writable })
    }
}

/// Whether mounts may stand side by side, and beside the script's own two.
pub(crate) fn check(mounts: &[Mount]) -> Result<(), MountError> {
    if mounts.len() > MOUNTS_MAX {
        return Err(MountError::TooMany { max: MOUNTS_MAX });
    }
    for (number, mount) in mounts.iter().enumerate() {
        check_place(&mount.guest, [HOME_PATH, SCRIPT_PATH, TMP_PATH])?;
        check_place(&mount.guest, mounts[..number].iter().map(|other| other.guest.as_str()))?;
    }
    Ok(())
}

fn check_place<'a>(guest: &str, others: impl IntoIterator<Item = &'a str>) -> Result<(), MountError> {
    let root = || MountError::Clash { guest: "/".to_owned(), other: HOME_PATH.to_owned() };
    if guest.is_empty() {
        return Err(root());
    }
    match others.into_iter().find(|other| is_inside(guest, other) || is_inside(other, guest)) {
        Some(other) => Err(MountError::Clash { guest: guest.to_owned(), other: other.to_owned() }),
        None => Ok(()),
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
    if path.is_dir() { Ok(path) } else { Err(failed(io::ErrorKind::NotADirectory.into())) }
}
