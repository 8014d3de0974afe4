"""Sets anew what was true when the snapshot was made and is not true of a script that starts from it: clocks, secrets, the
process's number.

Invariant: done once, before the script's first line.
"""

import logging
import multiprocessing.process
import os
import posix
import random
import time
from typing import Any

PIDS = (2, 32767)
"""What a process's number lies between, as on Linux. A script finds another one at each start, so that a file with its number is
not taken for that of a script which runs."""

_process_started = 0.0
_pid = PIDS[0]


def install() -> None:
    """Puts clocks in place that do not count from the build."""
    time.process_time = time.thread_time = _process_time
    time.process_time_ns = time.thread_time_ns = _process_time_ns
    os.times = _times
    os.getpid = posix.getpid = _getpid


def thaw() -> None:
    """Sets it anew."""
    global _process_started, _pid
    _process_started = time.monotonic()
    logging._startTime = time.time_ns()
    random.seed()
    _pid = random.randint(*PIDS)
    multiprocessing.process.current_process()._config["authkey"] = multiprocessing.process.AuthenticationString(os.urandom(32))


def _getpid() -> int:
    """As `os.getpid`."""
    return _pid


def _process_time() -> float:
    """As `time.process_time`. A guest has no clock of its CPU time: this one runs while it waits, too. And it has one thread
    that all its threads share, so each of them finds the same."""
    return time.monotonic() - _process_started


def _process_time_ns() -> int:
    """As `time.process_time_ns`."""
    return int(_process_time() * 1e9)


def _times() -> Any:
    """As `os.times`."""
    elapsed = time.monotonic()
    return os.times_result((_process_time(), 0.0, 0.0, 0.0, elapsed))
