"""`distutils.util`."""

import sysconfig
from typing import Any, Callable


def strtobool(val: str) -> int:
    """1 or 0 for a word that means yes or no."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"invalid truth value {word!r}")


def get_platform() -> str:
    """The machine's kind."""
    return sysconfig.get_platform()


def execute(func: Callable[..., Any], args: tuple[Any, ...], msg: object = None, verbose: int = 0, dry_run: int = 0) -> None:
    """Calls a function, unless nothing is to be done."""
    if not dry_run:
        func(*args)
