"""The records that every event carries, as tuples.

componentize-py calls a constructor for every record, variant, enum and set of flags that the host sends, several for one
message. With the classes it generates, those calls cost more than the rest of an event. So the constructors of the most
frequent ones are replaced by functions that give tuples and ints, and this module names the positions in them. What a guest
sends as well keeps its class here: `peer_id` makes it.

Invariant: constructors are replaced before componentize-py looks them up, that is while the component's app imports this
package; and the positions are those of wit/v0.1/types.wit, or the import fails.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from . import _host


class Message:
    """Positions in a message's record. Flags: bit n is the contract's n-th flag. Action: the number of the case."""

    ID, FLAGS, SOURCE, DESTINATION, TEXT, MEDIA, DATE, FORWARD, REPLY_TO, ACTION = range(10)


class PeerId:
    """Positions in what names a peer: its kind (`USER`...) and its id."""

    KIND, ID = range(2)


class Peer:
    """Positions in a peer's record. The details are a tuple of the kind (`USER`...) and the record of that kind."""

    NAME, DETAILS = range(2)


class User:
    """Positions in a user's record."""

    ID, FIRST_NAME, LAST_NAME, USERNAME, PHONE, STATUS = range(6)


class Group:
    """Positions in the record of a chat or channel."""

    ID, TITLE, USERNAME, MEMBER_IDS = range(4)


class SecretChat:
    """Positions in a secret chat's record."""

    ID, USER = range(2)


class UserStatus:
    """Positions in the record that tells whether a user is online."""

    ONLINE, WHEN = range(2)


USER, CHAT, CHANNEL, SECRET_CHAT = range(4)
"""The contract's kinds of peers, in its order."""

_KINDS = ("USER", "CHAT", "CHANNEL", "SECRET_CHAT")
_DETAILS = ("PeerDetails_User", "PeerDetails_Chat", "PeerDetails_Channel", "PeerDetails_SecretChat")
_SENT = "_sent_by_guests"
"""Where the classes of what a guest sends too are kept: on the module they were taken from, which may outlive this one."""


def peer_id(kind: int, id: int) -> Any:
    """What names a peer, as it is sent to the host."""
    sent_id, sent_kinds = getattr(_host.types, _SENT)
    return sent_id(sent_kinds[kind], id)


def unknown_peer(kind: int, id: int) -> tuple[Any, ...]:
    """The record of a peer that the host does not know."""
    user = (id, None, None, None, None, (False, 0))
    record = user if kind == USER else (id, user) if kind == SECRET_CHAT else (id, "", None, [])
    return ("", (kind, record))


def _replace_constructors(types: Any) -> None:
    if not hasattr(types, _SENT):
        if tuple(kind.name for kind in types.PeerKind) != _KINDS:
            raise ImportError("tgl/_records.py and wit/v0.1/types.wit differ in the kinds of peers")
        setattr(types, _SENT, (types.PeerId, tuple(types.PeerKind)))
    for positions in (Message, PeerId, Peer, User, Group, SecretChat, UserStatus):
        generated = getattr(types, positions.__name__)
        if not dataclasses.is_dataclass(generated):
            continue  # Replaced already.
        for index, field in enumerate(dataclasses.fields(generated)):
            if getattr(positions, field.name.upper(), None) != index:
                raise ImportError(f"tgl/_records.py and wit/v0.1/types.wit differ in {positions.__name__}.{field.name}")
        setattr(types, positions.__name__, _as_tuple)
    for kind, name in enumerate(_DETAILS):
        setattr(types, name, _as_details(kind))
    types.MessageFlags = types.Changes = types.ServiceAction = types.PeerKind = int


def _as_tuple(*fields: Any) -> tuple[Any, ...]:
    return fields


def _as_details(kind: int) -> Callable[[Any], tuple[int, Any]]:
    return lambda record: (kind, record)


if _host.types is not None:
    _replace_constructors(_host.types)
