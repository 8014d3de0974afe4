//! What the host saves for a script: whole or not at all, and within the quota.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use files::{ENTRY_BYTES, FileError, FileSpace, PATH_BYTES_MAX};
use rustix::fs::{Mode, OFlags};
use tempfile::TempDir;

const QUOTA: u64 = 256 << 10;

fn home() -> (TempDir, FileSpace) {
    let home = tempfile::tempdir().unwrap();
    let space = FileSpace::open(None, Some(home.path()), QUOTA, &[]).unwrap();
    (home, space)
}

fn names(home: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(home.path().join("downloads")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What is on its way.
fn parts(home: &TempDir) -> Vec<String> {
    let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".wh.")).collect()
}

#[test]
fn a_file_has_its_name_when_it_is_whole() {
    let (home, space) = home();
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), None);
    let incoming = space.save("download_7.txt", 6).unwrap();
    incoming.write_at(b"def", 3).unwrap();
    assert_eq!((names(&home).len(), parts(&home).len()), (0, 1));
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), None);
    incoming.write_at(b"abc", 0).unwrap();
    let path = incoming.finish().unwrap();
    drop(incoming);
    assert_eq!(path, "/home/downloads/download_7.txt");
    assert_eq!(names(&home), ["download_7.txt"]);
    assert!(parts(&home).is_empty());
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), Some(path.clone()));
    assert_eq!(space.saved("download_7.txt", 7).unwrap(), None, "another length is another file");
    assert_eq!(space.open_file(&path).unwrap().len(), 6);
}

#[test]
fn what_does_not_come_to_its_end_leaves_nothing() {
    let (home, space) = home();
    for _ in 0..100 {
        drop(space.save("download_7.txt", QUOTA / 2).unwrap());
        assert!(names(&home).is_empty() && parts(&home).is_empty());
    }
    for (place, text) in [
        (".wh..download-7", "half"),
        (".wh..open-7", "removed, and was being sent"),
        ("downloads/download_8.mp4.part", "half, of an earlier version"),
        ("downloads/download_9.part", "whole, and called so by who sent it"),
        ("downloads/own.part", "the script's own"),
    ] {
        fs::write(home.path().join(place), text).unwrap();
    }
    space.remove_leftovers();
    let mut left = names(&home);
    left.sort_unstable();
    assert_eq!((left, parts(&home)), (vec!["download_9.part".into(), "own.part".into()], Vec::new()));
}

#[test]
fn the_first_ones_may_begin_at_once() {
    for _ in 0..50 {
        let (_home, space) = home();
        let both_are_there = Barrier::new(2);
        let save = |name| {
            both_are_there.wait();
            space.save(name, 1).map(|_| ())
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| save("download_1"));
            save("download_2").unwrap();
            other.join().unwrap().unwrap();
        });
    }
}

#[test]
fn the_quota_has_room_for_all_of_it_or_nothing_begins() {
    let (home, space) = home();
    assert!(matches!(space.save("download_1", QUOTA), Err(FileError::Full { bytes_max: QUOTA })));
    let first = space.save("download_1", QUOTA / 2).unwrap();
    assert!(matches!(space.save("download_2", QUOTA / 2), Err(FileError::Full { .. })), "one account for all");
    assert!(!space.clone().quota().turn().take(QUOTA / 2), "the guest's own writes count with it");
    assert!(space.quota().turn().take(QUOTA / 2 - 3 * ENTRY_BYTES));
    space.quota().may_be_less();
    first.finish().unwrap();
    drop(first);
    assert!(matches!(space.save("download_2", QUOTA / 2), Err(FileError::Full { .. })));
    fs::remove_file(home.path().join("downloads/download_1")).unwrap();
    space.quota().may_be_less();
    space.save("download_2", QUOTA / 2).unwrap();
}

