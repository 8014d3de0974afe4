"""Loads a script as telegram-cli did: imports it under its own name.

Invariant: the script finds what it found there: `__name__` (never "__main__"), `__file__`, its folder at the end of
sys.path, its home as the current folder; and no way to the raw bindings by import.
"""

import linecache
import os
import re
import sys
import types

from tgl import _check, _events

from . import stdlib

PYTHON_2_HINT = (
    "This looks like Python 2, and this is Python {}.{}: convert the script, for example with `2to3 -w {}` "
    "(which comes with Python 3.12 and older), and run it again.\n"
)

_PYTHON_2_MESSAGES = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
    "invalid decimal literal",
    "inconsistent use of tabs and spaces",
    "multiple exception types must be parenthesized",
    "Function parameters cannot be parenthesized",
    "Lambda expression parameters cannot be parenthesized",
)

_PYTHON_2_LINE = re.compile(r"^\s*(print\s+[^=(\s]|print\s*>>|exec\s+[\"'\w]|raise\s+\w+\s*,)|<>|`|\bur['\"]|\b(0[xX][\da-fA-F]+|\d+)[lL]\b")

_PYTHON_2_EXCEPT = re.compile(r"^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*([a-z]\w*)[ \t]*:", re.MULTILINE)
"""Python 3.14 takes this for two types of exceptions."""

_RAW_MODULES = (
    "app", "componentize_py_async_support", "componentize_py_runtime", "componentize_py_types", "poll_loop", "wit_world",
    "wit_world.exports", "wit_world.exports.callbacks", "wit_world.exports.interpreter", "wit_world.imports",
    "wit_world.imports.calls", "wit_world.imports.host", "wit_world.imports.lookup", "wit_world.imports.types",
)  # fmt: skip

_hidden: list[types.ModuleType | None] = []
"""Keeps the hidden modules: to free one would write to many pages of the snapshot, and so unshare them."""


def run(source: str, path: str) -> None:
    """Runs the script, and takes its handlers. Raises what the script raises."""
    _hide_raw_bindings()
    _enter_home()
    if not sys.argv:
        sys.argv.append(path)
    source = source.removeprefix("\ufeff")
    linecache.cache[path] = (len(source), None, source.splitlines(True), path)
    module = _module(path)
    code = compile(source, path, "exec", dont_inherit=True)
    _warn_of_python_2_except(source, path)
    exec(code, module.__dict__)
    _events.adopt(module.__dict__)


def python_2_hint(error: BaseException, path: str) -> str:
    """A sentence to add to a SyntaxError that is one because the script is Python 2; empty for others."""
    if not isinstance(error, SyntaxError) or error.filename != path:
        return ""
    if not str(error.msg).startswith(_PYTHON_2_MESSAGES) and not _PYTHON_2_LINE.search(error.text or ""):
        return ""
    return PYTHON_2_HINT.format(*sys.version_info[:2], os.path.basename(path))


def _warn_of_python_2_except(source: str, path: str) -> None:
    found = _PYTHON_2_EXCEPT.search(source) if "except" in source else None
    if found is not None:
        line, name = source.count("\n", 0, found.start()) + 1, found[1]
        sys.stderr.write(
            f"{path}, line {line}: `except X, {name}:` is Python 2; this Python takes {name} for a second type of exception. "
            f"Write `except X as {name}:`.\n"
        )


def _module(path: str) -> types.ModuleType:
    folder, file = os.path.split(path)
    _check.script_folder = folder
    name = file.removesuffix(".py")
    module = types.ModuleType(name)
    module.__file__ = path
    if folder and folder not in sys.path:
        sys.path.append(folder)
    if name not in sys.modules and not stdlib.has(name):
        # A script that is called as a module of the standard library must not stand in its place.
        sys.modules[name] = module
    return module


def _enter_home() -> None:
    """The C library of a guest starts in '/', which is not a folder here."""
    home = os.environ.get("HOME")
    if home:
        try:
            os.chdir(home)
        except OSError:
            pass  # The host gave no home; relative names fail where they are used.


def _hide_raw_bindings() -> None:
    """None in sys.modules makes an import fail. Not to be done earlier: componentize-py imports them after app.py."""
    for name in _RAW_MODULES:
        _hidden.append(sys.modules.get(name))
        sys.modules[name] = None
