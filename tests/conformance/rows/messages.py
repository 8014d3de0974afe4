"""Sending and forwarding messages, and saying that one types."""

from telethon import functions, types

from given import bob_receives, bobs_group, bobs_way, check, group, left_group, message, of_bob
from table import Failure, Row, both, elsewhere, flood, in_chats, named, people

NOT_A_MEMBER = "CHAT_WRITE_FORBIDDEN"


def own(**parts) -> list:
    """What the callback of a message that was sent to the chat is called with."""
    return [True, {"is": "Msg", "out": True, "service": False, "src": {"id": "@sue"}, "dest": {"id": "@chat"}, **parts}]


def bob_gets(**parts):
    async def sees(w, names, called):
        received = await bob_receives(w, names, **parts)
        author = received.from_id or received.peer_id
        check(
            author in (types.PeerUser(w.ids["sue"]), types.PeerChannel(names["chat"]["id"])), f"it came from {author}"
        )

    return sees


async def bob_gets_reply(w, names, called):
    received = await bob_receives(w, names, message="an answer")
    replied = await w.bob.telethon.get_messages(await bobs_way(w, names), ids=received.reply_to.reply_to_msg_id)
    check(replied.message == "original", f"it answers {replied.message!r}")


async def bob_gets_forward(w, names, called):
    received = await bob_receives(w, names, message="original", out=False)
    check(received.fwd_from.from_id == types.PeerUser(w.ids["bob"]), f"it was forwarded from {received.fwd_from}")


def bob_sees_action(action):
    async def sees(w, names, called):
        kinds = (types.UpdateChatUserTyping, types.UpdateUserTyping, types.UpdateChannelUserTyping)
        await w.bob.sees(
            kinds, lambda update: typing_in(update, names) and isinstance(update.action, action), names["since"]
        )

    return sees


def typing_in(update, names) -> bool:
    if isinstance(update, types.UpdateUserTyping):
        return of_bob(names) == types.PeerUser(update.user_id)
    id = getattr(update, "chat_id", None) or update.channel_id
    return names["chat"]["id"] == id


async def blocked_cat(w):
    """The private chat with Cat, whom Sue has blocked."""
    await w.twin(functions.contacts.BlockRequest(await w.twin.way_to(w.ids["cat"])))
    names = await people(w)
    return {**names, "chat": names["cat"]}


SENDS = (
    flood("messages.sendMessage"),
    Failure("not a member of the group", NOT_A_MEMBER, given=left_group),
    Failure("an empty text", "a message needs a text", "chat | '', done"),
    Failure("a text that is too long", "MESSAGE_TOO_LONG: .*", "chat | 'x' * 5000, done"),
    Failure("a text that is none", "TypeError: text must be str", "chat | None, done", refused=True),
)

MODULE_REPLY = Row(
    "tgl.send_msg((preview, reply_id))",
    signature="msg_cb",
    given=message,
    call="tgl.send_msg(chat, 'an answer', done, (-1, mid))",
    gets=own(text="an answer", reply_id="@mid", reply={"id": "@mid"}),
    sees=bob_gets_reply,
    fails=(
        Failure(
            "a reply to no message",
            "this account knows no message -5|REPLY_MESSAGE_ID_INVALID",
            "tgl.send_msg(chat, 'x', done, (-1, -5))",
        ),
    ),
    tags={"logged as": "send_msg", "callback": "required"},
)

METHOD_REPLY = Row(
    "peer.send_msg(reply=)",
    "Peer methods",
    signature="msg_cb",
    given=message,
    call="chat.send_msg('an answer', done, reply=mid)",
    gets=own(text="an answer", reply_id="@mid", reply={"id": "@mid"}),
    sees=bob_gets_reply,
    fails=(
        Failure("a reply to no message", "REPLY_MESSAGE_ID_INVALID", "chat.send_msg('x', done, reply=2000000000)"),
        Failure(
            "a reply that is no id", "TypeError: reply must be int", "chat.send_msg('x', done, reply='1')", refused=True
        ),
    ),
    differs="`reply=None` means no reply, and ids may have 64 bits: the original refused both",
    tags={"logged as": "send_msg", "bad arguments return": False},
)

