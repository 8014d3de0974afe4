"""Names that modules which are still there have lost.

Invariant: each does what it did, and a name that this Python has is left alone.
"""

import ast
import asyncio
import base64
import collections
import collections.abc
import configparser
import fractions
import html
import html.parser
import inspect
import locale
import math
import threading
import time
import types
import typing
from typing import Any, Callable


def install() -> None:
    """Brings them back."""
    for name in collections.abc.__all__:
        _give(collections, name, getattr(collections.abc, name))
    given: list[tuple[Any, str, Any]] = [
        (time, "clock", lambda: time.process_time()),
        (threading.Thread, "isAlive", lambda self: self.is_alive()),
        (fractions, "gcd", math.gcd),
        (inspect, "getargspec", _getargspec),
        (inspect, "ArgSpec", _ArgSpec),
        (base64, "encodestring", base64.encodebytes),
        (base64, "decodestring", base64.decodebytes),
        (html.parser.HTMLParser, "unescape", lambda self, text: html.unescape(text)),
        (configparser, "SafeConfigParser", configparser.ConfigParser),
        (configparser.RawConfigParser, "readfp", lambda self, file, filename=None: self.read_file(file, filename)),
        (locale, "format", _format),
        (asyncio, "coroutine", types.coroutine),
        (asyncio, "JoinableQueue", asyncio.Queue),
        (ast, "Str", ast.Constant),
        (ast, "Num", ast.Constant),
    ]
    for owner, name, value in given:
        _give(owner, name, value)


class _ArgSpec(typing.NamedTuple):
    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def _getargspec(function: Callable[..., Any]) -> _ArgSpec:
    """As `inspect.getargspec`."""
    about = inspect.getfullargspec(function)
    if about.kwonlyargs or about.annotations:
        raise ValueError("Function has keyword-only parameters or annotations, use inspect.signature()")
    return _ArgSpec(about.args, about.varargs, about.varkw, about.defaults)


def _format(percent: str, value: Any, grouping: bool = False, monetary: bool = False, *additional: Any) -> str:
    """As `locale.format`."""
    return locale.format_string(percent, (value, *additional) if additional else value, grouping, monetary)


def _give(owner: Any, name: str, value: Any) -> None:
    if name not in vars(owner):
        setattr(owner, name, value)
