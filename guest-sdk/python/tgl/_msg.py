"""`tgl.Msg`: a message, as the host handed it over.

Invariant: making one copies nothing; an attribute is worked out when it is read, and reading one never raises.
"""

from __future__ import annotations

import datetime
from typing import Any, Optional

from . import _calls, _host
from ._calls import FilePart
from ._check import MsgHandle
from ._errors import MsgError
from ._natives import Method
from ._peer import Peer, local_time, peer_named
from ._pending import Callback
from ._records import Message as RawMessage

REPLY_DEPTH_MAX = 10
"""`repr` follows a chain of replies no further than this."""


class Msg(MsgHandle):
    """A message, as it was when the host handed it over. Only the host makes them."""

    __slots__ = ()

    def __new__(cls, *args: object, **kwargs: object) -> Msg:
        raise MsgError("You cannot instantiate a tgl.Msg object, only the API can send them.")

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'tgl.Msg' is not an acceptable base type")

    def __repr__(self) -> str:
        return _describe_message(self, REPLY_DEPTH_MAX)

    @property
    def id(self) -> int:
        """The id; what `reply`, `fwd_msg` and `tgl.delete_msg` take."""
        return self._raw[RawMessage.ID]

    @property
    def flags(self) -> int:
        """telegram-cli's bits: unread 1, out 2, mention 16, created 256, pending 512, deleted 1024, encrypted 2048,
        service 8192."""
        raw = self._raw[RawMessage.FLAGS]
        return sum(bit for index, bit in enumerate(_FLAG_BITS) if raw >> index & 1)

    @property
    def mention(self) -> bool:
        """Whether it mentions us."""
        return bool(self._raw[RawMessage.FLAGS] & _RAW_MENTION)

    @property
    def out(self) -> bool:
        """Whether we sent it."""
        return bool(self._raw[RawMessage.FLAGS] & _RAW_OUTGOING)

    @property
    def unread(self) -> bool:
        """Whether it has not been read yet."""
        return bool(self._raw[RawMessage.FLAGS] & _RAW_UNREAD)

    @property
    def service(self) -> bool:
        """Whether it tells of something that happened, see `action`."""
        return bool(self._raw[RawMessage.FLAGS] & _RAW_SERVICE)

    @property
    def src(self) -> Optional[Peer]:
        """Who wrote it."""
        source = self._raw[RawMessage.SOURCE]
        return None if source is None else peer_named(source)

    @property
    def dest(self) -> Peer:
        """Where it was sent to: the receiving user, or the group."""
        return peer_named(self._raw[RawMessage.DESTINATION])

    @property
    def text(self) -> Optional[str]:
        """Its text; None for service messages and for media without text."""
        return self._raw[RawMessage.TEXT]

    @property
    def media(self) -> Optional[dict[str, Any]]:
        """What it carries beside its text: a dict with at least the key 'type'."""
        raw = self._raw[RawMessage.MEDIA]
        return None if raw is None else _media(raw)

    @property
    def date(self) -> Optional[datetime.datetime]:
        """When it was sent, in local time."""
        return _local_time_or_none(self._raw[RawMessage.DATE])

    @property
    def fwd_src(self) -> Optional[Peer]:
        """Who wrote it first, if it was forwarded."""
        forward = self._raw[RawMessage.FORWARD]
        return None if forward is None or forward.source is None else peer_named(forward.source)

    @property
    def fwd_date(self) -> Optional[datetime.datetime]:
        """When it was first written, if it was forwarded."""
        forward = self._raw[RawMessage.FORWARD]
        return None if forward is None else _local_time_or_none(forward.date)

    @property
    def reply_id(self) -> Optional[int]:
        """The id of the message it answers."""
        return self._raw[RawMessage.REPLY_TO]

    @property
    def reply(self) -> Optional[Msg]:
        """The message it answers, where the host still has it."""
        reply_to = self._raw[RawMessage.REPLY_TO]
        raw = None if reply_to is None else _host.lookup.get_message(reply_to)
        return None if raw is None else wrap_msg(raw)

    @property
    def action(self) -> int:
        """What a service message tells: one of `tgl.ACTION_*`; `tgl.ACTION_NONE` for others."""
        return _ACTIONS[self._raw[RawMessage.ACTION]]

    @Method
    def load_photo(self, callback: Callback) -> None:
        """Saves the photo. callback(success, file_path)"""
        _calls.load_file(FilePart.PHOTO, self, callback)

    @Method
    def load_video(self, callback: Callback) -> None:
        """Saves the video. callback(success, file_path)"""
        _calls.load_file(FilePart.VIDEO, self, callback)

    @Method
    def load_video_thumb(self, callback: Callback) -> None:
        """Saves the video's preview picture. callback(success, file_path)"""
        _calls.load_file(FilePart.VIDEO_THUMBNAIL, self, callback)

    @Method
    def load_audio(self, callback: Callback) -> None:
        """Saves the audio track. callback(success, file_path)"""
        _calls.load_file(FilePart.AUDIO, self, callback)

    @Method
    def load_document(self, callback: Callback) -> None:
        """Saves the file. callback(success, file_path)"""
        _calls.load_file(FilePart.DOCUMENT, self, callback)

    @Method
    def load_document_thumb(self, callback: Callback) -> None:
        """Saves the file's preview picture. callback(success, file_path)"""
        _calls.load_file(FilePart.DOCUMENT_THUMBNAIL, self, callback)

    @Method
    def delete_msg(self, callback: Optional[Callback] = None) -> None:
        """Deletes the message. callback(success)"""
        _calls.delete_message(self.id, callback)


