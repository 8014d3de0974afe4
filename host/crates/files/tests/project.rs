//! The view of its project that a script has: what it writes lies over the project, which stays as it is.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use files::{
    ENTRY_BYTES, FileSpace, Folders, Mount, OWN_FOLDER_MARK, OpenHow, Opened, Place, Project, mark_own_folder,
};
use rustix::io::Errno;
use tempfile::TempDir;

const QUOTA: u64 = 1 << 20;

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

/// Does what a line says, as a guest would, and gives what comes of it: text, names, or an errno's name.
fn told(space: &FileSpace, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (cwd, path) = (Place::root(), absolute(space, words[1]));
    let mut turn = space.quota().turn();
    let mut room = |bytes| turn.take(bytes);
    let mut open = |how: OpenHow| match space.open_at(&cwd, &path, OpenHow { follow: true, ..how }, &mut room)? {
        Opened::File { file, .. } => Ok(file),
        Opened::Folder(_) => Err(Errno::ISDIR),
    };
    let written = |mut file: fs::File, text: &str| file.write_all(text.as_bytes()).map(|()| String::new()).unwrap();
    let done = match words[0] {
        "read" => open(OpenHow { read: true, ..OpenHow::default() }).map(|mut file| {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text
        }),
        "write" => open(OpenHow { write: true, create: true, truncate: true, ..OpenHow::default() })
            .map(|file| written(file, words[2])),
        "append" => open(OpenHow { write: true, create: true, ..OpenHow::default() }).map(|mut file| {
            std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
            written(file, words[2])
        }),
        "list" => space
            .list(&place(space, &path))
            .map(|names| names.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")),
        "stat" => space.stat(&cwd, &path, true).map(|_| String::new()),
        "mkdir" => space.make_folder(&cwd, &path, &mut room).map(|()| String::new()),
        "rm" => space.remove_file(&cwd, &path, &mut room).map(|()| String::new()),
        "rmdir" => space.remove_folder(&cwd, &path, &mut room).map(|()| String::new()),
        "mv" => space.rename(&cwd, &path, &cwd, &absolute(space, words[2]), &mut room).map(|()| String::new()),
        "ln" => space.add_name(&cwd, &path, &cwd, &absolute(space, words[2]), &mut room).map(|()| String::new()),
        "symlink" => space.make_link(words[2], &cwd, &path, &mut room).map(|()| String::new()),
        other => panic!("no verb {other}"),
    };
    done.unwrap_or_else(|errno| name(errno).to_owned())
}

fn name(errno: Errno) -> &'static str {
    let named = [
        (Errno::ACCESS, "ACCESS"),
        (Errno::BUSY, "BUSY"),
        (Errno::EXIST, "EXIST"),
        (Errno::INVAL, "INVAL"),
        (Errno::ISDIR, "ISDIR"),
        (Errno::NOENT, "NOENT"),
        (Errno::NOSPC, "NOSPC"),
        (Errno::NOTDIR, "NOTDIR"),
        (Errno::NOTEMPTY, "NOTEMPTY"),
        (Errno::PERM, "PERM"),
        (Errno::ROFS, "ROFS"),
        (Errno::XDEV, "XDEV"),
    ];
    named.iter().find_map(|(known, name)| (*known == errno).then_some(*name)).unwrap_or_else(|| panic!("{errno}"))
}

fn absolute(space: &FileSpace, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", space.cwd_path()) }
}

