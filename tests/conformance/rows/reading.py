"""Reading, finding, deleting and restoring messages."""

from telethon import functions, types

from given import bobs_group, bobs_way, check, group, message, of_sue
from pattern import test
from table import Failure, Row, both, elsewhere, flood, in_chats, method, named


async def five_messages(w):
    names = await bobs_group(w)
    for n in range(5):
        names = await message(w, f"apple {n}", names)
    return names


async def unread_count(w, names) -> int:
    peer = types.InputDialogPeer(await w.twin.way_to(of_sue(names)))
    return (await w.twin(functions.messages.GetPeerDialogsRequest([peer]))).dialogs[0].unread_count


async def nothing_is_unread(w, names, called):
    count = await unread_count(w, names)
    check(count == 0, f"{count} messages are unread at the server")


async def twin_has_no_message(w, names, called):
    theirs = await w.twin.way_to(of_sue(names))
    check(await w.twin.telethon.get_messages(theirs, ids=names["mid"]) is None, "Sue has it still at the server")
    kept = [one.message async for one in w.bob.telethon.iter_messages(await bobs_way(w, names))]
    check("original" in kept, "Bob has lost it too")


async def deleted_message(w):
    """A message that was answered, and that the script has deleted."""
    names, since = await message(w), len(w.run.lines)
    (theirs,) = [one async for one in w.bob.telethon.iter_messages(await bobs_way(w, names), limit=1)]
    await w.bob.telethon.send_message(await bobs_way(w, names), "an answer", reply_to=theirs.id)
    (answer,) = await w.run.hears("on_msg_receive", [{"text": "an answer"}], since)
    await w.snippet("tgl.delete_msg(mid, done)", names)
    return {**names, "answer": answer["id"]}


async def script_has_message(w, names, called):
    """In its history, its search, and as what is answered."""
    history = (await w.snippet("chat.get_history(0, 10, done)", names)).called[1]
    check("original" in [one["text"] for one in history], "the history has it not")
    found = (await w.snippet("chat.msg_search('original', done)", names)).called[1]
    check([one["text"] for one in found] == ["original"], "the search finds it not")
    answered = (await w.snippet("heard[answer].reply", names, calls_back=False)).returned
    check(answered is not None and answered["text"] == "original", f"what is answered is {answered}")


async def needles(w):
    """Two groups with what is searched for, this row's alone."""
    w.commands += 1
    word = f"needle{w.commands}"
    await message(w, f"a {word} in this")
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


async def sues_message(w):
    """A chat of Sue's with a message of hers, `mid`."""
    names, since = await group(w), len(w.run.lines)
    await w.snippet("chat.send_msg('original', done)", names)
    (heard,) = await w.run.hears("on_msg_receive", [{"text": "original"}], since)
    return {**names, "mid": heard["id"]}


async def nobody_has_message(w, names, called):
    kept = [one.message async for one in w.bob.telethon.iter_messages(await bobs_way(w, names))]
    check("original" not in kept, "it is there still")


LIST_FAILS = (
    Failure("a limit that is too high", "ask for at most 10000 messages at a time", "chat | 0, 1000000, done"),
    Failure("a negative offset", "OverflowError: offset must be", "chat | -1, 10, done", refused=True),
    Failure("a limit that is none", "TypeError: limit must be int", "chat | 0, None, done", refused=True),
)

BASIC = [
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
    method(
        "history",
        "chat",
        "0, 3, done",
        signature="msg_list_cb",
        given=five_messages,
        gets=[True, [{"text": "apple 4"}, {"text": "apple 3"}, {"text": "apple 2"}]],
        sees=nothing_is_unread,
        fails=(flood("messages.getHistory"), *LIST_FAILS),
        logged_as="get_history",
    ),
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
        differs="Brings a message that the host still has back for this account's scripts: Telegram has no such call any "
        "more, and the original's deleted it",
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
        is_ordered = ids == sorted(set(ids), reverse=True)
        tell(event="whole", args=[success, len(ids), is_ordered, history[-2].text, history[0].text])

def f(msg):
    if msg.text == "the end":
        msg.dest.get_history(0, 100, partial(history_callback, 100, msg.dest))

tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tell(event="up", args=[]))
"""
"""README-PY.md's example, in a script that hears of 5,000 messages."""
MESSAGES = 5000


async def try_whole_history(w, row):
    """Most of the messages Bob forwards, a hundred at a time."""
    async with w.running(WHOLE) as run:
        await run.hears("up")
        created = await w.bob(functions.messages.CreateChatRequest([await w.lone(w.bob)], "Long"))
        chat = await w.bob.way_to(types.PeerChat(created.updates.chats[0].id))
        first = [await w.bob.telethon.send_message(chat, f"number {n}") for n in range(100)]
        for _ in range(MESSAGES // 100 - 1):
            await w.bob.telethon.forward_messages(chat, first)
        for _ in range(3):
            w.fault("messages.getHistory", 420, "FLOOD_WAIT_1")
        await w.bob.telethon.send_message(chat, "the end")
        # The group's own beginning is a message too.
        await run.hears("whole", [True, MESSAGES + 2, True, "number 0", "the end"])


ROWS = [
    *BASIC,
    Row(
        "peer.get_history (5,000 messages, by README-PY.md's example)",
        "Peer methods",
        "msg_list_cb",
        test=try_whole_history,
        differs="Flood waits in between are waited for: the original's history ended there",
    ),
    *in_chats(BASIC, "peer.mark_read", (flood("messages.readHistory"),), (flood("channels.readHistory"),)),
    *in_chats(BASIC, "peer.get_history", (flood("messages.getHistory"),), (flood("messages.getHistory"),)),
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
    elsewhere(named(BASIC, "peer.get_history"), "channel", flood("messages.getHistory")),
]
