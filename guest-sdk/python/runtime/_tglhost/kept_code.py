"""The compiled code of a script and of the modules beside it, kept in the private folder: what has not changed is not compiled
again, and what the compiler warns of is said once.

Invariant: code is kept under the digest of what it was made of; and where nothing can be kept everything is as without.
"""

import hashlib
import importlib.machinery
import importlib.util
import io
import marshal
import os
import sys
import warnings
from types import CodeType
from typing import Any

from . import python_2

FOLDER = ".cache/python"
"""In the private folder."""

SOURCE_BYTES_MIN = 2048
"""To compile less than this takes no longer than to read what was kept, so it is only kept, and looked for, if it was warned
of."""

CODE_BYTES_MAX = 1 << 20
"""Larger code is not kept."""

FILES_MAX = 256
"""When so many are kept they are all dropped: most are of versions that have gone."""

_DIGEST_BYTES = 32


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Loads a module beside a script."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        path = self.get_filename(fullname)
        data = self.get_data(path)
        code, is_new = compiled(data, path)
        if is_new:
            python_2.warn_of_except(importlib.util.decode_source(data), path)
        return code


def install() -> None:
    """Has modules loaded by the loader above."""
    loaders = ((SourceLoader, importlib.machinery.SOURCE_SUFFIXES), (importlib.machinery.SourcelessFileLoader, [".pyc"]))
    sys.path_hooks[-1] = importlib.machinery.FileFinder.path_hook(*loaders)


def compiled(source: str | bytes, path: str) -> tuple[CodeType, bool]:
    """The code of a source, and whether it was compiled just now. What a source declares of its encoding holds for bytes;
    a text has been read already."""
    kind, data = (b"text", source.encode(errors="surrogatepass")) if isinstance(source, str) else (b"file", source)
    is_small = len(data) < SOURCE_BYTES_MIN
    place = "" if is_small else _place(kind, path, data)
    kept = _kept(place)
    if kept is not None:
        return kept, False
    with warnings.catch_warnings(record=True) as said:
        code = compile(source, path, "exec", dont_inherit=True)
    if said and is_small:
        place = _place(kind, path, data)
        if _kept(place) is not None:
            return code, False
    for each in said:
        warnings.showwarning(each.message, each.category, each.filename, each.lineno)
    if place:
        _keep(place, code)
    return code, True


def _place(kind: bytes, path: str, data: bytes) -> str:
    """Where the code of this source is kept; nowhere without a private folder."""
    digest = hashlib.sha256(b"\0".join((importlib.util.MAGIC_NUMBER, kind, os.fsencode(path), data))).hexdigest()
    home = os.environ.get("HOME")
    return os.path.join(home, FOLDER, digest) if home else ""


def _kept(place: str) -> CodeType | None:
    if not place:
        return None
    try:
        # `open` would look for what to say of a file that is not there.
        with io.FileIO(place) as file:
            content = file.readall()
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != digest:
            return None
        code: Any = marshal.loads(data)
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def _keep(place: str, code: CodeType) -> None:
    data = marshal.dumps(code)
    if len(data) > CODE_BYTES_MAX:
        return
    folder = os.path.dirname(place)
    try:
        os.makedirs(folder, exist_ok=True)
        there = os.listdir(folder)
        for name in there if len(there) >= FILES_MAX else ():
            os.unlink(os.path.join(folder, name))
        with open(f"{place}.new", "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        os.replace(f"{place}.new", place)
    except OSError:
        pass  # There is no room: it is compiled again next time.
