"""Handlers: three ways to register, what they are called with, and that nothing they do stops the script."""

import unittest
import unittest.mock

from guest import GuestTest

DELIVERIES = {
    "on_our_id": ("on_our_id", lambda test: [77], lambda id: id == 77),
    "on_binlog_replay_end": ("on_binlog_replay_end", lambda test: [], None),
    "on_get_difference_end": ("on_get_difference_end", lambda test: [], None),
    "on_msg_receive": ("on_message", lambda test: [test.message()], lambda msg: msg.text == "hello"),
    "on_user_update": ("on_user_update", lambda test: [test.user(), 0b1001], lambda peer, what: (peer.id, what) == (100, ["created", "contact"])),
    "on_chat_update": ("on_chat_update", lambda test: [test.chat(), 1 << 13], lambda peer, what: (peer.id, what) == (7, ["members"])),
    "on_secret_chat_update": ("on_secret_chat_update", lambda test: [test.secret_chat(), 0], lambda peer, what: (peer.id, what) == (-5, [])),
}  # fmt: skip
"""For each event the export, what the host passes to it, and what must be true of what the handler gets."""


class Registration(GuestTest):
    def check_all_events(self, source_of):
        for event in DELIVERIES:
            with self.subTest(event):
                self.tearDown()
                self.setUp()
                self.assertIsNone(self.load(f"import tgl\ngot = []\ndef handler(*a): got.append(a)\n{source_of(event)}"))
                import sys

                export, arguments, holds = DELIVERIES[event]
                self.deliver(export, *arguments(self))
                [got] = sys.modules["bot"].got
                self.assertTrue(holds(*got) if holds else got == ())

    def test_by_function(self):
        self.check_all_events(lambda event: f"tgl.set_{event}(handler)")

    def test_by_attribute(self):
        self.check_all_events(lambda event: f"tgl.{event} = handler")

    def test_by_name(self):
        self.check_all_events(lambda event: f"def {event}(*a): got.append(a)")

    def test_precedence(self):
        """(source, what is heard of a message)"""
        head = "import tgl\ngot = []\na = lambda msg: got.append('a')\nb = lambda msg: got.append('b')\n"
        cases = [
            ("tgl.set_on_msg_receive(a); tgl.set_on_msg_receive(b)", ["b"]),
            ("tgl.on_msg_receive = a; tgl.on_msg_receive = b", ["b"]),
            ("tgl.set_on_msg_receive(a); tgl.on_msg_receive = b", ["a"]),
            ("tgl.on_msg_receive = a; tgl.set_on_msg_receive(b)", ["b"]),
            ("tgl.on_msg_receive = a; tgl.on_msg_receive = None", []),
            ("tgl.set_on_our_id(print); on_msg_receive = a", []),
            ("on_msg_receive = 5", []),
        ]
        for source, heard in cases:
            with self.subTest(source):
                self.tearDown()
                self.setUp()
                self.assertIsNone(self.load(head + source))
                self.deliver("on_message", self.message())
                import sys

                self.assertEqual(sys.modules["bot"].got, heard)

    def test_refuses_what_cannot_be_called(self):
        for event in [*DELIVERIES, "on_loop"]:
            with self.subTest(event):
                for wrong in (None, 5, "f"):
                    with self.assertRaisesRegex(TypeError, "parameter must be callable"):
                        getattr(self.tgl, f"set_{event}")(wrong)
                with self.assertRaises(TypeError):
                    getattr(self.tgl, f"set_{event}")()
                with self.assertRaises(TypeError):
                    setattr(self.tgl, event, 5)


