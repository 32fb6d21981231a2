"""What was refused: which field, what is wrong with it, and how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import RowMapping

from app.db import quarantine
from app.service.rules import Rules
from app.web.deps import MAX_ID, TheParts, Transaction, visible
from app.web.pages.shell import PageRoute, Person, render, speech
from app.web.pages.speech import Speech
from app.web.pages.words import FIELDS

router = APIRouter(route_class=PageRoute)

PAGE = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused record without anything that names a citizen."""

    code: str | None
    branch: str | None
    source: str
    faults: list[tuple[str, str | None, str]]
    times: int
    arrived_at: datetime
    last_sent_at: datetime


@router.get("/quarantine")
def refused(
    request: Request,
    session: Transaction,
    held: TheParts,
    who: Person,
    branch: str | None = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> Response:
    """Open records of the branches in scope, oldest first."""
    rows = quarantine.page(
        session,
        who.office,
        visible(who, branch),
        whole_office=who.whole_office and branch is None,
        after=after,
        limit=PAGE + 1,
    )
    rules, say = held.book.in_force(session), speech(request)
    return render(
        request,
        "quarantine.html",
        rows=[_shown(row, rules, say) for row in rows[:PAGE]],
        branch=rules.branches[branch] if branch else None,
        several=len(who.branches) > 1,
        first=after == 0,
        next=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
    )


def _shown(row: RowMapping, rules: Rules, say: Speech) -> Refused:
    branch = rules.branches.get(row["branch"])
    return Refused(
        code=row["code"],
        branch=branch.short_name if branch else row["branch"],
        source=row["source"],
        faults=[_fault(problem, say) for problem in row["problems"]],
        times=row["times"],
        arrived_at=row["arrived_at"],
        last_sent_at=row["last_sent_at"],
    )


def _fault(problem: Mapping[str, Any], say: Speech) -> tuple[str, str | None, str]:
    """The field as it was sent, its name for people, and what is wrong."""
    field, top = problem["field"], problem["field"].partition("[")[0].partition(".")[0]
    params = say.humane(problem["params"])
    if params.get("first") in FIELDS:  # a sentence that names a second field
        params["first"] = say(FIELDS[str(params["first"])])
    return field, FIELDS.get(top), say(problem["message"], **params)
