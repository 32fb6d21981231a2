"""Days and instants as they stand in cells, with their precision; never guessed, never shifted."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

Cell = str | float | int | bool | date | datetime | time | timedelta | None

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
END_OF_DAY = time(23, 59, 59)
"""BLDS 2015 Đ148 k6: the last day of a limit ends at 24:00."""

_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 local by nature; 29 February 1900 is long past
_FIRST, _LAST = 1990, 2100
_CLOCK = r"(?P<hour>\d{1,2})\s*[:hg]\s*(?P<minute>\d{2})?(?:[:]\s*(?P<second>\d{2})(?:\.\d+)?)?"
_HALF = r"(?:\s*(?P<half>am|pm|sa|ch)\.?)?"
_DAY = r"(?P<day>\d{1,2})\s*[/.-]\s*(?P<month>\d{1,2})\s*[/.-]\s*(?P<year>\d{1,4})"
_DAY_FIRST = re.compile(rf"{_DAY}(?:[\s,]+{_CLOCK}{_HALF})?", re.IGNORECASE)
_CLOCK_FIRST = re.compile(rf"{_CLOCK}{_HALF}[\s,]+(?:ngày\s+)?{_DAY}", re.IGNORECASE)
_ISO = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2})(?:[T\s]+(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d{8}|\d{14}")
ORDER = re.compile(r"(\d{1,2})\s*[/.-]\s*(\d{1,2})\s*[/.-]\s*\d{4}\b")
"""A text whose first two figures are a day and a month, in one order or the other."""

NO_DAY = (
    "cell {cell} ({column}) is no day; write it as 20/11/2026, or 20/11/2026 08:30 with the hour"
)
MONTH_FIRST = "cell {cell} ({column}) is written month first; write the day first, as 25/09/2026"
TWO_DIGITS = "cell {cell} ({column}) has a year of two digits; write four, as 20/11/2026"
BEYOND = "cell {cell} ({column}) is not in the years {first} to {last}; correct it"
NO_SUCH = "cell {cell} ({column}) is a day that does not exist; correct it"
NO_ZONE_LEFT = "cell {cell} ({column}) is a number; format the column as a date and save again"


class Moment(NamedTuple):
    """An instant, or only its day: then `at` is the local midnight it begins with."""

    at: datetime
    by_day: bool

    @property
    def on(self) -> date:
        """The local day."""
        return self.at.astimezone(ZONE).date()


class NoMomentError(ValueError):
    """A cell that says no day; `message` is the sentence that says why."""

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.params = params


def moment(cell: Cell, *, since_1904: bool = False) -> Moment | None:
    """What a cell says: an instant, a day, or nothing.

    A time of 00:00 is a day without its hour, as Excel and most exports write one. A time without
    an offset is that of Viet Nam. A number is the serial number of Excel, unless the file counts
    from 1904.

    Raises:
        NoMomentError: anything else; `message` says how to mend it.
    """
    match cell:
        case None | "":
            return None
        case datetime():
            return _local(cell)
        case date():
            return _local(datetime(cell.year, cell.month, cell.day))  # noqa: DTZ001 made local there
        case bool() | time() | timedelta():
            raise NoMomentError(NO_DAY)
        case int() | float():
            return _serial(float(cell), since_1904=since_1904)
        case _:
            return _written(str(cell).strip())


def _serial(number: float, *, since_1904: bool) -> Moment:
    if since_1904:
        raise NoMomentError(NO_ZONE_LEFT)
    if _DIGITS.fullmatch(f"{number:.0f}"):
        return _written(f"{number:.0f}")
    try:
        at = _EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
    except (OverflowError, ValueError):
        raise NoMomentError(NO_DAY) from None
    return _local(at)


def _written(text: str) -> Moment:
    if _DIGITS.fullmatch(text):  # as the national portal writes it: 20261120, 20261120083000
        shape = "%Y%m%d" if len(text) == len("20261120") else "%Y%m%d%H%M%S"
        try:
            return _local(datetime.strptime(text, shape))  # noqa: DTZ007 made local there
        except ValueError:
            raise NoMomentError(NO_SUCH) from None
    found = _ISO.fullmatch(text)
    if found:
        return _iso(found)
    found = _DAY_FIRST.fullmatch(text) or _CLOCK_FIRST.fullmatch(text)
    if found is None:
        raise NoMomentError(NO_DAY)
    return _by_figures(found)


def _iso(found: re.Match[str]) -> Moment:
    year, month, day = (int(part) for part in found["day"].split("-"))
    on = _date(year, month, day)
    if found["clock"] is None:
        return _local(on)
    parts = re.split(r"[:.,]", found["clock"])
    at = _clock(on, int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) > 2 else 0)  # noqa: PLR2004
    zone = found["zone"]
    if zone is None:
        return _local(at)
    zone = "+00:00" if zone in "Zz" else zone
    try:
        aware = datetime.fromisoformat(f"{at.isoformat()}{zone}")
    except ValueError:
        raise NoMomentError(NO_DAY) from None
    return Moment(aware.astimezone(ZONE), by_day=False)


def _by_figures(found: re.Match[str]) -> Moment:
    if len(found["year"]) != 4:  # noqa: PLR2004 digits of a year
        raise NoMomentError(TWO_DIGITS)
    at = _date(int(found["year"]), int(found["month"]), int(found["day"]))
    if found["hour"] is None:
        return _local(at)
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half and not 1 <= hour <= 12:  # noqa: PLR2004 hours of a half day
        raise NoMomentError(NO_SUCH)
    if half in ("am", "sa"):
        hour %= 12
    elif half:
        hour = hour % 12 + 12
    return _local(_clock(at, hour, int(found["minute"] or 0), int(found["second"] or 0)))


def _date(year: int, month: int, day: int) -> datetime:
    if month > 12 >= day >= 1:  # noqa: PLR2004 months of a year
        raise NoMomentError(MONTH_FIRST)
    if not _FIRST <= year <= _LAST:
        raise NoMomentError(BEYOND, first=_FIRST, last=_LAST)
    try:
        return datetime(year, month, day)  # noqa: DTZ001 made local by the caller
    except ValueError:
        raise NoMomentError(NO_SUCH) from None


def _clock(on: datetime, hour: int, minute: int, second: int) -> datetime:
    try:
        return on.replace(hour=hour, minute=minute, second=second)
    except ValueError:
        raise NoMomentError(NO_SUCH) from None


def _local(at: datetime) -> Moment:
    if not _FIRST <= at.year <= _LAST:
        raise NoMomentError(BEYOND, first=_FIRST, last=_LAST)
    at = (at + timedelta(milliseconds=500)).replace(microsecond=0)  # Excel keeps fractions of a day
    if at.tzinfo is not None:
        return Moment(at.astimezone(UTC), by_day=False)
    return Moment(at.replace(tzinfo=ZONE), by_day=at.time() == time())
