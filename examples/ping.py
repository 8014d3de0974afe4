# cargo xtask run examples/ping.py
"""Answers !ping with PONG!, in private chats and in groups."""

import tgl


def on_msg_receive(msg):
    if msg.out or msg.text != "!ping":
        return
    peer = msg.dest if msg.dest.type == tgl.PEER_CHAT else msg.src
    peer.send_msg("PONG!", reply=msg.id)


tgl.set_on_msg_receive(on_msg_receive)
