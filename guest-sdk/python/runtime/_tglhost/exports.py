"""The component's exports: what the host calls.

Invariant: nothing but `Err` leaves an export, since anything else would end the instance; and what a script printed is at
the host when an export has returned.
"""

import atexit
import functools
import sys
from typing import Any, Callable

from componentize_py_types import Err
from tgl import _dispatch, _report, _timers
from wit_world.imports import host

from . import output, script

output.install()
_timers.install()

_ended = False
"""Set once the script has ended itself: what the host still delivers is dropped."""


def _export(function: Callable[..., None]) -> Callable[..., None]:
    """Runs one export, and what belongs to the end of each."""

    @functools.wraps(function)
    def export(self: object, *arguments: Any) -> None:
        if _ended:
            return
        try:
            function(self, *arguments)
            _dispatch.settle()
        except SystemExit as end:
            _end(end)
        except Err:
            raise
        except BaseException as error:
            raise Err(_report.described(error)) from None
        finally:
            _flush()

    return export


class Interpreter:
    """WIT interface `interpreter`."""

    @_export
    def load(self, source: str, path: str) -> None:
        """Runs a script; an error is its traceback."""
        try:
            script.run(source, path)
        except SystemExit:
            raise
        except BaseException as error:
            raise Err(_report.described(error) + script.python_2_hint(error, path)) from None


class Callbacks:
    """WIT interface `callbacks`."""

    @_export
    def on_our_id(self, id: int) -> None:
        """The account that is logged in."""
        _dispatch.our_id(id)

    @_export
    def on_binlog_replay_end(self) -> None:
        """What was left from last time has been delivered."""
        _dispatch.binlog_replay_end()

    @_export
    def on_get_difference_end(self) -> None:
        """What was missed has been delivered."""
        _dispatch.get_difference_end()

    @_export
    def on_message(self, message: Any) -> None:
        """A message new to the account."""
        _dispatch.message(message)

    @_export
    def on_user_update(self, user: Any, what: int) -> None:
        """A user became known or changed."""
        _dispatch.update("on_user_update", user, what)

    @_export
    def on_chat_update(self, chat: Any, what: int) -> None:
        """A group became known or changed."""
        _dispatch.update("on_chat_update", chat, what)

    @_export
    def on_secret_chat_update(self, chat: Any, what: int) -> None:
        """A secret chat became known or changed."""
        _dispatch.update("on_secret_chat_update", chat, what)

    @_export
    def on_completion(self, request: int, outcome: Any) -> None:
        """A call has come to its end."""
        _dispatch.completion(request, outcome)

    @_export
    def on_timer(self) -> None:
        """The moment asked for has come."""
        _dispatch.timer()


def _end(end: SystemExit) -> None:
    """Ends the script as a process would end: with a number as its code; else with the text printed, and code 1."""
    global _ended
    _ended = True
    code = end.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    atexit._run_exitfuncs()
    host.exit(code & 0xFF, host.ExitMoment.NOW)


def _flush() -> None:
    try:
        output.flush()
    except Exception:
        pass  # The script broke its own streams.
