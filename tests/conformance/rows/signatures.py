"""What a callback is called with, by the signatures of README-PY.md: one call of each, well and failing."""

from given import group, message
from pattern import test
from table import Row, flood

from .ends import NEAREST, refused
from .files import photo_from_bob


@test("a list of tgl.Peer")
def peers(value):
    return isinstance(value, list) and value and all(one["is"] == "Peer" for one in value)


@test("a list of tgl.Msg")
def messages(value):
    return isinstance(value, list) and value and all(one["is"] == "Msg" for one in value)


@test("dicts with the keys 'peer', 'message' and 'unread'")
def dialogs(value):
    return (
        isinstance(value, list)
        and value
        and all(
            one.keys() == {"peer", "message", "unread"}
            and one["peer"]["is"] == "Peer"
            and one["message"]["is"] == "Msg"
            and type(one["unread"]) is bool
            for one in value
        )
    )


@test("an absolute path")
def path(value):
    return isinstance(value, str) and value.startswith("/")


def signature(name, args, call, gets, method, given=group, **more):
    logged_as = call.partition("(")[0].rpartition(".")[2]
    return Row(
        name,
        "Callback signatures",
        name,
        call,
        given=given,
        gets=gets,
        fails=(flood(method),),
        shown=args,
        tags={"logged as": logged_as, "args": args},
        **more,
    )


ROWS = [
    signature("empty_cb", "(success)", "tgl.status_online(done)", [True], "account.updateStatus"),
    signature(
        "contact_list_cb", "(success, peer_list)", "tgl.get_contact_list(done)", [True, peers], "contacts.getContacts"
    ),
    signature(
        "dialog_list_cb",
        "(success, dialog_list)",
        "tgl.get_dialog_list(done)",
        [True, dialogs],
        "messages.getDialogs",
        differs="The dicts have a key 'unread' too, as the original's had, though its documentation does not name it",
    ),
    signature(
        "msg_cb", "(success, msg)", "chat.send_msg('hello', done)", [True, {"is": "Msg"}], "messages.sendMessage"
    ),
    signature(
        "msg_list_cb",
        "(success, msg_list)",
        "chat.get_history(0, 10, done)",
        [True, messages],
        "messages.getHistory",
        message,
    ),
    signature(
        "file_cb", "(success, file_path)", "heard[mid].load_photo(done)", [True, path], "upload.getFile", photo_from_bob
    ),
    signature(
        "chat_cb",
        "(success, peer)",
        "tgl.chat_info(chat, done)",
        [True, {"is": "Peer", "type": 2}],
        "messages.getFullChat",
    ),
    signature("peer_cb", "(success, peer)", "chat.info(done)", [True, {"is": "Peer"}], "messages.getFullChat"),
    refused(
        "secret_chat_cb",
        "secret_chat_cb",
        "tgl.create_secret_chat(bob, done)",
        "secret chats come later",
        "Callback signatures",
    ),
    signature(
        "user_cb", "(success, peer)", "tgl.user_info(bob, done)", [True, {"is": "Peer", "type": 1}], "users.getFullUser"
    ),
    signature(
        "str_cb",
        "(success, string)",
        "tgl.ext_function('(help.getNearestDc)', done)",
        [True, NEAREST],
        "help.getNearestDc",
    ),
]
