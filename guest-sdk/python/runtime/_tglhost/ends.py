"""How a script ends itself at once, past `SystemExit`: `os._exit`, `os.abort`, `os.kill` of itself.

Invariant: the host knows the exit code before the instance is gone, so nobody reads what WebAssembly calls it.
"""

import errno
import os
import signal
from typing import Never

from tgl import _report
from wit_world.imports import host

SIGNAL_CODE = 128
"""Shells report a process that a signal ended by this and the signal's number."""

_c_exit = os._exit


def install() -> None:
    """Puts these in place."""
    os._exit, os.abort, os.kill = _exit, _abort, _kill
    signal.raise_signal = _raise_signal


def _exit(status: int) -> Never:
    """As `os._exit`."""
    host.exit(status & 0xFF, host.ExitMoment.NOW)
    _c_exit(1)


def _abort() -> Never:
    """As `os.abort`."""
    _report.write("the script has called os.abort()\n")
    _exit(SIGNAL_CODE + signal.SIGABRT)


def _kill(pid: int, number: int, /) -> None:
    """As `os.kill`: a script's process is the only one it knows."""
    if pid not in (0, os.getpid()):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    if number != 0:
        _raise_signal(number)


def _raise_signal(number: int, /) -> None:
    """As `signal.raise_signal`: a handler is called, and what nobody handles ends the script where it ends a process."""
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)
    elif handler is not signal.SIG_IGN and number not in (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT):
        _exit(SIGNAL_CODE + number)
