//! The host's own folders, this command's and every other's, which no script sees.

use std::fs;
use std::os::unix::fs::symlink;

use files::{FileSpace, Folders, Mount, OWN_FOLDER_MARK, Project, mark_own_folder};
use tempfile::TempDir;

use crate::QUOTA;
use crate::guest::told;

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

#[test]
fn what_the_kernel_shows_is_in_no_folder_of_a_script() {
    let whole = Mount { host: "/".into(), guest: "/host".to_owned(), writable: false };
    let space = FileSpace::of(Folders { mounts: vec![whole], ..Folders::default() }).unwrap();
    let listed = told(&space, "list /host");
    let names: Vec<&str> = listed.split(' ').collect();
    assert!(names.contains(&"etc") && ["proc", "sys", "dev"].iter().all(|name| !names.contains(name)), "{listed}");
    for (line, expected) in [
        ("read /host/proc/self/environ", "NOENT"),
        ("read /host/etc/../proc/self/environ", "NOENT"),
        ("list /host/proc", "NOENT"),
        ("stat /host/sys/kernel", "NOENT"),
        ("list /host/dev/shm", "NOENT"),
        ("stat /host/etc", ""),
    ] {
        assert_eq!(told(&space, line), expected, "{line}");
    }
    for folder in ["/proc/self", "/sys/kernel"] {
        let project = Some(Project::new(folder));
        let refused = FileSpace::of(Folders { project, ..Folders::default() }).unwrap_err().to_string();
        assert!(refused.contains("is where the kernel shows"), "{refused}");
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
        let only = only.map(str::to_owned);
        let project = Project { only, writable, ..Project::new(dir.path().join(folder)) };
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
        (&format!("write /home/{OWN_FOLDER_MARK} x"), "ACCESS"),
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
