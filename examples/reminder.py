# cargo xtask run examples/reminder.py
"""Reminds: "!remind 18:30 feed the cat", or "!remind 10m look at the oven". Reminders outlive restarts."""

import re
import sqlite3
from datetime import datetime, timedelta

import tgl

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

db = sqlite3.connect("reminders.db")
db.execute("CREATE TABLE IF NOT EXISTS reminder (id INTEGER PRIMARY KEY, due TEXT, type INTEGER, peer INTEGER, text TEXT)")


def on_msg_receive(msg):
    if msg.out or not (msg.text or "").startswith("!remind "):
        return
    peer = msg.dest if msg.dest.type == tgl.PEER_CHAT else msg.src
    words = msg.text.split(None, 2)
    due = parse(words[1], msg.date) if len(words) == 3 else None
    if due is None:
        peer.send_msg("Write: !remind 18:30 TEXT, or !remind 10m TEXT", reply=msg.id)
        return
    with db:
        db.execute(
            "INSERT INTO reminder (due, type, peer, text) VALUES (?, ?, ?, ?)",
            (due.isoformat(), peer.type, peer.id, words[2]),
        )
    peer.send_msg("I will, at {:%d.%m. %H:%M}".format(due), reply=msg.id)


def parse(when, now):
    """The moment that a time of day or a length of time names, from now on."""
    length = re.fullmatch(r"(\d{1,5})([smhd])", when)
    if length:
        return now + timedelta(**{UNITS[length.group(2)]: int(length.group(1))})
    try:
        time = datetime.strptime(when, "%H:%M").time()
    except ValueError:
        return None
    due = datetime.combine(now.date(), time)
    return due if due > now else due + timedelta(days=1)


def on_loop():
    due = db.execute("SELECT id, type, peer, text FROM reminder WHERE due <= ?", (datetime.now().isoformat(),)).fetchall()
    for number, peer_type, peer_id, text in due:
        with db:
            db.execute("DELETE FROM reminder WHERE id = ?", (number,))
        try:
            tgl.Peer(peer_type, peer_id).send_msg("Reminder: " + text)
        except tgl.PeerError as error:
            print("Nobody is there to remind:", error)


tgl.set_on_msg_receive(on_msg_receive)
tgl.set_on_loop(on_loop)
