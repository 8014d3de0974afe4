"""What a script does later, on the host's clock: the tick of on_loop and `threading.Timer`.

Invariant: the host is asked for one wake-up at a time, for the earliest deadline, and only when that changes.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time

from . import _arity, _host, _report, _tasks, _turns
from ._invoke import invoke_in_steps
from ._turns import timers

LOOP_TICK_S = 1.0
"""How often on_loop is called at least, nearly."""

TICKS_PER_S = 8
"""Ticks come at so many moments of each second, the same ones for all scripts: a machine that has slept does not wake for each
script by itself."""

DELAY_S_MAX = 10 * 365 * 24 * 3600.0
"""A timer that is set for later than ten years is set for then."""

_order = itertools.count()
armed = math.inf
"""When the wake-up comes that the host was asked for, by `time.monotonic`; inf where it has come: the next `arm` asks for
another."""


def arm(ticking: bool, others: bool) -> None:
    """Asks the host for a wake-up, where something waits for one: on_loop for its tick, or something else."""
    global armed
    deadline = min(_turns.deadline(), _tasks.deadline()) if others else math.inf
    now = time.monotonic()
    after_s = max(0.0, deadline - now)
    if ticking:
        clock_s = time.time()
        after_s = min(after_s, round((clock_s + LOOP_TICK_S) * TICKS_PER_S) / TICKS_PER_S - clock_s)
    if now + after_s < armed:
        armed = now + after_s
        _host.host.set_timer(math.ceil(after_s * 1000))


class Timer(threading.Timer):
    """`threading.Timer` for a guest: its function runs between two callbacks, or while one waits, and is left where it waits
    itself, as a thread's is. It may be `async def`."""

    _waiting = False

    def start(self) -> None:
        """Has the function called after the interval."""
        if self._waiting or self.finished.is_set():
            raise RuntimeError("threads can only be started once")
        interval_s = float(self.interval)
        if math.isnan(interval_s):
            raise ValueError("Invalid value NaN (not a number)")
        self._waiting = True
        self._started.set()
        self._place = _report.script_place()
        deadline = time.monotonic() + min(max(interval_s, 0.0), DELAY_S_MAX)
        heapq.heappush(timers, (deadline, next(_order), self))

    def is_alive(self) -> bool:
        """Whether the function is still to be called."""
        return self._waiting and not self.finished.is_set()

    def expire(self) -> None:
        """Calls the function, unless the timer was cancelled."""
        if not self.finished.is_set():
            self.finished.set()
            _turns.step(self, invoke_in_steps(self.function, tuple(self.args), self.kwargs, self._origin))

    def _origin(self) -> str:
        return f"threading.Timer calls it; started: {_arity.shown(self._place)}"


def install() -> None:
    """Puts `Timer` in the place of `threading.Timer`, which needs a thread."""
    threading.Timer = Timer
