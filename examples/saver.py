# cargo xtask run examples/saver.py
"""Saves the photos and documents that come, in a folder for each sender."""

import os
import shutil
from functools import partial

import tgl

FOLDER = os.path.join(os.path.expanduser("~"), "saved")


def on_msg_receive(msg):
    if msg.out or not msg.media:
        return
    sender = msg.src or msg.dest
    folder = "{}_{}".format(sender.type_name, sender.id)
    if msg.media["type"] == "photo":
        msg.load_photo(partial(on_file, folder))
    elif msg.media["type"] == "document":
        msg.load_document(partial(on_file, folder))


def on_file(folder, success, file_path):
    if not success:
        print("A file could not be loaded")
        return
    folder = os.path.join(FOLDER, folder)
    os.makedirs(folder, exist_ok=True)
    name, extension = os.path.splitext(os.path.basename(file_path))
    path, count = os.path.join(folder, name + extension), 1
    while os.path.exists(path):
        path, count = os.path.join(folder, "{}_{}{}".format(name, count, extension)), count + 1
    shutil.move(file_path, path)
    print("Saved", path)


tgl.set_on_msg_receive(on_msg_receive)
