"""What a script cannot have: the network, other programs, native code. Each fails as scripts expect it to, with a text that
says why and what to do instead.

Invariant: nothing here grants or takes away anything, the sandbox does that; and asking whether a module is there is
answered as before.
"""

import concurrent.futures.process
import errno
import http.client
import importlib.abc
import importlib.machinery
import multiprocessing
import multiprocessing.process
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any, Iterator, Never, Optional, Sequence

NO_NETWORK = (
    "a script in the sandbox has no network: it reaches Telegram through tgl alone; fetch with another program, into a file "
    "in the script's folder, and read that"
)
NO_PROGRAMS = (
    "a script in the sandbox cannot start other programs: do it in Python here, or let a program outside do it and exchange "
    "files in the script's folder"
)
NO_PROCESSES = (
    "a script in the sandbox is one process: call the function itself, or use concurrent.futures.ThreadPoolExecutor, which "
    "runs it when the callback has returned"
)
NO_TERMINAL = "nobody types at a script in the sandbox: print what there is to say, and take commands as messages"
NO_NATIVE_CODE = "native code does not run in the sandbox: use a version in pure Python"
NOT_INSTALLED = (
    "it does not come with Python; what is in pure Python works from the script's folder: pip install --target FOLDER PACKAGE"
)
NO_COMPRESSION = "the sandbox's Python has zlib, gzip and zipfile: use one of these formats"

MISSING_MODULES = {
    **dict.fromkeys(("ssl", "_ssl"), NO_NETWORK),
    **dict.fromkeys(("ctypes", "_ctypes", "cffi", "_cffi_backend"), NO_NATIVE_CODE),
    **dict.fromkeys(("_bz2", "_lzma", "_zstd"), NO_COMPRESSION),
    **dict.fromkeys(("curses", "_curses", "readline", "termios", "tty", "pty", "tkinter", "_tkinter", "turtle"), NO_TERMINAL),
    **dict.fromkeys(("_multiprocessing", "_posixshmem"), NO_PROCESSES),
}
"""Modules of the standard library (and one beside it) that are not there, and why."""

NATIVE_SUFFIXES = (".so", ".pyd", ".dylib")

_PROGRAM_STARTERS = ("system", "popen", "fork", "execv", "execve", "execvp", "execl", "execlp", "posix_spawn", "spawnv", "spawnl")


class MissingModules(importlib.abc.MetaPathFinder):
    """Asked last, when nobody else has found a module: says why it cannot be there, or how it gets there."""

    @classmethod
    def find_spec(cls, name: str, path: Optional[Sequence[str]] = None, target: object = None) -> None:
        """Of importlib's finder protocol."""
        reason = MISSING_MODULES.get(name)
        if reason is None:
            for file in _native_files(name, sys.path if path is None else path):
                reason = f"{file} is a native extension, and {NO_NATIVE_CODE}"
        if reason is None and path is None and name not in sys.stdlib_module_names:
            reason = NOT_INSTALLED
        if reason is not None and not _is_only_asked():
            raise ModuleNotFoundError(f"No module named {name!r}: {reason}", name=name)


def install() -> None:
    """Puts the refusals in place."""
    sys.meta_path.append(MissingModules)
    socket.socket.__init__ = _refuse_socket
    socket.getaddrinfo = socket.gethostbyname = socket.gethostbyname_ex = socket.gethostbyaddr = _refuse_name
    urllib.request.UnknownHandler.unknown_open = _refuse_scheme
    http.client.__getattr__ = _refuse_https
    subprocess.Popen.__init__ = _refuse_program
    for name in _PROGRAM_STARTERS:
        if not hasattr(os, name):
            setattr(os, name, _refuse_program)
    multiprocessing.process.BaseProcess.start = _refuse_process
    concurrent.futures.process.ProcessPoolExecutor.__init__ = _refuse_process
    for name in ("Pool", "Manager", "Queue", "Lock", "Event", "Pipe", "Value", "Array"):
        setattr(multiprocessing, name, _refuse_process)


def _refuse_socket(self: object, *args: object, **kwargs: object) -> Never:
    raise PermissionError(errno.EACCES, NO_NETWORK)


def _refuse_name(*args: object, **kwargs: object) -> Never:
    raise socket.gaierror(socket.EAI_FAIL, NO_NETWORK)


def _refuse_scheme(self: object, request: urllib.request.Request) -> Never:
    raise urllib.error.URLError(NO_NETWORK if request.type == "https" else f"unknown url type: {request.type}")


def _refuse_https(name: str) -> Never:
    reason = f": {NO_NETWORK}" if name == "HTTPSConnection" else ""
    raise AttributeError(f"module 'http.client' has no attribute {name!r}{reason}")


def _refuse_program(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, NO_PROGRAMS)


def _refuse_process(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, NO_PROCESSES)


def _native_files(name: str, folders: Sequence[str]) -> Iterator[str]:
    """Files of native code that a module's name would be found in."""
    stem = name.rpartition(".")[2]
    for folder in folders:
        try:
            files = os.listdir(folder)
        except OSError:
            continue
        for file in files:
            if file.startswith(f"{stem}.") and file.endswith(NATIVE_SUFFIXES):
                yield f"{folder}/{file}"


def _is_only_asked() -> bool:
    """Whether `importlib.util.find_spec` asks, which gives None for a module that is not there."""
    frame: Any = sys._getframe(2)
    while frame is not None and "importlib" in frame.f_code.co_filename:
        if frame.f_code.co_name == "find_spec" and frame.f_globals.get("__name__") == "importlib.util":
            return True
        frame = frame.f_back
    return False
