"""What modules have on other machines, or had in other versions of Python, and lack here: each name says why when it is asked
for, as an attribute or by `from module import name`.

Invariant: a name that a module has is not looked for here; and whoever asks by `hasattr`, or catches ImportError, is answered
as by a Python that lacks the name.
"""

import asyncio
import ftplib
import functools
import http.client
import imaplib
import inspect
import locale
import opcode
import os
import poplib
import posix
import re
import select
import shutil
import signal
import smtplib
import socket
import sys
import time
import typing
import urllib.request
from types import FrameType, ModuleType
from typing import Any, Callable

from . import reasons, stdlib
from .bygone import cgi, distutils, pipes

_OF_OS = (
    (r"wait\w*|P_\w+|WCO\w+|WEXITED|WNO\w+|WSTOPPED|WUNTRACED|CLD_\w+|POSIX_SPAWN_\w+|spawn\w+|pidfd_open", reasons.NO_PROGRAMS),
    (r"pipe2?|register_at_fork", reasons.NO_PROGRAMS),
    ("mkfifo|mknod", reasons.NO_PIPES),
    (r"getpgid|getpgrp|getsid|setpgid|setpgrp|setsid|killpg", reasons.NO_PROCESSES),
    (r"set(e|re|res)?[ug]id|setgroups|initgroups|getgrouplist|l?chown|fchown|chroot", reasons.NO_USERS),
    (r"openpty|login_tty|posix_openpt|grantpt|unlockpt|ptsname|ttyname|ctermid|tc[gs]etpgrp", reasons.NO_TERMINAL),
    (r"getloadavg|nice|sched_\w+|SCHED_\w+|[gs]etpriority|PRIO_\w+|f?statvfs|ST_[A-Z]+", reasons.NO_LIMITS),
    (r"setns|unshare|CLONE_\w+|RTLD_\w+|timerfd_\w+|TFD_\w+", reasons.NO_MACHINE),
    ("sync", "os.fsync writes a file's content to the disk"),
    (r"startfile|O_BINARY|O_NOINHERIT|O_TEMPORARY", reasons.NO_WINDOWS),
    (r"lchmod|(get|set|list|remove)xattr|XATTR_\w+", reasons.NO_ATTRIBUTES),
    ("fwalk", reasons.NO_OPEN_FOLDERS),
    ("lockf", reasons.NO_LOCKS),
    (r"splice|SPLICE_\w+|eventfd\w*|EFD_\w+|memfd_create|MFD_\w+", reasons.NO_OPEN_FILES),
    (r"dup2|fchdir|sendfile|copy_file_range|posix_fallocate|p?(read|write)v|RWF_\w+", reasons.NO_OPEN_FILES),
    (r"O_(ASYNC|DIRECT|FSYNC|LARGEFILE|NDELAY|NOATIME|PATH|TMPFILE)|SEEK_(DATA|HOLE)|TMP_MAX", reasons.NO_OPEN_FILES),
)

