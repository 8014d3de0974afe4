"""The API as data: what a row is, and the table that the rows make.

    python3 table.py                    the table as docs/COMPATIBILITY.md has it
    python3 table.py RESULTS_FOLDER     the table with the results of the last run

Invariant: what docs/COMPATIBILITY.md says follows from the rows alone.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Awaitable, Callable, Optional

SECTIONS = {
    "Callbacks": "Functions that a script registers, each by `tgl.set_on_x(f)`, by `tgl.on_x = f`, and by its mere name.",
    "What changed": "The words that the updates of users and groups are called with, and what brings each about.",
    "Callback signatures": "What a call's callback is called with, when the call succeeds and when it fails.",
    "Module functions": "Functions of the module `tgl`; those of README-PY.md and every other that the module had.",
    "Peer methods": "Methods of `tgl.Peer`.",
    "Msg methods": "Methods of `tgl.Msg`.",
    "Peer attributes": "What each attribute of `tgl.Peer` is, for each kind of peer.",
    "Msg attributes": "What each attribute of `tgl.Msg` is, for each kind of message.",
    "Running scripts": "What a script finds where it runs, and how it is called and ended.",
    "Constants and classes": "Values of the module `tgl`.",
}

EMPTY_VALUE: dict[str, list] = {
    "empty_cb": [False],
    "contact_list_cb": [False, []],
    "dialog_list_cb": [False, []],
    "msg_list_cb": [False, []],
    **dict.fromkeys(("msg_cb", "file_cb", "chat_cb", "peer_cb", "secret_chat_cb", "user_cb", "str_cb"), [False, None]),
}
"""What a callback of each signature is called with when its call fails."""

Given = Callable[[Any], Awaitable[dict]]
Sees = Callable[[Any, dict, list], Awaitable[None]]


async def people(w: Any) -> dict:
    """Those whom the script knows. The names that a snippet has: a peer, or a plain value, for each."""
    return {name: {"type": 1, "id": w.ids[name]} for name in ("sue", "bob", "cat")}


@dataclass(frozen=True)
class Failure:
    """One way in which a row's call fails. The log has one line, which `log` matches."""

    why: str
    log: str
    call: str = ""
    """The row's own call if it is empty."""
    given: Optional[Given] = None
    """What the row has if there is none."""
    fault: Optional[tuple[str, int, str]] = None
    """What the data centre is made to answer: method, code, name."""
    refused: bool = False
    """The arguments are wrong: a traceback instead of the log's line, and the callback is never called."""
    gets: Optional[list] = None
    """What the callback's signature says if there is none."""
    sees: Optional[Sees] = None
    """What is to be seen at the other end all the same."""


@dataclass(frozen=True)
class Row:
    """One name of the API, and how it is tried."""

    name: str
    section: str = "Module functions"
    signature: str = ""
    """Of the callback, by README-PY.md's name."""
    call: str = ""
    """What the script runs, with a callback called `done`."""
    chat: str = "group"
    """The kind of chat that it is tried in: group, supergroup, channel or user."""
    given: Given = people
    """Makes what the call needs; gives the names for it."""
    gets: Any = None
    """What the callback is called with; "@name" stands for the id of a peer."""
    sees: Optional[Sees] = None
    """The other end: what another account saw, or what the server holds."""
    fails: tuple[Failure, ...] = ()
    test: Optional[Callable[[Any, "Row"], Awaitable[None]]] = None
    """Tries a row that is no call."""
    shown: str = ""
    """What the table says of it."""
    differs: str = ""
    """From the original, and why."""
    waits_for: str = ""
    """Why it is not tried yet."""
    tags: dict = field(default_factory=dict)


def flood(method: str) -> Failure:
    """A wait that is longer than any call waits."""
    return Failure("a long flood wait", "FLOOD_WAIT_100000", fault=(method, 420, "FLOOD_WAIT_100000"))


