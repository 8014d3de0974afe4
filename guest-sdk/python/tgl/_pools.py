"""Pools of threads for a guest: `concurrent.futures.ThreadPoolExecutor` and `multiprocessing.pool.ThreadPool`.

Their own threads would wait for work for ever; here a thread of a pool ends when there is none, and the next job starts one.
Invariant: no more jobs of a pool run at once than it has workers, and each job is done once or its result says why not.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.thread
import multiprocessing.pool
import os
import threading
from collections import deque
from typing import Any, Callable, Iterable, Optional

from . import _steps, _waits
from ._turns import TooLong, wait_until
from ._waits import Steps

WORKERS = min(32, (os.cpu_count() or 1) + 4)
"""How many workers a pool has that does not say."""


class Workers:
    """Threads that do jobs while there are any."""

    def __init__(self, workers_max: int, name: str, initialize: Callable[[], object]) -> None:
        self._workers_max, self._name, self._initialize = workers_max, name, initialize
        self._jobs: deque[Callable[[], Steps]] = deque()
        self._started = self._working = 0

    def do(self, job: Callable[[], Steps]) -> None:
        """Has a job done in its turn, in steps."""
        self._jobs.append(job)
        if self._working < self._workers_max:
            self._start()

    def drop(self) -> None:
        """Forgets the jobs that have not begun."""
        self._jobs.clear()

    def join(self) -> None:
        """Waits until all jobs are done."""
        wait_until(lambda: self._working == 0)

    def work(self) -> Steps:
        """What a worker does."""
        try:
            while self._jobs:
                yield from self._jobs.popleft()()
        finally:
            self._working -= 1
            if self._jobs:
                self._start()  # This worker was ended.

    def initialize(self) -> None:
        """Does what is to be done before the first job."""
        initialize, self._initialize = self._initialize, _nothing
        initialize()

    def _start(self) -> None:
        threading.Thread(target=self.work, name=f"{self._name}_{self._started}", daemon=True).start()
        self._working += 1
        self._started += 1


class ThreadPoolExecutor(concurrent.futures.Executor):
    """`concurrent.futures.ThreadPoolExecutor`."""

    def __init__(
        self,
        max_workers: Optional[int] = None,
        thread_name_prefix: str = "",
        initializer: Optional[Callable[..., object]] = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        initialize = _initializer(initializer, initargs)
        self._workers = Workers(max_workers or WORKERS, thread_name_prefix or "ThreadPoolExecutor", initialize)
        self._is_shut_down = False
        self._futures: set[concurrent.futures.Future] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future:
        """As `Executor.submit`."""
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: concurrent.futures.Future = concurrent.futures.Future()
        self._workers.do(lambda: self._work(future, fn, args, kwargs))
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

    def _work(self, future: concurrent.futures.Future, fn: Callable[..., Any], args: tuple, kwargs: dict) -> Steps:
        if not future.set_running_or_notify_cancel():
            return
        try:
            self._workers.initialize()
            result = yield from _steps.call(fn, *args, **kwargs)
        except TooLong as error:
            future.set_exception(TimeoutError(str(error)))
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)


class ThreadPool(multiprocessing.pool.Pool):
    """`multiprocessing.pool.ThreadPool`: the methods are `Pool`'s, which hand jobs to a queue and keep what waits for them in
    a cache."""

    def __init__(
        self,
        processes: Optional[int] = None,
        initializer: Optional[Callable[..., object]] = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._processes = processes or os.cpu_count() or 1
        self._workers = Workers(self._processes, "ThreadPool", _initializer(initializer, initargs))
        self._pool = [None] * self._processes  # It is asked for its length.
        self._cache: dict[int, Any] = {}
        self._taskqueue = self
        self._state = multiprocessing.pool.RUN

    def put(self, tasks: tuple[Iterable[tuple], Optional[Callable[[int], None]]]) -> None:
        """Of the queue: a sequence of jobs, and whom to tell how many there are."""
        sequence, set_length = tasks
        index = -1
        for task in sequence:
            index = task[1]
            self._workers.do(lambda task=task: self._do(*task))
        if set_length is not None:
            set_length(index + 1)

    def close(self) -> None:
        """As `Pool.close`."""
        if self._state == multiprocessing.pool.RUN:
            self._state = multiprocessing.pool.CLOSE

    def terminate(self) -> None:
        """As `Pool.terminate`."""
        self._state = multiprocessing.pool.TERMINATE
        self._workers.drop()

    def join(self) -> None:
        """As `Pool.join`."""
        if self._state == multiprocessing.pool.RUN:
            raise ValueError("Pool is still running")
        self._workers.join()

    def __del__(self) -> None:
        pass  # There is nothing to be freed.

    def _do(self, job: int, index: int, function: Callable[..., Any], args: tuple, kwargs: dict) -> Steps:
        try:
            self._workers.initialize()
            result = (True, (yield from _steps.call(function, *args, **kwargs)))
        except TooLong as error:
            self._cache[job]._set(index, (False, TimeoutError(str(error))))
            raise
        except Exception as error:
            result = (False, error)
        self._cache[job]._set(index, result)


def install() -> None:
    """Puts these in the place of Python's own."""
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = ThreadPoolExecutor
    multiprocessing.pool.ThreadPool = ThreadPool
    _waits.OF[Workers.work] = Workers.work


def _initializer(function: Optional[Callable[..., object]], arguments: tuple[Any, ...]) -> Callable[[], object]:
    if function is None:
        return _nothing
    if not callable(function):
        raise TypeError("initializer must be a callable")
    return lambda: function(*arguments)


def _nothing() -> None:
    pass
