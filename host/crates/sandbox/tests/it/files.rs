//! What a guest sees of the file system, and how much it may put there.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use files::{ENTRY_BYTES, FileSpace, HOME_BYTES_MAX, Mount};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::time::{ClockId, clock_gettime};
use sandbox::{GuestError, Limits, LogLevel, Trap};
use tempfile::TempDir;
use tgl::Event;

use crate::support::{Running, With, message, puppet, start};

struct Home {
    script: TempDir,
    home: TempDir,
    guest: Running,
}

/// A puppet with both folders and this quota.
async fn home(home_bytes_max: u64) -> Home {
    home_with(home_bytes_max, tempfile::tempdir().unwrap()).await
}

async fn home_with(home_bytes_max: u64, home: TempDir) -> Home {
    let script = tempfile::tempdir().unwrap();
    fs::write(script.path().join("data.txt"), "data").unwrap();
    fs::write(script.path().join(".env"), "secret").unwrap();
    fs::create_dir(script.path().join(".git")).unwrap();
    fs::write(script.path().join(".git/config"), "secret").unwrap();
    let files = Some(FileSpace::open(Some(script.path()), Some(home.path()), home_bytes_max, &[]).unwrap());
    let args = vec!["puppet.py".to_owned(), "--flag".to_owned()];
    let env = vec![("TZ".to_owned(), "Europe/Paris".to_owned())];
    let mut guest = start(&puppet().await, With { files, args, env, ..With::default() }).await.unwrap();
    guest.load("").await;
    Home { script, home, guest }
}

#[tokio::test]
async fn what_a_script_writes_lies_over_its_project_which_stays_as_it_is() {
    let Home { script, home, mut guest } = home(1 << 20).await;
    for (command, answer) in [
        ("read /script/data.txt", "Ok(\"data\")"),
        ("read data.txt", "Ok(\"data\")"),
        ("append /script/data.txt 1", "Ok("),
        ("read data.txt", "Ok(\"datax\")"),
        ("names /", "home script tmp"),
        ("names /script", "data.txt"),
        ("remove data.txt", "Ok("),
        ("read /script/data.txt", "Err("),
        ("list /home", "Ok(0)"),
        ("write /script/new.txt 1", "Ok("),
        ("read /home/new.txt", "Ok(\"x\")"),
        ("read /script/../home/new.txt", "Ok(\"x\")"),
        ("read .env", "Err("),
        ("read /script/.git/config", "Err("),
        ("remove /home/new.txt", "Ok("),
        ("write /home/a.txt 3", "Ok("),
        ("read /home/a.txt", "Ok(\"xxx\")"),
        ("read a.txt", "Ok(\"xxx\")"),
        ("append /home/a.txt 2", "Ok("),
        ("write /home/tmp/b.txt 1", "Ok("),
        ("read /tmp/b.txt", "Ok(\"x\")"),
        ("read /etc/passwd", "Err("),
        ("make-folder /home/c", "Ok("),
        ("list /home", "Ok(2)"),
        ("names /home", "a.txt c"),
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
    symlink("/etc", script.path().join("etc")).unwrap();
    symlink("/etc/passwd", home.path().join("passwd")).unwrap();
    symlink(script.path(), home.path().join("out")).unwrap();
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
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("old")).unwrap();
    fs::write(home.path().join("old/file"), vec![0; 200 << 10]).unwrap();
    let Home { home: _kept, mut guest, .. } = home_with(256 << 10, home).await;
    assert!(guest.tell("append /home/new 100000").await.starts_with("Err("));
}

