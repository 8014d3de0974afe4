"""What makes `Peer` and `Msg` look like the original's, which were written in C: what `dir` lists, what a method is.

Scripts clone a message by `dir`, and leave out what `inspect.isbuiltin` or the name of a type tells them is a method.
Invariant: nothing that is private to this package is listed, a method is never `inspect.ismethod`, and no copy, pickle or
subclass is made: each would show the inside.
"""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any, Callable, Never

from . import _guard, _host, _report


class Native(type):
    """The type of `Peer` and `Msg`."""

    def __dir__(cls) -> list[str]:
        public = (name for one in cls.__mro__ for name in vars(one) if not name.startswith("_"))
        return sorted({*dir(object), *public})


class Handle(metaclass=Native):
    """The base of `Peer` and `Msg`."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return dir(type(self))

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """What `vars` gives: the attributes with their values, as `dir` lists them, without the methods."""
        listed = ((name, getattr(self, name)) for name in dir(self) if not name.startswith("_"))
        return {name: value for name, value in listed if not isinstance(value, functools.partial)}

    def __reduce_ex__(self, protocol: object) -> Never:
        name = f"tgl.{type(self).__name__}"
        raise TypeError(f"cannot copy or pickle a {name}: keep what you need of it, for example its id")


class Method:
    """A method of `Peer` or `Msg`. It gives True, or False after wrong arguments were reported on stderr."""

    def __init__(self, function: Callable[..., None]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else BoundMethod(_checked, self._function, instance)

    def __call__(self, /, *args: Any, **kwargs: Any) -> bool:
        return _checked(self._function, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<method {self.__name__!r} of 'tgl.{self.__qualname__.partition('.')[0]}' objects>"


class BoundMethod(functools.partial):
    # A method of one object: `_checked` with a function and the object. Whoever asks for its type is told that it is a
    # builtin, as it was.

    __slots__ = ()

    @property
    def __self__(self) -> Any:
        return self.args[1]

    @property
    def __doc__(self) -> Any:
        return self.args[0].__doc__

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self.args[0])
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @property
    def __class__(self) -> Any:
        return types.BuiltinMethodType

    def __getattr__(self, name: str) -> Any:
        return getattr(self.args[0], name)  # Its names.

    def __repr__(self) -> str:
        return f"<built-in method {self.__name__} of tgl.{type(self.__self__).__name__} object>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundMethod):
            return NotImplemented
        return self.args[0] is other.args[0] and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((id(self.args[0]), id(self.__self__)))


BoundMethod.__name__ = BoundMethod.__qualname__ = types.BuiltinMethodType.__name__
BoundMethod.__module__ = types.BuiltinMethodType.__module__


def _checked(function: Callable[..., None], /, *args: Any, **kwargs: Any) -> bool:
    _host.require()
    try:
        _guard.check_callback(function, args, kwargs)
        function(*args, **kwargs)
    except Exception as error:
        _report.call_now(error)
        return False
    return True
