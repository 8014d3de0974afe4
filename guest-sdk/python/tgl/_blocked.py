"""Why a thread cannot be left where it waits, in the words of who wrote it.

Invariant: what is named is the script's own, or what the script has called.
"""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FrameType
from typing import Iterator, Optional

from . import _arity, _second, _steps

ENDED = (
    "thread {name!r} is ended where it waits ({place}): a script has one thread, and nothing else of it could run meanwhile, "
    "since {holder} cannot be left in the middle. Let it wait in functions and loops of the script, or start a new "
    "threading.Timer each time"
)

_IS_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def reason(name: str, thread_begins: CodeType) -> str:
    """Why the thread of this name is ended, which was begun by a function of this code."""
    frames = list(_frames(thread_begins))
    scripts = [frame for frame in frames if _steps.is_of_script(frame.f_globals.get("__name__"))]
    place = _arity.shown((scripts[0].f_code.co_filename, scripts[0].f_lineno) if scripts else None)
    others = [frame for frame in frames if not _is_second(frame) and _package(frame) != "tgl"]
    return ENDED.format(name=name, place=place, holder=_holder(others[::-1]))


def _holder(frames: list[FrameType]) -> str:
    """The first function on the way down that is no second version."""
    if not frames:
        return "what it has called"
    coroutine = next((frame for frame in frames if frame.f_code.co_flags & _IS_ASYNC), None)
    frame = coroutine or frames[0]
    name = frame.f_code.co_qualname.replace("<locals>.", "")
    if coroutine is not None:
        return f"the coroutine {name}, which should await instead,"
    if frame.f_code.co_flags & inspect.CO_GENERATOR:
        return f"the generator {name}, which the thread has not made itself,"
    if _steps.is_of_script(frame.f_globals.get("__name__")):
        return f"{name}, which the script does not call itself,"
    return f"{frame.f_globals.get('__name__')}.{name}"


def _frames(last: CodeType) -> Iterator[FrameType]:
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and frame.f_code is not last:
        yield frame
        frame = frame.f_back


def _is_second(frame: FrameType) -> bool:
    return _second.TOOLS in frame.f_code.co_freevars


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
