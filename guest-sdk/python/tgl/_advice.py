"""What a script's author is told once the script is loaded, where nothing else would say that it hears of nothing.

Invariant: one line at most, and none where the script does what it seems to mean.
"""

from __future__ import annotations

import difflib
import linecache
from typing import Any, Iterator, Mapping, Optional

from . import _events, _host, _pending, _tasks, _turns

NO_HANDLER = (
    "the script registers no handler, so nothing will call it: register one, for example by "
    "tgl.set_on_msg_receive(on_msg_receive)"
)
NEVER_MAIN = (
    'a script is imported, as telegram-cli did: what stands below `if __name__ == "__main__":` does not run. Move it out '
    "of there"
)

ASSIGNED_NEARNESS, DEFINED_NEARNESS = 0.6, 0.8
"""How alike a name must be to that of an event: one that is set on `tgl` can hardly mean anything else."""


def give(script: Mapping[str, Any]) -> None:
    """Looks at a script that has been loaded, and writes the first thing that seems to be wrong to its log."""
    _events.told = _tell
    advice = next(_found(script), None)
    if advice is not None:
        _host.warn(advice)


def _found(script: Mapping[str, Any]) -> Iterator[str]:
    for name in _events.strangers:
        yield from _of_assigned(name)
    for name, value in script.items():
        if name.lower().startswith("on") and callable(value) and all(value is not one for one in _events.handlers.values()):
            yield from _of_defined(name)
    if not any(_events.handlers.values()) and not _goes_on():
        yield NEVER_MAIN if _has_main(script) else NO_HANDLER


def _tell(name: str) -> None:
    """The same for a name that is set on `tgl` later."""
    for advice in _of_assigned(name):
        _host.warn(advice)


def _of_assigned(name: str) -> Iterator[str]:
    event = _event_near(name, ASSIGNED_NEARNESS)
    if event is not None and _events.handlers[event] is None:
        yield f"tgl.{name} is set, but that registers nothing: did you mean tgl.set_{event}(f), or tgl.{event} = f?"


def _of_defined(name: str) -> Iterator[str]:
    event = _event_near(name, DEFINED_NEARNESS)
    if event is None or _events.handlers[event] is not None:
        return
    if name == event:
        yield f"{name} is defined, but nothing registers it: tgl.set_{event}({name}) does"
    else:
        yield f"nothing calls {name}: did you mean {event}? tgl.set_{event}({name}) registers it as it is"


def _event_near(name: str, nearness: float) -> Optional[str]:
    """The event whose name is most like this one, or begins like it."""
    plain, events = _plain(name), {_plain(event): event for event in _events.EVENTS}
    near = difflib.get_close_matches(plain, events, 1, nearness)
    if not near and name.startswith("on") and plain:
        near = [event for event in events if event.startswith(plain)]
    return events[near[0]] if near else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").removeprefix("set").removeprefix("on").replace("message", "msg")


def _goes_on() -> bool:
    """Whether something of the script will run though it has no handler."""
    return _pending.any_left() or _tasks.any_left() or _turns.any_left()


def _has_main(script: Mapping[str, Any]) -> bool:
    return any('"__main__"' in line or "'__main__'" in line for line in linecache.getlines(script.get("__file__", "")))
