"""Says of an error that it is one because the script, or a module beside it, is Python 2.

Invariant: an error that Python 3 code could have as well gets no such sentence.
"""

import contextlib
import email
import inspect
import io
import itertools
import linecache
import operator
import os
import random
import re
import string
import sys
import traceback
import types
import urllib
from types import FunctionType, MethodType, ModuleType
from typing import Any, Iterator

from .bygone import modules

HINT = (
    "This looks like Python 2, and this is Python {}.{}: convert the script, for example with `2to3 -w {}` "
    "(which comes with Python 3.12 and older), and run it again.\n"
)

script_folder = ""
"""Where the script and the modules beside it lie."""

_NO_SYNTAX = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
    "inconsistent use of tabs and spaces",
    "Function parameters cannot be parenthesized",
    "Lambda expression parameters cannot be parenthesized",
    "'u' and 'r' prefixes are incompatible",
)
"""What the compiler says of Python 2's statements."""

_LINE = re.compile(
    r"(^|[:;])\s*(print\s+[^=(\s]|print\s*>>|exec\s+[\"'\w]|raise\s+[\w.]+(\(.*\))?\s*,)|<>|`|\bur\"|\b(0[xX][\da-fA-F]+|\d+)[lL]\b"
)
"""What a line without its texts and its comment has that is no Python 3."""

TEXTS = re.compile(r"(\"{3}|'{3}).*?(\1|$)|\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'|#.*")
"""The texts and the comment of a line."""

_EXCEPT = re.compile(r"^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*([a-z]\w*)[ \t]*:", re.MULTILINE)
"""Python 3.14 takes this for two types of exceptions."""

_BUILTINS = frozenset("basestring execfile raw_input unichr unicode xrange".split())

_BUILTINS_CALLED = frozenset("apply buffer cmp coerce file intern long reduce reload".split())
"""A script may want a name of its own for these: where they are called, or an object's type is asked for, it does not."""

_LISTS, _VIEWS = "list|range|map|filter|zip", "dict_keys|dict_values|dict_items"
"""Python 2 had lists for all of these."""

_MESSAGES: list[tuple[type[Exception], str, str]] = [
    (TypeError, rf"'({_VIEWS}|map|filter|zip)' object is not subscriptable", ""),
    (TypeError, r"object of type '(map|filter|zip)' has no len\(\)", ""),
    (TypeError, r"'range' object does(n't| not) support item (assignment|deletion)", ""),
    (TypeError, rf"unsupported operand type\(s\) for \+: '(range|map|filter|zip|{_VIEWS})' and '({_LISTS}|{_VIEWS})'", ""),
    (TypeError, rf'can only concatenate list \(not "(range|map|filter|zip|{_VIEWS})"\) to list', ""),
    (TypeError, r"sort\(\) got an unexpected keyword argument 'cmp'", ""),
    (TypeError, r"sort\(\) takes no positional arguments|sorted expected 1 argument, got [234]", ""),
    (TypeError, r"str\.translate\(\) takes exactly one argument \(2 given\)", ""),
    (LookupError, r"'(hex|base64|zip|zlib|bz2|uu|quopri|rot_?13)' is not a text encoding; .*", ""),
    (LookupError, r"unknown encoding: (string[-_]escape|unicode[-_]internal)", ""),
    (TypeError, r"unsupported operand type\(s\) for >>: 'builtin_function_or_method' and .*", r"print\s*>>"),
    (TypeError, r"unsupported operand type\(s\) for -: 'builtin_function_or_method' and .*", r"print\s*-"),
    (TypeError, r"unsupported operand type\(s\) for %: 'NoneType' and .*", r"print\s*\("),
    (TypeError, "exceptions must derive from BaseException", r"raise\s+[ub]?[\"']"),
]
"""Errors that are Python 2's by their type, their message, and the statement that raised them, where that matters."""

_METHODS: list[tuple[str, str]] = [
    (r"iter\(\) returned non-iterator of type '(\w+)'|'(\w+)' object is not an iterator", "next"),
    (r"unsupported operand type\(s\) for /=?: '(\w+)' and '(\w+)'", "__div__"),
    (r"'[<>]=?' not supported between instances of '(\w+)' and '(\w+)'", "__cmp__"),
    (r"'(\w+)' object is not subscriptable", "__getslice__"),
]
"""A TypeError's message, which names a class of the script, and the method by which Python 2 would have done it."""

