"""Every call of the documented API, by every name it has: what reaches the host, and what the callback gets."""

import sys
import types
import unittest

from guest import GuestTest

PEER, CHAT, MSG = object(), object(), object()
"""In the tables: a user, a group, a message."""

# name | arguments | raw call | its arguments | outcome | what the callback gets on failure
FUNCTIONS = [
    ("get_contact_list", [], "get_contacts", [], "Peers", (False, [])),
    ("get_dialog_list", [], "get_dialogs", [], "Dialogs", (False, [])),
    ("add_contact", ["79", "A", "B"], "add_contact", ["79", "A", "B"], "Peers", (False, [])),
    ("add_contact", ["79", "A"], "add_contact", ["79", "A", ""], "Peers", (False, [])),
    ("rename_contact", ["79", "A", "B"], "add_contact", ["79", "A", "B"], "Peers", (False, [])),
    ("del_contact", [PEER], "delete_contact", [PEER], "Done", (False,)),
    ("set_profile_name", ["A", "B"], "set_profile_name", ["A", "B"], "Peer", (False, None)),
    ("set_profile_photo", ["/home/a.jpg"], "set_profile_photo", ["/home/a.jpg"], "Done", (False,)),
    ("status_online", [], "set_presence", ["ONLINE"], "Done", (False,)),
    ("status_offline", [], "set_presence", ["OFFLINE"], "Done", (False,)),
    ("send_msg", [PEER, "hi"], "send_message", [PEER, "hi", (None, None)], "Message", (False, None)),
    ("send_msg", [PEER, b"hi"], "send_message", [PEER, "hi", (None, None)], "Message", (False, None)),
    ("fwd_msg", [PEER, 2**40], "forward_message", [PEER, 2**40], "Message", (False, None)),
    ("fwd_media", [PEER, 5], "forward_media", [PEER, 5], "Message", (False, None)),
    ("send_photo", [PEER, "/a"], "send_file", [PEER, "PHOTO", "/a"], "Message", (False, None)),
    ("send_video", [PEER, "/a"], "send_file", [PEER, "VIDEO", "/a"], "Message", (False, None)),
    ("send_audio", [PEER, "/a"], "send_file", [PEER, "AUDIO", "/a"], "Message", (False, None)),
    ("send_document", [PEER, "/a"], "send_file", [PEER, "DOCUMENT", "/a"], "Message", (False, None)),
    ("send_file", [PEER, "/a"], "send_file", [PEER, "DETECT", "/a"], "Message", (False, None)),
    ("send_text", [PEER, "/a"], "send_file", [PEER, "TEXT", "/a"], "Message", (False, None)),
    ("send_location", [PEER, 1.5, -2.5], "send_location", [PEER, 1.5, -2.5], "Message", (False, None)),
    ("send_contact", [PEER, "79", "A", "B"], "send_contact", [PEER, "79", "A", "B"], "Message", (False, None)),
    ("send_typing", [PEER], "set_typing", [PEER, "TYPING"], "Done", (False,)),
    ("send_typing_abort", [PEER], "set_typing", [PEER, "CANCELLED"], "Done", (False,)),
    ("mark_read", [PEER], "mark_read", [PEER], "Done", (False,)),
    ("delete_msg", [5], "delete_message", [5], "Done", (False,)),
    ("restore_msg", [5], "restore_message", [5], "Done", (False,)),
    ("get_history", [PEER, 0, 100], "get_history", [PEER, (0, 100)], "Messages", (False, [])),
    ("msg_search", [PEER, "x"], "search_messages", [PEER, "x", (0, 40)], "Messages", (False, [])),
    ("msg_global_search", ["x"], "search_messages", [None, "x", (0, 40)], "Messages", (False, [])),
    ("user_info", [PEER], "get_peer_info", [PEER], "Peer", (False, None)),
    ("chat_info", [CHAT], "get_peer_info", [CHAT], "Peer", (False, None)),
    ("load_photo", [MSG], "load_file", [1, "PHOTO"], "File", (False, None)),
    ("load_video", [MSG], "load_file", [1, "VIDEO"], "File", (False, None)),
    ("load_video_thumb", [MSG], "load_file", [1, "VIDEO_THUMBNAIL"], "File", (False, None)),
    ("load_audio", [MSG], "load_file", [1, "AUDIO"], "File", (False, None)),
    ("load_document", [MSG], "load_file", [1, "DOCUMENT"], "File", (False, None)),
    ("load_document_thumb", [MSG], "load_file", [1, "DOCUMENT_THUMBNAIL"], "File", (False, None)),
    ("create_group_chat", [[PEER], "G"], "create_chat", [[PEER], "G"], "Done", (False,)),
    ("create_group_chat", [[PEER, CHAT, PEER], "G"], "create_chat", [[PEER, CHAT], "G"], "Done", (False,)),
    ("rename_chat", [CHAT, "T"], "rename_chat", [CHAT, "T"], "Done", (False,)),
    ("chat_set_photo", [CHAT, "/a"], "set_chat_photo", [CHAT, "/a"], "Photo", (False, None)),
    ("chat_add_user", [CHAT, PEER], "add_chat_user", [CHAT, PEER], "Done", (False,)),
    ("chat_del_user", [CHAT, PEER], "delete_chat_user", [CHAT, PEER], "Done", (False,)),
    ("import_chat_link", ["https://t.me/+x"], "join_chat_by_link", ["https://t.me/+x"], "Done", (False,)),
    ("create_secret_chat", [PEER], "create_secret_chat", [PEER], "Peer", (False, None)),
    ("accept_secret_chat", [PEER], "accept_secret_chat", [PEER], "Peer", (False, None)),
    ("ext_function", ["help.getConfig"], "raw_query", ["help.getConfig"], "Text", (False, None)),
]

