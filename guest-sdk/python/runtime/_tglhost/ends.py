"""How a script ends itself at once, past `SystemExit`: `os._exit`, `os.abort`, `os.kill` of itself; and by what it
cannot be ended, signals.

Invariant: the host knows the exit code before the instance is gone, so nobody reads what WebAssembly calls it.
"""

import errno
import os
import signal
import sys
from typing import Any, Never

from tgl import _host, _report
from wit_world.imports import host

from . import reasons, stdlib

SIGNAL_CODE = 128
"""Shells report a process that a signal ended by this and the signal's number."""

_c_exit, _c_signal = os._exit, signal.signal

_is_told_of_signals = False


def install() -> None:
    """Puts these in place."""
    os._exit, os.abort, os.kill = _exit, _abort, _kill
    signal.raise_signal = _raise_signal
    signal.signal = _signal


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


def _signal(signalnum: Any, handler: Any) -> Any:
    """As `signal.signal`. A script that waits for a signal hears once that none comes; a module of Python's own is not told."""
    global _is_told_of_signals
    before = _c_signal(signalnum, handler)
    is_own = callable(handler) and handler is not signal.default_int_handler
    if is_own and not _is_told_of_signals and not stdlib.has(str(sys._getframe(1).f_globals.get("__name__"))):
        _is_told_of_signals = True
        _host.warn(f"signal.signal({int(signalnum)}, …): {reasons.NO_HANDLED_SIGNALS}")
    return before


def _raise_signal(number: int, /) -> None:
    """As `signal.raise_signal`: a handler is called, and what nobody handles ends the script where it ends a process."""
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)
    elif handler is not signal.SIG_IGN and number not in (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT):
        _exit(SIGNAL_CODE + number)
