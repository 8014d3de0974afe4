//! What counts as held by a private folder: all that has a name in it or is open, at every moment.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use files::{ENTRY_BYTES, FileSpace, Quota};
use tempfile::TempDir;

const QUOTA: u64 = 256 << 10;

fn home() -> (TempDir, FileSpace) {
    let home = tempfile::tempdir().unwrap();
    let space = FileSpace::open(None, Some(home.path()), QUOTA, &[]).unwrap();
    (home, space)
}

/// A new file that somebody has open, as a guest has one.
fn held(quota: &Quota, path: &Path, len: u64) -> Arc<File> {
    let mut turn = quota.turn();
    assert!(turn.take(ENTRY_BYTES + len), "{}", path.display());
    let file = Arc::new(File::create(path).unwrap());
    file.set_len(len).unwrap();
    turn.opened(&file);
    file
}

/// The test fails if there is more or less room than that.
#[track_caller]
fn assert_room(quota: &Quota, bytes: u64, what: &str) {
    quota.may_be_less();
    assert!(quota.turn().take(bytes), "{what}: not so much is left");
    quota.may_be_less();
    assert!(!quota.turn().take(bytes + 1), "{what}: more is left");
    quota.may_be_less();
}

/// What it is called, and what it does.
type Way = (&'static str, fn(&Path));

#[test]
fn a_file_without_a_name_counts_until_it_is_closed() {
    const LEN: u64 = 100 << 10;
    let ways: [Way; 3] = [
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            let other = path.with_extension("other");
            File::create(&other).unwrap();
            fs::rename(&other, path).unwrap();
        }),
        ("linked and removed twice", |path| {
            let other = path.with_extension("other");
            fs::hard_link(path, &other).unwrap();
            fs::remove_file(path).unwrap();
            fs::remove_file(other).unwrap();
        }),
    ];
    for (way, lose_name) in ways {
        let (home, space) = home();
        let (quota, path) = (space.quota(), home.path().join("a"));
        let file = held(quota, &path, LEN);
        let stream = Arc::clone(&file);
        lose_name(&path);
        let named = fs::read_dir(home.path()).unwrap().count() as u64 * ENTRY_BYTES;
        assert_room(quota, QUOTA - LEN - ENTRY_BYTES - named, way);
        drop(file);
        assert_room(quota, QUOTA - LEN - ENTRY_BYTES - named, "a stream of it is open");
        assert!(!quota.turn().take(QUOTA - named));
        drop(stream);
        assert!(quota.turn().take(QUOTA - named), "{way}, closed, and nobody had to say so");
    }
}

#[test]
fn a_file_that_is_open_twice_counts_once() {
    let (home, space) = home();
    let (quota, path) = (space.quota(), home.path().join("a"));
    let file = held(quota, &path, 100 << 10);
    let again = Arc::new(File::open(&path).unwrap());
    quota.turn().opened(&again);
    assert_room(quota, QUOTA - (100 << 10) - ENTRY_BYTES, "named");
    fs::remove_file(&path).unwrap();
    assert_room(quota, QUOTA - (100 << 10) - ENTRY_BYTES, "removed");
    drop((file, again));
    assert_room(quota, QUOTA, "closed");
}

#[test]
fn a_removed_folder_counts_while_it_is_open_and_so_does_what_was_opened_in_it() {
    let (home, space) = home();
    let (quota, folder) = (space.quota(), home.path().join("folder"));
    fs::create_dir(&folder).unwrap();
    let open_folder = Arc::new(File::open(&folder).unwrap());
    quota.turn().opened(&open_folder);
    let file = held(quota, &folder.join("a"), 100 << 10);
    assert_room(quota, QUOTA - (100 << 10) - 2 * ENTRY_BYTES, "named");
    fs::remove_dir_all(&folder).unwrap();
    assert_room(quota, QUOTA - (100 << 10) - 2 * ENTRY_BYTES, "removed");
    drop(file);
    assert_room(quota, QUOTA - ENTRY_BYTES, "the folder is open");
    drop(open_folder);
    assert_room(quota, QUOTA, "closed");
}

#[test]
fn what_the_account_reads_or_saves_counts_while_it_does() {
    let (home, space) = home();
    let quota = space.quota();
    drop(held(quota, &home.path().join("a"), 100 << 10));
    let sent = space.open_file("a").unwrap();
    let saved = space.save("download_1", 50 << 10).unwrap();
    let left = QUOTA - (150 << 10) - 3 * ENTRY_BYTES;
    assert_room(quota, left, "named");
    fs::remove_file(home.path().join("a")).unwrap();
    let parts = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let parts = parts.filter(|path| path.to_str().unwrap().contains(".wh..download-"));
    parts.for_each(|part| fs::remove_file(part).unwrap());
    assert_room(quota, left, "removed");
    drop(sent);
    assert_room(quota, left + (100 << 10) + ENTRY_BYTES, "one is closed");
    drop(saved);
    assert_room(quota, QUOTA - ENTRY_BYTES, "the other is closed");
}

#[test]
fn nobody_counts_between_taking_room_and_filling_it() {
    for filled in [true, false] {
        let (home, space) = home();
        let (begins, begun) = mpsc::sync_channel(1);
        let mut turn = space.quota().turn();
        assert!(turn.take(QUOTA));
        let other = thread::spawn({
            let quota = space.quota().clone();
            move || {
                begins.send(()).unwrap();
                quota.may_be_less();
                quota.turn().take(ENTRY_BYTES)
            }
        });
        begun.recv().unwrap();
        if filled {
            File::create(home.path().join("a")).unwrap().set_len(QUOTA - ENTRY_BYTES).unwrap();
        } else {
            turn.may_be_less();
        }
        drop(turn);
        assert_eq!(other.join().unwrap(), !filled, "filled: {filled}");
    }
}

#[test]
fn a_folder_that_came_open_counts_where_it_is_when_it_was_renamed_on_the_host() {
    let place = tempfile::tempdir().unwrap();
    let (before, after) = (place.path().join("before"), place.path().join("after"));
    fs::create_dir_all(before.join("folder")).unwrap();
    let here = FileSpace::open(None, Some(&before), QUOTA, &[]).unwrap();
    let roots = here.roots().unwrap().into_iter().map(|root| root.try_clone().unwrap());
    let space = FileSpace::of_parts(here.parts(), roots.collect()).unwrap();
    fs::rename(&before, &after).unwrap();
    File::create(after.join("folder/a")).unwrap().set_len(100 << 10).unwrap();
    assert_room(space.quota(), QUOTA - (100 << 10) - 2 * ENTRY_BYTES, "nothing is in the old place");
    fs::create_dir(&before).unwrap();
    fs::write(before.join("b"), "another's").unwrap();
    assert_room(space.quota(), QUOTA - (100 << 10) - 2 * ENTRY_BYTES, "another folder is");
}

#[test]
fn a_change_that_makes_nothing_larger_is_never_refused() {
    let (home, space) = home();
    File::create(home.path().join("a")).unwrap().set_len(2 * QUOTA).unwrap();
    assert!(!space.quota().turn().take(1));
    assert!(space.quota().turn().take(0));
}
