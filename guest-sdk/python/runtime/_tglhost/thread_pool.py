"""`multiprocessing.pool.ThreadPool` on `concurrent.futures.ThreadPoolExecutor`: its own keeps threads that wait for work for
ever, and a guest has one thread.

Invariant: a call of the pool is a thread that has its turn like others (tgl/_threads.py).
"""

import concurrent.futures
import multiprocessing
import multiprocessing.dummy
import multiprocessing.pool
from typing import Any, Callable, Iterable, Iterator, Optional


class Result:
    """As `multiprocessing.pool.AsyncResult`."""

    def __init__(self, futures: list[concurrent.futures.Future], gives: Callable[[list[Any]], Any], callback: Any, error_callback: Any) -> None:
        self._futures, self._gives = futures, gives
        self._callbacks = (callback, error_callback)
        self._left = len(futures)
        for future in futures:
            future.add_done_callback(self._one_is_done)
        if not futures and callback is not None:
            callback(gives([]))

    def _one_is_done(self, _: concurrent.futures.Future) -> None:
        self._left -= 1
        if self._left:
            return
        callback, error_callback = self._callbacks
        try:
            value = self._gives([future.result() for future in self._futures])
        except Exception as error:
            if error_callback is not None:
                error_callback(error)
        else:
            if callback is not None:
                callback(value)

    def wait(self, timeout: Optional[float] = None) -> None:
        """Waits until all is done."""
        concurrent.futures.wait(self._futures, timeout)

    def ready(self) -> bool:
        """Whether all is done."""
        return all(future.done() for future in self._futures)

    def successful(self) -> bool:
        """Whether nothing was raised."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return all(future.exception() is None for future in self._futures)

    def get(self, timeout: Optional[float] = None) -> Any:
        """What the calls gave, or raises what the first of them raised."""
        self.wait(timeout)
        if not self.ready():
            raise multiprocessing.TimeoutError
        return self._gives([future.result() for future in self._futures])


class _Results(Iterator):
    """What a call of `imap` gives, one after the other."""

    def __init__(self, futures: Iterator[concurrent.futures.Future]) -> None:
        self._futures = futures

    def __next__(self, timeout: Optional[float] = None) -> Any:
        try:
            return next(self._futures).result(timeout)
        except concurrent.futures.TimeoutError:
            raise multiprocessing.TimeoutError from None

    next = __next__


class ThreadPool:
    """As `multiprocessing.pool.ThreadPool`."""

    def __init__(self, processes: Optional[int] = None, initializer: Any = None, initargs: Iterable[Any] = ()) -> None:
        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._executor = concurrent.futures.ThreadPoolExecutor(processes, "ThreadPool", initializer, tuple(initargs))

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: Any = {}) -> Any:
        """Calls it and waits for what it gives."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(self, func: Any, args: Iterable[Any] = (), kwds: Any = {}, callback: Any = None, error_callback: Any = None) -> Result:
        """Calls it."""
        return Result([self._submit(func, *args, **kwds)], lambda values: values[0], callback, error_callback)

    def map(self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: Optional[int] = None) -> list[Any]:
        """Calls it for each, and waits."""
        return self.map_async(func, iterable, chunksize).get()

    def map_async(self, func: Any, iterable: Iterable[Any], chunksize: Any = None, callback: Any = None, error_callback: Any = None) -> Result:
        """Calls it for each."""
        return self.starmap_async(func, zip(iterable), chunksize, callback, error_callback)

    def starmap(self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: Optional[int] = None) -> list[Any]:
        """Calls it with each's items, and waits."""
        return self.starmap_async(func, iterable, chunksize).get()

    def starmap_async(self, func: Any, iterable: Iterable[Any], chunksize: Any = None, callback: Any = None, error_callback: Any = None) -> Result:
        """Calls it with each's items."""
        return Result([self._submit(func, *items) for items in iterable], list, callback, error_callback)

    def imap(self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """Calls it for each, and gives results in their order."""
        return _Results(iter([self._submit(func, item) for item in iterable]))

    def imap_unordered(self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """Calls it for each, and gives results as they come."""
        return _Results(concurrent.futures.as_completed([self._submit(func, item) for item in iterable]))

    def close(self) -> None:
        """Takes no more calls."""
        self._executor.shutdown(wait=False)

    def terminate(self) -> None:
        """Takes no more calls, and drops those that have not begun."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Waits for the calls that were made."""
        self._executor.shutdown(wait=True)

    def __enter__(self) -> "ThreadPool":
        return self

    def __exit__(self, *error: object) -> None:
        self.terminate()

    def _submit(self, func: Any, *args: Any, **kwargs: Any) -> concurrent.futures.Future:
        if self._executor._is_shut_down:
            raise ValueError("Pool not running")
        return self._executor.submit(func, *args, **kwargs)


def install() -> None:
    """Puts it in place."""
    ThreadPool.__module__, Result.__module__ = "multiprocessing.pool", "multiprocessing.pool"
    multiprocessing.pool.ThreadPool = multiprocessing.dummy.Pool = ThreadPool