fn place(space: &FileSpace, path: &str) -> Place {
    let how = OpenHow { read: true, folder: true, follow: true, ..OpenHow::default() };
    match space.open_at(&Place::root(), path, how, &mut |_| false) {
        Ok(Opened::Folder(place)) => place,
        other => panic!("{path}: {other:?}"),
    }
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
            ("read /config.json", "{}"),
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
            ("write /new.txt z", ""),
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

#[test]
fn the_hosts_own_folders_are_in_no_folder_of_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let at = |place: &str| dir.path().join(place);
    fs::create_dir_all(at("user/share/tglhost/accounts/me")).unwrap();
    fs::create_dir_all(at("user/bots")).unwrap();
    fs::write(at("user/share/tglhost/accounts/me/account.db"), "key").unwrap();
    symlink("../share/tglhost", at("user/bots/link")).unwrap();
    let own = vec![at("user/share/tglhost"), at("user/config/tglhost")];
    let mount = |host: &str| Mount { host: at(host), guest: "/user".to_owned(), writable: true };
    let of =
        |host: &str| FileSpace::of(Folders { mounts: vec![mount(host)], private: own.clone(), ..Folders::default() });
    for host in ["user/share/tglhost", "user/share/tglhost/accounts", "user/bots/link", "user/bots/link/accounts/me"] {
        assert!(of(host).unwrap_err().to_string().contains("tglhost's own folders"), "{host}");
    }
    let space = of("user").unwrap();
    for (line, expected) in [
        ("list /user/share", ""),
        ("read /user/share/tglhost/accounts/me/account.db", "NOENT"),
        ("read /user/share/../share/tglhost/accounts/me/account.db", "NOENT"),
        ("read /user/bots/link/accounts/me/account.db", "NOENT"),
        ("mv /user/share/tglhost /user/mine", "NOENT"),
        ("mv /user/share /user/mine", "ACCESS"),
        ("rmdir /user/share", "ACCESS"),
        ("mkdir /user/share/tglhost", "ACCESS"),
        ("symlink /user/config bots", "ACCESS"),
        ("mkdir /user/x", ""),
        ("mv /user/x /user/config", "ACCESS"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    // Made later, or moved by somebody else.
    fs::create_dir_all(at("user/config/tglhost")).unwrap();
    fs::write(at("user/config/tglhost/tglhost.toml"), "hash").unwrap();
    fs::rename(at("user/share"), at("user/shared")).unwrap();
    for (line, expected) in [
        ("read /user/config/tglhost/tglhost.toml", "NOENT"),
        ("list /user/config", ""),
        ("read /user/shared/tglhost/accounts/me/account.db", "NOENT"),
        ("list /user/shared", ""),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
}

/// Another command's data directory, with its mark or as an earlier version left it, and other folders of the host's own.
fn others_own(dir: &TempDir) {
    let at = |place: &str| dir.path().join(place);
    for (place, text) in [
        ("user/marked/accounts/me/session", "key"),
        ("user/old/accounts/me/account.db", "key"),
        ("user/old/accounts/me/account.lock", ""),
        ("user/old/embedded/data-centre/rsa.pem", "key"),
        ("user/old/embedded/data-centre/datacentre.lock", ""),
        ("user/config/tglhost.toml", "hash"),
        ("user/bots/account.db", "a script's own"),
        ("user/bots/deep/x", "x"),
    ] {
        fs::create_dir_all(at(place).parent().unwrap()).unwrap();
        fs::write(at(place), text).unwrap();
    }
    mark_own_folder(&at("user/marked")).unwrap();
    mark_own_folder(&at("user/marked")).unwrap();
    symlink("../marked/accounts", at("user/bots/link")).unwrap();
}

#[test]
fn another_commands_folders_are_known_by_what_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    others_own(&dir);
    let at = |place: &str| dir.path().join(place);
    let mount = |host: &str| vec![Mount { host: at(host), guest: "/user".to_owned(), writable: true }];
    let of = |host: &str| FileSpace::of(Folders { mounts: mount(host), ..Folders::default() });
    for host in [
        "user/marked",
        "user/marked/accounts/me",
        "user/bots/link",
        "user/old/accounts/me",
        "user/old/embedded/data-centre",
        "user/config",
    ] {
        assert!(of(host).unwrap_err().to_string().contains("tglhost's own folders"), "{host}");
    }
    let space = of("user").unwrap();
    let mark = |folder: &str| format!("{folder}/{OWN_FOLDER_MARK}");
    for (line, expected) in [
        ("list /user", "bots old"),
        ("list /user/old/accounts", ""),
        ("list /user/old/embedded", ""),
        ("read /user/marked/accounts/me/session", "NOENT"),
        ("read /user/bots/link/me/session", "NOENT"),
        ("read /user/old/accounts/me/account.db", "NOENT"),
        ("read /user/config/tglhost.toml", "NOENT"),
        ("mv /user/marked /user/mine", "NOENT"),
        ("mv /user/old/accounts/me /user/mine", "NOENT"),
        ("rmdir /user/marked", "NOENT"),
        ("mkdir /user/marked", "ACCESS"),
        ("mv /user/bots/deep /user/config", "ACCESS"),
        (&format!("rm {}", mark("/user/marked")), "NOENT"),
        // None is made.
        ("write /user/bots/tglhost.toml x", "ACCESS"),
        ("mkdir /user/bots/account.lock", "ACCESS"),
        ("read /user/bots/account.db", "a script's own"),
        ("write /user/bots/deep/account.lock x", ""),
        (&format!("write {} x", mark("/user/bots")), "ACCESS"),
        (&format!("mkdir {}", mark("/user/bots")), "ACCESS"),
        (&format!("symlink {} x", mark("/user/bots")), "ACCESS"),
        (&format!("mv /user/bots/deep {}", mark("/user/bots")), "ACCESS"),
        (&format!("ln /user/bots/account.db {}", mark("/user/bots")), "ACCESS"),
        ("list /user/bots", "account.db deep link"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    // Made later: below what was given, and of it all.
    mark_own_folder(&at("user/bots")).unwrap();
    assert_eq!(told(&space, "read /user/bots/account.db"), "NOENT");
    mark_own_folder(&at("user")).unwrap();
    assert_eq!(told(&space, "read /user/old/accounts/me/account.db"), "NOENT");
    assert_eq!(told(&space, "list /user"), "");
}

#[test]
fn a_project_hides_the_hosts_own_folders_and_a_private_folder_is_never_one() {
    let dir = tempfile::tempdir().unwrap();
    others_own(&dir);
    fs::create_dir(dir.path().join("home")).unwrap();
    let of = |folder: &str, only: Option<&str>, writable| {
        let project = Project { folder: dir.path().join(folder), only: only.map(str::to_owned), writable };
        let home = Some(dir.path().join("home"));
        FileSpace::of(Folders { project: Some(project), home, home_bytes_max: QUOTA, ..Folders::default() })
    };
    assert!(of("user/marked/accounts", None, false).is_err());
    let alone = of("user/old/accounts/me", Some("account.lock"), false).unwrap();
    assert_eq!(told(&alone, "list /script"), "account.lock");
    let space = of("user", None, false).unwrap();
    for (line, expected) in [
        ("list /script", "bots old"),
        ("read /script/marked/accounts/me/session", "NOENT"),
        (&format!("write /home/{OWN_FOLDER_MARK} x"), ""),
        ("write /script/tglhost.toml x", ""),
        ("mkdir /home/marked", ""),
        ("list /home/marked", ""),
        ("read /script/bots/deep/x", "x"),
        ("read /home/tglhost.toml", "x"),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    let space = of("user", None, true).unwrap();
    assert_eq!(told(&space, &format!("write /script/bots/{OWN_FOLDER_MARK} x")), "PERM");
    assert_eq!(told(&space, "write /script/bots/tglhost.toml x"), "ACCESS");
    assert_eq!(told(&space, "read /script/marked/accounts/me/session"), "NOENT");
}
