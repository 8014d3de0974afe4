"""Groups: making, naming, their members, and what is known of peers."""

from telethon import functions, types

from given import (
    basic_group,
    bob_receives_action,
    bobs_group,
    bobs_way,
    channel,
    check,
    group,
    is_in,
    left_group,
    of_bob,
    of_sue,
)
from pattern import test
from table import Failure, Row, both, elsewhere, flood, named, people


async def members(w, names) -> set:
    return {user.id async for user in w.bob.telethon.iter_participants(await bobs_way(w, names))}


async def without_cat(w):
    names = await group(w)
    since = len(w.run.lines)
    twins = await w.twin.way_to(of_sue(names))
    await w.twin.telethon.kick_participant(twins, await w.twin.way_to(w.ids["cat"]))
    await w.run.hears("on_msg_receive", [{"action": 9, "dest": {"id": names["chat"]["id"]}}], since)
    return names


async def cat_is_in(w, names, called):
    check(w.ids["cat"] in await members(w, names), "the server has no such member")
    await w.cat.receives(is_in(names))


async def cat_is_out(w, names, called):
    check(w.ids["cat"] not in await members(w, names), "at the server the member is still there")


async def bob_is_in_new_group(w, names, called):
    is_it = lambda message: (
        isinstance(getattr(message, "action", None), types.MessageActionChatCreate)
        and message.action.title == "Orchard"
    )
    created = await w.bob.receives(is_it, names["since"])
    check(set(created.action.users) >= {w.ids["bob"], w.ids["cat"]}, f"its members are {created.action.users}")


async def bob_sees_title(w, names, called):
    renamed = await bob_receives_action(w, names, types.MessageActionChatEditTitle)
    check(renamed.action.title == "Meadow", f"the title is {renamed.action.title!r}")


@test("the ids of Sue, Bob and Cat")
def three_ids(value):
    return isinstance(value, list) and len(value) == 3 and all(type(one) is int for one in value)


GROUP_INFO = [
    True,
    {
        "is": "Peer",
        "id": "@chat",
        "type": 2,
        "name": test("Garden, with a number where there are several")(lambda name: name.startswith("Garden")),
        "user_list": three_ids,
    },
]
USER_INFO = [True, {"is": "Peer", "id": "@bob", "type": 1, "first_name": "Bob", "username": "bob_builds"}]


def link_of(kind: str, request_needed: bool = False):
    """Makes a group of this kind of Bob's and Cat's, with a link to it."""

    async def made(w):
        since = len(w.bob.updates)
        cat = await w.bob.way_to(w.ids["cat"])
        make = basic_group if kind == "group" else channel
        id = await make(w.bob, [cat], "Behind a link", kind)
        names = {**await people(w), "chat": {"type": 2, "id": id, "kind": kind}, "since": since}
        export = functions.messages.ExportChatInviteRequest(
            await bobs_way(w, names), request_needed=request_needed or None
        )
        return {**names, "link": (await w.bob(export)).link, "chat": None, "hidden": [id, kind]}

    return made


async def public_channel(w):
    names = await link_of("channel")(w)
    w.commands += 1
    username = f"public_{w.commands}"
    await w.bob(functions.channels.UpdateUsernameRequest(await bobs_way(w, seen(names)), username))
    return {**names, "link": f"https://t.me/{username}"}


def seen(names) -> dict:
    """The names with the chat that the script does not know yet."""
    return {**names, "chat": dict(zip(("id", "kind"), names["hidden"]))}


async def sue_is_in(w, names, called):
    check(w.ids["sue"] in await members(w, seen(names)), "the server has no such member")
    id, kind = names["hidden"]
    await w.bob.telethon.send_message(await bobs_way(w, seen(names)), "welcome")
    await w.run.hears("on_msg_receive", [{"dest": {"id": id}, "text": "welcome"}])


async def sue_is_in_already(w):
    names = await link_of("group")(w)
    await w.snippet("tgl.import_chat_link(link, done)", {"link": names["link"]})
    return names


async def bob_sees_request(w, names, called):
    is_it = lambda update: update.peer == of_bob(seen(names)) and w.ids["sue"] in update.recent_requesters
    await w.bob.sees(types.UpdatePendingJoinRequests, is_it)


LINK = "tgl.import_chat_link(link, done)"

