//! Calls about files: sending what lies in a script's folders, loading what messages carry, photos of chats and of
//! oneself.
//!
//! Invariant: a file is never in memory as a whole; a transfer holds at most [`PARTS_IN_FLIGHT_MAX`] parts of it.

mod download;
mod endings;
mod forward;
mod kinds;
mod part;
mod photos;
mod progress;
mod send;
mod target;
mod text;
mod upload;

use files::FileError;
use tgl::Failure;

use crate::fault::Fault;

pub(super) use download::load;
pub(super) use forward::forward_media;
pub(super) use photos::{set_chat_photo, set_profile_photo};
pub(super) use send::send;

/// One part: <https://core.telegram.org/api/files#uploading-files> allows no larger ones.
pub const PART_BYTES: u64 = 512 << 10;

/// Parts of one transfer that are under way at a time: 2 MiB.
const PARTS_IN_FLIGHT_MAX: usize = 4;

/// The largest file that is sent: more parts than 4 000 the server takes from nobody but those who pay.
pub const FILE_BYTES_MAX: u64 = 4_000 * PART_BYTES;

/// The largest file that is loaded: 2 GiB.
const LOAD_BYTES_MAX: u64 = 2 << 30;

/// The largest file whose content is sent as messages, as telegram-cli had it: 1 MiB.
pub const TEXT_FILE_BYTES_MAX: u64 = 1 << 20;

/// What a script is told of a file that is not to be had.
fn file_error(error: FileError) -> Fault {
    let kind = match &error {
        FileError::NotFound(_) => Failure::NotFound,
        FileError::Outside(_) | FileError::NoHome => Failure::NotGranted,
        FileError::Invalid(_) | FileError::NotAFile { .. } | FileError::Denied(_) => Failure::Invalid,
        FileError::Full { .. } => Failure::LimitReached,
        FileError::NotCounted | FileError::DiskFull | FileError::Failed { .. } => Failure::Unavailable,
    };
    Fault::new(kind, error.to_string())
}