_ABSENT: dict[ModuleType, tuple[tuple[str, str], ...]] = {
    os: _OF_OS,
    posix: _OF_OS,
    asyncio: ((r"\w*[Cc]hild_?[Ww]atcher", reasons.NO_PROGRAMS), (r"\w+_unix_\w+", reasons.NO_NETWORK)),
    inspect: (("formatargspec", "Python 3.11 removed it: use inspect.signature"),),
    locale: (
        (r"(d|dc)?gettext|bind_?textdomain\w*|textdomain", "the module gettext has it"),
        ("resetlocale", "Python 3.13 removed it: use locale.setlocale"),
    ),
    re: (("template|TEMPLATE|T", "Python 3.13 removed it: use re.compile"),),
    typing: (("io|re", "Python 3.13 removed it: typing itself has its names"),),
    cgi: ((r"[A-Za-z]\w*", "Python 3.13 removed it, and no web server runs a script"),),
    distutils: ((r"[A-Za-z]\w*", "Python 3.12 removed it, and nothing is built or installed here"),),
    pipes: ((r"[A-Za-z]\w*", f"Python 3.13 removed it, and {reasons.NO_PROGRAMS}"),),
    signal: (
        ("pause", reasons.NO_PAUSE),
        (r"alarm|[gs]etitimer|ITIMER_\w+|ItimerError|sig(timed)?wait(info)?|sigpending|siginterrupt", reasons.NO_SIGNALS),
        (r"pthread_\w+|pidfd_\w+|SIG_(UN)?BLOCK|SIG_SETMASK|Sigmasks|SIGRT\w+|struct_siginfo", reasons.NO_SIGNALS),
    ),
    time: ((r"clock_settime(_ns)?|CLOCK_\w+|pthread_getcpuclockid", reasons.NO_CLOCK),),
    shutil: (("disk_usage", reasons.NO_LIMITS), ("chown", reasons.NO_USERS)),
    socket: ((r"[A-Z0-9]+_\w+|socketpair|fromfd|if_\w+|(send|recv)_fds|sethostname", reasons.NO_NETWORK),),
    select: ((r"E?POLL\w*|epoll|PIPE_BUF|kqueue", reasons.NO_NETWORK),),
    http.client: (("HTTPSConnection", reasons.NO_NETWORK),),
    urllib.request: ((r"HTTPSHandler|\w*URLopener|MAXFTPCACHE|ftpcache", reasons.NO_NETWORK),),
    ftplib: (("FTP_TLS", reasons.NO_NETWORK),),
    imaplib: (("IMAP4_SSL", reasons.NO_NETWORK),),
    poplib: (("POP3_SSL", reasons.NO_NETWORK),),
    smtplib: (("SMTP_SSL", reasons.NO_NETWORK),),
}
"""For each module the names, as patterns, and why they are not there."""

_ABSENT_LATER: dict[str, tuple[tuple[str, str], ...]] = {
    "binascii": ((r"\w+_hqx", "Python 3.11 removed it: nobody writes BinHex any more"),),
    "gettext": ((r"ld?n?gettext|bind_textdomain_codeset", "Python 3.11 removed it: use gettext.gettext and its like"),),
    "importlib.util": (("module_for_loader|set_loader|set_package", "Python 3.12 removed it: use module_from_spec"),),
    "pkgutil": (("ImpImporter|ImpLoader", "Python 3.12 removed it: use importlib"),),
    "plistlib": ((r"(read|write)Plist\w*|Data", "Python 3.9 removed it: use plistlib.load and plistlib.dump"),),
    "socketserver": ((r"\w*Unix\w*Server|Forking\w+", reasons.NO_NETWORK),),
    "unittest": (("findTestCases|getTestCaseNames|makeSuite", "Python 3.13 removed it: use unittest.defaultTestLoader"),),
}
"""The same for modules that few scripts import."""

_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def install() -> None:
    """Has the modules say why."""
    for module, absent in _ABSENT.items():
        _explain(module, absent)
    for name, absent in _ABSENT_LATER.items():
        explain = functools.partial(_explain, absent=absent)
        if name in sys.modules:
            explain(sys.modules[name])
        else:
            stdlib.when_loaded.setdefault(name, []).append(explain)


def _explain(module: ModuleType, absent: tuple[tuple[str, str], ...]) -> None:
    otherwise: Callable[[str], Any] | None = getattr(module, "__getattr__", None)
    module_name = module.__name__.removeprefix("_tglhost.bygone.")

    def getattribute(name: str) -> Any:
        for names, reason in absent:
            if re.fullmatch(names, name) is None:
                continue
            if _is_import(sys._getframe(1)):
                why = f"cannot import name {name!r} from {module_name!r}: {reason}"
                raise ImportError(why, name=module_name, name_from=name)
            raise AttributeError(f"module {module_name!r} has no attribute {name!r} here: {reason}")
        if otherwise is not None:
            return otherwise(name)
        raise AttributeError(f"module {module_name!r} has no attribute {name!r}")

    module.__getattr__ = getattribute  # type: ignore[method-assign]


def _is_import(frame: FrameType) -> bool:
    """Whether the line asks by `from module import name`, which would drop the text of an AttributeError."""
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
