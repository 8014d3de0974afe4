"""How a script is run: what it finds, in which order it is called, how it ends, what the standard library can do.

Each row is a script, and what it tells: by `tell(event, args)`, on stderr or in the log, and by its end.
"""

from telethon import functions, types

from given import check
from pattern import differs, test
from table import Row
from world import Failed

HEAD = "import os, sys, tgl\nfrom showing import shown, tell\n"

ORDER = """\
def told(event):
    return lambda *args: tell(event=event, args=[])
tell(event="imported", args=[])
tgl.get_contact_list(lambda ok, peers: tell(event="contacts", args=[ok]))
for event in ("on_our_id", "on_binlog_replay_end", "on_get_difference_end"):
    getattr(tgl, "set_" + event)(told(event))
"""
WRITES = """\
def f(msg):
    if not msg.out:
        for n in range(20):
            msg.src.send_msg("line %d" % n)
            inside.append(n)
tgl.set_on_msg_receive(f)
inside = []
tgl.set_on_get_difference_end(lambda: tell(event="up", args=[]))
"""
NO_NESTING = """\
def f():
    inside = []
    tgl.get_contact_list(lambda ok, peers: (inside.append("callback"), tell(event="order", args=list(inside))))
    inside.append("call")
    inside.append("end")
tgl.set_on_get_difference_end(f)
"""
ECHO = """\
def f(msg):
    if not msg.out:
        msg.src.send_msg(__name__ + " heard " + msg.text, lambda ok, msg: tell(event="sent", args=[__name__, ok]))
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tell(event="up", args=[__name__]))
"""
IN_TOPIC = """\
def f(msg):
    if not msg.out and msg.text:
        tell(event="heard", args=[msg.text, msg.reply_id])
        msg.dest.send_msg("answered", lambda ok, sent: sent.dest.send_msg("from its callback"))
        msg.dest.send_msg("as a reply", reply=msg.id)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tell(event="up", args=[]))
"""
SLEEPS = "import time\n" + ECHO.replace("    if not msg.out:\n", "    if not msg.out:\n        time.sleep(2)\n")
IN_CALLBACK = "tgl.set_on_get_difference_end(lambda: sys.exit(6))\n"
LIBRARY = """\
import configparser, sqlite3
from pathlib import Path
base = sqlite3.connect("notes.db")
base.execute("create table if not exists notes (text)")
base.execute("insert into notes values ('kept')")
base.commit()
Path("settings.ini").write_text("[bot]\\nname = x\\n")
settings = configparser.ConfigParser()
settings.read("settings.ini")
kept = base.execute("select text from notes").fetchone()[0]
tell(event="found", args=[kept, settings["bot"]["name"], os.path.isabs(os.getcwd())])
"""
TIMER = """\
import threading
threading.Timer(0.1, lambda: tell(event="fired", args=[])).start()
"""
THREAD = """\
import threading
def f():
    threading.Thread(target=lambda: tell(event="order", args=["thread"])).start()
    tell(event="order", args=["callback"])
tgl.set_on_get_difference_end(f)
"""
COROUTINES = """\
import asyncio, threading
async def rang(word):
    await asyncio.sleep(0.01)
    tell(event="order", args=[word])
async def listed(ok, peers):
    await rang("callback")
    threading.Timer(0.01, rang, ["timer"]).start()
async def up():
    tell(event="order", args=["begins"])
    task = asyncio.create_task(rang("task"))
    tgl.get_contact_list(listed)
    await task
    tell(event="order", args=["ends"])
tgl.set_on_get_difference_end(up)
"""
MISSPELT = "tgl.on_msg_recieve = print\n"
LOOPS = """\
import queue, threading, time
def f():
    while True:
        time.sleep(0.05)
        tell(event="beat", args=[])
def g():
    while True: tell(event="did", args=[jobs.get()])
jobs = queue.Queue()
for loop in (f, g):
    threading.Thread(target=loop, daemon=True).start()
tgl.set_on_get_difference_end(lambda: jobs.put(5))
"""
FAILS = """\
try:
    CALL
except Exception as error:
    tell(event="failed", args=[type(error).__name__, str(error)])
"""
LOCAL_TIME = """\
from datetime import datetime, timezone
now = datetime.now()
tell(event="hours", args=[round((now - datetime.now(timezone.utc).replace(tzinfo=None)).total_seconds() / 3600)])
"""


async def nothing(w, run):
    pass


def runs(label, source, *hears, says="", code=None, then=nothing, in_order=True, **more):
    """A row: its script, what it tells, what is in its log, with which code it ends, and what is done meanwhile."""
    row = {key: more.pop(key) for key in ("differs", "waits_for", "shown") if key in more}
    tags = {
        "source": HEAD + source,
        "hears": hears,
        "says": says,
        "code": code,
        "then": then,
        "in order": in_order,
        "how": more,
    }
    return Row(label, "Running scripts", test=try_script, tags=tags, **row)


