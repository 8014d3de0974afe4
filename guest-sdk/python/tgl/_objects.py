"""`tgl.Peer` and `tgl.Msg`: read-only views of what the host sent.

A message names its peers; what there is to know of a peer is looked up when a script first asks for more than its id.
Invariant: making one copies nothing; an attribute is worked out when it is read, and reading one never raises.
"""

from __future__ import annotations

import datetime
from typing import Any, Optional

from . import _calls, _check, _host, _records
from ._check import MsgHandle, PeerHandle
from ._guard import checked
from ._pending import Callback
from ._records import Group as RawGroup
from ._records import Message as RawMessage
from ._records import Peer as RawPeer
from ._records import SecretChat as RawSecretChat
from ._records import User as RawUser

PEER_USER, PEER_CHAT, PEER_ENCR_CHAT = 1, 2, 4

REPLY_DEPTH_MAX = 10
"""`repr` follows a chain of replies no further than this."""


class Error(Exception):
    """Known to scripts as `tgl.TglError`; never raised, as it never was."""


class PeerError(Exception):
    """There is no such peer, or the peer is not of the kind that is asked for."""


class MsgError(Exception):
    """A message cannot be made by a script."""


class Peer(PeerHandle):
    """A user, a group or a secret chat. Attributes that the kind of peer does not have are None.

    `Peer(type, id)` finds a peer that this account has seen before, by its type (`tgl.PEER_USER`, `tgl.PEER_CHAT`,
    `tgl.PEER_ENCR_CHAT`) and id; it raises PeerError where there is none. Supergroups and channels are of type
    `tgl.PEER_CHAT`, as basic groups are. Two peers are equal if their ids are.
    """

    __slots__ = ()

    def __init__(self, type: Optional[int] = None, id: Optional[int] = None) -> None:
        self._key, self._raw = _find_peer(type, id)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'tgl.Peer' is not an acceptable base type")

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Peer) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        head = f"<tgl.Peer: type={self.type_name}, id={self.id}, "
        if self.type == PEER_USER:
            return (
                f"{head}username={self.username!r}, name={self.name!r}, first_name={self.first_name!r}, "
                f"last_name={self.last_name!r}, phone={self.phone!r}>"
            )
        if self.type == PEER_ENCR_CHAT:
            return f"{head}name={self.name}, user={self.user!r}>"
        return f"{head}name={self.name}>"

    @property
    def id(self) -> int:
        """The id, unique among peers of one kind."""
        return self._key[1]

    @property
    def type(self) -> int:
        """`tgl.PEER_USER`, `tgl.PEER_CHAT` or `tgl.PEER_ENCR_CHAT`."""
        return _TYPES[self._key[0]][0]

    @property
    def type_name(self) -> str:
        """'user', 'chat' or 'secret_chat'."""
        return _TYPES[self._key[0]][1]

    @property
    def name(self) -> Optional[str]:
        """The print name, unique within the account: `First_Last`, or a group's title with '_' for blanks."""
        return self._known[RawPeer.NAME] or None

    @property
    def user_id(self) -> Optional[int]:
        """Of a user its id, of a secret chat the other side's id."""
        user = self._user_record()
        return None if user is None else user[RawUser.ID]

    @property
    def user(self) -> Optional[Peer]:
        """Of a user itself, of a secret chat the other side."""
        if self.type == PEER_USER:
            return self
        user = self._user_record()
        return None if user is None else _peer_of_user(user)

    @property
    def user_list(self) -> Optional[list[int]]:
        """Of a group the ids of its members; empty until `info` has asked for them."""
        return list(self._record[RawGroup.MEMBER_IDS]) if self.type == PEER_CHAT else None

    @property
    def user_status(self) -> Optional[dict[str, Any]]:
        """Of a user {'online': bool, 'when': datetime}: until when online, or when last seen."""
        if self.type != PEER_USER:
            return None
        online, when = self._record[RawUser.STATUS]
        return {"online": online, "when": datetime.datetime.fromtimestamp(when)}

    @property
    def phone(self) -> Optional[str]:
        """Of a user the phone number without '+', where it is known."""
        return self._record[RawUser.PHONE] if self.type == PEER_USER else None

    @property
    def username(self) -> Optional[str]:
        """Of a user or a public group, without '@'."""
        kind = self.type
        if kind == PEER_ENCR_CHAT:
            return None
        return self._record[RawUser.USERNAME if kind == PEER_USER else RawGroup.USERNAME]

    @property
    def first_name(self) -> Optional[str]:
        """Of a user."""
        return self._record[RawUser.FIRST_NAME] if self.type == PEER_USER else None

    @property
    def last_name(self) -> Optional[str]:
        """Of a user."""
        return self._record[RawUser.LAST_NAME] if self.type == PEER_USER else None

    @checked
    def send_msg(
        self, message: str, callback: Optional[Callback] = None, preview: Optional[bool] = None, reply: Optional[int] = None
    ) -> None:
        """Sends text; `reply` is the id of the message that is answered, `preview` turns a link's preview on or off.
        callback(success, msg)"""
        _calls.send_message(self, message, callback, preview, reply)

    @checked
    def fwd_msg(self, msg_id: int, callback: Optional[Callback] = None) -> None:
        """Forwards the message with this id to the peer. callback(success, msg)"""
        _calls.forward_message(self, msg_id, callback)

    @checked
    def fwd_media(self, msg_id: int, callback: Optional[Callback] = None) -> None:
        """Sends the media of the message with this id to the peer. callback(success, msg)"""
        _calls.forward_media(self, msg_id, callback)

    @checked
    def send_photo(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as a photo. callback(success, msg)"""
        _calls.send_file("send_photo", self, filename, callback)

    @checked
    def send_video(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as a video. callback(success, msg)"""
        _calls.send_file("send_video", self, filename, callback)

    @checked
    def send_audio(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as an audio track. callback(success, msg)"""
        _calls.send_file("send_audio", self, filename, callback)

    @checked
    def send_document(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as it is. callback(success, msg)"""
        _calls.send_file("send_document", self, filename, callback)

    @checked
    def send_file(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as what its type says. callback(success, msg)"""
        _calls.send_file("send_file", self, filename, callback)

    @checked
    def send_text(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file's content as a message. callback(success, msg)"""
        _calls.send_file("send_text", self, filename, callback)

    @checked
    def send_location(self, latitude: float, longitude: float, callback: Optional[Callback] = None) -> None:
        """Sends a place. callback(success, msg)"""
        _calls.send_location(self, latitude, longitude, callback)

    @checked
    def send_contact(self, phone: str, first_name: str, last_name: str, callback: Optional[Callback] = None) -> None:
        """Sends a contact's card. callback(success, msg)"""
        _calls.send_contact(self, phone, first_name, last_name, callback)

    @checked
    def send_typing(self, callback: Optional[Callback] = None) -> None:
        """Tells the peer that we are typing. callback(success)"""
        _calls.set_typing(self, True, callback)

    @checked
    def send_typing_abort(self, callback: Optional[Callback] = None) -> None:
        """Tells the peer that we stopped typing. callback(success)"""
        _calls.set_typing(self, False, callback)

    @checked
    def mark_read(self, callback: Optional[Callback] = None) -> None:
        """Marks the conversation as read. callback(success)"""
        _calls.mark_read(self, callback)

    @checked
    def get_history(self, offset: int, limit: int, callback: Optional[Callback] = None) -> None:
        """Messages of the conversation, newest first, without the `offset` newest, `limit` at most.
        callback(success, msg_list)"""
        _calls.get_history(self, offset, limit, callback)

    history = get_history

    @checked
    def msg_search(self, text: str, callback: Optional[Callback] = None) -> None:
        """Messages of the conversation that match, newest first. callback(success, msg_list)"""
        _calls.search_messages(self, text, callback)

    @checked
    def info(self, callback: Optional[Callback] = None) -> None:
        """Asks the server about the peer, a group's members included. callback(success, peer)"""
        _calls.get_peer_info("info", self, callback)

    @checked
    def rename_chat(self, title: str, callback: Optional[Callback] = None) -> None:
        """Renames the group. callback(success)"""
        self._require_chat("Only a chat peer can be renamed")
        _calls.rename_chat(self, title, callback)

    @checked
    def chat_set_photo(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sets the group's avatar. callback(success)"""
        self._require_chat("Only a chat peer can have its photo set")
        _calls.set_chat_photo(self, filename, callback)

    @checked
    def chat_add_user(self, peer: Peer, callback: Optional[Callback] = None) -> None:
        """Adds a user to the group. callback(success)"""
        self._require_chat("Only a chat peer can have users added")
        _calls.add_chat_user(self, peer, callback)

    @checked
    def chat_del_user(self, peer: Peer, callback: Optional[Callback] = None) -> None:
        """Removes a user from the group. callback(success)"""
        self._require_chat("Only a chat peer can have users removed")
        _calls.delete_chat_user(self, peer, callback)

    @property
    def _known(self) -> Any:
        """The peer's record, as the host knew it when it was first asked for."""
        if self._raw is None:
            self._raw = _look_up_peer(self._key) or _records.unknown_peer(*self._key)
        return self._raw

    @property
    def _record(self) -> Any:
        """The record of the user, group or secret chat."""
        return self._known[RawPeer.DETAILS][1]

    def _user_record(self) -> Any:
        kind = self.type
        if kind == PEER_USER:
            return self._record
        return self._record[RawSecretChat.USER] if kind == PEER_ENCR_CHAT else None

    def _require_chat(self, complaint: str) -> None:
        if self.type != PEER_CHAT:
            raise PeerError(complaint)


class Msg(MsgHandle):
    """A message, as it was when the host handed it over. Only the host makes them."""

    __slots__ = ()

    def __init__(self, *args: object, **kwargs: object) -> None:
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
        return None if source is None else _peer_named(source)

    @property
    def dest(self) -> Peer:
        """Where it was sent to: the receiving user, or the group."""
        return _peer_named(self._raw[RawMessage.DESTINATION])

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
        return _datetime_or_none(self._raw[RawMessage.DATE])

    @property
    def fwd_src(self) -> Optional[Peer]:
        """Who wrote it first, if it was forwarded."""
        forward = self._raw[RawMessage.FORWARD]
        return None if forward is None or forward.source is None else _peer_named(forward.source)

    @property
    def fwd_date(self) -> Optional[datetime.datetime]:
        """When it was first written, if it was forwarded."""
        forward = self._raw[RawMessage.FORWARD]
        return None if forward is None else _datetime_or_none(forward.date)

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
        raw = self._raw[RawMessage.ACTION]
        return raw + 2 if raw else 0

    @checked
    def load_photo(self, callback: Callback) -> None:
        """Saves the photo. callback(success, file_path)"""
        _calls.load_file("load_photo", self, callback)

    @checked
    def load_video(self, callback: Callback) -> None:
        """Saves the video. callback(success, file_path)"""
        _calls.load_file("load_video", self, callback)

    @checked
    def load_video_thumb(self, callback: Callback) -> None:
        """Saves the video's preview picture. callback(success, file_path)"""
        _calls.load_file("load_video_thumb", self, callback)

    @checked
    def load_audio(self, callback: Callback) -> None:
        """Saves the audio track. callback(success, file_path)"""
        _calls.load_file("load_audio", self, callback)

    @checked
    def load_document(self, callback: Callback) -> None:
        """Saves the file. callback(success, file_path)"""
        _calls.load_file("load_document", self, callback)

    @checked
    def load_document_thumb(self, callback: Callback) -> None:
        """Saves the file's preview picture. callback(success, file_path)"""
        _calls.load_file("load_document_thumb", self, callback)

    @checked
    def delete_msg(self, callback: Optional[Callback] = None) -> None:
        """Deletes the message. callback(success)"""
        _calls.delete_message(self.id, callback)


for _class in (Error, PeerError, MsgError, Peer, Msg):
    _class.__module__ = "tgl"


def wrap_peer(raw: Any) -> Peer:
    """A `tgl.Peer` over the host's record."""
    kind, record = raw[RawPeer.DETAILS]
    peer = _peer_named((kind, record[0]))
    peer._raw = raw
    return peer


def wrap_msg(raw: Any) -> Msg:
    """A `tgl.Msg` over the host's record."""
    msg = _new(Msg)
    msg._raw = raw
    return msg


def forget_look_ups() -> None:
    """Has peers looked up anew: those that a callback asks for stay as they are until it has ended."""
    _looked_up.clear()


_new = object.__new__

_looked_up: dict[tuple[int, int], Any] = {}
"""What the host said of peers during this callback."""

_TYPES = ((PEER_USER, "user"), (PEER_CHAT, "chat"), (PEER_CHAT, "chat"), (PEER_ENCR_CHAT, "secret_chat"))
"""type and type_name for each kind of peer that the host knows. Most groups are supergroups today, and scripts that ask for
`tgl.PEER_CHAT` mean all of them."""

_KINDS = {
    PEER_USER: (_records.USER,),
    PEER_CHAT: (_records.CHAT, _records.CHANNEL),
    PEER_ENCR_CHAT: (_records.SECRET_CHAT,),
}
"""The host's kinds of peer for each type, in the order in which they are looked up."""

_FLAG_BITS = (1, 2, 16, 256, 512, 1024, 2048, 8192)
"""telegram-cli's bit for each of the host's message flags, in their order."""

_RAW_UNREAD, _RAW_OUTGOING, _RAW_MENTION, _RAW_SERVICE = 1, 2, 4, 128


def _find_peer(type: object, id: object) -> tuple[tuple[int, int], Any]:
    """What names the peer that a script asks for, and its record."""
    _host.require()
    try:
        kinds, number = _KINDS[_check.int32(type, "type")], _check.int64(id, "id")
    except (TypeError, OverflowError):
        raise PeerError("Peer must specify type and id") from None
    except KeyError:
        raise PeerError(f"there is no peer type {type}: use tgl.PEER_USER, PEER_CHAT or PEER_ENCR_CHAT") from None
    for kind in kinds:
        key = (kind, number)
        raw = _look_up_peer(key)
        if raw is not None:
            return key, raw
    raise PeerError(f"this account has not seen a peer of type {type} with id {id}")


def _look_up_peer(key: tuple[int, int]) -> Any:
    """What the host knows of a peer; None if nothing."""
    raw = _looked_up.get(key)
    if raw is None:
        raw = _looked_up[key] = _host.lookup.get_peer(_records.peer_id(*key))
    return raw


def _peer_named(key: tuple[int, int]) -> Peer:
    """The peer with this kind and id."""
    peer = _new(Peer)
    peer._key = key
    peer._raw = None
    return peer


def _peer_of_user(user: Any) -> Peer:
    """The peer of a user's record: as the host knows it, else made of what the record says."""
    raw = _look_up_peer((_records.USER, user[RawUser.ID]))
    if raw is None:
        names = filter(None, (user[RawUser.FIRST_NAME], user[RawUser.LAST_NAME]))
        raw = ("_".join(names).replace(" ", "_"), (_records.USER, user))
    return wrap_peer(raw)


def _datetime_or_none(timestamp: int) -> Optional[datetime.datetime]:
    return datetime.datetime.fromtimestamp(timestamp) if timestamp else None


def _media(raw: Any) -> dict[str, Any]:
    """Empty texts are left out, and numbers are floats, as they were."""
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
        return {**_without_empty({"type": "contact", **names}), "user_id": float(card.user_id)}
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