def both(name: str, on: str, args: str, *, fails: tuple[Failure, ...] = (), **row: Any) -> list[Row]:
    """A call that is both a function of the module and a method: the row of each. `call` of a failure is "peer | args"."""
    return [function(name, on, args, fails=fails, **row), method(name, on, args, fails=fails, **row)]


def function(name: str, on: str, args: str, *, fails: tuple[Failure, ...] = (), **row: Any) -> Row:
    """The row of a function of the module that takes a peer."""
    row.pop("method_differs", None)
    form = f"tgl.{name}({{}}, {{}})"
    a_user = row.pop("not_for_users", None)
    fails += (Failure("a user instead", "a group is wanted here, not a user", f"bob | {args}"),) if a_user else ()
    return Row(f"tgl.{name}", call=form.format(on, args), fails=written(fails, form), **row)


def method(name: str, on: str, args: str, *, fails: tuple[Failure, ...] = (), logged_as: str = "", **row: Any) -> Row:
    """The row of a method of a peer. `method_differs` goes before `differs`; `not_for_users` is what is said of users."""
    differs = row.pop("differs", "")
    differs = row.pop("method_differs", "") or differs
    form = f"{{}}.{name}({{}})"
    a_user = row.pop("not_for_users", None)
    fails += (Failure("a user instead", f"PeerError: {a_user}", f"bob | {args}", refused=True),) if a_user else ()
    tags = {"bad arguments return": False, "logged as": logged_as}
    section, call = "Peer methods", form.format(on, args)
    return Row(f"peer.{name}", section, call=call, fails=written(fails, form), tags=tags, differs=differs, **row)


def written(fails: tuple[Failure, ...], form: str) -> tuple[Failure, ...]:
    """With the calls of failures as they are written in a script."""
    return tuple(replace(one, call=form.format(*one.call.split(" | ", 1)) if one.call else "") for one in fails)


CHATS = {"user": "with a user", "supergroup": "in a supergroup", "channel": "in a channel"}


def elsewhere(row: Row, chat: str, *fails: Failure, **other: Any) -> Row:
    """The same row in another kind of chat."""
    tags = {**row.tags, "logged as": row.tags.get("logged as") or row.name.partition(".")[2].partition("(")[0]}
    return replace(row, name=f"{row.name} ({CHATS[chat]})", chat=chat, fails=fails, differs="", tags=tags, **other)


def in_chats(
    rows: list[Row], name: str, user: tuple[Failure, ...] = (), supergroup: tuple[Failure, ...] = ()
) -> list[Row]:
    """The row of this name again, with a user and in a supergroup, with the ways in which it fails there."""
    row = named(rows, name)
    return [elsewhere(row, "user", *user), elsewhere(row, "supergroup", *supergroup)]


def named(rows: list[Row], name: str) -> Row:
    """The row of this name."""
    return next(row for row in rows if row.name == name)


