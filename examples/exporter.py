# cargo xtask run examples/exporter.py
"""Exports a chat to export.json and export.db in the script's private folder when its owner writes !export there."""

import json
import sqlite3
from functools import partial

import tgl

PAGE = 100


def on_msg_receive(msg):
    if not msg.out or msg.text != "!export":
        return
    print("Exporting", msg.dest.name)
    tgl.get_history(msg.dest, 0, PAGE, partial(on_page, msg.dest, []))


def on_page(peer, rows, success, msgs):
    if not success:
        print("The history cannot be read")
        return
    rows.extend(row(msg) for msg in msgs)
    if len(msgs) == PAGE:
        tgl.get_history(peer, len(rows), PAGE, partial(on_page, peer, rows))
        return
    rows.reverse()  # Histories come newest first.
    write_json(rows)
    write_sqlite(rows)
    print("{} messages with {} are exported".format(len(rows), peer.name))


def row(msg):
    return {
        "id": msg.id,
        "date": msg.date.isoformat() if msg.date else None,
        "from": msg.src.name if msg.src else None,
        "text": msg.text,
        "media": msg.media,
        "reply_id": msg.reply_id,
    }


def write_json(rows):
    with open("export.json", "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=False, indent=1)


def write_sqlite(rows):
    db = sqlite3.connect("export.db")
    with db:
        db.execute("DROP TABLE IF EXISTS message")
        db.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, date, sender, text, media, reply_id)")
        db.executemany(
            "INSERT INTO message VALUES (:id, :date, :from, :text, :media, :reply_id)",
            [dict(each, media=each["media"] and json.dumps(each["media"])) for each in rows],
        )
    db.close()


tgl.set_on_msg_receive(on_msg_receive)
