"""`pipes`, which Python 3.13 removed: its one function that needs no other program."""

from shlex import quote as quote
from typing import Never

from .. import reasons


def __getattr__(name: str) -> Never:
    raise AttributeError(f"module 'pipes' has no attribute {name!r} here: Python 3.13 removed it, and {reasons.NO_PROGRAMS}")
