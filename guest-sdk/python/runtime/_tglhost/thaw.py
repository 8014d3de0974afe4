"""Sets anew what was true when the snapshot was made and is not true of a script that starts from it: clocks, and secrets.

Invariant: done once, before the script's first line.
"""

import logging
import multiprocessing.process
import os
import random
import time
from typing import Any

_process_started = 0.0


def install() -> None:
    """Puts clocks in place that do not count from the build."""
    time.process_time = time.thread_time = _process_time
    time.process_time_ns = time.thread_time_ns = _process_time_ns
    os.times = _times


def thaw() -> None:
    """Sets it anew."""
    global _process_started
    _process_started = time.monotonic()
    logging._startTime = time.time_ns()
    random.seed()
    multiprocessing.process.current_process()._config["authkey"] = multiprocessing.process.AuthenticationString(os.urandom(32))


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
