"""`imp`, which Python 3.12 removed, by `importlib`."""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from importlib import reload as reload
from typing import IO, Any, Optional

from .. import native_code

SEARCH_ERROR, PY_SOURCE, PY_COMPILED, C_EXTENSION, PY_RESOURCE, PKG_DIRECTORY, C_BUILTIN, PY_FROZEN = range(8)

Found = tuple[Optional[IO[Any]], str, tuple[str, str, int]]


def new_module(name: str) -> types.ModuleType:
    """An empty module."""
    return types.ModuleType(name)


def load_source(name: str, pathname: str, file: object = None) -> types.ModuleType:
    """Runs a file as the module of this name."""
    return _loaded(name, importlib.machinery.SourceFileLoader(name, pathname))


def load_compiled(name: str, pathname: str, file: object = None) -> types.ModuleType:
    """Runs a compiled file as the module of this name."""
    return _loaded(name, importlib.machinery.SourcelessFileLoader(name, pathname))


def load_dynamic(name: str, path: str, file: object = None) -> types.ModuleType:
    """Says why a native extension cannot be loaded."""
    return _loaded(name, importlib.machinery.ExtensionFileLoader(name, path))


def load_package(name: str, path: str) -> types.ModuleType:
    """Runs a folder as the package of this name."""
    init = os.path.join(path, "__init__.py")
    return _loaded(name, importlib.machinery.SourceFileLoader(name, init), [path])


def find_module(name: str, path: Optional[list[str]] = None) -> Found:
    """Where a module lies: its file, opened, its path, and what it is."""
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None:
        for native in native_code.files(name, sys.path if path is None else path):
            return open(native, "rb"), native, (os.path.splitext(native)[1], "rb", C_EXTENSION)
        if path is None and importlib.util.find_spec(name) is not None:
            return None, name, ("", "", C_BUILTIN)
        raise ImportError(f"No module named {name!r}", name=name)
    if spec.submodule_search_locations is not None:
        return None, list(spec.submodule_search_locations)[0], ("", "", PKG_DIRECTORY)
    return open(str(spec.origin), encoding="utf-8"), str(spec.origin), (".py", "r", PY_SOURCE)


def load_module(name: str, file: Optional[IO[Any]], filename: str, details: tuple[str, str, int]) -> types.ModuleType:
    """Loads what `find_module` has found."""
    kind = details[2]
    if kind == PY_SOURCE:
        return load_source(name, filename)
    if kind == PY_COMPILED:
        return load_compiled(name, filename)
    if kind == C_EXTENSION:
        return load_dynamic(name, filename)
    if kind == PKG_DIRECTORY:
        return load_package(name, filename)
    return importlib.import_module(name)


def get_suffixes() -> list[tuple[str, str, int]]:
    """The endings of modules' files."""
    return [(".py", "r", PY_SOURCE), (".pyc", "rb", PY_COMPILED)]


def get_magic() -> bytes:
    """What compiled files begin with."""
    return importlib.util.MAGIC_NUMBER


def acquire_lock() -> None:
    """Imports need no lock where there is one thread."""


def release_lock() -> None:
    """Imports need no lock where there is one thread."""


def lock_held() -> bool:
    """Never."""
    return False


def is_builtin(name: str) -> int:
    """1 for a module that is part of the interpreter."""
    return int(name in sys.builtin_module_names)


def _loaded(name: str, loader: Any, folders: Optional[list[str]] = None) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, loader.path, loader=loader, submodule_search_locations=folders)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules[name]
