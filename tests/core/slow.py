"""A second clock, written from the text of the law alone, slow and plain: a judge of the fast one.

It shares no line, no type and no idea with `app.core`: no table, no running totals. Days are walked
one by one; hours are walked interval by interval, with what is suspended cut out of each.
"""

import calendar as months
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")
Spans = list[tuple[str, str]]  # "07:00" to "11:30", one day's hours
Week = list[Spans]  # from Monday
Stretch = tuple[datetime, datetime]  # in UTC

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
FOREVER = 60 * 366  # days walked before giving up


class NeverError(Exception):
    """No due moment within sixty years."""


@dataclass
class SlowCalendar:
    """What is published: a week, seasons, days off, days worked, days with hours of their own."""

    zone: str
    week: Week
    days_off: set[date] = field(default_factory=set)
    worked: set[date] = field(default_factory=set)
    overrides: dict[date, Spans] = field(default_factory=dict)
    seasons: list[tuple[date, date, Week]] = field(default_factory=list)
    confirmed: tuple[date, date] | None = None

    def __post_init__(self) -> None:
        self.tz = ZoneInfo(self.zone)
        self._known: dict[date, list[Stretch]] = {}

    def published(self, first: date, last: date) -> bool:
        """Whether all days from one to another are official."""
        return self.confirmed is None or self.confirmed[0] <= first <= last <= self.confirmed[1]

    def day_of(self, at: datetime) -> date:
        """The date on the wall of the office."""
        return at.astimezone(self.tz).date()

    def midnight(self, day: date) -> datetime:
        """The instant a day begins."""
        return datetime.combine(day, time(), self.tz).astimezone(UTC)

    def week_of(self, day: date) -> Week:
        """The week a day belongs to: of the seasons that cover it the last wins."""
        found = self.week
        for first, last, week in self.seasons:
            if first <= day <= last:
                found = week
        return found

    def spans_of(self, day: date) -> Spans:
        """Office hours of a day, as written."""
        if day in self.overrides:
            return self.overrides[day]
        if day in self.days_off:
            return []
        week = self.week_of(day)
        if day in self.worked and not week[day.weekday()]:  # as the week's first working day is
            return next((spans for spans in (*week, *self.week) if spans), [])
        return week[day.weekday()]

    def hours(self, day: date) -> list[Stretch]:
        """Office hours of a day, as instants."""
        if day not in self._known:
            stretches = [
                (self._instant(day, opens), self._instant(day, closes))
                for opens, closes in self.spans_of(day)
            ]
            self._known[day] = sorted(one for one in stretches if one[0] < one[1])
        return self._known[day]

    def _instant(self, day: date, written: str) -> datetime:
        if written.startswith("24:00"):
            return self.midnight(day + DAY)
        told = time.fromisoformat(written)
        at = datetime.combine(day, told, self.tz).astimezone(UTC)
        if at.astimezone(self.tz).time() != told:  # no such hour: clocks were put forward over it
            at = at.replace(second=0)
            while self._offset(at - MINUTE) == self._offset(at):
                at -= MINUTE
        return at

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.tz).utcoffset()

    def works(self, day: date) -> bool:
        """Whether anyone is at work that day."""
        return bool(self.hours(day))

    def rolled(self, day: date) -> date:
        """The day itself, or the next working day (BLDS Đ148 k5)."""
        for _ in range(FOREVER):
            if self.works(day):
                return day
            day += DAY
        raise NeverError

    def opened(self, at: datetime) -> datetime:
        """The moment itself if inside office hours; at the very closing or outside, the opening."""
        day = self.day_of(at) - DAY
        for _ in range(FOREVER):
            for opens, closes in self.hours(day):
                if at < closes:
                    return max(at, opens)
            day += DAY
        raise NeverError


@dataclass(frozen=True)
class Stop:
    """A suspension; `restarts` where it is a supplement under the rule of NĐ 61/2018."""

    since: datetime
    until: datetime | None
    restarts: bool = False


@dataclass(frozen=True)
class Due:
    """What comes out; both null while an open suspension holds the clock."""

    on: date | None
    at: datetime | None
    stopped_since: datetime | None = None
    healed_nothing: bool = False


