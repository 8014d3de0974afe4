"""Groups: making, naming, their members, and what is known of peers."""
from telethon import functions, types

from given import bobs_group, check, group, left_group
from pattern import test
from table import Failure, Row, both, flood, people

NO_PEER = Failure("a peer that is none", "TypeError: peer must be tgl.Peer|TypeError: chat must be tgl.Peer|AttributeError", "5 | done", refused=True)


async def members(w, names) -> set:
    full = await w.bob(functions.messages.GetFullChatRequest(names["chat"]["id"]))
    return {user.id for user in full.users}


async def without_cat(w):
    names = await group(w)
    since = len(w.run.lines)
    await w.twin(functions.messages.DeleteChatUserRequest(names["chat"]["id"], await w.twin.telethon.get_input_entity(w.ids["cat"])))
    await w.run.hears("on_msg_receive", [{"action": 9, "dest": {"id": names["chat"]["id"]}}], since)
    return names


async def cat_is_in(w, names, called):
    check(w.ids["cat"] in await members(w, names), "the server has no such member")
    await w.cat.receives(lambda message: getattr(message.peer_id, "chat_id", None) == names["chat"]["id"])


async def cat_is_out(w, names, called):
    check(w.ids["cat"] not in await members(w, names), "at the server the member is still there")


async def bob_is_in_new_group(w, names, called):
    is_it = lambda message: isinstance(getattr(message, "action", None), types.MessageActionChatCreate) and message.action.title == "Orchard"  # noqa: E731
    created = await w.bob.receives(is_it)
    check(set(created.action.users) >= {w.ids["bob"], w.ids["cat"]}, f"its members are {created.action.users}")


async def bob_sees_title(w, names, called):
    is_it = lambda message: isinstance(getattr(message, "action", None), types.MessageActionChatEditTitle) and message.peer_id.chat_id == names["chat"]["id"]  # noqa: E731
    renamed = await w.bob.receives(is_it)
    check(renamed.action.title == "Meadow", f"the title is {renamed.action.title!r}")


@test("the ids of Sue, Bob and Cat")
def three_ids(value):
    return isinstance(value, list) and len(value) == 3 and all(type(one) is int for one in value)


GROUP_INFO = [True, {"is": "Peer", "id": "@chat", "type": 2, "name": test("Garden, with a number where there are several")(lambda name: name.startswith("Garden")), "user_list": three_ids}]
USER_INFO = [True, {"is": "Peer", "id": "@bob", "type": 1, "first_name": "Bob", "username": "bob_builds"}]

ROWS = [
    Row(
        "tgl.create_group_chat", signature="empty_cb", call="tgl.create_group_chat([bob, cat, bob], 'Orchard', done)", gets=[True],
        sees=bob_is_in_new_group,
        fails=(
            flood("messages.createChat"),
            Failure("an empty name", "CHAT_TITLE_EMPTY", "tgl.create_group_chat([bob, cat], '', done)"),
            Failure("nobody but oneself", "a group needs at least one other member", "tgl.create_group_chat([sue], 'x', done)"),
            Failure("a list that is none", "TypeError: peer_list must be a list of tgl.Peer", "tgl.create_group_chat(bob, 'x', done)", refused=True),
        ),
        differs="One user is enough, and who is listed twice is taken once: the original wanted three, and scripts repeated one",
    ),
    *both(
        "rename_chat", "chat", "'Meadow', done", signature="empty_cb", given=group, gets=[True], sees=bob_sees_title,
        fails=(
            flood("messages.editChatTitle"),
            Failure("an empty name", "CHAT_TITLE_EMPTY", "chat | '', done"),
            Failure("not a member of the group", "CHAT_ADMIN_REQUIRED|CHAT_WRITE_FORBIDDEN|PEER_ID_INVALID|CHAT_FORBIDDEN", given=left_group),
            Failure("a name that is none", "TypeError: new_name must be str", "chat | None, done", refused=True),
        ),
    ),
    *both(
        "chat_add_user", "chat", "cat, done", signature="empty_cb", given=without_cat, gets=[True], sees=cat_is_in,
        fails=(
            flood("messages.addChatUser"),
            Failure("somebody who is in already", "USER_ALREADY_PARTICIPANT", given=group),
            Failure("a user that is none", "TypeError: user must be tgl.Peer", "chat | None, done", refused=True),
        ),
    ),
    *both(
        "chat_del_user", "chat", "cat, done", signature="empty_cb", given=group, gets=[True], sees=cat_is_out,
        fails=(
            flood("messages.deleteChatUser"),
            Failure("no rights", "CHAT_ADMIN_REQUIRED", given=bobs_group),
            Failure("somebody who is not in", "USER_NOT_PARTICIPANT", given=without_cat),
            Failure("a user that is none", "TypeError: user must be tgl.Peer", "chat | None, done", refused=True),
        ),
    ),
    Row(
        "tgl.chat_info", signature="chat_cb", given=group, call="tgl.chat_info(chat, done)", gets=GROUP_INFO,
        fails=(
            flood("messages.getFullChat"),
            Failure("a peer that is none", "TypeError: peer must be tgl.Peer", "tgl.chat_info(None, done)", refused=True),
        ),
    ),
    Row(
        "tgl.user_info", signature="user_cb", call="tgl.user_info(bob, done)", gets=USER_INFO,
        fails=(
            flood("users.getFullUser"),
            Failure("a peer that is none", "TypeError: peer must be tgl.Peer", "tgl.user_info(None, done)", refused=True),
        ),
        differs="Works: the original asked for a group of that id, and ended the process",
    ),
    Row(
        "peer.info", "Peer methods", "peer_cb", given=group, call="chat.info(done)", gets=GROUP_INFO, fails=(flood("messages.getFullChat"),),
        differs="The callback is optional, as documented, and users work too: the original wanted a callback, and ended the process for a user",
    ),
    Row(
        "peer.info (of a user)", "Peer methods", "peer_cb", call="bob.info(done)", gets=USER_INFO, fails=(flood("users.getFullUser"),),
        tags={"logged as": "info"},
        differs="Works: the original ended the process",
    ),
]