def without_row() -> list[str]:
    """Names of the package `tgl` that no row is about."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "guest-sdk/python"))
    import tgl

    classes = {"peer": tgl.Peer, "msg": tgl.Msg}
    names = [f"tgl.{name}" for name in dir(tgl)] + [
        f"{prefix}.{name}" for prefix, one in classes.items() for name in dir(one)
    ]
    public = {name for name in names if not name.partition(".")[2].startswith("_")}
    tried = {row.name.partition(" ")[0] for group in all_rows().values() for row in group}
    return sorted(public - tried - {name.replace("Peer.", "peer.").replace("Msg.", "msg.") for name in tried})


def all_rows() -> dict[str, list[Row]]:
    """The rows of each group, which share a world."""
    from rows import GROUPS

    return GROUPS


def standing(row: Row) -> str:
    """What the table says of a row whose test passes."""
    return "not yet" if row.waits_for else "differs" if row.differs else "ok"


def markdown() -> str:
    """docs/COMPATIBILITY.md."""
    rows = [row for group in all_rows().values() for row in group]
    lines = [
        "# Compatibility with telegram-cli's Python API",
        "",
        "Made by `cargo xtask test conformance` from the rows in tests/conformance; do not edit. Each row is a test: a",
        "script runs in the sandbox against the embedded data centre, and both ends are looked at, what the script was told",
        "and what another account, through stock Telethon, saw of it or what the server then holds. Calls are also made to",
        "fail, in the ways that the table names: the callback then gets False and an empty value, the script's log one line,",
        "and nothing is raised. Calls that act are made without a callback too.",
        "",
        "*ok*: as the original's documentation says. *differs*: works, and the last column says how it differs from the",
        "original and why. *not yet*: is not tried, for the reason given.",
        "",
        "Everywhere, messages of Telegram's service account (777000, login codes) are not there for a script that does not run",
        "with `--allow service-messages`: calls about its conversation give False, and what was forwarded from it has no text.",
    ]
    for section, about in SECTIONS.items():
        mine = [row for row in rows if row.section == section]
        lines += ["", f"## {section}", "", about, ""]
        lines += matrix(mine) if section.endswith("attributes") else plain(mine)
    return "\n".join(lines) + "\n"


def plain(rows: list[Row]) -> list[str]:
    lines = ["| name | what it gets or is | | fails with | differs, and why |", "|---|---|---|---|---|"]
    for row in rows:
        ways = "; ".join([*(failure.why for failure in row.fails), *row.tags.get("fails with", ())])
        about = row.waits_for or row.differs
        lines.append(
            "| "
            + " | ".join(map(cell, (f"`{row.name}`", row.signature or row.shown, standing(row), ways, about)))
            + " |"
        )
    return lines


def matrix(rows: list[Row]) -> list[str]:
    """A line per attribute; what differs and what is not yet is said below."""
    kinds = list(dict.fromkeys(row.tags["kind"] for row in rows))
    attributes = list(dict.fromkeys(row.tags["attribute"] for row in rows))
    by_place = {(row.tags["attribute"], row.tags["kind"]): row for row in rows}
    lines = []
    for start in range(0, len(kinds), COLUMNS_MAX):
        some = kinds[start : start + COLUMNS_MAX]
        lines += (
            ["", "| | " + " | ".join(some) + " |", "|---" * (len(some) + 1) + "|"]
            if lines
            else ["| | " + " | ".join(some) + " |", "|---" * (len(some) + 1) + "|"]
        )
        for attribute in attributes:
            cells = [by_place[attribute, kind] for kind in some]
            lines.append(
                f"| `{attribute}` | "
                + " | ".join(cell("not yet" if row.waits_for else row.shown) for row in cells)
                + " |"
            )
    notes = dict.fromkeys((f"`{row.tags['attribute']}`", row.differs) for row in rows if row.differs)
    waits = dict.fromkeys((row.tags["kind"], row.waits_for) for row in rows if row.waits_for)
    lines += [""] if notes or waits else []
    return lines + [f"* {name}: {text}." for name, text in [*notes, *waits]]


COLUMNS_MAX = 6


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def with_results(folder: Path) -> str:
    """The table as a run left it, for a terminal."""
    results: dict[str, str] = {}
    for file in sorted(folder.glob("*.json")):
        results.update(json.loads(file.read_text()))
    lines, tally = [], {"ok": 0, "differs": 0, "not yet": 0, "failed": 0}
    for group in all_rows().values():
        for row in group:
            why = results.get(key(row), "was not run")
            state = standing(row) if not why else "failed"
            tally[state] += 1
            lines.append(
                f"{state:8} {row.section}: {row.name}"
                + (f": {why}" if why else f": {row.waits_for}" if row.waits_for else "")
            )
    return "\n".join([*lines, ", ".join(f"{count} {state}" for state, count in tally.items())]) + "\n"


def key(row: Row) -> str:
    return f"{row.section}: {row.name}"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import table  # The module that the rows import.

    sys.stdout.write(table.with_results(Path(sys.argv[1])) if len(sys.argv) > 1 else table.markdown())
