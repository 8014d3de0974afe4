"""Keeps ids in a file, and makes peers of them again; knows an unknown one by either exception."""
import json
import os
import pprint

import tgl

STATE = "state.json"
known = json.load(open(STATE)) if os.path.exists(STATE) else {}


def find(peer_type, peer_id):
    try:
        return tgl.Peer(peer_type, peer_id)
    except SystemError:
        return None


def on_msg_receive(msg):
    known[str(msg.src.id)] = msg.src.type
    with open(STATE + ".tmp", "w") as out:
        json.dump(known, out)
    os.rename(STATE + ".tmp", STATE)
    pprint.pprint([find(*pair) for pair in ((msg.src.type, 7), (tgl.PEER_CHAT, 404))])
    print({msg.src: 1}[msg.src], msg.src == tgl.Peer(tgl.PEER_USER, 7), msg.reply, msg.fwd_src)
    if msg.src.type_name == "user" and msg.dest.type != tgl.PEER_CHAT:
        print(json.load(open(STATE)))


tgl.set_on_msg_receive(on_msg_receive)
