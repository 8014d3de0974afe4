"""Says of an error that it is one because the script, or a module beside it, is Python 2.

Invariant: an error that Python 3 code could have as well gets no such sentence.
"""

import itertools
import linecache
import os
import re
import string
import sys
import traceback
import types
import urllib
from types import FunctionType, ModuleType
from typing import Any, Iterator

from .bygone import modules

HINT = (
    "This looks like Python 2, and this is Python {}.{}: convert the script, for example with `2to3 -w {}` "
    "(which comes with Python 3.12 and older), and run it again.\n"
)

script_folder = ""
"""Where the script and the modules beside it lie."""

_MESSAGES = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
    "invalid decimal literal",
    "inconsistent use of tabs and spaces",
    "multiple exception types must be parenthesized",
    "Function parameters cannot be parenthesized",
    "Lambda expression parameters cannot be parenthesized",
)

_LINE = re.compile(r"^\s*(print\s+[^=(\s]|print\s*>>|exec\s+[\"'\w]|raise\s+\w+\s*,)|<>|`|\bur['\"]|\b(0[xX][\da-fA-F]+|\d+)[lL]\b")

_PRINT_TO = re.compile(r"^\s*print\s*>>")

_EXCEPT = re.compile(r"^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*([a-z]\w*)[ \t]*:", re.MULTILINE)
"""Python 3.14 takes this for two types of exceptions."""

_BUILTINS = frozenset(
    "apply basestring buffer cmp coerce execfile file intern long raw_input reduce reload unichr unicode xrange".split()
)

_ATTRIBUTES: list[tuple[Any, frozenset[str]]] = [
    (dict, frozenset("has_key iteritems iterkeys itervalues viewitems viewkeys viewvalues".split())),
    (str, frozenset(["decode"])),
    (bytes, frozenset(["encode"])),
    (Iterator, frozenset(["next"])),
    (FunctionType, frozenset("func_code func_defaults func_dict func_doc func_globals func_name".split())),
    (sys, frozenset("exc_clear exc_type maxint setdefaultencoding".split())),
    (string, frozenset("atof atoi find join letters lower lowercase maketrans replace split strip upper uppercase".split())),
    (itertools, frozenset("ifilter ifilterfalse imap izip izip_longest".split())),
    (os, frozenset(["getcwdu"])),
    (types, frozenset("ClassType DictType IntType ListType LongType StringType TupleType UnicodeType".split())),
    (urllib, frozenset("pathname2url quote quote_plus unquote unquote_plus urlencode urlopen urlretrieve".split())),
]
"""What Python 2 had on a module or on the instances of a class."""


def hint(error: BaseException) -> str:
    """A sentence to add to an error's traceback; empty where there is none to add."""
    file = error.filename if isinstance(error, SyntaxError) else _raised_in(error)
    if not file or os.path.dirname(file) != script_folder and not file.startswith(f"{script_folder.rstrip('/')}/"):
        return ""
    is_python_2 = _is_of_syntax(error) if isinstance(error, SyntaxError) else _is_of_names(error, file)
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


def _raised_in(error: BaseException) -> str:
    """The file whose line raised the error; the package's own lines and importlib's are not there to see."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    of_scripts = [file for file in files if "importlib" not in file and "_tglhost" not in file]
    return of_scripts[-1] if of_scripts else ""


def _is_of_syntax(error: SyntaxError) -> bool:
    return str(error.msg).startswith(_MESSAGES) or _LINE.search(error.text or "") is not None


def _is_of_names(error: BaseException, file: str) -> bool:
    if isinstance(error, ModuleNotFoundError):
        return error.name in modules.PYTHON_2
    if isinstance(error, ImportError):  # `from module import name`
        module = sys.modules.get(error.name or "")
        return any(module is kind and error.name_from in names for kind, names in _ATTRIBUTES)
    if isinstance(error, NameError):
        return error.name in _BUILTINS
    if isinstance(error, AttributeError):
        return any(_has_kind(error.obj, kind) and error.name in names for kind, names in _ATTRIBUTES)
    if isinstance(error, TypeError):
        *_, (_, line) = traceback.walk_tb(error.__traceback__)
        return _PRINT_TO.match(linecache.getline(file, line)) is not None
    return False


def _has_kind(value: object, kind: Any) -> bool:
    return value is kind if isinstance(kind, ModuleType) else isinstance(value, kind)
