"""Native extensions, which cannot run here: each way to load one says so.

Invariant: only who loads one is told; who looks for it finds its file.
"""

import importlib.machinery
import importlib.util
import os
from typing import Any, Iterator, Never, Sequence

from . import reasons

SUFFIXES = (".so", ".pyd", ".dylib")

_c_spec_from_file_location = importlib.util.spec_from_file_location


def install() -> None:
    """Puts this in place."""
    importlib.machinery.ExtensionFileLoader.create_module = _refuse  # type: ignore[method-assign]
    importlib.util.spec_from_file_location = _spec_from_file_location


def files(name: str, folders: Sequence[str]) -> Iterator[str]:
    """Files of native code that a module's name would be found in."""
    stem = name.rpartition(".")[2]
    for folder in folders:
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            if entry.startswith(f"{stem}.") and entry.endswith(SUFFIXES):
                yield f"{folder}/{entry}"


def error(name: str, file: str) -> ImportError:
    """No ModuleNotFoundError: in `from package import module` Python would take that for a missing name."""
    reason = f"{file} is a native extension, and {reasons.NO_NATIVE_CODE}"
    return ImportError(f"{name} cannot be imported: {reason}", name=name, path=file)


def _refuse(self: Any, spec: importlib.machinery.ModuleSpec) -> Never:
    raise error(spec.name, self.path)


def _spec_from_file_location(name: str, location: Any = None, **given: Any) -> Any:
    """As `importlib.util.spec_from_file_location`, which knows a machine's native files by their ending."""
    path = None if location is None else os.fspath(location)
    if isinstance(path, str) and path.endswith(SUFFIXES) and "loader" not in given:
        given["loader"] = importlib.machinery.ExtensionFileLoader(name, path)
    return _c_spec_from_file_location(name, location, **given)
