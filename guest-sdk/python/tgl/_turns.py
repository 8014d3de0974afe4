"""Whose turn it is: a guest has one thread, which the callback, started threads and timers share.

A thread begins when the callback has returned, or as soon as the script waits for something. Where it waits itself it is left,
and gone on with later, by `_steps`. Where it cannot be left, because what waits is called by something else than the script's
own functions, others have their turn on top of it, and it goes on when they have ended or are left.
Invariant: one thread runs at a time; one that cannot be left and is to wait for longer than THREADS_S_MAX is ended instead. A
callback that waits for what nothing here can bring gets a `RuntimeError`. Both are told why in one sentence, and what to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import os
import sys
import threading
import time
from collections import deque
from typing import Any, Callable, Iterator

from . import _blocked, _host, _report, _steps
from ._waits import Steps, Wait

THREADS_MAX = 10_000
"""So many threads may be under way."""

NESTED_MAX = 100
"""So many threads that cannot be left may wait on top of each other; further ones begin when these have ended."""

THREADS_S_MAX = 1.0
"""So long may threads take that cannot be left, one after the other: meanwhile the script hears of nothing."""

AWAITED_THREADS_S_MAX = 10.0
"""The same while the callback waits itself, which may be for them."""

WAITS_FOR_EVER = (
    "this would wait for ever: a script has one thread, and all that was started has run or is waiting itself. If it is only "
    "to keep the script running, remove it: the host does that. What only a later callback can bring is to be handled in that "
    "callback, or by threading.Timer"
)

WAITS_TOO_DEEP = (
    f"this would wait for ever: a script has one thread, and {NESTED_MAX} threads that wait for each other are as many as it "
    "can hold; start fewer at once, for example by concurrent.futures.ThreadPoolExecutor"
)

threads: deque[threading.Thread] = deque()
"""Threads that were started and have not run, in their order."""

timers: list[tuple[float, int, Any]] = []
"""A heap of timers that were started: deadline, order, and what has a method `expire`."""

left: dict[threading.Thread, tuple[Steps, Wait]] = {}
"""Threads that were left where they wait, what is left of them to do, and what they wait for."""

_main_ident = threading.get_ident()
_running: threading.Thread | None = None
"""The thread that runs; None for the callback."""

_system_sleep = time.sleep
_order = itertools.count(1)
_nested = 0
_is_awaited = False
"""Whether the callback waits, and what runs does so on top of it."""
_end_s: float | None = None
"""When the threads that run must have ended; None while none runs."""


class TooLong(BaseException):
    """Ends a thread, and says why. No `Exception`, so that a loop which goes on after those ends too."""

    def __init__(self) -> None:
        name = "of the callback" if _running is None else _running.name
        super().__init__(_blocked.reason(name, step.__code__))


def start(thread: threading.Thread) -> None:
    """Has a thread run in its turn."""
    if len(threads) + len(left) >= THREADS_MAX:
        raise RuntimeError(f"can't start new thread: {THREADS_MAX} are under way already")
    threads.append(thread)
    _enter(thread)


def get_ident() -> int:
    """`threading.get_ident`."""
    return _main_ident if _running is None else _running.ident


def get_native_id() -> int:
    """`threading.get_native_id`: the main thread's is that of the process, as on Linux."""
    return os.getpid() if _running is None else _running.native_id


def run_all() -> None:
    """Gives each its turn: threads that were started, timers whose time has come, threads that can go on."""
    _run_started()
    end_s = time.monotonic()
    while timers and timers[0][0] <= end_s:
        heapq.heappop(timers)[2].expire()
        _run_started()
    for thread in list(left):
        if thread in left and _can_go_on(left[thread][1]):
            step(thread, left.pop(thread)[0])
            _run_started()


def step(thread: threading.Thread, steps: Steps) -> None:
    """Runs a thread up to where it waits or ends; what it raises goes to `threading.excepthook`, or is printed."""
    global _nested, _running
    before, _running = _running, thread
    _enter(thread)
    recursion_max = sys.getrecursionlimit()
    own_recursion_max = recursion_max + _frames_below() + _steps.FRAMES_MAX
    _nested += 1
    try:
        sys.setrecursionlimit(own_recursion_max)
        with _time_limit(), _no_loop():
            left[thread] = (steps, next(steps))
    except (StopIteration, SystemExit):
        pass  # The latter ends the thread, as ever.
    except TooLong as error:
        _host.warn(str(error))
    except BaseException as error:
        trace = _report.outside_package(error.__traceback__)
        error.__traceback__ = trace  # The hook prints the error with its own.
        try:
            threading.excepthook(threading.ExceptHookArgs((type(error), error, trace, thread)))
        except Exception:
            _report.exception(error)
    finally:
        _nested -= 1
        if sys.getrecursionlimit() == own_recursion_max:  # Otherwise the script has set one.
            sys.setrecursionlimit(recursion_max)
        _running = before
        thread._has_run = thread not in left
        if thread._has_run:
            threading._active.pop(thread.ident, None)


