# cargo xtask run examples/forwarder.py
"""Forwards between two chats: write !forward a in one and !forward b in the other, and what is said in each comes to both."""

import json
import os

import tgl

STATE = "forwarder.json"
ends = {}


def load():
    if os.path.exists(STATE):
        with open(STATE) as file:
            ends.update(json.load(file))


def save():
    with open(STATE, "w") as file:
        json.dump(ends, file)


def chat_of(msg):
    return msg.dest if msg.dest.type == tgl.PEER_CHAT else msg.src


def other_end(peer):
    here = [peer.type, peer.id]
    for one, other in (("a", "b"), ("b", "a")):
        if ends.get(one) == here and other in ends:
            return ends[other]
    return None


def on_msg_receive(msg):
    if msg.out or msg.service:
        return
    peer = chat_of(msg)
    words = (msg.text or "").split()
    if len(words) == 2 and words[0] == "!forward" and words[1] in ("a", "b"):
        ends[words[1]] = [peer.type, peer.id]
        save()
        peer.send_msg("This is {} now".format(words[1]), reply=msg.id)
        return
    other = other_end(peer)
    if other is None:
        return
    try:
        tgl.Peer(other[0], other[1]).fwd_msg(msg.id, on_forwarded)
    except tgl.PeerError as error:
        print("The other chat is gone:", error)


def on_forwarded(success, msg):
    if not success:
        print("A message could not be forwarded")


load()
tgl.set_on_msg_receive(on_msg_receive)
