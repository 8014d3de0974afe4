"""What a thread may wait for: each function of Python that waits, as a generator that gives what it waits for.

Invariant: each does what its function does, but for the wait: when it is gone on with, nothing else has run since what it waits
for was there.
"""

from __future__ import annotations

import concurrent.futures
import math
import queue
import threading
import time
from typing import Any, Callable, Generator, NamedTuple, Optional


class Wait(NamedTuple):
    """Until when a thread is left: until something holds, or its time has come."""

    is_over: Callable[[], bool]
    deadline: float


Steps = Generator[Wait, None, Any]

OF: dict[Callable[..., Any], Callable[..., Steps]] = {}
"""The generator for each function that waits."""


def until(is_over: Callable[[], bool], timeout_s: Optional[float] = None) -> Steps:
    """Waits until something holds; gives whether it does."""
    if not is_over():
        yield Wait(is_over, math.inf if timeout_s is None else time.monotonic() + timeout_s)
    return is_over()


def install() -> None:
    """Fills the table. To be done when `threading` is as scripts find it."""
    from . import _turns

    thread, future, queues = threading.Thread, concurrent.futures.Future, queue.Queue
    OF.update(
        {
            time.sleep: _sleep,
            _turns.wait_until: until,
            threading.Lock.acquire: _acquire,
            threading.RLock.acquire: _acquire_again,
            threading.Semaphore.acquire: _acquire_semaphore,
            threading.Event.wait: lambda self, timeout=None: until(self.is_set, timeout),
            threading.Condition.wait: _wait_for_notice,
            thread.join: _join,
            queues.get: _get,
            queues.put: _put,
            queues.join: lambda self: until(lambda: not self.unfinished_tasks),
            queue._PySimpleQueue.get: _get_simple,
            future.result: lambda self, timeout=None: _done(self, self.result, timeout),
            future.exception: lambda self, timeout=None: _done(self, self.exception, timeout),
        }
    )


def _sleep(seconds: float, /) -> Steps:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    yield Wait(lambda: False, time.monotonic() + seconds)


def _acquire(self: Any, blocking: bool = True, timeout: float = -1) -> Steps:
    if blocking and (timeout == -1 or timeout >= 0):
        yield from until(lambda: not self.locked(), None if timeout == -1 else timeout)
        return self.acquire(False)
    return self.acquire(blocking, timeout)


def _acquire_again(self: Any, blocking: bool = True, timeout: float = -1) -> Steps:
    if self.is_free():
        return self.acquire(blocking, timeout)
    return (yield from _acquire(self, blocking, timeout))


def _acquire_semaphore(self: Any, blocking: bool = True, timeout: Optional[float] = None) -> Steps:
    if blocking:
        yield from until(lambda: self._value > 0, timeout)
        return self.acquire(False)
    return self.acquire(blocking, timeout)


def _wait_for_notice(self: Any, timeout: Optional[float] = None) -> Steps:
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = threading.Lock()
    waiter.acquire()
    self._waiters.append(waiter)
    state = self._release_save()
    is_noticed = yield from until(lambda: not waiter.locked(), timeout)
    if not is_noticed and waiter in self._waiters:
        self._waiters.remove(waiter)
    yield from until(lambda: not getattr(self._lock, "locked", bool)())
    self._acquire_restore(state)
    return is_noticed


def _join(self: threading.Thread, timeout: Optional[float] = None) -> Steps:
    if self._started.is_set() and self is not threading.current_thread():
        yield from until(lambda: not self.is_alive(), None if timeout is None else max(timeout, 0.0))
    else:
        self.join(timeout)  # It says what is wrong.


def _get(self: Any, block: bool = True, timeout: Optional[float] = None) -> Steps:
    if block and (timeout is None or timeout >= 0):
        yield from until(lambda: self._qsize() > 0, timeout)
        block = False
    return self.get(block, timeout)


def _put(self: Any, item: Any, block: bool = True, timeout: Optional[float] = None) -> Steps:
    if block and (timeout is None or timeout >= 0):
        yield from until(lambda: self.maxsize <= 0 or self._qsize() < self.maxsize, timeout)
        block = False
    return self.put(item, block, timeout)


def _get_simple(self: Any, block: bool = True, timeout: Optional[float] = None) -> Steps:
    if block and (timeout is None or timeout >= 0):
        yield from until(lambda: not self.empty(), timeout)
        block = False
    return self.get(block, timeout)


def _done(future: Any, give: Callable[[float], Any], timeout: Optional[float]) -> Steps:
    yield from until(future.done, timeout)
    return give(0)
