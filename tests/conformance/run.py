"""Tries one group of rows in a world of its own: python run.py GROUP SETTINGS

SETTINGS is a JSON object: {"host", "port", "dc_id", "public_key", "tglhost", "directory", "results"}. Printed are {"row",
"failed": why or ""} for each row as it is tried, {"gathered"} before the first and {"end"} after the last. For {"fault":
[method, code, name]} it wants "done" on stdin, once the data centre has been told.
Invariant: a row that fails keeps no other from being tried.
"""

import asyncio
import json
import re
import sys
import time
import traceback
from pathlib import Path

import table
from given import eventually
from pattern import differs, resolved
from table import EMPTY_VALUE, Failure, Given, Row
from world import Failed, World

ROW_S_MAX = 120
"""How long one row may take."""


async def main(group: str, settings: dict) -> None:
    rows, world, results = table.all_rows()[group], World(settings), {}
    try:
        await world.gather()
        print(json.dumps({"gathered": group}), flush=True)
        await world.start()
        for row in rows:
            began = time.monotonic()
            results[table.key(row)] = why = "" if row.waits_for else await failure_of(world, row)
            print(
                json.dumps({"row": table.key(row), "failed": why, "s": round(time.monotonic() - began, 2)}), flush=True
            )
    finally:
        await world.stop()
    folder = Path(settings["results"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{group}.json").write_text(json.dumps(results))
    print(json.dumps({"end": group}), flush=True)


async def failure_of(w: World, row: Row) -> str:
    try:
        await asyncio.wait_for(row.test(w, row) if row.test else try_call(w, row), ROW_S_MAX)
    except Failed as failed:
        return str(failed)
    except AssertionError:
        return traceback.format_exc(limit=-2).replace("\n", " ")
    except Exception:
        return traceback.format_exc(limit=-6)
    return ""


async def try_call(w: World, row: Row) -> None:
    w.chat = row.chat
    names = await made(w, row.given)
    since = len(w.run.lines)
    answer = await w.snippet(row.call, names, calls_back=row.gets is not None)
    wrong = differs(True, answer.returned, "what it returned") or differs([], w.run.complaints(since), "the log")
    wrong = wrong or (
        row.gets is not None and differs(resolved(row.gets, {**w.ids, **names}), answer.called, "the callback")
    )
    if wrong:
        raise Failed(f"{row.call}: {wrong}")
    if row.signature == "msg_cb":
        own_message_came_first(w, answer.called[1]["id"], since)
    if row.sees:
        await eventually(lambda: row.sees(w, names, answer.called))
        await try_without_callback(w, row)
    for failure in row.fails:
        try:
            await try_failure(w, row, failure)
        except Failed as failed:
            raise Failed(f"when it fails ({failure.why}): {failed}") from None


async def made(w: World, given: Given) -> dict:
    """The names for a snippet, and since when Bob looks, where that is not said."""
    return {"since": len(w.bob.updates), **await given(w)}


async def try_without_callback(w: World, row: Row) -> None:
    """A callback that is not asked for changes nothing at the other end."""
    call = row.call.replace(", done", "").replace("done", "")
    if row.tags.get("callback") != "required":
        names = await made(w, row.given)
        answer = await w.snippet(call, names, calls_back=False)
        if answer.returned is not True:
            raise Failed(f"{call} returned {answer.returned}")
        await eventually(lambda: row.sees(w, names, []))


def own_message_came_first(w: World, id: int, since: int) -> None:
    lines = w.run.lines[since:]
    until = next(n for n, line in enumerate(lines) if "called" in line)
    is_it = lambda line: line.get("event") == "on_msg_receive" and line["args"][0]["id"] == id
    if not any(map(is_it, lines[:until])):
        raise Failed("on_msg_receive did not get the own message before the callback")


async def try_failure(w: World, row: Row, failure: Failure) -> None:
    names = await made(w, failure.given or row.given)
    call, since = failure.call or row.call, len(w.run.lines)
    answer = await w.snippet(call, names, calls_back=not failure.refused, fault=failure.fault)
    if failure.refused:
        # What is wrong with its arguments is said when the handler has returned, so before the next call's end.
        await w.snippet("tgl.status_online(done)", names)
    returns = row.tags.get("bad arguments return", True) if failure.refused else True
    gets = failure.gets or (None if failure.refused else EMPTY_VALUE[row.signature])
    wrong = differs(returns, answer.returned, "what it returned") or differs(gets, answer.called, "the callback")
    wrong = wrong or log_differs(w.run.complaints(since), row, failure)
    if wrong:
        raise Failed(f"{call}: {wrong}")
    if failure.sees:
        await eventually(lambda: failure.sees(w, names, answer.called))


def log_differs(said: list[str], row: Row, failure: Failure) -> str:
    """A traceback where the arguments are wrong, else one line."""
    if failure.refused:
        is_right = said and said[0].startswith("Traceback") and re.search(failure.log, "".join(said))
        return "" if is_right else f"stderr is {said!r}, not a traceback with {failure.log!r}"
    name = row.tags.get("logged as") or row.name.partition(".")[2]
    line = f"{name} failed: (?:{failure.log})"
    return "" if len(said) == 1 and re.fullmatch(line, said[0]) else f"the log is {said!r}, not [{line!r}]"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