async def try_script(w, row):
    wanted = row.tags
    async with w.running(wanted["source"], **wanted["how"]) as run:
        await wanted["then"](w, run)
        since = 0
        for event, args in wanted["hears"]:
            line = await run.says(
                lambda line: line.get("event") == event and not differs(args, line["args"]),
                since,
                f"it did not tell {event} {args}",
            )
            since = run.lines.index(line, since) + 1 if wanted["in order"] else 0
        if wanted["code"] is not None:
            code = await run.ends()
            check(code == wanted["code"], f"it ended with {code}: {run.printed()} {''.join(run.notes)}")
        said = "".join([*run.complaints(0), *run.notes])
        missing = [part for part in wanted["says"].split(" ... ") if part not in said]
        if missing:
            raise Failed(f"nothing says {missing}: {said}")


async def bob_gets_lines(w, run):
    await run.hears("up")
    since = len(w.bob.updates)
    await w.bob.telethon.send_message(await w.lone(w.bob), "write")
    await w.bob.receives(lambda message: message.message == "line 19", since)
    texts = [
        getattr(getattr(update, "message", None), "message", None) or getattr(update, "message", None)
        for update in w.bob.updates[since:]
    ]
    lines = [text for text in texts if isinstance(text, str) and text.startswith("line ")]
    check(lines == [f"line {n}" for n in range(20)], f"they came as {lines}")


async def bob_writes_to_two(w, run):
    await run.hears("up", ["alone"])
    await run.hears("up", ["second"])
    await w.bob.telethon.send_message(await w.lone(w.bob), "both?")
    for name in ("alone", "second"):
        await w.bob.receives(lambda message: message.message == f"{name} heard both?")


async def is_told_of_it(w, run):
    await run.says(lambda line: "on_msg_recieve" in line.get("text", ""), complaint="nothing is said")


async def bob_asks_in_topic(w, run):
    await run.hears("up")
    group = (await w.bob(functions.channels.CreateChannelRequest("Forum", "", megagroup=True))).chats[0]
    await w.bob(functions.channels.InviteToChannelRequest(group, [await w.lone(w.bob)]))
    await w.bob(functions.channels.ToggleForumRequest(group, True, False))
    begun = await w.bob(functions.messages.CreateForumTopicRequest(group, "Cakes"))
    topic = next(update.id for update in begun.updates if isinstance(update, types.UpdateMessageID))
    asked = await w.bob.telethon.send_message(group, "in the topic", reply_to=topic)
    answers = {"answered": (topic, None), "from its callback": (topic, None), "as a reply": (asked.id, topic)}
    for text, place in answers.items():
        answer = (await w.bob.receives(lambda message, text=text: message.message == text)).reply_to
        found = answer and (answer.reply_to_msg_id, answer.reply_to_top_id)
        check(found == place and answer.forum_topic, f"{text!r} lies at {found}, not at {place}")


async def is_logged(w, run):
    line = await run.says(lambda line: line.get("kind") == "log", complaint="nothing is logged")
    check(line["text"] == " *** python: grüße", f"the log says {line['text']!r}")


@test("an error that says why, and what to do instead")
def helps(text):
    return isinstance(text, str) and len(text) > 30


