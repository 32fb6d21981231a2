"""The moments at which something must be said about an open dossier."""

from datetime import date, datetime
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Unit
from app.core.office_hours import CalendarEndsError

# An apology and a share-of-limit warning make sense from two days on (design §5, `watch`).
_SHORTEST_WARNED = 2
_SOON = 2


class Level(IntEnum):
    """The ladder; a higher level says all that a lower one says."""

    DUE_SOON = 1
    APOLOGY_DUE = 2
    DUE_TODAY = 3
    OVERDUE = 4


class Moment(NamedTuple):
    """An instant and what it means that it has passed."""

    at: datetime
    level: Level


def moments(
    due_on: date, due_at: datetime, limit: Limit, calendar: WorkingCalendar
) -> tuple[Moment, ...]:
    """The moments of one deadline, in order of time.

    Due soon: two working days before the due day, as the office opens. Apology due: the last
    working day before it ("chậm nhất 01 ngày trước ngày hết hạn", NĐ 61/2018/NĐ-CP Đ19 k9), for
    limits of two days and more. Due today: as the office opens on the due day. Overdue: `due_at`.
    """
    shortest = 1 if limit.unit is Unit.CALENDAR_MONTHS else _SHORTEST_WARNED
    warned = limit.by_date and limit.amount >= shortest
    return _moments(due_on.toordinal(), due_at, calendar, warned=warned)


@lru_cache(maxsize=8_192)  # hundreds of dossiers fall due on one day
def _moments(
    day: int, due_at: datetime, calendar: WorkingCalendar, *, warned: bool
) -> tuple[Moment, ...]:
    found = [Moment(calendar.opening(day), Level.DUE_TODAY), Moment(due_at, Level.OVERDUE)]
    if warned:
        try:
            day_before = calendar.last_working_day_before(day)
            found.append(Moment(calendar.opening(day_before), Level.APOLOGY_DUE))
            soon = day_before
            for _ in range(_SOON - 1):
                soon = calendar.last_working_day_before(soon)
            found.append(Moment(calendar.opening(soon), Level.DUE_SOON))
        except CalendarEndsError:
            pass  # a due date in the first days of the calendar needs no warning now
    found.sort()
    return tuple(found)
