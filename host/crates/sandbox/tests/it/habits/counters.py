"""Counts the messages of each user in a database, and answers !count."""
import os
import sqlite3
import tgl

DB = "counters.db"
is_new = not os.path.exists(DB)
conn = sqlite3.connect(DB, check_same_thread=False)
conn.row_factory = sqlite3.Row
c = conn.cursor()
if is_new:
    c.execute("CREATE TABLE counts (user INTEGER PRIMARY KEY, name TEXT, n INTEGER)")


def on_msg_receive(msg):
    if msg.out:
        return
    c.execute("INSERT OR IGNORE INTO counts VALUES (?, ?, 0)", (msg.src.id, msg.src.name))
    c.execute("UPDATE counts SET n = n + 1 WHERE user = ?", (msg.src.id,))
    conn.commit()
    if msg.text == "!count":
        rows = c.execute("SELECT name, n FROM counts ORDER BY n DESC").fetchall()
        msg.src.send_msg("\n".join("{0}: {1}".format(row["name"], row["n"]) for row in rows), reply=msg.id)
        print([tuple(row) for row in rows])


tgl.set_on_msg_receive(on_msg_receive)
