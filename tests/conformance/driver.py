"""The script that the rows' snippets run in: it does what its director writes to it, and prints what happens, as JSON.

The director is the account whose id is the first argument. A command is a message of its: {"n", "names": {name: value},
"run": Python}. A value is a plain one, or {"type", "id"} for a peer. Printed are {"n", "returned"} or {"n", "raised"}, then
{"n", "called": [...]} each time the snippet's `done` is called, and {"event", "args": [...]} for all else that the script
is told. Invariant: what a snippet does to this script's names is gone with it.
"""

import json
import sys

import tgl
from showing import shown, tell

DIRECTOR = int(sys.argv[1])

heard = {}
"""The messages that came to on_msg_receive, by their ids."""


def named(value):
    return tgl.Peer(value["type"], value["id"]) if isinstance(value, dict) else value


def carry_out(n, names, run):
    def done(*args):
        tell(n=n, called=shown(list(args)))

    scope = {"tgl": tgl, "done": done, "heard": heard}
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
for event in (
    "on_our_id", "on_binlog_replay_end", "on_get_difference_end", "on_user_update", "on_chat_update",
    "on_secret_chat_update",
):  # fmt: skip
    getattr(tgl, "set_" + event)(telling(event))
