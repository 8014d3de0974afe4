"""The component's exports: what the host calls.

Invariant: nothing but `Err` leaves an export, since anything else would end the instance; and when one has returned, what a
script printed is at the host, and what it wrote is in its files.
"""

import atexit
import contextlib
import sys
from typing import Callable

from componentize_py_types import Err
from tgl import _dispatch, _pending, _report, _timers
from wit_world.imports import host

from . import missing_modules, open_writers, output, python_2, script
from .bygone import methods, words

_HINTS = (python_2.hint, words.hint, methods.hint, missing_modules.hint)

_report.hint = lambda error: next(filter(None, (hint(error) for hint in _HINTS)), "")


def install() -> None:
    """Puts the script's output and timers in place. Not to be done before all else is: a build cannot print any more."""
    output.install()
    _timers.install()


_ended = False
"""Set once the script has ended itself: what the host still delivers is dropped."""


def _export(function: Callable[..., None]) -> staticmethod:
    """What the host calls: runs the function, and what belongs to the end of every callback."""

    def export(*arguments: object) -> None:
        if _ended:
            return
        try:
            try:
                function(*arguments)
                _dispatch.settle()
                if _pending.is_draining and not _pending.any_under_way():
                    _finish()
            except SystemExit as end:
                _end(end)
            except Err:
                raise
            except BaseException as error:
                raise Err(_report.described(error)) from None
            finally:
                if open_writers.writers:
                    open_writers.flush()
                output.flush()
        except Err:
            raise
        except BaseException as error:
            raise Err(f"{type(error).__name__} was raised while an error was described, or at the script's end\n") from None

    return staticmethod(export)  # Cheaper to call from outside than a method.


def _load(source: str, path: str) -> None:
    """Runs a script. As a process does, an error that nobody catches ends it: it is told by the script's own `sys.excepthook`,
    if there is one, else by the host, which is given the traceback."""
    try:
        script.run(source, path)
    except SystemExit:
        raise
    except BaseException as error:
        if _report.is_told_by_hook(error):
            raise SystemExit(1) from None
        text = _report.described(error)
        with contextlib.suppress(BaseException):
            _finish()
        raise Err(text) from None


class Interpreter:
    """WIT interface `interpreter`."""

    load = _export(_load)


class Callbacks:
    """WIT interface `callbacks`."""

    on_our_id = _export(_dispatch.our_id)
    on_binlog_replay_end = _export(_dispatch.binlog_replay_end)
    on_get_difference_end = _export(_dispatch.get_difference_end)
    on_message = _export(_dispatch.message)
    on_user_update = _export(_dispatch.user_update)
    on_chat_update = _export(_dispatch.chat_update)
    on_secret_chat_update = _export(_dispatch.secret_chat_update)
    on_completion = _export(_dispatch.completion)
    on_timer = _export(_dispatch.timer)


def _end(end: SystemExit) -> None:
    """Ends the script as a process would end: with a number as its code; else with the text printed, and code 1."""
    global _ended
    _ended = True
    code = end.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        _report.write(f"{_text(code)}\n")
        code = 1
    elif not -(2**63) <= code < 2**63:
        code = -1  # As Python has it for what no C long holds.
    try:
        _report.flush_late()
        _finish()
    finally:
        host.exit(int.__and__(code, 0xFF), host.ExitMoment.NOW)


def _finish() -> None:
    """Calls what the script wants to have called at its end, by Python 2's one way as well; and completes its files."""
    of_python_2 = vars(sys).get("exitfunc")
    if callable(of_python_2):
        atexit.register(of_python_2)
    atexit._run_exitfuncs()
    open_writers.finish()


def _text(value: object) -> str:
    try:
        return str(value)
    except BaseException as error:
        return f"{object.__repr__(value)} (its __str__ raises {type(error).__name__})"
