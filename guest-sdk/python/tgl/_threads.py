"""`threading` for a guest, which has one thread: started threads have their turn as `_turns` says.

Invariant: what a script finds in `threading` behaves as there, but for when a thread runs.
"""

from __future__ import annotations

import _threading_local
import os
import queue
import sys
import threading
import time
from typing import Callable

from . import _pools, _turns
from ._turns import wait_until


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


class RLock:
    """`threading.RLock`: the thread that has it may take it again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: threading.Thread | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As `threading.RLock.acquire`."""
        if not self._is_owned() and not self._lock.acquire(blocking, timeout):
            return False
        self._owner = threading.current_thread()
        self._count += 1
        return True

    def release(self) -> None:
        """As `threading.RLock.release`."""
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()

    def locked(self) -> bool:
        """Whether another thread would have to wait for it."""
        return self._lock.locked()

    def is_free(self) -> bool:
        """Whether this thread can have it at once."""
        return self._is_owned() or not self._lock.locked()

    __enter__ = acquire

    def __exit__(self, *error: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        return self._owner is threading.current_thread()

    def _release_save(self) -> tuple[int, threading.Thread | None]:
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        self._lock.release()
        return saved

    def _acquire_restore(self, saved: tuple[int, threading.Thread | None]) -> None:
        self._lock.acquire()
        self._count, self._owner = saved


def install() -> None:
    """Puts these in the place of what needs threads. To be done before a lock is made that a script may wait for."""
    threading.Lock = threading._allocate_lock = Lock
    threading.RLock = RLock
    threading.local = _threading_local.local
    queue.SimpleQueue = queue._PySimpleQueue
    for name, method in (("start", _start), ("join", _join), ("is_alive", _is_alive), ("native_id", property(_native_id))):
        setattr(threading.Thread, name, method)
    threading._start_new_thread = threading._thread_start = _start_new_thread
    low = sys.modules["_thread"]
    low.start_new_thread = low.start_new = _start_new_thread
    low.get_ident, low.get_native_id = threading.get_ident, threading.get_native_id = _turns.get_ident, _turns.get_native_id
    time.sleep = _turns.sleep
    _pools.install()
    from . import _standard  # It brings in modules that are to find the above.

    _standard.install()


def _start(self: threading.Thread) -> None:
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    _turns.start(self)
    self._started.set()


def _is_alive(self: threading.Thread) -> bool:
    is_main = self is threading.main_thread()
    return is_main or self._started.is_set() and not getattr(self, "_has_run", False)


def _join(self: threading.Thread, timeout: float | None = None) -> None:
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    wait_until(lambda: not self.is_alive(), None if timeout is None else max(timeout, 0.0))


def _native_id(self: threading.Thread) -> int | None:
    return os.getpid() if self is threading.main_thread() else getattr(self, "_native_id", None)


def _start_new_thread(function: Callable[..., object], args: tuple = (), kwargs: dict | None = None) -> int:
    thread = threading.Thread(target=function, args=args, kwargs=kwargs or {}, daemon=True)
    thread.start()
    return thread.ident or 0
