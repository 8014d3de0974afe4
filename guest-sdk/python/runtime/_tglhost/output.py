"""sys.stdout and sys.stderr, which end at the host's `print`.

Invariant: the host gets text line by line, whatever is left of a line when a callback ends, and valid UTF-8 always.
"""

import codecs
import io
import sys

from wit_world.imports import host

PRINT_BYTES_MAX = 64 * 1024
"""The host is handed no more than this at once."""


class HostOutput(io.RawIOBase):
    """A file whose bytes, taken for UTF-8, are printed by the host."""

    def __init__(self, output: host.Output, name: str) -> None:
        self.name = name
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes) -> int:
        """Prints as much as the host takes at once, and says how many bytes that is."""
        part = bytes(data[:PRINT_BYTES_MAX])
        text = self._decoder.decode(part)
        if text:
            host.print(self._output, text)
        return len(part)


def _stream(output: host.Output, name: str) -> io.TextIOWrapper:
    raw = io.BufferedWriter(HostOutput(output, name))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)


_streams = (_stream(host.Output.STDOUT, "<stdout>"), _stream(host.Output.STDERR, "<stderr>"))


def install() -> None:
    """Puts the streams in place, and an empty input: nobody types at a script."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = _streams
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def flush() -> None:
    """Prints what is left of a line."""
    for stream in _streams:
        if not stream.closed:
            stream.flush()
