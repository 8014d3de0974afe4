"""Tells the script's author, on stderr, what went wrong.

Invariant: a report names lines of the script, never of this package, and making one never raises.
"""

from __future__ import annotations

import sys
import traceback
from types import FrameType, TracebackType
from typing import Callable, Iterator

REPORTS_LATE_MAX = 100
"""More than this many late reports of one callback are not kept, only counted."""

TRACEBACK_CHARACTERS_MAX = 64 * 1024
"""Of a longer traceback the middle is left out."""

_INSIDE = ("tgl", "_tglhost")
"""The packages whose lines are none of the script's."""

late: list[str] = []
"""The reports that wait for the end of the callback."""

_late_lost = 0

hint: Callable[[BaseException], str] = lambda error: ""
"""What is said of an error after its traceback. The runtime puts it in place."""


def exception(error: BaseException) -> None:
    """Prints the traceback of what a callback raised, or has the script's own `sys.excepthook` print it."""
    if not is_told_by_hook(error):
        write(described(error))


def is_told_by_hook(error: BaseException) -> bool:
    """Has the script's own `sys.excepthook` tell of an error; False where there is none. If the hook itself fails, that is told
    here, with the error."""
    hook = getattr(sys, "excepthook", sys.__excepthook__)
    if hook is sys.__excepthook__:
        return False
    try:
        hook(type(error), error, outside_package(error.__traceback__))
    except Exception as failure:
        failure.__context__ = None
        write(f"Error in sys.excepthook:\n{described(failure)}\nOriginal exception was:\n{described(error)}")
    return True


def described(error: BaseException) -> str:
    """The traceback, without the frames of this package and the runtime, as text that the host can take."""
    try:
        lines = traceback.format_exception(type(error), error, outside_package(error.__traceback__))
        text = "".join(lines) + hint(error)
    except Exception:
        return f"{type(error).__name__} (and its traceback cannot be printed)\n"
    if len(text) > TRACEBACK_CHARACTERS_MAX:
        half = TRACEBACK_CHARACTERS_MAX // 2
        text = f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def call_now(error: BaseException) -> None:
    """Prints why the call that the script is making now was refused, with the script's own stack."""
    write(_describe_call(error))


def call_late(error: BaseException) -> None:
    """Keeps the same report until the callback that makes the call has ended."""
    global _late_lost
    if len(late) < REPORTS_LATE_MAX:
        late.append(_describe_call(error))
    else:
        _late_lost += 1


def flush_late() -> None:
    """Prints the reports that were kept."""
    global _late_lost
    reports, lost = "".join(late), _late_lost
    late.clear()
    _late_lost = 0
    write(reports + (f"... and {lost} more calls with wrong arguments\n" if lost else ""))


def script_place() -> tuple[str, int] | None:
    """The file and the line that the script is at."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _package(frame) in _INSIDE:
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def write(text: str) -> None:
    """Writes to stderr."""
    try:
        sys.stderr.write(text)
    except Exception:
        pass  # The script closed or replaced its stderr; nobody is left to be told.


def _describe_call(error: BaseException) -> str:
    try:
        stack = traceback.StackSummary.extract(list(_script_frames()))
        stack.reverse()
        lines = stack.format() + traceback.format_exception_only(error)
        return "Traceback (most recent call last):\n" + "".join(lines)
    except Exception:
        return f"{type(error).__name__}: wrong arguments\n"


def _script_frames() -> Iterator[tuple[FrameType, int]]:
    """The frames of the script, innermost first: those between this package and the runtime's export."""
    for frame, line in traceback.walk_stack(sys._getframe()):
        package = _package(frame)
        if package == "_tglhost":
            return
        if package not in ("tgl", "asyncio"):
            yield frame, line


def outside_package(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that are this package's or the runtime's."""
    while trace is not None and _is_inside(trace.tb_frame):
        trace = trace.tb_next
    at = trace
    while at is not None:
        after = at.tb_next
        # An endless recursion has very many frames of one module.
        while after is not None and after.tb_frame.f_globals is not at.tb_frame.f_globals and _is_inside(after.tb_frame):
            after = at.tb_next = after.tb_next
        at = after
    return trace


def _is_inside(frame: FrameType) -> bool:
    return _package(frame) in _INSIDE


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
