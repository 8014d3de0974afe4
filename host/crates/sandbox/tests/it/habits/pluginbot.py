"""Loads every module of the folder plugins, and gives each message to the one whose pattern it matches."""
import importlib
import os
import re
import sys
import traceback

import tgl

here = os.path.dirname(os.path.realpath(__file__))
if here not in sys.path:
    sys.path.insert(0, here)
plugins = {}


def load_plugins():
    for name in sorted(os.listdir(os.path.join(here, "plugins"))):
        if name.endswith(".py") and not name.startswith("_"):
            module = importlib.import_module("plugins." + name[:-3])
            importlib.reload(module)
            for pattern in module.PATTERNS:
                plugins[re.compile(pattern, re.IGNORECASE)] = module.run


def on_msg_receive(msg):
    for pattern, run in plugins.items():
        found = pattern.match(msg.text or "")
        if found:
            try:
                answer = run(msg, found)
            except Exception:
                answer = traceback.format_exc().splitlines()[-1]
            print(answer)


load_plugins()
tgl.set_on_msg_receive(on_msg_receive)
