"""What was refused: to be looked at, mended, and driven again."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from app.core.problems import Problem
from app.db import quarantine
from app.db.engine import again_if_deadlocked
from app.service.access import Principal
from app.service.intake import take_in
from app.service.outcomes import Line
from app.service.records import joined
from app.service.refusals import refused
from app.web import shown
from app.web.deps import MAX_ID, Now, Reader, Sender, TheParts, Transaction, visible
from app.web.dossiers import limited_body
from app.web.language import tell
from app.web.problems import ProblemError, language_of, response

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])

_DIGITS = len(str(MAX_ID))
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
_HIDDEN = frozenset({"record_hash", "problems", "settled_at", "settled_by", "office"})


@router.get("", summary="Refused records, oldest first")
def list_quarantine(
    request: Request,
    session: Transaction,
    caller: Reader,
    branch: Annotated[str | None, Query()] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Records as they came, without names, each with what is wrong and how to mend it."""
    if cursor is not None and not (len(cursor) < _DIGITS and cursor.isdecimal()):
        told = Problem("cursor", "use `next` of the page before as it is")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    rows = quarantine.page(
        session,
        caller.office,
        visible(caller, branch),
        whole_office=caller.whole_office and branch is None,
        after=int(cursor or 0),
        limit=limit + 1,
    )
    items = [item(row, language_of(request)) for row in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1]["id"]) if len(rows) > limit else None}


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
    with held.sessions() as session:
        found = _find(session, quarantine_id, caller)
        raw = body.strip() or joined(found["record"], quarantine.personal(session, quarantine_id))

    def work(session: Any) -> Any:  # noqa: ANN401 a session in, an outcome out
        # Spoken for the source that sent it, so that what is refused again is the same record.
        speaker = replace(caller.caller, source=found["source"])
        outcome = take_in(session, [Line(1, raw)], speaker, held.book, now, keep=False)[0]
        if outcome.outcome != "quarantined":
            quarantine.settle(session, quarantine_id, "mended", caller.by, now)
        elif outcome.kept:
            again = refused(outcome, raw, speaker, held.book.in_force(session))
            quarantine.amend(session, quarantine_id, again, now)
        return outcome

    outcome = again_if_deadlocked(held.sessions, work)
    if outcome.outcome == "quarantined":
        status = HTTPStatus.CONFLICT if outcome.conflict else HTTPStatus.UNPROCESSABLE_ENTITY
        return response(request, status, "The record cannot be taken in", outcome.problems)
    return JSONResponse({"code": outcome.code, "outcome": outcome.outcome})


@router.delete("/{quarantine_id}", summary="Discard a refused record", status_code=204)
def discard(session: Transaction, quarantine_id: Id, caller: Sender, now: Now) -> None:
    """It stays in the table with who discarded it and when; its personal part is erased."""
    _find(session, quarantine_id, caller)
    quarantine.settle(session, quarantine_id, "discarded", caller.by, now)


def item(row: Any, language: str) -> dict[str, Any]:  # noqa: ANN401 a row
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


def _find(session: Any, quarantine_id: int, caller: Principal) -> Any:  # noqa: ANN401 a row
    found = quarantine.find(
        session,
        quarantine_id,
        caller.office,
        sorted(caller.branches),
        whole_office=caller.whole_office,
    )
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No such record in quarantine")
    return found
