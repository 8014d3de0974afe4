"""The runtime around a script: loading, output, ends, timers; and the package where there is no host."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from guest import SDK, GuestTest


class Loading(GuestTest):
    def test_what_a_script_finds(self):
        self.load("import sys\nprint(__name__, __file__, sys.modules[__name__].__file__, sys.argv, sys.path[-1])", "/script/tg-bot.v2.py")
        self.assertEqual(self.stdout, "tg-bot.v2 /script/tg-bot.v2.py /script/tg-bot.v2.py ['/script/tg-bot.v2.py'] /script\n")
        del sys.modules["tg-bot.v2"]

    def test_arguments_of_the_host_are_kept(self):
        sys.argv[:] = ["bot.py", "a"]
        self.load("import sys\nprint(sys.argv)")
        self.assertEqual(self.stdout, "['bot.py', 'a']\n")

    def test_modules_beside_the_script(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "beside_the_bot.py").write_text("answer = 42")
            self.load("import beside_the_bot\nprint(beside_the_bot.answer)", f"{folder}/bot.py")
        del sys.modules["beside_the_bot"]
        self.assertEqual(self.stdout, "42\n")

    def test_byte_order_mark_and_dos_lines(self):
        self.assertIsNone(self.load("\ufeffprint(1)\r\nprint(2)\r\n"))
        self.assertEqual(self.stdout, "1\n2\n")

    def test_errors_are_tracebacks_with_source_lines(self):
        error = self.load("import tgl\ndef f():\n    return 1 / 0\nf()\n")
        self.assertEqual([line for line in error.splitlines() if "^" not in line and "~" not in line], [
            "Traceback (most recent call last):",
            '  File "/script/bot.py", line 4, in <module>',
            "    f()",
            '  File "/script/bot.py", line 3, in f',
            "    return 1 / 0",
            "ZeroDivisionError: division by zero",
        ])  # fmt: skip
        self.assertEqual(self.stderr, "")

    def test_syntax_errors(self):
        error = self.load("x = 1\ndef f(:\n    pass\n")
        self.assertIn('File "/script/bot.py", line 2', error)
        self.assertIn("def f(:", error)
        self.assertNotIn("Python 2", error)

    def test_python_2(self):
        for line in ["print u'x'", "print x,", "if x: print 'a'", "print self.x", "x = 0xFFL", "x = 0777L", "def f((a, b)): pass", "f = lambda (a, b): a", "print 'x'", "print x", "exec 'x'", "raise E, 'x'", "x = 0777", "x = 10L", "if a <> b: pass", "x = `a`", "x = ur'a'"]:
            with self.subTest(line):
                error = self.load(f"import tgl\n{line}\n")
                self.assertIn("SyntaxError", error)
                self.assertIn("line 2", error)
                self.assertEqual(error.count("This looks like Python 2, and this is Python 3."), 1)

    def test_python_2_except(self):
        self.load("import tgl\ntry:\n    pass\nexcept (KeyError, ValueError): pass\n")
        self.assertEqual(self.stderr, "")
        self.load("import tgl\ntry:\n    pass\nexcept Exception, e:\n    pass\n")
        if sys.version_info >= (3, 14):  # Before that it is an error, which the component's Python does not know.
            self.assertIn("/script/bot.py, line 4: `except X, e:` is Python 2", self.stderr)

    def test_python_3_mistakes_are_not_called_python_2(self):
        for line in ["print('x'", "x = (1,", "raise", "def f():\nreturn", "printer x", "lambda: (yield"]:
            with self.subTest(line):
                self.assertNotIn("Python 2", self.load(f"{line}\n") or "")

    def test_errors_may_be_anything(self):
        for source in ["raise Exception('\\ud800')", "raise KeyboardInterrupt", "import nothing_like_it", "raise BaseException", "raise MemoryError"]:
            with self.subTest(source):
                error = self.load(source)
                error.encode()
                self.assertIn("Traceback", error)

    def test_an_error_while_loading_goes_to_the_hook_and_then_ends_the_script(self):
        begin = "import atexit, sys\natexit.register(print, 'at exit')\n"
        for hook, told, stderr in [
            ("lambda cls, error, trace: print(cls.__name__, error, trace.tb_lineno)", "ZeroDivisionError division by zero 4\nat exit\n", ""),
            ("lambda *error: 1 / None", "at exit\n", "Error in sys.excepthook:\n"),
            ("lambda *error: sys.exit(3)", "at exit\n", ""),
        ]:
            with self.subTest(hook):
                self.addCleanup(setattr, sys, "excepthook", sys.__excepthook__)
                before = len(self.stdout), len(self.stderr)
                self.assertIsNone(self.load(f"{begin}sys.excepthook = {hook}\n1 / 0\n"))
                self.assertEqual(self.stdout[before[0] :], told)
                self.assertTrue(self.stderr[before[1] :].startswith(stderr) and bool(stderr) == bool(self.stderr[before[1] :]), self.stderr)
                self.assertEqual(self.host.exits.pop(), (3 if "exit(3)" in hook else 1, "NOW"))
                self.exports._ended = False

    def test_an_error_while_loading_is_the_hosts_to_tell_where_there_is_no_hook(self):
        error = self.load("import atexit\natexit.register(print, 'at exit')\natexit.register(lambda: 1 / 0)\nraise KeyError\n")
        self.assertTrue(error.endswith("KeyError\n"), error)
        self.assertEqual(self.stdout, "at exit\n")
        self.assertEqual(self.host.exits, [])

    def test_nul_in_the_source(self):
        self.assertIn("SyntaxError", self.load("x = '\0'"))

    def test_error_is_bounded(self):
        self.assertLess(len(self.load("raise Exception('x' * 10**7)").encode()), 10**6)

    def test_endless_recursion(self):
        self.assertIn("RecursionError", self.load("def f(): f()\nf()\n"))

    def test_raw_bindings_cannot_be_imported(self):
        for name in ("wit_world", "wit_world.imports.calls", "componentize_py_runtime", "componentize_py_types"):
            with self.subTest(name):
                self.assertIn("ModuleNotFoundError", self.load(f"import {name}"))

    def test_a_script_does_not_stand_in_the_place_of_a_module(self):
        import json

        self.assertIsNone(self.load("import json\nprint(json.dumps(1), __name__)", "/script/json.py"))
        self.assertEqual(self.stdout, "1 json\n")
        self.assertIs(sys.modules["json"], json)


class Snapshot(GuestTest):
    def test_warming_up_leaves_no_trace(self):
        from _tglhost import snapshot

        snapshot.warm_up()
        self.assertEqual((self.host.calls, self.host.logs, self.host.timers, self.stdout, self.stderr), ([], [], [], "", ""))
        self.load("def on_our_id(id): print(id)")
        self.deliver("on_our_id", 5)
        self.assertEqual(self.stdout, "5\n")


class Output(GuestTest):
    def test_by_line(self):
        prints = []
        self.host.import_called = lambda interface, name, arguments: prints.append(arguments[1])
        self.load("print('a', end='')\nprint('b')\nprint('c')\nimport sys\nsys.stdout.write('d')\ndef on_loop(): pass\n")
        self.assertEqual(prints, ["ab\n", "c\n", "d"])

    def test_what_is_printed(self):
        cases = [
            ("print('ü€😀')", "ü€😀\n"),
            ("print('\\ud800')", "\\ud800\n"),
            ("sys.stdout.buffer.write(b'\\xff\\xc3'); sys.stdout.flush(); sys.stdout.buffer.write(b'\\xbc')", "\ufffdü"),
            ("print('x' * 200000)", "x" * 200000 + "\n"),
            ("print('é' * 100000)", "é" * 100000 + "\n"),
            ("sys.stdout.write('a\\r\\nb')", "a\r\nb"),
        ]
        for source, wanted in cases:
            with self.subTest(source):
                before = len(self.stdout)
                self.assertIsNone(self.load(f"import sys\n{source}\n"))
                self.assertEqual(self.stdout[before:], wanted)

    def test_streams_that_a_script_breaks(self):
        for source in ["sys.stdout.close()", "sys.stdout = None", "import io; sys.stdout = sys.stderr = io.StringIO()", "sys.stdout.detach()", "del sys.stdout"]:
            with self.subTest(source):
                self.tearDown()
                self.setUp()
                self.assertIsNone(self.load(f"import sys\n{source}\ndef on_our_id(id): 1/0\n"))
                self.deliver("on_our_id", 1)
                self.deliver("on_message", self.message())

    def test_there_is_no_input(self):
        self.assertIn("EOFError", self.load("input()"))


class Ends(GuestTest):
    def test_sys_exit(self):
        """(argument, code, what is printed)"""
        for argument, code, printed in [("", 0, ""), ("3", 3, ""), ("256 + 4", 4, ""), ("-1", 255, ""), ("'bye'", 1, "bye\n"), ("True", 1, "")]:
            for source, event in [(f"import sys\nsys.exit({argument})", None), (f"import sys\ndef on_our_id(id): sys.exit({argument})", "on_our_id")]:
                with self.subTest(argument, event=event):
                    self.tearDown()
                    self.setUp()
                    self.assertIsNone(self.load(source))
                    if event:
                        self.deliver(event, 1)
                    self.assertEqual(self.host.exits, [(code, "NOW")])
                    self.assertEqual(self.stderr, printed)

    def test_wrong_arguments_are_told_of_before_the_end(self):
        self.load("import sys, tgl\ndef on_our_id(id):\n    tgl.status_online('no callback')\n    sys.exit(3)\n")
        self.deliver("on_our_id", 1)
        self.assertIn("line 3, in on_our_id", self.stderr)
        self.assertTrue(self.stderr.endswith("TypeError: callback must be callable or None, not str\n"), self.stderr)

    def test_nothing_runs_after_the_end(self):
        self.load("def on_our_id(id): exit(0)\ndef on_msg_receive(msg): print('still here')\n")
        self.deliver("on_our_id", 1)
        self.deliver("on_message", self.message())
        self.assertEqual((self.stdout, len(self.host.exits)), ("", 1))


class Timers(GuestTest):
    SOURCE = "import threading, tgl\ntimers = []\ndef on_our_id(s):\n    t = threading.Timer(s, print, ['rang', s])\n    t.start()\n    timers.append(t)\n"

    def setUp(self):
        import threading

        self.addCleanup(setattr, threading, "Timer", threading.Timer)
        super().setUp()
        from tgl import _tasks, _timers, _turns

        self.now = 1000.0
        for module in (_tasks, _timers, _turns):
            module.time = type("Clock", (), {"monotonic": lambda: self.now})

    def test_rings_once_in_order(self):
        self.load(self.SOURCE)
        for seconds in (5, 2, 2.5):
            self.deliver("on_our_id", seconds)
        self.assertEqual(self.host.timers, [5000, 2000])
        self.now += 2.0
        self.deliver("on_timer")
        self.assertEqual((self.stdout, self.host.timers), ("rang 2\n", [5000, 2000, 500]))
        self.now += 10
        self.deliver("on_message", self.message())
        self.assertEqual(self.stdout, "rang 2\nrang 2.5\nrang 5\n")
        self.deliver("on_timer")
        self.assertEqual(len(self.host.timers), 3)

    def test_cancel(self):
        self.load(self.SOURCE)
        self.deliver("on_our_id", 1)
        [timer] = sys.modules["bot"].timers
        self.assertTrue(timer.is_alive())
        timer.cancel()
        self.now += 5
        self.deliver("on_timer")
        self.assertEqual((self.stdout, timer.is_alive()), ("", False))

    def test_extreme_intervals(self):
        self.load(self.SOURCE)
        for seconds in (-5, 0, 1e300, float("inf")):
            self.deliver("on_our_id", seconds)
        self.assertEqual(self.stdout, "rang -5\nrang 0\n")
        self.assertTrue(all(0 <= ms < 2**63 for ms in self.host.timers))
        self.deliver("on_our_id", float("nan"))
        self.assertIn("ValueError", self.stderr)

    def test_failure_of_one_does_not_stop_another(self):
        self.load("import threading\ndef on_our_id(id):\n    threading.Timer(1, lambda: 1/0).start()\n    threading.Timer(2, print, 'x').start()\n")
        self.deliver("on_our_id", 1)
        self.now += 5
        self.deliver("on_timer")
        self.assertEqual(self.stdout, "x\n")
        self.assertIn("ZeroDivisionError", self.stderr)


class Outside(unittest.TestCase):
    """Where there is no host, names and signatures are there for editors, and calls say what to do."""

    def run_python(self, source):
        answer = subprocess.run([sys.executable, "-c", source], cwd=SDK, capture_output=True, text=True, timeout=30)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout

    def test_every_function_says_the_same(self):
        said = self.run_python(
            "import tgl, inspect\nsaid = set()\n"
            "for name, f in inspect.getmembers(tgl, inspect.isfunction):\n"
            "    assert f.__doc__, name\n"
            "    required = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]\n"
            "    try: f(*[print] * len(required))\n    except RuntimeError as error: said.add(str(error))\n"
            "    else: print('no error from', name)\n"
            "try: tgl.on_msg_receive = print\nexcept RuntimeError as error: said.add(str(error))\n"
            "try: tgl.Peer(1, 2)\nexcept RuntimeError as error: said.add(str(error))\n"
            "print(*said)"
        )
        self.assertEqual(said.count("tglhost run SCRIPT.py"), 1)
        self.assertEqual(len(said.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
