"""Wrong arguments: none reaches a raw import, methods give False and say why at once, functions give True and say it late."""

import unittest

from guest import GuestTest

TEXT = [None, 5, 1.5, object(), "a\0b", "\ud800", "x" * (512 * 1024 + 1), []]
PATH = [None, 5, b"/a", "a\0b", "\udfff"]
ID = [None, "5", 5.0, 2**63, -(2**63) - 1, float("nan"), 10**5000]
COUNT = [None, "5", 5.0, -1, 2**32]
DEGREES = [None, "1", float("nan"), float("inf"), -float("inf"), 10**400, 1j]
PEER = [None, 5, "John", object()]
PEERS = [None, 5, "ab", [], [None], [5], {1}]

# function | a valid set of arguments, by a letter each | kinds by position
WRONG = {"t": TEXT, "p": PATH, "i": ID, "n": COUNT, "d": DEGREES, "u": PEER, "l": PEERS, "m": PEER}

FUNCTIONS = {
    "add_contact": "ttt", "rename_contact": "ttt", "del_contact": "u", "set_profile_name": "tt", "set_profile_photo": "p",
    "send_msg": "ut", "fwd_msg": "ui", "fwd_media": "ui", "send_photo": "up", "send_video": "up", "send_audio": "up",
    "send_document": "up", "send_file": "up", "send_text": "up", "send_location": "udd", "send_contact": "uttt",
    "send_typing": "u", "send_typing_abort": "u", "mark_read": "u", "delete_msg": "i", "restore_msg": "i",
    "get_history": "unn", "msg_search": "ut", "msg_global_search": "t", "user_info": "u", "chat_info": "u",
    "load_photo": "m", "load_video": "m", "load_video_thumb": "m", "load_audio": "m", "load_document": "m",
    "load_document_thumb": "m", "create_group_chat": "lt", "rename_chat": "ut", "chat_set_photo": "up",
    "chat_add_user": "uu", "chat_del_user": "uu", "import_chat_link": "t", "create_secret_chat": "u",
    "accept_secret_chat": "u", "ext_function": "t",
}  # fmt: skip

PEER_METHODS = {
    "send_msg": "t", "fwd_msg": "i", "fwd_media": "i", "send_photo": "p", "send_video": "p", "send_audio": "p",
    "send_document": "p", "send_file": "p", "send_text": "p", "send_location": "dd", "send_contact": "ttt",
    "get_history": "nn", "history": "nn", "msg_search": "t", "rename_chat": "t", "chat_set_photo": "p",
    "chat_add_user": "u", "chat_del_user": "u",
}  # fmt: skip


class WrongArguments(GuestTest):
    def valid(self, kind):
        return {"t": "a", "p": "/a", "i": 5, "n": 5, "d": 1.0, "u": self.peer(), "l": [self.peer()], "m": self.msg()}[kind]

    def cases(self, kinds):
        """Each list of arguments with one of them wrong, and lists that are too short."""
        for position, kind in enumerate(kinds):
            valid = [self.valid(each) for each in kinds]
            for wrong in WRONG[kind]:
                yield [*valid[:position], wrong, *valid[position + 1 :], print]
        yield []
        yield [self.valid(each) for each in kinds] + [print] * 3

    def test_functions(self):
        for name, kinds in FUNCTIONS.items():
            function = getattr(self.tgl, name)
            for case, arguments in enumerate(self.cases(kinds)):
                with self.subTest(name, kinds=kinds, case=case):
                    before = self.stderr
                    self.assertIs(function(*arguments), True)
                    self.assertEqual(self.host.calls, [])
                    self.assertEqual(self.stderr, before, "said too early")
                    self.deliver("on_timer")
                    self.assertIn("Error", self.stderr[len(before) :])

    def test_methods(self):
        chat = self.peer(self.chat())
        for name, kinds in PEER_METHODS.items():
            method = getattr(chat, name)
            for case, arguments in enumerate(self.cases(kinds)):
                with self.subTest(name, kinds=kinds, case=case):
                    before = self.stderr
                    self.assertIs(method(*arguments), False)
                    self.assertEqual(self.host.calls, [])
                    self.assertIn("Error", self.stderr[len(before) :])

    def test_methods_take_no_bytes_and_no_unknown_keywords(self):
        peer = self.peer()
        self.assertIs(peer.send_msg(b"a"), False)
        self.assertIs(peer.send_msg("a", quote=1), False)
        self.assertIs(peer.send_msg("a", reply="5"), False)
        self.assertIs(peer.send_msg("a", reply=2**63), False)
        self.assertEqual(self.host.calls, [])

    def test_functions_take_no_keywords(self):
        with self.assertRaisesRegex(TypeError, r"send_msg\(\) takes no keyword arguments"):
            self.tgl.send_msg(peer=self.peer(), text="a")

    def test_chat_methods_need_a_chat(self):
        for name, arguments in [("rename_chat", "a"), ("chat_set_photo", "/a"), ("chat_add_user", self.peer()), ("chat_del_user", self.peer())]:
            with self.subTest(name):
                self.assertIs(getattr(self.peer(), name)(arguments), False)
        self.assertIn("tgl.PeerError: Only a chat peer can be renamed", self.stderr)
        self.assertEqual(self.host.calls, [])

    def test_report_names_the_line_of_the_script(self):
        source = "import tgl\ndef on_msg_receive(msg):\n    msg.src.send_msg(5)\n    tgl.send_msg(msg.src)\n"
        self.load(source)
        self.deliver("on_message", self.message())
        lines = self.stderr.splitlines()
        self.assertEqual(lines[:4], [
            "Traceback (most recent call last):",
            '  File "/script/bot.py", line 3, in on_msg_receive',
            "    msg.src.send_msg(5)",
            "TypeError: text must be str, not int",
        ])  # fmt: skip
        self.assertIn('  File "/script/bot.py", line 4, in on_msg_receive', lines[4:])
        self.assertNotIn("tgl/", self.stderr)

    def test_late_reports_are_bounded(self):
        for _ in range(1000):
            self.tgl.mark_read()
        self.deliver("on_timer")
        self.assertEqual(self.stderr.count("TypeError"), 100)
        self.assertIn("900 more", self.stderr)

    def test_str_and_int_subclasses_arrive_plain(self):
        class Text(str):
            pass

        self.peer().send_msg(Text("a"), reply=True)
        _, text, options = self.host.calls[0][1]
        self.assertIs(type(text), str)
        self.assertIs(type(options.reply_to), int)

    def test_more_peers_than_a_group_holds(self):
        self.tgl.create_group_chat([self.peer()] * 201, "a")
        self.assertEqual(self.host.calls, [])


class SafeExit(GuestTest):
    def test_codes(self):
        for name in ("safe_exit", "safe_quit"):
            for arguments, code in [((), 0), ((3,), 3), ((256 + 7,), 7), ((True,), 1)]:
                with self.subTest(name, arguments=arguments):
                    self.assertIsNone(getattr(self.tgl, name)(*arguments))
                    self.assertEqual(self.host.exits.pop(), (code, "DRAINED"))

    def test_wrong_code(self):
        self.assertIsNone(self.tgl.safe_exit("1"))
        self.assertEqual(self.host.exits, [])
        self.assertIn("TypeError", self.stderr)


if __name__ == "__main__":
    unittest.main()
