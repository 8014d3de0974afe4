"""Who is called when something happens.

Invariant: each event has one handler at most. `tgl.set_on_x(f)` goes before `tgl.on_x = f`, and functions of the script
that are merely named on_x are taken only where a script used neither.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

from . import _arity, _generators, _report

Handler = Callable[..., object]

EVENTS: dict[str, tuple[str, ...]] = {
    "on_binlog_replay_end": (),
    "on_get_difference_end": (),
    "on_our_id": ("our_id",),
    "on_msg_receive": ("msg",),
    "on_user_update": ("peer", "what_changed"),
    "on_chat_update": ("peer", "what_changed"),
    "on_secret_chat_update": ("peer", "what_changed"),
    "on_loop": (),
}
"""What each event's handler is called with."""

handlers: dict[str, Optional[Handler]] = dict.fromkeys(EVENTS)
"""The handler of each event, None where there is none."""

places: dict[str, tuple[str, int] | None] = {}
"""The file and the line where each handler was registered."""

strangers: list[str] = []
"""Names that the script has set on `tgl` and that nobody reads."""

told: Callable[[str], None] = strangers.append
"""What is done with one more of them."""

_set_by_function: set[str] = set()


def register(name: str, handler: object) -> None:
    """`tgl.set_on_x(handler)`: raises TypeError if it cannot be called."""
    handlers[name] = _callable(handler)
    _generators.warn_of(handler)
    places[name] = _report.script_place()
    _set_by_function.add(name)


def assign(name: str, handler: object) -> None:
    """`tgl.on_x = handler`, None to unset it: raises TypeError if it cannot be called."""
    handler = None if handler is None else _callable(handler)
    if name not in _set_by_function:
        handlers[name] = handler
        _generators.warn_of(handler)
        places[name] = _report.script_place()


def adopt(script: Mapping[str, Any]) -> None:
    """Takes functions of the script by their names, if it has registered none in another way."""
    if any(handlers.values()):
        return
    for name in EVENTS:
        if callable(script.get(name)):
            handlers[name] = script[name]
            _generators.warn_of(script[name])


def origin(name: str) -> str:
    """Who calls the handler, and since where."""
    registered = f"; registered: {_arity.shown(places[name])}" if places.get(name) else ""
    return f"tgl calls it as {name}({', '.join(EVENTS[name])}){registered}"


def _callable(handler: object) -> Handler:
    if not callable(handler):
        raise TypeError("parameter must be callable")
    return handler