BASIC = [
    Row(
        "tgl.import_chat_link",
        signature="empty_cb",
        given=link_of("group"),
        call=LINK,
        gets=[True],
        sees=sue_is_in,
        fails=(
            flood("messages.importChatInvite"),
            Failure("one is in already", "USER_ALREADY_PARTICIPANT", given=sue_is_in_already),
            Failure(
                "no such link",
                "INVITE_HASH_EXPIRED|INVITE_HASH_INVALID",
                "tgl.import_chat_link('https://t.me/+nosuchlink', done)",
                people,
            ),
            Failure(
                "no link",
                "this is not a link to a group or channel",
                "tgl.import_chat_link('https://example.org/x', done)",
                people,
            ),
            Failure(
                "a link that is no text",
                "TypeError: link must be str",
                "tgl.import_chat_link(5, done)",
                people,
                refused=True,
            ),
        ),
    ),
    Row(
        "tgl.import_chat_link (of a supergroup)",
        signature="empty_cb",
        given=link_of("supergroup"),
        call=LINK,
        gets=[True],
        sees=sue_is_in,
        fails=(
            Failure(
                "one has to be let in", "INVITE_REQUEST_SENT", given=link_of("supergroup", True), sees=bob_sees_request
            ),
        ),
        tags={"logged as": "import_chat_link"},
    ),
    Row(
        "tgl.import_chat_link (of a public channel)",
        signature="empty_cb",
        given=public_channel,
        call=LINK,
        gets=[True],
        sees=sue_is_in,
        fails=(
            Failure(
                "nobody has that name",
                "USERNAME_NOT_OCCUPIED",
                "tgl.import_chat_link('https://t.me/nobody_has_it', done)",
            ),
        ),
        tags={"logged as": "import_chat_link"},
    ),
    Row(
        "tgl.import_chat_link (of a channel)",
        signature="empty_cb",
        given=link_of("channel"),
        call=LINK,
        gets=[True],
        sees=sue_is_in,
    ),
    Row(
        "tgl.create_group_chat",
        signature="empty_cb",
        call="tgl.create_group_chat([bob, cat, bob], 'Orchard', done)",
        gets=[True],
        sees=bob_is_in_new_group,
        fails=(
            flood("messages.createChat"),
            Failure("an empty name", "CHAT_TITLE_EMPTY", "tgl.create_group_chat([bob, cat], '', done)"),
            Failure(
                "nobody but oneself",
                "a group needs at least one other member",
                "tgl.create_group_chat([sue], 'x', done)",
            ),
            Failure(
                "a list that is none",
                "TypeError: peer_list must be a list of tgl.Peer",
                "tgl.create_group_chat(bob, 'x', done)",
                refused=True,
            ),
        ),
        differs="One user is enough, and who is listed twice is taken once: the original wanted three",
    ),
    *both(
        "rename_chat",
        "chat",
        "'Meadow', done",
        signature="empty_cb",
        given=group,
        gets=[True],
        sees=bob_sees_title,
        not_for_users="Only a chat peer can be renamed",
        fails=(
            flood("messages.editChatTitle"),
            Failure("an empty name", "CHAT_TITLE_EMPTY", "chat | '', done"),
            Failure(
                "not a member of the group",
                "CHAT_ADMIN_REQUIRED|CHAT_WRITE_FORBIDDEN|PEER_ID_INVALID|CHAT_FORBIDDEN",
                given=left_group,
            ),
            Failure("a name that is none", "TypeError: new_name must be str", "chat | None, done", refused=True),
        ),
    ),
    *both(
        "chat_add_user",
        "chat",
        "cat, done",
        signature="empty_cb",
        given=without_cat,
        gets=[True],
        sees=cat_is_in,
        not_for_users="Only a chat peer can have users added",
        fails=(
            flood("messages.addChatUser"),
            Failure("somebody who is in already", "USER_ALREADY_PARTICIPANT", given=group),
            Failure("a user that is none", "TypeError: user must be tgl.Peer", "chat | None, done", refused=True),
        ),
    ),
    *both(
        "chat_del_user",
        "chat",
        "cat, done",
        signature="empty_cb",
        given=group,
        gets=[True],
        sees=cat_is_out,
        not_for_users="Only a chat peer can have users removed",
        fails=(
            flood("messages.deleteChatUser"),
            Failure("no rights", "CHAT_ADMIN_REQUIRED", given=bobs_group),
            Failure("somebody who is not in", "USER_NOT_PARTICIPANT", given=without_cat),
            Failure("a user that is none", "TypeError: user must be tgl.Peer", "chat | None, done", refused=True),
        ),
    ),
    Row(
        "tgl.chat_info",
        signature="chat_cb",
        given=group,
        call="tgl.chat_info(chat, done)",
        gets=GROUP_INFO,
        fails=(
            flood("messages.getFullChat"),
            Failure(
                "a peer that is none", "TypeError: peer must be tgl.Peer", "tgl.chat_info(None, done)", refused=True
            ),
        ),
    ),
    Row(
        "tgl.user_info",
        signature="user_cb",
        call="tgl.user_info(bob, done)",
        gets=USER_INFO,
        fails=(
            flood("users.getFullUser"),
            Failure(
                "a peer that is none", "TypeError: peer must be tgl.Peer", "tgl.user_info(None, done)", refused=True
            ),
        ),
        differs="Works: the original asked for a group of that id, and ended the process",
    ),
    Row(
        "peer.info",
        "Peer methods",
        "peer_cb",
        given=group,
        call="chat.info(done)",
        gets=GROUP_INFO,
        fails=(flood("messages.getFullChat"),),
        differs="The callback is optional, as documented: the original wanted one",
    ),
    Row(
        "peer.info (of a user)",
        "Peer methods",
        "peer_cb",
        call="bob.info(done)",
        gets=USER_INFO,
        fails=(flood("users.getFullUser"),),
        tags={"logged as": "info"},
        differs="Works: the original ended the process",
    ),
]

LEFT = Failure(
    "not a member of the group", "CHANNEL_PRIVATE|CHAT_ADMIN_REQUIRED|CHAT_WRITE_FORBIDDEN", given=left_group
)


def in_supergroup(name, *fails, **other):
    return elsewhere(named(BASIC, name), "supergroup", *fails, **other)


ROWS = [
    *BASIC,
    in_supergroup(
        "peer.rename_chat",
        flood("channels.editTitle"),
        LEFT,
        Failure("no rights", "CHAT_ADMIN_REQUIRED", given=bobs_group),
    ),
    in_supergroup("peer.chat_add_user", flood("channels.inviteToChannel"), LEFT),
    in_supergroup(
        "peer.chat_del_user",
        flood("channels.editBanned"),
        Failure("no rights", "CHAT_ADMIN_REQUIRED", given=bobs_group),
    ),
    in_supergroup("peer.info", flood("channels.getFullChannel")),
    in_supergroup("tgl.chat_info", flood("channels.getFullChannel")),
]
