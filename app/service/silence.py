"""Each branch's clock: as late as its last report, but silence is no way to look good."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar, instant, micros
from app.core.office_hours import CalendarEndsError
from app.db import feeds
from app.service.rules import Rules

_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class BranchClock:
    """What "now" means for a branch.

    Attributes:
        heard_at: The newest moment its leading source has told of (`db.feeds.heard_at`); None if
            none ever has.
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


@dataclass(frozen=True, slots=True)
class Feed:
    """One source of one branch: when it was heard, and by when it should have been heard again.

    Attributes:
        source: None for a branch nobody has ever told of; then only `branch` says something.
        leads: Whether the branch's clock follows it; a silent witness delays nobody's judgement.
        expected_minutes: Its rhythm in minutes of open office; None is one working day.
        expected_by: From this instant on it is silent.
        overdue_from: If it stays silent, what is due meanwhile is overdue from then on, and
            unverified before; None where it does not lead.
    """

    branch: str
    source: str | None
    name: str | None = None
    rank: int | None = None
    leads: bool = True
    expected_minutes: int | None = None
    heard_at: datetime | None = None
    expected_by: datetime | None = None
    silent: bool = True
    overdue_from: datetime | None = None


def feeds_of(
    session: Session,
    rules: Rules,
    branches: Collection[str],
    now: datetime,
    *,
    silence_days: int,
) -> list[Feed]:
    """Every source of the branches at work today, each with its rhythm, from one SELECT.

    The leading source of a branch stands first; a branch nobody ever told of has a line as well.
    """
    active = [
        code
        for code in sorted(branches)
        if code in rules.branches
        and rules.branches[code].is_active(today(rules.calendar_of(code), now))
    ]
    found: dict[str, list[Feed]] = {code: [] for code in active}
    for row in feeds.listing(session, active):
        calendar, heard_at = rules.calendar_of(row["branch"]), row["heard_at"]
        leads = not found[row["branch"]]
        by = expected_by(calendar, heard_at, row["expected_minutes"])
        found[row["branch"]].append(
            Feed(
                **row,
                leads=leads,
                expected_by=by,
                silent=by <= now,
                overdue_from=_overdue_from(calendar, heard_at, silence_days) if leads else None,
            )
        )
    return [one for code in active for one in found[code] or [Feed(code, None)]]


def expected_by(calendar: WorkingCalendar, heard_at: datetime, minutes: int | None) -> datetime:
    """By when a source heard at an instant should be heard again.

    Minutes count while the office is open: heard on Friday at 16:30, an hour is over on Monday at
    07:30. None is one working day: until the end of the next, for many systems send at night.
    """
    try:
        if minutes is None:
            return calendar.midnight_after(
                calendar.nth_working_day(calendar.local_day(heard_at), 1)
            )
        return instant(calendar.after_working(micros(heard_at), minutes * _MINUTE))
    except CalendarEndsError:  # heard in a century we keep no calendar for
        return heard_at + (timedelta(days=1) if minutes is None else timedelta(minutes=minutes))


def _overdue_from(calendar: WorkingCalendar, heard_at: datetime, days: int) -> datetime:
    """The beginning of the day on which `branch_clocks` calls the branch silent."""
    try:
        first = calendar.nth_working_day(calendar.local_day(heard_at), days + 1)
    except CalendarEndsError:
        return heard_at + timedelta(days=days + 1)
    return calendar.midnight_after(first - 1)


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
