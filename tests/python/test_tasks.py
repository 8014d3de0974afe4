"""Coroutines: `async def` handlers, callbacks and timers are awaited, and what they start goes on between two callbacks."""

import sys
import time

from guest import GuestTest

HEAD = "import asyncio, tgl\n"


class Tasks(GuestTest):
    def setUp(self):
        import threading

        self.addCleanup(setattr, threading, "Timer", threading.Timer)
        super().setUp()

    def loaded(self, source):
        self.assertIsNone(self.load(HEAD + source))
        return sys.modules["bot"]

    def tasks(self):
        """Those that are under way."""
        from tgl import _tasks

        return list(_tasks._under_way)

    def cancel(self, *tasks):
        for task in tasks or self.tasks():
            task.cancel()
        self.deliver("on_timer")

    def ring(self):
        """Waits as long as the host was asked to, and delivers the wake-up."""
        self.assertTrue(self.host.timers, "nobody waits for a wake-up")
        time.sleep(self.host.timers.pop() / 1000)
        self.deliver("on_timer")

    def ring_until(self, holds):
        for _ in range(100):
            if holds():
                return
            self.ring()
        self.fail(f"it did not come: {self.stdout!r} {self.stderr!r}")

    def test_every_handler_is_awaited(self):
        deliveries = [
            ("on_our_id", "on_our_id", lambda: [5]),
            ("on_binlog_replay_end", "on_binlog_replay_end", list),
            ("on_get_difference_end", "on_get_difference_end", list),
            ("on_msg_receive", "on_message", lambda: [self.message()]),
            ("on_user_update", "on_user_update", lambda: [self.user(), 1]),
            ("on_chat_update", "on_chat_update", lambda: [self.chat(), 1]),
            ("on_secret_chat_update", "on_secret_chat_update", lambda: [self.secret_chat(), 1]),
        ]
        for event, export, arguments in deliveries:
            for way in (f"tgl.set_{event}(f)", f"tgl.{event} = f", f"{event} = f", f"tgl.set_{event}(lambda *a: f(*a))"):
                with self.subTest(way):
                    self.tearDown()
                    self.setUp()
                    bot = self.loaded(f"gate = asyncio.Event()\nasync def f(*a):\n    print('begins', len(a))\n    await gate.wait()\n    print('ends')\n    return 'done'\n{way}\n")
                    self.deliver(export, *arguments())
                    self.assertEqual(self.stdout, f"begins {len(arguments())}\n")
                    bot.gate.set()
                    self.deliver("on_timer")
                    self.assertTrue(self.stdout.endswith("\nends\n"))
                    self.assertEqual((self.host.logs, self.stderr), ([("INFO", " *** python: done")], ""))

    def test_callbacks_of_calls_and_timers_are_awaited(self):
        self.loaded(
            "import threading\n"
            "async def sent(ok, msg):\n    await asyncio.sleep(0)\n    print('sent', ok, msg.text)\n    threading.Timer(0.001, rang, ['a'], {'b': 'b'}).start()\n"
            "async def rang(a, b):\n    await asyncio.sleep(0)\n    print('rang', a, b)\n"
            "async def on_msg_receive(msg):\n    await asyncio.sleep(0)\n    msg.src.send_msg('x', sent)\n"
        )
        self.deliver("on_message", self.message())
        self.complete(1, "Message", self.message(text="x"))
        self.assertEqual(self.stdout, "sent True x\n")
        self.ring_until(lambda: "rang a b\n" in self.stdout)

    def test_events_begin_in_their_order_and_go_on_as_what_they_wait_for_comes(self):
        bot = self.loaded(
            "gates = {name: asyncio.Event() for name in 'abc'}\n"
            "async def on_msg_receive(msg):\n    print('begins', msg.text, end=' ')\n    await gates[msg.text].wait()\n    print('ends', msg.text, end=' ')\n"
        )
        for text in "abc":
            self.deliver("on_message", self.message(text=text))
        for text in "cba":
            bot.gates[text].set()
            self.deliver("on_timer")
        self.assertEqual(self.stdout, "begins a begins b begins c ends c ends b ends a ")

    def test_what_a_coroutine_raises_is_printed(self):
        self.loaded(
            "async def on_msg_receive(msg):\n    await asyncio.sleep(0)\n    if msg.text == 'cancel': raise asyncio.CancelledError\n"
            "    if msg.text == 'interrupt': raise KeyboardInterrupt('by hand')\n    1 / 0\n"
        )
        for text in ("cancel", "x"):
            self.deliver("on_message", self.message(text=text))
        self.assertEqual([line for line in self.stderr.splitlines() if "~" not in line], [
            "Traceback (most recent call last):",
            '  File "/script/bot.py", line 6, in on_msg_receive',
            "    1 / 0",
            "ZeroDivisionError: division by zero",
        ])  # fmt: skip
        self.deliver("on_message", self.message(text="interrupt"))
        self.assertEqual(self.stderr.count("KeyboardInterrupt: by hand"), 1)
        self.deliver("on_message", self.message())
        self.assertEqual(self.stderr.count("ZeroDivisionError: "), 2)

    def test_sys_exit_ends_the_script(self):
        self.loaded("import sys\nasync def on_msg_receive(msg):\n    await asyncio.sleep(0.001)\n    sys.exit(7)\n")
        self.deliver("on_message", self.message())
        self.ring_until(lambda: self.host.exits)
        self.assertIsInstance(self.tasks().pop().exception(), SystemExit)
        self.assertEqual(self.host.exits, [(7, "NOW")])

    def test_tasks_go_on_without_events(self):
        """Started in a coroutine, and on the loop that is there when the script is loaded."""
        bot = self.loaded(
            "ticks, queue = [], asyncio.Queue()\n"
            "async def tick(name):\n    while True:\n        await asyncio.sleep(0.001)\n        ticks.append(name)\n"
            "async def consume():\n    while True: print('got', await queue.get())\n"
            "async def on_our_id(id):\n    global kept\n    kept = [asyncio.create_task(tick('a')), asyncio.create_task(consume())]\n"
            "def on_msg_receive(msg): queue.put_nowait(msg.text)\n"
        )
        self.deliver("on_our_id", 5)
        from tgl import _tasks

        other = _tasks.loop().create_task(bot.tick("b"))
        self.deliver("on_message", self.message(text="hello"))
        self.assertEqual(self.stdout, "got hello\n")
        self.ring_until(lambda: {"a", "b"} <= set(bot.ticks))
        self.cancel(*bot.kept, other)

    def test_a_loop_that_never_waits_holds_up_no_event(self):
        bot = self.loaded("rounds = 0\nasync def on_our_id(id):\n    global rounds\n    while rounds >= 0:\n        rounds += 1\n        await asyncio.sleep(0)\ndef on_msg_receive(msg):\n    global rounds\n    rounds = -9\n")
        self.deliver("on_our_id", 5)
        self.assertEqual(self.host.timers[-1], 0)
        self.deliver("on_message", self.message())
        self.assertLess(bot.rounds, 0)

    def test_a_loop_that_the_script_closed_is_made_anew(self):
        self.loaded(
            "from tgl import _tasks\nloop = _tasks.loop()\nprint(loop.run_until_complete(asyncio.sleep(0.001, 'ran')))\nloop.close()\n"
            "other = type(loop)()\nprint(other.run_until_complete(asyncio.sleep(0.001, 'ran too')))\nother.close()\n"
            "async def on_our_id(id):\n    await asyncio.sleep(0)\n    print(id)\n"
        )
        self.deliver("on_our_id", 5)
        self.assertEqual(self.stdout, "ran\nran too\n5\n")

    def test_so_many_may_be_under_way(self):
        from tgl import _tasks

        _tasks.UNDER_WAY_MAX = 3
        self.loaded("async def on_our_id(id):\n    print(id)\n    await asyncio.Event().wait()\n")
        for id in range(5):
            self.deliver("on_our_id", id)
        self.assertEqual(self.stdout, "0\n1\n2\n")
        self.assertEqual(self.stderr, "RuntimeError: 3 coroutines are under way already, one more is not begun\n" * 2)
        self.cancel()

    def test_on_loop_is_called_again_when_it_has_ended(self):
        self.loaded("async def f():\n    print('tick')\n    await asyncio.sleep(3600)\ntgl.set_on_loop(f)\n")
        self.deliver("on_binlog_replay_end")
        for _ in range(3):
            self.deliver("on_message", self.message())
        self.assertEqual(self.stdout, "tick\n")
        self.cancel()
        self.deliver("on_timer")
        self.assertEqual(self.stdout, "tick\ntick\n")
        self.cancel()

    def test_wrong_arguments_name_the_coroutines_line_alone(self):
        self.loaded("async def on_our_id(id):\n    await asyncio.sleep(0)\n    tgl.send_msg()\n    print(tgl.Peer.send_msg())\n")
        self.deliver("on_our_id", 5)
        self.assertIn('File "/script/bot.py", line 4, in on_our_id', self.stderr)
        self.assertNotIn("asyncio", self.stderr)
