"""What a script's author is told of what would otherwise be silent: handlers that nobody registered, names that are nearly
right, functions that take other arguments than they are called with."""

import sys
import unittest

from guest import GuestTest

NO_HANDLER = "the script registers no handler, so nothing will call it"

# what a script does when it is loaded | what the one warning has; None for no warning
LOADED = [
    ("", NO_HANDLER),
    ("print('hello')", NO_HANDLER),
    ("def handler(msg): pass", NO_HANDLER),
    ("tgl.status_online()", NO_HANDLER),
    ("if __name__ == '__main__': tgl.set_on_msg_receive(print)", 'what stands below `if __name__ == "__main__":` does not run'),
    ("tgl.on_msg_recieve = print", "tgl.on_msg_recieve is set, but that registers nothing: did you mean tgl.set_on_msg_receive(f), or tgl.on_msg_receive = f?"),
    ("tgl.on_message = print", "tgl.set_on_msg_receive(f)"),
    ("tgl.onMsgReceive = print", "tgl.set_on_msg_receive(f)"),
    ("tgl.set_on_msg_receive = print", "tgl.set_on_msg_receive is set, but that registers nothing"),
    ("tgl.on_msg_recieve = print; tgl.set_on_our_id(print)", "tgl.on_msg_recieve is set"),
    ("tgl.set_on_our_id(print); tgl.on_looop = print", "tgl.set_on_loop(f)"),
    ("tgl.on_get_diference_end = print", "tgl.set_on_get_difference_end(f)"),
    ("tgl.on_usr_update = print", "tgl.set_on_user_update(f)"),
    ("def on_msg_recieve(msg): pass", "nothing calls on_msg_recieve: did you mean on_msg_receive? tgl.set_on_msg_receive(on_msg_recieve) registers it as it is"),
    ("def onMsgReceive(msg): pass", "nothing calls onMsgReceive: did you mean on_msg_receive?"),
    ("def on_msg_receive(msg): pass\ntgl.set_on_our_id(print)", "on_msg_receive is defined, but nothing registers it: tgl.set_on_msg_receive(on_msg_receive) does"),
    ("def on_msg_receive(msg): pass", None),
    ("tgl.on_msg_receive = print", None),
    ("tgl.set_on_loop(print)", None),
    ("def on_msg_recieve(msg): pass\ntgl.set_on_msg_receive(on_msg_recieve)", None),
    ("def on_message(msg): pass\ntgl.set_on_msg_receive(lambda msg: on_message(msg))", None),
    ("tgl.get_dialog_list(print)", None),
    ("import threading; threading.Timer(60, print).start()", None),
    ("def on_message(msg): pass", "nothing calls on_message: did you mean on_msg_receive?"),
    ("def once(): pass\ndef on(): pass\ndef one(): pass\ntgl.set_on_our_id(print)", None),
    ("tgl.set_on_our_id(print); tgl.helper = print; tgl.PEER_USER = 1; tgl.send_msg = print; tgl.answer = 42", None),
]  # fmt: skip