def slow_due(
    received: datetime,
    quantity: timedelta | int,
    unit: str,
    calendar: SlowCalendar,
    stops: Iterable[Stop] = (),
    cutoff: time | None = None,
) -> Due:
    """When it is due: the suspensions are heard one after another, as they came.

    Each that began no later than the due moment as it then stood counts; the first that began after
    it, and with it all that came later, heals nothing. An open one that counts leaves no due date.
    """
    heard: list[Stop] = []
    due = _due(received, quantity, unit, calendar, heard, cutoff)
    for stop in sorted(stops, key=lambda one: one.since):
        if unit == "working_hours":
            too_late = stop.since > _known(due.at)
        else:
            too_late = calendar.day_of(stop.since) > _known(due.on)
        if too_late:
            return replace(due, healed_nothing=True)
        if stop.until is None:
            return Due(None, None, stop.since)
        heard.append(stop)
        due = _due(received, quantity, unit, calendar, heard, cutoff)
    return due


def _known(value: T | None) -> T:
    if value is None:
        raise AssertionError("the due moment stands until an open suspension takes it away")
    return value


def _due(
    received: datetime,
    quantity: timedelta | int,
    unit: str,
    calendar: SlowCalendar,
    stops: Sequence[Stop],
    cutoff: time | None,
) -> Due:
    ends = [_known(stop.until) for stop in stops]
    restarts = [_known(stop.until) for stop in stops if stop.restarts]
    first_day, first_moment = _start(received, cutoff, calendar)
    if isinstance(quantity, timedelta):
        start = max([first_moment, *restarts])
        used_up = _hours_used_up(start, quantity, calendar, stops)
        if quantity and used_up >= max([used_up, *ends]):
            return Due(calendar.day_of(used_up - INSTANT), used_up)
        at = calendar.opened(max([used_up, *ends]))  # asked at the last moment, or no time at all
        return Due(calendar.day_of(at), at)
    base = max([first_day, *map(calendar.day_of, restarts)])
    last = _last_day(base, quantity, unit, calendar, stops)
    on = calendar.rolled(max([last, *map(calendar.day_of, ends)]))
    return Due(on, calendar.midnight(on + DAY))


def _start(
    received: datetime, cutoff: time | None, calendar: SlowCalendar
) -> tuple[date, datetime]:
    """The day that counts as the day of receipt, and the instant a limit in hours starts."""
    local = received.astimezone(calendar.tz)
    day = local.date()
    if cutoff is None:
        return day, received
    if not calendar.works(day):
        day = calendar.rolled(day)
    elif local.time() > cutoff:
        day = calendar.rolled(day + DAY)
    else:
        return day, received
    return day, calendar.hours(day)[0][0]


def _last_day(
    base: date, quantity: int, unit: str, calendar: SlowCalendar, stops: Sequence[Stop]
) -> date:
    """The day on which the last day of the limit is used up."""
    suspended = [
        (calendar.day_of(stop.since), calendar.day_of(_known(stop.until))) for stop in stops
    ]
    if unit == "calendar_months":
        quantity = (_months_later(base, quantity) - base).days
    day, used, walked = base, 0, 0
    while used < quantity:
        day += DAY
        walked += 1
        if walked > FOREVER:
            raise NeverError
        if unit == "working_days" and not calendar.works(day):
            continue
        if any(since < day <= until for since, until in suspended):
            continue
        used += 1
    return day


def _months_later(day: date, quantity: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + quantity, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _hours_used_up(
    start: datetime, quantity: timedelta, calendar: SlowCalendar, stops: Sequence[Stop]
) -> datetime:
    """The instant at which the last second of the limit is used up."""
    if not quantity:
        return start
    left, day = quantity, calendar.day_of(start) - DAY
    for _ in range(FOREVER):
        for opens, closes in calendar.hours(day):
            for since, until in _running(max(opens, start), closes, stops):
                if until - since >= left:
                    return since + left
                left -= until - since
        day += DAY
    raise NeverError


def _running(opens: datetime, closes: datetime, stops: Sequence[Stop]) -> list[Stretch]:
    """What of an interval is not suspended."""
    left = [(opens, closes)] if opens < closes else []
    for stop in stops:
        kept = []
        for since, until in left:
            kept += [(since, min(until, stop.since)), (max(since, _known(stop.until)), until)]
        left = [one for one in kept if one[0] < one[1]]
    return sorted(left)
