//! What the host saves for a script: whole or not at all, and within the quota.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::{Barrier, mpsc};
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

#[test]
fn a_file_has_its_name_when_it_is_whole() {
    let (home, space) = home();
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), None);
    let incoming = space.save("download_7.txt", 6).unwrap();
    incoming.write_at(b"def", 3).unwrap();
    assert_eq!(names(&home), ["download_7.txt.part"]);
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), None);
    incoming.write_at(b"abc", 0).unwrap();
    let path = incoming.finish().unwrap();
    drop(incoming);
    assert_eq!(path, "/home/downloads/download_7.txt");
    assert_eq!(names(&home), ["download_7.txt"]);
    assert_eq!(space.saved("download_7.txt", 6).unwrap(), Some(path.clone()));
    assert_eq!(space.saved("download_7.txt", 7).unwrap(), None, "another length is another file");
    assert_eq!(space.open_file(&path).unwrap().len(), 6);
}

#[test]
fn what_does_not_come_to_its_end_leaves_nothing() {
    let (home, space) = home();
    for _ in 0..100 {
        drop(space.save("download_7.txt", QUOTA / 2).unwrap());
        assert!(names(&home).is_empty());
    }
    fs::write(home.path().join("downloads/download_8.mp4.part"), "half").unwrap();
    fs::write(home.path().join("downloads/own.part"), "the script's own").unwrap();
    space.remove_leftovers();
    assert_eq!(names(&home), ["own.part"]);
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
    for name in ["download_1", "download_1.part"] {
        symlink(outside.path().join("victim"), home.path().join("downloads").join(name)).unwrap();
    }
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
    assert!(!names(&home).contains(&"download_2.part".to_owned()));
}

#[test]
fn a_file_that_the_guest_shortens_or_removes_on_its_way_takes_no_more() {
    let (home, space) = home();
    let part = home.path().join("downloads/download_1.part");
    for (is_removed, has_room_at_once) in [(false, true), (true, false)] {
        let incoming = space.save("download_1", QUOTA * 3 / 4).unwrap();
        incoming.write_at(b"x", 0).unwrap();
        (if is_removed { fs::remove_file(&part) } else { fs::File::create(&part).map(drop) }).unwrap();
        space.quota().may_be_less();
        assert!(matches!(incoming.write_at(b"x", QUOTA / 2 - 1), Err(FileError::Failed { .. })));
        assert_eq!(space.quota().turn().take(QUOTA / 2), has_room_at_once);
        drop(incoming);
        space.quota().may_be_less();
        assert!(space.quota().turn().take(QUOTA / 2), "the guest has the room back");
        space.quota().may_be_less();
    }
}

#[test]
fn a_part_is_not_written_while_the_guest_shortens_the_file() {
    let (home, space) = home();
    let incoming = space.save("download_1", QUOTA / 2).unwrap();
    let (begins, begun) = mpsc::sync_channel(1);
    let turn = space.quota().turn();
    thread::scope(|scope| {
        let write = scope.spawn(|| {
            begins.send(()).unwrap();
            incoming.write_at(b"x", QUOTA / 2 - 1)
        });
        begun.recv().unwrap();
        let part = home.path().join("downloads/download_1.part");
        fs::File::create(&part).unwrap();
        drop(turn);
        assert!(matches!(write.join().unwrap(), Err(FileError::Failed { .. })));
        assert_eq!(fs::metadata(part).unwrap().len(), 0);
    });
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

#[test]
fn what_the_disk_refuses_is_said() {
    let (_home, space) = home();
    let incoming = space.save("download_1", 1).unwrap();
    // The largest offset there is: the file system refuses it as it would refuse anything beyond its end.
    assert!(incoming.write_at(b"x", i64::MAX as u64).is_err());
}
