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
        """Prints all of it."""
        view = memoryview(data)
        for start in range(0, len(view), PRINT_BYTES_MAX):
            text = self._decoder.decode(view[start : start + PRINT_BYTES_MAX])
            if text:
                host.print(self._output, text)
        return len(view)


class HostStream(io.TextIOWrapper):
    """Text that is printed by line. `is_pending` tells whether a part of a line may be left."""

    is_pending = False

    def __init__(self, output: host.Output, name: str) -> None:
        raw = HostOutput(output, name)
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)

    def write(self, text: str) -> int:
        """Prints the lines that are complete."""
        self.is_pending = True
        return super().write(text)

    def flush(self) -> None:
        """Prints what is left of a line."""
        self.is_pending = False
        super().flush()


_stdout, _stderr = HostStream(host.Output.STDOUT, "<stdout>"), HostStream(host.Output.STDERR, "<stderr>")


def install() -> None:
    """Puts the streams in place, and an empty input: nobody types at a script."""
    sys.stdout = sys.__stdout__ = _stdout
    sys.stderr = sys.__stderr__ = _stderr
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def flush() -> None:
    """Prints what is left of a line, also where a script put a stream of its own in place. Never raises."""
    stdout, stderr = getattr(sys, "stdout", None), getattr(sys, "stderr", None)
    if stdout is _stdout and stderr is _stderr and not stdout.is_pending and not stderr.is_pending:
        return
    for stream in (stdout, stderr, _stdout, _stderr):
        try:
            stream.flush()
        except Exception:
            pass  # The script closed it, or what it put in its place is no stream.
