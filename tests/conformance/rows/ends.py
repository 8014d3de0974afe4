"""Ending a script, and what is refused for now: functions that need no other account."""

from given import check
from table import EMPTY_VALUE, Failure, Row, flood, people
from world import Failed

DRAINS = """\
import tgl
from showing import tell
tgl.set_on_get_difference_end(lambda: (
    tgl.get_contact_list(lambda ok, peers: tell(event="drained", args=[ok])),
    tell(event="gave", args=[tgl.NAME(ARGS)]),
))
"""
WRONG = """\
import tgl
from showing import tell
def f():
    tell(event="gave", args=[tgl.NAME("x")])
    tgl.get_contact_list(lambda ok, peers: (tell(event="lives", args=[]), tgl.NAME(3)))
tgl.set_on_get_difference_end(f)
"""


NEAREST = ' ( nearestDc country :"XX" this_dc : 2 nearest_dc : 2 )'


async def try_exit(w, row):
    name = row.name.removeprefix("tgl.")
    for args, code in (("", 0), ("7", 7), ("256 + 9", 9)):
        async with w.running(DRAINS.replace("NAME", name).replace("ARGS", args)) as run:
            await run.hears("gave", [None])
            await run.hears("drained", [True])
            check(await run.ends() == code, f"{name}({args}) does not end with {code}")
    async with w.running(WRONG.replace("NAME", name)) as run:
        await run.hears("gave", [None])
        await run.hears("lives")
        check("TypeError: exit code must be int" in "".join(run.complaints(0)), f"the log is {run.complaints(0)}")
        check(await run.ends() == 3, "it does not end with the code of the second call")


async def try_refusal(w, row):
    """The call is refused: its callback gets the empty value, the log one line, the script nothing else."""
    since = len(w.run.lines)
    answer = await w.snippet(row.call, await people(w))
    check(answer.returned is True, f"it returned {answer.returned}")
    check(answer.called == EMPTY_VALUE[row.signature], f"the callback got {answer.called}")
    said = w.run.complaints(since)
    name = row.call.removeprefix("tgl.").partition("(")[0]
    if len(said) != 1 or not said[0].startswith(f"{name} failed: ") or "not supported yet" not in said[0]:
        raise Failed(f"the log is {said}")


def refused(name, signature, call, what, section="Module functions"):
    return Row(
        name, section, signature, call, test=try_refusal, differs=f"Refused for now, and the log says so: {what}"
    )


NO_NUMBER = {"fails with": ("a code that is no number",)}

ROWS = [
    Row("tgl.safe_exit", shown="exit_status", test=try_exit, tags=NO_NUMBER),
    Row("tgl.safe_quit", shown="exit_status", test=try_exit, tags=NO_NUMBER),
    refused("tgl.create_secret_chat", "secret_chat_cb", "tgl.create_secret_chat(bob, done)", "secret chats come later"),
    refused(
        "tgl.accept_secret_chat",
        "secret_chat_cb",
        "tgl.accept_secret_chat(bob, done)",
        "secret chats come later; the original's ended the process",
    ),
    Row(
        "tgl.ext_function",
        signature="str_cb",
        call="tgl.ext_function('(help.getNearestDc)', done)",
        gets=[True, NEAREST],
        fails=(
            flood("help.getNearestDc"),
            Failure("a text that is no query", "column 1: `\\(` is to come.*", "tgl.ext_function('help.getNearestDc', done)"),
            Failure("a method that is not granted", ".*--allow raw=help.getConfig", "tgl.ext_function('(help.getConfig)', done)"),
        ),
        differs="A script asks what it is granted by the method's name, in words of Telegram's present schema; "
        "what decides who may use the account is granted to none",
    ),
]
