"""Causes of lateness over HTTP: said of a dossier, and asked for where nobody has said one."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from app.core import causes as law
from app.core.causes import LONGEST_NOTE, Cause
from app.core.codes import dossier_code
from app.db import causes, dossiers
from app.service.access import Principal
from app.web import shown
from app.web.deps import (
    TEXT,
    Now,
    Reader,
    Recorder,
    TheParts,
    Transaction,
    clocks_of,
    visible,
)
from app.web.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["letters"])


class CauseTold(BaseModel):
    """Why a dossier is late; `other` needs a note. Name nobody in it."""

    model_config = ConfigDict(extra="forbid")

    cause: Cause
    note: str | None = Field(default=None, max_length=LONGEST_NOTE, pattern=TEXT)


@router.post(
    "/dossiers/{code}/cause",
    status_code=HTTPStatus.CREATED,
    summary="Say why a dossier is late",
)
def post_cause(
    session: Transaction, code: str, body: CauseTold, caller: Recorder, now: Now
) -> dict[str, Any]:
    """Kept with who said it and when; what was said before stays, the newest counts."""
    wanted = dossier_code(code)
    row = dossiers.find(session, wanted, sorted(caller.branches)) if wanted else None
    if row is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    return item(said(session, caller, row["code"], body, now))


@router.get("/causes/missing", summary="Late dossiers nobody has said the cause of")
def list_missing(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    since: Annotated[
        date | None, Query(description="ended late from that day on; 1 January if absent")
    ] = None,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before", pattern=TEXT, max_length=60)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Overdue now, or ended late by law; by code."""
    rules = held.book.in_force(session)
    clocks, _ = clocks_of(session, held, rules, now, visible(caller, branch))
    first = since or now.astimezone(shown.ZONE).date().replace(month=1, day=1)
    rows = causes.missing(session, clocks, now, first, after=cursor or "", limit=limit + 1)
    items = [{name: shown.value(one) for name, one in row.items()} for row in rows[:limit]]
    return {"items": items, "next": items[-1]["code"] if len(rows) > limit else None}


def said(session: Session, caller: Principal, code: str, body: CauseTold, now: Now) -> RowMapping:
    """Keep a cause of a dossier that was found in scope.

    Raises:
        ProblemError: a note is missing.
    """
    note = (body.note or "").strip() or None
    wrong = list(law.problems(body.cause, note))
    if wrong:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", wrong)
    return causes.add(session, code, body.cause.value, note, now, caller.by)


def item(row: RowMapping) -> dict[str, Any]:
    """A cause as JSON."""
    return {name: shown.value(row[name]) for name in ("code", "cause", "note", "at", "by")}


def newest(rows: Sequence[RowMapping]) -> dict[str, Any] | None:
    """The cause that counts, of all that were said of a dossier."""
    return item(rows[-1]) if rows else None
