"""Each branch as its day begins: whether it is open, its moments, its dossiers by standing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.layers import unconfirmed_soon
from app.core.office_hours import CalendarEndsError
from app.db import mornings
from app.db.mornings import Group, Standing, Yard
from app.service.rules import Branch, Rules
from app.service.silence import BranchClock, today

TAX_DAYS, CITIZEN_DAYS = 10, 20


class Waits(NamedTuple):
    """How long is too long: working days at the tax office, and in the hands of the citizen.

    The tax office has 5 working days, 7 for organisations (NĐ 126/2020/NĐ-CP Đ13 k6, ĐT138 Đ59 k4);
    then there is a notice to be paid. For a supplement no text sets a limit: both are ours.
    """

    tax: int = TAX_DAYS
    citizen: int = CITIZEN_DAYS


@dataclass(frozen=True, slots=True)
class BranchDay:
    """One branch on a day: its moments, its clock, its dossiers by standing."""

    branch: Branch
    yard: Yard
    clock: BranchClock
    groups: Mapping[Standing, Group]

    def count(self, *standings: Standing) -> int:
        """How many dossiers stand in one of these ways."""
        return sum(self.groups[one].count for one in standings if one in self.groups)


@dataclass(frozen=True, slots=True)
class OpenBranch:
    """A branch that is open now, and when it closes today."""

    branch: Branch
    closes_at: datetime


def open_branches(rules: Rules, now: datetime) -> list[OpenBranch]:
    """The branches open now: at work on this date, after its opening and before its closing."""
    found = []
    for branch in rules.branches.values():
        calendar = rules.calendar_of(branch.code)
        day = calendar.local_day(now)
        if (
            branch.is_active(date.fromordinal(day))
            and calendar.is_working(day)
            and calendar.opening(day) <= now < (closes_at := calendar.closing(day))
        ):
            found.append(OpenBranch(branch, closes_at))
    return found


def branch_days(
    session: Session,
    rules: Rules,
    clocks: Mapping[str, BranchClock],
    now: datetime,
    waits: Waits = Waits(),  # noqa: B008 it never changes
) -> list[BranchDay]:
    """Every branch active today with its dossiers, from one statement."""
    yards = {}
    for branch in rules.branches.values():
        calendar = rules.calendar_of(branch.code)
        if branch.code in clocks and branch.is_active(today(calendar, now)):
            yards[branch.code] = _yard(branch, calendar, clocks[branch.code], now, waits)
    groups: dict[str, dict[Standing, Group]] = {code: {} for code in yards}
    for group in mornings.standing(session, list(yards.values()), now):
        groups[group.branch][group.standing] = group
    return [
        BranchDay(rules.branches[code], yard, clocks[code], groups[code])
        for code, yard in yards.items()
    ]


def unconfirmed(rules: Rules, branches: Iterable[str], day: date) -> dict[date, list[str]]:
    """The first days nobody has confirmed, from 60 days before, each with the branches it is of."""
    found: dict[date, list[str]] = {}
    for branch in branches:
        first = unconfirmed_soon(rules.published(branch).spec, day)
        if first is not None:
            found.setdefault(first, []).append(branch)
    return dict(sorted(found.items()))


def _yard(
    branch: Branch, calendar: WorkingCalendar, clock: BranchClock, now: datetime, waits: Waits
) -> Yard:
    day = calendar.local_day(now)
    day_start = calendar.midnight_after(day - 1)
    yesterday = _working_day_before(calendar, day, 1)
    tomorrow = _next_working_day(calendar, day)
    return Yard(
        branch=branch.code,
        office=branch.office,
        since=opened_before(calendar, date.fromordinal(day)),
        clock_at=clock.clock_at,
        day_start=day_start,
        day_end=calendar.midnight_after(day),
        tomorrow_end=calendar.midnight_after(tomorrow),
        soon_until=max(clock.soon_until, calendar.midnight_after(tomorrow)),
        last_worked=date.fromordinal(yesterday),
        tax_since=date.fromordinal(_working_day_before(calendar, day, waits.tax + 1)),
        citizen_since=date.fromordinal(_working_day_before(calendar, day, waits.citizen + 1)),
    )


def opened_before(calendar: WorkingCalendar, day: date) -> datetime:
    """The opening of the last working day before a day; its beginning where none is known."""
    last = _working_day_before(calendar, day.toordinal(), 1)
    if calendar.is_working(last):
        return calendar.opening(last)
    return calendar.midnight_after(day.toordinal() - 1)


def _working_day_before(calendar: WorkingCalendar, day: int, count: int) -> int:
    """The `count`-th working day before a day; where none is known, that many days before."""
    try:
        found = day
        for _ in range(count):
            found = calendar.last_working_day_before(found)
    except CalendarEndsError:
        return day - count
    return found


def _next_working_day(calendar: WorkingCalendar, day: int) -> int:
    try:
        return calendar.nth_working_day(day, 1)
    except CalendarEndsError:
        return day + 1


def working_days_ahead(calendar: WorkingCalendar, day: date, count: int) -> list[date]:
    """The next working days after a day, as far as the calendar knows them."""
    try:
        last = min(count, calendar.worked_days(day.toordinal(), calendar.last_worked))
        return [
            date.fromordinal(calendar.nth_working_day(day.toordinal(), nth))
            for nth in range(1, last + 1)
        ]
    except CalendarEndsError:
        return []
