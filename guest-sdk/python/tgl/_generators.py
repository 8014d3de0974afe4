"""Functions that a `yield` has made generator functions: to call one runs none of its lines, and says nothing.

Invariant: each of them is told of once, whether it is a handler, a callback or a timer's function.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from . import _arity, _host

TOLD_MAX = 100
"""Of so many functions that is told; a script that makes more of them has been told enough."""

_told: set[tuple[str, int]] = set()


def warn_of(function: Any) -> None:
    """Warns of a function that is to be called later."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        place = _arity.place(function)
        if place is not None:
            _warn(function.__name__, *place)


def warn_of_result(result: object) -> None:
    """Warns of what a function has given that was called."""
    if inspect.isgenerator(result):
        _warn(result.gi_code.co_name, result.gi_code.co_filename, result.gi_code.co_firstlineno)
    elif inspect.isasyncgen(result):
        _warn(result.ag_code.co_name, result.ag_code.co_filename, result.ag_code.co_firstlineno)


def _warn(name: str, file: str, line: int) -> None:
    if (file, line) in _told or len(_told) >= TOLD_MAX:
        return
    _told.add((file, line))
    _host.warn(
        f'{name} (file "{file}", line {line}) has a `yield`, so to call it runs none of its lines: have a plain function, or '
        "an `async def` that awaits, do the work"
    )
