"""The examples, run as they stand."""

import pathlib
import sys
import unittest

from guest import GuestTest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


class Examples(GuestTest):
    def load_example(self, name):
        self.assertIsNone(self.load((EXAMPLES / name).read_text(), f"/script/{name}"))
        self.addCleanup(sys.modules.pop, name.removesuffix(".py"), None)

    def sent(self):
        sends = [arguments for name, arguments in self.host.calls if name == "send_message"]
        return [(to.kind.name, to.id, text, options.reply_to) for to, text, options in sends]

    def test_first_line_is_the_command(self):
        for path in EXAMPLES.glob("*.py"):
            self.assertEqual(path.read_text().splitlines()[0], f"# cargo xtask run examples/{path.name}")

    def test_ping(self):
        self.load_example("ping.py")
        for ignored in [{"text": "hello"}, {"text": None}, {"text": "!ping", "flags": 2}]:
            self.deliver("on_message", self.message(**ignored))
        self.deliver("on_message", self.message(id=5, text="!ping"))
        self.deliver("on_message", self.message(id=6, text="!ping", destination=self.chat()))
        self.assertEqual(self.sent(), [("USER", 100, "PONG!", 5), ("CHAT", 7, "PONG!", 6)])
        self.assertEqual(self.stderr, "")

    def test_history(self):
        self.load_example("history.py")
        self.deliver("on_message", self.message(text="!count"))
        for length in (100, 100, 30):
            self.complete(len(self.host.calls), "Messages", [self.message()] * length)
        self.assertEqual([page.offset for _, (_, page, *_) in self.host.calls[:3]], [0, 100, 200])
        self.assertEqual(self.stdout, "230 messages with John_Doe\n")
        self.assertEqual(self.sent(), [("USER", 100, "230 messages", None)])
        self.deliver("on_message", self.message(text="!count"))
        self.fail_call(len(self.host.calls))
        self.assertIn("cannot be read", self.stdout)


if __name__ == "__main__":
    unittest.main()
