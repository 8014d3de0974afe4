"""How wrong arguments of a module function come back to a script; `_natives.Method` has how those of a method do. The two
differed, and scripts rely on both.

Invariant: a function wrapped here raises only where there is no host at all.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Mapping, ParamSpec, Sequence

from . import _host, _report

P = ParamSpec("P")


def queued(function: Callable[P, None]) -> Callable[P, bool]:
    """A module function: True in any case; wrong arguments are reported on stderr after the callback that made the call."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> bool:
        _host.require()
        if kwargs:
            raise TypeError(f"{function.__name__}() takes no keyword arguments")
        try:
            check_callback(function, args, {})
            function(*args)
        except Exception as error:
            _report.call_late(error)
        return True

    return call


def check_callback(function: Callable[..., None], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises TypeError if what is given as the function's callback cannot be called: nothing would ever say so later."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    if "callback" not in names:
        return
    place = names.index("callback")
    callback = args[place] if place < len(args) else kwargs.get("callback")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable or None, not {type(callback).__name__}")
