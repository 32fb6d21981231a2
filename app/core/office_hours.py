"""Office hours as people publish them: of a day, a week, a season, and the days that differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CalendarError(ValueError):
    """A calendar that cannot be used.

    CalendarError
    ├── BadCalendarError     it contradicts itself: the field is named
    └── CalendarEndsError    a look-up left the days it covers
    """


class BadCalendarError(CalendarError):
    """The calendar contradicts itself; `where` names the field."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class CalendarEndsError(CalendarError):
    """A look-up needs a day the calendar does not cover, so no date is returned at all."""


class Interval(NamedTuple):
    """Office hours from `start` to `end`, in seconds of the local day; `end` may be 24:00."""

    start: int
    end: int


Hours = tuple[Interval, ...]


def hours(spans: object, where: str) -> Hours:
    """Return office hours from pairs such as `("07:00", "11:30")`, in the order of the day.

    Raises:
        BadCalendarError: a span is empty, runs over midnight, or overlaps another.
    """
    if not isinstance(spans, (list, tuple)):
        raise BadCalendarError(where, "give a list of [from, to] pairs")
    read: list[Interval] = []
    for span in spans:
        if not isinstance(span, (list, tuple)) or len(span) != 2:  # noqa: PLR2004 a pair
            raise BadCalendarError(where, "give each span as [from, to]")
        start, end = (_second_of_day(edge, where) for edge in span)
        if end <= start:
            raise BadCalendarError(
                where, f"{span[0]}-{span[1]} ends before it begins; split it at midnight"
            )
        read.append(Interval(start, end))
    read.sort()
    for earlier, later in pairwise(read):
        if later.start < earlier.end:
            raise BadCalendarError(where, "two spans overlap; join them into one")
    return tuple(read)


def _second_of_day(text: object, where: str) -> int:
    if text == "24:00":
        return DAY
    try:
        at = time.fromisoformat(str(text))
    except ValueError:
        raise BadCalendarError(where, f"{text!r} is not a time of day such as 07:30") from None
    if at.tzinfo is not None:
        raise BadCalendarError(where, f"{text!r} is a local time; leave out its offset")
    return at.hour * 3600 + at.minute * 60 + at.second


@dataclass(frozen=True, slots=True)
class Season:
    """A week of its own from one day to another, both included; None is without end."""

    from_on: date | None
    until_on: date | None
    week: tuple[Hours, ...]

    def covers(self, on: date) -> bool:
        """Whether the season is on."""
        return (self.from_on is None or self.from_on <= on) and (
            self.until_on is None or on <= self.until_on
        )


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """What people publish: the week, the days off, the days worked, and how far it is confirmed.

    `overrides` (other hours on one date) win over `worked` (usual hours on a day of rest), which
    win over `days_off`, which win over the week. Of `seasons` (summer hours, a branch's own) the
    last that covers a day wins over `week`. Every day is named for the explanation.
    """

    zone: str = "Asia/Ho_Chi_Minh"
    week: tuple[Hours, ...] = ()
    days_off: Mapping[date, str] = field(default_factory=dict)
    worked: Mapping[date, str] = field(default_factory=dict)
    overrides: Mapping[date, Hours] = field(default_factory=dict)
    confirmed_from: date | None = None
    confirmed_until: date | None = None
    seasons: tuple[Season, ...] = ()

    def check(self) -> None:
        """Raise BadCalendarError if a day is both off and worked, or no time is ever worked."""
        since, until = self.confirmed_from, self.confirmed_until
        if since is not None and until is not None and until < since:
            raise BadCalendarError("confirmed_until", "it is before confirmed_from; correct one")
        both = sorted(self.days_off.keys() & self.worked.keys())
        if both:
            raise BadCalendarError("days", f"{both[0]} is both off and worked")
        weeks = [self.week, *(season.week for season in self.seasons)]
        if any(len(week) != len(WEEKDAYS) for week in weeks):
            raise BadCalendarError("week", "give seven days")
        if not any(map(any, weeks)) and not any(self.overrides.values()):
            raise BadCalendarError("week", "no working time at all; no limit would ever end")
        for season in self.seasons:
            if season.from_on and season.until_on and season.until_on < season.from_on:
                raise BadCalendarError(
                    "seasons", f"the season from {season.from_on} ends before it begins"
                )

    def week_on(self, on: date) -> tuple[Hours, ...]:
        """The week in force on a day."""
        for season in reversed(self.seasons):
            if season.covers(on):
                return season.week
        return self.week

    def usual_hours(self, on: date) -> Hours:
        """What a worked day is worked like: its weekday, else the first weekday that has hours."""
        weeks = (self.week_on(on), self.week)
        own = weeks[0][on.weekday()]
        return own or next((day for week in weeks for day in week if day), ())

    def hours_on(self, on: date) -> Hours:
        """The office hours of one date, empty on a day off."""
        if on in self.overrides:
            return self.overrides[on]
        if on in self.worked:
            return self.usual_hours(on)
        if on in self.days_off:
            return ()
        return self.week_on(on)[on.weekday()]


# Beside the zones of places, systems keep these: the machine's own, and rules of no place.
_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        BadCalendarError: there is none of that name.
    """
    if name in _NO_PLACES or name not in available_timezones():
        raise BadCalendarError("zone", f"{name!r} is not a time zone such as Asia/Ho_Chi_Minh")
    return ZoneInfo(name)
