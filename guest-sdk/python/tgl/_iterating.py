"""Loops of threads over what waits for its next value: generators of the script, `iter(queue.get, None)`, its own iterators.

Invariant: whoever goes over such a thing in steps is left where it waits; for all else it is an iterator like any other, which
holds up the script as it waits.
"""

from __future__ import annotations

import functools
import math
import time
import types
from typing import Any, Callable, Generator, Iterator, Optional

from . import _steps, _turns
from ._waits import Steps, Wait

Values = Generator[Any, Any, Any]
"""Gives what it waits for among its values."""

_END = object()
_CALLABLE_ITERATOR = type(iter(int, 1))


def iterate(items: Any) -> Steps:
    """Begins a loop: gives what to go over; if it waits, its values, and what gives the next in steps."""
    items = yield from _begun(items)
    values = values_of(items)
    return (iter(items), None) if values is None else (values, functools.partial(_turn, items))


def handed_on(items: Any) -> Steps:
    """Gives what a generator hands on by `yield from`."""
    items = yield from _begun(items)
    values = values_of(items)
    return items if values is None else _kept(items, values)


def values_of(items: Any) -> Optional[Values]:
    """An iterator's values, with its waits among them; None if it does not wait."""
    kind = type(items)
    if kind is types.GeneratorType:
        is_ours = items.gi_code is _generator.__code__ and items.gi_frame is not None
        return items.gi_frame.f_locals["values"] if is_ours else None
    if kind is _CALLABLE_ITERATOR:
        function, *sentinel = items.__reduce__()[1]
        return _steps.bare_version(_calls)(function, *sentinel) if sentinel and _steps.may_wait(function) else None
    return _by_next(items) if _steps.own_version(kind, "__next__") is not None else None


def generator(values: Values) -> Iterator[Any]:
    """What a script gets of them: a generator like any other."""
    made = _generator(values)
    made.__name__, made.__qualname__ = values.__name__, values.__qualname__
    next(made)  # From here on it takes what is sent to it.
    return made


def install() -> None:
    """Adds what second versions call, and the builtins that go over what they are given."""
    vars(_steps.tools).update(iterate=iterate, handed_on=handed_on, values_of=values_of, generator=generator)
    one_by_one = {map: _map, filter: _filter, zip: _zip, enumerate: _enumerate, any: _any, all: _all}
    for function in (_calls, _taker(list), *one_by_one.values()):
        _steps.prepare(function)
    at_once = {builtin: _taker(builtin) for builtin in (list, tuple, set, frozenset, dict, sum, sorted, min, max)}
    for builtin, function in {**one_by_one, **at_once}.items():
        _steps.takers[builtin] = _steps.version_of(function)
    _steps.takers[iter], _steps.takers[next] = _iter, _next


def _generator(values: Values) -> Values:
    value = None
    while True:
        try:
            give, given = values.send, (yield value)
        except GeneratorExit:
            values.close()
            raise
        except BaseException as error:
            give, given = values.throw, error
        try:
            value = give(given)
            while type(value) is Wait:
                _turns.wait_until(value.is_over, None if value.deadline == math.inf else value.deadline - time.monotonic())
                value = values.send(None)
        except StopIteration as stop:
            return stop.value


def _turn(items: Any, values: Values) -> Steps:
    """What a loop goes over in its next turn. It keeps the iterator, whose end would be that of its values."""
    value = yield from _following(values)
    return () if value is _END else (value,)


def _following(values: Values) -> Steps:
    """The next value, or the end."""
    try:
        value = values.send(None)
        while type(value) is Wait:
            yield value
            value = values.send(None)
    except StopIteration:
        return _END
    return value


def _begun(items: Any) -> Steps:
    """Its iterator, where a class of the script makes that."""
    kind = type(items)
    return items if _steps.own_version(kind, "__iter__") is None else (yield from _steps.call(kind.__iter__, items))


def _kept(items: Any, values: Values) -> Values:
    """Keeps the iterator, whose end would be that of its values."""
    return (yield from values)


def _by_next(iterator: Any) -> Values:
    while True:
        made = _steps.steps(type(iterator).__next__, (iterator,), {})
        try:
            value = iterator.__next__() if made is None else _steps.given((yield from made))
        except StopIteration:
            return
        yield value


def _iter(items: Any, *sentinel: Any) -> Steps:
    if sentinel:
        return generator(_steps.bare_version(_calls)(items, *sentinel))
    return iter((yield from _begun(items)))


def _next(iterator: Any, *default: Any) -> Steps:
    values = values_of(iterator)
    value = next(iterator, _END) if values is None else (yield from _following(values))
    if value is not _END:
        return value
    return default[0] if default else _steps.Stopped(StopIteration())


# The builtins, as Python's reference tells of them. What follows runs in second versions only.


def _calls(function: Any, sentinel: Any) -> Iterator[Any]:
    while (value := function()) != sentinel:
        yield value


def _map(function: Any, *items: Any) -> Iterator[Any]:
    for each in zip(*items):
        yield function(*each)


def _filter(function: Any, items: Any) -> Iterator[Any]:
    for item in items:
        if item if function is None else function(item):
            yield item


def _zip(*items: Any, strict: bool = False) -> Iterator[Any]:
    iterators = [iter(one) for one in items]
    while iterators:
        each = []
        for one in iterators:
            value = next(one, _END)
            if value is not _END:
                each += [value]
            elif strict and (each or any(next(other, _END) is not _END for other in iterators[1:])):
                raise ValueError("zip() arguments have different lengths")
            else:
                return
        yield tuple(each)


def _enumerate(items: Any, start: int = 0) -> Iterator[Any]:
    for item in items:
        yield start, item
        start += 1


def _any(items: Any) -> bool:
    for item in items:
        if item:
            return True
    return False


def _all(items: Any) -> bool:
    for item in items:
        if not item:
            return False
    return True


def _taker(builtin: Callable[..., Any]) -> Any:
    def take(items: Any = (), *more: Any, **named: Any) -> Any:
        if builtin is dict and hasattr(items, "keys"):
            items = [(key, items[key]) for key in items.keys()]
        taken = []
        for item in items:
            taken += [item]
        return builtin(taken, *more, **named)

    return take
