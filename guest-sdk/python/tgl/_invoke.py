"""Calls a function of the script and sees to what comes of it: an error is printed, a coroutine is awaited.

Invariant: nothing that the function raises leaves here but SystemExit, which goes up to the runtime and ends the script.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, Mapping, Optional

from . import _arity, _generators, _report, _steps, _tasks
from ._turns import TooLong
from ._waits import Steps


def invoke(
    function: Callable[..., object],
    arguments: tuple[Any, ...],
    origin: Callable[[], str],
    take: Optional[Callable[[object], None]] = None,
) -> Optional[asyncio.Future]:
    """Calls the function. `origin` says who calls it, and since where, if it does not take these arguments; `take` gets what
    it gives, unless that is None. Gives the task of a coroutine."""
    try:
        result = function(*arguments)
    except SystemExit:
        raise
    except BaseException as error:
        _tell(error, function, len(arguments), {}, origin)
        return None
    if result is None:
        return None
    if inspect.isawaitable(result):
        return _tasks.begin(result, take)
    _generators.warn_of_result(result)
    if take is not None:
        take(result)
    return None


def invoke_in_steps(
    function: Callable[..., object], arguments: tuple[Any, ...], named: Mapping[str, Any], origin: Callable[[], str]
) -> Steps:
    """The same for a function that may be left where it waits."""
    try:
        result = yield from _steps.call(function, *arguments, **named)
    except (SystemExit, GeneratorExit, TooLong):
        raise
    except BaseException as error:
        _tell(error, function, len(arguments), named, origin)
        return
    if inspect.isawaitable(result):
        _tasks.begin(result)
    elif result is not None:
        _generators.warn_of_result(result)


def _tell(
    error: BaseException, function: Callable[..., object], count: int, named: Mapping[str, Any], origin: Callable[[], str]
) -> None:
    if isinstance(error, TypeError) and _is_called_wrongly(error, function, count, named):
        error.add_note(f"{origin()}; defined: {_arity.shown(_arity.place(function))}")
    _report.exception(error)


def _is_called_wrongly(error: TypeError, function: Callable[..., object], count: int, named: Mapping[str, Any]) -> bool:
    """Whether the call itself failed: no line of the function has run, or it does not take these arguments."""
    trace = _report.outside_package(error.__traceback__)
    return trace is None or not _arity.takes(function, count, named)
