"""Tells the script's author, on stderr, what went wrong.

Invariant: a report names lines of the script, never of this package, and making one never raises.
"""

from __future__ import annotations

import sys
import traceback
from types import FrameType, TracebackType
from typing import Iterator

REPORTS_LATE_MAX = 100
"""More than this many late reports of one callback are not kept, only counted."""

_late: list[str] = []
_late_lost = 0


def exception(error: BaseException) -> None:
    """Prints the traceback of what a callback raised, through `sys.excepthook`."""
    trace = outside_package(error.__traceback__)
    try:
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    except Exception:
        _write(f"{type(error).__name__} (and sys.excepthook failed to print it)\n")


def call_now(error: BaseException) -> None:
    """Prints why the call that the script is making now was refused, with the script's own stack."""
    _write(_describe_call(error))


def call_late(error: BaseException) -> None:
    """Keeps the same report until the callback that makes the call has ended."""
    global _late_lost
    if len(_late) < REPORTS_LATE_MAX:
        _late.append(_describe_call(error))
    else:
        _late_lost += 1


def flush_late() -> None:
    """Prints the reports that were kept."""
    global _late_lost
    if not _late:
        return
    reports, lost = "".join(_late), _late_lost
    _late.clear()
    _late_lost = 0
    _write(reports + (f"... and {lost} more calls with wrong arguments\n" if lost else ""))


def outside_package(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not this package's or the runtime's."""
    while trace is not None and _is_inside(trace.tb_frame):
        trace = trace.tb_next
    return trace


def _describe_call(error: BaseException) -> str:
    try:
        stack = traceback.StackSummary.extract(_script_frames())
        stack.reverse()
        lines = stack.format() + traceback.format_exception_only(error)
        return "Traceback (most recent call last):\n" + "".join(lines)
    except Exception:
        return f"{type(error).__name__}: wrong arguments\n"


def _script_frames() -> Iterator[tuple[FrameType, int]]:
    """The frames of the script, innermost first."""
    for frame, line in traceback.walk_stack(sys._getframe()):
        if not _is_inside(frame):
            yield frame, line


def _is_inside(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in ("tgl", "_tglhost")


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
    except Exception:
        pass  # The script closed or replaced its stderr; nobody is left to be told.
