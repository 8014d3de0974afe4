"""The files that a script has open to write to: what waits in their buffers is put into them.

Invariant: the host may end a script between two callbacks without entering it, so no buffer holds anything then, unless its
file takes nothing, and that was told.
"""

import _io
import contextlib
import gc
from typing import IO, Any
from weakref import ref

from tgl import _report

_WRITING_MODES = frozenset("wax+")

_NOTE = "What the script has written to this file is not all in it."

writers: dict[ref[IO[Any]], bool] = {}
"""What `open` gave and is still there; and whether the file failed to take what was written when that was last tried."""


def remember(file: Any, mode: str) -> None:
    """Notes what `open` gave for this mode."""
    if not _WRITING_MODES.isdisjoint(mode):
        writers[ref(file, _forget)] = False


def flush() -> None:
    """Puts into the files what was written to them. Of one that fails this is told once, until it takes something again."""
    for known, is_failing in tuple(writers.items()):
        file = known()
        if file is None:
            continue
        try:
            file.flush()
        except ValueError:
            _forget(known)  # It is closed, or detached from what it wrote to.
        except Exception as error:
            writers[known] = True
            if not is_failing:
                _tell(error, file)
        else:
            writers[known] = False


def finish() -> None:
    """As Python does when a process ends: the same also for files that are made of others, as gzip's and TextIOWrapper are,
    the outer ones first."""
    for file in sorted((each for each in gc.get_objects() if issubclass(type(each), _io._IOBase)), key=_depth):
        with contextlib.suppress(Exception):
            if _depth(file) == _MADE_OF_OTHERS:
                file.close()
            else:
                file.flush()
    flush()


_TEXT, _MADE_OF_OTHERS, _BYTES = range(3)


def _depth(file: Any) -> int:
    if issubclass(type(file), _io._TextIOBase):
        return _TEXT
    is_of_bytes = issubclass(type(file), (_io.BufferedWriter, _io.BufferedRandom, _io._RawIOBase))
    return _BYTES if is_of_bytes else _MADE_OF_OTHERS


def _forget(known: ref[IO[Any]]) -> None:
    writers.pop(known, None)


def _tell(error: Exception, file: Any) -> None:
    if isinstance(error, OSError) and error.strerror and error.filename is None:
        error.filename = getattr(file, "name", None)
    error.add_note(_NOTE)
    _report.exception(error)
