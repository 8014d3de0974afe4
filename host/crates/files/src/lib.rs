//! A script's file space: the folders of the host that it sees, under which paths, and how much it may put into its
//! private one. The sandbox gives it to the guest through WASI, the account opens what a guest names in a call: both by the
//! same look-up.
//!
//! The private folder lies over the project folder: what the script writes is found first, and the project stays as it is.
//!
//! Invariant: what a guest names is opened below the folder it is in and nowhere else, whatever links lie there; hidden names
//! of the project and the host's own folders are in no listing and at no path. No error names a path of the host.

mod change;
mod copy;
mod downloads;
mod error;
mod held;
mod kept;
mod kernel;
mod look;
mod mount;
mod open;
mod parts;
mod private;
mod quota;
mod root;
mod space;
mod tree;
mod walk;

pub use change::Room;
pub use downloads::{DOWNLOADS_PATH, Incoming};
pub use error::{FileError, MountError};
pub use look::{About, LISTING_ENTRIES_MAX};
pub use mount::{HOME_PATH, MOUNTS_MAX, Mount, NULL_PATH, PLACE_VARIABLES, Project, SCRIPT_PATH};
pub use open::{OpenFile, OpenHow, Opened, PATH_BYTES_MAX};
pub use parts::Parts;
pub use private::{OWN_FOLDER_MARK, mark_own_folder, own_folder_around};
pub use quota::{Counter, ENTRY_BYTES, HOME_BYTES_MAX, Quota, Turn};
pub use space::{FileSpace, Folders};
pub use tree::Place;
