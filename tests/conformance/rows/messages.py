"""Sending, forwarding, deleting, reading and finding messages."""

from telethon import functions, types

from given import bob_receives, bobs_group, bobs_way, check, group, left_group, message, of_bob, of_sue
from pattern import test
from table import Failure, Row, both, elsewhere, flood, named, people

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


async def five_messages(w):
    names = await bobs_group(w)
    for n in range(5):
        names = await message(w, f"apple {n}", names)
    return names


async def unread_count(w, names) -> int:
    peer = types.InputDialogPeer(await w.twin.telethon.get_input_entity(of_sue(names)))
    return (await w.twin(functions.messages.GetPeerDialogsRequest([peer]))).dialogs[0].unread_count


async def nothing_is_unread(w, names, called):
    count = await unread_count(w, names)
    check(count == 0, f"{count} messages are unread at the server")


async def twin_has_no_message(w, names, called):
    theirs = await w.twin.telethon.get_input_entity(of_sue(names))
    check(await w.twin.telethon.get_messages(theirs, ids=names["mid"]) is None, "Sue has it still at the server")
    kept = [one.message async for one in w.bob.telethon.iter_messages(await bobs_way(w, names))]
    check("original" in kept, "Bob has lost it too")


async def twin_has_message(w, names, called):
    kept = await w.twin.telethon.get_messages(await w.twin.telethon.get_input_entity(of_sue(names)), ids=names["mid"])
    check(kept is not None and kept.message == "original", f"the server has {kept}")


async def deleted_message(w):
    """A message that the script has deleted."""
    names = await message(w)
    await w.snippet("tgl.delete_msg(mid, done)", names)
    return names


async def script_has_message(w, names, called):
    """In its history, its search, and as what is answered."""
    history = (await w.snippet("chat.get_history(0, 10, done)", names)).called[1]
    check("original" in [one["text"] for one in history], "the history has it not")
    found = (await w.snippet("chat.msg_search('original', done)", names)).called[1]
    check([one["text"] for one in found] == ["original"], "the search finds it not")


async def needles(w):
    """Two groups with what is searched for, this row's alone."""
    w.commands += 1
    word = f"needle{w.commands}"
    names = await message(w, f"a {word} in this")
    await message(w, "hay")
    # Turned round, so that the director's own message is not found.
    return {**await message(w, f"another {word}"), "drow": word[::-1]}


async def needle(w):
    return await message(w, "hay", await needles(w))


def starts(text):
    return {"text": test(f"{text}...")(lambda value: value.startswith(text))}


@test("newest first, with the group among them, with its last message and as unread")
def has_the_chat(dialogs):
    dates = [dialog["message"]["date"]["text"] for dialog in dialogs if "message" in dialog]
    return dates == sorted(dates, reverse=True) and any(
        dialog["peer"]["name"].startswith("Garden")
        and dialog["message"]["text"] == "original"
        and dialog["unread"] is True
        for dialog in dialogs[:2]
    )


async def blocked_cat(w):
    """The private chat with Cat, whom Sue has blocked."""
    await w.twin(functions.contacts.BlockRequest(await w.twin.telethon.get_input_entity(w.ids["cat"])))
    names = await people(w)
    return {**names, "chat": names["cat"]}


async def sues_message(w):
    """A chat of Sue's with a message of hers, `mid`."""
    names, since = await group(w), len(w.run.lines)
    await w.snippet("chat.send_msg('original', done)", names)
    (heard,) = await w.run.hears("on_msg_receive", [{"text": "original"}], since)
    return {**names, "mid": heard["id"]}


async def nobody_has_message(w, names, called):
    kept = [one.message async for one in w.bob.telethon.iter_messages(await bobs_way(w, names))]
    check("original" not in kept, "it is there still")


