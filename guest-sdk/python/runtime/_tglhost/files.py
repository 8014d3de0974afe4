"""Files as scripts open them: what a failure says, and what is tried before one.

Invariant: nothing here grants access, the sandbox does that; an error keeps its class, its number and its file's name.
"""

import builtins
import errno
import functools
import gc
import io
import os
from typing import Any, Callable

from . import open_writers

SEES = "a script sees {}; --dir HOST:GUEST gives it one more folder, on a host of many tenants [grants.folders]"
READ_ONLY = (
    "the script was given this folder to read; --dir HOST:GUEST:rw lets it write there, on a host of many tenants "
    'access = "write" in [grants.folders]'
)
ROOT_READ_ONLY = (
    "a script writes to /home and to the folders that --dir HOST:GUEST:rw gives it, on a host of many tenants "
    'access = "write" in [grants.folders]'
)
HIDDEN = (
    "a link leads out of the script's folders, or a name is hidden from it; --dir HOST:GUEST gives it the folder it means, on a "
    "host of many tenants [grants.folders]"
)
COPIED = "what is the project's, or goes to another folder of the script's, has to be copied: shutil.move does that"
DOT_FILE = (
    "a dot-file of the project is not shown to a script: copy it to a name without the dot, or give the script its folder with "
    "--dir HOST:GUEST, on a host of many tenants by [grants.folders]"
)
_PROJECT_PLACES = ("script", "home")
"""The names of the project's folder."""

_FUNCTIONS = (
    (builtins, "open"), (io, "open"), (os, "open"), (os, "listdir"), (os, "scandir"), (os, "mkdir"), (os, "remove"),
    (os, "unlink"), (os, "rename"), (os, "replace"), (os, "rmdir"), (os, "symlink"), (os, "link"), (os, "utime"),
    (os, "truncate"), (os, "readlink"),
)  # fmt: skip

BUFFER_BYTES = 16 * 1024
"""Of a file for which the script names none. Python's own 128 KiB are too much for a thousand files in a script's memory."""

_list = os.listdir
_c_open = io.open


def install() -> None:
    """Puts these in place of Python's own."""
    done = {id(_c_open): _checked(_open)}
    for module, name in _FUNCTIONS:
        function = getattr(module, name)
        if id(function) not in done:
            done[id(function)] = _checked(function)
        setattr(module, name, done[id(function)])
    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        supported.update(checked for checked in done.values() if checked.__wrapped__ in supported)  # type: ignore[attr-defined]


@functools.wraps(_c_open)
def _open(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
    if "U" in mode:
        mode = _without_universal_newlines(mode)
    opened = _c_open(file, mode, BUFFER_BYTES if buffering == -1 else buffering, *args, **kwargs)
    open_writers.remember(opened, mode)
    return opened


def _without_universal_newlines(mode: str) -> str:
    """Python 3.11 removed "U" from the modes, which had long been what every text is read by."""
    plain = mode.replace("U", "")
    return plain if "r" in plain else f"r{plain}"


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except MemoryError:
            pass
        except OSError as error:
            if not _are_too_many(error):
                _explain(error)
                raise
        # What the script has dropped without closing it may be open still.
        gc.collect()
        try:
            return function(*args, **kwargs)
        except OSError as error:
            if not _are_too_many(error):
                raise
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), error.filename) from None

    return checked


def _are_too_many(error: OSError) -> bool:
    """WASI has no word of its own for that; nothing else is refused with this one."""
    return error.errno in (errno.EDQUOT, errno.EMFILE)


def _explain(error: OSError) -> None:
    advice = _advice(error)
    if advice and error.strerror:
        error.strerror = f"{error.strerror} ({advice})"


def _advice(error: OSError) -> str:
    """What the script's user may do, where the path's place is the reason."""
    if not isinstance(error.filename, (str, bytes)):
        return ""
    try:
        _, top, *names = os.path.abspath(os.fsdecode(error.filename)).split("/")
        places = _list("/")
    except (OSError, ValueError):
        return ""
    is_outside = top not in places
    if error.errno == errno.EXDEV:
        return COPIED
    if error.errno == errno.EROFS:
        return ROOT_READ_ONLY if is_outside or not top else READ_ONLY
    if is_outside and error.errno in (errno.ENOENT, errno.EACCES, errno.EPERM):
        return SEES.format(", ".join(f"/{place}" for place in places))
    if error.errno == errno.ENOENT and top in _PROJECT_PLACES and any(name.startswith(".") for name in names):
        return DOT_FILE
    return HIDDEN if error.errno == errno.EPERM else ""
