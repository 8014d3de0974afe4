//! The view of its project that a script has: what it writes lies over the project, which stays as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use files::{ENTRY_BYTES, FileSpace, Folders, Mount, Project};
use tempfile::TempDir;

use crate::QUOTA;
use crate::guest::told;

struct Stage {
    dir: TempDir,
    space: FileSpace,
}

/// A project with a package, a dot-file and a dot-folder; a private folder; one to read and one to write.
fn folders(dir: &TempDir) -> Folders {
    let at = |place: &str| dir.path().join(place);
    for folder in ["project/plugins/deep", "project/.git", "home", "photos", "notes"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for (place, text) in [
        ("project/bot.py", "bot"),
        ("project/config.json", "{}"),
        ("project/plugins/a.py", "a"),
        ("project/plugins/deep/d.py", "d"),
        ("project/plugins/.hidden", "secret"),
        ("project/.env", "secret"),
        ("project/.git/config", "secret"),
        ("photos/p.jpg", "photo"),
        ("notes/n.txt", "note"),
    ] {
        fs::write(at(place), text).unwrap();
    }
    let mount = |host: &str, guest: &str, writable| Mount { host: at(host), guest: guest.to_owned(), writable };
    Folders {
        project: Some(Project::new(at("project"))),
        home: Some(at("home")),
        home_bytes_max: QUOTA,
        mounts: vec![mount("photos", "/script/photos", false), mount("notes", "/more/notes", true)],
        private: Vec::new(),
    }
}

fn stage() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let space = FileSpace::of(folders(&dir)).unwrap();
    Stage { dir, space }
}

/// All below a folder, with the files' texts.
fn snapshot(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            all.push((entry.path().strip_prefix(folder).unwrap().display().to_string(), text));
        }
    }
    all.sort();
    all
}

