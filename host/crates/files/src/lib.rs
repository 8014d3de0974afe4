//! A script's file space: the folders of the host that it sees, under which paths, and how much it may put into its
//! private one. The sandbox gives it to the guest through WASI, the account opens what a guest names in a call.
//!
//! Invariant: what a guest names is opened below the folder it is in and nowhere else (the kernel sees to that, whatever
//! links lie there), and only if it is a regular file. No error names a path of the host.

mod downloads;
mod error;
mod held;
mod mount;
mod open;
mod quota;
mod space;

pub use downloads::{DOWNLOADS_PATH, Incoming};
pub use error::{FileError, MountError};
pub use mount::{HOME_PATH, MOUNTS_MAX, Mount, SCRIPT_PATH};
pub use open::{OpenFile, PATH_BYTES_MAX};
pub use quota::{ENTRY_BYTES, HOME_BYTES_MAX, Quota, Turn};
pub use space::FileSpace;
