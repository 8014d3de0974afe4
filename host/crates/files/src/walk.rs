//! From a guest's path to what is there.
//!
//! Invariant: names are looked up one by one, each below an open folder and without following a link; a link's text is
//! walked like a path, but leads nowhere out of its own region. So what a link or a rename does meanwhile leads nowhere
//! that the guest could not name itself.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use crate::open::PATH_BYTES_MAX;
use crate::tree::{Child, Folder, Place, Tree};

/// Links on the way to one file.
const LINKS_MAX: usize = 40;

/// How long the texts of those links are in all, in bytes: it bounds what one look-up costs.
const LINK_BYTES_MAX: usize = PATH_BYTES_MAX;

/// What a path leads to.
pub(crate) struct Found<'a> {
    /// The folder that it is in and its name there; none where the path names a folder as `.` or `..`, or the root.
    pub(crate) at: Option<(Folder<'a>, String)>,
    pub(crate) what: Child<'a>,
    /// The path ends like a folder's.
    pub(crate) must_be_folder: bool,
}

struct Step {
    name: String,
    /// How far up `..` may lead: a number of names from the root.
    floor: Floor,
}

#[derive(Clone, Copy)]
enum Floor {
    /// The guest's own path: above the root is the root.
    Root,
    /// A link's text: higher leads out.
    Region(usize),
}

impl Tree {
    /// Walks a path from a folder. Links on the way are followed; one at its end where asked. Whether relative paths begin at
    /// the root says what a name means that the root does not have.
    pub(crate) fn walk(
        &self,
        from: &Place,
        path: &str,
        follow: bool,
        begins_at_root: bool,
    ) -> Result<Found<'_>, Errno> {
        if path.len() > PATH_BYTES_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        if path.contains('\0') || path.is_empty() {
            return Err(if path.is_empty() { Errno::NOENT } else { Errno::INVAL });
        }
        let must_be_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
        let mut steps: VecDeque<Step> = from.0.iter().map(String::as_str).map(own).collect();
        steps.extend(path.split('/').filter(|name| !matches!(*name, "" | ".")).map(own));
        let ends_by_name = !matches!(path.trim_end_matches(['/']).rsplit('/').next(), Some("" | "." | ".."));
        let mut folders = vec![self.root()];
        let (mut links, mut link_bytes) = (0, 0);
        while let Some(Step { name, floor }) = steps.pop_front() {
            let depth = folders.len() - 1;
            if name == ".." {
                match floor {
                    Floor::Region(least) if depth <= least => return Err(Errno::PERM),
                    _ if depth == 0 => {}
                    _ => _ = folders.pop(),
                }
                continue;
            }
            let Some(folder) = folders.last() else { return Err(Errno::NOENT) };
            let child = self.child(folder, &name)?;
            let instead = self.instead_of_root(&name, begins_at_root);
            if depth == 0 && matches!(child, Child::Missing) && !instead.0.is_empty() {
                steps.push_front(Step { name, floor });
                instead.0.iter().rev().for_each(|name| steps.push_front(own(name)));
                continue;
            }
            let is_last = steps.is_empty();
            if !is_last && matches!(child, Child::Missing) && self.is_itself(folder, &name) {
                continue;
            }
            match child {
                Child::Folder(folder) => folders.push(folder),
                Child::File { branch, about } if is_link(&about) && (!is_last || follow || must_be_folder) => {
                    let text = link_text(branch.fd(), &name)?;
                    (links, link_bytes) = (links + 1, link_bytes + text.len());
                    if links > LINKS_MAX || link_bytes > LINK_BYTES_MAX {
                        return Err(Errno::LOOP);
                    }
                    let floor = Floor::Region(self.region_depth(&folder.place));
                    for name in text.split('/').filter(|name| !matches!(*name, "" | ".")).rev() {
                        steps.push_front(Step { name: name.to_owned(), floor });
                    }
                }
                Child::Missing if !is_last => return Err(Errno::NOENT),
                Child::File { .. } if !is_last || must_be_folder => return Err(Errno::NOTDIR),
                child => {
                    return Ok(Found { at: folders.pop().map(|folder| (folder, name)), what: child, must_be_folder });
                }
            }
        }
        let last = folders.pop().unwrap_or_else(|| self.root());
        let name = last.place.0.last().cloned().filter(|_| ends_by_name);
        let at = name.and_then(|name| Some((folders.pop()?, name)));
        Ok(Found { at, what: Child::Folder(last), must_be_folder })
    }
}

/// A link's text, if it may be followed: an absolute one means a place of the host's.
pub(crate) fn link_text(folder: BorrowedFd<'_>, name: &str) -> Result<String, Errno> {
    let text = rustix::fs::readlinkat(folder, name, Vec::new())?.into_string().map_err(|_| Errno::ILSEQ)?;
    if text.starts_with('/') { Err(Errno::PERM) } else { Ok(text) }
}

pub(crate) fn is_link(about: &Stat) -> bool {
    FileType::from_raw_mode(about.st_mode).is_symlink()
}

fn own(name: &str) -> Step {
    Step { name: name.to_owned(), floor: Floor::Root }
}
