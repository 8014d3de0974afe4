"""Coroutines: handlers, callbacks of calls and functions of timers may be `async def`, and what they start goes on later.

There is one event loop. A coroutine begins in the callback that it belongs to, so events are begun in their order. Where it
first waits the callback is over, the host counts the event as handled, and the next one may begin. Whatever a coroutine waits
for, it goes on between two callbacks, woken by the host's clock, by another callback or by a thread.
Invariant: nothing here waits: what is ready is run, and `deadline` says when there will be more.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any, Awaitable, Callable, Optional

from . import _report
from ._event_loop import EventLoop

UNDER_WAY_MAX = 10_000
"""No more coroutines of handlers and callbacks may be under way."""

_loop: Optional[EventLoop] = None
_under_way: set[asyncio.Future] = set()


def loop() -> EventLoop:
    """The loop; a new one where the script has closed it."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = EventLoop()
    return _loop


def begin(
    awaitable: Awaitable[Any], take: Optional[Callable[[object], None]] = None
) -> Optional[asyncio.Future]:
    """Runs a coroutine up to where it waits, and has it go on later. `take` gets what it gives in the end, unless that is
    None; what it raises is printed. None if there are too many."""
    if len(_under_way) >= UNDER_WAY_MAX:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        _report.write(f"RuntimeError: {UNDER_WAY_MAX} coroutines are under way already, one more is not begun\n")
        return None
    task = asyncio.ensure_future(awaitable, loop=loop())
    _under_way.add(task)
    task.add_done_callback(lambda task: _end(task, take))
    run_ready()
    return task


def run_ready() -> None:
    """Runs whatever can go on."""
    if _loop is None or _loop.is_closed() or _loop.is_running() or asyncio._get_running_loop() is not None:
        return  # What waits in another way than asyncio's must return first.
    try:
        _loop.advance()
    except KeyboardInterrupt as error:
        _report.exception(error)


def deadline() -> float:
    """When there will be something to do, by `time.monotonic`; inf for never."""
    due_in_s = None if _loop is None or _loop.is_closed() else _loop.due_in_s()
    return math.inf if due_in_s is None else time.monotonic() + due_in_s


def any_left() -> bool:
    """Whether something of the script is still to go on."""
    return _loop is not None and (bool(_under_way) or deadline() < math.inf)


def _end(task: asyncio.Future, take: Optional[Callable[[object], None]]) -> None:
    _under_way.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is None:
        if take is not None and task.result() is not None:
            take(task.result())
    elif not isinstance(error, (SystemExit, KeyboardInterrupt)):  # These come out of the loop by themselves.
        _report.exception(error)
