"""The functions that a script registers, and the functions that register them.

Each row runs scripts of its own, on the account `lone`: registered in every way there is, raising, and taking the wrong
number of arguments.
"""

from telethon import functions

from given import check
from pattern import differs, resolved, test
from table import Row
from world import Failed

HEAD = """\
import threading
import tgl
from showing import shown, tell

def f(*args):
    tell(event="NAME", args=shown(list(args)))

def up():
    tell(event="up", args=[])

def lives():
    tell(event="lives", args=[])
    threading.Timer(0.05, lives).start()
"""
WAYS = {
    "tgl.set_NAME(f)": "tgl.set_NAME(f)\ntgl.set_on_get_difference_end(up)\n",
    "tgl.NAME = f": "tgl.NAME = f\ntgl.on_get_difference_end = up\n",
    "a function called NAME": "def NAME(*args):\n    f(*args)\n\ndef on_get_difference_end():\n    up()\n",
}
"""How a handler is registered. Where the row is about on_get_difference_end itself, that line is not there."""

RAISES = "def f(*args):\n    tell(event='NAME', args=shown(list(args)))\n    raise ValueError('on purpose')\n\n"
WRONG_ARITY = "def f(a, b, c, d, e):\n    pass\n\n"


def script(name: str, way: str, handler: str = "") -> str:
    source = HEAD + handler + WAYS[way] + "lives()\n"
    if name == "on_get_difference_end":
        source = source.replace("tgl.set_on_get_difference_end(up)\n", "").replace(
            "tgl.on_get_difference_end = up\n", ""
        )
        source = source.replace("\ndef on_get_difference_end():\n    up()\n", "")
    return source.replace("NAME", name)


async def nothing(w, run):
    pass


async def bob_writes(w, run):
    await w.bob.telethon.send_message(await w.lone(w.bob), "knock knock")


async def bob_makes_group(w, run):
    await w.bob(functions.messages.CreateChatRequest([await w.lone(w.bob)], "Shed"))


async def bob_changes_name(w, run):
    await bob_writes(w, run)
    w.commands += 1
    await w.bob(functions.account.UpdateProfileRequest(first_name=f"Bob{w.commands}"))
    await bob_writes(w, run)
    await w.bob(functions.account.UpdateProfileRequest(first_name="Bob"))


async def try_callback(w, row):
    name, make = row.name.removeprefix("tgl."), row.tags["make"]
    for way in WAYS:
        async with w.running(script(name, way)) as run:
            await comes(w, row, run, name, make, way)
    for handler, error in ((RAISES, "ValueError: on purpose"), (WRONG_ARITY, "TypeError: f() ")):
        async with w.running(script(name, "tgl.set_NAME(f)", handler)) as run:
            await survives(w, row, run, name, make, error)


async def comes(w, row, run, name, make, way):
    if name != "on_get_difference_end":
        await run.hears("up")
    await make(w, run)
    if row.tags["args"] is not None:
        await run.hears(name, resolved(row.tags["args"], w.ids))
        check(run.complaints(0) == [], f"{way}: the log is {run.complaints(0)}")
    else:
        await run.hears("lives")
        check(not any(line.get("event") == name for line in run.lines), f"{way}: it was called")


async def survives(w, row, run, name, make, error):
    if row.tags["args"] is None:
        return
    if name != "on_get_difference_end":
        await run.hears("up")
    await make(w, run)
    said = await run.says(lambda line: error in line.get("text", ""), complaint=f"no {error!r} on stderr")
    since = run.lines.index(said)
    await run.hears("lives", since=since)


def callback(name, args, shown, make=nothing, differs=""):
    fails = ("an exception in it", "the wrong number of arguments") if args is not None else ()
    tags = {"args": args, "make": make, "fails with": fails}
    on_attribute = (
        "Assigning to `tgl.on_x` registers, as documented, and so does its mere name where a script registers nothing else: "
        "the original had `tgl.set_on_x` only"
    )
    return Row(
        name,
        "Callbacks",
        shown=shown,
        test=try_callback,
        differs=". ".join(filter(None, (on_attribute, differs))),
        tags=tags,
    )


@test("some words for what changed, among them what did")
def changes(value):
    return isinstance(value, list) and value and all(isinstance(one, str) for one in value)


def changed(word):
    return test(f"a list with {word!r}")(lambda value: changes(value) and word in value)


MESSAGE = {"is": "Msg", "text": "knock knock", "out": False, "src": {"id": "@bob"}, "dest": {"id": "@lone"}}

CALLBACKS = [
    callback("tgl.on_binlog_replay_end", [], "()"),
    callback("tgl.on_get_difference_end", [], "()"),
    callback("tgl.on_our_id", [test("an int")(lambda id: type(id) is int and id > 0)], "(our_id)"),
    callback("tgl.on_msg_receive", [MESSAGE], "(msg)", bob_writes),
    callback(
        "tgl.on_user_update",
        [{"is": "Peer", "type": 1, "id": "@bob"}, changed("real_name")],
        "(peer, what_changed)",
        bob_changes_name,
    ),
    callback(
        "tgl.on_chat_update", [{"is": "Peer", "type": 2}, changed("created")], "(peer, what_changed)", bob_makes_group
    ),
    callback(
        "tgl.on_secret_chat_update",
        None,
        "(peer, what_changed)",
        differs="It is never called: secret chats are refused for now",
    ),
    callback(
        "tgl.on_loop",
        [],
        "()",
        differs="It is called about once a second too: the original called it only when something had happened",
    ),
]

REGISTERS = """\
import tgl
from showing import tell
try:
    tgl.set_NAME(5)
except TypeError as error:
    tell(event="refused", args=[str(error)])
gave = tgl.set_NAME(lambda *args: tell(event="first", args=[]))
gave = [gave, tgl.set_NAME(lambda *args: tell(event="second", args=[]))]
tell(event="gave", args=gave)
"""


async def try_setter(w, row):
    name = row.name.removeprefix("tgl.set_")
    event = next(one for one in CALLBACKS if one.name == f"tgl.{name}")
    up = "" if name == "on_get_difference_end" else "tgl.set_on_get_difference_end(lambda: tell(event='up', args=[]))\n"
    async with w.running(REGISTERS.replace("NAME", name) + up) as run:
        await run.hears("refused", ["parameter must be callable"])
        wrong = differs([None, None], await run.hears("gave"))
        if wrong:
            raise Failed(f"what it returns: {wrong}")
        if up:
            await run.hears("up")
        await event.tags["make"](w, run)
        if event.tags["args"] is not None:
            await run.hears("second")
            check(
                not any(line.get("event") == "first" for line in run.lines),
                "the handler that was replaced was called too",
            )


SETTERS = [
    Row(
        one.name.replace("tgl.", "tgl.set_"),
        shown="callable",
        test=try_setter,
        tags={"fails with": ("what cannot be called",)},
    )
    for one in CALLBACKS
]

ROWS = [*CALLBACKS, *SETTERS]
