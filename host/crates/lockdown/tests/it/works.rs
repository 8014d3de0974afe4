//! What a process that is locked down still does, row by row: what guests and their host's work need.

use std::backtrace::Backtrace;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::process::Resource;
use rustix::time::ClockId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Outcome;
use crate::place::{OPEN_FILES_MAX, SAID, There};

pub(crate) type Row = (&'static str, fn(&There) -> Outcome);

pub(crate) const ROWS: &[Row] = &[
    ("threads", threads),
    ("a runtime of tokio's, with a socket that was there", runtime),
    ("machine code in memory", machine_code),
    ("read in a folder that may be read", read),
    ("read machine code", |there| same(fs::read(there.path("code"))?, b"known")),
    ("read machine code that is in memory alone", |there| same(fs::read(there.code_in_memory())?, b"known")),
    ("change files", change),
    ("move and link files across folders", across),
    ("list by an open folder", list),
    ("lock a file", lock),
    ("look below a folder alone", look_below),
    ("/dev/null", null),
    ("chance and clocks", chance_and_clocks),
    ("a priority of its own", |_| Ok(rustix::process::setpriority_process(None, 5)?)),
    ("a panic with its backtrace", panic),
    ("as many files as are allowed, and no more", open_files),
];

fn same<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(found: T, known: U) -> Outcome {
    if found == known { Ok(()) } else { Err(format!("{found:?} instead of {known:?}").into()) }
}

fn threads(_: &There) -> Outcome {
    let named = std::thread::Builder::new().name("it".into()).stack_size(1 << 20);
    let handle = named.spawn(|| std::thread::available_parallelism().map(usize::from))?;
    let parallel = handle.join().map_err(|_| "a panic")??;
    same(parallel > 0, true)
}

fn runtime(_: &There) -> Outcome {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut socket = tokio::net::UnixStream::from_std(socket)?;
        let mut said = [0; SAID.len()];
        socket.read_exact(&mut said).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        socket.write_all(&said).await?;
        let doubled = tokio::task::spawn_blocking(move || said.len() * 2).await?;
        let late = tokio::time::timeout(Duration::from_millis(1), socket.read_u8()).await;
        same((said, doubled, late.is_err()), (*SAID, SAID.len() * 2, true))
    })
}

fn machine_code(_: &There) -> Outcome {
    let mut map = memmap2::MmapMut::map_anon(1 << 16)?;
    map[0] = 0xc3;
    let code = map.make_exec()?;
    same(code[0], 0xc3)
}

fn read(there: &There) -> Outcome {
    same(fs::read(there.path("read/file"))?, b"known")?;
    same(fs::read_dir(there.path("read"))?.count(), 1)
}

fn change(there: &There) -> Outcome {
    let path = there.path("write/new");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    file.write_all(b"a long text")?;
    file.write_all_at(b"one", 0)?;
    file.set_len(5)?;
    file.sync_all()?;
    file.sync_data()?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 8)?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential)?;
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))?;
    same(fs::read(&path)?, b"oneon\0\0\0")?;
    same(file.metadata()?.modified()?, SystemTime::UNIX_EPOCH)?;
    fs::write(&path, "emptied before")?;
    fs::remove_file(&path)?;
    fs::create_dir(there.path("write/folder"))?;
    Ok(fs::remove_dir(there.path("write/folder"))?)
}

fn across(there: &There) -> Outcome {
    fs::rename(there.path("write/file"), there.path("write-2/moved"))?;
    fs::hard_link(there.path("write-2/moved"), there.path("write/linked"))?;
    symlink("linked", there.path("write/link"))?;
    same(fs::read_link(there.path("write/link"))?.as_os_str(), "linked")?;
    let mut copy = File::create(there.path("write-2/copy"))?;
    same(io::copy(&mut File::open(there.path("write/link"))?, &mut copy)?, 5)?;
    fs::create_dir(there.path("write/folder"))?;
    fs::rename(there.path("write/folder"), there.path("write-2/folder"))?;
    same(fs::read(there.path("write-2/copy"))?, b"known")
}

fn list(there: &There) -> Outcome {
    let folder = rustix::fs::open(there.path("write"), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    let by_number = format!("/proc/self/fd/{}", folder.as_raw_fd());
    same(fs::read_link(&by_number)?, there.path("write"))?;
    let names = fs::read_dir(&by_number)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    same(names, ["file"])
}

fn lock(there: &There) -> Outcome {
    let open = || OpenOptions::new().read(true).write(true).open(there.path("write/file"));
    let (one, other) = (open()?, open()?);
    one.lock()?;
    same(other.try_lock().is_err(), true)?;
    let part =
        libc::flock { l_type: libc::F_WRLCK as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 1, l_pid: 0 };
    fcntl(&one, FcntlArg::F_OFD_SETLK(&part))?;
    same(fcntl(&other, FcntlArg::F_OFD_SETLK(&part)).is_err(), true)
}

fn look_below(there: &There) -> Outcome {
    let folder = File::open(there.path("read"))?;
    let open = |name| rustix::fs::openat2(&folder, name, OFlags::RDONLY, Mode::empty(), ResolveFlags::BENEATH);
    open("file")?;
    same(open("../outside/file").err(), Some(rustix::io::Errno::XDEV))?;
    same(rustix::fs::statat(CWD, there.path("read/file"), rustix::fs::AtFlags::empty())?.st_size, 5)
}

fn null(_: &There) -> Outcome {
    let mut null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    null.write_all(b"x")?;
    same(null.read(&mut [0])?, 0)
}

fn chance_and_clocks(_: &There) -> Outcome {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    std::thread::sleep(Duration::from_millis(1));
    let _ = (Instant::now(), SystemTime::now(), rustix::time::clock_gettime(ClockId::ThreadCPUTime));
    same(bytes != [0; 32], true)
}

fn panic(_: &There) -> Outcome {
    let caught = std::panic::catch_unwind(|| {
        let _ = Backtrace::force_capture().to_string();
        panic!("known")
    });
    same(caught.is_err(), true)
}

fn open_files(_: &There) -> Outcome {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    same((limit.current, limit.maximum), (Some(OPEN_FILES_MAX), Some(OPEN_FILES_MAX)))?;
    let core = rustix::process::getrlimit(Resource::Core);
    same(core.maximum.is_some_and(|max| max <= 1), true)?;
    let mut open = Vec::new();
    let error = loop {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => break error,
        }
    };
    same(error.raw_os_error(), Some(libc::EMFILE))?;
    same(open.len() < OPEN_FILES_MAX as usize && open.len() > 50, true)
}
