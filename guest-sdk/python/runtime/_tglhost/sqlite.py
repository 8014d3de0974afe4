"""SQLite as scripts know it: real locks between a script's connections, and local time.

The component's SQLite would lock by a folder NAME.lock, which outlives a guest that is ended and shuts out every second
connection. File locks work too (libc.py), so each connection is opened with a VFS that uses them. Invariant: a database that
others may have open, too, is locked against them.
"""

import os
import re
import sqlite3
import sqlite3.dbapi2
import sys
import urllib.parse
from datetime import datetime, timezone
from typing import Any, Callable, Never, Optional, Union

from tgl import _host

from . import local_time, reasons, stdlib

PRIVATE_VFS = "unix-excl"
"""Locks between the connections of one guest, and asks nobody else."""

SHARED_VFS = "unix"
"""Locks against other guests and programs of the host as well, where they can have the file open: the host knows."""

MODIFIERS_MAX = 8
"""A date function with more modifiers than this does not know 'localtime'."""

IN_WAL_MODE = (
    "{} is in WAL mode, which the sandbox's SQLite does not know: with SQLite outside, do PRAGMA journal_mode = DELETE in it"
)

NO_WAL = (
    "PRAGMA journal_mode = wal changes nothing: the sandbox's SQLite does not know WAL, and its databases stay in the mode "
    "delete, where who writes locks out who reads"
)
NO_MODULES = (
    "the sandbox's SQLite has no modules, neither fts3, fts4, fts5 nor rtree: search by LIKE, or keep a table of words with "
    "an index"
)

_ASKS_FOR_WAL = re.compile(r"\s*PRAGMA\s+(\w+\s*\.\s*)?journal_mode\s*[=(]\s*['\"]?wal\b", re.IGNORECASE)

_LOCK_BYTES, _FOR_WRITING, _NO_MORE = (0x4000_0002, 510), 5, 4
"""What everybody who has a database in WAL mode open holds a lock on, and the advice that stands for locking it and for
unlocking all (libc.py)."""

_VERSIONS, _OF_WAL, _OF_JOURNAL = slice(18, 20), b"\2\2", b"\1\1"
"""In a database's header, who may write to it and who may read it."""

_DATE_FUNCTIONS = ("date", "time", "datetime", "julianday", "unixepoch", "strftime")

Path = Union[str, bytes, "os.PathLike[Any]"]


class Connection(sqlite3.Connection):
    """`sqlite3.Connection`."""

    def __init__(self, database: Path, *args: Any, **kwargs: Any) -> None:
        uri = kwargs.pop("uri", args[6] if len(args) > 6 else False)
        path, address = _located(database, bool(uri))
        if path:
            _leave_wal(path)
        super().__init__(address, *args[:6], uri=True, **kwargs)
        for name, function in _functions.items():
            for arguments in range(2 + (name == "strftime"), MODIFIERS_MAX + 2):
                self.create_function(name, arguments, function, deterministic=True)

    def cursor(self, factory: Any = None) -> Any:
        """As `sqlite3.Connection.cursor`."""
        return super().cursor(Cursor if factory is None else factory)

    def execute(self, sql: str, *parameters: Any) -> Any:
        """As `sqlite3.Connection.execute`."""
        return self.cursor().execute(sql, *parameters)

    def executescript(self, sql_script: str, /) -> Any:
        """As `sqlite3.Connection.executescript`."""
        return self.cursor().executescript(sql_script)

    def enable_load_extension(self, enabled: bool, /) -> Never:
        """Not there."""
        raise sqlite3.NotSupportedError(f"an extension is native code: {reasons.NO_NATIVE_CODE}")


class Cursor(sqlite3.Cursor):
    """`sqlite3.Cursor`, which says why where SQLite lacks something."""

    def execute(self, sql: str, *parameters: Any) -> Any:
        """As `sqlite3.Cursor.execute`."""
        try:
            result = super().execute(sql, *parameters)
        except sqlite3.OperationalError as error:
            _explain(error)
            raise
        if _ASKS_FOR_WAL.match(sql):
            _tell_of_wal()
        return result

    def executescript(self, sql_script: str, /) -> Any:
        """As `sqlite3.Cursor.executescript`."""
        try:
            result = super().executescript(sql_script)
        except sqlite3.OperationalError as error:
            _explain(error)
            raise
        if any(map(_ASKS_FOR_WAL.match, sql_script.split(";"))):
            _tell_of_wal()
        return result


def connect(database: Path, *args: Any, **kwargs: Any) -> sqlite3.Connection:
    """As `sqlite3.connect`."""
    if len(args) < 5:
        kwargs.setdefault("factory", Connection)
    return _c_connect(database, *args, **kwargs)


def install() -> None:
    """Puts these in the place of sqlite3's own."""
    Connection.__module__ = Cursor.__module__ = "sqlite3"
    for module in (sqlite3, sqlite3.dbapi2):
        module.connect, module.Connection, module.Cursor = connect, Connection, Cursor


_c_connect = sqlite3.connect


def _explain(error: sqlite3.OperationalError) -> None:
    if str(error).startswith("no such module: "):
        error.args = (f"{error}; {NO_MODULES}",)


_is_told_of_wal = False


def _tell_of_wal() -> None:
    """One line, for scripts that ask themselves: the answer to the PRAGMA, which they do not look at, is `delete`."""
    global _is_told_of_wal
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    if not _is_told_of_wal and not stdlib.has(str(frame.f_globals.get("__name__"))):
        _is_told_of_wal = True
        _host.warn(NO_WAL)