Msg.__module__ = "tgl"


def wrap_msg(raw: Any) -> Msg:
    """A `tgl.Msg` over the host's record."""
    msg = _new(Msg)
    msg._raw = raw
    return msg


_new = object.__new__

_FLAG_BITS = (1, 2, 16, 256, 512, 1024, 2048, 8192)
"""telegram-cli's bit for each of the host's message flags, in their order."""

_ACTIONS = (0, *range(3, 23))
"""telegram-cli's number for each of the host's actions, in their order. It had two more, of chats at a place."""

_RAW_UNREAD, _RAW_OUTGOING, _RAW_MENTION, _RAW_SERVICE = 1, 2, 4, 128


def _local_time_or_none(timestamp: int) -> Optional[datetime.datetime]:
    return local_time(timestamp) if timestamp else None


def _media(raw: Any) -> dict[str, Any]:
    """Empty texts are left out, and coordinates are floats, as they were. A contact's id was a float, too, by mistake: an id is
    an int everywhere else."""
    case = type(raw).__name__
    if case == "Media_Photo":
        return _without_empty({"type": "photo", "caption": raw.value})
    if case == "Media_Document":
        return {"type": "document"}
    if case == "Media_Geo":
        return {"type": "geo", "longitude": raw.value.longitude, "latitude": raw.value.latitude}
    if case == "Media_Contact":
        card = raw.value
        names = {"phone": card.phone, "first_name": card.first_name, "last_name": card.last_name}
        return {**_without_empty({"type": "contact", **names}), "user_id": card.user_id}
    if case == "Media_WebPage":
        page = raw.value
        texts = {"url": page.url, "title": page.title, "description": page.description, "author": page.author}
        return _without_empty({"type": "webpage", **texts})
    if case == "Media_Venue":
        venue, point = raw.value, raw.value.point
        texts = {"title": venue.title, "address": venue.address, "provider": venue.provider, "venue_id": venue.id}
        return {"type": "venue", "longitude": point.longitude, "latitude": point.latitude, **_without_empty(texts)}
    return {"type": "unsupported"}


def _without_empty(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value}


def _describe_message(msg: Msg, depth: int) -> str:
    reply = msg.reply
    described = repr(reply) if reply is None else _describe_message(reply, depth - 1) if depth else "..."
    return (
        f"<tgl.Msg id={msg.id}, flags={msg.flags}, mention={msg.mention}, out={msg.out}, unread={msg.unread}, "
        f"service={msg.service}, src={msg.src!r}, dest={msg.dest!r}, text={msg.text!r}, media={msg.media!r}, "
        f"date={msg.date!r}, fwd_src={msg.fwd_src!r}, fwd_date={msg.fwd_date!r}, reply_id={msg.reply_id}, "
        f"reply={described}>"
    )