ROWS = [
    runs(
        "`__name__`, `__file__`",
        "tell(event='names', args=[__name__, __file__])\n",
        ("names", ["alone", "/script/alone.py"]),
        shown="the module's name, never `__main__`",
    ),
    runs(
        "a script whose name has dashes",
        "tell(event='names', args=[__name__])\n",
        ("names", ["tg-test"]),
        name="tg-test.py",
        shown="runs",
    ),
    runs(
        "a script called test.py",
        "tell(event='names', args=[__name__])\n",
        ("names", ["test"]),
        name="test.py",
        shown="runs",
        differs="The original imported Python's own module `test` instead, silently",
    ),
    runs(
        "the script's folder in sys.path",
        "tell(event='path', args=[sys.path[-1]])\n",
        ("path", ["/script"]),
        shown="the last one",
    ),
    runs(
        "modules and packages beside it",
        "import helper, pack.inner\ntell(event='gave', args=[helper.WORD, pack.inner.WORD])\n",
        ("gave", ["h", "p"]),
        files={"helper.py": "WORD = 'h'\n", "pack/__init__.py": "", "pack/inner.py": "WORD = 'p'\n"},
        shown="can be imported",
    ),
    runs("sys.exit at import", "sys.exit(5)\n", code=5, shown="ends it with that code"),
    runs("sys.exit in a callback", IN_CALLBACK, code=6, shown="ends it with that code"),
    runs(
        "an exception at import",
        "1/0\n",
        says="Traceback ... ZeroDivisionError",
        code=1,
        shown="a traceback, and the code 1",
    ),
    runs(
        "Python 2",
        "print 'x'\n",
        says="SyntaxError ... This looks like Python 2",
        code=1,
        shown="a SyntaxError that says what it is",
    ),
    runs(
        "calls made at import",
        ORDER,
        ("imported", []),
        ("on_our_id", []),
        ("on_binlog_replay_end", []),
        ("contacts", [True]),
        shown="are held until login",
        differs="The original sent them before it was logged in, and could end by that",
    ),
    runs(
        "the order at the start",
        ORDER,
        ("imported", []),
        ("on_our_id", []),
        ("on_binlog_replay_end", []),
        ("on_get_difference_end", []),
        shown="import, on_our_id, on_binlog_replay_end, on_get_difference_end",
    ),
    runs("calls of one callback", WRITES, then=bob_gets_lines, shown="go out in their order"),
    runs("a callback", NO_NESTING, ("order", ["call", "end", "callback"]), shown="never runs inside of the call"),
    runs(
        "a text that a handler returns",
        "tgl.set_on_get_difference_end(lambda: 'grüße')\n",
        then=is_logged,
        shown="is logged",
    ),
    runs(
        "threading.Timer",
        TIMER,
        ("fired", []),
        shown="fires between two callbacks",
        differs="Fires by the host's clock: the original's fired only while a callback ran",
    ),
    runs(
        "threading.Thread",
        THREAD,
        ("order", ["callback"]),
        ("order", ["thread"]),
        shown="runs when the callback has returned",
    ),
    runs(
        "threading.Thread with an endless loop",
        LOOPS,
        ("did", [5]),
        ("beat", []),
        ("beat", []),
        shown="is left where it waits, and gone on with between callbacks",
        differs="Goes on by the host's clock: the original's went on only while a callback ran. One that waits in something "
        "called by other than the script's own functions, as by `map`, is ended after 10 s",
    ),
    runs(
        "`async def`: handlers, callbacks, timers",
        COROUTINES,
        ("order", ["begins"]),
        ("order", ["task"]),
        ("order", ["ends"]),
        ("order", ["callback"]),
        ("order", ["timer"]),
        in_order=False,
        shown="are awaited; what they start goes on between callbacks",
        differs="The original called them and threw the coroutine away",
    ),
    runs(
        "a handler that is misspelt",
        MISSPELT,
        says="tgl.on_msg_recieve is set, but that registers nothing: did you mean tgl.set_on_msg_receive(f)",
        then=is_told_of_it,
        shown="a warning that names what is near",
        differs="The original said nothing",
    ),
    runs(
        "sqlite3, configparser, os, pathlib",
        LIBRARY,
        ("found", ["kept", "x", True]),
        shown="work in the script's own folder",
    ),
    runs(
        "subprocess",
        FAILS.replace("CALL", "import subprocess; subprocess.run(['ls'])"),
        ("failed", [..., helps]),
        shown="an error that says why",
        differs="A guest starts no programs",
    ),
    runs(
        "sockets",
        FAILS.replace("CALL", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/')"),
        ("failed", [..., helps]),
        shown="an error that says why",
        differs="A guest has no network of its own",
    ),
    runs(
        "several scripts on one account",
        ECHO,
        ("sent", ["alone", True]),
        ("sent", ["second", True]),
        files={"second.py": HEAD + ECHO},
        also=("second.py",),
        then=bob_writes_to_two,
        in_order=False,
        shown="each gets every event, and its own callbacks",
        differs="The original ran one script",
    ),
    runs(
        "messages in a topic",
        IN_TOPIC,
        ("heard", ["in the topic", None]),
        then=bob_asks_in_topic,
        shown="answer nothing unless they do; what is sent to the group while one is handled stays in its topic",
        differs="The original knew no topics. Out of a callback, from a timer for example, a message goes to General",
    ),
    runs(
        "time.sleep",
        SLEEPS,
        ("sent", ["second", True]),
        ("sent", ["alone", True]),
        files={"second.py": HEAD + ECHO},
        also=("second.py",),
        then=bob_writes_to_two,
        shown="stalls its own script",
        differs="Other scripts and the connection go on: the original's stalled all. A callback that takes more than a minute "
        "is stopped",
    ),
    runs(
        "local time",
        LOCAL_TIME,
        ("hours", [9]),
        TZ="Asia/Tokyo",
        shown="of the host's time zone",
    ),
]
