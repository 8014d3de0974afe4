"""What `os` and `signal` lack or do otherwise in WASI, and scripts take for granted.

Invariant: nothing here claims a success that was none, but for what has no meaning where one user runs one program.
"""

import errno
import getpass
import os
import signal
from typing import Any, Never

_ANY_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
USER = 1000
"""Whom a script's process and its files belong to."""

_c_open, _c_chdir = os.open, os.chdir
_mask = 0o022


def install() -> None:
    """Puts these in place."""
    os.open = _open
    os.supports_dir_fd.add(_open)
    os.chdir = _chdir
    os.umask = _umask
    for name in ("getuid", "geteuid", "getgid", "getegid"):
        setattr(os, name, _user)
    os.getgroups = lambda: [USER]
    os.getresuid = os.getresgid = lambda: (USER,) * 3
    os.getppid = _parent
    os.getlogin = getpass.getuser = _login
    os.getrandom, os.GRND_NONBLOCK, os.GRND_RANDOM = _random, 1, 2
    os.get_terminal_size = _terminal_size
    os.major, os.minor, os.makedev = _major, _minor, _makedev
    for name, function in _OF_STATUS.items():
        setattr(os, name, function)
    signal.SIGCLD = signal.SIGCHLD
    signal.valid_signals = lambda: set(signal.Signals)


def _open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """As `os.open`. Elsewhere O_RDONLY is 0 and need not be said; here it is a bit."""
    if not flags & _ANY_ACCESS:
        flags |= os.O_RDONLY
    return _c_open(path, flags, mode, dir_fd=dir_fd)


def _chdir(path: Any) -> None:
    """As `os.chdir`. The C library would keep the path as it is spelled, and `os.getcwd` gives it; a kernel gives the folder's own."""
    if isinstance(path, int):
        _c_chdir(path)
        return
    name = os.fspath(path)
    if not name:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    try:
        real = os.path.realpath(name, strict=True)
    except (OSError, ValueError):
        real = name  # The C library says what is wrong with it.
    try:
        _c_chdir(real)
    except OSError as error:
        error.filename = name
        raise


def _umask(mask: int) -> int:
    """As `os.umask`, for files that have the usual permissions whatever it says."""
    global _mask
    before, _mask = _mask, mask & 0o777
    return before


def _user() -> int:
    return USER


def _parent() -> int:
    return 0


def _login() -> str:
    return os.environ.get("LOGNAME") or os.environ.get("USER") or "script"


def _random(size: int, flags: int = 0) -> bytes:
    """As `os.getrandom`."""
    return os.urandom(size)


def _terminal_size(fd: int = 1, /) -> Never:
    """As `os.get_terminal_size` where there is no terminal."""
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _major(device: int, /) -> int:
    """As `os.major`, by Linux's numbers of devices."""
    return device >> 8 & 0xFFF | device >> 32 & 0xFFFFF000


def _minor(device: int, /) -> int:
    """As `os.minor`."""
    return device & 0xFF | device >> 12 & 0xFFFFFF00


def _makedev(major: int, minor: int, /) -> int:
    """As `os.makedev`."""
    return (major & 0xFFFFF000) << 32 | (major & 0xFFF) << 8 | (minor & 0xFFFFFF00) << 12 | minor & 0xFF


def _exit_code(status: int) -> int:
    """As `os.waitstatus_to_exitcode`."""
    return -(status & 0x7F) if status & 0x7F else status >> 8


_OF_STATUS = {
    "WIFEXITED": lambda status: status & 0x7F == 0,
    "WEXITSTATUS": lambda status: status >> 8 & 0xFF,
    "WIFSIGNALED": lambda status: 0 < status & 0x7F < 0x7F,
    "WTERMSIG": lambda status: status & 0x7F,
    "WCOREDUMP": lambda status: bool(status & 0x80),
    "WIFSTOPPED": lambda status: status & 0xFF == 0x7F,
    "WSTOPSIG": lambda status: status >> 8 & 0xFF,
    "WIFCONTINUED": lambda status: status == 0xFFFF,
    "waitstatus_to_exitcode": _exit_code,
}
"""What the status that `os.system` gives is taken apart with."""
