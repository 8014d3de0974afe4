"""telegram-cli's Python API, for scripts that tglhost runs.

A script registers handlers (`tgl.set_on_msg_receive(f)` or `tgl.on_msg_receive = f`) and makes calls (`peer.send_msg(text)`,
`tgl.get_dialog_list(callback)`). Nothing waits: a call is made when the handler has returned, and its callback is called later.

Invariant: importing this works anywhere, for editors and linters; calling it works inside tglhost only, and says so.
"""

import sys as _sys
import types as _types

from . import _events, _host
from ._functions import (
    accept_secret_chat,
    add_contact,
    chat_add_user,
    chat_del_user,
    chat_info,
    chat_set_photo,
    create_group_chat,
    create_secret_chat,
    del_contact,
    delete_msg,
    ext_function,
    fwd_media,
    fwd_msg,
    get_contact_list,
    get_dialog_list,
    get_history,
    import_chat_link,
    load_audio,
    load_document,
    load_document_thumb,
    load_photo,
    load_video,
    load_video_thumb,
    mark_read,
    msg_global_search,
    msg_search,
    rename_chat,
    rename_contact,
    restore_msg,
    safe_exit,
    safe_quit,
    send_audio,
    send_contact,
    send_document,
    send_file,
    send_location,
    send_msg,
    send_photo,
    send_text,
    send_typing,
    send_typing_abort,
    send_video,
    set_link_preview,
    set_on_binlog_replay_end,
    set_on_chat_update,
    set_on_get_difference_end,
    set_on_loop,
    set_on_msg_receive,
    set_on_our_id,
    set_on_secret_chat_update,
    set_on_user_update,
    set_profile_name,
    set_profile_photo,
    status_offline,
    status_online,
    user_info,
)
from ._errors import Error as TglError
from ._errors import MsgError, PeerError
from ._msg import Msg
from ._peer import PEER_CHAT, PEER_ENCR_CHAT, PEER_USER, Peer

ACTION_NONE = 0
ACTION_GEO_CHAT_CREATE = 1
ACTION_GEO_CHAT_CHECKIN = 2
ACTION_CHAT_CREATE = 3
ACTION_CHAT_EDIT_TITLE = 4
ACTION_CHAT_EDIT_PHOTO = 5
ACTION_CHAT_DELETE_PHOTO = 6
ACTION_CHAT_ADD_USER = 7
ACTION_CHAT_ADD_USER_BY_LINK = 8
ACTION_CHAT_DELETE_USER = 9
ACTION_SET_MESSAGE_TTL = 10
ACTION_READ_MESSAGES = 11
ACTION_DELETE_MESSAGES = 12
ACTION_SCREENSHOT_MESSAGES = 13
ACTION_FLUSH_HISTORY = 14
ACTION_RESEND = 15
ACTION_NOTIFY_LAYER = 16
ACTION_TYPING = 17
ACTION_NOOP = 18
ACTION_COMMIT_KEY = 19
ACTION_ABORT_KEY = 20
ACTION_REQUEST_KEY = 21
ACTION_ACCEPT_KEY = 22


class _Module(_types.ModuleType):
    """Lets `tgl.on_msg_receive = f` register a handler, and notices `tgl.on_msg_recieve = f`."""

    def __dir__(self) -> list[str]:
        """What a script may use, and what every module has."""
        return [name for name in super().__dir__() if not name.startswith("_") or name.startswith("__")]

    def __setattr__(self, name: str, value: object) -> None:
        if name in _events.EVENTS:
            _host.require()
            _events.assign(name, value)
        elif callable(value) and (name not in vars(self) or name.startswith("set_on_")):
            _events.told(name)
        super().__setattr__(name, value)


_sys.modules[__name__].__class__ = _Module
