//! What the file space says, in the words of `wasi:filesystem`.
//!
//! Invariant: no system call is made here.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
};

/// What is at a path or behind a descriptor.
pub(super) struct About {
    pub(super) stat: DescriptorStat,
    /// Equal for what is the same.
    pub(super) identity: MetadataHashValue,
}

impl About {
    pub(super) fn of(about: files::About) -> Self {
        match about {
            files::About::There(stat) => Self::of_stat(*stat),
            files::About::Above(place) => {
                let stat = DescriptorStat {
                    type_: DescriptorType::Directory,
                    link_count: 1,
                    size: 0,
                    data_access_timestamp: None,
                    data_modification_timestamp: None,
                    status_change_timestamp: None,
                };
                Self { stat, identity: hash(place) }
            }
        }
    }

    pub(super) fn of_stat(about: Stat) -> Self {
        let time = |seconds: i64, nanoseconds: u64| {
            let nanoseconds = u32::try_from(nanoseconds).unwrap_or(0);
            u64::try_from(seconds).ok().map(|seconds| Datetime { seconds, nanoseconds })
        };
        let stat = DescriptorStat {
            type_: descriptor_type(FileType::from_raw_mode(about.st_mode)),
            link_count: about.st_nlink,
            size: u64::try_from(about.st_size).unwrap_or(0),
            data_access_timestamp: time(about.st_atime, about.st_atime_nsec),
            data_modification_timestamp: time(about.st_mtime, about.st_mtime_nsec),
            status_change_timestamp: time(about.st_ctime, about.st_ctime_nsec),
        };
        Self { stat, identity: hash((about.st_dev, about.st_ino)) }
    }
}

pub(super) fn descriptor_type(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

pub(super) fn error(errno: Errno) -> FsError {
    match errno {
        Errno::ROFS => ErrorCode::ReadOnly.into(),
        Errno::XDEV => ErrorCode::CrossDevice.into(),
        // There is no code for too many open files, and none other gives this one.
        Errno::MFILE | Errno::NFILE => ErrorCode::Quota.into(),
        errno => std::io::Error::from(errno).into(),
    }
}

pub(super) fn timestamps(accessed: NewTimestamp, modified: NewTimestamp) -> Timestamps {
    Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) }
}

fn timespec(new: NewTimestamp) -> Timespec {
    match new {
        NewTimestamp::NoChange => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        NewTimestamp::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) => {
            Timespec { tv_sec: i64::try_from(seconds).unwrap_or(i64::MAX), tv_nsec: nanoseconds.into() }
        }
    }
}

fn hash(identity: impl Hash) -> MetadataHashValue {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &identity).hash(&mut hasher);
        hasher.finish()
    };
    MetadataHashValue { lower: half(0), upper: half(1) }
}
