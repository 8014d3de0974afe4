"""Brings what the host delivers to the script's handlers and callbacks. Used by the runtime, not by scripts.

Invariant: what a handler raises is printed and forgotten, except SystemExit, which goes up to the runtime and ends the script.
"""

from __future__ import annotations

import asyncio
import functools
import math
from typing import Any, Optional

from . import _events, _host, _pending, _report, _tasks, _timers, _turns
from ._events import handlers
from ._invoke import invoke
from ._msg import wrap_msg
from ._peer import looked_up, wrap_peer
from ._pending import Pending

CHANGES = (
    "created", "deleted", "phone", "contact", "photo", "blocked", "real_name", "name", "requested", "working", "flags",
    "title", "admin", "members", "access_hash", "username",
)  # fmt: skip
"""telegram-cli's word for each of the host's changes, in their order."""

_looping = False
"""Set once what was left from last time has been delivered: on_loop is called from then on."""

_on_loop: Optional[asyncio.Future] = None
"""The coroutine of on_loop that was called last."""

_origins = {event: functools.partial(_events.origin, event) for event in handlers}
"""Who calls the handler of each event."""


def our_id(id: int) -> None:
    """The account that is logged in."""
    _deliver("on_our_id", (id,))


def binlog_replay_end() -> None:
    """What was left from last time has been delivered."""
    global _looping
    _deliver("on_binlog_replay_end", ())
    _looping = True


def get_difference_end() -> None:
    """What was missed has been delivered."""
    _deliver("on_get_difference_end", ())


def message(raw: Any) -> None:
    """A message new to the account."""
    if _pending.photos:
        _pending.note_photo(raw)
    _deliver("on_msg_receive", (wrap_msg(raw),))


def user_update(raw_peer: Any, raw_changes: int) -> None:
    """A user became known or changed."""
    _deliver("on_user_update", (wrap_peer(raw_peer), _changes(raw_changes)))


def chat_update(raw_peer: Any, raw_changes: int) -> None:
    """A group became known or changed."""
    _deliver("on_chat_update", (wrap_peer(raw_peer), _changes(raw_changes)))


def secret_chat_update(raw_peer: Any, raw_changes: int) -> None:
    """A secret chat became known or changed."""
    _deliver("on_secret_chat_update", (wrap_peer(raw_peer), _changes(raw_changes)))


def completion(request_id: int, result: Any) -> None:
    """A call has come to its end, well or not."""
    _call_on_loop()
    pending = _pending.take(request_id)
    if pending is None:
        return
    if type(result).__name__ == "Err":
        _host.warn(f"{pending.name} failed: {result.value.detail or result.value.kind.name}")
        arguments = pending.signature.failure()
    else:
        arguments = pending.signature.success(_value(result.value, pending))
    if pending.callback is not None:
        invoke(pending.callback, arguments, pending.origin)


def timer() -> None:
    """The moment that the script waited for has come."""
    _timers.armed = math.inf
    _call_on_loop()


def settle() -> None:
    """What there is to do at the end of every callback: threads that were started, timers that are due, coroutines that can
    go on, late reports, the next wake-up. Most callbacks of most scripts leave nothing of this, so it is asked for in place."""
    others = bool(_turns.threads or _turns.timers or _turns.left) or _tasks.any_left()
    if others:
        _turns.run_all()
        _tasks.run_ready()
        _turns.run_all()
    if _report.late:
        _report.flush_late()
        others = True  # The script's own stderr may have started some.
    if looked_up:
        looked_up.clear()  # Peers that a callback asks for stay as they are until it has ended.
    ticking = _looping and handlers["on_loop"] is not None
    if ticking or others:
        _timers.arm(ticking, others)


def _deliver(event: str, arguments: tuple[Any, ...]) -> None:
    _call_on_loop()
    handler = handlers[event]
    if handler is not None:
        invoke(handler, arguments, _origins[event], _log_text)


def _call_on_loop() -> None:
    """Not before its coroutine has ended that was called last."""
    global _on_loop
    handler = handlers["on_loop"]
    if handler is not None and _looping and (_on_loop is None or _on_loop.done()):
        _on_loop = invoke(handler, (), _origins["on_loop"], _log_text)


def _log_text(given: object) -> None:
    """A text that a handler gives goes to the log."""
    if isinstance(given, str):
        _host.inform(f" *** python: {given}")


def _changes(raw: int) -> list[str]:
    return [word for index, word in enumerate(CHANGES) if raw >> index & 1]


def _value(outcome: Any, pending: Pending) -> Any:
    """What a callback gets for an outcome."""
    case = type(outcome).__name__
    if case == "Outcome_Done":
        return None if pending.message is None else wrap_msg(pending.message)
    value = outcome.value
    if case == "Outcome_Message":
        return wrap_msg(value)
    if case == "Outcome_Messages":
        return [wrap_msg(raw) for raw in value]
    if case == "Outcome_Peer":
        return wrap_peer(value)
    if case == "Outcome_Peers":
        return [wrap_peer(raw) for raw in value]
    if case == "Outcome_Dialogs":
        return [_dialog(raw) for raw in value]
    return value


def _dialog(raw: Any) -> dict[str, Any]:
    """The key 'message' is absent where the host does not have the message."""
    dialog = {"peer": wrap_peer(raw.peer), "unread": raw.unread_count > 0}
    if raw.last_message is not None:
        dialog["message"] = wrap_msg(raw.last_message)
    return dialog
