//! A file space that was put together in another process shows and allows the same.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use files::{FileSpace, Folders, Mount, MountError, OWN_FOLDER_MARK, Project};
use tempfile::TempDir;

use crate::QUOTA;
use crate::guest::told;

/// What may be given to a script: a project, a private folder, one to read, one to write and one of the host's own in it.
fn folders(dir: &TempDir) -> Folders {
    let at = |place: &str| dir.path().join(place);
    for (place, text) in [
        ("bots/bot.py", "bot"),
        ("bots/lib/a.py", "a"),
        ("bots/.env", "secret"),
        ("home/kept", "kept"),
        ("home/.wh.gone", ""),
        ("bots/gone", "gone"),
        ("photos/p.jpg", "photo"),
        ("notes/n.txt", "note"),
        ("notes/own/key", "secret"),
        ("notes/marked/key", "secret"),
        ("outside", "secret"),
    ] {
        fs::create_dir_all(at(place).parent().unwrap()).unwrap();
        fs::write(at(place), text).unwrap();
    }
    fs::write(at("notes/marked").join(OWN_FOLDER_MARK), "").unwrap();
    symlink("../outside", at("bots/out")).unwrap();
    let mount = |host: &str, guest: &str, writable| Mount { host: at(host), guest: guest.to_owned(), writable };
    Folders {
        project: Some(Project::new(at("bots"))),
        home: Some(at("home")),
        home_bytes_max: QUOTA,
        mounts: vec![mount("photos", "/home/photos", false), mount("notes", "/more/notes", true)],
        private: vec![at("notes/own"), at("notes/later"), dir.path().join(OsStr::from_bytes(b"no text \xff"))],
    }
}

/// The same file space as another process would get it: by bytes, and with descriptors of its own.
fn elsewhere(space: &FileSpace) -> FileSpace {
    let parts = postcard::from_bytes(&postcard::to_allocvec(&space.parts()).unwrap()).unwrap();
    let descriptors = space.roots().unwrap().into_iter().map(|root| root.try_clone().unwrap());
    FileSpace::of_parts(parts, descriptors.collect()).unwrap()
}

type Change = fn(&mut Folders);

const VARIANTS: [(&str, Change); 7] = [
    ("all", |_| {}),
    ("no project", |folders| folders.project = None),
    ("no private folder", |folders| folders.home = None),
    ("no mounts", |folders| folders.mounts.clear()),
    ("alone", |folders| folders.project.as_mut().unwrap().only = Some("bot.py".to_owned())),
    ("in its project", |folders| folders.project.as_mut().unwrap().writable = true),
    ("nothing", |folders| *folders = Folders::default()),
];

/// What is the same on both sides before something was changed, and after.
const LOOKS: [&str; 25] = [
    "list /",
    "list /home",
    "list /script",
    "list /more",
    "list /more/notes",
    "list /dev",
    "read /dev/null",
    "read /dev/zero",
    "read bot.py",
    "read lib/a.py",
    "read bots/lib/a.py",
    "read /bot.py",
    "read .env",
    "read gone",
    "read out",
    "read /home/kept",
    "read kept",
    "read /tmp/x",
    "read /home/photos/p.jpg",
    "read photos/p.jpg",
    "read /more/notes/own/key",
    "read /more/notes/later/key",
    "read /more/notes/marked/key",
    "stat /more/notes/n.txt",
    "read /more/../more/notes/n.txt",
];
/// What is the same where it is done by one put together as where by one that was opened.
const CHANGES: [&str; 12] = [
    "write /dev/null x",
    "write new.txt x",
    "write /home/new.txt x",
    "write lib/a.py b",
    "read lib/a.py",
    "write /home/photos/q.jpg x",
    "write /more/notes/m.txt x",
    "mkdir /more/notes/later",
    "rm bot.py",
    "read bot.py",
    "mv /more/notes/n.txt n.txt",
    "write .wh.bot.py x",
];

