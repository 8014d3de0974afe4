"""The traceback of very many calls, without its middle: to read and write all of it takes longer than a callback may.

Invariant: the first and the last calls are there, and no more than CALLS_MAX in all.
"""

import itertools
import traceback
from collections import deque
from types import TracebackType
from typing import Any, Iterator

CALLS_MAX = 1000
"""More than Python's own limit makes of an endless recursion, unless the script raises it."""

_walk = traceback._walk_tb_with_full_positions


def install() -> None:
    """Has whoever formats a traceback get it so."""
    traceback._walk_tb_with_full_positions = _walk_ends


def _walk_ends(trace: TracebackType | None) -> Iterator[Any]:
    """The calls of a traceback, as the module `traceback` walks them."""
    middle = trace
    for _ in range(CALLS_MAX // 2):
        middle = None if middle is None else middle.tb_next
    last = deque(_links(middle), CALLS_MAX // 2)
    yield from itertools.islice(_walk(trace), CALLS_MAX // 2)
    if last:
        yield from _walk(last[0])


def _links(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