#[tokio::test]
async fn the_environment_is_what_it_is_given() {
    let Home { mut guest, .. } = home(1 << 20).await;
    assert_eq!(
        guest.tell("environment").await,
        "HOME=/home PWD=/script TMPDIR=/home/tmp TZ=Europe/Paris puppet.py --flag"
    );
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
        ("read /notes/../home/a", "Ok("),
        ("rename /home/a /notes/a", "Some(Err("),
        ("rename /notes/big /home/b", "Some(Err("),
    ] {
        let told = guest.tell(command).await;
        assert!(told.starts_with(answer), "{command}: {told}");
    }
    assert_eq!(fs::metadata(notes.path().join("big")).unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn who_opens_too_many_files_is_told_so_and_lives_on() {
    let limits = Limits { open_files_max: 20, ..Limits::default() };
    let script = tempfile::tempdir().unwrap();
    fs::write(script.path().join("puppet.txt"), "").unwrap();
    let files = Some(FileSpace::open(Some(script.path()), None, 0, &[]).unwrap());
    let mut guest = start(&puppet().await, With { limits, files, ..With::default() }).await.unwrap();
    guest.load("").await;
    for _ in 0..3 {
        // The root is one of them.
        assert_eq!(guest.tell("open 19").await, "Ok(())");
        assert!(guest.tell("open 1").await.starts_with("Err("));
        assert!(guest.tell("names /script").await.starts_with("Err("), "a folder is one more");
        assert_eq!(guest.tell("close-held\nnames /script").await, "puppet.txt");
    }
    let log = [(
        LogLevel::Warn,
        "the script has 20 files open, the most it may have: close those it has done with".to_owned(),
    )];
    assert_eq!(guest.notes.log(), log);
}

#[tokio::test]
async fn a_thousand_files_are_open_and_read_and_written_at_one_time() {
    let Home { home: _kept, script, mut guest } = home(HOME_BYTES_MAX).await;
    fs::write(script.path().join("puppet.txt"), "").unwrap();
    assert_eq!(guest.tell("hold-many /home 990").await, "Ok(())");
}

/// What this process has of the disk by files of this folder, open ones without a name included.
fn disk_bytes(folder: &Path) -> u64 {
    let named = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let open = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let open = open.filter(|fd| fs::read_link(fd).is_ok_and(|file| file.starts_with(folder)));
    // Those that are closed meanwhile are not there any more.
    let files = named.chain(open).filter_map(|path| fs::metadata(path).ok()).filter(|about| about.is_file());
    files.map(|about| (about.ino(), about.len())).collect::<HashMap<_, _>>().values().sum()
}

#[tokio::test]
async fn what_a_guest_holds_open_counts_whatever_its_name() {
    const QUOTA: u64 = 256 << 10;
    for attack in [
        "hold /home/a 50000\nremove /home/a",
        "hold /home/a 50000\nwrite /home/b 0\nrename /home/b /home/a",
        "hold /home/a 50000\nlink /home/a /home/b\nremove /home/a\nremove /home/b",
        "hold-in /home/folder 50000",
        "hold /home/a 1\nremove /home/a\ngrow-held 5000",
    ] {
        let Home { home, mut guest, .. } = home(QUOTA).await;
        let mut rounds = 0;
        while !guest.tell(attack).await.contains("Err(") {
            rounds += 1;
            assert!(rounds < 100, "{attack}: never refused");
            assert!(disk_bytes(home.path()) <= QUOTA, "{attack}, round {rounds}");
        }
        assert!(rounds >= 3, "{attack}: refused after {rounds}");
        assert!(disk_bytes(home.path()) <= QUOTA, "{attack}");
        guest.tell("close-held").await;
        assert_eq!(guest.tell("write /home/c 200000").await, "Ok(())", "{attack}: the room is back");
    }
}

#[tokio::test]
async fn what_an_instance_held_open_is_room_for_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let space = FileSpace::open(None, Some(home.path()), 256 << 10, &[]).unwrap();
    let program = puppet().await;
    for round in 0..3 {
        let mut guest = start(&program, With { files: Some(space.clone()), ..With::default() }).await.unwrap();
        guest.load("").await;
        assert_eq!(guest.tell("hold /home/a 200000\nremove /home/a").await, "Ok(())\nOk(())", "round {round}");
        assert!(guest.tell("write /home/b 100000").await.starts_with("Err("), "round {round}");
        assert!(guest.instance.on_event(&Event::Message(message(1, "panic"))).await.is_err());
    }
}

