"""Time zones by what the environment variable TZ may hold.

Invariant: whatever it holds there is a zone: UTC where nobody knows it, and a line in the log then says so.
"""

import datetime
import io
import re
import struct
import zoneinfo

from tgl import _host

UTC = datetime.timezone.utc

UNKNOWN = (
    "TZ={tz} names no time zone that is known here, so local time is UTC: "
    "name one as Europe/Berlin is named, or as a rule such as CET-1CEST,M3.5.0,M10.5.0/3"
)

_RULE = re.compile(r"([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d{1,3}(:\d\d){0,2}(?P<summer>[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)?(?P<changes>.*)")
"""Of POSIX: the name and offset of standard time, the name of summer time, and when it changes."""

_USUAL_CHANGES = ",M3.2.0,M11.1.0"
"""When a rule does not say it: what C libraries take."""


def by_tz(tz: str) -> datetime.tzinfo:
    """The zone: a name of the time zone database, a file of it, or a rule of POSIX."""
    name = tz.lstrip(":")
    if not name:
        return UTC
    name = re.sub("^(posix|right)/", "", name.rpartition("/zoneinfo/")[2])
    for find in (zoneinfo.ZoneInfo, _by_rule):
        try:
            return find(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
    _host.warn(UNKNOWN.format(tz=tz))
    return UTC


def _by_rule(rule: str) -> zoneinfo.ZoneInfo:
    """The zone of a POSIX rule. Such a rule stands at the end of each file of the time zone database, so this is a file that
    holds nothing else."""
    parts = _RULE.fullmatch(rule)
    if parts is None:
        raise ValueError(rule)
    if parts["summer"] and not parts["changes"]:
        rule += _USUAL_CHANGES
    header = b"TZif2" + bytes(15)
    times_of_one_type = header + struct.pack(">6L", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(times_of_one_type * 2 + f"\n{rule}\n".encode()))
    for month in (1, 7):
        datetime.datetime(2000, month, 1, tzinfo=zone).utcoffset()  # Raises ValueError where it is more than Python knows: a day.
    return zone
