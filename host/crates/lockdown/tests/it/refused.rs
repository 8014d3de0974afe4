//! What is refused to a process that is locked down, row by row.
//!
//! Invariant: a row that anybody may do works in a process that is not locked down.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IoSliceMut};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sched::CloneFlags;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use rustix::fs::{CWD, FileType, MemfdFlags, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Resource, Signal};

use crate::Outcome;
use crate::place::There;

/// Who may, where nothing is locked down.
#[derive(PartialEq, Eq)]
pub(crate) enum Who {
    Anybody,
    /// Root, or who the machine's set-up lets.
    Some,
}
use Who::{Anybody, Some};

pub(crate) type Row = (&'static str, Who, fn(&There) -> Outcome);

pub(crate) const ROWS: &[Row] = &[
    // Files
    ("read a file outside", Anybody, |there| read(there.path("outside/file"))),
    ("read by ..", Anybody, |there| read(there.path("read/../outside/file"))),
    ("read by .. from an open folder", Anybody, read_by_open_folder),
    ("read by the root of itself", Anybody, |there| read(root_of("self", there))),
    ("read by the root of the parent", Anybody, |there| read(root_of(&there.parent_id.to_string(), there))),
    ("read by a link", Anybody, read_by_link),
    ("list a folder outside", Anybody, |there| done(fs::read_dir(there.path("outside")))),
    ("read its own environment", Anybody, |_| read("/proc/self/environ")),
    ("read the parent's environment", Anybody, |there| read(there.of_parent("environ"))),
    ("read the parent's memory", Some, |there| done(File::open(there.of_parent("mem")))),
    ("read a file of the system", Anybody, |_| read("/proc/version")),
    ("open a device", Anybody, |_| done(File::open("/dev/zero"))),
    ("change a file that may be read", Anybody, |there| change(there, |how| how.write(true))),
    ("empty a file that may be read", Anybody, |there| change(there, |how| how.write(true).truncate(true))),
    ("make a file in a folder that may be read", Anybody, |there| done(File::create(there.path("read/new")))),
    ("make a folder in one that may be read", Anybody, |there| done(fs::create_dir(there.path("read/new")))),
    ("remove a file that may be read", Anybody, |there| done(fs::remove_file(there.path("read/file")))),
    ("change machine code", Anybody, |there| done(OpenOptions::new().write(true).open(there.path("code")))),
    ("move a file out of reading", Anybody, |there| moved(there, "read/file", "write/new")),
    ("move a file into reading", Anybody, |there| moved(there, "write/file", "read/new")),
    ("move a file outside", Anybody, |there| moved(there, "write/file", "outside/new")),
    ("link a file from reading to writing", Anybody, |there| linked(there, "read/file")),
    ("link a file from outside", Anybody, |there| linked(there, "outside/file")),
    ("let others read a file outside", Anybody, |there| mode(there, "outside/file")),
    ("let others run a file", Anybody, |there| mode(there, "write/file")),
    ("make a device", Some, |there| make(there, FileType::CharacterDevice)),
    ("make a disk", Some, |there| make(there, FileType::BlockDevice)),
    ("make a socket", Anybody, |there| make(there, FileType::Socket)),
    ("make a pipe", Anybody, |there| make(there, FileType::Fifo)),
    ("make a file without a name", Anybody, |_| done(rustix::fs::memfd_create("it", MemfdFlags::empty()))),
    // Network
    ("connect by TCP", Anybody, |there| done(TcpStream::connect(&there.tcp))),
    ("send by UDP", Anybody, |there| {
        done(UdpSocket::bind("127.0.0.1:0").and_then(|own| own.send_to(b"x", &there.udp)))
    }),
    ("connect by path", Anybody, |there| done(UnixStream::connect(there.path("outside/socket")))),
    ("connect by name", Anybody, |there| done(UnixStream::connect_addr(&there.abstract_address()?))),
    ("listen by TCP", Anybody, |_| done(TcpListener::bind("127.0.0.1:0"))),
    ("listen by path", Anybody, |there| done(UnixListener::bind(there.path("write/socket")))),
    ("have sockets that send anywhere", Anybody, |_| done(UnixDatagram::pair())),
    // Processes
    ("become another program", Anybody, |_| Err(Command::new("/bin/true").exec().into())),
    ("start a program", Anybody, |_| done(Command::new("/bin/true").status())),
    ("have a second process", Anybody, |_| second_process()),
    ("signal the parent", Anybody, |there| done(rustix::process::kill_process(parent(there), Signal::CONT))),
    ("hold the parent", Anybody, |there| done(rustix::process::pidfd_open(parent(there), PidfdFlags::empty()))),
    ("slow the parent down", Anybody, |there| {
        done(rustix::process::setpriority_process(Option::Some(parent(there)), 1))
    }),
    ("trace the parent", Some, |there| {
        done(nix::sys::ptrace::seize(nix_parent(there)?, nix::sys::ptrace::Options::empty()))
    }),
    ("copy the parent's memory", Some, copy_memory),
    ("outlive the parent", Anybody, |_| done(rustix::process::set_parent_process_death_signal(None))),
    ("set a limit", Anybody, |_| set_limit(0)),
    ("raise a limit", Some, |_| set_limit(1)),
    // The kernel's
    ("mount", Some, |there| mount(there)),
    ("have a namespace of its own", Some, |_| done(nix::sched::unshare(CloneFlags::CLONE_NEWUSER))),
    ("go into a namespace", Some, |_| done(nix::sched::setns(io::stdin(), CloneFlags::CLONE_NEWNET))),
    ("have a ring of io_uring", Some, |_| done(io_uring::IoUring::new(2))),
    ("have a key of the kernel's", Some, have_key),
];

fn done<T, E: Into<io::Error>>(result: Result<T, E>) -> Outcome {
    result.map(drop).map_err(|error| error.into().into())
}

fn read(path: impl AsRef<std::path::Path>) -> Outcome {
    done(fs::read(path))
}

fn root_of(process: &str, there: &There) -> String {
    format!("/proc/{process}/root{}", there.path("outside/file").display())
}

fn read_by_open_folder(there: &There) -> Outcome {
    let folder = File::open(there.path("read"))?;
    done(rustix::fs::openat(folder, "../outside/file", OFlags::RDONLY, Mode::empty()))
}

fn read_by_link(there: &There) -> Outcome {
    symlink("../outside/file", there.path("write/link"))?;
    read(there.path("write/link"))
}

fn change(there: &There, how: fn(&mut OpenOptions) -> &mut OpenOptions) -> Outcome {
    done(how(&mut OpenOptions::new()).open(there.path("read/file")))
}

fn moved(there: &There, from: &str, to: &str) -> Outcome {
    done(fs::rename(there.path(from), there.path(to)))
}

fn linked(there: &There, from: &str) -> Outcome {
    done(fs::hard_link(there.path(from), there.path("write/new")))
}

fn mode(there: &There, name: &str) -> Outcome {
    done(fs::set_permissions(there.path(name), Permissions::from_mode(0o777)))
}

fn make(there: &There, kind: FileType) -> Outcome {
    done(rustix::fs::mknodat(CWD, there.path("write/new"), kind, Mode::RUSR, rustix::fs::makedev(1, 5)))
}

fn parent(there: &There) -> Pid {
    i32::try_from(there.parent_id).ok().and_then(Pid::from_raw).expect("an id")
}

fn nix_parent(there: &There) -> Result<nix::unistd::Pid, Box<dyn std::error::Error>> {
    Ok(nix::unistd::Pid::from_raw(there.parent_id.try_into()?))
}

fn copy_memory(there: &There) -> Outcome {
    let mut byte = [0];
    let from = RemoteIoVec { base: 0x1_0000, len: 1 };
    done(process_vm_readv(nix_parent(there)?, &mut [IoSliceMut::new(&mut byte)], &[from]))
}

/// What does not find its program has begun.
fn second_process() -> Outcome {
    match Command::new("/no-such-program").spawn() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => done(other),
    }
}

/// How many files may be open: as many as before, or more.
fn set_limit(more: u64) -> Outcome {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.maximum = limit.maximum.map(|max| max + more);
    done(rustix::process::setrlimit(Resource::Nofile, limit))
}

fn mount(there: &There) -> Outcome {
    let none: Option<&str> = None;
    let flags = nix::mount::MsFlags::empty();
    done(nix::mount::mount(none, &there.path("write"), Option::Some("tmpfs"), flags, none))
}

/// Its errors are no errors of the system's: ENOSYS is none that it knows.
fn have_key(_: &There) -> Outcome {
    match linux_keyutils::KeyRing::from_special_id(linux_keyutils::KeyRingIdentifier::Process, true) {
        Ok(_) => Ok(()),
        Err(linux_keyutils::KeyError::Unknown(number)) => Err(io::Error::from_raw_os_error(number).into()),
        Err(error) => Err(error.to_string().into()),
    }
}
