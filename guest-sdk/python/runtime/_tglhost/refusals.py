"""What a script cannot have: the network, other programs, other processes. Each fails as scripts expect it to, with a text that
says why and what to do instead.

Invariant: nothing here grants or takes away anything, the sandbox does that.
"""

import concurrent.futures.process
import errno
import ftplib
import http.client
import imaplib
import io
import locale
import multiprocessing
import multiprocessing.pool
import multiprocessing.process
import os
import poplib
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import urllib.error
import urllib.request
from types import ModuleType
from typing import Any, Never

from tgl import _host

from . import reasons

NOT_FOUND_STATUS = 127 << 8
"""What `os.system` gives elsewhere when the shell does not find the program."""

_PROGRAM_STARTERS = (
    "fork", "forkpty", "execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "posix_spawn", "posix_spawnp", "spawnv",
    "spawnve", "spawnl", "spawnle", "spawnvp", "spawnlp",
)  # fmt: skip

_ENGLISH = re.compile(r"en(_[A-Z]{2})?(\.[\w-]+)?")


def install() -> None:
    """Puts the refusals in place."""
    socket.socket.__init__ = _refuse_socket
    socket.getaddrinfo = socket.gethostbyname = socket.gethostbyname_ex = socket.gethostbyaddr = _refuse_name
    urllib.request.UnknownHandler.unknown_open = _refuse_scheme
    http.client.__getattr__ = _refuse_https
    subprocess.Popen.__init__ = _refuse_program
    os.system, os.popen = _system, _popen
    for name in _PROGRAM_STARTERS:
        setattr(os, name, _refuse_program)
    multiprocessing.process.BaseProcess.start = _refuse_process
    multiprocessing.pool.Pool.__init__ = _refuse_process
    del multiprocessing.pool.Pool.__del__  # It wants what `__init__` has made.
    concurrent.futures.process.ProcessPoolExecutor.__init__ = _refuse_process
    for name in ("Pool", "Manager", "Queue", "JoinableQueue", "SimpleQueue", "Lock", "RLock", "Event", "Condition", "Semaphore", "Barrier",
                 "Pipe", "Value", "Array", "RawValue", "RawArray"):  # fmt: skip
        setattr(multiprocessing, name, _refuse_process)
    locale.setlocale = _setlocale
    for module, absent in _ABSENT.items():
        module.__getattr__ = _absence(module, absent, getattr(module, "__getattr__", None))


def _refuse_socket(self: object, *args: object, **kwargs: object) -> Never:
    raise PermissionError(errno.EACCES, reasons.NO_NETWORK)


def _refuse_name(*args: object, **kwargs: object) -> Never:
    raise socket.gaierror(socket.EAI_FAIL, reasons.NO_NETWORK)


def _refuse_scheme(self: object, request: urllib.request.Request) -> Never:
    raise urllib.error.URLError(reasons.NO_NETWORK if request.type == "https" else f"unknown url type: {request.type}")


def _refuse_https(name: str) -> Never:
    reason = f": {reasons.NO_NETWORK}" if name == "HTTPSConnection" else ""
    raise AttributeError(f"module 'http.client' has no attribute {name!r}{reason}")


def _refuse_program(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, reasons.NO_PROGRAMS)


def _refuse_process(*args: object, **kwargs: object) -> Never:
    raise OSError(errno.ENOTSUP, reasons.NO_PROCESSES)


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


def _setlocale(category: int, locale_name: Any = None) -> str:
    """As `locale.setlocale`, for what the C library knows: English texts and C's numbers. It takes any other name, and changes
    nothing."""
    name = locale.normalize(".".join(map(str, locale_name))) if isinstance(locale_name, tuple) else locale_name
    if name and name not in ("C", "POSIX", "C.UTF-8", "C.utf8") and not _ENGLISH.fullmatch(name):
        raise locale.Error(f"unsupported locale setting: {name}; the sandbox's Python has English and C alone")
    return _c_setlocale(category, locale_name)


_c_setlocale = locale.setlocale

_NO_SIGNALS = "no signals reach a script in the sandbox: let a threading.Timer call it"
_ABSENT: dict[ModuleType, dict[str, str]] = {
    os: {
        **dict.fromkeys(("wait", "waitpid", "wait3", "wait4", "waitstatus_to_exitcode", "pipe", "pipe2", "mkfifo", "dup2"), reasons.NO_PROGRAMS),
        **dict.fromkeys(("setuid", "setgid", "setsid", "getpgid", "setpgid", "getgroups", "chown", "lchown", "chroot"), reasons.NO_USERS),
        **dict.fromkeys(("openpty", "ttyname", "ctermid", "tcgetpgrp", "get_terminal_size"), reasons.NO_TERMINAL),
        **dict.fromkeys(("getloadavg", "nice", "sched_getaffinity", "sched_setaffinity", "getpriority", "statvfs"), reasons.NO_LIMITS),
    },
    signal: dict.fromkeys(
        ("alarm", "setitimer", "getitimer", "pause", "sigwait", "pthread_kill", "siginterrupt", "ITIMER_REAL"), _NO_SIGNALS
    ),
    socket: dict.fromkeys(("socketpair", "AF_UNIX", "AF_PACKET", "fromfd"), reasons.NO_NETWORK),
    ftplib: {"FTP_TLS": reasons.NO_NETWORK},
    imaplib: {"IMAP4_SSL": reasons.NO_NETWORK},
    poplib: {"POP3_SSL": reasons.NO_NETWORK},
    smtplib: {"SMTP_SSL": reasons.NO_NETWORK},
    shutil: {"disk_usage": reasons.NO_LIMITS, "chown": reasons.NO_USERS},
}
"""What these modules have elsewhere and lack here."""


def _absence(module: ModuleType, absent: dict[str, str], otherwise: Any) -> Any:
    def getattribute(name: str) -> Any:
        if name in absent:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r} here: {absent[name]}")
        if otherwise is not None:
            return otherwise(name)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    return getattribute
