"""What scripts written for telegram-cli came to depend on, one row each: a script, what it prints when a message comes, and
the calls that it makes. Where the original was broken, what its documentation says holds."""

import sys
import unittest

from guest import GuestTest

HEAD = "import tgl\nus, chat = tgl.Peer(1, 1), tgl.Peer(2, 7)\ndef cb(*a): print(*a)\ndef on_msg_receive(msg):\n    "

# what | lines of on_msg_receive | what is printed | names of the calls
ROWS = [
    ("functions give True at once, methods tell wrong arguments apart", "print(tgl.send_msg(us, 'a'), tgl.send_msg(), us.send_msg('a'), us.send_msg())", "True True True False\n", ["send_message"] * 2),
    ("None is no callback", "print(tgl.status_online(None), us.send_msg('a', None), us.mark_read(None))", "True True True\n", ["set_presence", "send_message", "mark_read"]),
    ("flags of a message are bools", "print([x is True or x is False for x in (msg.out, msg.unread, msg.service, msg.mention)])", "[True, True, True, True]\n", []),
    ("calls that failed without a callback", "print(us.mark_read(), us.send_typing(), us.send_typing_abort(), us.info())", "True True True True\n", ["mark_read", "set_typing", "set_typing", "get_peer_info"]),
    ("calls that failed with a callback", "print(us.fwd_msg(5, cb), us.send_contact('1', 'a', 'b', cb), us.send_contact('1', 'a', 'b'))", "True True True\n", ["forward_message", "send_contact", "send_contact"]),
    ("documented names and real ones", "print(us.get_history(0, 1, cb), us.history(0, 1, cb), us.msg_search('a', cb), us.fwd_media(5), us.send_file('/a'), msg.delete_msg())", "True " * 5 + "True\n", ["get_history", "get_history", "search_messages", "forward_media", "send_file", "delete_message"]),
    ("asking for a user", "tgl.user_info(us, cb); us.info(cb)", "", ["get_peer_info"] * 2),
    ("restoring restores, accepting accepts", "tgl.restore_msg(5, cb); tgl.accept_secret_chat(tgl.Peer(4, -5), cb)", "", ["restore_message", "accept_secret_chat"]),
    ("attributes of another kind of peer are None", "print(chat.phone, chat.user_id, chat.user, chat.user_status, us.user_list, getattr(chat, 'first_name', 1), hasattr(chat, 'last_name'))", "None None None None None None True\n", []),
    ("a group's members are ids", "print(chat.user_list, [type(i) is int for i in chat.user_list])", "[1, 2] [True, True]\n", []),
    ("peers have no attribute that was not there", "print(hasattr(us, 'access_hash'), hasattr(msg, 'from_id'))", "False False\n", []),
    ("types by their names", "print(tgl.Peer(4, -5).type_name, us.type_name, chat.type_name, us.type == 'encr_chat')", "secret_chat user chat False\n", []),
    ("peers are keys, and equal by id", "print({us: 1}[tgl.Peer(1, 1)], us == msg.dest, us in [msg.dest], us != 1, us == None)", "1 True True True False\n", []),
    ("types of a message", "print(type(msg) == tgl.Msg, isinstance(msg.src, tgl.Peer), type(msg.id) is int, type(msg.date).__name__, msg.date.tzinfo)", "True True True datetime None\n", []),
    ("cloning by dir()", "print(all(callable(v) or v is None or isinstance(v, (int, str, bool, dict, list, tgl.Peer)) or n == 'date' for n in dir(msg) if n[0] != '_' for v in [getattr(msg, n)]))", "True\n", []),
    ("text of another kind is refused", "print(us.send_msg(msg.src), us.send_msg(None), us.send_msg(5), us.send_msg(b'a'))", "False False False False\n", []),
    ("ids of 64 bits", "print(us.send_msg('a', reply=2**40), us.send_msg('a', cb, True, 5), us.fwd_msg(2**62))", "True True True\n", ["send_message", "send_message", "forward_message"]),
    ("the fourth argument of send_msg", "print([tgl.send_msg(us, 'a', cb, o) for o in ((-1, 0), (0, 5), (1, 5), True, None)])", "[True, True, True, True, True]\n", ["send_message"] * 5),
    ("constants may be set", "tgl.PEER_USER = 1; print(tgl.PEER_USER, 'PEER_CHAT' in dir(tgl))", "1 True\n", []),
    ("lists of peers that were padded", "print(tgl.create_group_chat([us, us, us], 'name', cb), tgl.create_group_chat((us,), 'name'))", "True True\n", ["create_chat"] * 2),
    ("names of the exceptions", "print(tgl.TglError.__name__, issubclass(tgl.PeerError, tgl.TglError), tgl.MsgError.__mro__[1] is Exception)", "Error False True\n", []),
    ("action of an ordinary message", "print(msg.action == tgl.ACTION_NONE, msg.media, msg.reply, msg.fwd_src)", "True None None None\n", []),
    ("both are read-only", "for x in (msg, us):\n        for f in (iter, lambda x: setattr(x, 'id', 1)):\n            try: f(x)\n            except (TypeError, AttributeError) as e: print(type(e).__name__, end=' ')", "TypeError AttributeError " * 2, []),
    ("locations may be int", "print(us.send_location(1, 2), tgl.send_location(us, 1.5, 2))", "True True\n", ["send_location"] * 2),
    ("contacts without a last name", "print(tgl.add_contact('1', 'a', cb), tgl.rename_contact('1', 'a', 'b'))", "True True\n", ["add_contact"] * 2),
    ("offline by a wrong status", "print(us.user_status['online'] is False, us.user_status['when'].year >= 1969)", "True True\n", []),
]  # fmt: skip


class Traps(GuestTest):
    def test_rows(self):
        for what, lines, printed, calls in ROWS:
            with self.subTest(what):
                self.tearDown()
                self.setUp()
                for raw in (self.user("Me", id=1), self.chat(members=[1, 2]), self.secret_chat()):
                    self.known(raw)
                self.assertIsNone(self.load(HEAD + lines))
                self.deliver("on_message", self.message(date=1700000000))
                self.assertEqual((self.stdout, [name for name, _ in self.host.calls]), (printed, calls), self.stderr)
                sys.modules.pop("bot", None)

    def test_a_script_that_forgets_global_still_runs(self):
        """As tg-test.py does."""
        source = (
            "import tgl\nour_id = 0\ndef on_our_id(id):\n    our_id = id\n    return 'Set ID: ' + str(our_id)\n"
            "def on_msg_receive(msg):\n    if msg.out: return\n    ptype = msg.dest.id == our_id\n"
            "    (msg.src if ptype else msg.dest).send_msg('PONG!', preview=False, reply=msg.id)\n"
            "def on_user_update(): pass\ndef cb(success): print(success)\n"
            "tgl.set_on_our_id(on_our_id)\ntgl.set_on_msg_receive(on_msg_receive)\ntgl.set_on_user_update(on_user_update)\n"
            "tgl.status_online(cb)\n"
        )
        self.assertIsNone(self.load(source))
        self.deliver("on_our_id", 1)
        self.deliver("on_user_update", self.user(), 1)
        self.deliver("on_message", self.message(id=5))
        self.fail_call(1)
        self.assertEqual([name for name, _ in self.host.calls], ["set_presence", "send_message"])
        self.assertEqual((self.stdout, self.host.logs[0]), ("False\n", ("INFO", " *** python: Set ID: 1")))
        self.assertIn("TypeError: on_user_update() takes 0 positional arguments", self.stderr)


if __name__ == "__main__":
    unittest.main()