#[tokio::test]
async fn the_folder_for_temporary_files_counts() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a"), vec![0; 4096]).unwrap();
    for (home_bytes_max, listed) in [(3 * ENTRY_BYTES - 1, "Err("), (3 * ENTRY_BYTES, "Ok(0)")] {
        let files = Some(FileSpace::open(None, Some(home.path()), home_bytes_max, &[]).unwrap());
        let mut guest = start(&puppet().await, With { files, ..With::default() }).await.unwrap();
        guest.load("").await;
        let told = guest.tell("list /home/tmp").await;
        assert!(told.starts_with(listed), "{home_bytes_max}: {told}");
    }
}

/// A guest is stopped while its write waits for somebody else's turn in the folder. All runs on one thread.
#[test]
fn a_guest_that_waits_for_its_folder_holds_up_nobody_and_what_it_leaves_behind_counts() {
    const QUOTA: u64 = 256 << 10;
    for there_is_room in [true, false] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let home = tempfile::tempdir().unwrap();
        let space = FileSpace::open(None, Some(home.path()), QUOTA, &[]).unwrap();
        runtime.block_on(async {
            let limits = Limits { wall_ms_max: 2_000, ..Limits::default() };
            let waiting = With { limits, files: Some(space.clone()), ..With::default() };
            let (mut waiting, Home { home: _kept, guest: mut other, .. }) =
                (start(&puppet().await, waiting).await.unwrap(), self::home(QUOTA).await);
            waiting.load("hold /home/a 1").await;
            let mut turn = space.quota().turn();
            let append = Event::Message(message(1, "grow-held 4095"));
            let (stopped, others) =
                tokio::join!(waiting.instance.on_event(&append), other.tell("append /home/b 100\nread /home/b"));
            assert!(matches!(stopped, Err(GuestError::Trapped(Trap::WallTime { .. }))), "{stopped:?}");
            assert!(others.starts_with("Ok(())\nOk(\"xxx"), "{others}");
            if !there_is_room {
                let len = QUOTA - 3 * ENTRY_BYTES - 4095;
                assert!(turn.take(ENTRY_BYTES + len));
                fs::write(home.path().join("c"), vec![0; len as usize]).unwrap();
            }
        });
        // Waits for the write.
        drop(runtime);
        // On a slow machine it had not begun, and then does not come.
        let len = fs::metadata(home.path().join("a")).unwrap().len();
        assert!(len == 1 || (there_is_room && len == 4096), "room: {there_is_room}, {len} bytes");
        assert!(!space.quota().turn().take(QUOTA - 2 * ENTRY_BYTES - len + 1), "room: {there_is_room}");
    }
}

/// Whoever opens a pipe waits for its other end: nobody is to have a thread or the folder's turn meanwhile.
#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let Home { home, script, mut guest } = home(256 << 10).await;
    let pipes = [home.path(), script.path()].map(|folder| folder.join("pipe"));
    pipes.iter().for_each(|pipe| mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap());
    symlink("pipe", home.path().join("link")).unwrap();
    for command in
        ["read /home/pipe", "append /home/pipe 1", "write /home/pipe 1", "read /home/link", "read /script/pipe"]
    {
        let told = guest.instance.on_event(&Event::Message(message(1, command))).await;
        // They have both ends now: should anybody wait, the test does not for ever.
        let ends = pipes.each_ref().map(|pipe| File::options().read(true).write(true).open(pipe).unwrap());
        told.unwrap();
        drop(ends);
        assert!(guest.notes.take_stdout().starts_with("Err("), "{command}");
    }
}

