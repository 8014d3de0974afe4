//! A private folder that two processes write to: the guest in one, which counts, and the account in another.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use files::{Counter, ENTRY_BYTES, FileError, FileSpace};

const QUOTA: u64 = 256 << 10;

/// Says the same whatever it is asked.
#[derive(Debug)]
struct Says(Option<bool>);

impl Counter for Says {
    fn take(&self, _: u64) -> Result<bool, FileError> {
        let gone = || FileError::Failed { path: "/home".to_owned(), reason: io::ErrorKind::BrokenPipe.into() };
        self.0.ok_or_else(gone)
    }

    fn may_be_less(&self) {}
}

/// The guest's side of a private folder, and the account's.
fn sides(home: &Path) -> (FileSpace, FileSpace) {
    let account = FileSpace::open(None, Some(home), QUOTA, &[]).unwrap();
    let descriptors = account.roots().unwrap().iter().map(|root| root.try_clone().unwrap()).collect();
    let guest = FileSpace::of_parts(account.parts(), descriptors).unwrap();
    let account = account.counted_by(Arc::new(guest.quota().clone()));
    (guest, account)
}

/// What a folder holds, as it counts.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => ENTRY_BYTES + bytes_in(&entry.path()),
        Ok(about) => ENTRY_BYTES + about.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

#[test]
fn what_one_side_has_put_there_the_other_has_no_room_for() {
    let home = tempfile::tempdir().unwrap();
    let (guest, account) = sides(home.path());
    // More than half, so that it does not fit if it counts twice.
    let most = QUOTA * 3 / 4;
    let incoming = account.save("download_1", most).unwrap();
    let left = QUOTA - most - 2 * ENTRY_BYTES;
    assert!(!guest.quota().turn().take(left + 1));
    assert!(guest.quota().turn().take(left));
    guest.quota().may_be_less();
    assert!(matches!(account.save("download_2", left), Err(FileError::Full { bytes_max: QUOTA })));
    incoming.finish().unwrap();
    drop(incoming);
    assert!(!guest.quota().turn().take(left + 1), "the same when it is whole");
    assert!(matches!(account.save("download_2", left), Err(FileError::Full { .. })));
    // It takes the place of the one that was there, when it is whole.
    drop(account.save("download_1", left - ENTRY_BYTES).unwrap());
    account.save("download_1", left - ENTRY_BYTES).unwrap().finish().unwrap();
    assert!(guest.quota().turn().take(QUOTA - left - ENTRY_BYTES), "the guest has the room back");
}

#[test]
fn what_is_given_up_is_room_for_the_other_side_again() {
    let home = tempfile::tempdir().unwrap();
    let (guest, account) = sides(home.path());
    for _ in 0..20 {
        let incoming = account.save("download_1", QUOTA / 2).unwrap();
        assert!(!guest.quota().turn().take(QUOTA / 2));
        drop(incoming);
        assert!(guest.quota().turn().take(QUOTA / 2));
        guest.quota().may_be_less();
    }
}

#[test]
fn what_the_account_reads_counts_until_it_is_done_though_the_guest_removes_it() {
    const LEN: u64 = 100 << 10;
    let home = tempfile::tempdir().unwrap();
    let (guest, account) = sides(home.path());
    let path = home.path().join("a");
    let has_room = |bytes| {
        guest.quota().may_be_less();
        let has_room = guest.quota().turn().take(bytes);
        guest.quota().may_be_less();
        has_room
    };
    for times in [1, 2] {
        fs::write(&path, vec![0; LEN as usize]).unwrap();
        let mut opened: Vec<_> = (0..times).map(|_| account.open_file("a").unwrap()).collect();
        assert!(has_room(QUOTA - LEN - ENTRY_BYTES), "it counts once");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        while let Some(file) = opened.pop() {
            assert!(!has_room(QUOTA - LEN - ENTRY_BYTES));
            assert!(has_room(QUOTA - LEN - 2 * ENTRY_BYTES - 7));
            drop(file);
        }
        assert!(has_room(QUOTA - ENTRY_BYTES - 7));
        fs::remove_file(&path).unwrap();
        assert_eq!(bytes_in(home.path()), 0, "nothing is left of it");
    }
}

#[test]
fn the_quota_holds_while_both_sides_write() {
    const PIECE: u64 = 16 << 10;
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        let (guest, account) = sides(home.path());
        let begin = Barrier::new(3);
        thread::scope(|scope| {
            for side in ["a", "b"] {
                let (account, begin) = (account.clone(), &begin);
                scope.spawn(move || {
                    begin.wait();
                    for number in 0..20 {
                        if let Ok(incoming) = account.save(&format!("{side}_{number}"), PIECE) {
                            incoming.write_at(&[1; PIECE as usize], 0).unwrap();
                            incoming.finish().unwrap();
                        }
                    }
                });
            }
            begin.wait();
            for number in 0..20 {
                let mut turn = guest.quota().turn();
                if turn.take(PIECE + ENTRY_BYTES) {
                    fs::write(home.path().join(number.to_string()), [1; PIECE as usize]).unwrap();
                }
                // It has the folder measured as often as it can.
                turn.may_be_less();
            }
        });
        let bytes = bytes_in(home.path());
        assert!(bytes <= QUOTA, "{bytes}");
        assert!(bytes > QUOTA / 2, "{bytes}");
    }
}

#[test]
fn what_the_other_side_does_not_count_leaves_nothing() {
    for (says, expected) in [(Some(false), "Full"), (None, "Failed")] {
        let home = tempfile::tempdir().unwrap();
        let account = FileSpace::open(None, Some(home.path()), QUOTA, &[]).unwrap().counted_by(Arc::new(Says(says)));
        for has_folder in [false, true] {
            if has_folder {
                fs::create_dir(home.path().join("downloads")).unwrap();
            }
            let error = format!("{:?}", account.save("download_1", 1).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
            assert_eq!(bytes_in(home.path()), u64::from(has_folder) * ENTRY_BYTES, "{expected}");
        }
    }
}