PEER_METHODS = [
    ("send_msg", ["hi"], "send_message", [PEER, "hi", (None, None)], "Message", (False, None)),
    ("fwd_msg", [5], "forward_message", [PEER, 5], "Message", (False, None)),
    ("fwd_media", [5], "forward_media", [PEER, 5], "Message", (False, None)),
    ("send_photo", ["/a"], "send_file", [PEER, "PHOTO", "/a"], "Message", (False, None)),
    ("send_video", ["/a"], "send_file", [PEER, "VIDEO", "/a"], "Message", (False, None)),
    ("send_audio", ["/a"], "send_file", [PEER, "AUDIO", "/a"], "Message", (False, None)),
    ("send_document", ["/a"], "send_file", [PEER, "DOCUMENT", "/a"], "Message", (False, None)),
    ("send_file", ["/a"], "send_file", [PEER, "DETECT", "/a"], "Message", (False, None)),
    ("send_text", ["/a"], "send_file", [PEER, "TEXT", "/a"], "Message", (False, None)),
    ("send_location", [1.5, 2], "send_location", [PEER, 1.5, 2.0], "Message", (False, None)),
    ("send_contact", ["79", "A", "B"], "send_contact", [PEER, "79", "A", "B"], "Message", (False, None)),
    ("send_typing", [], "set_typing", [PEER, "TYPING"], "Done", (False,)),
    ("send_typing_abort", [], "set_typing", [PEER, "CANCELLED"], "Done", (False,)),
    ("mark_read", [], "mark_read", [PEER], "Done", (False,)),
    ("get_history", [0, 100], "get_history", [PEER, (0, 100)], "Messages", (False, [])),
    ("history", [200, 100], "get_history", [PEER, (200, 100)], "Messages", (False, [])),
    ("msg_search", ["x"], "search_messages", [PEER, "x", (0, 40)], "Messages", (False, [])),
    ("info", [], "get_peer_info", [PEER], "Peer", (False, None)),
]

