"""`threading` for a guest, which has one thread: the function of a started thread runs when the callback has returned, or
as soon as the script waits for something (`join`, a lock, a queue, a future, `time.sleep`), in the order of the starts.

Invariant: a function runs once, to its end; one that would wait for longer than THREADS_S_MAX is ended where it waits.
Waiting for what nothing here can bring raises `RuntimeError`, in one sentence that says why and what to do instead.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.thread
import contextlib
import queue
import sys
import threading
import time
from collections import deque
from typing import Any, Callable, Iterator

from . import _host, _report, _timers

THREADS_MAX = 10_000
"""So many threads may wait for their turn."""

THREADS_S_MAX = 10.0
"""So long may threads take that run one after the other: meanwhile nothing else of the script runs, and one that loops for ever
would come to its end when the host stops the whole script."""

WAITS_TOO_LONG = (
    "thread {name!r} is ended where it waits: a script has one thread, and nothing else of it could run for more than "
    "{s:g} s; what is to be done again and again is to be started by threading.Timer each time"
)

WAITS_FOR_EVER = (
    "this would wait for ever: a script has one thread, and all that was started has run or is waiting itself; "
    "what only a later callback can bring is to be handled in that callback, or by threading.Timer"
)

waiting: deque[threading.Thread] = deque()
"""Threads that were started and have not run, in their order."""

_system_sleep = time.sleep
_end_s: float | None = None
"""When the threads that run must have ended; None while none runs."""


class _TooLong(BaseException):
    """Ends a thread. No `Exception`, so that a loop which goes on after those ends too."""


def run_waiting() -> None:
    """Runs the threads that were started, and those that they start."""
    with _time_limit():
        while waiting:
            _run(waiting.popleft())


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    global _end_s
    if _end_s is not None:
        yield
        return
    _end_s = time.monotonic() + THREADS_S_MAX
    try:
        yield
    finally:
        _end_s = None


def _sleep(seconds: float) -> None:
    if _end_s is not None and time.monotonic() + seconds > _end_s:
        raise _TooLong
    _system_sleep(seconds)


def wait_until(is_over: Callable[[], bool], timeout_s: float | None = None) -> bool:
    """Lets other threads and timers run until `is_over`; False when the time was up before."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while not is_over():
        if waiting:
            _run(waiting.popleft())
            continue
        left_s = None if deadline is None else deadline - time.monotonic()
        if left_s is not None and left_s <= 0:
            return False
        if _timers.waiting:
            timer_s = max(0.0, _timers.waiting[0][0] - time.monotonic())
            _sleep(timer_s if left_s is None else min(timer_s, left_s))
            for function in _timers.due(1):
                _run_timer(function)
        elif left_s is None:
            raise RuntimeError(WAITS_FOR_EVER)
        else:
            _sleep(left_s)
    return True


class Lock:
    """`threading.Lock`: to wait for it lets other threads run."""

    __slots__ = ("_is_locked", "__weakref__")

    def __init__(self) -> None:
        self._is_locked = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As `threading.Lock.acquire`."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self._is_locked and not (
            blocking and wait_until(lambda: not self._is_locked, None if timeout == -1 else timeout)
        ):
            return False
        self._is_locked = True
        return True

    def release(self) -> None:
        """As `threading.Lock.release`."""
        if not self._is_locked:
            raise RuntimeError("release unlocked lock")
        self._is_locked = False

    def locked(self) -> bool:
        """As `threading.Lock.locked`."""
        return self._is_locked

    __enter__ = acquire

    def __exit__(self, *error: object) -> None:
        self.release()


class ThreadPoolExecutor(concurrent.futures.Executor):
    """`concurrent.futures.ThreadPoolExecutor`: each call is a thread of its own, and so has its turn in the same order."""

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._name, self._is_shut_down = thread_name_prefix or "ThreadPoolExecutor", False
        self._initialize = None if initializer is None else lambda: initializer(*initargs)
        self._futures: set[concurrent.futures.Future] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future:
        """As `Executor.submit`."""
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: concurrent.futures.Future = concurrent.futures.Future()
        threading.Thread(target=self._work, args=(future, fn, args, kwargs), name=self._name, daemon=True).start()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `Executor.shutdown`."""
        self._is_shut_down = True
        if cancel_futures:
            for future in list(self._futures):
                future.cancel()
        if wait:
            wait_until(lambda: not self._futures)

    def _work(self, future: concurrent.futures.Future, fn: Callable[..., Any], args: tuple, kwargs: dict) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            if self._initialize is not None:
                initialize, self._initialize = self._initialize, None
                initialize()
            result = fn(*args, **kwargs)
        except _TooLong:
            future.set_exception(TimeoutError(f"it waited for more than {THREADS_S_MAX:g} s"))
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)


def install() -> None:
    """Puts these in the place of what needs threads. To be done before a lock is made that a script may wait for."""
    threading.Lock = threading._allocate_lock = Lock
    queue.SimpleQueue = queue._PySimpleQueue
    for name, method in (("start", _start), ("join", _join), ("is_alive", _is_alive)):
        setattr(threading.Thread, name, method)
    threading._start_new_thread = threading._thread_start = _start_new_thread
    sys.modules["_thread"].start_new_thread = sys.modules["_thread"].start_new = _start_new_thread
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = ThreadPoolExecutor
    time.sleep = _sleep_beside_threads


def _start(self: threading.Thread) -> None:
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    if len(waiting) >= THREADS_MAX:
        raise RuntimeError(f"can't start new thread: {THREADS_MAX} wait already for this callback to return")
    self._started.set()
    self._ident = id(self)
    threading._limbo[self] = self  # So that threading.enumerate() lists it.
    waiting.append(self)


def _is_alive(self: threading.Thread) -> bool:
    is_main = self is threading.main_thread()
    return is_main or self._started.is_set() and not getattr(self, "_has_run", False)


def _join(self: threading.Thread, timeout: float | None = None) -> None:
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    wait_until(lambda: not self.is_alive(), None if timeout is None else max(timeout, 0.0))


def _run(thread: threading.Thread) -> None:
    """Runs a thread's function as `threading` does; what it raises goes to `threading.excepthook`, or is printed."""
    ident = threading.get_ident()
    before = threading._active.get(ident)
    threading._limbo.pop(thread, None)
    threading._active[ident] = thread
    try:
        with _time_limit():
            thread.run()
    except SystemExit:
        pass  # It ends the thread, as ever.
    except _TooLong:
        _host.warn(WAITS_TOO_LONG.format(name=thread.name, s=THREADS_S_MAX))
    except BaseException as error:
        trace = _report.outside_package(error.__traceback__)
        try:
            threading.excepthook(threading.ExceptHookArgs((type(error), error, trace, thread)))
        except Exception:
            _report.exception(error)
    finally:
        thread._has_run = True
        if before is None:
            del threading._active[ident]
        else:
            threading._active[ident] = before


def _run_timer(function: Callable[[], None]) -> None:
    try:
        function()
    except SystemExit:
        raise
    except BaseException as error:
        _report.exception(error)


def _start_new_thread(function: Callable[..., object], args: tuple = (), kwargs: dict | None = None) -> int:
    thread = threading.Thread(target=function, args=args, kwargs=kwargs or {}, daemon=True)
    thread.start()
    return thread.ident or 0


def _sleep_beside_threads(seconds: float, /) -> None:
    """`time.sleep`: other threads and timers have their turn meanwhile."""
    if waiting or _timers.waiting:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        wait_until(lambda: False, seconds)
    else:
        _sleep(seconds)
