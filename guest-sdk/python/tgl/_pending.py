"""Calls that are under way, each with the callback that waits for it.

Invariant: a callback is called at most once, and never inside the call that it belongs to. The table is as bounded as the
host's own: the host completes a call beyond its limit with an error.
"""

from __future__ import annotations

import enum
from typing import Any, Callable, Optional

Callback = Callable[..., object]
"""What a script passes to be called back; README-PY.md lists the signatures."""


class Shape(enum.Enum):
    """What a callback is called with when its call has failed. When it succeeded: True and the value, if there is one."""

    DONE = enum.auto()
    """(success)"""
    VALUE = enum.auto()
    """(success, None)"""
    LIST = enum.auto()
    """(success, [])"""

    def failure(self) -> tuple[Any, ...]:
        """The arguments that tell of a failure."""
        if self is Shape.DONE:
            return (False,)
        return (False, None if self is Shape.VALUE else [])

    def success(self, value: Any) -> tuple[Any, ...]:
        """The arguments that tell of a success."""
        return (True,) if self is Shape.DONE else (True, value)


_pending: dict[int, tuple[str, Shape, Optional[Callback]]] = {}


def add(request_id: int, name: str, shape: Shape, callback: object) -> None:
    """Notes that the call `name` is under way. A callback that cannot be called is ignored, as it always was."""
    _pending[request_id] = (name, shape, callback if callable(callback) else None)


def take(request_id: int) -> Optional[tuple[str, Shape, Optional[Callback]]]:
    """The call's name, shape and callback, once; None if there is no such call."""
    return _pending.pop(request_id, None)