class Delivery(GuestTest):
    def test_nothing_registered_is_silent(self):
        for export, arguments, _ in DELIVERIES.values():
            self.deliver(export, *arguments(self))
        self.assertEqual((self.stdout, self.stderr, self.host.logs), ("", "", []))

    def test_exceptions_are_printed_and_survived(self):
        source = (
            "import tgl\ndef on_msg_receive(msg):\n    1 / len(msg.text)\n"
            "def on_user_update(): pass\n"
            "def on_our_id(id): raise KeyboardInterrupt\n"
            "def on_get_difference_end(): raise GeneratorExit\n"
        )
        self.assertIsNone(self.load(source))
        self.deliver("on_message", self.message(text=""))
        self.assertEqual(self.stderr.splitlines()[:3], [
            "Traceback (most recent call last):",
            '  File "/script/bot.py", line 3, in on_msg_receive',
            "    1 / len(msg.text)",
        ])  # fmt: skip
        self.assertTrue(self.stderr.endswith("ZeroDivisionError: division by zero\n"))
        self.deliver("on_user_update", self.user(), 1)
        self.assertIn("TypeError: on_user_update() takes 0 positional arguments but 2 were given", self.stderr)
        self.assertNotIn("_dispatch", self.stderr)
        self.deliver("on_our_id", 1)
        self.deliver("on_get_difference_end")
        self.assertIn("KeyboardInterrupt", self.stderr)
        self.assertIn("GeneratorExit", self.stderr)

    def test_exception_in_a_callback_of_a_call(self):
        self.tgl.status_online(lambda success: success.oops)
        self.complete(1)
        self.assertIn("AttributeError: 'bool' object has no attribute 'oops'", self.stderr)

    def test_own_excepthook(self):
        self.load("import sys, tgl\nsys.excepthook = lambda *e: print('mine', e[0].__name__)\ndef on_our_id(i): 1/0\n")
        import sys

        self.addCleanup(setattr, sys, "excepthook", sys.__excepthook__)
        self.deliver("on_our_id", 1)
        self.assertEqual(self.stdout, "mine ZeroDivisionError\n")
        sys.excepthook = None
        self.deliver("on_our_id", 1)
        self.assertTrue(self.stderr.startswith("Error in sys.excepthook:\nTypeError: 'NoneType' object is not callable\n"), self.stderr)
        self.assertIn("\nOriginal exception was:\nTraceback", self.stderr)
        self.assertTrue(self.stderr.endswith("ZeroDivisionError: division by zero\n"), self.stderr)

    def test_text_that_a_handler_gives_is_logged(self):
        self.load("def on_our_id(id): return f'id {id} \\u00fc\\n'\ndef on_binlog_replay_end(): return 5\n")
        self.deliver("on_our_id", 7)
        self.deliver("on_binlog_replay_end")
        self.assertEqual(self.host.logs, [("INFO", " *** python: id 7 ü")])

    def test_text_that_a_handler_gives_may_be_anything(self):
        self.load("def on_our_id(id): return '\\ud800\\na' + 'x' * 10**6\n")
        self.deliver("on_our_id", 7)
        [(_, line)] = self.host.logs
        self.assertLess(len(line), 10000)
        self.assertNotIn("\n", line)
        line.encode()

    def test_partial_callbacks_page_through_a_history(self):
        """The example of README-PY.md."""
        source = (
            "import tgl\nfrom functools import partial\nhistory = []\n"
            "def on_msg_receive(msg):\n"
            "    msg.src.get_history(0, 2, partial(history_callback, 2, msg.src))\n"
            "def history_callback(msg_count, peer, success, msgs):\n"
            "    history.extend(msgs)\n"
            "    if len(msgs) == msg_count:\n"
            "        peer.get_history(len(history), msg_count, partial(history_callback, msg_count, peer))\n"
            "    else:\n        print(len(history))\n"
        )
        self.assertIsNone(self.load(source))
        self.deliver("on_message", self.message())
        self.complete(1, "Messages", [self.message(), self.message()])
        self.complete(2, "Messages", [self.message()])
        self.assertEqual([(call[1][1].offset, call[1][1].limit) for call in self.host.calls], [(0, 2), (2, 2)])
        self.assertEqual(self.stdout, "3\n")


class Loop(GuestTest):
    def setUp(self):
        super().setUp()
        self.clock = unittest.mock.patch("time.time", return_value=100.0).start()
        self.addCleanup(unittest.mock.patch.stopall)

    def test_ticks_come_at_the_same_moments_for_all_scripts(self):
        for now_s, tick_ms in [(100.0, 1000), (100.05, 950), (100.07, 1055), (100.124, 1001)]:
            self.setUp()
            self.clock.return_value = now_s
            self.load("import tgl\ntgl.set_on_loop(lambda: None)\n")
            self.deliver("on_binlog_replay_end")
            self.assertIn(self.host.timers[-1] - tick_ms, (0, 1), now_s)

    def test_before_every_other_callback_once_the_backlog_is_delivered(self):
        self.load(
            "import tgl\ntgl.set_on_loop(lambda: print('loop'))\ntgl.set_on_msg_receive(lambda msg: print('msg'))\n"
            "tgl.set_on_binlog_replay_end(lambda: print('replayed'))\n"
        )
        self.deliver("on_message", self.message())
        self.deliver("on_binlog_replay_end")
        self.assertEqual(self.host.timers, [1000])
        self.deliver("on_message", self.message())
        self.deliver("on_completion", 1, None)
        self.assertEqual(self.stdout, "msg\nreplayed\nloop\nmsg\nloop\n")

    def test_ticks(self):
        self.load("import tgl\ntgl.set_on_loop(lambda: print('loop'))\n")
        self.deliver("on_binlog_replay_end")
        for tick in (1, 2, 3):
            self.deliver("on_timer")
            self.assertEqual((self.stdout, self.host.timers), ("loop\n" * tick, [1000] * (tick + 1)))

    def test_no_ticks_without_a_handler(self):
        self.load("pass\n")
        self.deliver("on_binlog_replay_end")
        self.deliver("on_timer")
        self.assertEqual(self.host.timers, [])


if __name__ == "__main__":
    unittest.main()
