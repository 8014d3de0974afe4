# cargo xtask run examples/history.py
"""Counts the messages of a chat when someone there writes !count, a hundred at a time."""

from functools import partial

import tgl

PAGE = 100


def on_msg_receive(msg):
    if msg.out or msg.text != "!count":
        return
    peer = msg.dest if msg.dest.type == tgl.PEER_CHAT else msg.src
    tgl.get_history(peer, 0, PAGE, partial(on_history, peer, 0))


def on_history(peer, count, success, msgs):
    if not success:
        print("The history cannot be read")
        return
    count += len(msgs)
    if len(msgs) == PAGE:
        tgl.get_history(peer, count, PAGE, partial(on_history, peer, count))
    else:
        print("{} messages with {}".format(count, peer.name))
        peer.send_msg("{} messages".format(count))


tgl.set_on_msg_receive(on_msg_receive)
