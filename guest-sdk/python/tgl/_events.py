"""Who is called when something happens.

Invariant: each event has one handler at most. `tgl.set_on_x(f)` goes before `tgl.on_x = f`, and functions of the script
that are merely named on_x are taken only where a script used neither.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

Handler = Callable[..., object]

EVENTS = (
    "on_binlog_replay_end",
    "on_get_difference_end",
    "on_our_id",
    "on_msg_receive",
    "on_user_update",
    "on_chat_update",
    "on_secret_chat_update",
    "on_loop",
)

handlers: dict[str, Optional[Handler]] = dict.fromkeys(EVENTS)
"""The handler of each event, None where there is none."""

_set_by_function: set[str] = set()


def register(name: str, handler: object) -> None:
    """`tgl.set_on_x(handler)`: raises TypeError if it cannot be called."""
    handlers[name] = _callable(handler)
    _set_by_function.add(name)


def assign(name: str, handler: object) -> None:
    """`tgl.on_x = handler`, None to unset it: raises TypeError if it cannot be called."""
    handler = None if handler is None else _callable(handler)
    if name not in _set_by_function:
        handlers[name] = handler


def adopt(script: Mapping[str, Any]) -> None:
    """Takes functions of the script by their names, if it has registered none in another way."""
    if any(handlers.values()):
        return
    for name in EVENTS:
        if callable(script.get(name)):
            handlers[name] = script[name]


def _callable(handler: object) -> Handler:
    if not callable(handler):
        raise TypeError("parameter must be callable")
    return handler
