"""Writes a chat as JSON: each message and peer is cloned by dir()."""
import json
from functools import partial

import tgl

HISTORY_QUERY_SIZE = 2
history = []


def clone(obj):
    data = {}
    for name in dir(obj):
        if name.startswith("__"):
            continue
        value = getattr(obj, name)
        if str(type(value)) in ("<type 'builtin_function_or_method'>", "<class 'builtin_function_or_method'>"):
            continue
        if isinstance(value, (tgl.Peer, tgl.Msg)):
            value = clone(value) if name in ("src", "dest") else str(value)
        data[name] = value if value is None or isinstance(value, (bool, int, float, str, dict, list)) else str(value)
    return data


def history_cb(msg_count, peer, success, msgs):
    history.extend(msgs)
    if len(msgs) == msg_count:
        peer.history(len(history), HISTORY_QUERY_SIZE, partial(history_cb, HISTORY_QUERY_SIZE, peer))
        return
    with open("backup.json", "w") as out:
        json.dump([clone(msg) for msg in history], out, indent=2, sort_keys=True, default=str)
    saved = json.load(open("backup.json"))
    print(len(saved), sorted(saved[0]), saved[0]["src"]["user_status"] and "status", saved[0]["media"])


def on_msg_receive(msg):
    if msg.text == "backup":
        msg.src.history(0, HISTORY_QUERY_SIZE, partial(history_cb, HISTORY_QUERY_SIZE, msg.src))


tgl.set_on_msg_receive(on_msg_receive)
