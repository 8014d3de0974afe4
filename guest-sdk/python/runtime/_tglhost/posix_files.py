"""What `os` lacks or does otherwise in WASI, and scripts take for granted.

Invariant: nothing here claims a success that was none, but for what has no meaning where one user runs one program.
"""

import getpass
import os
from typing import Any

_ANY_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_USER = 1000

_c_open = os.open
_mask = 0o022


def install() -> None:
    """Puts these in place."""
    os.open = _open
    os.supports_dir_fd.add(_open)
    os.umask = _umask
    for name in ("getuid", "geteuid", "getgid", "getegid"):
        setattr(os, name, _user)
    os.getppid = _parent
    os.getlogin = getpass.getuser = _login


def _open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """As `os.open`. Elsewhere O_RDONLY is 0 and need not be said; here it is a bit."""
    if not flags & _ANY_ACCESS:
        flags |= os.O_RDONLY
    return _c_open(path, flags, mode, dir_fd=dir_fd)


def _umask(mask: int) -> int:
    """As `os.umask`, for files that have the usual permissions whatever it says."""
    global _mask
    before, _mask = _mask, mask & 0o777
    return before


def _user() -> int:
    return _USER


def _parent() -> int:
    return 0


def _login() -> str:
    return os.environ.get("LOGNAME") or os.environ.get("USER") or "script"
