"""Formats of compression that the sandbox's Python lacks: `zipfile`, `tarfile` and `shutil` say which there are instead.

Invariant: an error keeps its class, and what it said.
"""

import functools
import shutil
import zipfile
from types import ModuleType
from typing import Any, Callable

from . import reasons, stdlib

_SUFFIXES = (".bz2", ".tbz2", ".tbz", ".xz", ".txz", ".lzma", ".zst", ".tzst")
_SHUTIL_FORMATS = ("bztar", "xztar", "zstdtar")


def install() -> None:
    """Has them say so."""
    zipfile._check_compression = _explained(zipfile._check_compression, lambda *args: True)
    for name in ("make_archive", "unpack_archive"):
        setattr(shutil, name, _explained(getattr(shutil, name), _is_lacking))
    stdlib.when_loaded.setdefault("tarfile", []).append(_explain_in_tarfile)


def _is_lacking(*args: Any, **kwargs: Any) -> bool:
    """Whether an archive is asked for in a format that is not there, by its name or its file's."""
    asked = [str(value) for value in (*args, *kwargs.values())]
    return any(value in _SHUTIL_FORMATS or value.lower().endswith(_SUFFIXES) for value in asked)


def _explained(function: Callable[..., Any], is_lacking: Callable[..., bool]) -> Callable[..., Any]:
    @functools.wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (RuntimeError, ValueError, shutil.ReadError) as error:
            if len(error.args) == 1 and is_lacking(*args, **kwargs):
                error.args = (f"{error}: {reasons.NO_COMPRESSION}",)
            raise

    return explained


def _explain_in_tarfile(module: ModuleType) -> None:
    def init(self: Exception, *args: Any) -> None:
        if args and str(args[0]).endswith("is not available"):
            self.args = (f"{args[0]}: {reasons.NO_COMPRESSION}", *args[1:])

    module.CompressionError.__init__ = init
