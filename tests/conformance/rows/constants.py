"""Constants, exceptions and classes of the module."""

from given import check
from pattern import differs
from table import Row, people
from world import Failed

PEERS = {"PEER_USER": 1, "PEER_CHAT": 2, "PEER_ENCR_CHAT": 4}
ACTIONS = (
    "NONE", "GEO_CHAT_CREATE", "GEO_CHAT_CHECKIN", "CHAT_CREATE", "CHAT_EDIT_TITLE", "CHAT_EDIT_PHOTO",
    "CHAT_DELETE_PHOTO", "CHAT_ADD_USER", "CHAT_ADD_USER_BY_LINK", "CHAT_DELETE_USER", "SET_MESSAGE_TTL", "READ_MESSAGES",
    "DELETE_MESSAGES", "SCREENSHOT_MESSAGES", "FLUSH_HISTORY", "RESEND", "NOTIFY_LAYER", "TYPING",
    "NOOP", "COMMIT_KEY", "ABORT_KEY", "REQUEST_KEY", "ACCEPT_KEY",
)  # fmt: skip
VALUES = {**PEERS, **{f"ACTION_{action}": number for number, action in enumerate(ACTIONS)}}


def value(name, wanted, call, differs=""):
    """A row that is an expression: what it gives, in the sandbox."""
    return Row(
        name,
        "Constants and classes",
        call=call,
        test=try_value,
        shown=repr(wanted),
        differs=differs,
        tags={"wanted": wanted},
    )


async def try_value(w, row):
    answer = await w.snippet(row.call, await people(w), calls_back=False)
    wrong = differs(row.tags["wanted"], answer.returned)
    if wrong:
        raise Failed(f"{row.call}: {wrong}")


RAISED = """\
try:
    CALL
except EXCEPTION as error:
    done(True, str(error))
else:
    done(False)
"""


def raises(name, call, text, differs=""):
    run = RAISED.replace("CALL", call).replace("EXCEPTION", name)
    return Row(
        name,
        "Constants and classes",
        call=run,
        test=try_raising,
        shown=f"`{call}` raises it",
        differs=differs,
        tags={"text": text},
    )


async def try_raising(w, row):
    called = (await w.snippet(row.call, await people(w))).called
    check(called == [True, row.tags["text"]], f"it gave {called}")


ROWS = [
    *(value(f"tgl.{name}", number, f"tgl.{name}") for name, number in VALUES.items()),
    value(
        "tgl.Peer",
        [True, True],
        "[type(bob) is tgl.Peer, tgl.Peer(tgl.PEER_USER, bob.id) == bob]",
        "An unknown peer raises a PeerError that is a SystemError too: the original raised the latter, without a word",
    ),
    value("tgl.Msg", ["Msg", "tgl"], "[tgl.Msg.__name__, tgl.Msg.__module__]"),
    raises("tgl.PeerError", "tgl.Peer()", "Peer must specify type and id"),
    raises("tgl.MsgError", "tgl.Msg()", "You cannot instantiate a tgl.Msg object, only the API can send them."),
    value("tgl.TglError", ["Error", True], "[tgl.TglError.__name__, issubclass(tgl.TglError, Exception)]"),
]
