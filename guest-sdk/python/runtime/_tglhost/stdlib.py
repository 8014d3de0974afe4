"""The standard library and the time zone data, kept in memory: a guest has no files of its own.

`take` runs at build time: it compiles every module it finds and keeps the compressed code. `preload` imports the modules
that most scripts use, so that importing those costs nothing at run time and the others some milliseconds, once.
Invariant: after `take`, importing any module of the standard library opens no file.
"""

import importlib
import importlib.machinery
import io
import marshal
import os
import sys
import zlib
from importlib.resources.abc import Traversable, TraversableResources
from types import CodeType, ModuleType
from typing import IO, Callable, Iterator

LEFT_OUT = {
    "__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests", "tkinter",
    "turtle", "turtledemo", "venv",
}  # fmt: skip
"""Of no use without a screen, a package index or a test run."""

IMPORTED = """
    argparse array ast asyncio base64 bisect binascii builtins calendar codecs collections collections.abc
    concurrent.futures configparser contextlib contextvars copy csv dataclasses datetime decimal difflib email.message
    ftplib imaplib poplib smtplib encodings.ascii encodings.cp1251 encodings.idna encodings.latin_1 encodings.utf_8 enum fnmatch fractions functools
    getpass glob gzip hashlib heapq hmac html html.entities html.parser importlib.util inspect io itertools json keyword
    linecache locale logging logging.handlers math multiprocessing numbers operator os pathlib pickle platform pprint queue random re
    reprlib secrets select shelve shlex shutil signal socket sqlite3 statistics string stringprep struct subprocess
    tempfile textwrap threading time timeit tokenize tomllib traceback types typing unicodedata urllib.error urllib.parse
    urllib.request uuid warnings weakref zipfile zlib zoneinfo
""".split()
"""What most scripts use."""

_modules: dict[str, tuple[bool, bytes, str]] = {}
"""For each module whether it is a package, its compressed code, and the path that its code names."""

when_loaded: dict[str, list[Callable[[ModuleType], None]]] = {}
"""What is done with a module once it is loaded."""

_data: dict[str, dict[str, bytes]] = {}
"""For each package the data files in it, compressed."""


def take() -> None:
    """Takes the standard library and tzdata from the build machine, and serves them from memory from now on."""
    _collect_modules(_folder_with("os.py"), "")
    _collect_modules(_folder_with("tzdata/__init__.py") + "/tzdata", "tzdata.")
    sys.meta_path.insert(_position_before_files(), Importer)


def preload() -> None:
    """Imports what most scripts use."""
    for name in IMPORTED:
        importlib.import_module(name)


def has(name: str) -> bool:
    """Whether a module of the standard library has this name."""
    return name in _modules or name in sys.builtin_module_names


class Importer:
    """Finds and loads the modules kept here."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Of importlib's finder protocol."""
        entry = _modules.get(name)
        if entry is None:
            return None
        spec = importlib.machinery.ModuleSpec(name, cls, origin=entry[2], is_package=entry[0])
        spec.has_location = True  # Some modules want a `__file__`, if only to know their own lines in a traceback.
        return spec

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> None:
        """Of importlib's loader protocol: an ordinary module will do."""

    @classmethod
    def exec_module(cls, module: ModuleType) -> None:
        """Of importlib's loader protocol."""
        exec(cls.get_code(module.__name__), module.__dict__)
        for finish in when_loaded.get(module.__name__, ()):
            finish(module)

    @staticmethod
    def get_code(name: str) -> CodeType:
        """The module's code; `runpy` uses this too."""
        return marshal.loads(zlib.decompress(_modules[name][1]))

    @staticmethod
    def is_package(name: str) -> bool:
        """Of importlib's inspection protocol."""
        return _modules[name][0]

    @staticmethod
    def get_source(name: str) -> None:
        """Of importlib's inspection protocol: the source is not kept."""

    @staticmethod
    def get_resource_reader(name: str) -> "_Resources":
        """What `importlib.resources` asks for."""
        return _Resources(name)


class _Resources(TraversableResources):
    """The data files of a package, as `importlib.resources` asks for them."""

    def __init__(self, package: str) -> None:
        self._package = package

    def files(self) -> "_Folder":
        return _Folder(self._package)


class _Folder(Traversable):
    """A package as a folder: its data files and the packages in it."""

    name = ""

    def __init__(self, package: str) -> None:
        self._package = package
        self.name = package.rpartition(".")[2]

    def iterdir(self) -> Iterator[Traversable]:
        prefix = self._package + "."
        for package in _data:
            if package.startswith(prefix) and "." not in package[len(prefix) :]:
                yield _Folder(package)
        for name, content in _data.get(self._package, {}).items():
            yield _File(name, content)

    def is_dir(self) -> bool:
        return True

    def is_file(self) -> bool:
        return False

    def joinpath(self, *descendants: str) -> Traversable:
        path = "/".join(descendants)
        found: Traversable = self
        for name in filter(None, path.split("/")):
            inside = [entry for entry in found.iterdir() if entry.name == name]
            if not inside:
                raise FileNotFoundError(f"{self._package} has no {path}")
            found = inside[0]
        return found

    def open(self, mode: str = "r", *args: object, **kwargs: object) -> IO:
        raise IsADirectoryError(self._package)


class _File(Traversable):
    """A data file."""

    name = ""

    def __init__(self, name: str, compressed: bytes) -> None:
        self.name = name
        self._compressed = compressed

    def iterdir(self) -> Iterator[Traversable]:
        raise NotADirectoryError(self.name)

    def is_dir(self) -> bool:
        return False

    def is_file(self) -> bool:
        return True

    def open(self, mode: str = "r", *args: object, **kwargs: object) -> IO:
        stream = io.BytesIO(zlib.decompress(self._compressed))
        return stream if "b" in mode else io.TextIOWrapper(stream, *args, **kwargs)


def _collect_modules(folder: str, prefix: str) -> None:
    """Takes the modules and packages in a folder of Python files, and the data files of tzdata."""
    package = prefix[:-1]
    for entry in sorted(os.listdir(folder)):
        path = f"{folder}/{entry}"
        name, extension = os.path.splitext(entry)
        if os.path.isdir(path):
            if entry not in LEFT_OUT and os.path.exists(f"{path}/__init__.py"):
                _collect_modules(path, f"{prefix}{entry}.")
        elif extension == ".py" and name not in LEFT_OUT:
            full_name = package if name == "__init__" else prefix + name
            _modules[full_name] = (name == "__init__", _compiled(path), path)
        elif package.partition(".")[0] == "tzdata":
            with open(path, "rb") as file:
                _data.setdefault(package, {})[entry] = zlib.compress(file.read(), 9)


def _compiled(path: str) -> bytes:
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    return zlib.compress(marshal.dumps(code), 9)


def _folder_with(file: str) -> str:
    for folder in sys.path:
        if os.path.exists(f"{folder}/{file}"):
            return folder
    raise RuntimeError(f"componentize-py finds no {file} in {sys.path}; guest-sdk/python/README.md says how to build")


def _position_before_files() -> int:
    return sys.meta_path.index(importlib.machinery.PathFinder)
