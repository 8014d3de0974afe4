"""tgl.Peer and tgl.Msg: attributes, repr, equality, and what they refuse."""

import copy
import functools
import inspect
import json
import pickle
import types
import unittest
import unittest.mock
from datetime import datetime

from guest import GuestTest

PEER_MEMBERS = """
    id type type_name name user_id user user_list user_status phone username first_name last_name
    rename_chat chat_set_photo send_typing send_typing_abort send_msg fwd_msg fwd_media send_photo send_video send_audio
    send_document send_file send_text send_location send_contact chat_add_user chat_del_user mark_read msg_search
    get_history history info
""".split()

MSG_MEMBERS = """
    id flags mention out unread service src dest text media date fwd_src fwd_date reply_id reply action
    load_photo load_video load_video_thumb load_audio load_document load_document_thumb delete_msg
""".split()


class Peers(GuestTest):
    def test_attributes_by_kind(self):
        user = {"id": 100, "type": 1, "type_name": "user", "name": "John_Doe", "user_id": 100, "user_list": None, "phone": "79001234567", "username": "jd", "first_name": "John", "last_name": "Doe"}
        group = {"id": 7, "type": 2, "type_name": "chat", "name": "My_Chat", "user_id": None, "user": None, "user_list": [1, 2], "user_status": None, "phone": None, "first_name": None, "last_name": None}
        cases = [
            (self.user(username="jd"), user),
            (self.chat(members=[1, 2]), {**group, "username": None}),
            (self.chat(members=[1, 2], kind="Channel", username="chan"), {**group, "username": "chan"}),
            (self.secret_chat(), {"id": -5, "type": 4, "type_name": "secret_chat", "name": "!_John", "user_id": 100, "user_list": None, "user_status": None, "phone": None, "username": None, "first_name": None, "last_name": None}),
        ]  # fmt: skip
        for raw, wanted in cases:
            with self.subTest(wanted["type_name"]):
                peer = self.peer(raw)
                self.assertEqual({name: getattr(peer, name) for name in wanted}, wanted)

    def test_user(self):
        peer = self.peer()
        self.assertIs(peer.user, peer)
        partner = self.peer(self.secret_chat()).user
        self.assertEqual((type(partner), partner.id, partner.name), (self.tgl.Peer, 100, "John_Doe"))
        self.host.peers["USER", 100] = self.user(name="John_Doe#1")
        self.assertEqual(self.peer(self.secret_chat()).user.name, "John_Doe#1")

    def test_user_status(self):
        for online, when in [(True, 1700000000), (False, 0)]:
            status = self.peer(self.user(online=online, when=when)).user_status
            self.assertEqual(status, {"online": online, "when": datetime.fromtimestamp(when)})
            self.assertIs(type(status["online"]), bool)

    def test_name_of_an_unknown_user_is_none(self):
        self.assertIsNone(self.peer(self.user(name="")).name)

    def test_repr(self):
        user = "<tgl.Peer: type=user, id=100, username=None, name='John_Doe', first_name='John', last_name='Doe', phone='79001234567'>"
        self.assertEqual(repr(self.peer()), user)
        self.assertEqual(str(self.peer()), user)
        self.assertEqual(repr(self.peer(self.chat())), "<tgl.Peer: type=chat, id=7, name=My_Chat>")
        self.assertEqual(repr(self.peer(self.secret_chat())), f"<tgl.Peer: type=secret_chat, id=-5, name=!_John, user={user}>")

    def test_equality_and_hash_go_by_id(self):
        peer, same, other = self.peer(), self.peer(self.chat(id=100)), self.peer(self.user(id=101))
        self.assertTrue(peer == same and hash(peer) == hash(same) == hash(100))
        self.assertTrue(peer != other and not peer == other)
        self.assertEqual({peer: 1}[same], 1)
        for stranger in (100, None, "encr_chat"):
            self.assertFalse(peer == stranger)
        with self.assertRaises(TypeError):
            peer < other

    def test_constructor_finds_known_peers(self):
        tgl = self.tgl
        self.host.peers = {("USER", 100): self.user(), ("CHANNEL", 9): self.chat(id=9), ("SECRET_CHAT", -5): self.secret_chat()}
        self.assertEqual(tgl.Peer(tgl.PEER_USER, 100).name, "John_Doe")
        self.assertEqual(tgl.Peer(type=tgl.PEER_CHAT, id=9).type, tgl.PEER_CHAT)
        self.assertEqual(tgl.Peer(4, -5).type_name, "secret_chat")
        self.host.peers["CHAT", 9] = self.chat(id=9, title="Basic")
        self.assertEqual(tgl.Peer(2, 9).name, "Basic")

    def test_constructor_refuses(self):
        for arguments in [(), (1,), ("1", 2), (1, None), (1, 2**64), (9, 1), (3, 1), (1, 404)]:
            with self.subTest(arguments), self.assertRaises(self.tgl.PeerError):
                self.tgl.Peer(*arguments)

    def test_scripts_catch_an_unknown_peer_by_either_name(self):
        """The documentation has PeerError; the original raised SystemError."""
        for arguments in [(9, 1), (3, 1), (1, 404), (2, -1), (4, 5)]:
            for error in (self.tgl.PeerError, SystemError, Exception):
                with self.subTest(arguments, error=error), self.assertRaises(error) as caught:
                    self.tgl.Peer(*arguments)
            self.assertEqual((type(caught.exception).__name__, type(caught.exception).__module__), ("PeerError", "tgl"))


