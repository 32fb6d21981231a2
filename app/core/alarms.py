"""The moments at which something must be said about an open dossier's limit."""

from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from app.core.calendar import WorkingCalendar
from app.core.clock import Limit, Unit
from app.core.ladder import Ladder, Level, Rung
from app.core.office_hours import CalendarEndsError

# An apology and a share-of-limit warning make sense from two days on (design §5, `watch`).
_SHORTEST_WARNED = 2
_DAYS_OF_MONTH = 30
_WARNINGS = (Level.SHARE_USED, Level.DUE_SOON, Level.APOLOGY_DUE)


class Moment(NamedTuple):
    """An instant and what it means that it has passed."""

    at: datetime
    level: Level


def moments(
    due_on: date, due_at: datetime, limit: Limit, calendar: WorkingCalendar, ladder: Ladder
) -> tuple[Moment, ...]:
    """The moments of one deadline by a ladder, in order of time and of level.

    * share used: as the office opens on the day on which that part of the limit is behind, counted
      back from the due day, so that suspensions do not make it early;
    * due soon, apology due: as it opens some working days before the due day (the apology the last
      one before: "chậm nhất 01 ngày trước ngày hết hạn", NĐ 61/2018/NĐ-CP Đ19 k9);
    * due today: as it opens on the due day;
    * overdue: `due_at`; above it when so many working days after the due day are over.

    Warnings before the due day only for limits of two days and more, and only while they come
    before the next higher one. What lies outside the calendar is left out.
    """
    return _moments(due_on.toordinal(), due_at, limit, calendar, ladder)


@lru_cache(maxsize=16_384)  # hundreds of dossiers of one limit fall due on one day
def _moments(
    day: int, due_at: datetime, limit: Limit, calendar: WorkingCalendar, ladder: Ladder
) -> tuple[Moment, ...]:
    warned = _is_warned(limit)
    found: list[Moment] = []
    for rung in sorted(ladder.rungs, key=lambda rung: rung.level, reverse=True):
        if rung.level > Level.OVERDUE_VERY_LONG or (rung.level in _WARNINGS and not warned):
            continue
        try:
            at = _at(rung, day, due_at, limit, calendar)
        except CalendarEndsError:
            continue
        if not found or at < found[-1].at:  # else a lower level would be said after a higher one
            found.append(Moment(at, rung.level))
    return tuple(reversed(found))


def _at(
    rung: Rung, day: int, due_at: datetime, limit: Limit, calendar: WorkingCalendar
) -> datetime:
    if rung.level is Level.OVERDUE:
        return due_at
    if rung.level > Level.OVERDUE:
        return calendar.midnight_after(calendar.nth_working_day(day, rung.working_days or 1))
    if rung.level is Level.SHARE_USED:
        return calendar.opening(_share_used(rung.share_used or 0, day, limit, calendar))
    before = 0 if rung.level is Level.DUE_TODAY else rung.working_days or 0
    return calendar.opening(_working_days_before(day, before, calendar))


def apology_day(due_on: date, limit: Limit, calendar: WorkingCalendar) -> int | None:
    """The last day on which the apology for a limit not kept is in time, as an ordinal.

    The working day before the due day; None for limits under two days and in hours, and where the
    calendar does not reach.
    """
    if not _is_warned(limit):
        return None
    try:
        return calendar.last_working_day_before(due_on.toordinal())
    except CalendarEndsError:
        return None


def _is_warned(limit: Limit) -> bool:
    shortest = 1 if limit.unit is Unit.CALENDAR_MONTHS else _SHORTEST_WARNED
    return limit.by_date and limit.amount >= shortest


def _working_days_before(day: int, count: int, calendar: WorkingCalendar) -> int:
    for _ in range(count):
        day = calendar.last_working_day_before(day)
    return day


def _share_used(share: float, day: int, limit: Limit, calendar: WorkingCalendar) -> int:
    """The working day on which that share of a limit is behind; what is left is rounded down."""
    months = limit.unit is Unit.CALENDAR_MONTHS
    left = int(limit.amount * (_DAYS_OF_MONTH if months else 1) * (1 - share) + 1e-9)
    if limit.unit is Unit.WORKING_DAYS:
        return _working_days_before(day, left, calendar)
    return calendar.last_working_day_before(day - left + 1)