def deadline() -> float:
    """When there will be something to do, by `time.monotonic`; inf for never."""
    first = min((-math.inf if wait.is_over() else wait.deadline for _, wait in left.values()), default=math.inf)
    return min(first, timers[0][0] if timers else math.inf)


def any_left() -> bool:
    """Whether a thread or a timer is under way."""
    return bool(threads or timers or left)


def wait_until(is_over: Callable[[], bool], timeout_s: float | None = None) -> bool:
    """Lets other threads and timers have their turn until `is_over`; False when the time was up before."""
    end_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
    while not is_over():
        may_begin = _nested < NESTED_MAX
        has_run = may_begin and _run_one_on_top()
        left_s = end_s - time.monotonic()
        if has_run and left_s > 0:
            continue
        if left_s <= 0:
            return is_over()
        wait_s = min(left_s, deadline() - time.monotonic()) if may_begin else left_s
        if wait_s == math.inf and may_begin and _running is not None:
            raise TooLong
        if wait_s == math.inf:
            raise RuntimeError(WAITS_FOR_EVER if may_begin else WAITS_TOO_DEEP)
        _sleep(max(wait_s, 0.0))
    return True


def sleep(seconds: float, /) -> None:
    """`time.sleep`: other threads and timers have their turn meanwhile."""
    if any_left():
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        wait_until(lambda: False, seconds)
    else:
        _sleep(seconds)


def _sleep(seconds: float) -> None:
    if _end_s is not None and time.monotonic() + seconds > _end_s:
        raise TooLong
    _system_sleep(seconds)


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    global _end_s
    if _end_s is not None:
        yield
        return
    _end_s = time.monotonic() + (AWAITED_THREADS_S_MAX if _is_awaited else THREADS_S_MAX)
    try:
        yield
    finally:
        _end_s = None


@contextlib.contextmanager
def _no_loop() -> Iterator[None]:
    """Another thread is in no event loop and in no task, though the one that waits below it may be."""
    loop = asyncio._get_running_loop()
    if loop is None:
        yield
        return
    task = asyncio.tasks._swap_current_task(loop, None)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
        asyncio.tasks._swap_current_task(loop, task)


def _enter(thread: threading.Thread) -> None:
    """From now on `threading` knows it as one that is alive."""
    if thread.ident is None:
        thread._ident = id(thread)
        thread._native_id = os.getpid() + next(_order)
        threading._active[thread._ident] = thread


def _run_started() -> None:
    while threads:
        thread = threads.popleft()
        step(thread, _work_of(thread))


def _work_of(thread: threading.Thread) -> Steps:
    if type(thread).run is not threading.Thread.run or thread._target is None:
        return _steps.call(thread.run)
    return _steps.call(thread._target, *thread._args, **thread._kwargs)


def _run_one_on_top() -> bool:
    """Gives one of those their turn that can run now, on top of what waits; False if there is none."""
    global _is_awaited
    was_awaited, _is_awaited = _is_awaited, _is_awaited or _running is None
    try:
        return _run_one()
    finally:
        _is_awaited = was_awaited


def _run_one() -> bool:
    if threads:
        thread = threads.popleft()
        step(thread, _work_of(thread))
        return True
    if timers and timers[0][0] <= time.monotonic():
        heapq.heappop(timers)[2].expire()
        return True
    for thread, (steps, wait) in left.items():
        if _can_go_on(wait):
            del left[thread]
            step(thread, steps)
            return True
    return False


def _can_go_on(wait: Wait) -> bool:
    return wait.deadline <= time.monotonic() or wait.is_over()


def _frames_below() -> int:
    """How many calls there are between the thread that waits and the one that begins on top of it: each has as many as the
    interpreter allows to itself, as it would elsewhere."""
    frame, frames = sys._getframe(1).f_back, 1
    while frame is not None and frame.f_code is not step.__code__:
        frame, frames = frame.f_back, frames + 1
    return frames
