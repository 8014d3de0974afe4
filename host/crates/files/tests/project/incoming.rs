//! A file that is not whole yet is out of the guest's reach.

use std::fs;

use files::{FileSpace, Folders, Project};

use crate::QUOTA;
use crate::guest::told;

#[test]
fn no_operation_of_the_guests_finds_or_makes_one() {
    for has_project in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let at = |place: &str| dir.path().join(place);
        for folder in ["home", "project/downloads"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("project/.download-0"), "hidden").unwrap();
        let project = has_project.then(|| Project::new(at("project")));
        let folders = Folders { project, home: Some(at("home")), home_bytes_max: QUOTA, ..Folders::default() };
        let space = FileSpace::of(folders).unwrap();
        let incoming = space.save("download_1", 3).unwrap();
        let parts = || {
            let names =
                fs::read_dir(at("home")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with(".wh.")).collect::<Vec<_>>()
        };
        let [part] = &parts()[..] else { panic!("{:?}", parts()) };
        for (line, expected) in [
            ("list /home", "downloads"),
            ("list /home/downloads", ""),
            ("read /home/PART", "NOENT"),
            ("stat /home/PART", "NOENT"),
            ("write /home/PART x", "PERM"),
            ("append /home/PART x", "PERM"),
            ("mkdir /home/PART", "PERM"),
            ("symlink /home/PART x", "PERM"),
            ("rm /home/PART", "NOENT"),
            ("rmdir /home/PART", "NOENT"),
            ("mv /home/PART /home/x", "NOENT"),
            ("ln /home/PART /home/x", "NOENT"),
            ("write /home/x x", ""),
            ("mv /home/x /home/PART", "PERM"),
            ("ln /home/x /home/PART", "PERM"),
            ("symlink /home/y PART", ""),
            ("read /home/y", "NOENT"),
            ("write /home/y x", "PERM"),
            // No mark of this name comes of a file without its prefix.
            ("rm /home/.NAME", "NOENT"),
            ("write /home/.NAME x", ""),
            ("rm /home/.NAME", ""),
        ] {
            let name = part.strip_prefix(".wh..").unwrap();
            let line = line.replace("PART", part).replace("NAME", name);
            assert_eq!(told(&space, &line), expected, "{line}");
        }
        assert_eq!(parts(), std::slice::from_ref(part));
        incoming.write_at(b"abc", 0).unwrap();
        incoming.finish().unwrap();
        assert_eq!(told(&space, "read /home/downloads/download_1"), "abc");
    }
}