_ATTRIBUTES: list[tuple[Any, frozenset[str]]] = [
    (dict, frozenset("has_key iteritems iterkeys itervalues viewitems viewkeys viewvalues".split())),
    (str, frozenset(["decode"])),
    (bytes, frozenset(["encode"])),
    (Iterator, frozenset(["next"])),
    (io.IOBase, frozenset("next xreadlines".split())),
    (
        (type({}.keys()), type({}.values()), type({}.items()), map, filter, zip, range),
        frozenset("append extend insert pop remove reverse sort".split()),
    ),
    (
        (FunctionType, MethodType),
        frozenset(
            "func_closure func_code func_defaults func_dict func_doc func_globals func_name im_class im_func im_self".split()
        ),
    ),
    (sys, frozenset("exc_clear exc_traceback exc_type exc_value maxint setdefaultencoding".split())),
    (os, frozenset("getcwdu popen2 popen3 popen4 tempnam tmpfile tmpnam".split())),
    (os.path, frozenset(["walk"])),
    (
        string,
        frozenset(
            """atof atoi atol capitalize center count expandtabs find index join joinfields letters ljust lower lowercase lstrip
            maketrans replace rfind rindex rjust rsplit rstrip split splitfields strip swapcase translate upper uppercase
            zfill""".split()
        ),
    ),
    (itertools, frozenset("ifilter ifilterfalse imap izip izip_longest".split())),
    (
        types,
        frozenset(
            """BooleanType BufferType ClassType ComplexType DictProxyType DictType DictionaryType FileType FloatType InstanceType
            IntType ListType LongType ObjectType SliceType StringType StringTypes TupleType TypeType UnboundMethodType
            UnicodeType XRangeType""".split()
        ),
    ),
    (
        urllib,
        frozenset(
            """FancyURLopener URLopener getproxies pathname2url quote quote_plus unquote unquote_plus url2pathname urlcleanup
            urlencode urlopen urlretrieve""".split()
        ),
    ),
    (
        operator,
        frozenset(
            "delslice div getslice idiv isCallable isMappingType isNumberType isSequenceType sequenceIncludes setslice".split()
        ),
    ),
    (email, frozenset(name.removeprefix("email.") for name in modules.PYTHON_2 if name.startswith("email."))),
    (contextlib, frozenset(["nested"])),
    (inspect, frozenset("joinseq strseq".split())),
    (random, frozenset("WichmannHill jumpahead".split())),
]
"""What Python 2 had on a module or on the instances of a class."""


def hint(error: BaseException) -> str:
    """A sentence to add to an error's traceback; empty where there is none to add."""
    file, line = (error.filename, 0) if isinstance(error, SyntaxError) else _raised_at(error)
    if not file or os.path.dirname(file) != script_folder and not file.startswith(f"{script_folder.rstrip('/')}/"):
        return ""
    is_python_2 = _is_of_syntax(error) if isinstance(error, SyntaxError) else _is_of_names(error, linecache.getline(file, line))
    return HINT.format(*sys.version_info[:2], os.path.relpath(file, script_folder)) if is_python_2 else ""


def warn_of_except(source: str, path: str) -> None:
    """Warns of the one statement of Python 2 that means something else now."""
    found = _EXCEPT.search(source) if "except" in source else None
    if found is not None:
        line, name = source.count("\n", 0, found.start()) + 1, found[1]
        sys.stderr.write(
            f"{path}, line {line}: `except X, {name}:` is Python 2; this Python takes {name} for a second type of exception. "
            f"Write `except X as {name}:`.\n"
        )


def _raised_at(error: BaseException) -> tuple[str, int]:
    """The file and the line that raised the error; the package's own lines and importlib's are not there to see."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    of_scripts = [place for place in places if "importlib" not in place[0] and "_tglhost" not in place[0]]
    return of_scripts[-1] if of_scripts else ("", 0)


def _is_of_syntax(error: SyntaxError) -> bool:
    return str(error.msg).startswith(_NO_SYNTAX) or _LINE.search(TEXTS.sub('""', error.text or "")) is not None


def _is_of_names(error: BaseException, line: str) -> bool:
    if isinstance(error, ModuleNotFoundError):
        return error.name in modules.PYTHON_2
    if isinstance(error, ImportError):  # `from module import name`
        module = sys.modules.get(error.name or "")
        return any(module is kind and error.name_from in names for kind, names in _ATTRIBUTES)
    if isinstance(error, NameError):
        return error.name in _BUILTINS or _is_called(error.name or "", line) or _is_caught(error.name or "", line)
    if isinstance(error, AttributeError):
        if error.name == "message":
            return isinstance(error.obj, BaseException) and type(error.obj).__module__ == "builtins"
        return any(_has_kind(error.obj, kind) and error.name in names for kind, names in _ATTRIBUTES)
    if isinstance(error, TypeError) and _has_method(error):
        return True
    return any(
        isinstance(error, cls) and re.fullmatch(message, str(error)) and (not statement or _begins(line, statement))
        for cls, message, statement in _MESSAGES
    )


def _is_called(name: str, line: str) -> bool:
    return name in _BUILTINS_CALLED and re.search(rf"\b{name}\s*\(|\b(isinstance|issubclass|map)\s*\(", line) is not None


def _is_caught(name: str, line: str) -> bool:
    found = _EXCEPT.match(line)
    return found is not None and found[1] == name


def _has_method(error: TypeError) -> bool:
    """Whether a class that the error names has Python 2's method for what has failed."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    for message, method in _METHODS:
        found = re.fullmatch(message, str(error))
        named = (frame.f_globals.get(name or "") for name in found.groups()) if found else ()
        if any(isinstance(cls, type) and hasattr(cls, method) for cls in named):
            return True
    return False


def _begins(line: str, statement: str) -> bool:
    """Whether the line has a statement that begins so."""
    return re.search(rf"(^|[:;])\s*{statement}", line) is not None


def _has_kind(value: object, kind: Any) -> bool:
    return value is kind if isinstance(kind, ModuleType) else isinstance(value, kind)
