"""Names that modules which are still there have lost.

Invariant: each does what it did, and a name that this Python has is left alone.
"""

import ast
import asyncio
import base64
import collections
import collections.abc
import configparser
import errno
import fractions
import functools
import html
import html.parser
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import locale
import math
import os
import platform
import shutil
import sqlite3
import stat
import sys
import threading
import time
import types
import typing
from types import ModuleType
from typing import Any, Callable

from .. import stdlib


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
        (html.parser, "HTMLParseError", type("HTMLParseError", (Exception,), {"__module__": "html.parser"})),
        (html.parser.HTMLParser, "unescape", lambda self, text: html.unescape(text)),
        (configparser, "SafeConfigParser", configparser.ConfigParser),
        (configparser.RawConfigParser, "readfp", lambda self, file, filename=None: self.read_file(file, filename)),
        (locale, "format", _format),
        (asyncio, "coroutine", types.coroutine),
        (asyncio, "JoinableQueue", asyncio.Queue),
        (ast, "Str", ast.Constant),
        (ast, "Num", ast.Constant),
        (ast, "Bytes", ast.Constant),
        (ast, "NameConstant", ast.Constant),
        (os, "errno", errno),
        (importlib, "find_loader", _find_loader),
        (importlib.machinery.FileFinder, "find_module", _find_module),
        (platform, "linux_distribution", lambda *names, **options: ("", "", "")),
        (platform, "dist", lambda *names, **options: ("", "", "")),
        (shutil, "ExecError", type("ExecError", (OSError,), {"__module__": "shutil"})),
        (sqlite3, "version", "2.6.0"),
        (sqlite3, "version_info", (2, 6, 0)),
        (sqlite3, "OptimizedUnicode", str),
        (sys, "getcheckinterval", lambda: 100),
        (sys, "setcheckinterval", lambda count: None),
    ]
    for owner, name, value in given:
        _give(owner, name, value)
    later = {"pkgutil": _give_to_pkgutil, "tarfile": _give_to_tarfile, "unittest.case": _give_to_unittest}
    for module, give in later.items():
        stdlib.when_loaded.setdefault(module, []).append(give)
    for cls in (json.JSONDecoder, json.JSONEncoder):
        cls.__init__ = _without_encoding(cls.__init__)  # type: ignore[method-assign]


def _without_encoding(function: Callable[..., None]) -> Callable[..., None]:
    """`json.loads` and `json.dumps` took an encoding, and long did nothing with it."""

    @functools.wraps(function)
    def init(self: Any, *args: Any, encoding: object = None, **options: Any) -> None:
        function(self, *args, **options)

    return init


def _give_to_tarfile(module: ModuleType) -> None:
    _give(module, "filemode", stat.filemode)


def _give_to_pkgutil(module: ModuleType) -> None:
    for name in ("find_loader", "get_loader"):
        _give(module, name, _find_loader)


def _give_to_unittest(module: ModuleType) -> None:
    case = module.TestCase
    for name in ("Equal", "NotEqual", "AlmostEqual", "NotAlmostEqual"):
        _give(case, f"assert{name}s", getattr(case, f"assert{name}"))
    for bygone, name in _BYGONE_ASSERTIONS.items():
        _give(case, bygone, getattr(case, name))


_BYGONE_ASSERTIONS = {
    "assert_": "assertTrue", "assertItemsEqual": "assertCountEqual", "assertNotRegexpMatches": "assertNotRegex",
    "assertRaisesRegexp": "assertRaisesRegex", "assertRegexpMatches": "assertRegex", "failIf": "assertFalse",
    "failIfEqual": "assertNotEqual", "failUnless": "assertTrue", "failUnlessEqual": "assertEqual",
    "failUnlessRaises": "assertRaises",
}  # fmt: skip


def _find_loader(name: str, path: Any = None) -> Any:
    """As `importlib.find_loader`."""
    spec = importlib.util.find_spec(name) if path is None else importlib.machinery.PathFinder.find_spec(name, path)
    return None if spec is None else spec.loader


def _find_module(self: Any, name: str, path: object = None) -> Any:
    """As `FileFinder.find_module`, which loads plugins with `load_module`."""
    spec = self.find_spec(name)
    return None if spec is None else spec.loader


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
