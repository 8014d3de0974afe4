"""telegram-cli's Python API, for scripts that tglhost runs.

Callbacks and handlers are named as telegram-cli's documentation names them, with an underscore: they are there for type
checkers alone. What is None in rare cases (the writer of a channel's post, the result of a call that failed) is `| Any`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Never, Self, TypedDict, final

class _UserStatus(TypedDict):
    online: bool
    when: datetime

class _RequiredDialog(TypedDict):
    peer: Peer
    unread: bool

class _Dialog(_RequiredDialog, total=False):
    message: Msg

_empty_cb = Callable[[bool], object]
_contact_list_cb = Callable[[bool, list[Peer]], object]
_dialog_list_cb = Callable[[bool, list[_Dialog]], object]
_msg_cb = Callable[[bool, Msg | Any], object]
_msg_list_cb = Callable[[bool, list[Msg]], object]
_file_cb = Callable[[bool, str | Any], object]
_chat_cb = Callable[[bool, Peer | Any], object]
_peer_cb = Callable[[bool, Peer | Any], object]
_secret_chat_cb = Callable[[bool, Peer | Any], object]
_user_cb = Callable[[bool, Peer | Any], object]
_str_cb = Callable[[bool, str | Any], object]
_update_handler = Callable[[Peer, list[str]], object]

PEER_USER: int
PEER_CHAT: int
PEER_ENCR_CHAT: int
ACTION_NONE: int
ACTION_GEO_CHAT_CREATE: int
ACTION_GEO_CHAT_CHECKIN: int
ACTION_CHAT_CREATE: int
ACTION_CHAT_EDIT_TITLE: int
ACTION_CHAT_EDIT_PHOTO: int
ACTION_CHAT_DELETE_PHOTO: int
ACTION_CHAT_ADD_USER: int
ACTION_CHAT_ADD_USER_BY_LINK: int
ACTION_CHAT_DELETE_USER: int
ACTION_SET_MESSAGE_TTL: int
ACTION_READ_MESSAGES: int
ACTION_DELETE_MESSAGES: int
ACTION_SCREENSHOT_MESSAGES: int
ACTION_FLUSH_HISTORY: int
ACTION_RESEND: int
ACTION_NOTIFY_LAYER: int
ACTION_TYPING: int
ACTION_NOOP: int
ACTION_COMMIT_KEY: int
ACTION_ABORT_KEY: int
ACTION_REQUEST_KEY: int
ACTION_ACCEPT_KEY: int

on_binlog_replay_end: Callable[[], object] | None
on_get_difference_end: Callable[[], object] | None
on_our_id: Callable[[int], object] | None
on_msg_receive: Callable[[Msg], object] | None
on_user_update: _update_handler | None
on_chat_update: _update_handler | None
on_secret_chat_update: _update_handler | None
on_loop: Callable[[], object] | None

class TglError(Exception):
    """Known to scripts as `tgl.TglError`; never raised, as it never was."""

class PeerError(Exception):
    """There is no such peer, or the peer is not of the kind that is asked for."""

class MsgError(Exception):
    """A message cannot be made by a script."""

@final
class Peer:
    """A user, a group or a secret chat. Attributes that the kind of peer does not have are None.

    `Peer(type, id)` finds a peer that this account has seen before, by its type (`tgl.PEER_USER`, `tgl.PEER_CHAT`,
    `tgl.PEER_ENCR_CHAT`) and id; it raises PeerError where there is none (which is a
    SystemError too: the original raised that). Supergroups and channels are of type
    `tgl.PEER_CHAT`, as basic groups are. Two peers are equal if their ids are."""

    def __new__(cls, type: int, id: int) -> Self: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def id(self) -> int:
        """The id, unique among peers of one kind."""
    @property
    def type(self) -> int:
        """`tgl.PEER_USER`, `tgl.PEER_CHAT` or `tgl.PEER_ENCR_CHAT`."""
    @property
    def type_name(self) -> str:
        """'user', 'chat' or 'secret_chat'."""
    @property
    def name(self) -> str | None:
        """The print name, unique within the account: `First_Last`, or a group's title with '_' for blanks."""
    @property
    def user_id(self) -> int | None:
        """Of a user its id, of a secret chat the other side's id."""
    @property
    def user(self) -> Peer | None:
        """Of a user itself, of a secret chat the other side."""
    @property
    def user_list(self) -> list[int] | None:
        """Of a group the ids of its members; empty until `info` has asked for them."""
    @property
    def user_status(self) -> _UserStatus | None:
        """Of a user {'online': bool, 'when': datetime}: until when online, or when last seen."""
    @property
    def phone(self) -> str | None:
        """Of a user the phone number without '+', where it is known."""
    @property
    def username(self) -> str | None:
        """Of a user or a public group, without '@'."""
    @property
    def first_name(self) -> str | None:
        """Of a user."""
    @property
    def last_name(self) -> str | None:
        """Of a user."""
    def send_msg(
        self, message: str, callback: _msg_cb | None = None, preview: bool | None = None, reply: int | None = None
    ) -> bool:
        """Sends text; `reply` is the id of the message that is answered, `preview` turns a link's preview on or off.
        callback(success, msg)"""
    def fwd_msg(self, msg_id: int, callback: _msg_cb | None = None) -> bool:
        """Forwards the message with this id to the peer. callback(success, msg)"""
    def fwd_media(self, msg_id: int, callback: _msg_cb | None = None) -> bool:
        """Sends the media of the message with this id to the peer. callback(success, msg)"""
    def send_photo(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file as a photo. callback(success, msg)"""
    def send_video(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file as a video. callback(success, msg)"""
    def send_audio(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file as an audio track. callback(success, msg)"""
    def send_document(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file as it is. callback(success, msg)"""
    def send_file(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file as what its type says. callback(success, msg)"""
    def send_text(self, filename: str, callback: _msg_cb | None = None) -> bool:
        """Sends a file's content as a message. callback(success, msg)"""
    def send_location(self, latitude: float, longitude: float, callback: _msg_cb | None = None) -> bool:
        """Sends a place. callback(success, msg)"""
    def send_contact(self, phone: str, first_name: str, last_name: str, callback: _msg_cb | None = None) -> bool:
        """Sends a contact's card. callback(success, msg)"""
    def send_typing(self, callback: _empty_cb | None = None) -> bool:
        """Tells the peer that we are typing. callback(success)"""
    def send_typing_abort(self, callback: _empty_cb | None = None) -> bool:
        """Tells the peer that we stopped typing. callback(success)"""
    def mark_read(self, callback: _empty_cb | None = None) -> bool:
        """Marks the conversation as read. callback(success)"""
    def get_history(self, offset: int, limit: int, callback: _msg_list_cb | None = None) -> bool:
        """Messages of the conversation, newest first, without the `offset` newest, `limit` at most.
        callback(success, msg_list)"""
    history = get_history
    def msg_search(self, text: str, callback: _msg_list_cb | None = None) -> bool:
        """Messages of the conversation that match, newest first. callback(success, msg_list)"""
    def info(self, callback: _peer_cb | None = None) -> bool:
        """Asks the server about the peer, a group's members included. callback(success, peer)"""
    def rename_chat(self, title: str, callback: _empty_cb | None = None) -> bool:
        """Renames the group. callback(success)"""
    def chat_set_photo(self, filename: str, callback: _empty_cb | _msg_cb | None = None) -> bool:
        """Sets the group's avatar. callback(success)"""
    def chat_add_user(self, peer: Peer, callback: _empty_cb | None = None) -> bool:
        """Adds a user to the group. callback(success)"""
    def chat_del_user(self, peer: Peer, callback: _empty_cb | None = None) -> bool:
        """Removes a user from the group. callback(success)"""

@final
class Msg:
    """A message, as it was when the host handed it over. Only the host makes them."""

    def __new__(cls, *args: object, **kwargs: object) -> Never: ...
    @property
    def id(self) -> int:
        """The id; what `reply`, `fwd_msg` and `tgl.delete_msg` take."""
    @property
    def flags(self) -> int:
        """telegram-cli's bits: unread 1, out 2, mention 16, created 256, pending 512, deleted 1024, encrypted 2048,
        service 8192."""
    @property
    def mention(self) -> bool:
        """Whether it mentions us."""
    @property
    def out(self) -> bool:
        """Whether we sent it."""
    @property
    def unread(self) -> bool:
        """Whether it has not been read yet."""
    @property
    def service(self) -> bool:
        """Whether it tells of something that happened, see `action`."""
    @property
    def src(self) -> Peer | Any:
        """Who wrote it."""
    @property
    def dest(self) -> Peer:
        """Where it was sent to: the receiving user, or the group."""
    @property
    def text(self) -> str | None:
        """Its text; None for service messages and for media without text."""
    @property
    def media(self) -> dict[str, Any] | None:
        """What it carries beside its text: a dict with at least the key 'type'."""
    @property
    def date(self) -> datetime | Any:
        """When it was sent, in local time."""
    @property
    def fwd_src(self) -> Peer | None:
        """Who wrote it first, if it was forwarded."""
    @property
    def fwd_date(self) -> datetime | None:
        """When it was first written, if it was forwarded."""
    @property
    def reply_id(self) -> int | None:
        """The id of the message it answers."""
    @property
    def reply(self) -> Msg | None:
        """The message it answers, where the host still has it."""
    @property
    def action(self) -> int:
        """What a service message tells: one of `tgl.ACTION_*`; `tgl.ACTION_NONE` for others."""
    def load_photo(self, callback: _file_cb) -> bool:
        """Saves the photo. callback(success, file_path)"""
    def load_video(self, callback: _file_cb) -> bool:
        """Saves the video. callback(success, file_path)"""
    def load_video_thumb(self, callback: _file_cb) -> bool:
        """Saves the video's preview picture. callback(success, file_path)"""
    def load_audio(self, callback: _file_cb) -> bool:
        """Saves the audio track. callback(success, file_path)"""
    def load_document(self, callback: _file_cb) -> bool:
        """Saves the file. callback(success, file_path)"""
    def load_document_thumb(self, callback: _file_cb) -> bool:
        """Saves the file's preview picture. callback(success, file_path)"""
    def delete_msg(self, callback: _empty_cb | None = None) -> bool:
        """Deletes the message. callback(success)"""

def get_contact_list(callback: _contact_list_cb | None = None, /) -> bool:
    """Contacts. callback(success, peer_list)"""

def get_dialog_list(callback: _dialog_list_cb | None = None, /) -> bool:
    """Conversations, newest first, 100 at most. callback(success, dialog_list): dicts with the keys 'peer', 'unread' (bool)
    and, where the host has it, 'message'."""

def add_contact(phone: str, first_name: str, last_name: str = "", callback: _contact_list_cb | None = None, /) -> bool:
    """Adds a contact. callback(success, peer_list)"""

def rename_contact(
    phone: str, first_name: str, last_name: str = "", callback: _contact_list_cb | None = None, /
) -> bool:
    """Renames the contact with this phone number. callback(success, peer_list)"""

def del_contact(peer: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Removes a contact. callback(success)"""

def set_profile_name(first_name: str, last_name: str, callback: _user_cb | None = None, /) -> bool:
    """Renames oneself. callback(success, peer)"""

def set_profile_photo(file_path: str, callback: _empty_cb | None = None, /) -> bool:
    """Sets one's avatar to a picture. callback(success)"""

def status_online(callback: _empty_cb | None = None, /) -> bool:
    """Shows oneself online. callback(success)"""

def status_offline(callback: _empty_cb | None = None, /) -> bool:
    """Shows oneself offline. callback(success)"""

def send_msg(peer: Peer, text: str, callback: _msg_cb | None = None, options: tuple[int, int] | None = None, /) -> bool:
    """Sends text. `options` is a tuple (preview, reply_id): preview -1 says nothing, 0 turns a link's preview off, 1 on;
    reply_id is the id of the message that is answered, or 0. callback(success, msg)"""

def fwd_msg(peer: Peer, msg_id: int, callback: _msg_cb | None = None, /) -> bool:
    """Forwards a message. callback(success, msg)"""

def fwd_media(peer: Peer, msg_id: int, callback: _msg_cb | None = None, /) -> bool:
    """Sends a message's media again. callback(success, msg)"""

def send_photo(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file as a photo. callback(success, msg)"""

def send_video(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file as a video. callback(success, msg)"""

def send_audio(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file as an audio track. callback(success, msg)"""

def send_document(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file as it is. callback(success, msg)"""

def send_file(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file as what its type says. callback(success, msg)"""

def send_text(peer: Peer, file: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a file's content as a message. callback(success, msg)"""

def send_location(peer: Peer, latitude: float, longitude: float, callback: _msg_cb | None = None, /) -> bool:
    """Sends a place. callback(success, msg)"""

def send_contact(peer: Peer, phone: str, first_name: str, last_name: str, callback: _msg_cb | None = None, /) -> bool:
    """Sends a contact's card. callback(success, msg)"""

def send_typing(peer: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Tells a peer that we are typing. callback(success)"""

def send_typing_abort(peer: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Tells a peer that we stopped typing. callback(success)"""

def mark_read(peer: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Marks a conversation as read. callback(success)"""

def delete_msg(msg_id: int, callback: _empty_cb | None = None, /) -> bool:
    """Deletes a message. callback(success)"""

def restore_msg(msg_id: int, callback: _empty_cb | None = None, /) -> bool:
    """Restores a deleted message. callback(success)"""

def get_history(peer: Peer, offset: int, limit: int, callback: _msg_list_cb | None = None, /) -> bool:
    """Messages of a conversation, newest first, without the `offset` newest, `limit` at most; fewer mean that there are no
    more. callback(success, msg_list)"""

def msg_search(peer: Peer, text: str, callback: _msg_list_cb | None = None, /) -> bool:
    """Messages of a conversation that match, newest first, 40 at most. callback(success, msg_list)"""

def msg_global_search(text: str, callback: _msg_list_cb | None = None, /) -> bool:
    """Messages of all conversations that match, newest first, 40 at most. callback(success, msg_list)"""

def user_info(peer: Peer, callback: _user_cb | None = None, /) -> bool:
    """Asks the server about a user. callback(success, peer)"""

def chat_info(peer: Peer, callback: _chat_cb | None = None, /) -> bool:
    """Asks the server about a group, its members included. callback(success, peer)"""

def load_photo(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves a message's photo. callback(success, file_path), not optional"""

def load_video(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves a message's video. callback(success, file_path), not optional"""

def load_video_thumb(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves the preview picture of a message's video. callback(success, file_path), not optional"""

def load_audio(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves a message's audio track. callback(success, file_path), not optional"""

def load_document(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves a message's file. callback(success, file_path), not optional"""

def load_document_thumb(msg: Msg, callback: _file_cb, /) -> bool:
    """Saves the preview picture of a message's file. callback(success, file_path), not optional"""

def create_group_chat(peer_list: Sequence[Peer], name: str, callback: _empty_cb | None = None, /) -> bool:
    """Creates a group with these users; a user who is listed twice is taken once. callback(success)"""

def rename_chat(peer: Peer, new_name: str, callback: _empty_cb | None = None, /) -> bool:
    """Renames a group. callback(success)"""

def chat_set_photo(peer: Peer, file: str, callback: _empty_cb | _msg_cb | None = None, /) -> bool:
    """Sets a group's avatar. callback(success)"""

def chat_add_user(chat: Peer, user: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Adds a user to a group. callback(success)"""

def chat_del_user(chat: Peer, user: Peer, callback: _empty_cb | None = None, /) -> bool:
    """Removes a user from a group. callback(success)"""

def import_chat_link(link: str, callback: _empty_cb | None = None, /) -> bool:
    """Joins the group or channel behind an invitation link. callback(success)"""

def create_secret_chat(user: Peer, callback: _secret_chat_cb | None = None, /) -> bool:
    """Starts a secret chat. callback(success, peer)"""

def accept_secret_chat(peer: Peer, callback: _secret_chat_cb | None = None, /) -> bool:
    """Accepts a secret chat. callback(success, peer)"""

def ext_function(text: str, callback: _str_cb | None = None, /) -> bool:
    """Asks Telegram in its own words. callback(success, string)"""

def set_on_binlog_replay_end(callback: Callable[[], object], /) -> None:
    """callback() is called once, when what was left from last time has been delivered."""

def set_on_get_difference_end(callback: Callable[[], object], /) -> None:
    """callback() is called once, when what was missed while away has been delivered."""

def set_on_our_id(callback: Callable[[int], object], /) -> None:
    """callback(our_id) is called with the id of the account that is logged in."""

def set_on_msg_receive(callback: Callable[[Msg], object], /) -> None:
    """callback(msg) is called for every new message, our own included."""

def set_on_user_update(callback: _update_handler, /) -> None:
    """callback(peer, what_changed) is called when a user changed; what_changed is a list of str."""

def set_on_chat_update(callback: _update_handler, /) -> None:
    """callback(peer, what_changed) is called when a group changed; what_changed is a list of str."""

def set_on_secret_chat_update(callback: _update_handler, /) -> None:
    """callback(peer, what_changed) is called when a secret chat changed; what_changed is a list of str."""

def set_on_loop(callback: Callable[[], object], /) -> None:
    """callback() is called before every other callback, and about once a second."""

def set_link_preview(enabled: bool, /) -> None:
    """Turns the previews of links on, as Telegram decides, or off, for messages that do not say."""

def safe_exit(exit_status: int = 0, /) -> None:
    """Ends the script with this code, once the calls that are under way have completed. Until then it hears of these alone;
    `atexit` functions are called after the last of them. `sys.exit`, `os._exit` and `os.abort` end it at once, as they end a
    process: the calls of the callback that does so are not made, and the log says how many; what the callback was called for
    counts as handled. Calls of earlier callbacks are made, at the next start if not before."""

safe_quit = safe_exit
