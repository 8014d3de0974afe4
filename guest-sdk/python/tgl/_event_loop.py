"""asyncio's event loop for a guest, which has one thread and no sockets: `asyncio.run` and all that is built on it.

`install` makes every new loop an `EventLoop`. What it offers beside asyncio's own:

* `loop.advance()` runs what is ready and returns without waiting; so tasks go on between two callbacks. To be called when no
  loop runs;
* `loop.due_in_s()` says when `advance` is needed again: 0 now, None when nothing waits for a time.

A thread that runs a loop is left where the loop waits, so the loop's tasks go on between callbacks, and what a callback hands
to it (`asyncio.run_coroutine_threadsafe`) is done there.
Invariant: elsewhere a loop waits as `time.sleep` does, so threads and timers have their turn meanwhile; waiting for what nothing
here can bring raises `RuntimeError`.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.unix_events
import math
import threading
import time
from typing import Any, Callable, Never

from . import _turns, _waits
from ._waits import Steps, Wait

ROUNDS_MAX = 1000
"""`advance` gives way to other callbacks after so many rounds."""

NO_STREAMS = "a script in the sandbox has no sockets, pipes or signals to wait for: it reaches Telegram through tgl alone"
NO_PROGRAMS = "a script in the sandbox cannot start other programs: await asyncio.to_thread(function) for a function of its own"

_REFUSED = {
    **dict.fromkeys(("add_reader", "remove_reader", "add_writer", "remove_writer"), NO_STREAMS),
    **dict.fromkeys(("add_signal_handler", "remove_signal_handler"), NO_STREAMS),
    **dict.fromkeys(("connect_read_pipe", "connect_write_pipe", "sendfile", "create_unix_connection", "create_unix_server"), NO_STREAMS),
    **dict.fromkeys(("sock_recv", "sock_recv_into", "sock_sendall", "sock_connect", "sock_accept", "sock_sendfile"), NO_STREAMS),
    **dict.fromkeys(("subprocess_shell", "subprocess_exec"), NO_PROGRAMS),
}


class EventLoop(asyncio.base_events.BaseEventLoop):
    """As `asyncio.SelectorEventLoop`, with nothing to select from."""

    def __init__(self, selector: object = None) -> None:
        super().__init__()
        self._selector = _Sleep(lambda: bool(self._ready))

    def advance(self) -> None:
        """Runs what is ready, and what that makes ready."""
        for _ in range(ROUNDS_MAX):
            if self.due_in_s() != 0:
                return
            self.call_soon(self.stop)
            self.run_forever()

    def run_in_steps(self) -> Steps:
        """`run_forever` for a thread."""
        self._check_running()
        while not self._run_rounds():
            due_in_s = self.due_in_s()
            self._thread_id = threading.get_ident()  # Left, it still counts as running.
            try:
                yield Wait(self._has_work, math.inf if due_in_s is None else time.monotonic() + due_in_s)
            finally:
                self._thread_id = None

    def due_in_s(self) -> float | None:
        """How long it is until something is to be run."""
        if self._ready:
            return 0
        waiting = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        return max(0.0, min(waiting) - self.time()) if waiting else None

    def _run_rounds(self) -> bool:
        """Runs what is ready; whether the loop was stopped by it."""
        self._run_forever_setup()
        self._selector.may_wait = False
        try:
            for _ in range(ROUNDS_MAX):
                if not self._has_work():
                    break
                self._run_once()
                if self._stopping:
                    return True
            return False
        finally:
            self._selector.may_wait = True
            self._run_forever_cleanup()

    def _has_work(self) -> bool:
        return self._stopping or self.due_in_s() == 0

    def _process_events(self, events: list) -> None:
        pass  # There are none.

    def _write_to_self(self) -> None:
        pass  # Nothing sleeps while another thread calls this.


class _Sleep:
    """Stands in the place of a selector."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self.may_wait = True

    def select(self, timeout: float | None = None) -> list:
        """Waits until there is something to run."""
        if self.may_wait:
            _turns.wait_until(self._is_ready, timeout)
        return []

    def close(self) -> None:
        """Nothing is held."""


def install() -> None:
    """Puts the loop in the place of asyncio's own."""
    for name, reason in _REFUSED.items():
        setattr(EventLoop, name, _refusal(name, reason))
    asyncio.SelectorEventLoop = asyncio.EventLoop = EventLoop
    asyncio.unix_events.SelectorEventLoop = asyncio.unix_events.EventLoop = EventLoop
    _waits.OF[asyncio.base_events.BaseEventLoop.run_forever] = EventLoop.run_in_steps
    policy = _policy()
    asyncio.unix_events._DefaultEventLoopPolicy = asyncio.events._DefaultEventLoopPolicy = policy
    asyncio.events._event_loop_policy = policy()


def _policy() -> type:
    from . import _tasks

    class Policy(asyncio.unix_events._DefaultEventLoopPolicy):
        """Gives a script that asks for a loop, and has none, the one that goes on between callbacks."""

        _loop_factory = EventLoop

        class _Local(threading.local):
            _loop = None
            _set_called = False

        def get_event_loop(self) -> asyncio.AbstractEventLoop:
            """The loop that the thread has set; if it has none, the host's."""
            return self._local._loop or _tasks.loop()

    return Policy


def _refusal(name: str, reason: str) -> Callable[..., Never]:
    def refuse(self: EventLoop, *args: Any, **kwargs: Any) -> Never:
        raise NotImplementedError(f"{name}: {reason}")

    return refuse
