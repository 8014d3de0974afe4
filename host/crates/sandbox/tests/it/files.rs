//! What a guest sees of the file system, and how much it may put there.

use std::fs;

use files::{FileSpace, Mount};
use sandbox::LogLevel;
use tempfile::TempDir;

use crate::support::{Running, With, puppet, start};

struct Home {
    script: TempDir,
    home: TempDir,
    guest: Running,
}

/// A puppet with both folders and this quota.
async fn home(home_bytes_max: u64) -> Home {
    let (script, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(script.path().join("data.txt"), "data").unwrap();
    let files = Some(FileSpace::open(Some(script.path()), Some(home.path()), home_bytes_max, &[]).unwrap());
    let args = vec!["puppet.py".to_owned(), "--flag".to_owned()];
    let env = vec![("TZ".to_owned(), "Europe/Paris".to_owned())];
    let mut guest = start(&puppet().await, With { files, args, env, ..With::default() }).await.unwrap();
    guest.load("").await;
    Home { script, home, guest }
}

#[tokio::test]
async fn the_scripts_folder_is_read_only_and_home_is_writable() {
    let Home { script, home, mut guest } = home(1 << 20).await;
    for (command, answer) in [
        ("read /script/data.txt", "Ok(\"data\")"),
        ("write /script/data.txt 1", "Err("),
        ("append /script/data.txt 1", "Err("),
        ("write /script/new.txt 1", "Err("),
        ("make-folder /script/new", "Err("),
        ("remove /script/data.txt", "Err("),
        ("write /home/a.txt 3", "Ok("),
        ("read /home/a.txt", "Ok(\"xxx\")"),
        ("read a.txt", "Ok(\"xxx\")"),
        ("append /home/a.txt 2", "Ok("),
        ("write /home/tmp/b.txt 1", "Ok("),
        ("read /tmp/b.txt", "Ok(\"x\")"),
        ("read /etc/passwd", "Err("),
        ("make-folder /home/c", "Ok("),
        ("list /home", "Ok(3)"),
        ("read /home/../script/data.txt", "Err("),
    ] {
        let told = guest.tell(command).await;
        assert!(told.starts_with(answer), "{command}: {told}");
    }
    assert_eq!(fs::read_to_string(script.path().join("data.txt")).unwrap(), "data");
    assert_eq!(fs::read_to_string(home.path().join("a.txt")).unwrap(), "xxxxx");
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out() {
    let Home { script, home, mut guest } = home(1 << 20).await;
    std::os::unix::fs::symlink("/etc", script.path().join("etc")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.path().join("passwd")).unwrap();
    std::os::unix::fs::symlink(script.path(), home.path().join("out")).unwrap();
    for command in ["read /script/etc/passwd", "read /home/passwd", "write /home/out/x 1", "list /script/etc/"] {
        let told = guest.tell(command).await;
        assert!(told.starts_with("Err("), "{command}: {told}");
    }
}

#[tokio::test]
async fn the_quota_holds_at_the_write() {
    const QUOTA: u64 = 256 << 10;
    for attack in [
        "write /home/big 1000000",
        "append /home/big 1000000",
        "resize /home/big 1000000",
        "make-files /home 200",
        "append /home/a 100000\nappend /home/b 100000\nappend /home/a 100000",
    ] {
        let Home { home, mut guest, .. } = home(QUOTA).await;
        let told = guest.tell(attack).await;
        assert!(told.lines().last().unwrap().starts_with("Err("), "{attack}: {told}");
        let log = [(LogLevel::Warn, "the script's private folder is full: it may hold 256 KiB".to_owned())];
        assert_eq!(guest.notes.log(), log, "{attack}");
        let held: u64 = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(held <= QUOTA, "{attack}: {held} bytes are there");
    }
}

#[tokio::test]
async fn room_that_was_given_back_can_be_used_again() {
    let Home { home: _kept, mut guest, .. } = home(256 << 10).await;
    for round in 0..20 {
        assert_eq!(guest.tell("write /home/a 100000").await, "Ok(())", "round {round}: overwritten");
        assert_eq!(guest.tell("append /home/b 100000").await, "Ok(())", "round {round}");
        assert_eq!(guest.tell("remove /home/b").await, "Ok(())", "round {round}: removed");
    }
}

#[tokio::test]
async fn what_was_there_before_counts() {
    let Home { home, mut guest, .. } = home(256 << 10).await;
    fs::create_dir(home.path().join("old")).unwrap();
    fs::write(home.path().join("old/file"), vec![0; 200 << 10]).unwrap();
    assert!(guest.tell("append /home/new 100000").await.starts_with("Err("));
}

#[tokio::test]
async fn the_environment_is_what_it_is_given() {
    let Home { mut guest, .. } = home(1 << 20).await;
    assert_eq!(guest.tell("environment").await, "HOME=/home TMPDIR=/home/tmp TZ=Europe/Paris puppet.py --flag");
}

#[tokio::test]
async fn further_folders_are_seen_and_not_counted() {
    let (home, data, notes) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("e"), "data").unwrap();
    let mount =
        |host: &TempDir, guest: &str, writable| Mount { host: host.path().into(), guest: guest.into(), writable };
    let more = [mount(&data, "/data", false), mount(&notes, "/notes", true)];
    let files = Some(FileSpace::open(None, Some(home.path()), 256 << 10, &more).unwrap());
    let mut guest = start(&puppet().await, With { files, ..With::default() }).await.unwrap();
    guest.load("").await;
    for (command, answer) in [
        ("read /data/e", "Ok(\"data\")"),
        ("write /data/f 1", "Err("),
        ("write /notes/big 1000000", "Ok("),
        ("append /notes/big 1000000", "Ok("),
        ("resize /notes/big 3000000", "Ok("),
        ("make-files /notes 200", "Ok("),
        ("write /home/a 1000000", "Err("),
        ("write /home/a 100000", "Ok("),
        ("read /notes/../home/a", "Err("),
    ] {
        let told = guest.tell(command).await;
        assert!(told.starts_with(answer), "{command}: {told}");
    }
    assert_eq!(fs::metadata(notes.path().join("big")).unwrap().len(), 3_000_000);
}
