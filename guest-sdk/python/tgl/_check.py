"""Checks what a script passes to a call. Each takes the value and what to name it in errors, and gives what the raw
import takes, or raises TypeError, ValueError or OverflowError.

Invariant: what these functions return is safe to lower: its type is exact, its text is valid UTF-8, its numbers fit.
"""

from __future__ import annotations

import math
import os
from typing import Any

from . import _host, _records
from ._natives import Handle

TEXT_BYTES_MAX = 512 * 1024
"""No text of a call may be longer. The host takes 2 MiB per call; Telegram's own limits are far lower."""

PEERS_MAX = 200
"""No list of peers may be longer: the host refuses a call with more, as Telegram does."""

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_UINT32_MAX = 2**32 - 1

script_folder = ""
"""Where the script came from; the runtime sets it."""


class PeerHandle(Handle):
    """The base of `tgl.Peer`: what names the peer, as the host sends it, and its record once it has been looked up."""

    __slots__ = ("_key", "_raw")
    _key: tuple[int, int]
    _raw: Any


class MsgHandle(Handle):
    """The base of `tgl.Msg`: a record that came from the host."""

    __slots__ = ("_raw",)
    _raw: Any


def text(value: object, name: str) -> str:
    """A str without NUL and lone surrogates."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {_type_name(value)}")
    if "\0" in value:
        raise ValueError(f"{name} must not contain a NUL character")
    try:
        size_bytes = len(value) if value.isascii() else len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} is not valid Unicode text: lone surrogate at position {error.start}") from None
    if size_bytes > TEXT_BYTES_MAX:
        raise ValueError(f"{name} is longer than {TEXT_BYTES_MAX} bytes")
    return str(value)


def decoded(value: object) -> object:
    """UTF-8 bytes as text, anything else as it is: module functions took both, and old scripts encode what they send."""
    return bytes(value).decode("utf-8") if isinstance(value, (bytes, bytearray)) else value


def path(value: object, name: str) -> str:
    """A file's name, made absolute: the host does not know the script's current folder. What is not there is looked for in
    the folder that the script came from; whether it is there at all is for the host to say."""
    given = text(value, name)
    here, beside = os.path.abspath(given), os.path.abspath(os.path.join(script_folder, given))
    return beside if here != beside and not os.path.exists(here) and os.path.exists(beside) else here


def int64(value: object, name: str) -> int:
    """An int of 64 bits."""
    return _integer(value, name, _INT64_MIN, _INT64_MAX)


def int32(value: object, name: str) -> int:
    """An int of 32 bits."""
    return _integer(value, name, -(2**31), 2**31 - 1)


def count(value: object, name: str) -> int:
    """An int from 0 to 2**32 - 1."""
    return _integer(value, name, 0, _UINT32_MAX)


def exit_code(value: object) -> int:
    """An int, of which the lowest byte counts, as it does for a process."""
    return _integer(value, "exit code", _INT64_MIN, _INT64_MAX) & 0xFF


def degrees(value: object, name: str) -> float:
    """A finite number."""
    if not isinstance(value, (float, int)):
        raise TypeError(f"{name} must be float, not {_type_name(value)}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, not {number}")
    return number


def peer_id(value: object, name: str = "peer") -> Any:
    """A `tgl.Peer`, as the record that names it."""
    if not isinstance(value, PeerHandle):
        raise TypeError(f"{name} must be tgl.Peer, not {_type_name(value)}")
    return _records.peer_id(*value._key)


def peer_ids(value: object, name: str) -> list[Any]:
    """A list or tuple of `tgl.Peer`, each taken once, as the records that name them."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be a list of tgl.Peer, not {_type_name(value)}")
    if not 1 <= len(value) <= PEERS_MAX:
        raise ValueError(f"{name} must hold 1 to {PEERS_MAX} peers, not {len(value)}")
    ids = [peer_id(element, f"{name}[{index}]") for index, element in enumerate(value)]
    return list({(one.kind, one.id): one for one in ids}.values())


def message_id(value: object, name: str = "msg") -> int:
    """A `tgl.Msg`, as its id."""
    if not isinstance(value, MsgHandle):
        raise TypeError(f"{name} must be tgl.Msg, not {_type_name(value)}")
    return value._raw[_records.Message.ID]


def _integer(value: object, name: str, low: int, high: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be int, not {_type_name(value)}")
    if not low <= value <= high:
        raise OverflowError(f"{name} must be from {low} to {high}, not {_shortened(value)}")
    return int(value)


def _shortened(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else "a number of more than 128 bits"


def _type_name(value: object) -> str:
    return type(value).__name__