# a script's lines | export and arguments | what stderr has
WRONG_ARITY = [
    ("def on_user_update(): pass\ntgl.set_on_user_update(on_user_update)", ("on_user_update", "user", 1),
     ["TypeError: on_user_update() takes 0 positional arguments but 2 were given", "tgl calls it as on_user_update(peer, what_changed)",
      'registered: file "/script/bot.py", line 3', 'defined: file "/script/bot.py", line 2']),
    ("tgl.on_msg_receive = lambda: None", ("on_message", "message"), ["tgl calls it as on_msg_receive(msg)", 'registered: file "/script/bot.py", line 2']),
    ("def on_our_id(): pass", ("on_our_id", 5), ["tgl calls it as on_our_id(our_id); defined: file \"/script/bot.py\", line 2"]),
    ("class Bot:\n    def on_our_id(self): pass\ntgl.set_on_our_id(Bot().on_our_id)", ("on_our_id", 5), ['registered: file "/script/bot.py", line 4', 'line 3']),
    ("async def f(): pass\ntgl.set_on_our_id(f)", ("on_our_id", 5), ["tgl calls it as on_our_id(our_id)", "line 2"]),
    ("import functools\ndef twice(f):\n    @functools.wraps(f)\n    def both(*a):\n        f(*a)\n        f(*a)\n    return both\n@twice\ndef f(): pass\ntgl.set_on_our_id(f)", ("on_our_id", 5), ["tgl calls it as on_our_id(our_id)", "line 11", "line 9"]),
    ("def done(success): pass\ndef on_our_id(id):\n    tgl.Peer(1, 1).send_msg('a', done)", ("on_our_id", 5),
     ["TypeError: done() takes 1 positional argument but 2 were given", "send_msg calls it as callback(success, msg)",
      'called: file "/script/bot.py", line 4', 'defined: file "/script/bot.py", line 2']),
    ("from functools import partial\ndef done(a, b, success): pass\ndef on_our_id(id):\n    tgl.get_contact_list(partial(done, 1, 2))", ("on_our_id", 5),
     ["get_contact_list calls it as callback(success, peer_list)" , "line 5", "line 3"]),
    ("def on_our_id(id):\n    tgl.status_online(len)", ("on_our_id", 5), ["status_online calls it as callback(success)", "line 3", "defined: no line of Python"]),
    ("class Done:\n    def __call__(self): pass\ndef on_our_id(id):\n    tgl.status_online(Done())", ("on_our_id", 5), ["status_online calls it as callback(success)", "line 5", "line 3"]),
    ("import threading\ndef ring(): pass\ndef on_our_id(id):\n    threading.Timer(0, ring, [1]).start()", ("on_our_id", 5),
     ["TypeError: ring() takes 0 positional arguments but 1 was given", 'threading.Timer calls it; started: file "/script/bot.py", line 5', 'line 3']),
]  # fmt: skip


class Advice(GuestTest):
    def setUp(self):
        import threading

        self.addCleanup(setattr, threading, "Timer", threading.Timer)
        super().setUp()

    def test_what_is_near_is_named_once(self):
        for source, wanted in LOADED:
            with self.subTest(source):
                self.tearDown()
                self.setUp()
                self.assertIsNone(self.load(f"import tgl\n{source}\n"))
                warnings = [text for level, text in self.host.logs if level == "WARN"]
                self.assertEqual(len(warnings), 0 if wanted is None else 1, warnings)
                self.assertIn(wanted or "", "".join(warnings))

    def test_what_is_set_later_is_told_then(self):
        self.load("import tgl\ndef on_our_id(id):\n    tgl.on_msg_recieve = print\n    tgl.on_get_difference_end = print\n")
        self.deliver("on_our_id", 5)
        self.assertEqual([text[:22] for _, text in self.host.logs], ["tgl.on_msg_recieve is "])

    def test_the_wrong_number_of_arguments_says_which_call_and_where(self):
        for source, (export, *arguments), wanted in WRONG_ARITY:
            with self.subTest(source):
                self.tearDown()
                self.setUp()
                self.known(self.user(id=1))
                self.assertIsNone(self.load(f"import tgl\n{source}\n"))
                made = {"user": self.user, "message": self.message}
                self.deliver(export, *(made[one]() if one in made else one for one in arguments))
                if self.host.calls:
                    outcomes = {"send_message": ("Message", self.message()), "get_contacts": ("Peers", [])}
                    self.complete(1, *outcomes.get(self.host.calls[0][0], ("Done",)))
                for part in wanted:
                    self.assertIn(part, self.stderr)
                self.assertNotIn("/tgl/", self.stderr)
                self.deliver("on_message", self.message())  # The script goes on.
                sys.modules.pop("bot", None)

    def test_an_error_inside_of_a_function_is_left_as_it_is(self):
        self.load("def on_our_id(id):\n    len(5)\n")
        self.deliver("on_our_id", 5)
        self.assertTrue(self.stderr.endswith("TypeError: object of type 'int' has no len()\n"), self.stderr)


if __name__ == "__main__":
    unittest.main()
