"""What a script gets for a module that is not there: why, and what to do instead.

Invariant: it is asked last, when nobody else has found the module; and who only asks whether a module is there is answered
as before.
"""

import difflib
import importlib
import importlib.abc
import importlib.machinery
import itertools
import os
import sys
from types import ModuleType
from typing import Any, Iterator, Optional, Sequence

from . import fcntl, native_code, reasons, stdlib
from .bygone import modules

NEARNESS = 0.8
"""How alike names are of which one may be meant by the other."""

FILES_MAX = 1000
"""Of a folder with more entries than this some are not compared."""


class MissingModules(importlib.abc.MetaPathFinder):
    """Says why a module cannot be there, or how it gets there; and brings back some that Python removed."""

    @classmethod
    def find_spec(
        cls, name: str, path: Optional[Sequence[str]] = None, target: object = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Of importlib's finder protocol."""
        module = fcntl if name == "fcntl" else modules.SHIMS.get(name)
        if name in modules.ALIASES:
            module = importlib.import_module(modules.ALIASES[name])
        if module is not None:
            return importlib.machinery.ModuleSpec(name, _Given(module), is_package=hasattr(module, "__path__"))
        if _is_only_asked():
            return None
        for file in native_code.files(name, sys.path if path is None else path):
            raise native_code.error(name, file)
        reason = _reason(name) if path is None or _is_of_python(name) else None
        if reason is not None:
            raise ModuleNotFoundError(f"No module named {name!r}: {reason}", name=name)
        return None


class _Given(importlib.abc.Loader):
    """Loads a module that is there already."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        pass


def install() -> None:
    """Puts it last."""
    sys.meta_path.append(MissingModules())  # An instance: importlib calls what the class inherits on it.
    for name, module in modules.SHIMS.items():
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                value.__module__ = name  # As errors show it.


def _is_of_python(name: str) -> bool:
    """Whether a module within a package is, or was, Python's own."""
    return name in reasons.MODULES or name in modules.PYTHON_2 or name.partition(".")[0] in modules.REMOVED


def _reason(name: str) -> Optional[str]:
    if name in reasons.MODULES:
        return reasons.MODULES[name]
    if name in modules.PYTHON_2:
        instead = modules.PYTHON_2[name]
        why_not = reasons.MODULES.get(instead.partition(".")[0], "")
        return f"it is Python 2's; Python 3 has {instead or 'nothing'} instead{why_not and f', but not here: {why_not}'}"
    top = name.partition(".")[0]
    if top in modules.REMOVED:
        version, instead = modules.REMOVED[top]
        return f"Python {version} removed it: {instead}"
    if name in sys.stdlib_module_names:
        return None
    return reasons.PACKAGES.get(name) or reasons.NOT_THERE


def hint(error: BaseException) -> str:
    """Which module of Python's or of the project's may be meant by a name that no module has: a sentence to add to an error's
    traceback, else nothing. Not for an import that a script only tries, since many names are compared."""
    if not isinstance(error, ModuleNotFoundError) or not (error.msg or "").endswith(reasons.NOT_THERE):
        return ""
    known = [module for module in sys.stdlib_module_names if stdlib.has(module) and not module.startswith("_")]
    for folder in sys.path:
        known.extend(_modules_in(folder))
    near = difflib.get_close_matches(error.name or "", known, 1, NEARNESS)
    return f"Did you mean {near[0]}?\n" if near else ""


def _modules_in(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in itertools.islice(entries, FILES_MAX):
                stem, suffix = os.path.splitext(entry.name)
                if suffix == ".py" or not suffix and entry.is_dir():
                    yield stem
    except OSError:
        pass  # A folder that cannot be listed has no module to name.


def _is_only_asked() -> bool:
    """Whether `importlib.util.find_spec` asks, which gives None for a module that is not there."""
    frame: Any = sys._getframe(2)
    while frame is not None and "importlib" in frame.f_code.co_filename:
        if frame.f_code.co_name == "find_spec" and frame.f_globals.get("__name__") == "importlib.util":
            return True
        frame = frame.f_back
    return False
