"""A guest in this process: the runtime and the `tgl` package over `wit_bindings`, with the exports as methods."""

import pathlib
import sys
import unittest

import wit_bindings
from wit_bindings import Err, Host, Ok

SDK = pathlib.Path(__file__).parents[2] / "guest-sdk" / "python"
PACKAGES = ("tgl", "_tglhost", "wit_world", "componentize_py_types")

sys.dont_write_bytecode = False  # Every test imports the packages afresh.

for _folder in (SDK, SDK / "runtime"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))


def forget():
    """Forgets every module of the guest, so that the next import starts afresh."""
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]


class GuestTest(unittest.TestCase):
    """A test with a fresh guest: `host` is what it talks to, `tgl` its module, `deliver` calls an export."""

    PATH = "/script/bot.py"

    def setUp(self):
        self._before = sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__, sys.__stdin__, sys.argv[:], sys.path[:]
        forget()
        self.host = Host()
        wit_bindings.install(self.host)
        from _tglhost import exports

        import tgl

        exports.install()
        self.exports, self.tgl, self.types = exports, tgl, self.host.types
        self.callbacks = exports.Callbacks()
        sys.argv[:] = []

    def tearDown(self):
        from tgl import _tasks

        _tasks.loop().close()
        (sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__, sys.__stdin__, sys.argv[:], sys.path[:]) = self._before
        forget()
        sys.modules.pop("bot", None)

    def load(self, source, path=PATH):
        """Loads a script; gives None, or the error's text."""
        # What the runtime hides from a script must be found again when this test's process imports it.
        bindings = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES}
        try:
            self.exports.Interpreter().load(source, path)
        except Err as error:
            return error.value
        finally:
            sys.modules.update(bindings)

    def deliver(self, export, *arguments):
        """Calls an export of the component, which must not fail."""
        getattr(self.callbacks, export)(*arguments)

    def complete(self, request, outcome="Done", *value):
        """Completes a call well."""
        self.deliver("on_completion", request, Ok(getattr(self.types, f"Outcome_{outcome}")(*value)))

    def fail_call(self, request, kind="REFUSED", detail="PEER_ID_INVALID"):
        """Completes a call badly."""
        self.deliver("on_completion", request, Err(self.types.CallError(self.types.Failure[kind], detail)))

    @property
    def stdout(self):
        return self.host.printed["STDOUT"]

    @property
    def stderr(self):
        return self.host.printed["STDERR"]

    def user_record(self, id=100, first_name="John", last_name="Doe", username=None, phone="79001234567", online=False, when=0):
        return self.types.User(id, first_name, last_name, username, phone, self.types.UserStatus(online, when))

    def user_id(self, id=100):
        """What names a user."""
        return self.types.PeerId(0, id)

    def user(self, name="John_Doe", **fields):
        """A user's record."""
        return self.types.Peer(name, self.types.PeerDetails_User(self.user_record(**fields)))

    def chat(self, id=7, title="My Chat", members=(), kind="Chat", username=None):
        """A group's record."""
        details = getattr(self.types, f"PeerDetails_{kind}")(self.types.Group(id, title, username, list(members)))
        return self.types.Peer(title.replace(" ", "_"), details)

    def secret_chat(self, id=-5):
        """A secret chat's record."""
        return self.types.Peer("!_John", self.types.PeerDetails_SecretChat(self.types.SecretChat(id, self.user_record())))

    def message(self, id=1, flags=0, text="hello", media=None, date=0, forward=None, reply_to=None, action=0, **ends):
        """A message's record. Its `source` and `destination` are records of peers, which the host knows then."""
        source, destination = ends.get("source", self.user()), ends.get("destination", self.user("Me", id=1))
        source, destination = source and self.known(source), self.known(destination)
        return self.types.Message(id, flags, source, destination, text, media, date, forward, reply_to, action)

    def known(self, raw):
        """Has the host know a peer by its record, and gives what names it."""
        from tgl import _records

        kind, record = raw[_records.Peer.DETAILS]
        self.host.peers[_records._KINDS[kind], record[0]] = raw
        return self.types.PeerId(kind, record[0])

    def peer(self, raw=None):
        """A tgl.Peer over a record."""
        from tgl._peer import wrap_peer

        return wrap_peer(self.user() if raw is None else raw)

    def msg(self, **fields):
        """A tgl.Msg over a record."""
        from tgl._msg import wrap_msg

        return wrap_msg(self.message(**fields))
