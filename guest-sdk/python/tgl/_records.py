"""The records that every event carries, as tuples.

componentize-py calls a constructor for every record, variant and set of flags that the host sends, a dozen for one message.
With the classes it generates, those calls cost more than the rest of an event. So the constructors of the most frequent
ones are replaced by functions that give tuples, and this module names the positions in them.

Invariant: only what the host sends and a guest never does is replaced, before componentize-py looks the constructors up,
that is while the component's app imports this package; and the positions are those of wit/v0.1/types.wit, or the import fails.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from . import _host


class Message:
    """Positions in a message's record. Flags: bit n is the contract's n-th flag. Action: the number of the case."""

    ID, FLAGS, SOURCE, DESTINATION, TEXT, MEDIA, DATE, FORWARD, REPLY_TO, ACTION = range(10)


class Peer:
    """Positions in a peer's record. The details are a tuple of the case's name (`USER`...) and its record."""

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


USER, CHAT, CHANNEL, SECRET_CHAT = "USER", "CHAT", "CHANNEL", "SECRET_CHAT"
"""The cases of a peer's details, named as the contract's kinds of peers are."""

_DETAILS = {
    "PeerDetails_User": USER,
    "PeerDetails_Chat": CHAT,
    "PeerDetails_Channel": CHANNEL,
    "PeerDetails_SecretChat": SECRET_CHAT,
}


def make_peer(name: str, kind: str, record: tuple[Any, ...]) -> tuple[Any, ...]:
    """A peer's record, as the host would send it."""
    return (name, (kind, record))


def _replace_constructors(types: Any) -> None:
    for positions in (Message, Peer, User, Group, SecretChat, UserStatus):
        generated = getattr(types, positions.__name__)
        if not dataclasses.is_dataclass(generated):
            continue  # Replaced already.
        for index, field in enumerate(dataclasses.fields(generated)):
            if getattr(positions, field.name.upper(), None) != index:
                raise ImportError(f"tgl/_records.py and wit/v0.1/types.wit differ in {positions.__name__}.{field.name}")
        setattr(types, positions.__name__, _as_tuple)
    for name, case in _DETAILS.items():
        setattr(types, name, _as_case(case))
    types.MessageFlags = types.Changes = types.ServiceAction = int


def _as_tuple(*fields: Any) -> tuple[Any, ...]:
    return fields


def _as_case(case: str) -> Callable[[Any], tuple[str, Any]]:
    return lambda record: (case, record)


if _host.types is not None:
    _replace_constructors(_host.types)