CHAT_METHODS = [
    ("rename_chat", ["T"], "rename_chat", [CHAT, "T"], "Done", (False,)),
    ("chat_set_photo", ["/a"], "set_chat_photo", [CHAT, "/a"], "Photo", (False, None)),
    ("chat_add_user", [PEER], "add_chat_user", [CHAT, PEER], "Done", (False,)),
    ("chat_del_user", [PEER], "delete_chat_user", [CHAT, PEER], "Done", (False,)),
]

MSG_METHODS = [
    ("load_photo", [], "load_file", [1, "PHOTO"], "File", (False, None)),
    ("load_video", [], "load_file", [1, "VIDEO"], "File", (False, None)),
    ("load_video_thumb", [], "load_file", [1, "VIDEO_THUMBNAIL"], "File", (False, None)),
    ("load_audio", [], "load_file", [1, "AUDIO"], "File", (False, None)),
    ("load_document", [], "load_file", [1, "DOCUMENT"], "File", (False, None)),
    ("load_document_thumb", [], "load_file", [1, "DOCUMENT_THUMBNAIL"], "File", (False, None)),
    ("delete_msg", [], "delete_message", [1], "Done", (False,)),
]

CALLBACK_REQUIRED = {name for name, *_ in MSG_METHODS if name.startswith("load_")}


