//! What is tried inside the worker, row by row. What came of it is written into the script's own folder, which is allowed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut, Read, Seek, SeekFrom};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal};

/// Below the root: the account's folder, and the cache of compiled programs.
pub(crate) const ACCOUNT: &str = "account";
pub(crate) const COMPILED: &str = "compiled";
/// In a script's folder: what its worker tells.
pub(crate) const TOLD: &str = "told";
pub(crate) const REFUSED: &str = "refused";

/// By them the walls answer.
const REFUSALS: [i32; 4] = [libc::ENOSYS, libc::EPERM, libc::EACCES, libc::EXDEV];

const WORK: &str = "--work";

/// In each worker's memory, for the other one to look for.
static SECRET: [u8; 16] = *b"not for a guest.";

static GIVEN: OnceLock<Given> = OnceLock::new();

/// What a worker that is hostile is taken to know.
pub(crate) struct Given {
    pub(crate) root: PathBuf,
    /// The script's own folder.
    pub(crate) home: PathBuf,
    pub(crate) host: u32,
    /// Where something listens.
    pub(crate) port: u16,
    /// Another worker; none in that one itself.
    pub(crate) neighbour: Option<Neighbour>,
}

#[derive(Clone, Copy)]
pub(crate) struct Neighbour {
    id: u32,
    /// Where its secret lies.
    address: usize,
}

impl Neighbour {
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (id, address) = text.split_once(' ')?;
        Some(Self { id: id.parse().ok()?, address: address.parse().ok()? })
    }
}

impl Given {
    pub(crate) fn args(&self) -> Vec<String> {
        let neighbour = self.neighbour.map(|Neighbour { id, address }| format!("{id} {address}"));
        let (root, home) = (self.root.display().to_string(), self.home.display().to_string());
        let (host, port) = (self.host.to_string(), self.port.to_string());
        vec![WORK.to_owned(), root, home, host, port, neighbour.unwrap_or_default()]
    }

    pub(crate) fn of_args(args: &[String]) -> Option<Self> {
        let [how, root, home, host, port, neighbour] = args else { return None };
        (how == WORK).then_some(())?;
        let (host, port) = (host.parse().ok()?, port.parse().ok()?);
        Some(Self { root: root.into(), home: home.into(), host, port, neighbour: Neighbour::of_text(neighbour) })
    }

    fn account_file(&self) -> PathBuf {
        self.root.join(ACCOUNT).join("account.db")
    }

    fn of(&self, process: u32, name: &str) -> PathBuf {
        Path::new("/proc").join(process.to_string()).join(name)
    }

    fn neighbour(&self) -> Neighbour {
        self.neighbour.expect("it is given")
    }

    fn neighbours(&self, name: &str) -> PathBuf {
        self.of(self.neighbour().id, name)
    }
}

/// The worker; its guest has left its sandbox once it has begun.
pub(crate) fn work(given: Given) -> ExitCode {
    GIVEN.get_or_init(|| given);
    worker::work(|| {
        let Some(given) = GIVEN.get() else { return };
        let told = match given.neighbour {
            Some(_) => ROWS.iter().map(|(name, _, attempt)| format!("{name}\t{}\n", outcome(attempt(given)))).collect(),
            None => format!("{} {}", std::process::id(), SECRET.as_ptr().addr()),
        };
        let part = given.home.join("part");
        fs::write(&part, told).and_then(|()| fs::rename(part, given.home.join(TOLD))).expect("its own folder");
    })
}