BASIC = [
    *both(
        "send_msg",
        "chat",
        "'hello', done",
        signature="msg_cb",
        given=group,
        gets=own(text="hello"),
        sees=bob_gets(message="hello"),
        fails=SENDS,
    ),
    MODULE_REPLY,
    METHOD_REPLY,
    *both(
        "fwd_msg",
        "chat",
        "mid, done",
        signature="msg_cb",
        given=message,
        gets=own(text="original", fwd_src={"id": "@bob"}, fwd_date={"is": "datetime"}),
        sees=bob_gets_forward,
        fails=(
            flood("messages.forwardMessages"),
            Failure("no such message", "this account knows no message 2000000000", "chat | 2000000000, done"),
            Failure("an id that is none", "TypeError: msg_id must be int", "chat | 'x', done", refused=True),
        ),
        method_differs="Takes a callback: in the original `fwd_msg(id, cb)` was refused",
    ),
    *both(
        "send_typing",
        "chat",
        "done",
        signature="empty_cb",
        given=group,
        gets=[True],
        sees=bob_sees_action(types.SendMessageTypingAction),
        fails=(flood("messages.setTyping"), Failure("not a member of the group", NOT_A_MEMBER, given=left_group)),
        method_differs="Works without a callback too: in the original nothing was sent then",
    ),
    *both(
        "send_typing_abort",
        "chat",
        "done",
        signature="empty_cb",
        given=group,
        gets=[True],
        sees=bob_sees_action(types.SendMessageCancelAction),
        fails=(flood("messages.setTyping"), Failure("not a member of the group", NOT_A_MEMBER, given=left_group)),
        method_differs="Works without a callback too: in the original nothing was sent then",
    ),
]


LINK = "see https://example.org/garden"
PAGE = {
    "type": "webpage",
    "url": "https://example.org/garden",
    "title": "garden at example.org",
    "description": ...,
    "author": ...,
}


def sees_preview(is_there: bool):
    async def sees(w, names, called):
        received = await bob_receives(w, names, message=LINK)
        check((received.media is not None) is is_there, f"Bob got {received.media}")

    return sees


def preview_row(name, section, call, is_there):
    """A message with a link, with or without its preview."""
    return Row(
        name,
        section,
        "msg_cb",
        call,
        given=group,
        gets=own(text=LINK, media=PAGE if is_there else None),
        sees=sees_preview(is_there),
        tags={"callback": "required"},
    )


async def try_link_preview(w, row):
    """For messages that do not say, and for those that do."""
    for enabled, option, is_there in (
        (False, "", False),
        (False, ", preview=True", True),
        (True, "", True),
        (True, ", preview=False", False),
    ):
        names = {**await group(w), "since": len(w.bob.updates)}
        gave = await w.snippet(f"tgl.set_link_preview({enabled})", names, calls_back=False)
        check(gave.returned is None, f"it returned {gave.returned}")
        sent = (await w.snippet(f"chat.send_msg({LINK!r}, done{option})", names)).called[1]
        check((sent["media"] is not None) is is_there, f"set to {enabled}, a message{option} got {sent['media']}")
        await sees_preview(is_there)(w, names, [])


LEFT = Failure(
    "not a member of the group", "CHANNEL_PRIVATE|CHAT_WRITE_FORBIDDEN|USER_NOT_PARTICIPANT", given=left_group
)
BLOCKED = Failure("somebody whom one has blocked", "YOU_BLOCKED_USER", given=blocked_cat)


ROWS = [
    *BASIC,
    preview_row("peer.send_msg(preview=False)", "Peer methods", f"chat.send_msg({LINK!r}, done, preview=False)", False),
    preview_row("peer.send_msg(preview=True)", "Peer methods", f"chat.send_msg({LINK!r}, done, preview=True)", True),
    preview_row("tgl.send_msg((0, 0))", "Module functions", f"tgl.send_msg(chat, {LINK!r}, done, (0, 0))", False),
    preview_row("tgl.send_msg((1, 0))", "Module functions", f"tgl.send_msg(chat, {LINK!r}, done, (1, 0))", True),
    Row("tgl.set_link_preview", shown="enabled", test=try_link_preview),
    *in_chats(BASIC, "peer.send_msg", (flood("messages.sendMessage"), BLOCKED), (flood("messages.sendMessage"), LEFT)),
    *in_chats(BASIC, "peer.send_msg(reply=)", (flood("messages.sendMessage"),), (flood("messages.sendMessage"),)),
    *in_chats(BASIC, "peer.fwd_msg", (flood("messages.forwardMessages"),), (flood("messages.forwardMessages"),)),
    *in_chats(BASIC, "peer.send_typing", (flood("messages.setTyping"),), (flood("messages.setTyping"),)),
    elsewhere(
        named(BASIC, "peer.send_msg"),
        "channel",
        Failure("no rights to post", "CHAT_ADMIN_REQUIRED|CHAT_WRITE_FORBIDDEN", given=bobs_group),
        gets=own(text="hello", src=None),
    ),
]