class Calls(GuestTest):
    def setUp(self):
        super().setUp()
        self.of_table = {PEER: self.peer(), CHAT: self.peer(self.chat()), MSG: self.msg()}
        self.got = []

    def test_every_call_of_the_contract_has_a_name_here(self):
        imported = sys.modules["wit_world.imports.calls"]
        contract = {name for name, value in vars(imported).items() if isinstance(value, types.FunctionType)}
        self.assertEqual(contract, {raw for _, _, raw, *_ in FUNCTIONS})

    def rows(self):
        """Each row of the tables, with the function or bound method it is about."""
        tables = [(self.tgl, FUNCTIONS), (self.of_table[PEER], PEER_METHODS), (self.of_table[CHAT], CHAT_METHODS), (self.of_table[MSG], MSG_METHODS)]
        for owner, table in tables:
            for name, arguments, *row in table:
                yield name, getattr(owner, name), self.made(arguments), *row

    def made(self, value):
        """Puts the objects of this test in the place of the tables' words."""
        if isinstance(value, list):
            return [self.made(element) for element in value]
        return self.of_table.get(value, value)

    def plain(self, value):
        """What reached the host, in the tables' words."""
        if hasattr(value, "kind"):
            return {("USER", 100): PEER, ("CHAT", 7): CHAT}[value.kind.name, value.id]
        if isinstance(value, (list, tuple)):
            return [self.plain(element) for element in value]
        if hasattr(value, "limit"):
            return value.offset, value.limit
        if hasattr(value, "preview"):
            return value.reply_to, value.preview
        return getattr(value, "name", value)

    def outcome(self, kind):
        """A value of this outcome, and what a callback must get for it."""
        user, message = self.user(), self.message()
        return {
            "Done": ((), ()),
            "Photo": ((), (type(None),)),
            "Message": ((message,), (self.tgl.Msg,)),
            "Messages": (([message, message],), ([self.tgl.Msg, self.tgl.Msg],)),
            "Peer": ((user,), (self.tgl.Peer,)),
            "Peers": (([user],), ([self.tgl.Peer],)),
            "Dialogs": (([self.types.Dialog(user, message, 1)],), ([dict],)),
            "File": (("/home/a.jpg",), (str,)),
            "Text": (("ok",), (str,)),
        }[kind]

    def callback(self, *arguments):
        self.got.append(arguments)

    def test_reaches_the_host_and_comes_back(self):
        for name, function, arguments, raw_name, raw_arguments, outcome, _ in self.rows():
            with self.subTest(name, arguments=arguments):
                self.assertIs(function(*arguments, self.callback), True)
                self.assertEqual((self.host.calls[-1][0], self.plain(self.host.calls[-1][1])), (raw_name, raw_arguments))
                value, wanted = self.outcome(outcome)
                self.complete(len(self.host.calls), outcome.replace("Photo", "Done"), *value)
                success, *rest = self.got.pop()
                self.assertIs(success, True)
                types = [[type(each) for each in one] if isinstance(one, list) else type(one) for one in rest]
                self.assertEqual(types, list(wanted))
                self.assertEqual(self.got, [])

    def test_failure_is_told_and_logged(self):
        for name, function, arguments, _, _, _, failure in self.rows():
            with self.subTest(name):
                self.host.logs.clear()
                function(*arguments, self.callback)
                self.fail_call(len(self.host.calls), detail="FLOOD_WAIT_5")
                self.assertEqual(self.got.pop(), failure)
                [(level, line)] = self.host.logs
                self.assertEqual(level, "WARN")
                self.assertIn("FLOOD_WAIT_5", line)

    def test_a_callback_that_cannot_be_called_is_refused(self):
        for name, function, arguments, *_ in self.rows():
            for callback in [5, False, "callback", object()]:
                if arguments == ["79", "A"]:
                    continue  # It stands where a last name may stand.
                with self.subTest(name, callback=callback):
                    before = self.stderr
                    self.assertIsInstance(function(*arguments, callback), bool)
                    self.deliver("on_timer")
                    self.assertEqual(self.host.calls, [])
                    self.assertIn(f"TypeError: callback must be callable or None, not {type(callback).__name__}", self.stderr[len(before) :])
        self.assertIs(self.peer().send_msg("a", callback="by name"), False)

    def test_callback_is_optional(self):
        for name, function, arguments, _, _, outcome, _ in self.rows():
            for callback in [[], [None]]:
                if name in CALLBACK_REQUIRED and not callback:
                    continue
                with self.subTest(name, callback=callback):
                    calls = len(self.host.calls)
                    self.assertIs(function(*arguments, *callback), True)
                    self.assertEqual(len(self.host.calls), calls + 1)
                    self.complete(calls + 1, outcome.replace("Photo", "Done"), *self.outcome(outcome)[0])
        self.assertEqual(self.stderr, "")

    def test_callback_of_load_is_required(self):
        self.assertIs(self.of_table[MSG].load_photo(), False)
        self.assertIs(self.tgl.load_photo(self.of_table[MSG]), True)
        self.assertEqual(self.host.calls, [])
        self.assertIn("callback", self.stderr)

    def test_a_new_photo_gives_a_callback_what_it_takes(self):
        """(the callback, what it is called with when the message came before, when none came, and when the call failed)"""
        both, none, failed = (True, self.tgl.Msg), (True, type(None)), (False, type(None))
        cases = [
            ("lambda success: got(success)", (True,), (True,), (False,)),
            ("lambda success, msg: got(success, msg)", both, none, failed),
            ("lambda success, msg=None: got(success, msg)", both, none, failed),
            ("lambda *a: got(*a)", both, none, failed),
            ("lambda *, key=1: got()", (), (), ()),
            ("partial(lambda extra, success: got(success), 5)", (True,), (True,), (False,)),
            ("partial(lambda success, msg, extra: got(success, msg), extra=5)", both, none, failed),
            ("Taker().one", (True,), (True,), (False,)),
            ("Taker().two", both, none, failed),
            ("Taker()", both, none, failed),
            ("async_one", (True,), (True,), (False,)),
            ("got", both, none, failed),
            ("got.__call__", both, none, failed),
        ]
        head = (
            "from functools import partial\ncalled = []\n"
            "class Got:\n    def __call__(self, *a): called.append(a)\ngot = Got()\n"
            "class Taker:\n    def one(self, success): got(success)\n    def two(self, success, msg): got(success, msg)\n"
            "    __call__ = two\nasync def async_one(success): got(success)\n"
        )
        for callback, *wanted in cases:
            for ends, arguments in zip(("with its message", "alone", "badly"), wanted):
                with self.subTest(callback, ends=ends):
                    names = {}
                    exec(head, names)
                    self.of_table[CHAT].chat_set_photo("/a", eval(callback, names))
                    request = len(self.host.calls)
                    if ends == "with its message":
                        self.deliver("on_message", self.message(id=3, flags=2, action=3, destination=self.chat(id=8)))
                        self.deliver("on_message", self.message(id=4, flags=2 | 128, action=3, destination=self.chat()))
                        self.deliver("on_message", self.message(id=5, flags=2 | 128, action=3, destination=self.chat()))
                    if ends == "badly":
                        self.fail_call(request)
                    else:
                        self.complete(request)
                    if arguments:
                        [called] = names["called"]
                        self.assertEqual(tuple(one if one is True or one is False else type(one) for one in called), arguments)
                        self.assertIn(getattr(called[-1], "id", None), (4, None))
                    else:
                        self.assertIn("TypeError", self.stderr)

    def test_callback_fires_once(self):
        self.tgl.status_online(self.callback)
        self.complete(1)
        self.complete(1)
        self.assertEqual(self.got, [(True,)])

    def test_last_name_is_optional_before_a_callback(self):
        self.tgl.add_contact("79", "A", self.callback)
        self.assertEqual(self.host.calls, [("add_contact", ("79", "A", ""))])
        self.complete(1, "Peers", [])
        self.assertEqual(self.got, [(True, [])])

    def test_dialog(self):
        self.tgl.get_dialog_list(self.callback)
        dialog = self.types.Dialog
        self.complete(1, "Dialogs", [dialog(self.user(), self.message(text="a"), 3), dialog(self.chat(), None, 0)])
        _, [first, second] = self.got.pop()
        self.assertEqual((first["peer"].id, first["message"].text, first["unread"]), (100, "a", True))
        self.assertEqual((second["peer"].id, second["unread"], set(second)), (7, False, {"peer", "unread"}))

    def test_relative_paths_are_made_absolute(self):
        import os

        self.of_table[PEER].send_photo("a.jpg")
        self.assertEqual(self.host.calls[0][1][2], os.path.join(os.getcwd(), "a.jpg"))


