//! What can go wrong with a script's files, in words for its user.
//!
//! Invariant: a [`FileError`] may be shown to the guest: it names what the guest named.

use std::io;

use thiserror::Error;

/// Why a file that a guest named cannot be had.
#[derive(Debug, Error)]
pub enum FileError {
    /// Nothing could be called that.
    #[error("{0:?} is no path of a file")]
    Invalid(String),
    /// It is not there.
    #[error("there is no file {0:?} in the script's folders")]
    NotFound(String),
    /// A link or `..` leads out of the folder it is in.
    #[error(
        "{0:?} leads out of the script's folders; give the script the folder it means with --dir, on a host of many tenants by [grants.folders]"
    )]
    Outside(String),
    /// It is there, and not a regular file.
    #[error("{path:?} is {what}, not a file")]
    NotAFile {
        /// As the guest wrote it.
        path: String,
        /// What it is, with its article.
        what: &'static str,
    },
    /// The host's user may not read it.
    #[error("{0:?} may not be read: its permissions do not allow it")]
    Denied(String),
    /// There is nothing to write to.
    #[error("the script has no private folder, so nothing can be saved for it")]
    NoHome,
    /// The private folder's quota is reached.
    #[error("the script's private folder is full: it may hold {} KiB", bytes_max >> 10)]
    Full {
        /// The quota.
        bytes_max: u64,
    },
    /// The room is counted elsewhere, and nobody answers there.
    #[error("nobody can say for now whether the script's private folder has room: try again")]
    NotCounted,
    /// The disk's end is reached.
    #[error("the host's disk is full")]
    DiskFull,
    /// The system fails otherwise.
    #[error("{path:?} cannot be opened or written: {reason}")]
    Failed {
        /// As the guest would write it.
        path: String,
        /// In the system's words.
        reason: io::Error,
    },
}

/// Why a folder cannot be given to a script.
#[derive(Debug, Error)]
pub enum MountError {
    /// Not in the form that is wanted.
    #[error(
        "{0:?} does not say which folder goes where: write HOST:GUEST or HOST:GUEST:rw, for example ./data:/data:rw"
    )]
    Syntax(String),
    /// The guest's side does not begin at the root.
    #[error(
        "the script's path {0:?} must begin with a slash and be without `.` and `..`: write HOST:/data, for example"
    )]
    NotAbsolute(String),
    /// What follows the guest's side is not known.
    #[error("{0:?} is no way to give a folder: leave it out, and the script may read it, or write `rw`")]
    Access(String),
    /// The host's side is not there, or no folder.
    #[error("{host} is not a folder that can be opened: {reason}")]
    NotAFolder {
        /// The host's side.
        host: String,
        /// In the system's words.
        #[source]
        reason: io::Error,
    },
    /// The host's own.
    #[error(
        "{host} is in tglhost's own folders (data, configuration, cache), which no script sees, by what is in {own}: \
         give it a copy of what it needs"
    )]
    Private {
        /// The host's side.
        host: String,
        /// Which of them that is.
        own: String,
    },
    /// The kernel's.
    #[error(
        "{host} is where the kernel shows processes and devices, tglhost's own among them, and no script sees that: give a \
         folder of files"
    )]
    KernelsOwn {
        /// The host's side.
        host: String,
    },
    /// The guest's side is one of the script's own folders, or the root.
    #[error(
        "{guest} is there already, as the script's own: choose a place beside it or in it, for example /data or /home/data"
    )]
    Taken {
        /// The guest's side.
        guest: String,
    },
    /// Two folders at one place, or one inside the other.
    #[error("{guest} clashes with {other}: each folder of a script needs a place of its own, not inside another's")]
    Clash {
        /// The one that came later.
        guest: String,
        /// The one that was there.
        other: String,
    },
    /// A file space and its descriptors do not belong together.
    #[error("a script's folders are {wanted} open ones, and {given} came with them")]
    Descriptors {
        /// How many it is made of.
        wanted: usize,
        /// How many there are.
        given: usize,
    },
    /// More than anybody needs.
    #[error("more than {max} folders are given to one script")]
    TooMany {
        /// How many it may be.
        max: usize,
    },
}