class Messages(GuestTest):
    def test_plain_attributes(self):
        msg = self.msg(id=5, text="hi", date=1700000000, reply_to=4)
        self.assertEqual((msg.id, msg.text, msg.date, msg.reply_id), (5, "hi", datetime.fromtimestamp(1700000000), 4))
        self.assertEqual((type(msg.src), msg.src.id, msg.dest.id), (self.tgl.Peer, 100, 1))

    def test_nothing_is_none(self):
        msg = self.msg(text=None, source=None)
        names = ("src", "text", "media", "date", "fwd_src", "fwd_date", "reply_id", "reply")
        self.assertEqual({name: getattr(msg, name) for name in names}, dict.fromkeys(names))

    def test_peers_are_looked_up_once_in_a_callback(self):
        self.load(
            "import tgl\n"
            "def show(msg):\n"
            "    print(msg.src.id, msg.dest.type, end=' ')\n"
            "    if msg.text == 'more': print(msg.src.name, msg.src.username, msg.src.first_name, end=' ')\n"
            "tgl.set_on_msg_receive(show)\n"
        )
        for text, name, printed, looked_up in [
            ("", "John_Doe", "100 1 ", 0), ("more", "John_Doe", "100 1 John_Doe None John ", 1), ("more", "Jo", "100 1 Jo None John ", 1),
        ]:  # fmt: skip
            with self.subTest(text):
                self.host.printed["STDOUT"], self.host.looked_up = "", []
                self.deliver("on_message", self.message(text=text, source=self.user(name)))
                self.assertEqual((self.stdout, len(self.host.looked_up)), (printed, looked_up))

    def test_a_peer_that_the_host_does_not_know_has_an_id(self):
        for kind, type_name, empty in [(0, "user", {}), (1, "chat", {"user_list": []}), (2, "chat", {"user_list": []})]:
            with self.subTest(kind):
                msg = self.msg(source=None)
                msg._raw = (*msg._raw[:2], self.types.PeerId(kind, 77), *msg._raw[3:])
                self.assertEqual((msg.src.id, msg.src.type_name, msg.src.name), (77, type_name, None))
                for attribute in ("username", "first_name", "phone"):
                    self.assertIsNone(getattr(msg.src, attribute))
                self.assertEqual(msg.src.user_list, empty.get("user_list"))

    def test_flags(self):
        cases = [(0, 0), (1, 1), (2, 2), (4, 16), (8, 256), (16, 512), (32, 1024), (64, 2048), (128, 8192), (255, 11667 + 256)]
        cases[-1] = (255, 1 + 2 + 16 + 256 + 512 + 1024 + 2048 + 8192)
        for raw, bits in cases:
            with self.subTest(raw):
                self.assertEqual(self.msg(flags=raw).flags, bits)
        for name, raw in [("unread", 1), ("out", 2), ("mention", 4), ("service", 128)]:
            with self.subTest(name):
                self.assertIs(getattr(self.msg(flags=raw), name), True)
                self.assertIs(getattr(self.msg(flags=255 - raw), name), False)

    def test_actions_have_the_numbers_of_the_constants(self):
        """The host's cases in their order, by telegram-cli's names."""
        from wit_bindings import WIT

        body = (WIT / "types.wit").read_text().partition("enum service-action {")[2].partition("}")[0]
        for raw, case in enumerate(filter(None, (word.strip() for word in body.split(",")))):
            with self.subTest(case):
                self.assertEqual(self.msg(action=raw).action, getattr(self.tgl, "ACTION_" + case.upper().replace("-", "_")))

    def test_media(self):
        t = self.types
        point = t.GeoPoint(1.5, 2.5)
        cases = [
            (t.Media_Photo("hi"), {"type": "photo", "caption": "hi"}),
            (t.Media_Photo(None), {"type": "photo"}),
            (t.Media_Document(), {"type": "document"}),
            (t.Media_Geo(point), {"type": "geo", "longitude": 2.5, "latitude": 1.5}),
            (t.Media_Contact(t.ContactCard("79", "A", "", 5)), {"type": "contact", "phone": "79", "first_name": "A", "user_id": 5}),
            (t.Media_WebPage(t.WebPage("u", None, "d", None)), {"type": "webpage", "url": "u", "description": "d"}),
            (t.Media_Venue(t.Venue(point, "T", "A", "", "5")), {"type": "venue", "longitude": 2.5, "latitude": 1.5, "title": "T", "address": "A", "venue_id": "5"}),
            (t.Media_Unsupported(), {"type": "unsupported"}),
        ]  # fmt: skip
        for raw, wanted in cases:
            with self.subTest(wanted["type"]):
                self.assertEqual(self.msg(media=raw).media, wanted)
        self.assertIs(type(self.msg(media=cases[4][0]).media["user_id"]), int)

    def test_forward(self):
        msg = self.msg(forward=self.types.Forward(self.user_id(), 1700000000))
        self.assertEqual((msg.fwd_src.id, msg.fwd_date), (100, datetime.fromtimestamp(1700000000)))
        self.assertIsNone(self.msg(forward=self.types.Forward(None, 1)).fwd_src)

    def test_reply_is_looked_up(self):
        self.assertIsNone(self.msg(reply_to=4).reply)
        self.host.messages[4] = self.message(id=4, text="first")
        self.assertEqual(self.msg(reply_to=4).reply.text, "first")

    def test_repr(self):
        self.assertEqual(
            repr(self.msg(source=None, destination=self.chat(), reply_to=4)),
            "<tgl.Msg id=1, flags=0, mention=False, out=False, unread=False, service=False, src=None, "
            "dest=<tgl.Peer: type=chat, id=7, name=My_Chat>, "
            "text='hello', media=None, date=None, fwd_src=None, fwd_date=None, reply_id=4, reply=None>",
        )

    def test_repr_of_an_endless_chain_of_replies_ends(self):
        self.host.messages[4] = self.message(id=4, reply_to=4)
        self.assertIn("reply=...", repr(self.msg(reply_to=4)))

    def test_equality_is_identity(self):
        raw = self.message()
        from tgl._msg import wrap_msg

        one, other = wrap_msg(raw), wrap_msg(raw)
        self.assertTrue(one == one and one != other and len({one, other}) == 2)

    def test_cannot_be_made(self):
        with self.assertRaisesRegex(self.tgl.MsgError, "only the API can send them"):
            self.tgl.Msg()


