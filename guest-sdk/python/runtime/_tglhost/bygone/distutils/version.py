"""`distutils.version`: versions that compare."""

import functools
import re
from typing import Any, Optional


@functools.total_ordering
class Version:
    """The base of the others. A text is taken for a version."""

    version: Any = ()

    def __init__(self, vstring: Optional[str] = None) -> None:
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Takes a version from its text."""
        raise NotImplementedError

    def _key(self) -> Any:
        return self.version

    def __eq__(self, other: object) -> bool:
        other = self._taken(other)
        return NotImplemented if other is NotImplemented else self._key() == other._key()

    def __lt__(self, other: object) -> bool:
        other = self._taken(other)
        return NotImplemented if other is NotImplemented else self._key() < other._key()

    def _taken(self, other: object) -> Any:
        if isinstance(other, str):
            return type(self)(other)
        return other if isinstance(other, type(self)) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__} ('{self}')"


class LooseVersion(Version):
    """Any text: its numbers count as numbers."""

    _COMPONENT = re.compile(r"\d+|[a-z]+|\.", re.IGNORECASE)

    def parse(self, vstring: str) -> None:
        """Takes a version from its text."""
        self.vstring = vstring
        parts = (part for part in self._COMPONENT.findall(vstring) if part != ".")
        self.version = [int(part) if part.isdigit() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring


class StrictVersion(Version):
    """Two or three numbers, and at most one letter and number for what came before them: 1.2, 1.2.3, 1.2a1."""

    prerelease: Optional[tuple[str, int]] = None
    _FORM = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)

    def parse(self, vstring: str) -> None:
        """Takes a version from its text."""
        found = self._FORM.fullmatch(vstring)
        if found is None:
            raise ValueError(f"invalid version number '{vstring}'")
        major, minor, patch, letter, number = found.groups()
        self.version = (int(major), int(minor), int(patch or 0))
        self.prerelease = (letter, int(number)) if letter else None

    def _key(self) -> Any:
        return self.version, self.prerelease or ("c", 0)  # After "a" and "b".

    def __str__(self) -> str:
        numbers = self.version if self.version[2] else self.version[:2]
        return ".".join(map(str, numbers)) + ("".join(map(str, self.prerelease)) if self.prerelease else "")