fn outcome(tried: io::Result<()>) -> String {
    match tried {
        Ok(()) => "done".to_owned(),
        Err(error) if error.raw_os_error().is_some_and(|number| REFUSALS.contains(&number)) => REFUSED.to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Who may, where nothing is locked down.
#[derive(PartialEq, Eq)]
pub(crate) enum Who {
    /// So the test tries it.
    Anybody,
    /// Root, or who the machine's set-up lets; or it would not leave the other worker as it was.
    Few,
}
use Who::{Anybody, Few};

pub(crate) type Row = (&'static str, Who, fn(&Given) -> io::Result<()>);

pub(crate) const ROWS: &[Row] = &[
    // The account's file, with its key
    ("read the session", Anybody, |given| read(given.account_file())),
    ("read the session by the root of the host", Anybody, |given| read(beneath(given.of(given.host, "root"), given))),
    ("read the session by its own root", Anybody, |given| read(beneath("/proc/self/root".into(), given))),
    ("read the session by .. of its folder", Anybody, read_by_own_folder),
    ("read the session by a link", Anybody, read_by_link),
    ("change the session", Anybody, |given| done(OpenOptions::new().append(true).open(given.account_file()))),
    ("link the session into its folder", Anybody, |given| {
        done(fs::hard_link(given.account_file(), given.home.join(format!("linked-{}", std::process::id()))))
    }),
    ("list the account's folder", Anybody, |given| done(fs::read_dir(given.root.join(ACCOUNT)))),
    ("read the session where the host has it open", Anybody, |given| done(fs::read_dir(given.of(given.host, "fd")))),
    ("read the key of the cache", Anybody, |given| read(given.root.join(COMPILED).join("key"))),
    ("list the cache", Anybody, |given| done(fs::read_dir(given.root.join(COMPILED)))),
    ("make a program for the next worker", Anybody, |given| {
        done(File::create(given.root.join(COMPILED).join(format!("new-{}", std::process::id()))))
    }),
    // Network
    ("connect", Anybody, |given| done(TcpStream::connect(("127.0.0.1", given.port)))),
    ("ask a name server", Anybody, |_| {
        done(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", "127.0.0.1:53")))
    }),
    // Programs
    ("run a program", Anybody, |_| done(Command::new("/bin/true").status())),
    // Another worker
    ("open the memory of another worker", Anybody, |given| done(File::open(given.neighbours("mem")))),
    ("read the memory of another worker", Anybody, read_memory),
    ("copy the memory of another worker", Anybody, copy_memory),
    ("trace another worker", Few, |given| {
        let id = nix::unistd::Pid::from_raw(given.neighbour().id.cast_signed());
        done(nix::sys::ptrace::seize(id, nix::sys::ptrace::Options::empty()))
    }),
    ("read the map of another worker", Anybody, |given| read(given.neighbours("maps"))),
    ("read the environment of another worker", Anybody, |given| read(given.neighbours("environ"))),
    ("list what another worker has open", Anybody, |given| done(fs::read_dir(given.neighbours("fd")))),
    ("hold another worker", Anybody, |given| {
        done(rustix::process::pidfd_open(id(given.neighbour().id), PidfdFlags::empty()))
    }),
    ("signal another worker", Anybody, |given| {
        done(rustix::process::kill_process(id(given.neighbour().id), Signal::CONT))
    }),
    ("read the folder of another worker's script", Anybody, |given| read(given.root.join("neighbour").join(TOLD))),
    // The host
    ("read the memory of the host", Few, |given| done(File::open(given.of(given.host, "mem")))),
    ("read the environment of the host", Anybody, |given| read(given.of(given.host, "environ"))),
    ("signal the host", Anybody, |given| done(rustix::process::kill_process(id(given.host), Signal::CONT))),
];

fn done<T, E: Into<io::Error>>(result: Result<T, E>) -> io::Result<()> {
    result.map(drop).map_err(Into::into)
}

fn read(path: PathBuf) -> io::Result<()> {
    done(fs::read(path))
}

fn beneath(root: PathBuf, given: &Given) -> PathBuf {
    root.join(given.account_file().strip_prefix("/").expect("it is absolute"))
}

fn id(process: u32) -> Pid {
    Pid::from_raw(process.cast_signed()).expect("an id")
}

fn read_by_own_folder(given: &Given) -> io::Result<()> {
    let path = Path::new("..").join(ACCOUNT).join("account.db");
    done(rustix::fs::openat(File::open(&given.home)?, path, OFlags::RDONLY, Mode::empty()))
}

fn read_by_link(given: &Given) -> io::Result<()> {
    let link = given.home.join(format!("link-{}", std::process::id()));
    std::os::unix::fs::symlink(given.account_file(), &link)?;
    read(link)
}

fn read_memory(given: &Given) -> io::Result<()> {
    let Neighbour { address, .. } = given.neighbour();
    let mut memory = File::open(given.neighbours("mem"))?;
    memory.seek(SeekFrom::Start(address as u64))?;
    let mut found = [0; SECRET.len()];
    memory.read_exact(&mut found)?;
    is_secret(found)
}

fn copy_memory(given: &Given) -> io::Result<()> {
    let Neighbour { id, address } = given.neighbour();
    let mut found = [0; SECRET.len()];
    let from = RemoteIoVec { base: address, len: found.len() };
    let id = nix::unistd::Pid::from_raw(id.cast_signed());
    process_vm_readv(id, &mut [IoSliceMut::new(&mut found)], &[from])?;
    is_secret(found)
}

fn is_secret(found: [u8; SECRET.len()]) -> io::Result<()> {
    if found == SECRET { Ok(()) } else { Err(io::Error::other("something else lies there")) }
}
