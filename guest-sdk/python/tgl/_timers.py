"""What a script does later, on the host's clock: the tick of on_loop and `threading.Timer`.

Invariant: the host is asked for one wake-up at a time, for the earliest deadline, and only when that changes.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from typing import Callable

from . import _host

LOOP_TICK_S = 1.0
"""How often on_loop is called at least."""

DELAY_S_MAX = 10 * 365 * 24 * 3600.0
"""A timer that is set for later than ten years is set for then."""

waiting: list[tuple[float, int, Callable[[], None]]] = []
"""A heap of what is to be called: deadline, order, function."""

_order = itertools.count()
_armed: float | None = None


def call_later(delay_s: float, function: Callable[[], None]) -> None:
    """Has `function` called once, by `due`, after this time."""
    deadline = time.monotonic() + min(max(delay_s, 0.0), DELAY_S_MAX)
    heapq.heappush(waiting, (deadline, next(_order), function))


def due(functions_max: float = math.inf) -> list[Callable[[], None]]:
    """Takes the functions whose time has come, earliest first."""
    now = time.monotonic()
    functions = []
    while waiting and waiting[0][0] <= now and len(functions) < functions_max:
        functions.append(heapq.heappop(waiting)[2])
    return functions


def fired() -> None:
    """The host's wake-up has come: the next `arm` asks for another."""
    global _armed
    _armed = None


def arm(ticking: bool) -> None:
    """Asks the host for a wake-up, where something waits for one. `ticking`: on_loop waits for its tick."""
    global _armed
    now = time.monotonic()
    deadline = waiting[0][0] if waiting else math.inf
    if ticking:
        deadline = min(deadline, now + LOOP_TICK_S)
    if _armed is None or deadline < _armed:
        _armed = deadline
        _host.host.set_timer(max(0, math.ceil((deadline - now) * 1000)))


class Timer(threading.Timer):
    """`threading.Timer` for a guest: its function runs between two callbacks, or while one waits, not beside them."""

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
        call_later(interval_s, self._expire)

    def is_alive(self) -> bool:
        """Whether the function is still to be called."""
        return self._waiting and not self.finished.is_set()

    def _expire(self) -> None:
        if not self.finished.is_set():
            self.finished.set()
            self.function(*self.args, **self.kwargs)


def install() -> None:
    """Puts `Timer` in the place of `threading.Timer`, which needs a thread."""
    threading.Timer = Timer
