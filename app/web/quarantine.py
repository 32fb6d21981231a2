"""What was refused: looked at, counted, mended and driven again, or discarded with a reason."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.core.problems import Problem
from app.db import quarantine, refusals
from app.db.engine import again_if_deadlocked
from app.db.refusals import Scope, Wanted
from app.service.access import Principal
from app.service.language import tell
from app.service.redrive import CHUNK, Driven, redrive, redrive_many
from app.web import shown
from app.web.deps import MAX_ID, TEXT, Now, Parts, Reader, Sender, TheParts, Transaction, visible
from app.web.dossiers import limited_body
from app.web.problems import ProblemError, language_of, response

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])

KINDS = ("created", "updated", "unchanged", "stale", "quarantined")
_DIGITS = len(str(MAX_ID))
_AT_MOST = 10 * CHUNK
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
State = Literal["open", "mended", "discarded", "all"]
Word = Annotated[str | None, Query(max_length=60, pattern=TEXT)]
_HIDDEN = frozenset({"record_hash", "problems", "office"})


class Again(BaseModel):
    """Which refused records to drive again: all of yours, less what is left out here."""

    model_config = ConfigDict(extra="forbid")

    branch: str | None = Field(default=None, max_length=60)
    source: str | None = Field(default=None, max_length=60, pattern=TEXT)
    field: str | None = Field(default=None, max_length=60, pattern=TEXT, examples=["branch"])
    code: str | None = Field(default=None, max_length=60, pattern=TEXT)
    after: int = Field(default=0, ge=0, le=MAX_ID, description="`next` of the answer before")
    limit: int = Field(default=_AT_MOST, ge=1, le=_AT_MOST)


class Discarding(BaseModel):
    """Why a record will never be taken in; without anybody's name."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")


