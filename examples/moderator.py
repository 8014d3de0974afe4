# cargo xtask run examples/moderator.py
"""Moderates groups: deletes messages with forbidden words, warns their writers, and removes who goes on after three."""

import re
from collections import Counter

import tgl

FORBIDDEN = ["casino", "free money", "crypto pump"]
WARNINGS_MAX = 3

pattern = re.compile("|".join(r"\b{}\b".format(re.escape(words)) for words in FORBIDDEN), re.IGNORECASE)
warnings = Counter()


def on_msg_receive(msg):
    if msg.out or msg.service or msg.dest.type != tgl.PEER_CHAT or msg.src is None:
        return
    caption = (msg.media or {}).get("caption")
    if not pattern.search(msg.text or caption or ""):
        return
    tgl.delete_msg(msg.id, on_deleted)
    writer = (msg.dest.id, msg.src.id)
    warnings[writer] += 1
    name = msg.src.first_name or msg.src.name or msg.src.id
    if warnings[writer] < WARNINGS_MAX:
        msg.dest.send_msg("{}, that is not welcome here ({} of {})".format(name, warnings[writer], WARNINGS_MAX))
    else:
        del warnings[writer]
        msg.dest.chat_del_user(msg.src, on_removed)


def on_deleted(success):
    if not success:
        print("A message could not be deleted: is this account an administrator?")


def on_removed(success):
    if not success:
        print("A user could not be removed: is this account an administrator?")


tgl.set_on_msg_receive(on_msg_receive)
