"""How many arguments a script's function takes, and where it stands.

Invariant: nothing here calls the function, and what cannot be known is taken to be right.
"""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any, Callable, Mapping, Optional


def takes(function: Callable[..., object], count: int, named: Mapping[str, Any] = {}) -> bool:
    """Whether it can be called with this many positional arguments, and with these by name."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True  # Some builtins do not say.
    try:
        signature.bind(*[None] * count, **named)
    except TypeError:
        return False
    return True


def place(function: Any) -> Optional[tuple[str, int]]:
    """The file and the line where a function is defined; None for what is not written in Python."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function) if callable(function) else function
    if not isinstance(function, (types.FunctionType, types.MethodType)):
        function = getattr(type(function), "__call__", None)  # An object that is called.
    code = getattr(function, "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno)


def shown(place: Optional[tuple[str, int]]) -> str:
    """The place as a traceback has it."""
    return "no line of Python" if place is None else f'file "{place[0]}", line {place[1]}'
