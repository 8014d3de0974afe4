"""Python's own functions that wait by what they call: their second versions are made when the component is built, where their
source is.

Invariant: nothing is listed that looks at who calls it.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.runners
import concurrent.futures._base
import contextlib
import linecache
import logging.handlers
import multiprocessing.pool
import sched
import threading
from typing import Callable

from . import _iterating, _pools, _steps, _waits


def install() -> None:
    """Makes them. To be done when `threading` is as scripts find it."""
    _waits.install()
    _iterating.install()
    for function in _listed():
        _steps.prepare(function)
    linecache.clearcache()


def _listed() -> list[Callable]:
    barrier, condition, thread = threading.Barrier, threading.Condition, threading.Thread
    futures, pool, result = concurrent.futures._base, multiprocessing.pool.Pool, multiprocessing.pool.ApplyResult
    executor, workers, thread_pool = _pools.ThreadPoolExecutor, _pools.Workers, _pools.ThreadPool
    manager = contextlib._GeneratorContextManager
    listener, runner = logging.handlers.QueueListener, asyncio.runners.Runner
    return [
        *(thread.run, condition.wait_for, condition.__enter__),
        *(barrier.wait, barrier._enter, barrier._wait),
        *(futures.wait, futures.as_completed, futures._AcquireFutures.__enter__, futures.Executor.map, futures.Executor.__exit__),
        *(executor.shutdown, workers.join, thread_pool.join),
        *(pool.apply, pool.map, pool.starmap, result.wait, result.get, multiprocessing.pool.IMapIterator.next),
        *(contextlib.contextmanager, manager.__init__, manager.__enter__, manager.__exit__),
        *(sched.scheduler.run, listener._monitor, listener.dequeue),
        *(asyncio.runners.run, runner.run, runner.close, runner.__exit__, asyncio.runners._cancel_all_tasks),
        asyncio.base_events.BaseEventLoop.run_until_complete,
    ]