class SendOptions(GuestTest):
    METHOD = [
        ({}, (None, None)),
        ({"reply": 5}, (5, None)),
        ({"reply": 2**50}, (2**50, None)),
        ({"reply": None}, (None, None)),
        ({"preview": True}, (None, True)),
        ({"preview": False}, (None, False)),
        ({"preview": 0}, (None, False)),
        ({"reply": 5, "preview": False}, (5, False)),
    ]
    FUNCTION = [
        ((-1, 0), (None, None)),
        ((0, 5), (5, False)),
        ((1, 0), (None, True)),
        (True, (None, None)),
        (None, (None, None)),
    ]

    def options(self):
        options = self.host.calls.pop()[1][2]
        return options.reply_to, options.preview

    def test_method(self):
        for keywords, wanted in self.METHOD:
            with self.subTest(keywords):
                self.assertIs(self.peer().send_msg("a", **keywords), True)
                self.assertEqual(self.options(), wanted)

    def test_function(self):
        for given, wanted in self.FUNCTION:
            with self.subTest(given):
                self.tgl.send_msg(self.peer(), "a", None, given)
                self.assertEqual(self.options(), wanted)

    def test_link_preview_default(self):
        self.tgl.set_link_preview(False)
        self.peer().send_msg("a")
        self.assertEqual(self.options(), (None, False))
        self.peer().send_msg("a", preview=True)
        self.assertEqual(self.options(), (None, True))
        self.tgl.set_link_preview(True)
        self.peer().send_msg("a")
        self.assertEqual(self.options(), (None, None))


if __name__ == "__main__":
    unittest.main()
