//! What a guest may name, and what comes of naming anything else.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use files::{FileError, FileSpace, HOME_BYTES_MAX, Mount, PATH_BYTES_MAX, Place};
use rustix::io::Errno;
use tempfile::TempDir;

struct Folders {
    dir: TempDir,
    space: FileSpace,
}

/// A script's two folders and a third at /data, beside a secret that is in none of them.
fn folders() -> Folders {
    let dir = tempfile::tempdir().unwrap();
    let at = |place: &str| dir.path().join(place);
    for folder in ["script/sub", "home/sub", "data"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for (place, text) in [
        ("secret", "secret"),
        ("script/a", "script's a"),
        ("script/both", "script's both"),
        ("script/sub/c", "script's c"),
        ("home/b", "home's b"),
        ("home/both", "home's both"),
        ("home/sub/d", "home's d"),
        ("data/e", "data's e"),
    ] {
        fs::write(at(place), text).unwrap();
    }
    let data = Mount { host: at("data"), guest: "/data".to_owned(), writable: false };
    let space = FileSpace::open(Some(&at("script")), Some(&at("home")), HOME_BYTES_MAX, &[data]).unwrap();
    Folders { dir, space }
}

fn read(space: &FileSpace, path: &str) -> Result<String, FileError> {
    let file = space.open_file(path)?;
    let mut bytes = vec![0; file.len() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    Ok(String::from_utf8(bytes).unwrap())
}

/// The name of an error's case.
fn case(error: &FileError) -> String {
    format!("{error:?}").split(['(', ' ']).next().unwrap().to_owned()
}

#[test]
fn paths_are_found_where_the_guest_sees_them() {
    let Folders { dir, space } = folders();
    symlink("both", dir.path().join("home/link")).unwrap();
    symlink("../both", dir.path().join("home/sub/up")).unwrap();
    for (path, text) in [
        ("a", "script's a"),
        ("b", "home's b"),
        ("both", "home's both"),
        ("./both", "home's both"),
        ("sub/c", "script's c"),
        ("sub/d", "home's d"),
        ("sub/../b", "home's b"),
        ("/home/b", "home's b"),
        ("//home///b", "home's b"),
        ("/script/both", "home's both"),
        ("/script/b", "home's b"),
        ("/home/a", "script's a"),
        ("/home/sub/c", "script's c"),
        ("../home/b", "home's b"),
        ("/data/../data/e", "data's e"),
        ("/data/e", "data's e"),
        ("link", "home's both"),
        ("sub/up", "home's both"),
    ] {
        assert_eq!(read(&space, path).unwrap_or_else(|error| panic!("{path}: {error}")), text, "{path}");
    }
}

#[test]
fn the_root_is_the_working_folder_only_for_who_begins_there() {
    let Folders { dir: _dir, space } = folders();
    for path in ["/a", "/b", "/sub/d"] {
        assert_eq!(read(&space, path).map_err(|error| case(&error)), Err("NotFound".to_owned()), "{path}");
    }
    let space = space.beginning_at_root();
    for (path, text) in [("a", "script's a"), ("/a", "script's a"), ("/sub/d", "home's d"), ("/data/e", "data's e")] {
        assert_eq!(read(&space, path).unwrap_or_else(|error| panic!("{path}: {error}")), text, "{path}");
    }
}

#[test]
fn nothing_leads_out() {
    let Folders { dir, space } = folders();
    let at = |place: &str| dir.path().join(place);
    let secret = at("secret");
    for (target, link) in [
        (secret.as_path(), "home/absolute"),
        (Path::new("../secret"), "home/relative"),
        (Path::new("../../secret"), "home/sub/deep"),
        (Path::new("/"), "home/root"),
        (dir.path(), "home/out"),
        (Path::new("/proc/self/root"), "home/magic"),
        (Path::new("/proc/self/fd/0"), "home/stdin"),
        (Path::new("/dev/null"), "home/null"),
        (Path::new("loop"), "home/loop"),
        (Path::new("/home/b"), "home/seems-right"),
        (secret.as_path(), "script/from-script"),
    ] {
        symlink(target, at(link)).unwrap();
    }
    let long = "x/".repeat(PATH_BYTES_MAX);
    for (path, expected) in [
        ("../secret", "Outside"),
        ("/home/../secret", "Outside"),
        ("/script/../secret", "Outside"),
        ("sub/../../secret", "Outside"),
        ("/data/../secret", "Outside"),
        ("/../secret", "Outside"),
        ("/../../../../etc/passwd", "Outside"),
        ("absolute", "Outside"),
        ("relative", "Outside"),
        ("sub/deep", "Outside"),
        ("root/etc/passwd", "Outside"),
        ("out/secret", "Outside"),
        ("magic/etc/passwd", "Outside"),
        ("stdin", "Outside"),
        ("null", "Outside"),
        ("loop", "Outside"),
        ("seems-right", "Outside"),
        ("/script/from-script", "Outside"),
        ("/etc/passwd", "NotFound"),
        ("/proc/self/environ", "NotFound"),
        ("/dev/zero", "NotFound"),
        ("C:\\secret", "NotFound"),
        ("~/secret", "NotFound"),
        ("b/c", "NotFound"),
        ("no-such-file", "NotFound"),
        ("", "Invalid"),
        ("b\0", "Invalid"),
        (&long, "Invalid"),
        (".", "NotAFile"),
        ("..", "NotAFile"),
        ("/", "NotAFile"),
        ("/home", "NotAFile"),
        ("sub", "NotAFile"),
        ("b/", "NotAFile"),
        ("out/", "NotAFile"),
        ("sub/.", "NotAFile"),
    ] {
        let error = space.open_file(path).map(|file| panic!("{path} is opened: {file:?}")).unwrap_err();
        assert_eq!(case(&error), expected, "{path:.40}: {error}");
        let text = error.to_string();
        assert!(!text.contains(dir.path().to_str().unwrap()), "no path of the host: {text}");
    }
    assert_eq!(read(&FileSpace::empty(), "a").map_err(|error| case(&error)), Err("NotFound".to_owned()));
}

#[test]
fn links_lead_on_only_as_long_as_a_look_up_stays_cheap() {
    let Folders { dir, space } = folders();
    // Each link leads to the next, by a detour that costs a call of the system's per name.
    let detour = "sub/../".repeat(250);
    for n in 0..10 {
        let next = if n == 9 { "b".to_owned() } else { format!("link{}", n + 1) };
        symlink(format!("{detour}{next}"), dir.path().join(format!("home/link{n}"))).unwrap();
    }
    let found = |path: &str| space.stat(&Place::root(), path, true).map(drop);
    assert_eq!(found("/home/link8"), Ok(()), "two of them are short enough");
    assert_eq!(found("/home/link0"), Err(Errno::LOOP));
}

#[test]
fn only_regular_files_are_opened_and_nobody_waits_for_a_pipe() {
    let Folders { dir, space } = folders();
    let at = |place: &str| dir.path().join(place);
    rustix::fs::mknodat(rustix::fs::CWD, at("home/pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = UnixListener::bind(at("home/socket")).unwrap();
    for path in ["pipe", "socket"] {
        assert_eq!(space.open_file(path).map(drop).map_err(|error| case(&error)), Err("NotAFile".to_owned()), "{path}");
    }
    fs::set_permissions(at("home/b"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(at("home/b")).is_err() {
        assert_eq!(space.open_file("b").map(drop).map_err(|error| case(&error)), Err("Denied".to_owned()));
    }
}

#[test]
fn a_file_that_changes_is_noticed() {
    let Folders { dir, space } = folders();
    let path = dir.path().join("home/b");
    let file = space.open_file("b").unwrap();
    assert!(file.is_unchanged());
    fs::write(&path, "x").unwrap();
    assert!(!file.is_unchanged());
    let mut buffer = [0; 8];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn folders_are_given_by_name() {
    let Folders { dir, .. } = folders();
    let host = dir.path().join("data");
    let host = host.to_str().unwrap();
    let mount = |writable| Mount { host: host.into(), guest: "/more/data".to_owned(), writable };
    assert_eq!(format!("{host}:/more/data").parse::<Mount>().unwrap(), mount(false));
    assert_eq!(format!("{host}://more//data/:rw").parse::<Mount>().unwrap(), mount(true));
    for (text, expected) in [
        (host.to_owned(), "Syntax"),
        (format!("{host}:"), "Syntax"),
        (":/data".to_owned(), "Syntax"),
        (format!("{host}:data"), "NotAbsolute"),
        (format!("{host}:/a/../b"), "NotAbsolute"),
        (format!("{host}:/data:ro"), "Access"),
        (format!("{host}/e:/data"), "NotAFolder"),
        (format!("{host}/none:/data"), "NotAFolder"),
        (format!("{host}:/"), "Taken"),
        (format!("{host}:/home"), "Taken"),
        (format!("{host}:/script"), "Taken"),
    ] {
        let error = text.parse::<Mount>().unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{text}: {error}");
    }
    let at = |guest: &str| Mount { host: host.into(), guest: guest.to_owned(), writable: false };
    for (places, expected) in [
        (vec!["/a", "/a/b"], "Clash"),
        (vec!["/a/b", "/a"], "Clash"),
        (vec!["/a", "/a"], "Clash"),
        (vec!["/home/a", "/script/a"], "Clash"),
        (vec!["/tmp/a", "/home/tmp"], "Clash"),
        (vec!["/homes", "/a", "/ab", "/home/a", "/script/b/c", "/tmp/x"], "Ok"),
    ] {
        let mounts: Vec<Mount> = places.iter().map(|place| at(place)).collect();
        let opened = FileSpace::open(None, None, 0, &mounts).map(drop).map_err(|error| format!("{error:?}"));
        let opened = opened.map_or_else(|error| error, |()| "Ok".to_owned());
        assert!(opened.starts_with(expected), "{places:?}: {opened}");
    }
    let many: Vec<Mount> = (0..=files::MOUNTS_MAX).map(|number| at(&format!("/m{number}"))).collect();
    assert!(matches!(FileSpace::open(None, None, 0, &many), Err(files::MountError::TooMany { .. })));
}