#[test]
fn the_project_is_seen_under_what_was_written_and_stays_as_it_is() {
    let sessions: &[&[(&str, &str)]] = &[
        &[
            ("list /", "home more script"),
            ("list /more", "notes"),
            ("list /home", "bot.py config.json photos plugins"),
            ("list /script", "bot.py config.json photos plugins"),
            ("read config.json", "{}"),
            ("read /script/plugins/deep/../a.py", "a"),
            ("read /config.json", "NOENT"),
            ("write /n.txt x", "ROFS"),
            ("append /config.json +", "ROFS"),
            ("mkdir /out", "ROFS"),
            ("write /out/n.txt x", "NOENT"),
            ("rm /bot.py", "NOENT"),
            ("mv bot.py /bot.py", "ROFS"),
            ("symlink /near bot.py", "ROFS"),
            ("list /", "home more script"),
            ("list plugins", "a.py deep"),
            ("read /script/photos/p.jpg", "photo"),
            ("read photos/p.jpg", "photo"),
            // As from the folder above.
            ("read project/plugins/a.py", "a"),
            ("read project", "NOENT"),
            ("read project/project/bot.py", "bot"),
            ("mkdir project", ""),
            ("read project/plugins/a.py", "NOENT"),
        ],
        // What is kept for the script is at its place, and is not listed unless the project has something of that name.
        &[
            ("mkdir tmp", ""),
            ("mkdir .cache", ""),
            ("write /tmp/x x", ""),
            ("read tmp/x", "x"),
            ("list /script", "bot.py config.json photos plugins"),
            ("list tmp", "x"),
            ("list /", "home more script tmp"),
            ("mkdir plugins/tmp", ""),
            ("list plugins", "a.py deep tmp"),
        ],
        // What is hidden is nowhere.
        &[
            ("read .env", "NOENT"),
            ("read /script/.env", "NOENT"),
            ("read .git/config", "NOENT"),
            ("read plugins/.hidden", "NOENT"),
            ("read /script/plugins/../.env", "NOENT"),
            ("rm .env", "NOENT"),
            ("mv .git git", "NOENT"),
            ("write .env own", ""),
            ("read /script/.env", "own"),
            ("rm .env", ""),
            ("read .env", "NOENT"),
        ],
        &[
            ("write config.json new", ""),
            ("read /script/config.json", "new"),
            ("append plugins/a.py b", ""),
            ("read plugins/a.py", "ab"),
            ("write /script/plugins/new/x.py x", "NOENT"),
            ("mkdir plugins/new", ""),
            ("write /script/plugins/new/x.py x", ""),
            ("list /home/plugins", "a.py deep new"),
            ("mkdir plugins", "EXIST"),
        ],
        // Removed, and made again.
        &[
            ("rm config.json", ""),
            ("read config.json", "NOENT"),
            ("read /script/config.json", "NOENT"),
            ("list /home", "bot.py photos plugins"),
            ("rm config.json", "NOENT"),
            ("write config.json again", ""),
            ("read config.json", "again"),
            ("rm config.json", ""),
            ("read config.json", "NOENT"),
            ("rmdir plugins", "NOTEMPTY"),
            ("rm plugins/a.py", ""),
            ("rm plugins/deep/d.py", ""),
            ("rmdir plugins/deep", ""),
            ("rmdir plugins", ""),
            ("list /script", "bot.py photos"),
            ("mkdir plugins", ""),
            ("list plugins", ""),
            ("read plugins/a.py", "NOENT"),
        ],
        // Renamed: the way in which programs save.
        &[
            ("write config.tmp saved", ""),
            ("mv config.tmp config.json", ""),
            ("read config.json", "saved"),
            ("mv bot.py old.py", ""),
            ("read old.py", "bot"),
            ("read bot.py", "NOENT"),
            ("mv config.json bot.py", ""),
            ("read bot.py", "saved"),
            ("read config.json", "NOENT"),
            ("mv plugins other", "XDEV"),
            ("mkdir a", ""),
            ("write a/b c", ""),
            ("mv a plugins", "NOTEMPTY"),
            ("mv a plugins/a.py", "NOTDIR"),
            ("mv old.py a", "ISDIR"),
            ("mv a a/b", "INVAL"),
            ("mv a b", ""),
            ("read b/b", "c"),
            ("ln plugins/a.py linked", ""),
            ("read linked", "a"),
            ("mv nothing x", "NOENT"),
        ],
        // An empty folder of the project makes way, and what it held stays away.
        &[
            ("rm plugins/deep/d.py", ""),
            ("mkdir a", ""),
            ("write a/b c", ""),
            ("mv a plugins/deep", ""),
            ("list plugins/deep", "b"),
        ],
        // Others.
        &[
            ("write photos/p.jpg x", "ROFS"),
            ("rm photos/p.jpg", "ROFS"),
            ("mv photos/p.jpg p.jpg", "XDEV"),
            ("mv photos p", "BUSY"),
            ("rmdir photos", "BUSY"),
            ("rm photos", "ISDIR"),
            ("mkdir photos/x", "ROFS"),
            ("rmdir /home", "BUSY"),
            ("mv /home /more/x", "BUSY"),
            ("mkdir /more/x", "ROFS"),
            ("write /more/notes/m.txt y", ""),
            ("mv /more/notes/m.txt m.txt", "XDEV"),
            ("mv config.json /more/notes/config.json", "XDEV"),
            ("ln config.json /more/notes/config.json", "XDEV"),
            ("mv /more/notes/m.txt /more/notes/k.txt", ""),
            ("rm /more/notes/k.txt", ""),
            ("list /more/notes", "n.txt"),
            ("write new.txt z", ""),
            ("read new.txt", "z"),
            ("symlink up /etc/passwd", "PERM"),
            ("symlink out /script/../etc/passwd", "PERM"),
            ("symlink out /script/photos/p.jpg", "PERM"),
            ("symlink latest /script/plugins/a.py", ""),
            ("read latest", "a"),
            ("symlink plugins/deep/latest /home/config.json", ""),
            ("read plugins/deep/latest", "{}"),
            ("symlink up ../photos/p.jpg", ""),
            ("read up", "PERM"),
            ("symlink near plugins/a.py", ""),
            ("read near", "a"),
            ("append near +", ""),
            ("read plugins/a.py", "a+"),
            ("write .wh.bot.py x", "PERM"),
            ("mkdir .wh.x", "PERM"),
        ],
    ];
    for session in sessions {
        let Stage { dir, space } = stage();
        let before = snapshot(&dir.path().join("project"));
        for (line, expected) in *session {
            assert_eq!(told(&space, line), *expected, "{line}");
        }
        assert_eq!(snapshot(&dir.path().join("project")), before, "the project stays as it is");
        // What was done is found again by the next start.
        let again = FileSpace::of(folders(&dir)).unwrap();
        for line in ["list /", "list /home", "list /script"] {
            assert_eq!(told(&again, line), told(&space, line), "{line}");
        }
    }
}

