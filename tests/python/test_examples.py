"""The examples, run as they stand."""

import json
import os
import pathlib
import sqlite3
import sys
import tempfile
import unittest
import unittest.mock
from datetime import datetime

from guest import GuestTest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


class Examples(GuestTest):
    def setUp(self):
        super().setUp()
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        home_before = unittest.mock.patch.dict(os.environ, HOME=home.name, PWD=home.name)
        home_before.start()
        self.addCleanup(home_before.stop)
        self.home = pathlib.Path(home.name)

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

    def test_moderator(self):
        self.load_example("moderator.py")
        group = self.chat(kind="Channel", title="Group")
        for ignored in [
            {"text": "hello", "destination": group}, {"text": None, "destination": group}, {"text": "CASINO"},
            {"text": "casino", "destination": group, "flags": 2}, {"text": "casinos", "destination": group},
            {"text": "casino", "destination": group, "source": None},
        ]:  # fmt: skip
            self.deliver("on_message", self.message(**ignored))
        self.assertEqual(self.host.calls, [])
        for id in (5, 6, 7, 8):
            self.deliver("on_message", self.message(id=id, text="Best Casino!", destination=group))
        self.assertEqual([name for name, _ in self.host.calls], ["delete_message", "send_message"] * 2 + ["delete_message", "delete_chat_user"] + ["delete_message", "send_message"])
        self.assertEqual([arguments for name, arguments in self.host.calls if name == "delete_message"], [(5,), (6,), (7,), (8,)])
        said = "John, that is not welcome here ({} of 3)"
        self.assertEqual(self.sent(), [("CHANNEL", 7, said.format(count), None) for count in (1, 2, 1)])
        for request in (1, 6):
            self.fail_call(request, detail="CHAT_ADMIN_REQUIRED")
        self.assertEqual(self.stdout.count("is this account an administrator?"), 2)
        self.deliver("on_message", self.message(text=None, media=self.types.Media_Photo("free money"), destination=group))
        self.assertEqual(self.host.calls[-2][0], "delete_message")
        self.assertEqual(self.stderr, "")

    def test_saver(self):
        self.load_example("saver.py")
        photo, document = self.types.Media_Photo(None), self.types.Media_Document()
        for media, flags in [(photo, 2), (None, 0), (self.types.Media_Unsupported(), 0)]:
            self.deliver("on_message", self.message(media=media, flags=flags))
        self.assertEqual(self.host.calls, [])
        for id, media, source in [(5, photo, self.user()), (6, document, self.user()), (7, document, None)]:
            self.deliver("on_message", self.message(id=id, media=media, source=source, destination=self.chat()))
        self.assertEqual([(id, part.name) for _, (id, part) in self.host.calls], [(5, "PHOTO"), (6, "DOCUMENT"), (7, "DOCUMENT")])
        for request, name in [(1, "a.jpg"), (2, "a.jpg"), (3, "a.pdf")]:
            (self.home / name).write_text("x")
            self.complete(request, "File", str(self.home / name))
        saved = sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*.*"))
        self.assertEqual(saved, ["saved/chat_7/a.pdf", "saved/user_100/a.jpg", "saved/user_100/a_1.jpg"])
        self.deliver("on_message", self.message(media=photo))
        self.fail_call(4)
        self.assertIn("could not be loaded", self.stdout)
        self.assertEqual(self.stderr, "")

    def test_exporter(self):
        self.load_example("exporter.py")
        self.deliver("on_message", self.message(text="!export"))
        self.assertEqual(self.host.calls, [])
        self.deliver("on_message", self.message(text="!export", flags=2, destination=self.chat()))
        page = [self.message(id=id, text=f"text {id}", date=1700000000 + id) for id in range(130, 0, -1)]
        page[129] = self.message(id=1, text=None, media=self.types.Media_Photo("ü"), source=None)
        self.complete(1, "Messages", page[:100])
        self.complete(2, "Messages", page[100:])
        self.assertEqual([arguments[1].offset for _, arguments in self.host.calls], [0, 100])
        exported = json.loads((self.home / "export.json").read_text(encoding="utf-8"))
        self.assertEqual([row["id"] for row in exported], list(range(1, 131)))
        self.assertEqual((exported[0]["media"], exported[0]["from"], exported[1]["from"]), ({"type": "photo", "caption": "ü"}, None, "John_Doe"))
        db = sqlite3.connect(self.home / "export.db")
        self.addCleanup(db.close)
        self.assertEqual(db.execute("SELECT count(*), max(text), max(date) FROM message").fetchone(), (130, "text 99", datetime.fromtimestamp(1700000130).isoformat()))
        self.assertEqual(self.stdout.splitlines()[-1], "130 messages with My_Chat are exported")
        self.assertEqual(self.stderr, "")

    def test_reminder(self):
        self.load_example("reminder.py")
        now = datetime.now()
        for id, text in enumerate(["!remind 1s feed the cat", "!remind 99d sleep", "!remind x", "!remind 99:99 x", "remind 1s x"]):
            self.deliver("on_message", self.message(id=id, text=text, date=int(now.timestamp()) - 5))
        asked = "Write: !remind 18:30 TEXT, or !remind 10m TEXT"
        self.assertEqual([text if "Write" in text else text[:7] for *_, text, _ in self.sent()], ["I will,", "I will,", asked, asked])
        sys.modules["reminder"].db.close()
        self.tearDown()
        GuestTest.setUp(self)
        self.known(self.user())
        self.load_example("reminder.py")
        self.deliver("on_binlog_replay_end")
        self.deliver("on_timer")
        self.assertEqual(self.sent(), [("USER", 100, "Reminder: feed the cat", None)])
        self.deliver("on_timer")
        self.assertEqual((len(self.sent()), self.stderr), (1, ""))

    def test_forwarder(self):
        self.load_example("forwarder.py")
        one, other = self.chat(id=7, title="One"), self.chat(id=8, title="Other", kind="Channel")
        self.deliver("on_message", self.message(text="lost", destination=one))
        self.deliver("on_message", self.message(id=5, text="!forward a", destination=one))
        self.deliver("on_message", self.message(text="nowhere to go", destination=one))
        self.deliver("on_message", self.message(id=6, text="!forward b", destination=other))
        self.assertEqual(self.sent(), [("CHAT", 7, "This is a now", 5), ("CHANNEL", 8, "This is b now", 6)])
        for id, chat in [(10, one), (11, other)]:
            self.deliver("on_message", self.message(id=id, destination=chat))
        self.deliver("on_message", self.message(id=12, destination=one, flags=2))
        self.assertEqual([(to.kind.name, to.id, id) for name, (to, id, *_) in self.host.calls if name == "forward_message"], [("CHANNEL", 8, 10), ("CHAT", 7, 11)])
        self.fail_call(4)
        self.assertIn("could not be forwarded", self.stdout)
        self.host.peers.clear()
        self.deliver("on_message", self.message(id=13, destination=one))
        self.assertIn("The other chat is gone", self.stdout)
        self.assertEqual(self.stderr, "")


if __name__ == "__main__":
    unittest.main()