class Both(GuestTest):
    def things(self):
        t = self.types
        return [
            *map(self.peer, (self.user(), self.chat(members=[1, 2]), self.chat(kind="Channel"), self.secret_chat())),
            self.msg(text=None, source=None),
            self.msg(media=t.Media_Geo(t.GeoPoint(1.5, 2.5)), forward=t.Forward(self.user_id(), 1), reply_to=4, date=1700000000),
            self.msg(media=t.Media_Contact(t.ContactCard("79", "A", "", 5)), action=7, flags=255),
        ]

    def test_refuse(self):
        for thing in (self.peer(), self.msg()):
            with self.subTest(type(thing).__name__):
                with self.assertRaises(AttributeError):
                    thing.id = 5
                with self.assertRaises(AttributeError):
                    thing.colour = 5
                with self.assertRaises(TypeError):
                    type("Mine", (type(thing),), {})
                for refused in (copy.copy, copy.deepcopy, pickle.dumps, lambda thing: pickle.dumps(thing, 0), json.dumps):
                    with self.assertRaises(TypeError):
                        refused(thing)
                for made in (type(thing).__new__, type(thing)):
                    with self.assertRaises((self.tgl.PeerError, self.tgl.MsgError, TypeError)):
                        made(type(thing))
                self.assertTrue(thing)

    def test_dir_lists_what_a_script_may_read(self):
        for thing, members in ((self.peer(), PEER_MEMBERS), (self.msg(), MSG_MEMBERS)):
            for listed in (dir(thing), dir(type(thing)), [name for name, _ in inspect.getmembers(thing)]):
                with self.subTest(type(thing).__name__):
                    self.assertEqual(set(listed), {*members, *dir(object)})
        self.assertEqual((repr(self.tgl.Peer), repr(self.tgl.Msg)), ("<class 'tgl.Peer'>", "<class 'tgl.Msg'>"))

    def test_clones_by_dir_hold_plain_values(self):
        """By each way in which scripts tell a method from a value."""
        ways = {
            "the name of its type": lambda value: str(type(value)) in ("<type 'builtin_function_or_method'>", "<class 'builtin_function_or_method'>"),
            "isbuiltin": inspect.isbuiltin,
            "isroutine": inspect.isroutine,
            "callable": callable,
            "BuiltinFunctionType": lambda value: isinstance(value, types.BuiltinFunctionType),
            "BuiltinMethodType": lambda value: isinstance(value, types.BuiltinMethodType),
        }
        plain = (int, str, bool, float, datetime, type(None))
        for way, is_method in ways.items():

            def clone(thing, depth=3):
                if isinstance(thing, (self.tgl.Peer, self.tgl.Msg)) and depth:
                    names = [name for name in dir(thing) if not name.startswith("__")]
                    values = {name: getattr(thing, name) for name in names}
                    return {name: clone(value, depth - 1) for name, value in values.items() if not is_method(value)}
                if isinstance(thing, dict):
                    return {name: clone(value, depth) for name, value in thing.items()}
                return [clone(one, depth) for one in thing] if isinstance(thing, list) else thing

            for thing in self.things():
                with self.subTest(way, thing=type(thing).__name__):
                    cloned = json.loads(json.dumps(clone(thing), default=lambda value: str(value) if isinstance(value, (*plain, self.tgl.Peer)) else 1 / 0))
                    self.assertEqual({"id", "type"} <= set(cloned) or {"id", "text"} <= set(cloned), True)
                    self.assertFalse([name for name in cloned if name.startswith("_")])

    def test_vars_gives_what_dir_lists_without_the_methods(self):
        for thing in self.things():
            with self.subTest(type(thing).__name__):
                names = [name for name in dir(thing) if not name.startswith("_") and not inspect.isbuiltin(getattr(thing, name))]
                self.assertEqual(list(vars(thing)), names)
                self.assertEqual(vars(thing)["id"], thing.id)
                self.assertEqual(thing.__dict__, vars(thing))

    def test_a_method_is_what_the_originals_was(self):
        send = self.peer().send_msg
        for holds in (inspect.isbuiltin, inspect.isroutine, callable, lambda method: not inspect.ismethod(method), lambda method: not inspect.isfunction(method)):
            self.assertTrue(holds(send))
        self.assertEqual((send.__name__, send.__self__.id, type(send).__name__), ("send_msg", 100, "builtin_function_or_method"))
        self.assertIn("callback(success, msg)", send.__doc__)
        self.assertEqual(list(inspect.signature(send).parameters), ["message", "callback", "preview", "reply"])
        peer = self.peer()
        self.assertTrue(peer.send_msg == peer.send_msg != peer.send_file and peer.send_msg != self.peer().send_msg)
        self.assertEqual(len({peer.send_msg, peer.send_msg, peer.info}), 2)
        self.assertTrue(repr(send).startswith("<built-in method send_msg of tgl.Peer object"))
        self.assertIs(self.tgl.Peer.send_msg(peer, "unbound"), True)
        self.assertIs(functools.partial(peer.send_msg, "partial")(reply=5), True)
        self.assertEqual([call[1][1] for call in self.host.calls], ["unbound", "partial"])

    def test_reading_an_attribute_never_raises(self):
        t = self.types
        moments = [0, 1, -1, 2**31, 2**40, 2**62, -(2**62), 253402300800, -62135596801]
        strange = [self.peer(self.user(when=when)) for when in moments]
        strange += [self.msg(date=when, forward=t.Forward(None, when)) for when in moments]
        strange += [self.msg(media=getattr(t, name)(), reply_to=2**62) for name in ("Media_Document", "Media_Unsupported")]
        strange += [self.msg(media=t.Media_WebPage(t.WebPage("", None, None, None)), forward=t.Forward(self.user_id(404), 0))]
        nobody = self.msg(source=None)
        nobody._raw = (*nobody._raw[:3], t.PeerId(3, -77), *nobody._raw[4:])
        for thing in [*self.things(), *strange, nobody, nobody.dest, nobody.dest.user]:
            for name in dir(thing):
                with self.subTest(type(thing).__name__, name=name):
                    getattr(thing, name)
            repr(thing)

    def test_no_zone_makes_a_time_raise(self):
        """A zone of which nothing is known: local time raises whatever is asked."""
        from tgl import _peer

        class Lost(datetime):
            @classmethod
            def fromtimestamp(cls, timestamp, tz=None):
                raise LookupError("No time zone found with key Mars/Olympus")

        with unittest.mock.patch.object(_peer.datetime, "datetime", Lost):
            self.assertEqual(self.msg(date=1700000000).date, datetime(2023, 11, 14, 22, 13, 20))
            self.assertEqual(self.peer(self.user(when=0)).user_status["when"], datetime(1970, 1, 1))