#[test]
fn a_script_that_works_in_its_project_writes_to_it_and_sees_no_dot_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut folders = folders(&dir);
    folders.project.as_mut().unwrap().writable = true;
    let space = FileSpace::of(folders).unwrap();
    for (line, expected) in [
        ("list /", "home more script"),
        ("list /home", ""),
        ("write out.txt x", ""),
        ("read /script/out.txt", "x"),
        ("read /home/out.txt", "NOENT"),
        ("write /home/y y", ""),
        ("list /home", "y"),
        ("append config.json +", ""),
        ("mv /home/y y", "XDEV"),
        ("mv config.json plugins/c.json", ""),
        ("rm bot.py", ""),
        ("read .env", "NOENT"),
        ("write .env x", "PERM"),
        ("mkdir .git", "PERM"),
        ("mv out.txt .profile", "PERM"),
        ("write .git/hooks x", "NOENT"),
        // Temporary files are private.
        ("mkdir /home/tmp", ""),
        ("write /tmp/t t", ""),
        ("mkdir /tmp/d", ""),
        ("list /tmp", "d t"),
        ("read /home/tmp/t", "t"),
        ("list /", "home more script tmp"),
        ("read /plugins/a.py", "NOENT"),
        ("write /n.txt x", "ROFS"),
        ("mkdir /out", "ROFS"),
        ("list /script", "out.txt photos plugins"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    let at = |place: &str| fs::read_to_string(dir.path().join(place)).unwrap();
    assert_eq!(
        (at("project/out.txt"), at("project/plugins/c.json"), at("home/y")),
        ("x".into(), "{}+".into(), "y".into())
    );
    assert_eq!(at("project/.env"), "secret");
}

#[test]
fn no_link_is_made_that_leads_the_hosts_programs_out_of_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut folders = folders(&dir);
    folders.project.as_mut().unwrap().writable = true;
    let space = FileSpace::of(folders).unwrap();
    for (line, expected) in [
        ("symlink out ../secret", "PERM"),
        ("symlink plugins/out ../../secret", "PERM"),
        ("symlink plugins/out ./..//../secret", "PERM"),
        ("symlink /more/notes/out ../../secret", "PERM"),
        ("symlink up /script/config.json", "PERM"),
        // By way of another link.
        ("symlink plugins/deep/up ../..", ""),
        ("symlink plugins/deep/out up/../secret", "PERM"),
        ("symlink plugins/config ../config.json", ""),
        ("read plugins/config", "{}"),
        ("symlink near plugins/a.py", ""),
        ("read near", "a"),
        // Led out by where it is taken.
        ("mv plugins/config config", "PERM"),
        ("ln plugins/config config", "PERM"),
        ("mv plugins/config plugins/renamed", ""),
        ("mv near nearer", ""),
        ("list /script", "bot.py config.json nearer photos plugins"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
}

#[test]
fn a_script_alone_sees_itself_and_nothing_beside() {
    let dir = tempfile::tempdir().unwrap();
    let mut folders = folders(&dir);
    folders.project.as_mut().unwrap().only = Some("bot.py".to_owned());
    let space = FileSpace::of(folders).unwrap();
    for (line, expected) in [
        ("list /script", "bot.py photos"),
        ("read /script/bot.py", "bot"),
        ("read config.json", "NOENT"),
        ("read plugins/a.py", "NOENT"),
        ("write plugins x", ""),
        ("read /script/plugins", "x"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
}

#[test]
fn links_of_the_project_lead_neither_out_nor_to_what_is_hidden() {
    let Stage { dir, space } = stage();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    for (link, target) in [
        ("out", "../secret"),
        ("absolute", dir.path().join("secret").to_str().unwrap()),
        ("parent", ".."),
        ("env", ".env"),
        ("git", ".git"),
        ("inside", "plugins/a.py"),
        ("folder", "plugins"),
        ("dangling", "made"),
    ] {
        symlink(target, dir.path().join("project").join(link)).unwrap();
    }
    for (line, expected) in [
        ("read out", "PERM"),
        ("read absolute", "PERM"),
        ("read parent/secret", "PERM"),
        ("write out x", "PERM"),
        // To look at, as one that leads nowhere.
        ("stat out", "NOENT"),
        ("stat absolute", "NOENT"),
        ("stat parent/secret", "NOENT"),
        ("stat inside", ""),
        ("read env", "NOENT"),
        ("read git/config", "NOENT"),
        ("read inside", "a"),
        ("read folder/a.py", "a"),
        ("write folder/a.py b", ""),
        ("read plugins/a.py", "b"),
        ("write dangling x", ""),
        ("read made", "x"),
        ("mv inside moved", ""),
        ("read moved", "b"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("secret")).unwrap(), "secret");
}

#[test]
fn a_change_of_the_project_takes_room_in_the_private_folder() {
    let Stage { dir, space } = stage();
    fs::write(dir.path().join("project/big"), vec![b'x'; QUOTA as usize]).unwrap();
    fs::write(dir.path().join("project/half"), vec![b'x'; QUOTA as usize / 2 + 1]).unwrap();
    for (line, expected) in [
        ("append big y", "NOSPC"),
        ("mv big larger", "NOSPC"),
        ("append half y", ""),
        ("mv half other", ""),
        ("append big y", "NOSPC"),
        ("write big small", ""),
        ("read big", "small"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    let left = told(&space, "list /home");
    assert!(!left.contains("half") && left.contains("other"), "{left}");
    assert!(!dir.path().join("home/.wh..part").exists(), "no half of a copy is left");
    let mut turn = space.quota().turn();
    while turn.take(ENTRY_BYTES) {}
    drop(turn);
    assert_eq!(told(&space, "rm bot.py"), "NOSPC", "a mark takes room as well");
    assert_eq!(told(&space, "read bot.py"), "bot");
}
