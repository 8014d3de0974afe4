"""A bot as an object: commands are methods, found by a decorator, with a log of its own."""
import functools
import io
import logging
import random
import re
import shlex

import tgl

stream = io.StringIO()
logging.basicConfig(stream=stream, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("bot")


def command(name, admin=False):
    def register(f):
        @functools.wraps(f)
        def checked(self, msg, *args):
            if admin and msg.src.id not in self.admins:
                return "not allowed"
            return f(self, msg, *args)

        checked.command = name
        return checked

    return register


class Bot(object):
    admins = {1}

    def __init__(self):
        self.commands = {}
        for name in dir(self):
            method = getattr(self, name)
            if hasattr(method, "command"):
                self.commands[method.command] = method

    @command("add")
    def add(self, msg, *numbers):
        return sum(map(int, numbers))

    @command("kick", admin=True)
    def kick(self, msg, who):
        return "kicked " + who

    @command("roll")
    def roll(self, msg, sides="6"):
        return 1 <= random.randint(1, int(sides)) <= int(sides)

    def on_msg_receive(self, msg):
        found = re.match(r"!(\w+)\s*(.*)", msg.text or "")
        if found and found.group(1) in self.commands:
            log.info("%s from %s", found.group(1), msg.src.id)
            print(self.commands[found.group(1)](msg, *shlex.split(found.group(2))))
        else:
            print(stream.getvalue().splitlines()[-1])


bot = Bot()
tgl.set_on_msg_receive(bot.on_msg_receive)
