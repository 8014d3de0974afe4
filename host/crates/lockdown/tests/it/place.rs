//! Where a try is made: folders and sockets that the parent makes, and the child finds by its environment.
//!
//! Invariant: `read`, `write`, `write-2` and `code` are allowed to a child that locks itself down; `outside` is not.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockdown::{Access, Allowed, LockdownError, Missing};
use rustix::fs::MemfdFlags;
use tempfile::TempDir;

const FOLDER: &str = "TRY_FOLDER";
const TCP: &str = "TRY_TCP";
const UDP: &str = "TRY_UDP";
const PARENT: &str = "TRY_PARENT";
pub(crate) const SAID: &[u8; 4] = b"ping";
pub(crate) const OPEN_FILES_MAX: u64 = 100;

/// The parent's.
pub(crate) struct Place {
    folder: TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
    _abstract: UnixListener,
    socket: UnixStream,
    childs: UnixStream,
}

impl Place {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["read", "write", "write-2", "outside"] {
            fs::create_dir(folder.path().join(name))?;
        }
        for name in ["read/file", "write/file", "outside/file", "code"] {
            fs::write(folder.path().join(name), "known")?;
        }
        let (socket, childs) = UnixStream::pair()?;
        (&socket).write_all(SAID)?;
        Ok(Self {
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            _unix: UnixListener::bind(folder.path().join("outside/socket"))?,
            _abstract: UnixListener::bind_addr(&abstract_address(folder.path())?)?,
            folder,
            socket,
            childs,
        })
    }

    /// Its stdin: the socket that it is given.
    pub(crate) fn socket_for_child(&self) -> io::Result<Stdio> {
        Ok(OwnedFd::from(self.childs.try_clone()?).into())
    }

    /// The parent's end of it, once no child is to be started.
    pub(crate) fn into_socket(self) -> UnixStream {
        self.socket
    }

    pub(crate) fn describe(&self, child: &mut Command) {
        let address = |address: io::Result<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        child
            .env(FOLDER, self.folder.path())
            .env(TCP, address(self.tcp.local_addr()))
            .env(UDP, address(self.udp.local_addr()));
        set_parent(child);
    }
}

pub(crate) fn set_parent(child: &mut Command) {
    child.env(PARENT, std::process::id().to_string());
}

/// The child's.
pub(crate) struct There {
    pub(crate) folder: PathBuf,
    pub(crate) tcp: String,
    pub(crate) udp: String,
    pub(crate) parent_id: u32,
    code_in_memory: File,
}

impl There {
    pub(crate) fn from_environment() -> Self {
        let given = |name: &str| std::env::var(name).expect("the parent says where");
        let code_in_memory = rustix::fs::memfd_create("code", MemfdFlags::CLOEXEC).expect("memory");
        let mut code_in_memory = File::from(code_in_memory);
        code_in_memory.write_all(b"known").expect("it is written to");
        Self {
            folder: given(FOLDER).into(),
            tcp: given(TCP),
            udp: given(UDP),
            parent_id: given(PARENT).parse().expect("a number"),
            code_in_memory,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn code_in_memory(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.code_in_memory.as_raw_fd()).into()
    }

    pub(crate) fn of_parent(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.parent_id).into()
    }

    pub(crate) fn abstract_address(&self) -> io::Result<UnixAddr> {
        abstract_address(&self.folder)
    }

    pub(crate) fn lock_down(&self) -> Result<Vec<Missing>, LockdownError> {
        self.lock_down_with(self.parent_id)
    }

    pub(crate) fn lock_down_with(&self, parent_id: u32) -> Result<Vec<Missing>, LockdownError> {
        let open = |name: &str| File::open(self.path(name)).expect("the parent made it");
        let (read, write, write_2, code) = (open("read"), open("write"), open("write-2"), open("code"));
        let folders =
            vec![(read.as_fd(), Access::Read), (write.as_fd(), Access::Write), (write_2.as_fd(), Access::Write)];
        let files = vec![code.as_fd(), self.code_in_memory.as_fd()];
        lockdown::lock_down(&Allowed { folders, files, open_files_max: OPEN_FILES_MAX, parent_id })
    }
}

fn abstract_address(folder: &Path) -> io::Result<UnixAddr> {
    UnixAddr::from_abstract_name(folder.as_os_str().as_encoded_bytes())
}
