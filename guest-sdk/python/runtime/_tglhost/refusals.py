"""What a script cannot have: the network, other programs, other processes. Each fails as scripts expect it to, with a text that
says why and what to do instead.

Invariant: nothing here grants or takes away anything, the sandbox does that.
"""

import builtins
import concurrent.futures
import concurrent.futures.process
import errno
import faulthandler
import getpass
import io
import locale
import multiprocessing
import multiprocessing.pool
import multiprocessing.process
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any, Never

from tgl import _host

from . import reasons

NOT_FOUND_STATUS = 127 << 8
"""What `os.system` gives elsewhere when the shell does not find the program."""

_PROGRAM_STARTERS = (
    "fork", "forkpty", "execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "posix_spawn", "posix_spawnp", "spawnv",
    "spawnve", "spawnl", "spawnle", "spawnvp", "spawnvpe", "spawnlp", "spawnlpe",
)  # fmt: skip

_LOCALES = ("C", "POSIX", "C.UTF-8", "C.utf8")


def install() -> None:
    """Puts the refusals in place."""
    socket.socket.__init__ = _refuse_socket
    socket.getaddrinfo = socket.gethostbyname = socket.gethostbyname_ex = socket.gethostbyaddr = _refuse_name
    urllib.request.UnknownHandler.unknown_open = _refuse_scheme
    subprocess.Popen.__init__ = _refuse_program
    os.system, os.popen = _system, _popen
    for name in _PROGRAM_STARTERS:
        setattr(os, name, _refuse_program)
    os.dup, os.set_blocking = _refuse_duplicate, _set_blocking
    faulthandler.dump_traceback_later = _refuse_watchdog
    os.P_WAIT, os.P_NOWAIT, os.P_NOWAITO = 0, 1, 1  # What `os.spawnv` is given first.
    multiprocessing.process.BaseProcess.start = _refuse_process
    multiprocessing.pool.Pool.__init__ = _refuse_process
    del multiprocessing.pool.Pool.__del__  # It wants what `__init__` has made.
    concurrent.futures.process.ProcessPoolExecutor.__init__ = _refuse_process
    concurrent.futures.InterpreterPoolExecutor = _InterpreterPoolExecutor
    for name in ("Pool", "Manager", "Queue", "JoinableQueue", "SimpleQueue", "Lock", "RLock", "Event", "Condition", "Semaphore", "Barrier",
                 "Pipe", "Value", "Array", "RawValue", "RawArray"):  # fmt: skip
        setattr(multiprocessing, name, _refuse_process)
    locale.setlocale = _setlocale
    builtins.input = _input
    getpass.getpass = getpass.unix_getpass = getpass.fallback_getpass = _getpass
    sys.breakpointhook = _breakpoint


def _refuse_socket(self: object, *args: object, **kwargs: object) -> Never:
    raise PermissionError(errno.EACCES, reasons.NO_NETWORK)


def _refuse_name(*args: object, **kwargs: object) -> Never:
    raise socket.gaierror(socket.EAI_FAIL, reasons.NO_NETWORK)


def _refuse_scheme(self: object, request: urllib.request.Request) -> Never:
    raise urllib.error.URLError(reasons.NO_NETWORK if request.type == "https" else f"unknown url type: {request.type}")


def _refuse_program(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, reasons.NO_PROGRAMS)


def _refuse_duplicate(fd: int, /) -> Never:
    raise OSError(errno.ENOTSUP, reasons.NO_OPEN_FILES)


def _set_blocking(fd: int, blocking: bool, /) -> None:
    """As `os.set_blocking`."""
    try:
        _c_set_blocking(fd, blocking)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}: {reasons.NO_OPEN_FILES}") from None


_c_set_blocking = os.set_blocking


def _refuse_watchdog(*args: object, **kwargs: object) -> Never:
    raise RuntimeError(f"unable to start watchdog thread: {reasons.NO_WATCHDOG}")


def _refuse_process(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, reasons.NO_PROCESSES)


class _InterpreterPoolExecutor(concurrent.futures.Executor):
    """Of `concurrent.futures`."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOTSUP, reasons.NO_INTERPRETERS)


def _system(command: Any) -> int:
    """As `os.system` where the program is not found: scripts look at the status, if at anything."""
    _host.warn(f"os.system({command!r}) has not run: {reasons.NO_PROGRAMS}")
    return NOT_FOUND_STATUS


def _popen(cmd: str, mode: str = "r", buffering: int = -1) -> "_EmptyPipe":
    """As `os.popen` where the program is not found."""
    if mode not in ("r", "w"):
        raise ValueError(f"invalid mode {mode!r}")
    _host.warn(f"os.popen({cmd!r}) has not run: {reasons.NO_PROGRAMS}")
    return _EmptyPipe()


class _EmptyPipe(io.StringIO):
    """To and from a program that does not run."""

    def close(self) -> int:
        """The program's status."""
        super().close()
        return NOT_FOUND_STATUS


def _input(prompt: object = "", /) -> str:
    """As `input`."""
    try:
        return _c_input(prompt)
    except EOFError as error:
        raise EOFError(f"{error}: {reasons.NO_TERMINAL}") from None


_c_input = builtins.input


def _getpass(*args: object, **kwargs: object) -> Never:
    """As `getpass.getpass` where there is no terminal and stdin is at its end."""
    raise EOFError(f"EOF when reading a password: {reasons.NO_TERMINAL}")


def _breakpoint(*args: object, **kwargs: object) -> None:
    """As `sys.breakpointhook` where PYTHONBREAKPOINT is 0. A debugger would end the script, as it is told nothing."""
    caller = sys._getframe(1)
    _host.warn(f'breakpoint() in "{caller.f_code.co_filename}", line {caller.f_lineno}, is passed over: {reasons.NO_TERMINAL}')


def _setlocale(category: int, locale_name: Any = None) -> str:
    """As `locale.setlocale` on a machine that has no locale but C's. The C library would take any name, and change nothing."""
    name = locale.normalize(".".join(map(str, locale_name))) if isinstance(locale_name, tuple) else locale_name
    if name and name not in _LOCALES:
        raise locale.Error(f"unsupported locale setting: {name}; the sandbox's Python has C, POSIX and C.UTF-8 alone")
    return _c_setlocale(category, locale_name)


_c_setlocale = locale.setlocale
