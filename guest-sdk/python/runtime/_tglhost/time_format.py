"""Formats of `strftime` that the component's C library does not know: it gives an empty text for all when it meets one.

Invariant: what is passed on to it holds directives that it knows, and nothing else is changed.
"""

import re
import time
from typing import Any, Callable

_DIRECTIVE = re.compile(r"%(?P<flags>[-_0^#]*)(?P<width>\d*)(?P<modifier>[EO]?)(?P<letter>[A-Za-z%+]?)")

_KNOWN = frozenset("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyY%")
"""The directives that the C library knows; those of the zone are answered here."""

_NUMBERS = frozenset("CdegGHIjmMSuUVwWyYkl")

_SAME_AS = {"l": "%I", "k": "%H", "P": "%p", "+": "%a %b %e %H:%M:%S %Z %Y"}
"""What others stand for."""


def plain(format: str, fields: Any, zone_directive: Callable[[str, Any], str]) -> str:
    """The format with those directives answered, by the C library's own."""

    def answer(match: re.Match) -> str:
        flags, width, letter = match["flags"], match["width"], match["letter"]
        if letter in "szZ" and letter:
            return _padded(zone_directive(letter, fields), flags, width, "0" if letter != "Z" else " ").replace("%", "%%")
        if letter not in _KNOWN and letter not in _SAME_AS or not letter:
            return match[0].replace("%", "%%")
        if not flags and not width and letter in _KNOWN:
            return f"%{letter}"
        return _answered(letter, flags, width, fields, zone_directive).replace("%", "%%")

    return _DIRECTIVE.sub(answer, format) if "%" in format else format


def _answered(letter: str, flags: str, width: str, fields: Any, zone_directive: Callable[[str, Any], str]) -> str:
    text = time.strftime(_SAME_AS.get(letter, f"%{letter}"), fields)
    if letter == "P":
        text = text.lower()
    if letter in _NUMBERS:
        digits = text.strip().lstrip("0") or "0"
        blank = letter in "elk"
        if "-" in flags:
            return digits
        fill = " " if "_" in flags or blank and "0" not in flags else "0"
        return digits.rjust(max(len(text), int(width or 0)), fill)
    return _padded(text, flags, width, " ")


def _padded(text: str, flags: str, width: str, fill: str) -> str:
    if "^" in flags:
        text = text.upper()
    elif "#" in flags:
        text = text.lower() if text.isupper() else text.upper()
    if "0" in flags:
        fill = "0"
    return text.rjust(int(width or 0), fill)
