"""The calls, one function per raw import: checks what the script passed, asks the host, notes the callback.

Callbacks were checked before. Invariant: nothing here waits, and a function that raises has asked the host for nothing.
"""

from __future__ import annotations

import enum

from typing import Optional

from . import _arity, _check, _host
from ._pending import Callback, Signature, add

SEARCH_MESSAGES_MAX = 40
"""How many messages a search gives at most, as it was in telegram-cli."""

_preview_default: bool | None = None


class FileKind(enum.Enum):
    """How a file is shown: the contract's case, and telegram-cli's call for it."""

    PHOTO = "send_photo"
    VIDEO = "send_video"
    AUDIO = "send_audio"
    DOCUMENT = "send_document"
    DETECT = "send_file"
    TEXT = "send_text"


class FilePart(enum.Enum):
    """What of a message's media is saved: the contract's case, and telegram-cli's call for it."""

    PHOTO = "load_photo"
    VIDEO = "load_video"
    AUDIO = "load_audio"
    DOCUMENT = "load_document"
    VIDEO_THUMBNAIL = "load_video_thumb"
    DOCUMENT_THUMBNAIL = "load_document_thumb"


def set_preview_default(enabled: bool) -> None:
    """Link previews of messages that do not say: as Telegram decides, or none."""
    global _preview_default
    _preview_default = None if enabled else False


def get_contacts(callback: Optional[Callback]) -> None:
    """Contacts, as a list of peers."""
    add(_host.calls.get_contacts(), "get_contact_list", Signature.PEER_LIST, callback)


def get_dialogs(callback: Optional[Callback]) -> None:
    """Conversations, as a list of dicts."""
    add(_host.calls.get_dialogs(), "get_dialog_list", Signature.DIALOG_LIST, callback)


def add_contact(name: str, phone: object, first_name: object, last_name: object, callback: Optional[Callback]) -> None:
    """Adds or renames a contact."""
    request = _host.calls.add_contact(
        _check.text(phone, "phone"),
        _check.text(first_name, "first_name"),
        _check.text(last_name, "last_name"),
    )
    add(request, name, Signature.PEER_LIST, callback)


def delete_contact(user: object, callback: Optional[Callback]) -> None:
    """Removes a contact."""
    add(_host.calls.delete_contact(_check.peer_id(user)), "del_contact", Signature.EMPTY, callback)


def set_profile_name(first_name: object, last_name: object, callback: Optional[Callback]) -> None:
    """Renames oneself."""
    request = _host.calls.set_profile_name(
        _check.text(first_name, "first_name"), _check.text(last_name, "last_name")
    )
    add(request, "set_profile_name", Signature.PEER, callback)


def set_profile_photo(path: object, callback: Optional[Callback]) -> None:
    """Sets one's avatar."""
    add(_host.calls.set_profile_photo(_check.path(path, "file_path")), "set_profile_photo", Signature.EMPTY, callback)


def set_presence(online: bool, callback: Optional[Callback]) -> None:
    """Shows oneself online or offline."""
    presence = _host.calls.Presence
    request = _host.calls.set_presence(presence.ONLINE if online else presence.OFFLINE)
    add(request, "status_online" if online else "status_offline", Signature.EMPTY, callback)


def send_message(to: object, text: object, callback: Optional[Callback], preview: object = None, reply: object = None) -> None:
    """Sends text. `preview` is taken for its truth, None leaves it to the default; `reply` is a message's id or None."""
    options = _host.calls.SendOptions(
        None if reply is None else _check.int64(reply, "reply"),
        _preview_default if preview is None else bool(preview),
    )
    request = _host.calls.send_message(_check.peer_id(to), _check.text(text, "text"), options)
    add(request, "send_msg", Signature.MSG, callback)


def send_file(kind: FileKind, to: object, path: object, callback: Optional[Callback]) -> None:
    """Sends a file."""
    raw_kind = _host.calls.FileKind[kind.name]
    request = _host.calls.send_file(_check.peer_id(to), raw_kind, _check.path(path, "file"))
    add(request, kind.value, Signature.MSG, callback)


def send_location(to: object, latitude: object, longitude: object, callback: Optional[Callback]) -> None:
    """Sends a place."""
    request = _host.calls.send_location(
        _check.peer_id(to), _check.degrees(latitude, "latitude"), _check.degrees(longitude, "longitude")
    )
    add(request, "send_location", Signature.MSG, callback)


def send_contact(to: object, phone: object, first_name: object, last_name: object, callback: Optional[Callback]) -> None:
    """Sends a contact's card."""
    request = _host.calls.send_contact(
        _check.peer_id(to),
        _check.text(phone, "phone"),
        _check.text(first_name, "first_name"),
        _check.text(last_name, "last_name"),
    )
    add(request, "send_contact", Signature.MSG, callback)


def forward_message(to: object, msg_id: object, callback: Optional[Callback]) -> None:
    """Forwards a message."""
    request = _host.calls.forward_message(_check.peer_id(to), _check.int64(msg_id, "msg_id"))
    add(request, "fwd_msg", Signature.MSG, callback)


