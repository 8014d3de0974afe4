"""The permissions that a script gives its files by `os.chmod`, remembered while it runs: WASI has none, and a file's own go with
the script's life.

They are kept by inode, so a file that is renamed keeps them. Invariant: a script that changes no permissions pays nothing; and a
new file never has those of one that is gone.
"""

import os
import stat
import sys
from typing import Any

_modes: dict[int, int] = {}
"""For each inode what `chmod` gave it, where that is not what every file has."""

_c_stat, _c_lstat, _c_fstat = os.stat, os.lstat, os.fstat
_is_watching = False


def install() -> None:
    """Puts `chmod` in place."""
    os.chmod = _chmod
    os.fchmod = _fchmod
    os.supports_fd.add(_chmod)
    os.supports_dir_fd.add(_chmod)


def _chmod(path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
    """As `os.chmod`."""
    if isinstance(path, int):
        _keep(_c_fstat(path), mode)
    else:
        _keep(_c_stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks), mode)


def _fchmod(fd: int, mode: int) -> None:
    """As `os.fchmod`."""
    _keep(_c_fstat(fd), mode)


def _keep(about: os.stat_result, mode: int) -> None:
    mode = stat.S_IFMT(about.st_mode) | stat.S_IMODE(mode)
    if mode == about.st_mode:
        _modes.pop(about.st_ino, None)
        return
    _modes[about.st_ino] = mode
    _watch()


def _watch() -> None:
    """From now on files are told with their permissions, and those of files that go are forgotten."""
    global _is_watching
    if _is_watching:
        return
    _is_watching = True
    for function, name in ((_stat, "stat"), (_lstat, "lstat"), (_fstat, "fstat")):
        before = getattr(os, name)
        for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if before in supported:
                supported.add(function)
        setattr(os, name, function)
    sys.addaudithook(_forget)


def _forget(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("os.remove", "os.rmdir"):
        gone, folder = arguments
    elif event == "os.rename":
        _, gone, _, folder = arguments
    else:
        return
    try:
        _modes.pop(_c_lstat(gone, dir_fd=None if folder == -1 else folder).st_ino, None)
    except OSError:
        pass  # Nothing of that name is there.


def _stat(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
    """As `os.stat`."""
    return _with_mode(_c_stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks))


def _lstat(path: Any, *, dir_fd: int | None = None) -> os.stat_result:
    """As `os.lstat`."""
    return _with_mode(_c_lstat(path, dir_fd=dir_fd))


def _fstat(fd: int) -> os.stat_result:
    """As `os.fstat`."""
    return _with_mode(_c_fstat(fd))


def _with_mode(about: os.stat_result) -> os.stat_result:
    mode = _modes.get(about.st_ino)
    if mode is None:
        return about
    cls, (values, named) = about.__reduce__()  # type: ignore[misc]
    return cls((mode, *values[1:]), named)
