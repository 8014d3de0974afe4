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

    def __init__(self, output: host.Output, name: str, number: int) -> None:
        self.name = name
        self._output = output
        self._number = number
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The number of WASI's own stream, which ends at the same place."""
        return self._number

    def write(self, data: bytes) -> int:
        """Prints all of it."""
        view = memoryview(data)
        for start in range(0, len(view), PRINT_BYTES_MAX):
            text = self._decoder.decode(view[start : start + PRINT_BYTES_MAX])
            if text:
                host.print(self._output, text)
        return len(view)


class _NoInput(io.BytesIO):
    """Nothing to read."""

    name = "<stdin>"

    def fileno(self) -> int:
        """The number of WASI's own stream, which is empty too."""
        return 0


class HostStream(io.TextIOWrapper):
    """Text that is printed by line."""

    def __init__(self, output: host.Output, name: str, number: int) -> None:
        raw = HostOutput(output, name, number)
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)

    def write(self, text: str) -> int:
        """Prints the lines that are complete."""
        global _is_pending
        _is_pending = True
        return super().write(text)


_is_pending = False
"""Whether something was written since the last flush, of which a part of a line may be left."""

_stdout, _stderr = HostStream(host.Output.STDOUT, "<stdout>", 1), HostStream(host.Output.STDERR, "<stderr>", 2)


def install() -> None:
    """Puts the streams in place, and an empty input: nobody types at a script."""
    sys.stdout = sys.__stdout__ = _stdout
    sys.stderr = sys.__stderr__ = _stderr
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(_NoInput(), encoding="utf-8")


def flush() -> None:
    """Prints what is left of a line. Never raises."""
    try:
        if not _is_pending and sys.stdout is _stdout and sys.stderr is _stderr:
            return
    except AttributeError:
        pass  # The script deleted one of them.
    _flush_all()


def _flush_all() -> None:
    """Flushes our streams, and those that the script put in their place."""
    global _is_pending
    _is_pending = False
    for stream in (getattr(sys, "stdout", None), getattr(sys, "stderr", None), _stdout, _stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # The script closed it, or what it put in its place is no stream.
