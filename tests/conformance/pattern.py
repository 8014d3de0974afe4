"""Compares what came with what a row expects.

Invariant: bools, ints and floats are told apart; a dict of expectations names what matters, a list names everything.
"""

from typing import Any, Callable


def differs(expected: Any, value: Any, at: str = "") -> str:
    """In words, where a value is not as expected; empty where it is. A function among the expectations is a test."""
    if expected is ...:
        return ""
    if callable(expected):
        return "" if expected(value) else f"{at or 'it'} is {short(value)}, not {expected.__doc__}"
    if isinstance(expected, dict) and isinstance(value, dict):
        missing = [f"{at}.{key} is missing" for key in expected if key not in value]
        inside = (differs(one, value[key], f"{at}.{key}") for key, one in expected.items() if key in value)
        return next(filter(None, [*missing, *inside]), "")
    if isinstance(expected, list) and isinstance(value, list) and len(expected) == len(value):
        return next(filter(None, (differs(*pair, f"{at}[{n}]") for n, pair in enumerate(zip(expected, value)))), "")
    same = type(expected) is type(value) and expected == value
    return "" if same else f"{at or 'it'} is {short(value)}, not {expected!r}"


def short(value: Any, length_max: int = 1000) -> str:
    """A value for a complaint."""
    text = repr(value)
    return text if len(text) <= length_max else f"{text[:length_max]}..."


def test(words: str) -> Callable[[Callable[[Any], bool]], Callable[[Any], bool]]:
    """Says in words what a test of a value wants."""

    def with_words(function: Callable[[Any], bool]) -> Callable[[Any], bool]:
        function.__doc__ = words
        return function

    return with_words


def has(**parts: Any) -> Callable[[Any], bool]:
    """A list with at least one dict that has these parts."""
    return test(f"a list with {parts}")(lambda value: any(not differs(parts, one) for one in value))


def exactly(entries: dict) -> Callable[[Any], bool]:
    """A dict with these entries and no others."""
    return test(f"exactly {entries}")(
        lambda value: isinstance(value, dict) and value.keys() == entries.keys() and not differs(entries, value)
    )


def resolved(pattern: Any, values: dict) -> Any:
    """With each "@name" replaced by the value of that name, or by the id of that peer."""
    if isinstance(pattern, str) and pattern.startswith("@"):
        value = values.get(pattern[1:])
        return value["id"] if isinstance(value, dict) else value
    if isinstance(pattern, dict):
        return {key: resolved(one, values) for key, one in pattern.items()}
    if isinstance(pattern, list):
        return [resolved(one, values) for one in pattern]
    return pattern
