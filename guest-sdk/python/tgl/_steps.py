"""A thread's function, run in steps: where it waits it is left, and gone on with when what it waits for is there.

Nothing but a generator can be left in the middle: the interpreter has one stack, and a thread that waited there for an event
would keep the callback from returning in which the next event comes. So a thread's functions run in their second versions
(`_second`), and those of Python's own that wait in ours (`_waits`, `_standard`). Threads alone are run so, since a callback
must have ended when it returns.
Invariant: where there is no second version the first is called, and waits as `_turns.wait_until` has it.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import types
from typing import Any, Callable, NamedTuple, Optional

from . import _second, _waits
from ._waits import Steps

FUNCTIONS_MAX = 1024
"""So many functions' second versions are kept."""

DEPTH_MAX = 50
"""So many functions of a thread may have called each other in steps: those below are called as they are."""

FRAMES_MAX = 4 * DEPTH_MAX
"""How many calls of the interpreter's own there are between these, at most."""

_NOT_THE_SCRIPTS = frozenset((*sys.stdlib_module_names, "tgl", "_tglhost"))

_WAIT_FOR_NOTHING = frozenset((int, float, str, bytes, list, tuple, dict, set, range))

tools = types.SimpleNamespace()
"""What second versions call by the name `_second.TOOLS`: some of this module, and what `_iterating` adds."""

takers: dict[Callable[..., Any], Callable[..., Steps]] = {}
"""For each builtin that waits for what it is given, one that can be left."""

_codes: dict[int, tuple[types.CodeType, Optional[types.CodeType]]] = {}
"""By the id of a function's code that, and the second version's."""

_kept: dict[int, tuple[types.CodeType, Optional[types.CodeType]]] = {}
"""The same for Python's own, which are never forgotten."""


class Stopped(NamedTuple):
    """What a call in steps gives where it raises StopIteration, which no generator may."""

    error: StopIteration


def steps(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Optional[Steps]:
    """A call, in steps; None if it is to be made as it is."""
    kind = type(function)
    if kind is functools.partial:
        return steps(function.func, (*function.args, *args), {**function.keywords, **kwargs})
    if kind is types.MethodType:
        return steps(function.__func__, (function.__self__, *args), kwargs)
    if kind is types.FunctionType:
        version = version_of(function)
    elif kind is types.BuiltinFunctionType or kind is type and function in takers:
        version = takers.get(function)
        if version is not None and not any(map(may_wait, args)):
            return None
    elif isinstance(function, type):
        is_usual = kind.__call__ is type.__call__ and function.__new__ is object.__new__
        version, args = _made_by if is_usual and own_version(function, "__init__") else None, (function, *args)
    else:
        version, args = own_version(kind, "__call__"), (function, *args)
    if version is None:
        return None
    thread = threading.current_thread()
    depth = getattr(thread, "_steps_depth", 0)
    return None if depth >= DEPTH_MAX else _run(version(*args, **kwargs), thread, depth)


def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Steps:
    """Calls a function, in steps if it can be."""
    made = steps(function, args, kwargs)
    return function(*args, **kwargs) if made is None else given((yield from made))


def given(result: Any) -> Any:
    """What a call in steps has given, or raised."""
    if type(result) is Stopped:
        raise result.error
    return result


def may_wait(thing: Any) -> bool:
    """Whether something may wait when it is called or iterated over."""
    if type(thing) in _WAIT_FOR_NOTHING:
        return False
    while isinstance(thing, functools.partial):
        thing = thing.func
    if isinstance(thing, types.MethodType):
        thing = thing.__func__
    if isinstance(thing, types.FunctionType):
        return version_of(thing) is not None
    return tools.values_of(thing) is not None or own_version(type(thing), "__iter__") is not None


def is_of_script(module: Optional[str]) -> bool:
    """Whether a module is the script's, or came with it."""
    return str(module).partition(".")[0] not in _NOT_THE_SCRIPTS


def own_version(kind: type, name: str) -> Optional[Callable[..., Steps]]:
    """The second version of a method that a class of the script defines."""
    method = getattr(kind, name, None)
    return version_of(method) if type(method) is types.FunctionType else None


def exit_of(manager: Any) -> Any:
    """What stands in a `with` has it."""
    kind = type(manager)
    if not hasattr(kind, "__enter__") or not hasattr(kind, "__exit__"):
        raise TypeError(f"{kind.__qualname__!r} object does not support the context manager protocol")
    return kind.__exit__


def enter(manager: Any) -> Steps:
    """Begins a `with`."""
    return (yield from call(type(manager).__enter__, manager))


def leave(exit: Any, manager: Any, error: Optional[BaseException]) -> Steps:
    """Ends a `with`; true where the error is over."""
    raised = (None, None, None) if error is None else (type(error), error, error.__traceback__)
    return (yield from call(exit, manager, *raised))


def bare_version(function: types.FunctionType) -> Optional[Callable[..., Steps]]:
    """The second version of a function; of one that makes generators, the generator with its waits among its values."""
    code = _second_code(function)
    if code is None:
        return None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    cells[_second.TOOLS] = types.CellType(tools)
    closure = tuple(cells[name] for name in code.co_freevars)
    version = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    version.__kwdefaults__ = function.__kwdefaults__
    return version


def prepare(function: Any) -> None:
    """Makes the second version of one of Python's own functions, and of those in it. Its source must be there."""
    for code, second in _second.compiled_all(function):
        _kept[id(code)] = _codes[id(code)] = code, second


vars(tools).update(steps=steps, given=given, exit_of=exit_of, enter=enter, leave=leave)


def _made_by(kind: type, /, *args: Any, **kwargs: Any) -> Steps:
    made = object.__new__(kind)
    yield from call(kind.__init__, made, *args, **kwargs)
    return made


def version_of(function: types.FunctionType) -> Optional[Callable[..., Steps]]:
    """The function in steps."""
    version = _waits.OF.get(function) or bare_version(function)
    if version is not None and function.__code__.co_flags & inspect.CO_GENERATOR and function not in _waits.OF:
        return functools.partial(_generator_of, version)
    return version


def _second_code(function: types.FunctionType) -> Optional[types.CodeType]:
    code = function.__code__
    found = _codes.get(id(code))
    if found is None:
        if len(_codes) >= len(_kept) + FUNCTIONS_MAX:
            _codes.clear()
            _codes.update(_kept)
        found = _codes[id(code)] = code, _second.compiled(code) if is_of_script(function.__module__) else None
    return found[1]


def _run(made: Steps, thread: threading.Thread, depth: int) -> Steps:
    thread._steps_depth = depth + 1
    try:
        return (yield from made)
    except RuntimeError as error:
        if isinstance(error.__cause__, StopIteration) and error.args == ("generator raised StopIteration",):
            return Stopped(error.__cause__)
        raise
    finally:
        thread._steps_depth = depth


def _generator_of(version: Callable[..., Steps], *args: Any, **kwargs: Any) -> Steps:
    yield from ()  # It waits for nothing yet.
    return tools.generator(version(*args, **kwargs))