#[tokio::test]
async fn folders_that_were_renamed_on_the_host_stay_the_guests_but_an_unopened_private_one() {
    for is_of_parts in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for folder in ["before", "data before"] {
            fs::create_dir(at(folder)).unwrap();
        }
        let data = Mount { host: at("data before"), guest: "/data".to_owned(), writable: true };
        let files = FileSpace::open(None, Some(&at("before")), 256 << 10, &[data]).unwrap();
        let files = if is_of_parts { of_parts(&files) } else { files };
        for (before, after) in [("before", "after"), ("data before", "data after")] {
            fs::rename(at(before), at(after)).unwrap();
            fs::create_dir(at(before)).unwrap();
        }
        let mut guest = start(&puppet().await, With { files: Some(files), ..With::default() }).await.unwrap();
        guest.load("").await;
        assert_eq!(guest.tell("write /home/a 100\nwrite b 100\nwrite /data/c 300000").await, "Ok(())\nOk(())\nOk(())");
        let names = |folder| fs::read_dir(at(folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let expected: HashSet<_> = ["a", "b", "tmp"].map(Into::into).into();
        let (home, other) = if is_of_parts { ("after", "before") } else { ("before", "after") };
        assert_eq!((names(other), names(home)), (HashSet::new(), expected));
        assert_eq!((names("data before"), names("data after")), (HashSet::new(), HashSet::from(["c".into()])));
        assert!(guest.tell("write /home/a 300000").await.starts_with("Err("), "and the private one counts");
    }
}

/// The same file space as another process would get it.
fn of_parts(space: &FileSpace) -> FileSpace {
    let descriptors = space.roots().unwrap().into_iter().map(|root| root.try_clone().unwrap());
    FileSpace::of_parts(space.parts(), descriptors.collect()).unwrap()
}

/// As many files as the usual quota allows, together with the folder for temporary ones.
fn full() -> TempDir {
    let full = tempfile::tempdir().unwrap();
    for number in 1..HOME_BYTES_MAX / ENTRY_BYTES {
        fs::write(full.path().join(number.to_string()), "").unwrap();
    }
    full
}

#[tokio::test]
async fn who_has_its_folder_measured_all_the_time_pays_for_it() {
    let full = full();
    let files = Some(FileSpace::open(None, Some(full.path()), HOME_BYTES_MAX, &[]).unwrap());
    let limits = Limits { wall_ms_max: 600_000, ..Limits::default() };
    let mut guest = start(&puppet().await, With { limits, files, ..With::default() }).await.unwrap();
    let churn = Event::Message(message(1, "churn /home/1 1000"));
    let stopped = guest.instance.on_event(&churn).await;
    assert!(matches!(stopped, Err(GuestError::Trapped(Trap::CpuTime { .. }))), "{stopped:?}");
}

/// How long one guest holds up another of the same thread by its measurings. Not a test: prints what it takes.
#[tokio::test]
#[ignore = "measures: cargo test -p sandbox --test it -- --ignored --nocapture measuring"]
#[allow(clippy::print_stdout, reason = "it is there to print")]
async fn what_measuring_costs_others() {
    let Home { home: _kept, mut guest, .. } = home_with(HOME_BYTES_MAX, full()).await;
    let Home { guest: mut other, home: _others, .. } = home(HOME_BYTES_MAX).await;
    let is_over = std::cell::Cell::new(false);
    let attack = async {
        let began = Instant::now();
        let told = guest.tell("churn /home/1 8").await;
        is_over.set(true);
        (told, began.elapsed())
    };
    let victim = async {
        let mut waits = Vec::new();
        while !is_over.get() {
            let began = thread_cpu_time();
            other.tell("print x").await;
            tokio::task::yield_now().await;
            waits.push(thread_cpu_time() - began);
        }
        waits
    };
    let ((told, took), mut waits) = tokio::join!(attack, victim);
    waits.sort();
    let (count, longest, median) = (waits.len(), waits[waits.len() - 1], waits[waits.len() / 2]);
    println!(
        "8 rounds {told} in {took:?} beside {count} callbacks of another guest, each with the thread's next turn:"
    );
    println!("of its CPU time, the longest took {longest:?}, the median {median:?}");
}

/// What other processes take of the machine does not count.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
