//! Paths that a guest names in its folders, one change after the other: nothing outside of them is read, made or changed, and what
//! was written is read there again.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use arbitrary::Unstructured;
use files::{FileSpace, OpenHow, Opened, Place};

use tempfile::TempDir;

use crate::damage::text_like;
use crate::holds_for_each;

const RIGHT: [&str; 14] = [
    "/home/b",
    "/home/sub/d",
    "a",
    "sub/c",
    "../secret",
    "/home/../script/a",
    "/script/.hidden",
    "link",
    "/home/link/x",
    "/proc/self/environ",
    "sub/../../secret",
    "/home/sub/",
    "//home//b",
    ".",
];
const SECRET: &str = "nobody's business";

/// All that there is below a folder: its names, and what files hold and links say.
fn all_below(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        let is = entry.file_type().expect("it has one");
        let holds = if is.is_symlink() {
            fs::read_link(&path).expect("a link").display().to_string()
        } else if is.is_dir() {
            found.extend(all_below(&path));
            String::new()
        } else {
            String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned()
        };
        found.push((path.display().to_string(), holds));
    }
    found.sort();
    found
}

/// What is outside of what the guest may change.
fn outside(folder: &TempDir) -> Vec<(String, String)> {
    let home = folder.path().join("home/").display().to_string();
    all_below(folder.path()).into_iter().filter(|(path, _)| !path.starts_with(&home)).collect()
}

fn opened(space: &FileSpace, path: &str, how: OpenHow) -> Option<fs::File> {
    match space.open_at(&Place::root(), path, how, &mut |_| true) {
        Ok(Opened::File { file, .. }) => Some(file),
        _ => None,
    }
}

#[test]
fn nothing_outside_is_reached() {
    let make = |from: &mut Unstructured<'_>| {
        let mut steps = Vec::new();
        for _ in 0..from.int_in_range(1..=12)? {
            steps.push((from.int_in_range(0..=7_u8)?, text_like(from, &RIGHT)?, text_like(from, &RIGHT)?));
        }
        Ok(steps)
    };
    holds_for_each(make, |steps| {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in
            [("secret", SECRET), ("script/a", "a"), ("script/sub/c", "c"), ("script/.hidden", SECRET), ("home/b", "b")]
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, text).expect("written");
        }
        std::os::unix::fs::symlink("../secret", folder.path().join("script/link")).expect("made");
        let (script, home) = (folder.path().join("script"), folder.path().join("home"));
        let space = FileSpace::open(Some(&script), Some(&home), 1 << 20, &[]).expect("both are there");
        let before = outside(&folder);
        let (root, room) = (Place::root(), &mut |_: u64| true);
        for (step, path, to) in steps {
            match step {
                0 => drop(space.make_folder(&root, path, room)),
                1 => drop(space.make_link(to, &root, path, room)),
                2 => drop(space.add_name(&root, path, &root, to, room)),
                3 => drop(space.remove_file(&root, path, room)),
                4 => drop(space.remove_folder(&root, path, room)),
                5 => drop(space.rename(&root, path, &root, to, room)),
                _ => {
                    let how =
                        OpenHow { write: true, create: true, truncate: true, follow: *step == 6, ..OpenHow::default() };
                    if let Some(mut file) =
                        opened(&space, path, how).filter(|file| file.metadata().is_ok_and(|about| about.is_file()))
                    {
                        file.write_all(to.as_bytes()).expect("there is room");
                        let mut file =
                            opened(&space, path, OpenHow { read: true, follow: *step == 6, ..OpenHow::default() })
                                .expect("it is there");
                        let mut text = String::new();
                        file.read_to_string(&mut text).expect("it is text");
                        assert_eq!(text, *to);
                    }
                }
            }
            for path in [path, to] {
                let how = OpenHow { read: true, follow: true, ..OpenHow::default() };
                let Some(file) = opened(&space, path, how) else { continue };
                let mut text = Vec::new();
                // What has no end has no secret.
                let _ = file.take(1 << 10).read_to_end(&mut text);
                assert_ne!(text, SECRET.as_bytes(), "{path:?}");
                let _ = (space.stat(&root, path, true), space.stat(&root, path, false), space.read_link(&root, path));
            }
        }
        assert_eq!(outside(&folder), before);
    });
}