#[test]
fn what_a_guest_puts_in_the_way_leads_nowhere() {
    let (home, space) = home();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), home.path().join("downloads")).unwrap();
    assert!(space.save("download_1", 1).is_err());
    assert!(space.saved("download_1", 1).is_err());
    space.remove_leftovers();
    fs::remove_file(home.path().join("downloads")).unwrap();
    fs::create_dir(home.path().join("downloads")).unwrap();
    fs::write(outside.path().join("victim"), "kept").unwrap();
    symlink(outside.path().join("victim"), home.path().join("downloads/download_1")).unwrap();
    assert_eq!(space.saved("download_1", 4).unwrap(), None);
    let incoming = space.save("download_1", 1).unwrap();
    incoming.write_at(b"x", 0).unwrap();
    incoming.finish().unwrap();
    assert_eq!(fs::read_to_string(outside.path().join("victim")).unwrap(), "kept");
    assert!(fs::symlink_metadata(home.path().join("downloads/download_1")).unwrap().is_file());
    fs::create_dir(home.path().join("downloads/download_2")).unwrap();
    let incoming = space.save("download_2", 1).unwrap();
    assert!(incoming.finish().is_err());
    drop(incoming);
    assert!(parts(&home).is_empty());
}

#[test]
fn a_folder_that_the_guest_changes_meanwhile_gets_no_file_elsewhere() {
    type Change = fn(&Path, &Path);
    let changes: [(&str, Change, &str); 4] = [
        ("removed", |folder, _| fs::remove_dir(folder).unwrap(), "NotFound"),
        ("moved", |folder, _| fs::rename(folder, folder.with_extension("moved")).unwrap(), "NotFound"),
        (
            "a link",
            |folder, outside| {
                fs::remove_dir(folder).unwrap();
                symlink(outside, folder).unwrap();
            },
            "Failed",
        ),
        (
            "a file",
            |folder, _| {
                fs::remove_dir(folder).unwrap();
                fs::write(folder, "").unwrap();
            },
            "Failed",
        ),
    ];
    for (change, make, expected) in changes {
        let (home, space) = home();
        let outside = tempfile::tempdir().unwrap();
        let incoming = space.save("download_1", 1).unwrap();
        make(&home.path().join("downloads"), outside.path());
        incoming.write_at(b"x", 0).unwrap();
        let error = format!("{:?}", incoming.finish().unwrap_err());
        assert!(error.starts_with(expected), "{change}: {error}");
        drop(incoming);
        assert!(parts(&home).is_empty(), "{change}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{change}");
    }
}

#[test]
fn nothing_is_written_beyond_the_length_that_was_counted() {
    let (home, space) = home();
    let incoming = space.save("download_1", 3).unwrap();
    for (bytes, offset) in [(&b"abcd"[..], 0), (b"d", 3), (b"cd", 2), (b"x", u64::MAX)] {
        assert!(matches!(incoming.write_at(bytes, offset), Err(FileError::Failed { .. })), "{offset}");
    }
    incoming.write_at(b"abc", 0).unwrap();
    incoming.finish().unwrap();
    assert_eq!(fs::read(home.path().join("downloads/download_1")).unwrap(), b"abc");
}

#[test]
fn what_lies_too_deep_to_be_measured_leaves_no_room() {
    let (home, space) = home();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut folder = rustix::fs::open(home.path(), flags, Mode::empty()).unwrap();
    let name = "d".repeat(250);
    // By its path no folder can be opened below here, but step by step it can.
    for _ in 0..=PATH_BYTES_MAX / name.len() {
        rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &name, flags, Mode::empty()).unwrap();
    }
    assert!(!space.quota().turn().take(1));
}

#[test]
fn names_are_plain() {
    let (_home, space) = home();
    for name in ["", ".", "..", "a/b", "../a", "a\0", "a b", ".hidden", &"x".repeat(201)] {
        assert!(matches!(space.save(name, 1), Err(FileError::Invalid(_))), "{name}");
    }
    let nowhere = FileSpace::empty();
    assert!(matches!(nowhere.save("download_1", 1), Err(FileError::NoHome)));
}
