"""Alerts for people: what presses, the worst first within what is newest, and who is on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.core.ladder import Level
from app.core.problems import Problem
from app.db import raised
from app.db.raised import Which
from app.service.access import Principal, Right
from app.service.rules import Rules
from app.service.standing_alerts import unconfirmed
from app.web import shown
from app.web.alerts import Acknowledgement, acknowledged, scope
from app.web.deps import MAX_ID, TEXT, Now, TheParts, Transaction
from app.web.pages.recording import may_record
from app.web.pages.shell import PageRoute, Person, Posting, render
from app.web.pages.words import LEVELS
from app.web.problems import ProblemError

router = APIRouter(route_class=PageRoute)

PAGE = 50
_TONES = {Level.SHARE_USED: "soon", Level.DUE_SOON: "soon", Level.APOLOGY_DUE: "soon"}
_LATE = "late"


@dataclass(frozen=True, slots=True)
class Line:
    """An alert as the page shows it."""

    id: int
    says: str
    days: int
    tone: str
    link: str
    name: str
    procedure: str | None
    branch: str | None
    due_at: datetime
    due_on: date | None
    raised_at: datetime
    standing: bool
    taken: Mapping[str, Any] | None


@router.get("/alerts")
def alerts(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    who: Person,
    branch: Annotated[str, Query(max_length=60, pattern=TEXT)] = "",
    level: Annotated[str, Query(max_length=60, pattern=TEXT)] = "",
    every: Annotated[bool | None, Query()] = None,
    before: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> Response:
    """What still is so, newest first; `every` shows what has passed as well."""
    rules = held.book.in_force(session)
    asked = next((one for one in Level if one.word == level), None)
    which = Which(levels=[asked] if asked else None, standing=not every)
    rows = raised.page(
        session,
        scope(who, branch or None),
        which,
        unconfirmed(rules, now),
        before=before,
        limit=PAGE + 1,
    )
    kept = {"branch": branch, "level": level, "every": "true" if every else ""}
    query = {name: said for name, said in kept.items() if said}
    more = {"before": rows[PAGE - 1]["id"]} if len(rows) > PAGE else None
    return render(
        request,
        "alerts.html",
        rows=[_line(row, rules, now) for row in rows[:PAGE]],
        names={code: rules.branches[code].short_name for code in sorted(who.branches)},
        levels={one.word: (LEVELS[one], _days(rules, who, one)) for one in Level},
        branch=branch,
        level=level,
        every=bool(every),
        first=before is None,
        here=urlencode(query),
        next=urlencode(query | more) if more else None,
        now=now,
        records=Right.RECORD in who.rights,
    )


@router.post("/alerts/{alert_id}")
def take(
    session: Transaction,
    held: TheParts,
    alert_id: int,
    now: Now,
    who: Posting,
    until: Annotated[str, Form(max_length=10)] = "",
    note: Annotated[str, Form(max_length=500, pattern=TEXT)] = "",
    here: Annotated[str, Form(max_length=300, pattern=TEXT)] = "",
) -> Response:
    """Say that one is on it, to the end of a day."""
    may_record(who)
    try:
        day = date.fromisoformat(until)
    except ValueError:
        told = Problem("until", "name a day such as 2026-11-25")
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told]
        ) from None
    ends = datetime(day.year, day.month, day.day, 23, 59, tzinfo=shown.ZONE)
    said = Acknowledgement(until=ends, note=note or None)
    acknowledged(session, alert_id, said, who, held.book.in_force(session), now)
    return RedirectResponse(f"/alerts?{here}#a{alert_id}", HTTPStatus.SEE_OTHER)


def _due_day(at: datetime) -> date | None:
    """The last day in time, where the moment is the midnight after it."""
    local = at.astimezone(shown.ZONE)
    return (local - timedelta(days=1)).date() if local.time() == time() else None


def _days(rules: Rules, who: Principal, level: Level) -> int:
    rung = rules.office_ladder(who.office).by_level.get(level)
    return rung.working_days or 0 if rung else 0


def _line(row: Any, rules: Rules, now: datetime) -> Line:  # noqa: ANN401 a mapping of columns
    level, branch = Level(row["level"]), rules.branches.get(row["branch"] or "")
    group = rules.groups.get(row["procedure_code"] or "")
    rung = rules.ladder_of(row["branch"], group).by_level.get(level)
    taken = None
    if row["ack_by"] is not None and row["ack_until_at"] > now:
        taken = {"by": row["ack_by"], "until": row["ack_until_at"], "note": row["ack_note"]}
    link, name = _subject(row, level)
    return Line(
        id=row["id"],
        says=LEVELS[level],
        days=(rung.working_days if rung else None) or 0,
        tone=_TONES.get(level, _LATE),
        link=link,
        name=name,
        procedure=rules.procedures.get(row["procedure_code"] or ""),
        branch=branch.short_name if branch else None,
        due_at=row["due_at"],
        due_on=_due_day(row["due_at"]),
        raised_at=row["raised_at"],
        standing=bool(row["standing"]),
        taken=taken,
    )


def _subject(row: Any, level: Level) -> tuple[str, str]:  # noqa: ANN401 a mapping of columns
    """Where to look, and what is seen there."""
    details = row["details"] or {}
    if level is Level.CALENDAR_UNCONFIRMED:
        first = str(details.get("first", ""))
        return f"/calendar?year={first[:4]}", first[:4]
    if level is Level.QUARANTINE_GROWING:
        place = urlencode({"branch": row["branch"] or "", "source": details.get("source", "")})
        return f"/quarantine?{place}", str(details.get("source", ""))
    if level is Level.FEED_SILENT:
        return f"/branches/{row['branch']}", str(details.get("source", ""))
    return f"/dossiers/{row['subject']}", row["subject"]