SENDS = (
    flood("messages.sendMessage"),
    Failure("not a member of the group", NOT_A_MEMBER, given=left_group),
    Failure("an empty text", "a message needs a text", "chat | '', done"),
    Failure("a text that is too long", "MESSAGE_TOO_LONG", "chat | 'x' * 5000, done"),
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

LIST_FAILS = (
    Failure("a limit that is too high", "ask for at most 10000 messages at a time", "chat | 0, 1000000, done"),
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
    *both(
        "mark_read",
        "chat",
        "done",
        signature="empty_cb",
        given=message,
        gets=[True],
        sees=nothing_is_unread,
        fails=(flood("messages.readHistory"),),
        method_differs="Works without a callback too: in the original nothing was sent then",
    ),
    *both(
        "get_history",
        "chat",
        "1, 3, done",
        signature="msg_list_cb",
        given=five_messages,
        gets=[True, [{"text": "apple 3"}, {"text": "apple 2"}, {"text": "apple 1"}]],
        fails=(flood("messages.getHistory"), *LIST_FAILS),
        method_differs="The original had it as `history` only",
    ),
    *both(
        "get_history",
        "chat",
        "0, 3, done",
        other_name="history",
        signature="msg_list_cb",
        given=five_messages,
        gets=[True, [{"text": "apple 4"}, {"text": "apple 3"}, {"text": "apple 2"}]],
        sees=nothing_is_unread,
        fails=(flood("messages.getHistory"), *LIST_FAILS),
        logged_as="get_history",
    )[1:],
    *both(
        "msg_search",
        "chat",
        "drow[::-1], done",
        signature="msg_list_cb",
        given=needle,
        gets=[True, [starts("another needle")]],
        fails=(
            flood("messages.search"),
            Failure("a text that is none", "TypeError: text must be str", "chat | 5, done", refused=True),
        ),
        method_differs="The original had no such method",
    ),
    Row(
        "tgl.msg_global_search",
        signature="msg_list_cb",
        given=needles,
        call="tgl.msg_global_search(drow[::-1], done)",
        gets=[True, [starts("another needle"), starts("a needle")]],
        fails=(
            flood("messages.searchGlobal"),
            Failure(
                "a text that is none", "TypeError: text must be str", "tgl.msg_global_search(5, done)", refused=True
            ),
        ),
    ),
    Row(
        "tgl.get_dialog_list",
        signature="dialog_list_cb",
        given=message,
        call="tgl.get_dialog_list(done)",
        gets=[True, has_the_chat],
        fails=(flood("messages.getDialogs"),),
    ),
    Row(
        "tgl.delete_msg",
        signature="empty_cb",
        given=message,
        call="tgl.delete_msg(mid, done)",
        gets=[True],
        sees=twin_has_no_message,
        fails=(
            flood("messages.deleteMessages"),
            Failure("an id that is none", "TypeError: msg_id must be int", "tgl.delete_msg('x', done)", refused=True),
            Failure("no such message", "this account knows no message -5", "tgl.delete_msg(-5, done)"),
        ),
    ),
    Row(
        "msg.delete_msg",
        "Msg methods",
        "empty_cb",
        given=message,
        call="heard[mid].delete_msg(done)",
        gets=[True],
        sees=twin_has_no_message,
        fails=(flood("messages.deleteMessages"),),
        differs="The original had it as `tgl.delete_msg` only",
    ),
    Row(
        "tgl.restore_msg",
        signature="empty_cb",
        given=deleted_message,
        call="tgl.restore_msg(mid, done)",
        gets=[True],
        sees=script_has_message,
        fails=(
            Failure("a message that the host never had", "this account .*", "tgl.restore_msg(2000000000, done)"),
            Failure("an id that is none", "TypeError: msg_id must be int", "tgl.restore_msg('x', done)", refused=True),
        ),
        tags={"callback": "required"},
        differs="Brings a message that the host still has back for this account's scripts: Telegram has no such call any more, and the original's deleted it",
    ),
]

WHOLE = """
from functools import partial
import tgl
from showing import tell

history = []

def history_callback(msg_count, peer, success, msgs):
    history.extend(msgs)
    if len(msgs) == msg_count:
        peer.get_history(len(history), msg_count, partial(history_callback, msg_count, peer))
    else:
        ids = [msg.id for msg in history]
        tell(event="whole", args=[success, len(ids), ids == sorted(set(ids), reverse=True), history[-2].text, history[0].text])

def f(msg):
    if msg.text == "the end":
        msg.dest.get_history(0, 100, partial(history_callback, 100, msg.dest))

tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tell(event="up", args=[]))
"""
"""README-PY.md's example, in a script that hears of 5,000 messages."""
MESSAGES = 5000


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
        name, section, "msg_cb", call, given=group, gets=own(text=LINK, media=PAGE if is_there else None), sees=sees_preview(is_there),
        tags={"callback": "required"},
    )  # fmt: skip


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


