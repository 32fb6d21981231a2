"""The page of 7:30: what is to be done today, and how each branch does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.core.calendar import WorkingCalendar
from app.core.office_hours import CalendarEndsError
from app.core.yardsticks import Yardstick
from app.db.in_hand import Group
from app.db.lists import Clock
from app.db.mornings import Standing
from app.service.access import Principal, Right
from app.service.mornings import BranchDay, branch_days, unconfirmed
from app.service.on_time import OPEN_COLUMNS, Line, Report, on_time
from app.service.rules import Rules
from app.service.silence import BranchClock
from app.web import shown
from app.web.deps import Now, TheParts, Transaction, clocks_of, visible
from app.web.pages.shell import PageRoute, Person, render

router = APIRouter(route_class=PageRoute)

# What must happen today, most pressing first: each with the sentence that says what to do.
_TO_DO = {
    Standing.APOLOGY_TODAY: "Send the apology and re-appointment today if the due date cannot be "
    "kept",
    Standing.DUE_TODAY: "Give the result today",
    Standing.NEWLY_OVERDUE: "Newly overdue since the last working day",
    Standing.OVERDUE: "Overdue for longer: settle these",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """How old the data of a branch are; `days` of silence are working days."""

    heard_at: datetime | None
    days: int
    silent: bool


@dataclass(frozen=True, slots=True)
class BranchRow:
    """One row of the table: the branch, its two rates, what is open, the age of its data."""

    code: str
    name: str
    month: Line
    year: Line
    due_today: int
    feed: Feed

    def count(self, column: str) -> int:
        """A figure of what is open now."""
        return self.year.beside.get(column, 0)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do today: how many dossiers, and the codes of the first."""

    what: str
    standing: str
    count: int
    codes: Sequence[str]


@router.get("/")
def today(
    request: Request, session: Transaction, held: TheParts, now: Now, who: Person
) -> Response:
    """A row a branch; the number of statements does not depend on the number of branches."""
    rules = held.book.in_force(session)
    clocks, heard = clocks_of(session, held, rules, now, visible(who, None))
    on = now.astimezone(shown.ZONE).date()
    month = _report(session, rules, clocks, heard, now, who, on.replace(day=1), beside=False)
    new_year = on.replace(month=1, day=1)
    year = _report(session, rules, clocks, heard, now, who, new_year, beside=True)
    mine = replace(rules, branches={code: rules.branches[code] for code in heard})
    days = {day.branch.code: day for day in branch_days(session, mine, heard, now)}
    rows = _rows(rules, heard, now, month, year, days)
    return render(
        request,
        "today.html",
        now=now,
        on=on,
        soon_days=held.soon_days,
        silence_days=held.silence_days,
        rows=rows,
        month=month.total,
        year=year.total,
        totals=_totals(year),
        due_today=sum(row.due_today for row in rows),
        tasks=_tasks(days.values()),
        silent=[row for row in rows if row.feed.silent],
        unconfirmed=_unconfirmed(mine, on),
        keeps_calendar=who.whole_office and Right.CATALOGUE in who.rights,
    )


def _unconfirmed(mine: Rules, on: date) -> list[tuple[date, str]]:
    """From which days on nobody has confirmed the calendar; the branches where not all of them."""
    return [
        (
            first,
            ""
            if len(codes) == len(mine.branches)
            else ", ".join(mine.branches[code].short_name for code in codes),
        )
        for first, codes in unconfirmed(mine, mine.branches, on).items()
    ]


def _report(
    session: Session,
    rules: Rules,
    clocks: Sequence[Clock],
    heard: Mapping[str, BranchClock],
    now: datetime,
    who: Principal,
    first: date,
    *,
    beside: bool,
) -> Report:
    return on_time(
        session,
        rules,
        clocks,
        heard,
        now,
        office=who.office,
        whole_office=who.whole_office,
        first=first,
        last=now.astimezone(shown.ZONE).date(),
        groups=[Group.BRANCH],
        yardstick=Yardstick.LEGAL,
        beside=beside,
    )


def _rows(
    rules: Rules,
    heard: Mapping[str, BranchClock],
    now: datetime,
    month: Report,
    year: Report,
    days: Mapping[str, BranchDay],
) -> list[BranchRow]:
    by_month = {line.key[0]: line for line in month.rows}
    return [
        BranchRow(
            code=code,
            name=rules.branches[code].short_name,
            month=by_month.get(code, Line((code,))),
            year=line,
            due_today=days[code].count(Standing.DUE_TODAY) if code in days else 0,
            feed=feed(rules.calendar_of(code), heard[code], now),
        )
        for line in year.rows
        for code in line.key
    ]


def feed(calendar: WorkingCalendar, clock: BranchClock, now: datetime) -> Feed:
    """How old the data of a branch are."""
    if clock.heard_at is None:
        return Feed(None, 0, silent=True)
    try:
        days = calendar.worked_days(calendar.local_day(clock.heard_at), calendar.local_day(now))
    except CalendarEndsError:
        days = (now - clock.heard_at).days
    return Feed(clock.heard_at, days, clock.silent)


def _totals(year: Report) -> dict[str, int]:
    columns = (*OPEN_COLUMNS, "quarantined")
    totals = {column: year.total.beside.get(column, 0) for column in columns}
    return totals | {"no_limit": year.total.no_limit}


def _tasks(days: Collection[BranchDay]) -> list[Task]:
    tasks = []
    for standing, what in _TO_DO.items():
        groups = [day.groups[standing] for day in days if standing in day.groups]
        first = sorted(entry for group in groups for entry in group.first)
        if first:
            count = sum(group.count for group in groups)
            tasks.append(Task(what, standing.value, count, [code for _, code in first[:10]]))
    return tasks