@router.get("", summary="Refused records, oldest first")
def list_quarantine(
    request: Request,
    session: Transaction,
    caller: Reader,
    branch: Word = None,
    source: Word = None,
    field: Annotated[
        str | None, Query(max_length=60, pattern=TEXT, description="a field with a problem")
    ] = None,
    code: Annotated[
        str | None, Query(max_length=60, pattern=TEXT, description="how the code begins")
    ] = None,
    state: State = "open",
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Records as they came, without names, each with what is wrong and how to mend it.

    Settled ones say who settled them, when and how: `resent` (a later record was taken in),
    `redriven` as they were, `amended`, or `discarded` with the reason as `note`.
    """
    if cursor is not None and not (len(cursor) < _DIGITS and cursor.isdecimal()):
        told = Problem("cursor", "use `next` of the page before as it is")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    rows = refusals.page(
        session,
        narrowed(caller, branch),
        after=int(cursor or 0),
        limit=limit + 1,
        wanted=wanted(source, field, code, None if state == "all" else state),
    )
    items = [item(row, language_of(request)) for row in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1]["id"]) if len(rows) > limit else None}


@router.get("/counts", summary="Refused records by branch and source")
def get_counts(session: Transaction, caller: Reader, branch: Word = None) -> dict[str, Any]:
    """`open`, since when, in which fields, and how many were mended or discarded so far."""
    return counts(session, narrowed(caller, branch))


@router.post("/retry", summary="Drive many refused records again, as they are")
def retry_many(body: Again, caller: Sender, held: TheParts, now: Now) -> dict[str, Any]:
    """After a branch or procedure was published, or a clock set right.

    Answers how many became what; ask again with `after` = `next` until that is null. Conflicts
    stay: whether it is the same dossier somebody must decide.
    """
    scope = narrowed(caller, body.branch)
    which = wanted(body.source, body.field, body.code)
    outcomes: Counter[str] = Counter()
    last: int | None = body.after
    while last is not None and outcomes.total() < body.limit:
        size = min(CHUNK, body.limit - outcomes.total())
        driven = drive_on(held, caller, scope, which, now, last, size)
        outcomes += driven.outcomes
        last = driven.last_id
    told = {kind: outcomes[kind] for kind in KINDS}
    return {"driven": outcomes.total(), **told, "next": last}


def drive_on(
    held: Parts,
    caller: Principal,
    scope: Scope,
    which: Wanted,
    now: datetime,
    after: int,
    size: int = CHUNK,
) -> Driven:
    """Drive the next records again in a transaction of their own."""
    return again_if_deadlocked(
        held.sessions,
        lambda session: redrive_many(
            session, scope, which, caller.caller, held.book, now, after=after, limit=size
        ),
    )


@router.get("/{quarantine_id}", summary="One refused record")
def get_refused(
    request: Request, session: Transaction, quarantine_id: Id, caller: Reader
) -> dict[str, Any]:
    """Open or settled, without names."""
    found = refusals.find(session, quarantine_id, caller.scope, state=None)
    if found is None:
        raise not_there()
    return item(found, language_of(request))


@router.post("/{quarantine_id}/retry", summary="Drive a refused record again, mended or as it is")
def retry(
    request: Request,
    quarantine_id: Id,
    body: Annotated[bytes, Depends(limited_body)],
    caller: Sender,
    held: TheParts,
    now: Now,
) -> JSONResponse:
    """An empty body drives it as it came (a branch or code may be known by now).

    It leaves quarantine when it is taken in; if it is refused again, it stays, with the new reason.
    """
    mended = body.strip() or None
    outcome = again_if_deadlocked(
        held.sessions,
        lambda session: redrive(
            session, quarantine_id, caller.scope, mended, caller.caller, held.book, now
        ),
    )
    if outcome is None:
        raise not_there()
    if outcome.outcome == "quarantined":
        status = HTTPStatus.CONFLICT if outcome.conflict else HTTPStatus.UNPROCESSABLE_ENTITY
        return response(request, status, "The record cannot be taken in", outcome.problems)
    return JSONResponse({"code": outcome.code, "outcome": outcome.outcome})


@router.post("/{quarantine_id}/discard", summary="Discard a refused record", status_code=204)
def discard(
    session: Transaction, quarantine_id: Id, body: Discarding, caller: Sender, now: Now
) -> None:
    """It stays listed with who discarded it, when and why; its personal part is erased."""
    if refusals.hold(session, quarantine_id, caller.scope) is None:
        raise not_there()
    note = body.reason.strip()
    quarantine.settle(session, [quarantine_id], "discarded", "discarded", caller.by, now, note=note)


def narrowed(caller: Principal, branch: str | None) -> Scope:
    """The caller's scope, or one branch of it."""
    if branch is None:
        return caller.scope
    return Scope(caller.office, visible(caller, branch), whole_office=False)


def wanted(
    source: str | None, field: str | None, code: str | None, state: str | None = "open"
) -> Wanted:
    """The filter people give; codes are kept in capitals."""
    return Wanted(
        state=state,
        source=source or None,
        field=field or None,
        code=code.strip().upper() if code and code.strip() else None,
    )


def counts(session: Session, scope: Scope) -> dict[str, Any]:
    """Counts of a scope, by branch and source, with their totals."""
    rows: list[dict[str, Any]] = [
        {name: shown.value(held) for name, held in row.items()} | {"fields": {}}
        for row in refusals.tally(session, scope)
    ]
    by_place = {(row["branch"], row["source"]): row for row in rows}
    for row in refusals.tally_of_fields(session, scope):
        place = by_place.get((row["branch"], row["source"]))
        if place is not None:
            place["fields"][row["field"] or ""] = row["open"]
    totals = {state: sum(row[state] for row in rows) for state in refusals.STATES}
    return {"rows": rows, "totals": totals}


def item(row: Mapping[Any, Any], language: str) -> dict[str, Any]:
    """A refused record as it is shown."""
    shown_row = {name: shown.value(held) for name, held in row.items() if name not in _HIDDEN}
    return shown_row | {
        "problems": [
            {
                "field": problem["field"],
                "detail": tell(problem["message"], language, **problem["params"]),
            }
            for problem in row["problems"]
        ]
    }


def not_there() -> ProblemError:
    """No open record of that number in scope."""
    return ProblemError(HTTPStatus.NOT_FOUND, "No such record in quarantine")