async def try_whole_history(w, row):
    """Most of the messages Bob forwards, a hundred at a time."""
    async with w.running(WHOLE) as run:
        await run.hears("up")
        created = await w.bob(functions.messages.CreateChatRequest([await w.lone(w.bob)], "Long"))
        chat = await w.bob.telethon.get_input_entity(types.PeerChat(created.updates.chats[0].id))
        first = [await w.bob.telethon.send_message(chat, f"number {n}") for n in range(100)]
        for _ in range(MESSAGES // 100 - 1):
            await w.bob.telethon.forward_messages(chat, first)
        for _ in range(3):
            w.fault("messages.getHistory", 420, "FLOOD_WAIT_1")
        await w.bob.telethon.send_message(chat, "the end")
        # The group's own beginning is a message too.
        await run.hears("whole", [True, MESSAGES + 2, True, "number 0", "the end"])


LEFT = Failure(
    "not a member of the group", "CHANNEL_PRIVATE|CHAT_WRITE_FORBIDDEN|USER_NOT_PARTICIPANT", given=left_group
)
BLOCKED = Failure("somebody whom one has blocked", "YOU_BLOCKED_USER", given=blocked_cat)


def in_chats(name, user=(), supergroup=()):
    row = named(BASIC, name)
    return [elsewhere(row, "user", *user), elsewhere(row, "supergroup", *supergroup)]


ROWS = [
    *BASIC,
    preview_row("peer.send_msg(preview=False)", "Peer methods", f"chat.send_msg({LINK!r}, done, preview=False)", False),
    preview_row("peer.send_msg(preview=True)", "Peer methods", f"chat.send_msg({LINK!r}, done, preview=True)", True),
    preview_row("tgl.send_msg((0, 0))", "Module functions", f"tgl.send_msg(chat, {LINK!r}, done, (0, 0))", False),
    preview_row("tgl.send_msg((1, 0))", "Module functions", f"tgl.send_msg(chat, {LINK!r}, done, (1, 0))", True),
    Row("tgl.set_link_preview", shown="enabled", test=try_link_preview),
    Row(
        "peer.get_history (5,000 messages, by README-PY.md's example)",
        "Peer methods",
        "msg_list_cb",
        test=try_whole_history,
        differs="Flood waits in between are waited for: the original's history ended there",
    ),
    *in_chats("peer.send_msg", (flood("messages.sendMessage"), BLOCKED), (flood("messages.sendMessage"), LEFT)),
    *in_chats("peer.send_msg(reply=)", (flood("messages.sendMessage"),), (flood("messages.sendMessage"),)),
    *in_chats("peer.fwd_msg", (flood("messages.forwardMessages"),), (flood("messages.forwardMessages"),)),
    *in_chats("peer.send_typing", (flood("messages.setTyping"),), (flood("messages.setTyping"),)),
    *in_chats("peer.mark_read", (flood("messages.readHistory"),), (flood("channels.readHistory"),)),
    *in_chats("peer.get_history", (flood("messages.getHistory"),), (flood("messages.getHistory"),)),
    elsewhere(
        named(BASIC, "peer.msg_search"),
        "user",
        flood("messages.search"),
        gets=[True, [starts("another needle"), starts("a needle")]],
    ),
    elsewhere(named(BASIC, "peer.msg_search"), "supergroup", flood("messages.search")),
    elsewhere(named(BASIC, "msg.delete_msg"), "user", flood("messages.deleteMessages")),
    elsewhere(
        named(BASIC, "msg.delete_msg"),
        "supergroup",
        flood("channels.deleteMessages"),
        Failure("another's message, without rights", "MESSAGE_DELETE_FORBIDDEN|CHAT_ADMIN_REQUIRED", given=message),
        given=sues_message,
        sees=nobody_has_message,
    ),
    elsewhere(
        named(BASIC, "peer.send_msg"),
        "channel",
        Failure("no rights to post", "CHAT_ADMIN_REQUIRED|CHAT_WRITE_FORBIDDEN", given=bobs_group),
        gets=own(text="hello", src=None),
    ),
    elsewhere(named(BASIC, "peer.get_history"), "channel", flood("messages.getHistory")),
]
