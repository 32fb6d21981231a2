"""A working calendar as a table of intervals with running totals, built once per version."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import NamedTuple

from app.core.office_hours import DAY, CalendarEndsError, CalendarSpec, zone_of

_MICRO = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MICROSECOND = timedelta(microseconds=1)


class _HourTable(NamedTuple):
    """Working intervals as microseconds since 1970 UTC, with the working time before each."""

    starts: list[int]
    ends: list[int]
    before: list[int]


class WorkingCalendar:
    """The days and hours worked from `first_on` to `last_on`, both included.

    "Working days before this date" and "working time before this instant" are look-ups, so a due
    date is a look-up and its inverse, never a walk: a nine-day Tết costs the same as a weekend.
    """

    def __init__(self, spec: CalendarSpec, first_on: date, last_on: date) -> None:
        """Build the day table (the hour table follows at first use)."""
        spec.check()
        self.spec = spec
        self.zone: tzinfo = zone_of(spec.zone)
        self.first_on = first_on
        self.last_on = last_on
        self._first = first_on.toordinal()
        self._last = last_on.toordinal()
        self._working, self._before = self._count_days()
        # Asked again and again for the same few hundred days; zones are slow to work out.
        self._openings: dict[int, datetime] = {}
        self._midnights: dict[int, datetime] = {}

    def _count_days(self) -> tuple[list[int], list[int]]:
        spec = self.spec
        open_weekdays = [bool(day) for day in spec.week]
        special = self._seasonal() | {
            on.toordinal(): bool(spec.hours_on(on))
            for on in (*spec.days_off, *spec.worked, *spec.overrides)
        }
        working: list[int] = []
        before: list[int] = []
        for ordinal in range(self._first, self._last + 1):
            before.append(len(working))
            # date.toordinal(): 1 January 1 is a Monday, so (ordinal - 1) % 7 is the weekday.
            if special.get(ordinal, open_weekdays[(ordinal - 1) % 7]):
                working.append(ordinal)
        before.append(len(working))
        return working, before

    def _seasonal(self) -> dict[int, bool]:
        """Whether each day that lies in a season is worked, by the week of that season."""
        found: dict[int, bool] = {}
        for season in self.spec.seasons:
            first = max(self._first, season.from_on.toordinal() if season.from_on else 0)
            last = min(self._last, season.until_on.toordinal() if season.until_on else self._last)
            open_weekdays = [bool(day) for day in season.week]
            for ordinal in range(first, last + 1):
                found[ordinal] = open_weekdays[(ordinal - 1) % 7]
        return found

    @cached_property
    def _hours(self) -> _HourTable:
        starts: list[int] = []
        ends: list[int] = []
        before: list[int] = []
        total = 0
        for ordinal in self._working:
            on = date.fromordinal(ordinal)
            for interval in self.spec.hours_on(on):
                start, end = (self._instant(on, second) for second in interval)
                starts.append(start)
                ends.append(end)
                before.append(total)
                total += end - start
        before.append(total)
        return _HourTable(starts, ends, before)

    def _instant(self, on: date, second: int) -> int:
        if second == DAY:
            on, second = on + timedelta(days=1), 0
        local = datetime.combine(
            on, time(second // 3600, second // 60 % 60, second % 60), self.zone
        )
        moment = micros(local)
        if instant(moment).astimezone(self.zone).time() == local.time():
            return moment
        # An hour that clocks put forward leave out: it begins and ends where they jump. Of the two
        # readings of such a time one lies before the jump and one after it.
        early, late = micros(local.replace(fold=1)), moment
        before = instant(early).astimezone(self.zone).utcoffset()
        while late - early > 1:
            middle = (early + late) // 2
            if instant(middle).astimezone(self.zone).utcoffset() == before:
                early = middle
            else:
                late = middle
        return late

    # Days, as proleptic ordinals (`date.toordinal`).

    def local_day(self, at: datetime) -> int:
        """The local date of an instant, as an ordinal."""
        return at.astimezone(self.zone).toordinal()

    def is_working(self, day: int) -> bool:
        """Whether any time is worked on that day."""
        at = self._index(day)
        return self._before[at + 1] > self._before[at]

    def worked_days(self, after: int, until: int) -> int:
        """How many working days d have `after < d <= until`; 0 if there is no such day."""
        if until <= after:
            return 0
        return self._before[self._index(until) + 1] - self._before[self._index(after) + 1]

    def running_days(self, until: int) -> list[int]:
        """How many working days there are up to each day, from `first_on` to `until`, both in.

        Only of the days it covers: none if `until` lies before them.
        Of two of its entries the difference is `worked_days`.
        """
        return self._before[1 : max(0, min(until, self._last) - self._first + 1) + 1]

    def nth_working_day(self, after: int, count: int) -> int:
        """The `count`-th working day after a day (`count` at least 1)."""
        at = self._before[self._index(after) + 1] + count - 1
        if at >= len(self._working):
            raise CalendarEndsError(f"the calendar ends on {self.last_on}")
        return self._working[at]

    def last_working_day_before(self, day: int) -> int:
        """The working day just before a day."""
        at = self._before[self._index(day)] - 1
        if at < 0:
            raise CalendarEndsError(f"the calendar begins on {self.first_on}")
        return self._working[at]

    @property
    def last_worked(self) -> int:
        """The last working day there is, as an ordinal; the first day if none is worked."""
        return self._working[-1] if self._working else self._first

    def roll(self, day: int) -> int:
        """That day if it is worked, else the next working day (BLDS 2015 Đ148 k5)."""
        return day if self.is_working(day) else self.nth_working_day(day, 1)

    def is_confirmed(self, first: int, last: int) -> bool:
        """Whether every day from `first` to `last`, both included, is officially published."""
        spec = self.spec
        if spec.confirmed_from is not None and first < spec.confirmed_from.toordinal():
            return False
        return spec.confirmed_until is None or last <= spec.confirmed_until.toordinal()

    def opening(self, day: int) -> datetime:
        """The instant the office opens on a working day."""
        found = self._openings.get(day)
        if found is None:
            found = self._openings[day] = self._edge(day, 0)
        return found

    def closing(self, day: int) -> datetime:
        """The instant the office closes on a working day."""
        return self._edge(day, -1)

    def _edge(self, day: int, which: int) -> datetime:
        on = date.fromordinal(day)
        worked = self.spec.hours_on(on)
        if not worked:
            raise ValueError(f"{on} is not a working day")
        second = worked[which][0 if which == 0 else 1]
        return instant(self._instant(on, second)).astimezone(self.zone)

    def midnight_after(self, day: int) -> datetime:
        """The end of a day, as the exclusive instant 24:00 (Đ148 k6)."""
        found = self._midnights.get(day)
        if found is None:
            found = datetime.combine(date.fromordinal(day + 1), time(), self.zone)
            self._midnights[day] = found
        return found

    def _index(self, day: int) -> int:
        if not self._first <= day <= self._last:
            raise CalendarEndsError(
                f"the calendar covers {self.first_on} to {self.last_on}, not the day asked for"
            )
        return day - self._first

    # Instants, as microseconds since 1970 UTC (`micros`).

    def worked_time(self, since: int, until: int) -> int:
        """Working microseconds from one instant to another; 0 if they are out of order."""
        if until <= since:
            return 0
        return self._worked_before(until) - self._worked_before(since)

    def running_hours(self, until: int) -> tuple[list[int], list[int], list[int]]:
        """The working intervals that begin before an instant: starts, ends, working time before.

        With them `worked_time` of two instants before it is a look-up elsewhere too.
        """
        table = self._hours
        at = bisect_left(table.starts, until)
        return table.starts[:at], table.ends[:at], table.before[:at]

    def after_working(self, since: int, amount: int) -> int:
        """The instant at which `amount` of working time has passed since an instant.

        An amount used up exactly at closing time ends there; an amount of 0 outside office hours
        is the next opening, so the answer always lies in office hours, both ends included.
        """
        table = self._hours
        goal = self._worked_before(since) + amount
        if amount == 0:
            at = bisect_right(table.ends, since)
            if at == len(table.starts):
                raise CalendarEndsError(f"the calendar ends on {self.last_on}")
            return max(since, table.starts[at])
        at = bisect_left(table.before, goal) - 1
        if at >= len(table.starts):
            raise CalendarEndsError(f"the calendar ends on {self.last_on}")
        return table.starts[at] + goal - table.before[at]

    def _worked_before(self, moment: int) -> int:
        self._index(self.local_day(instant(moment)))
        table = self._hours
        at = bisect_right(table.starts, moment)
        if at == 0:
            return 0
        return table.before[at - 1] + min(moment, table.ends[at - 1]) - table.starts[at - 1]


def micros(at: datetime) -> int:
    """An aware instant as whole microseconds since 1970 UTC: exact, unlike a float timestamp."""
    return (at - _EPOCH) // _ONE_MICROSECOND


def instant(moment: int) -> datetime:
    """The instant of `micros`, in UTC."""
    return _EPOCH + timedelta(seconds=moment // _MICRO, microseconds=moment % _MICRO)
