"""The functions of module `tgl`: asked for at once, answered later.

Every call but the setters takes a callback as its last argument, optional unless it says otherwise, and returns True. What
the callback is called with stands in its description; when the call failed it is (False,), (False, None) or (False, []).
Arguments are positional. Invariant: the names and the order of arguments are telegram-cli's.
"""

from __future__ import annotations

from typing import Optional, Sequence

from . import _calls, _check, _events, _host, _pending, _report
from ._calls import FileKind, FilePart
from ._check import decoded
from ._events import Handler
from ._guard import queued
from ._msg import Msg
from ._peer import Peer
from ._pending import Callback


@queued
def get_contact_list(callback: Optional[Callback] = None, /) -> None:
    """Contacts. callback(success, peer_list)"""
    _calls.get_contacts(callback)


@queued
def get_dialog_list(callback: Optional[Callback] = None, /) -> None:
    """Conversations, newest first, 100 at most. callback(success, dialog_list): dicts with the keys 'peer', 'unread' (bool)
    and, where the host has it, 'message'."""
    _calls.get_dialogs(callback)


@queued
def add_contact(phone: str, first_name: str, last_name: str = "", callback: Optional[Callback] = None, /) -> None:
    """Adds a contact. callback(success, peer_list)"""
    _contact("add_contact", phone, first_name, last_name, callback)


@queued
def rename_contact(phone: str, first_name: str, last_name: str = "", callback: Optional[Callback] = None, /) -> None:
    """Renames the contact with this phone number. callback(success, peer_list)"""
    _contact("rename_contact", phone, first_name, last_name, callback)


