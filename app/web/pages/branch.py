"""A branch's lists: what is overdue, what soon will be, and everything else, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import RowMapping

from app.core.calendar import WorkingCalendar
from app.core.codes import dossier_code
from app.core.office_hours import CalendarEndsError
from app.db import lists, reports
from app.db.in_hand import Group
from app.db.lists import Reading
from app.service.rules import Rules
from app.web import shown
from app.web.deps import Now, TheParts, Transaction, clocks_of, visible
from app.web.dossiers import cursor_of, place
from app.web.pages.shell import PageRoute, Person, render
from app.web.pages.today import feed
from app.web.pages.words import OUTCOMES, STATES, TONES
from app.web.problems import ProblemError

router = APIRouter(route_class=PageRoute)

PAGE = 50
# Each list with its readings and its name, in the order of the tabs.
TABS: Mapping[str, tuple[tuple[Reading, ...], str]] = {
    "overdue": ((Reading.OVERDUE,), "Overdue"),
    "due_soon": ((Reading.DUE_SOON,), "Due soon"),
    "unverified": ((Reading.UNVERIFIED,), "Unverified"),
    "open": ((Reading.OPEN,), "Open"),
    "suspended": ((Reading.SUSPENDED,), "Suspended"),
    "waiting": ((Reading.WAITING,), "Waiting for the tax"),
    "no_limit": ((Reading.NO_LIMIT,), "No limit yet"),
    "finished": ((Reading.FINISHED, Reading.CLOSED), "Finished"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One dossier in a list; no citizen is named. `days` left are negative when it is late."""

    code: str
    procedure: str
    received_on: date | None
    due_on: date | None
    due_at: datetime | None
    by_the_hour: bool
    provisional: bool
    days: int | None
    reading: str
    state: str
    tone: str
    promised_on: date | None
    ended_on: date | None
    outcome: str | None


@router.get("/branches/{code}")
def branch(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    code: str,
    chosen: Annotated[str, Query(alias="list")] = "overdue",
    cursor: str | None = None,
) -> Response:
    """One list of one branch; beside the tabs, how many are open in each."""
    branches = visible(who, code)
    if chosen not in TABS:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such list")
    rules = held.book.in_force(session)
    clocks, heard = clocks_of(session, held, rules, now, branches)
    rows = lists.page(
        session,
        clocks,
        now,
        readings=TABS[chosen][0],
        after=place(cursor) if cursor else None,
        limit=PAGE + 1,
    )
    counted = reports.open_now(session, clocks, now, [Group.BRANCH])
    counts: Mapping[Any, int] = counted[0] if counted else {}
    return render(
        request,
        "branch.html",
        branch=rules.branches[code],
        several=len(who.branches) > 1,
        chosen=chosen,
        tabs=[
            # an ended dossier may lack a limit too, so what is open is not the length of that list
            (name, title, None if name in ("no_limit", "finished") else counts.get(name, 0))
            for name, (_, title) in TABS.items()
        ],
        rows=[listed(row, rules, now) for row in rows[:PAGE]],
        first=cursor is None,
        next=cursor_of(rows[PAGE - 1]) if len(rows) > PAGE else None,
        feed=feed(rules.calendar_of(code), heard[code], now),
        now=now,
    )


@router.get("/dossiers")
def find(who: Person, code: str = "") -> Response:  # noqa: ARG001 access
    """The search field: to the page of the dossier with that code."""
    wanted = dossier_code(code)
    if wanted is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    return RedirectResponse(f"/dossiers/{quote(wanted, safe='')}", HTTPStatus.SEE_OTHER)


def listed(row: RowMapping, rules: Rules, now: datetime) -> Listed:
    """A row of a list as the page shows it; lateness by the calendar of its branch."""
    calendar = rules.calendar_of(row["branch"])
    ended_at = row["finished_at"]
    due_on, promised_on = row["due_on"], _day(row["promised_at"])
    return Listed(
        code=row["code"],
        procedure=rules.procedures.get(row["procedure_code"], row["procedure"]),
        received_on=_day(row["received_at"]),
        due_on=due_on,
        due_at=row["due_at"],
        by_the_hour=by_the_hour(row["due_at"]),
        provisional=row["provisional"],
        days=days_left(calendar, now, due_on) if row["reading"] in _CLOCK_RUNS else None,
        reading=row["reading"],
        state=STATES[row["reading"]],
        tone=TONES.get(row["reading"], "still"),
        promised_on=None if promised_on == due_on else promised_on,
        ended_on=_day(ended_at),
        outcome=OUTCOMES.get(row["how_ended"] or ""),
    )


_CLOCK_RUNS = frozenset({"overdue", "unverified", "due_soon", "running"})


def days_left(calendar: WorkingCalendar, now: datetime, due_on: date | None) -> int | None:
    """Working days from today to the due day; negative when it has passed."""
    if due_on is None:
        return None
    try:
        today, due = calendar.local_day(now), due_on.toordinal()
        return calendar.worked_days(today, due) - calendar.worked_days(due, today)
    except CalendarEndsError:
        return None


def by_the_hour(due_at: datetime | None) -> bool:
    """Whether a due moment lies within a day: the end of a day is midnight."""
    return due_at is not None and due_at.astimezone(shown.ZONE).time() != datetime.min.time()


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.astimezone(shown.ZONE).date()