def forward_media(to: object, msg_id: object, callback: Optional[Callback]) -> None:
    """Sends a message's media again."""
    request = _host.calls.forward_media(_check.peer_id(to), _check.int64(msg_id, "msg_id"))
    add(request, "fwd_media", Signature.MSG, callback)


def delete_message(msg_id: object, callback: Optional[Callback]) -> None:
    """Deletes a message."""
    add(_host.calls.delete_message(_check.int64(msg_id, "msg_id")), "delete_msg", Signature.EMPTY, callback)


def restore_message(msg_id: object, callback: Optional[Callback]) -> None:
    """Brings a deleted message back."""
    add(_host.calls.restore_message(_check.int64(msg_id, "msg_id")), "restore_msg", Signature.EMPTY, callback)


def mark_read(peer: object, callback: Optional[Callback]) -> None:
    """Marks a conversation as read."""
    add(_host.calls.mark_read(_check.peer_id(peer)), "mark_read", Signature.EMPTY, callback)


def set_typing(peer: object, typing: bool, callback: Optional[Callback]) -> None:
    """Says that we are typing, or stopped."""
    states = _host.calls.TypingState
    request = _host.calls.set_typing(_check.peer_id(peer), states.TYPING if typing else states.CANCELLED)
    add(request, "send_typing" if typing else "send_typing_abort", Signature.EMPTY, callback)


def get_history(peer: object, offset: object, limit: object, callback: Optional[Callback]) -> None:
    """A conversation's messages, newest first."""
    page = _host.calls.Page(_check.count(offset, "offset"), _check.count(limit, "limit"))
    add(_host.calls.get_history(_check.peer_id(peer), page), "get_history", Signature.MSG_LIST, callback)


def search_messages(peer: object, text: object, callback: Optional[Callback]) -> None:
    """The newest messages that match; `peer` None searches everywhere."""
    request = _host.calls.search_messages(
        None if peer is None else _check.peer_id(peer),
        _check.text(text, "text"),
        _host.calls.Page(0, SEARCH_MESSAGES_MAX),
    )
    add(request, "msg_global_search" if peer is None else "msg_search", Signature.MSG_LIST, callback)


def get_peer_info(name: str, peer: object, callback: Optional[Callback]) -> None:
    """Asks the server about a peer."""
    add(_host.calls.get_peer_info(_check.peer_id(peer)), name, Signature.PEER, callback)


def load_file(part: FilePart, msg: object, callback: Optional[Callback]) -> None:
    """Saves a message's media, or a part of it, and gives the file's path."""
    request = _host.calls.load_file(_check.message_id(msg), _host.calls.FilePart[part.name])
    add(request, part.value, Signature.FILE, callback)


def create_chat(users: object, title: object, callback: Optional[Callback]) -> None:
    """Creates a group."""
    request = _host.calls.create_chat(_check.peer_ids(users, "peer_list"), _check.text(title, "name"))
    add(request, "create_group_chat", Signature.EMPTY, callback)


def rename_chat(chat: object, title: object, callback: Optional[Callback]) -> None:
    """Renames a group."""
    request = _host.calls.rename_chat(_check.peer_id(chat), _check.text(title, "new_name"))
    add(request, "rename_chat", Signature.EMPTY, callback)


def set_chat_photo(chat: object, path: object, callback: Optional[Callback]) -> None:
    """Sets a group's avatar. The documentation promised (success, msg) and the original gave (success): a callback gets what
    it takes."""
    peer = _check.peer_id(chat)
    request = _host.calls.set_chat_photo(peer, _check.path(path, "file"))
    if callback is not None and _arity.takes(callback, len(Signature.MSG.value)):
        add(request, "chat_set_photo", Signature.MSG, callback, chat._key)
    else:
        add(request, "chat_set_photo", Signature.EMPTY, callback)


def add_chat_user(chat: object, user: object, callback: Optional[Callback]) -> None:
    """Adds a user to a group."""
    request = _host.calls.add_chat_user(_check.peer_id(chat, "chat"), _check.peer_id(user, "user"))
    add(request, "chat_add_user", Signature.EMPTY, callback)


def delete_chat_user(chat: object, user: object, callback: Optional[Callback]) -> None:
    """Removes a user from a group."""
    request = _host.calls.delete_chat_user(_check.peer_id(chat, "chat"), _check.peer_id(user, "user"))
    add(request, "chat_del_user", Signature.EMPTY, callback)


def join_chat_by_link(link: object, callback: Optional[Callback]) -> None:
    """Joins the group or channel behind an invitation link."""
    add(_host.calls.join_chat_by_link(_check.text(link, "link")), "import_chat_link", Signature.EMPTY, callback)


def create_secret_chat(user: object, callback: Optional[Callback]) -> None:
    """Starts a secret chat."""
    add(_host.calls.create_secret_chat(_check.peer_id(user)), "create_secret_chat", Signature.PEER, callback)


def accept_secret_chat(chat: object, callback: Optional[Callback]) -> None:
    """Accepts a secret chat that someone asked for."""
    add(_host.calls.accept_secret_chat(_check.peer_id(chat)), "accept_secret_chat", Signature.PEER, callback)


def raw_query(text: object, callback: Optional[Callback]) -> None:
    """A query in TL notation."""
    add(_host.calls.raw_query(_check.text(text, "text")), "ext_function", Signature.STRING, callback)