def _located(database: Path, is_uri: bool) -> tuple[str, str]:
    """The path of a database, none where it is no file, and the URI that opens it with the right locks."""
    name = os.fsdecode(database)
    if not (is_uri and name.startswith("file:")):
        if "\0" in name:
            raise ValueError("embedded null character")
        quoted = urllib.parse.quote(f"//{name}" if name.startswith("/") else name, safe="/", errors="surrogateescape")
        return "" if name == ":memory:" else name, f"file:{quoted}?vfs={_vfs(name)}"
    address, _, _ = name.partition("#")
    place, _, query = address.partition("?")
    path = urllib.parse.unquote(place.removeprefix("file:").removeprefix("//"))
    given = dict(urllib.parse.parse_qsl(query))
    if "vfs" in given:
        return "", name
    if given.get("cache") == "shared" and (given.get("mode") == "memory" or path == ":memory:"):
        return "", f"file:/{path.lstrip('/')}?vfs=memdb"
    is_file = given.get("mode") != "memory" and path != ":memory:"
    return path if is_file else "", f"{place}?{query}{'&' if query else ''}vfs={_vfs(path)}"


def _vfs(name: str) -> str:
    """Which locks a database needs by where it lies."""
    return PRIVATE_VFS if name in ("", ":memory:") or _is_in(name, _home()) else SHARED_VFS


def _home() -> str:
    """The private folder: nobody else can have a file in it open. In the project's the script may work itself."""
    return os.environ.get("HOME", "/home")


def _is_in(name: str, *places: str) -> bool:
    folder = os.path.realpath(os.path.dirname(os.path.abspath(name)))
    return any(f"{folder}/".startswith(f"{place}/") for place in places)


def _leave_wal(path: str) -> None:
    """Takes a database out of WAL mode, which this SQLite does not know, or says that it is in it: where the script
    has it for itself, if nobody has it open."""
    try:
        with open(path, "rb") as file:
            header = file.read(_VERSIONS.stop)
    except OSError:
        return  # SQLite says what is wrong with it.
    if header[_VERSIONS] != _OF_WAL:
        return
    try:
        if not _is_in(path, _home(), "/script"):
            raise PermissionError
        with open(path, "r+b") as file:
            os.posix_fadvise(file.fileno(), *_LOCK_BYTES, _FOR_WRITING)
            try:
                if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
                    raise PermissionError
                file.seek(_VERSIONS.start)
                file.write(_OF_JOURNAL)
                file.flush()
            finally:
                os.posix_fadvise(file.fileno(), 0, 0, _NO_MORE)
    except OSError:
        raise sqlite3.OperationalError(IN_WAL_MODE.format(path)) from None


def _date_function(name: str) -> Callable[..., Any]:
    """SQLite's date function of this name, with the modifiers 'localtime' and 'utc' in the script's zone."""

    def function(*arguments: Any) -> Any:
        format, (moment, *modifiers) = arguments[: name == "strftime"], arguments[name == "strftime" :]
        is_utc = isinstance(moment, str) and (moment.strip().lower() == "now" or moment.rstrip().lower().endswith("z"))
        is_local, done = False, 0
        for place, modifier in enumerate(modifiers):
            wanted = modifier.strip().lower() if isinstance(modifier, str) else ""
            if wanted not in ("localtime", "utc"):
                continue
            if not (is_local if wanted == "localtime" else is_utc):
                moment = _shifted(moment, modifiers[done:place], to_local=wanted == "localtime")
            else:
                moment = _evaluated("strftime", _MOMENT, moment, *modifiers[done:place])
            is_local, is_utc, done = wanted == "localtime", wanted == "utc", place + 1
        fine = [each for each in modifiers[:done] if str(each).strip().lower() in ("subsec", "subsecond")]
        return _evaluated(name, *format, moment, *fine, *modifiers[done:])

    return function


_functions = {name: _date_function(name) for name in _DATE_FUNCTIONS}

_MOMENT = "%Y-%m-%d %H:%M:%f"
"""As SQLite writes a moment to the millisecond, which is as fine as it has it."""

_plain: Optional[sqlite3.Connection] = None
"""Has the functions as they are. Made when first needed: a connection in the snapshot could not be used."""


def _evaluated(name: str, *arguments: Any) -> Any:
    global _plain
    if _plain is None:
        _plain = _c_connect(f"file::memory:?vfs={PRIVATE_VFS}", uri=True, check_same_thread=False)
    places = ",".join("?" * len(arguments))
    return _plain.execute(f"SELECT {name}({places})", arguments).fetchone()[0]


def _shifted(moment: Any, modifiers: list[Any], to_local: bool) -> Optional[str]:
    """The moment after these modifiers, from UTC to the script's zone or back; None where there is none."""
    told = _evaluated("strftime", _MOMENT, moment, *modifiers)
    if told is None:
        return None
    zone = local_time.clock.zone
    from_zone, to_zone = (timezone.utc, zone) if to_local else (zone, timezone.utc)
    try:
        shifted = datetime.fromisoformat(told).replace(tzinfo=from_zone).astimezone(to_zone)
    except (OverflowError, ValueError):
        return None  # It is beyond the years that can be told.
    return shifted.replace(tzinfo=None).isoformat(" ", "milliseconds")