#[test]
fn it_is_the_same_tree_whatever_was_given() {
    for (variant, change) in VARIANTS {
        for begins_at_root in [false, true] {
            let space = |dir: &TempDir| {
                let mut folders = folders(dir);
                change(&mut folders);
                let space = FileSpace::of(folders).unwrap();
                if begins_at_root { space.beginning_at_root() } else { space }
            };
            let [dir, other_dir] = [(); 2].map(|()| tempfile::tempdir().unwrap());
            let here = space(&dir);
            let there = elsewhere(&here);
            assert_eq!(
                (here.cwd_path(), here.is_local(), here.has_home(), here.quota().bytes_max()),
                (there.cwd_path(), there.is_local(), there.has_home(), there.quota().bytes_max()),
                "{variant}"
            );
            let fds = |space: &FileSpace| {
                space.opened_folders().unwrap().iter().map(|(_, writable)| *writable).collect::<Vec<_>>()
            };
            assert_eq!(fds(&here), fds(&there), "{variant}");
            for line in LOOKS {
                assert_eq!(told(&there, line), told(&here, line), "{variant}, at root: {begins_at_root}: {line}");
            }
            let other = space(&other_dir);
            for line in CHANGES {
                assert_eq!(told(&there, line), told(&other, line), "{variant}, at root: {begins_at_root}: {line}");
            }
            for line in LOOKS {
                assert_eq!(told(&here, line), told(&other, line), "{variant}, at root: {begins_at_root}: {line}");
            }
        }
    }
}

#[test]
fn it_goes_by_the_descriptors_and_by_no_path() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let space = FileSpace::of(folders(&dir)).unwrap();
    let there = elsewhere(&space);
    let text = format!("{:?}", space.parts());
    for folder in ["bots", "home", "photos"] {
        let path = dir.path().join(folder);
        assert!(!text.contains(path.to_str().unwrap()), "{text}");
        fs::rename(path, other.path().join(folder)).unwrap();
    }
    for (line, expected) in [("read lib/a.py", "a"), ("write kept x", ""), ("read photos/p.jpg", "photo")] {
        assert_eq!(told(&there, line), expected, "{line}");
    }
    let counted = |path: &str| there.counts(&fs::File::open(other.path().join(path)).unwrap());
    assert!(counted("home/kept"));
    assert!(!counted("bots/bot.py"));
    assert!(!counted("photos/p.jpg"));
    assert!(!there.counts(&fs::File::open("/dev/null").unwrap()));
}

#[test]
fn the_folders_it_holds_open_are_told_and_which_may_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let space = elsewhere(&FileSpace::of(folders(&dir)).unwrap());
    let numbers = |place: &str| std::os::unix::fs::MetadataExt::ino(&fs::metadata(dir.path().join(place)).unwrap());
    let mut told: Vec<_> = space
        .opened_folders()
        .unwrap()
        .into_iter()
        .map(|(folder, writable)| (rustix::fs::fstat(folder).unwrap().st_ino, writable))
        .collect();
    let mut expected =
        vec![(numbers("home"), true), (numbers("bots"), false), (numbers("photos"), false), (numbers("notes"), true)];
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn of_a_project_that_is_one_file_that_file_alone_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let whole = folders(&dir);
    let project = whole.project.clone().map(|project| Project { only: Some("bot.py".to_owned()), ..project });
    let (folder, told_before) = (project.clone().unwrap().folder, FileSpace::of(whole.clone()).unwrap());
    fs::write(folder.join("bot.py"), "").unwrap();
    let space = elsewhere(&FileSpace::of(Folders { project, ..whole }).unwrap());
    let number = rustix::fs::fstat(space.lone_file().unwrap()).unwrap().st_ino;
    assert_eq!(number, std::os::unix::fs::MetadataExt::ino(&fs::metadata(folder.join("bot.py")).unwrap()));
    assert_eq!(space.opened_folders().unwrap().len() + 1, told_before.opened_folders().unwrap().len());
    assert!(told_before.lone_file().is_none());
    fs::remove_file(folder.join("bot.py")).unwrap();
    assert!(space.lone_file().is_none());
}

#[test]
fn too_many_or_too_few_descriptors_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let space = FileSpace::of(folders(&dir)).unwrap();
    let (parts, roots) = (space.parts(), space.roots().unwrap());
    let wanted = roots.len();
    let owned = || roots.iter().map(|root| root.try_clone().unwrap());
    let first = || owned().take(1);
    let numbers: [(usize, Vec<OwnedFd>); 3] =
        [(0, Vec::new()), (wanted - 1, owned().skip(1).collect()), (wanted + 1, owned().chain(first()).collect())];
    for (number, descriptors) in numbers {
        match FileSpace::of_parts(parts.clone(), descriptors) {
            Err(MountError::Descriptors { wanted: known, given }) => assert_eq!((known, given), (wanted, number)),
            other => panic!("{number}: {other:?}"),
        }
    }
}
