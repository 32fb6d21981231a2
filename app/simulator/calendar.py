"""Working days of the simulated year, and instants laid on one line of working seconds.

Two axes, both plain integers so that a life is additions and look-ups:

* an *instant* is a second of Vietnamese local time, counted from day 0 of `date.toordinal`
  (the country is on +07:00 all year);
* a *working second* is `index of the working day * DAY + second of that day's office hours`.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final

ZONE: Final = timezone(timedelta(hours=7))
CIVIL_DAY: Final = 86_400
HOUR: Final = 3_600
OPENS: Final = 7 * HOUR
MORNING: Final = 4 * HOUR + 1_800
LUNCH: Final = 2 * HOUR
DAY: Final = 8 * HOUR
"""Working seconds of a day: 07:00-11:30 and 13:30-17:00."""
CLOSES: Final = 17 * HOUR
FRIDAY: Final = 4


class WorkingDays:
    """Working days between two days, by look-up; a day outside takes the nearest one inside.

    Monday to Friday but for `off`, and the Saturdays in `worked`.
    """

    __slots__ = ("_first", "_upto", "days")

    def __init__(
        self, off: Collection[int], worked: Collection[int], first: int, last: int
    ) -> None:
        self.days: list[int] = []
        self._first = first
        self._upto: list[int] = []
        for ordinal in range(first, last + 1):
            weekday = (ordinal - 1) % 7
            if ordinal in worked or (weekday <= FRIDAY and ordinal not in off):
                self.days.append(ordinal)
            self._upto.append(len(self.days) - 1)

    def index(self, ordinal: int) -> int:
        """Return the index of the last working day on or before a day."""
        place = min(max(ordinal - self._first, 0), len(self._upto) - 1)
        return max(self._upto[place], 0)

    def on_or_after(self, ordinal: int) -> int:
        """Return the index of the first working day on or after a day."""
        index = self.index(ordinal)
        return index if self.days[index] >= ordinal else index + 1

    def ordinal(self, index: int) -> int:
        """Return the day that has an index."""
        return self.days[index] if index < len(self.days) else self.days[-1]

    def instant(self, working: int) -> int:
        """Return the instant of a working second; the lunch break belongs to nobody."""
        index, second = divmod(working, DAY)
        opened = self.ordinal(index) * CIVIL_DAY + OPENS + second
        return opened if second < MORNING else opened + LUNCH

    def closing(self, index: int) -> int:
        """Return the instant at which a working day closes, as slips print it."""
        return self.ordinal(index) * CIVIL_DAY + CLOSES

    def working(self, instant: int) -> int:
        """Return the working seconds passed before an instant."""
        ordinal, second = divmod(instant, CIVIL_DAY)
        index = self.index(ordinal)
        if self.ordinal(index) != ordinal:
            return (index + 1) * DAY
        return index * DAY + office_second(second)


def office_second(second: int) -> int:
    """Return the office seconds passed at a second of a civil day, 0 to DAY."""
    morning = min(max(second - OPENS, 0), MORNING)
    afternoon = max(second - OPENS - MORNING - LUNCH, 0)
    return min(morning + afternoon, DAY)


def instant_of(moment: datetime) -> int:
    """Return the instant of an aware datetime, its fraction of a second dropped."""
    local = moment.astimezone(ZONE)
    return local.toordinal() * CIVIL_DAY + local.hour * HOUR + local.minute * 60 + local.second


def moment_of(instant: int) -> datetime:
    """Return the aware datetime of an instant."""
    ordinal, second = divmod(instant, CIVIL_DAY)
    midnight = datetime.combine(date.fromordinal(ordinal), time.min, ZONE)
    return midnight + timedelta(seconds=second)


@lru_cache(maxsize=4_096)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=8_192)  # a life says each of its instants up to four times, one after another
def text(instant: int) -> str:
    """Return an instant as it travels: 2026-10-05T08:10:00+07:00."""
    ordinal, second = divmod(instant, CIVIL_DAY)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{_day_text(ordinal)}T{hour:02d}:{minute:02d}:{second:02d}+07:00"