@queued
def del_contact(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Removes a contact. callback(success)"""
    _calls.delete_contact(peer, callback)


@queued
def set_profile_name(first_name: str, last_name: str, callback: Optional[Callback] = None, /) -> None:
    """Renames oneself. callback(success, peer)"""
    _calls.set_profile_name(decoded(first_name), decoded(last_name), callback)


@queued
def set_profile_photo(file_path: str, callback: Optional[Callback] = None, /) -> None:
    """Sets one's avatar to a picture. callback(success)"""
    _calls.set_profile_photo(file_path, callback)


@queued
def status_online(callback: Optional[Callback] = None, /) -> None:
    """Shows oneself online. callback(success)"""
    _calls.set_presence(True, callback)


@queued
def status_offline(callback: Optional[Callback] = None, /) -> None:
    """Shows oneself offline. callback(success)"""
    _calls.set_presence(False, callback)


@queued
def send_msg(peer: Peer, text: str, callback: Optional[Callback] = None, options: object = None, /) -> None:
    """Sends text. `options` is a tuple (preview, reply_id): preview -1 says nothing, 0 turns a link's preview off, 1 on;
    reply_id is the id of the message that is answered, or 0. callback(success, msg)"""
    preview = reply = None
    if isinstance(options, tuple):
        given_preview, given_reply = options
        preview = None if _check.int32(given_preview, "preview") == -1 else bool(given_preview)
        reply = _check.int64(given_reply, "reply_id") or None
    _calls.send_message(peer, decoded(text), callback, preview, reply)


@queued
def fwd_msg(peer: Peer, msg_id: int, callback: Optional[Callback] = None, /) -> None:
    """Forwards a message. callback(success, msg)"""
    _calls.forward_message(peer, msg_id, callback)


@queued
def fwd_media(peer: Peer, msg_id: int, callback: Optional[Callback] = None, /) -> None:
    """Sends a message's media again. callback(success, msg)"""
    _calls.forward_media(peer, msg_id, callback)


@queued
def send_photo(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file as a photo. callback(success, msg)"""
    _calls.send_file(FileKind.PHOTO, peer, file, callback)


@queued
def send_video(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file as a video. callback(success, msg)"""
    _calls.send_file(FileKind.VIDEO, peer, file, callback)


@queued
def send_audio(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file as an audio track. callback(success, msg)"""
    _calls.send_file(FileKind.AUDIO, peer, file, callback)


@queued
def send_document(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file as it is. callback(success, msg)"""
    _calls.send_file(FileKind.DOCUMENT, peer, file, callback)


@queued
def send_file(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file as what its type says. callback(success, msg)"""
    _calls.send_file(FileKind.DETECT, peer, file, callback)


@queued
def send_text(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sends a file's content as a message. callback(success, msg)"""
    _calls.send_file(FileKind.TEXT, peer, file, callback)


@queued
def send_location(peer: Peer, latitude: float, longitude: float, callback: Optional[Callback] = None, /) -> None:
    """Sends a place. callback(success, msg)"""
    _calls.send_location(peer, latitude, longitude, callback)


@queued
def send_contact(
    peer: Peer, phone: str, first_name: str, last_name: str, callback: Optional[Callback] = None, /
) -> None:
    """Sends a contact's card. callback(success, msg)"""
    _calls.send_contact(peer, decoded(phone), decoded(first_name), decoded(last_name), callback)


@queued
def send_typing(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Tells a peer that we are typing. callback(success)"""
    _calls.set_typing(peer, True, callback)


@queued
def send_typing_abort(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Tells a peer that we stopped typing. callback(success)"""
    _calls.set_typing(peer, False, callback)


@queued
def mark_read(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Marks a conversation as read. callback(success)"""
    _calls.mark_read(peer, callback)


@queued
def delete_msg(msg_id: int, callback: Optional[Callback] = None, /) -> None:
    """Deletes a message. callback(success)"""
    _calls.delete_message(msg_id, callback)


@queued
def restore_msg(msg_id: int, callback: Optional[Callback] = None, /) -> None:
    """Restores a deleted message. callback(success)"""
    _calls.restore_message(msg_id, callback)


@queued
def get_history(peer: Peer, offset: int, limit: int, callback: Optional[Callback] = None, /) -> None:
    """Messages of a conversation, newest first, without the `offset` newest, `limit` at most; fewer mean that there are no
    more. callback(success, msg_list)"""
    _calls.get_history(peer, offset, limit, callback)


@queued
def msg_search(peer: Peer, text: str, callback: Optional[Callback] = None, /) -> None:
    """Messages of a conversation that match, newest first, 40 at most. callback(success, msg_list)"""
    _check.peer_id(peer)  # Without a peer the call below would search everywhere.
    _calls.search_messages(peer, decoded(text), callback)


@queued
def msg_global_search(text: str, callback: Optional[Callback] = None, /) -> None:
    """Messages of all conversations that match, newest first, 40 at most. callback(success, msg_list)"""
    _calls.search_messages(None, decoded(text), callback)


@queued
def user_info(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Asks the server about a user. callback(success, peer)"""
    _calls.get_peer_info("user_info", peer, callback)


@queued
def chat_info(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Asks the server about a group, its members included. callback(success, peer)"""
    _calls.get_peer_info("chat_info", peer, callback)


@queued
def load_photo(msg: Msg, callback: Callback, /) -> None:
    """Saves a message's photo. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.PHOTO, msg, callback)


@queued
def load_video(msg: Msg, callback: Callback, /) -> None:
    """Saves a message's video. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.VIDEO, msg, callback)


@queued
def load_video_thumb(msg: Msg, callback: Callback, /) -> None:
    """Saves the preview picture of a message's video. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.VIDEO_THUMBNAIL, msg, callback)


@queued
def load_audio(msg: Msg, callback: Callback, /) -> None:
    """Saves a message's audio track. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.AUDIO, msg, callback)


@queued
def load_document(msg: Msg, callback: Callback, /) -> None:
    """Saves a message's file. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.DOCUMENT, msg, callback)


@queued
def load_document_thumb(msg: Msg, callback: Callback, /) -> None:
    """Saves the preview picture of a message's file. callback(success, file_path), not optional"""
    _calls.load_file(FilePart.DOCUMENT_THUMBNAIL, msg, callback)


@queued
def create_group_chat(peer_list: Sequence[Peer], name: str, callback: Optional[Callback] = None, /) -> None:
    """Creates a group with these users; a user who is listed twice is taken once. callback(success)"""
    _calls.create_chat(peer_list, decoded(name), callback)


@queued
def rename_chat(peer: Peer, new_name: str, callback: Optional[Callback] = None, /) -> None:
    """Renames a group. callback(success)"""
    _calls.rename_chat(peer, decoded(new_name), callback)


@queued
def chat_set_photo(peer: Peer, file: str, callback: Optional[Callback] = None, /) -> None:
    """Sets a group's avatar. callback(success)"""
    _calls.set_chat_photo(peer, file, callback)


@queued
def chat_add_user(chat: Peer, user: Peer, callback: Optional[Callback] = None, /) -> None:
    """Adds a user to a group. callback(success)"""
    _calls.add_chat_user(chat, user, callback)


@queued
def chat_del_user(chat: Peer, user: Peer, callback: Optional[Callback] = None, /) -> None:
    """Removes a user from a group. callback(success)"""
    _calls.delete_chat_user(chat, user, callback)


@queued
def import_chat_link(link: str, callback: Optional[Callback] = None, /) -> None:
    """Joins the group or channel behind an invitation link. callback(success)"""
    _calls.join_chat_by_link(decoded(link), callback)


@queued
def create_secret_chat(user: Peer, callback: Optional[Callback] = None, /) -> None:
    """Starts a secret chat. callback(success, peer)"""
    _calls.create_secret_chat(user, callback)


@queued
def accept_secret_chat(peer: Peer, callback: Optional[Callback] = None, /) -> None:
    """Accepts a secret chat. callback(success, peer)"""
    _calls.accept_secret_chat(peer, callback)


@queued
def ext_function(text: str, callback: Optional[Callback] = None, /) -> None:
    """Asks Telegram in its own words. callback(success, string)"""
    _calls.raw_query(decoded(text), callback)


def set_on_binlog_replay_end(callback: Handler, /) -> None:
    """callback() is called once, when what was left from last time has been delivered."""
    _set("on_binlog_replay_end", callback)


def set_on_get_difference_end(callback: Handler, /) -> None:
    """callback() is called once, when what was missed while away has been delivered."""
    _set("on_get_difference_end", callback)


def set_on_our_id(callback: Handler, /) -> None:
    """callback(our_id) is called with the id of the account that is logged in."""
    _set("on_our_id", callback)


def set_on_msg_receive(callback: Handler, /) -> None:
    """callback(msg) is called for every new message, our own included."""
    _set("on_msg_receive", callback)


def set_on_user_update(callback: Handler, /) -> None:
    """callback(peer, what_changed) is called when a user changed; what_changed is a list of str."""
    _set("on_user_update", callback)


def set_on_chat_update(callback: Handler, /) -> None:
    """callback(peer, what_changed) is called when a group changed; what_changed is a list of str."""
    _set("on_chat_update", callback)


def set_on_secret_chat_update(callback: Handler, /) -> None:
    """callback(peer, what_changed) is called when a secret chat changed; what_changed is a list of str."""
    _set("on_secret_chat_update", callback)


def set_on_loop(callback: Handler, /) -> None:
    """callback() is called before every other callback, and about once a second."""
    _set("on_loop", callback)


def set_link_preview(enabled: bool, /) -> None:
    """Turns the previews of links on, as Telegram decides, or off, for messages that do not say."""
    _host.require()
    _calls.set_preview_default(bool(enabled))


def safe_exit(exit_status: int = 0, /) -> None:
    """Ends the script with this code, once the calls that are under way have completed. Until then it hears of these alone;
    `atexit` functions are called after the last of them. `sys.exit`, `os._exit` and `os.abort` end it at once, as they end a
    process: the calls of the callback that does so are not made, and the log says how many; what the callback was called for
    counts as handled. Calls of earlier callbacks are made, at the next start if not before."""
    _host.require()
    try:
        code = _check.exit_code(exit_status)
    except Exception as error:
        _report.call_now(error)
        return
    _host.host.exit(code, _host.host.ExitMoment.DRAINED)
    _pending.drain()


safe_quit = safe_exit


def _set(event: str, handler: object) -> None:
    _host.require()
    _events.register(event, handler)


def _contact(name: str, phone: object, first_name: object, last_name: object, callback: Optional[Callback]) -> None:
    """The last name is optional, and so is the callback: three arguments may end in either."""
    if callback is None and (last_name is None or callable(last_name)):
        last_name, callback = "", last_name
    _calls.add_contact(name, decoded(phone), decoded(first_name), decoded(last_name), callback)
