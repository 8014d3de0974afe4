"""Local time by the environment variable TZ, which the host sets: a guest's C library knows UTC alone.

`install` puts functions in the place of those of `time`, and subclasses in the place of `datetime.datetime` and
`datetime.date`. The zone is read when a script first asks for local time. Invariant: no local time raises because of TZ;
and a script that never asks pays nothing.
"""

import datetime as datetime_module
import os
import sys
import time as time_module
from typing import Any, Optional

from . import time_format, zones

UTC = zones.UTC
_CDate, _CDateTime = datetime_module.date, datetime_module.datetime
_EPOCH = _CDateTime(1970, 1, 1)
_c_gmtime, _c_strftime, _c_asctime, _now = time_module.gmtime, time_module.strftime, time_module.asctime, time_module.time
_LAZY = ("tzname", "timezone", "altzone", "daylight")


class _Clock:
    """The functions of `time` that depend on the zone. They are bound methods because a class may keep one as an attribute,
    as `logging.Formatter.converter` is: a plain function would get the instance as its first argument there."""

    _zone: Optional[datetime_module.tzinfo] = None

    @property
    def zone(self) -> datetime_module.tzinfo:
        """The zone that TZ names."""
        if self._zone is None:
            self._zone = zones.by_tz(os.environ.get("TZ", ""))
        return self._zone

    def tzset(self) -> None:
        """Has TZ read anew."""
        self._zone = None
        for name in _LAZY:
            vars(time_module).pop(name, None)

    def localtime(self, seconds: Optional[float] = None, /) -> time_module.struct_time:
        """As `time.localtime`."""
        utc = _c_gmtime(_now() if seconds is None else seconds)  # Refuses what is out of range.
        local = _CDateTime(*utc[:6], tzinfo=UTC).astimezone(self.zone)
        offset, dst = local.utcoffset(), local.dst()
        fields = (*local.timetuple()[:8], int(bool(dst)))
        named = {"tm_zone": local.tzname(), "tm_gmtoff": int(offset.total_seconds())}
        return time_module.struct_time(fields, named)

    def mktime(self, fields: Any, /) -> float:
        """As `time.mktime`: fields beyond their range are carried over."""
        year, month, day, hour, minute, second, _, _, is_dst = fields
        months = year * 12 + month - 1
        try:
            naive = _CDateTime(months // 12, months % 12 + 1, 1)
            naive += datetime_module.timedelta(day - 1, second, 0, 0, minute, hour)
            first = naive.replace(tzinfo=self.zone)
            second_time = first.replace(fold=1)
            if is_dst >= 0 and bool(first.dst()) != bool(is_dst) == bool(second_time.dst()):
                first = second_time
            return (naive - _EPOCH - first.utcoffset()).total_seconds()
        except (ValueError, OverflowError):
            raise OverflowError("mktime argument out of range") from None

    def strftime(self, format: str, fields: Any = None, /) -> str:
        """As `time.strftime`."""
        if fields is None:
            fields = self.localtime()
        return _c_strftime(time_format.plain(format, fields, self._zone_directive), fields)

    def asctime(self, fields: Any = None, /) -> str:
        """As `time.asctime`."""
        return _c_asctime(self.localtime() if fields is None else fields)

    def ctime(self, seconds: Optional[float] = None, /) -> str:
        """As `time.ctime`."""
        return _c_asctime(self.localtime(seconds))

    def constant(self, name: str) -> Any:
        """The value of `time.tzname`, `timezone`, `altzone` or `daylight`: found when first asked for, then kept."""
        if name not in _LAZY:
            raise AttributeError(f"module 'time' has no attribute {name!r}")
        year = _c_gmtime(_now()).tm_year
        january, july = (_CDateTime(year, month, 1, tzinfo=self.zone) for month in (1, 7))
        standard, summer = (july, january) if january.utcoffset() > july.utcoffset() else (january, july)
        seconds = [-int(moment.utcoffset().total_seconds()) for moment in (standard, summer)]
        values = ((standard.tzname(), summer.tzname()), *seconds, int(seconds[0] != seconds[1]))
        vars(time_module).update(zip(_LAZY, values))
        return vars(time_module)[name]

    def _zone_directive(self, directive: str, fields: Any) -> str:
        """What %s, %z or %Z stands for."""
        if directive == "s":
            return str(int(self.mktime(fields)))
        is_summer = len(fields) > 8 and fields[8] > 0
        name, offset = getattr(fields, "tm_zone", None), getattr(fields, "tm_gmtoff", None)
        if directive == "Z":
            return time_module.tzname[is_summer] if name is None else name
        if offset is None:
            offset = -(time_module.altzone if is_summer else time_module.timezone)
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 3600:02}{abs(offset) // 60 % 60:02}"


clock = _Clock()


class _Meta(type):
    """Makes the C classes' own instances instances of the classes below."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _STANDS_FOR[cls]) if cls in _STANDS_FOR else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _STANDS_FOR[cls]) if cls in _STANDS_FOR else type.__subclasscheck__(cls, subclass)


class date(_CDate, metaclass=_Meta):
    """`datetime.date`, in local time."""

    __slots__ = ()

    @classmethod
    def today(cls) -> "date":
        """The local date."""
        return cls.fromtimestamp(_now())

    @classmethod
    def fromtimestamp(cls, timestamp: float, /) -> "date":
        """The local date of a moment."""
        local = _local(_CDateTime, timestamp)
        return cls(local.year, local.month, local.day)

    def __repr__(self) -> str:
        return _qualified(self, date, _CDate.__repr__(self))


class datetime(_CDateTime, metaclass=_Meta):
    """`datetime.datetime`, in local time."""

    __slots__ = ()

    @classmethod
    def today(cls) -> "datetime":
        """The local time."""
        return cls.fromtimestamp(_now())

    @classmethod
    def now(cls, tz: Optional[datetime_module.tzinfo] = None) -> "datetime":
        """The local time, or that of a zone."""
        return super().now(tz) if tz is not None or clock.zone is UTC else cls.fromtimestamp(_now())

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: Optional[datetime_module.tzinfo] = None) -> "datetime":
        """The local time of a moment, or that of a zone."""
        return super().fromtimestamp(timestamp, tz) if tz is not None else _local(super(), timestamp)

    def timestamp(self) -> float:
        """As `datetime.timestamp`: without a zone the time is local."""
        return _CDateTime.timestamp(self if self.tzinfo is not None else self.replace(tzinfo=clock.zone))

    def astimezone(self, tz: Optional[datetime_module.tzinfo] = None) -> "datetime":
        """As `datetime.astimezone`: without a zone the time is local."""
        aware = self if self.utcoffset() is not None else self.replace(tzinfo=clock.zone)
        if tz is None:
            local = _CDateTime.astimezone(aware, clock.zone)
            tz = datetime_module.timezone(local.utcoffset(), local.tzname())
        return _CDateTime.astimezone(aware, tz)

    def date(self) -> date:
        """The date alone."""
        return date(self.year, self.month, self.day)

    def __repr__(self) -> str:
        return _qualified(self, datetime, _CDateTime.__repr__(self))


_STANDS_FOR = {date: _CDate, datetime: _CDateTime}


def install() -> None:
    """Puts local time in place. To be done before other modules take these functions and classes by name."""
    for cls, c_class in _STANDS_FOR.items():
        cls.__module__, cls.__qualname__ = "datetime", cls.__name__
        cls.min, cls.max = (cls(*end.timetuple()[: 3 if cls is date else 6]) for end in (c_class.min, c_class.max))
        setattr(datetime_module, cls.__name__, cls)
    datetime.max = datetime.max.replace(microsecond=999_999)
    for name in ("localtime", "mktime", "strftime", "asctime", "ctime", "tzset"):
        setattr(time_module, name, getattr(clock, name))
    for name in _LAZY:
        vars(time_module).pop(name, None)
    time_module.__getattr__ = clock.constant
    if "logging" in sys.modules:
        sys.modules["logging"].Formatter.converter = time_module.localtime


def _local(made_by: Any, timestamp: float) -> Any:
    """The local time of a moment, naive, made by the `fromtimestamp` of a class."""
    zone = clock.zone
    return made_by.fromtimestamp(timestamp, zone).replace(tzinfo=None)


def _qualified(instance: object, cls: type, described: str) -> str:
    """The C classes' repr names the module for themselves alone."""
    return f"datetime.{described}" if type(instance) is cls else described