class Module(GuestTest):
    CONSTANTS = """
        PEER_USER 1 PEER_CHAT 2 PEER_ENCR_CHAT 4 ACTION_NONE 0 ACTION_GEO_CHAT_CREATE 1 ACTION_GEO_CHAT_CHECKIN 2
        ACTION_CHAT_CREATE 3 ACTION_CHAT_EDIT_TITLE 4 ACTION_CHAT_EDIT_PHOTO 5 ACTION_CHAT_DELETE_PHOTO 6
        ACTION_CHAT_ADD_USER 7 ACTION_CHAT_ADD_USER_BY_LINK 8 ACTION_CHAT_DELETE_USER 9 ACTION_SET_MESSAGE_TTL 10
        ACTION_READ_MESSAGES 11 ACTION_DELETE_MESSAGES 12 ACTION_SCREENSHOT_MESSAGES 13 ACTION_FLUSH_HISTORY 14
        ACTION_RESEND 15 ACTION_NOTIFY_LAYER 16 ACTION_TYPING 17 ACTION_NOOP 18 ACTION_COMMIT_KEY 19 ACTION_ABORT_KEY 20
        ACTION_REQUEST_KEY 21 ACTION_ACCEPT_KEY 22
    """.split()

    def test_constants(self):
        wanted = dict(zip(self.CONSTANTS[::2], map(int, self.CONSTANTS[1::2])))
        self.assertEqual({name: getattr(self.tgl, name) for name in dir(self.tgl) if name.isupper()}, wanted)
        self.tgl.PEER_USER = 1  # Scripts do that.

    def test_exceptions(self):
        self.assertEqual(self.tgl.TglError.__name__, "Error")
        for error in (self.tgl.TglError, self.tgl.PeerError, self.tgl.MsgError):
            self.assertEqual(error.__bases__, (Exception,))


if __name__ == "__main__":
    unittest.main()
