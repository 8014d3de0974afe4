"""Calls that are under way, each with the callback that waits for it.

Invariant: a callback is called at most once, and never inside the call that it belongs to. The table is as bounded as the
host's own: the host completes a call beyond its limit with an error.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, Callable, Optional

from . import _arity, _report
from ._records import Message

Callback = Callable[..., object]
"""What a script passes to be called back; `Signature` lists what with."""


class Signature(enum.Enum):
    """What a callback is called with, by telegram-cli's names for them."""

    EMPTY = ("success",)
    PEER_LIST = ("success", "peer_list")
    DIALOG_LIST = ("success", "dialog_list")
    MSG_LIST = ("success", "msg_list")
    MSG = ("success", "msg")
    PEER = ("success", "peer")
    FILE = ("success", "file_path")
    STRING = ("success", "string")

    def failure(self) -> tuple[Any, ...]:
        """The arguments that tell of a failure."""
        if self is Signature.EMPTY:
            return (False,)
        return (False, [] if self.value[1].endswith("_list") else None)

    def success(self, value: Any) -> tuple[Any, ...]:
        """The arguments that tell of a success."""
        return (True,) if self is Signature.EMPTY else (True, value)


@dataclasses.dataclass(slots=True)
class Pending:
    """A call that is under way."""

    name: str
    signature: Signature
    callback: Optional[Callback]
    place: Optional[tuple[str, int]]
    """Where the script made the call; None if it wants no callback."""
    chat: Optional[tuple[int, int]] = None
    """The group whose new photo is to be told of."""
    message: Any = None
    """The message that told of it."""

    def origin(self) -> str:
        """Who calls the callback, and since where."""
        return f"{self.name} calls it as callback({', '.join(self.signature.value)}); called: {_arity.shown(self.place)}"


_pending: dict[int, Pending] = {}

is_draining = False
"""Whether the script is to end once no call is under way any more."""

photos: list[Pending] = []
"""The calls that set a group's photo and whose callbacks want the message that tells of it."""

_EDIT_PHOTO, _OUTGOING = 3, 2
"""The contract's number and flag of an own message that tells of a new photo."""


def add(
    request_id: int, name: str, signature: Signature, callback: Optional[Callback], chat: Optional[tuple[int, int]] = None
) -> None:
    """Notes that the call `name` is under way."""
    place = None if callback is None else _report.script_place()
    pending = Pending(name, signature, callback, place, chat)
    _pending[request_id] = pending
    if chat is not None:
        photos.append(pending)


def note_photo(raw: Any) -> None:
    """Keeps a message that tells of a group's new photo for the call that set it: the host's completion does not carry it."""
    if raw[Message.ACTION] == _EDIT_PHOTO and raw[Message.FLAGS] & _OUTGOING:
        for pending in photos:
            if pending.message is None and pending.chat == raw[Message.DESTINATION]:
                pending.message = raw
                return


def take(request_id: int) -> Optional[Pending]:
    """The call, once; None if there is no such call."""
    pending = _pending.pop(request_id, None)
    if pending is not None and pending.chat is not None:
        photos.remove(pending)
    return pending


def drain() -> None:
    """The script ends with the last of its calls."""
    global is_draining
    is_draining = True


def any_under_way() -> bool:
    """Whether a call is still to be completed."""
    return bool(_pending)


def any_left() -> bool:
    """Whether a callback is still to be called."""
    return any(pending.callback is not None for pending in _pending.values())
