"""Each branch's clock: as late as its last report, but silence is no way to look good."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.office_hours import CalendarEndsError
from app.db import feeds
from app.service.rules import Rules


@dataclass(frozen=True, slots=True)
class BranchClock:
    """What "now" means for a branch.

    Attributes:
        heard_at: The newest moment its sources have told of; None if never.
        clock_at: What passed before it is overdue; what passed after it, up to now, is unverified.
        soon_until: What is due before it, and not yet passed, is due soon (exclusive).
        silent: Whether it has been silent for so long that its clock is now.
    """

    branch: str
    heard_at: datetime | None
    clock_at: datetime
    soon_until: datetime
    silent: bool


def branch_clocks(
    session: Session, rules: Rules, now: datetime, *, silence_days: int, soon_days: int
) -> dict[str, BranchClock]:
    """The clock of every branch, from one SELECT.

    A branch silent for more than `silence_days` working days is judged by now. One that was never
    heard has nothing to judge; its clock is now as well.
    """
    heard = feeds.heard_at(session)
    clocks: dict[str, BranchClock] = {}
    for code in rules.branches:
        calendar = rules.calendar_of(code)
        at = heard.get(code)
        silent = at is None or _working_days_between(calendar, at, now) > silence_days
        clocks[code] = BranchClock(
            branch=code,
            heard_at=at,
            clock_at=now if at is None or silent else min(now, at),
            soon_until=_soon_until(calendar, now, soon_days),
            silent=silent,
        )
    return clocks


def today(calendar: WorkingCalendar, now: datetime) -> date:
    """The local date of a branch at an instant."""
    return now.astimezone(calendar.zone).date()


def _working_days_between(calendar: WorkingCalendar, since: datetime, until: datetime) -> int:
    try:
        return calendar.worked_days(calendar.local_day(since), calendar.local_day(until))
    except CalendarEndsError:
        return (until - since).days  # heard in a century we keep no calendar for


def _soon_until(calendar: WorkingCalendar, now: datetime, days: int) -> datetime:
    try:
        last = calendar.nth_working_day(calendar.local_day(now), days)
    except CalendarEndsError:
        return now  # nothing falls due where nobody works any more
    return calendar.midnight_after(last)
