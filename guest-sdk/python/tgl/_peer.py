"""`tgl.Peer`: a user, a group or a secret chat, as the host knows it.

What there is to know of a peer is looked up when a script first asks for more than its id. Invariant: making one copies
nothing; an attribute is worked out when it is read, and reading one never raises.
"""

from __future__ import annotations

import datetime
from typing import Any, Optional

from . import _calls, _check, _host, _records
from ._calls import FileKind
from ._check import PeerHandle
from ._errors import PeerError, UnknownPeer
from ._natives import Method
from ._pending import Callback
from ._records import Group as RawGroup
from ._records import Peer as RawPeer
from ._records import SecretChat as RawSecretChat
from ._records import User as RawUser

PEER_USER, PEER_CHAT, PEER_ENCR_CHAT = 1, 2, 4


class Peer(PeerHandle):
    """A user, a group or a secret chat. Attributes that the kind of peer does not have are None.

    `Peer(type, id)` finds a peer that this account has seen before, by its type (`tgl.PEER_USER`, `tgl.PEER_CHAT`,
    `tgl.PEER_ENCR_CHAT`) and id; it raises PeerError where there is none (which is a
    SystemError too: the original raised that). Supergroups and channels are of type
    `tgl.PEER_CHAT`, as basic groups are. Two peers are equal if their ids are.
    """

    __slots__ = ()

    def __new__(cls, type: Optional[int] = None, id: Optional[int] = None) -> Peer:
        peer = _new(cls)
        peer._key, peer._raw = _find_peer(type, id)
        return peer

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
        return {"online": online, "when": local_time(when)}

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

    @Method
    def send_msg(
        self, message: str, callback: Optional[Callback] = None, preview: Optional[bool] = None, reply: Optional[int] = None
    ) -> None:
        """Sends text; `reply` is the id of the message that is answered, `preview` turns a link's preview on or off.
        callback(success, msg)"""
        _calls.send_message(self, message, callback, preview, reply)

    @Method
    def fwd_msg(self, msg_id: int, callback: Optional[Callback] = None) -> None:
        """Forwards the message with this id to the peer. callback(success, msg)"""
        _calls.forward_message(self, msg_id, callback)

    @Method
    def fwd_media(self, msg_id: int, callback: Optional[Callback] = None) -> None:
        """Sends the media of the message with this id to the peer. callback(success, msg)"""
        _calls.forward_media(self, msg_id, callback)

    @Method
    def send_photo(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as a photo. callback(success, msg)"""
        _calls.send_file(FileKind.PHOTO, self, filename, callback)

    @Method
    def send_video(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as a video. callback(success, msg)"""
        _calls.send_file(FileKind.VIDEO, self, filename, callback)

    @Method
    def send_audio(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as an audio track. callback(success, msg)"""
        _calls.send_file(FileKind.AUDIO, self, filename, callback)

    @Method
    def send_document(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as it is. callback(success, msg)"""
        _calls.send_file(FileKind.DOCUMENT, self, filename, callback)

    @Method
    def send_file(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file as what its type says. callback(success, msg)"""
        _calls.send_file(FileKind.DETECT, self, filename, callback)

    @Method
    def send_text(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sends a file's content as a message. callback(success, msg)"""
        _calls.send_file(FileKind.TEXT, self, filename, callback)

    @Method
    def send_location(self, latitude: float, longitude: float, callback: Optional[Callback] = None) -> None:
        """Sends a place. callback(success, msg)"""
        _calls.send_location(self, latitude, longitude, callback)

    @Method
    def send_contact(self, phone: str, first_name: str, last_name: str, callback: Optional[Callback] = None) -> None:
        """Sends a contact's card. callback(success, msg)"""
        _calls.send_contact(self, phone, first_name, last_name, callback)

    @Method
    def send_typing(self, callback: Optional[Callback] = None) -> None:
        """Tells the peer that we are typing. callback(success)"""
        _calls.set_typing(self, True, callback)

    @Method
    def send_typing_abort(self, callback: Optional[Callback] = None) -> None:
        """Tells the peer that we stopped typing. callback(success)"""
        _calls.set_typing(self, False, callback)

    @Method
    def mark_read(self, callback: Optional[Callback] = None) -> None:
        """Marks the conversation as read. callback(success)"""
        _calls.mark_read(self, callback)

    @Method
    def get_history(self, offset: int, limit: int, callback: Optional[Callback] = None) -> None:
        """Messages of the conversation, newest first, without the `offset` newest, `limit` at most.
        callback(success, msg_list)"""
        _calls.get_history(self, offset, limit, callback)

    history = get_history

    @Method
    def msg_search(self, text: str, callback: Optional[Callback] = None) -> None:
        """Messages of the conversation that match, newest first. callback(success, msg_list)"""
        _calls.search_messages(self, text, callback)

    @Method
    def info(self, callback: Optional[Callback] = None) -> None:
        """Asks the server about the peer, a group's members included. callback(success, peer)"""
        _calls.get_peer_info("info", self, callback)

    @Method
    def rename_chat(self, title: str, callback: Optional[Callback] = None) -> None:
        """Renames the group. callback(success)"""
        self._require_chat("Only a chat peer can be renamed")
        _calls.rename_chat(self, title, callback)

    @Method
    def chat_set_photo(self, filename: str, callback: Optional[Callback] = None) -> None:
        """Sets the group's avatar. callback(success)"""
        self._require_chat("Only a chat peer can have its photo set")
        _calls.set_chat_photo(self, filename, callback)

    @Method
    def chat_add_user(self, peer: Peer, callback: Optional[Callback] = None) -> None:
        """Adds a user to the group. callback(success)"""
        self._require_chat("Only a chat peer can have users added")
        _calls.add_chat_user(self, peer, callback)

    @Method
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


Peer.__module__ = "tgl"


def wrap_peer(raw: Any) -> Peer:
    """A `tgl.Peer` over the host's record."""
    kind, record = raw[RawPeer.DETAILS]
    peer = peer_named((kind, record[0]))
    peer._raw = raw
    return peer


def peer_named(key: tuple[int, int]) -> Peer:
    """The peer with this kind and id."""
    peer = _new(Peer)
    peer._key = key
    peer._raw = None
    return peer


def local_time(timestamp: int) -> datetime.datetime:
    """The moment in local time, without a zone; in UTC where that cannot be said. Beyond the calendar, its first or last."""
    try:
        return datetime.datetime.fromtimestamp(timestamp)
    except Exception:
        pass
    try:
        return _EPOCH + datetime.timedelta(seconds=timestamp)
    except OverflowError:
        return datetime.datetime.max if timestamp > 0 else datetime.datetime.min


_EPOCH = datetime.datetime(1970, 1, 1)

_new = object.__new__

looked_up: dict[tuple[int, int], Any] = {}
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

def _find_peer(type: object, id: object) -> tuple[tuple[int, int], Any]:
    """What names the peer that a script asks for, and its record."""
    _host.require()
    try:
        kinds, number = _KINDS[_check.int32(type, "type")], _check.int64(id, "id")
    except (TypeError, OverflowError):
        raise PeerError("Peer must specify type and id") from None
    except KeyError:
        raise UnknownPeer(f"there is no peer type {type}: use tgl.PEER_USER, PEER_CHAT or PEER_ENCR_CHAT") from None
    for kind in kinds:
        key = (kind, number)
        raw = _look_up_peer(key)
        if raw is not None:
            return key, raw
    raise UnknownPeer(f"this account has not seen a peer of type {type} with id {id}")


def _look_up_peer(key: tuple[int, int]) -> Any:
    """What the host knows of a peer; None if nothing."""
    raw = looked_up.get(key)
    if raw is None:
        raw = looked_up[key] = _host.lookup.get_peer(_records.peer_id(*key))
    return raw


def _peer_of_user(user: Any) -> Peer:
    """The peer of a user's record: as the host knows it, else made of what the record says."""
    raw = _look_up_peer((_records.USER, user[RawUser.ID]))
    if raw is None:
        names = filter(None, (user[RawUser.FIRST_NAME], user[RawUser.LAST_NAME]))
        raw = ("_".join(names).replace(" ", "_"), (_records.USER, user))
    return wrap_peer(raw)
