"""The script that the rows' snippets run in: it does what its director writes to it, and prints what happens, as JSON lines.

The director is the account whose id is the first argument. A command is a message of its: {"n", "names": {name: value}, "run": Python}.
A value is a plain one, or {"type", "id"} for a peer. Printed are {"n", "returned"} or {"n", "raised"}, then {"n", "called": [...]} each
time the snippet's `done` is called, and {"event", "args": [...]} for everything else that the script is told. Peers and
messages are printed with all their attributes.

Invariant: what a snippet does to this script's names is gone with it.
"""
import json
import sys

import tgl

DIRECTOR = int(sys.argv[1])

PEER = ("id", "type", "type_name", "name", "user_id", "user", "user_list", "user_status", "phone", "username", "first_name", "last_name")  # fmt: skip
MSG = (
    "id", "flags", "mention", "out", "unread", "service", "src", "dest", "text", "media", "date", "fwd_src", "fwd_date",
    "reply_id", "reply", "action",
)  # fmt: skip


def shown(value, depth=2):
    if isinstance(value, tgl.Peer):
        brief = {"is": "Peer", "id": value.id, "type": value.type}
        return {**brief, **{name: shown(getattr(value, name), depth - 1) for name in PEER}} if depth > 1 else brief
    if isinstance(value, tgl.Msg):
        brief = {"is": "Msg", "id": value.id}
        return {**brief, **{name: shown(getattr(value, name), depth - 1) for name in MSG}} if depth > 0 else brief
    if isinstance(value, dict):
        return {key: shown(part, depth) for key, part in value.items()}
    if isinstance(value, list):
        return [shown(part, depth) for part in value]
    if isinstance(value, (str, int, float, type(None))):
        return value
    return {"is": type(value).__name__, "text": str(value)}


def tell(**what):
    print(json.dumps(what), flush=True)


heard = {}
"""The messages that came to on_msg_receive, by their ids."""


def named(value):
    return tgl.Peer(value["type"], value["id"]) if isinstance(value, dict) else value


def carry_out(n, names, run):
    def done(*args):
        tell(n=n, called=shown(list(args)))

    scope = {"tgl": tgl, "done": done, "tell": lambda **what: tell(n=n, **what), "shown": shown, "heard": heard}
    try:
        scope.update({name: named(value) for name, value in names.items()})
        try:
            returned = eval(compile(run, "<snippet>", "eval"), scope)
        except SyntaxError:
            returned = exec(compile(run, "<snippet>", "exec"), scope)
    except Exception as error:
        return tell(n=n, raised=type(error).__name__, text=str(error))
    tell(n=n, returned=shown(returned))


def on_msg_receive(msg):
    if msg.src is not None and msg.src.id == DIRECTOR:
        carry_out(**json.loads(msg.text))
    elif msg.dest.id != DIRECTOR:
        heard[msg.id] = msg
        tell(event="on_msg_receive", args=shown([msg]))


def telling(event):
    return lambda *args: tell(event=event, args=shown(list(args)))


tgl.set_on_msg_receive(on_msg_receive)
for event in ("on_our_id", "on_binlog_replay_end", "on_get_difference_end", "on_user_update", "on_chat_update", "on_secret_chat_update"):
    getattr(tgl, "set_" + event)(telling(event))
