# -*- coding: utf-8 -*-
"""Written for Python 2 and 3 alike."""
from __future__ import print_function, unicode_literals

import sys

try:
    from configparser import ConfigParser
except ImportError:
    from ConfigParser import ConfigParser
try:
    text_type = unicode
except NameError:
    text_type = str

import tgl

if sys.version_info[0] < 3:
    reload(sys)
    sys.setdefaultencoding("utf8")

config = ConfigParser()
config.add_section("bot")
config.set("bot", "greeting", "Grüße")
our_id = 0
binlog_done = False


def on_our_id(id):
    our_id = id
    return "Set ID: " + str(our_id)


def msg_cb(success, msg):
    print(success, isinstance(msg, tgl.Msg))


def on_msg_receive(msg):
    if msg.out and not binlog_done:
        return
    if isinstance(msg.text, text_type):
        tgl.send_msg(msg.src, (config.get("bot", "greeting") + ", " + msg.text).encode("utf-8"), msg_cb)
        print(tgl.mark_read(msg.src), msg.src.mark_read(lambda ok: None), msg.src.send_msg(msg.src))


def on_user_update(peer, what_changed):
    pass


for name in ("our_id", "msg_receive", "user_update"):
    getattr(tgl, "set_on_" + name)(globals()["on_" + name])
