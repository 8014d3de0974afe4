"""Loads a script as telegram-cli did: imports it under its own name.

Invariant: the script finds what it found there: `__name__` (never "__main__"), `__file__`, its folder at the end of
sys.path, its home as the current folder; and no way to the raw bindings by import.
"""

import importlib.abc
import linecache
import os
import sys
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location

from tgl import _advice, _check, _events

from . import kept_code, python_2, stdlib, thaw

_RAW_MODULES = (
    "app", "componentize_py_async_support", "componentize_py_runtime", "componentize_py_types", "poll_loop", "wit_world",
    "wit_world.exports", "wit_world.exports.callbacks", "wit_world.exports.interpreter", "wit_world.imports",
    "wit_world.imports.calls", "wit_world.imports.host", "wit_world.imports.lookup", "wit_world.imports.types",
)  # fmt: skip

_hidden: list[types.ModuleType | None] = []
"""Keeps the hidden modules: to free one would write to many pages of the snapshot, and so unshare them."""


def run(source: str, path: str) -> None:
    """Runs the script, and takes its handlers. Raises what the script raises."""
    thaw.thaw()
    _hide_raw_bindings()
    _enter_home()
    if not sys.argv:
        sys.argv.append(path)
    source = source.removeprefix("\ufeff")
    linecache.cache[path] = (len(source), None, source.splitlines(True), path)
    module = module_of(path)
    code, is_new = kept_code.compiled(source, path)
    if is_new:
        python_2.warn_of_except(source, path)
    exec(code, module.__dict__)
    _events.adopt(module.__dict__)
    _advice.give(module.__dict__)


def module_of(path: str) -> types.ModuleType:
    """The module that a script is run as, in its place."""
    folder, file = os.path.split(path)
    python_2.script_folder = folder
    _check.script_folder = folder
    OwnPackage.script_path = path
    name = file.removesuffix(".py")
    module = types.ModuleType(name)
    module.__file__ = path
    for place in (folder, project_folder(path)):
        if place and place not in sys.path:
            sys.path.append(place)
    if _is_own_package(folder, name, file):
        module.__path__ = [folder]
    if name not in sys.modules and not stdlib.has(name):
        # A script that is called as a module of the standard library must not stand in its place.
        sys.modules[name] = module
    return module


def forget(module: types.ModuleType) -> None:
    """Takes a script's module out of its place."""
    sys.path[:] = []
    del sys.modules[module.__name__]
    python_2.script_folder = _check.script_folder = OwnPackage.script_path = ""


def project_folder(path: str) -> str:
    """The folder that a script's project is seen as: the topmost of its path."""
    return "/".join(path.split("/")[:2])


def _is_own_package(folder: str, name: str, file: str) -> bool:
    """Whether `import NAME.x` means a file beside the script, because its folder has its name, as in bot/bot.py. The host
    lets a project's folder be found in itself under the name that it has outside."""
    return os.path.basename(folder) == name or os.path.isfile(os.path.join(folder, name, file))


class OwnPackage(importlib.abc.MetaPathFinder):
    """Finds the project's folder as a package of the name that it has outside, as a script does that is started from the
    folder above."""

    script_path = ""

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Of importlib's finder protocol."""
        folder, file = os.path.split(cls.script_path)
        here = os.path.join(folder, name)
        if path is not None or not file or not os.path.isfile(os.path.join(here, file)):
            return None
        init = os.path.join(here, "__init__.py")
        if os.path.isfile(init):
            return spec_from_file_location(name, init, submodule_search_locations=[folder])
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [folder]
        return spec


def _enter_home() -> None:
    """The C library of a guest starts in '/', where no file is. The host says where a script begins."""
    home = os.environ.get("PWD") or os.environ.get("HOME")
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
