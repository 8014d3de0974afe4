"""The module `fcntl`, as far as it has a meaning where one script is alone with its files: locks, by which scripts make sure that
they run once, and flags of descriptors.

Invariant: no lock is waited for, as nobody holds one; the script is told that.
"""

import errno
import os
from typing import Any, Never

from tgl import _host

LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW = range(8)
F_RDLCK, F_WRLCK, F_UNLCK = range(3)
FD_CLOEXEC = 1
F_DUPFD_CLOEXEC = 1030

LOCKS_OUT_NOBODY = (
    "fcntl locks out nobody: in a script's own folder there is nobody else, and of a folder that it is given the other programs "
    "do not see the lock; there open(path, 'x') makes a file that only one can make"
)

_is_told = False


def flock(fd: Any, operation: int, /) -> None:
    """As `fcntl.flock`."""
    if operation & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    _lock(_descriptor(fd), operation)


def lockf(fd: Any, cmd: int, len: int = 0, start: int = 0, whence: int = 0, /) -> None:
    """As `fcntl.lockf`."""
    if cmd & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise ValueError("unrecognized lockf argument")
    _lock(_descriptor(fd), cmd)


def fcntl(fd: Any, cmd: int, arg: Any = 0, /) -> Any:
    """As `fcntl.fcntl`."""
    _descriptor(fd)
    if cmd in (F_GETFD, F_SETFD):
        return FD_CLOEXEC if cmd == F_GETFD else 0  # No other program is started, so none inherits it.
    if cmd in (F_GETFL, F_SETFL):
        return 0  # A file's reads and writes never block.
    if cmd in (F_SETLK, F_SETLKW):
        _tell()
        return arg
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def ioctl(fd: Any, request: int, arg: Any = 0, mutate_flag: bool = True, /) -> Never:
    """As `fcntl.ioctl` of a file."""
    _descriptor(fd)
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _descriptor(fd: Any) -> int:
    number = fd if isinstance(fd, int) else fd.fileno()
    os.fstat(number)  # Raises where it is not open.
    return number


def _lock(fd: int, operation: int) -> None:
    if not operation & LOCK_UN:
        _tell()


def _tell() -> None:
    global _is_told
    if not _is_told:
        _is_told = True
        _host.warn(LOCKS_OUT_NOBODY)
