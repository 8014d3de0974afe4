"""The way to the host: the raw bindings that componentize-py generates from wit/v0.1.

Invariant: no other module of this package names the bindings, and nothing reaches them unchecked: a value of the wrong
type at a raw import ends the whole instance, not only the callback.
"""

from __future__ import annotations

from typing import Any

calls: Any
host: Any
lookup: Any
types: Any

try:
    from wit_world.imports import calls, host, lookup, types
except ImportError:
    # An editor, a linter or a test of the script's author: names and signatures are there, nothing can be called.
    calls = host = lookup = types = None

LOG_LINE_CHARACTERS_MAX = 4 * 1024
"""A longer log line is cut."""


def require() -> None:
    """Raises RuntimeError where there is no host to call."""
    if calls is None:
        raise RuntimeError(
            "tgl only works inside tglhost, which runs this script in its sandbox; start it with: tglhost run SCRIPT.py"
        )


def warn(text: str) -> None:
    """Writes a warning to the script's log."""
    host.log(host.LogLevel.WARN, _one_line(text))


def inform(text: str) -> None:
    """Writes a line to the script's log."""
    host.log(host.LogLevel.INFO, _one_line(text))


def _one_line(text: str) -> str:
    """The text as one line that the host can take."""
    line = text.rstrip("\n").replace("\n", "\\n")[:LOG_LINE_CHARACTERS_MAX]
    return line.encode("utf-8", "backslashreplace").decode("utf-8")
