"""Looks at the clock in on_loop, and does something once a minute."""
import datetime

import tgl

last = None
loops = 0


def on_loop():
    global last, loops
    loops += 1
    now = datetime.datetime.now()
    if last is None or (now - last).seconds >= 60:
        last = now
        print("a minute")


def on_binlog_replay_end():
    tgl.set_on_loop(on_loop)


def on_msg_receive(msg):
    print(loops > 0, abs(datetime.datetime.now() - msg.date).days > 30)


tgl.set_on_binlog_replay_end(on_binlog_replay_end)
tgl.set_on_msg_receive(on_msg_receive)
