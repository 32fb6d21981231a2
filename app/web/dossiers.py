"""Dossiers one by one and in lists: take in, show, explain."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from app.core.codes import dossier_code, procedure_code
from app.core.problems import Problem
from app.db import causes, dossiers, letters, lists, quarantine, witnesses
from app.db.engine import again_if_deadlocked
from app.db.lists import Place, Reading
from app.service.access import Principal
from app.service.explain import explain
from app.service.intake import take_in
from app.service.outcomes import Line, Outcome
from app.service.records import MAX_RECORD_BYTES, DossierRecord
from app.service.refusals import refused
from app.web import causes as told_causes
from app.web import letters as told_letters
from app.web import shown
from app.web.deps import (
    TEXT,
    Now,
    Parts,
    Reader,
    Sender,
    TheParts,
    Transaction,
    clocks_of,
    visible,
)
from app.web.problems import ProblemError, language_of, response

router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])

_RECORD = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DossierRecord"}}},
    }
}
WIRE_TYPES = (DossierRecord,)


async def limited_body(request: Request) -> bytes:
    """The body of one record, refused as soon as it is longer than a record may be."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_RECORD_BYTES:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "A record has at most {limit} bytes",
                limit=MAX_RECORD_BYTES,
            )
    return body


@router.put("/{code}", summary="Take in one dossier's snapshot", openapi_extra=_RECORD)
def put_dossier(
    request: Request,
    code: str,
    body: Annotated[bytes, Depends(limited_body)],
    caller: Sender,
    held: TheParts,
    now: Now,
) -> JSONResponse:
    """201 created, 200 updated, unchanged or stale; 409 for a conflict, 422 for what cannot be.

    A refused record is kept in quarantine, so nothing that arrives is lost.
    """
    sent = _code_in(body)
    if sent is not None and sent.strip().upper() != code.strip().upper():
        return _misaddressed(request, body, sent, caller, held, now)
    outcome = again_if_deadlocked(
        held.sessions,
        lambda session: take_in(session, [Line(1, body)], caller.caller, held.book, now),
    )[0]
    if outcome.outcome == "quarantined":
        status = HTTPStatus.CONFLICT if outcome.conflict else HTTPStatus.UNPROCESSABLE_ENTITY
        return response(
            request,
            status,
            "The record cannot be taken in",
            outcome.problems,
            code=outcome.code,
            quarantined=outcome.kept,
        )
    with held.sessions() as session:
        found = _row(session, outcome.code or "", caller)
        rules = held.book.in_force(session)
        told_deadline = shown.explained(
            found, explain(session, found, held.book, rules), now, language_of(request)
        )
    answer = {"code": outcome.code, "outcome": outcome.outcome, "deadline": told_deadline}
    created = outcome.outcome == "created"
    return JSONResponse(answer, HTTPStatus.CREATED if created else HTTPStatus.OK)


def _misaddressed(
    request: Request, body: bytes, sent: str, caller: Principal, held: Parts, now: datetime
) -> JSONResponse:
    """Refuse a record sent to the address of another, and keep it.

    Which of the two codes is meant somebody must decide, as of a conflict.
    """
    told = Problem("code", "the record's code is not the one in the address; make them equal")
    code = sent.replace("\0", "\ufffd")[:60]
    outcome = Outcome(1, code, "quarantined", (told,), conflict=True)

    def keep(session: Session) -> None:
        rules = held.book.in_force(session)
        kept = refused(outcome, body, caller.caller, rules)
        quarantine.keep(session, [kept], caller.source, caller.office, now)

    again_if_deadlocked(held.sessions, keep)
    return response(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The record cannot be taken in",
        [told],
        code=outcome.code,
        quarantined=True,
    )


@router.get("", summary="The list people work from, most urgent first")
def list_dossiers(
    session: Transaction,
    caller: Reader,
    held: TheParts,
    now: Now,
    branch: Annotated[str | None, Query(description="one branch; all in scope if absent")] = None,
    state: Annotated[
        str | None, Query(description="comma-separated: " + ", ".join(Reading))
    ] = None,
    procedure: Annotated[
        str | None, Query(description="procedure code, any suffix", pattern=TEXT)
    ] = None,
    q: Annotated[
        str | None, Query(description="the beginning of a dossier code", pattern=TEXT)
    ] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """A page in the order of due moments; `next` is null on the last."""
    rules = held.book.in_force(session)
    clocks, _ = clocks_of(session, held, rules, now, visible(caller, branch))
    rows = lists.page(
        session,
        clocks,
        now,
        readings=readings(state),
        procedure=procedure_code(procedure) if procedure else None,
        code_prefix=q.strip().upper() if q else None,
        after=place(cursor) if cursor else None,
        limit=limit + 1,
    )
    items = [shown.dossier(row) for row in rows[:limit]]
    return {"items": items, "next": cursor_of(rows[limit - 1]) if len(rows) > limit else None}


@router.get("/{code}", summary="Facts and findings")
def get_dossier(session: Transaction, code: str, caller: Reader) -> dict[str, Any]:
    """Everything known of a dossier of the branches in scope."""
    row = _row(session, code, caller)
    name = dossiers.name_of(session, row["code"])
    answer = shown.dossier(row)
    answer["applicant"] = {"kind": answer.pop("applicant_kind"), "name": name}
    answer["witnesses"] = [
        {name: shown.value(held) for name, held in one._asdict().items()}
        for one in witnesses.words(session, row["code"])
    ]
    answer["cause"] = told_causes.newest(causes.of_dossier(session, row["code"]))
    answer["letter"] = told_letters.told_of(letters.of_dossier(session, row["code"]))
    return answer


@router.get("/{code}/deadline", summary="The explained due date")
def get_deadline(
    request: Request, session: Transaction, code: str, caller: Reader, held: TheParts, now: Now
) -> dict[str, Any]:
    """When it is due and why: each counted and each skipped day, the ground, the calendar."""
    row = _row(session, code, caller)
    rules = held.book.in_force(session)
    return shown.explained(row, explain(session, row, held.book, rules), now, language_of(request))


def _row(session: Transaction, code: str, caller: Principal) -> Any:  # noqa: ANN401 a row
    wanted = dossier_code(code)
    row = dossiers.find(session, wanted, sorted(caller.branches)) if wanted else None
    if row is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "No dossier {code} that you may see", code=code[:60]
        )
    return row


def readings(state: str | None) -> list[Reading]:
    """The readings of a comma-separated list."""
    try:
        return [Reading(word.strip()) for word in state.split(",")] if state else []
    except ValueError:
        told = Problem("state", "use one or more of {words}", {"words": ", ".join(Reading)})
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told]
        ) from None


def cursor_of(row: Any) -> str:  # noqa: ANN401 a row
    """Where a page ended, as an opaque word."""
    due_at = row["due_at"]
    where = ["infinity" if due_at is None else due_at.isoformat(), row["code"]]
    return urlsafe_b64encode(msgspec.json.encode(where)).decode().rstrip("=")


def place(word: str) -> Place:
    """Where the next page begins."""
    due_at = "infinity"
    try:
        due_at, code = msgspec.json.decode(
            urlsafe_b64decode(word + "=" * (-len(word) % 4)), type=tuple[str, str]
        )
        if due_at != "infinity":
            due_at = datetime.fromisoformat(due_at).astimezone(UTC).isoformat()
    except (ValueError, OverflowError, msgspec.DecodeError):
        code = "\0"
    if "\0" in code:
        told = Problem("cursor", "use `next` of the page before as it is")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid", [told])
    return Place(due_at, code)


def _code_in(body: bytes) -> str | None:
    try:
        held = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    code = held.get("code") if isinstance(held, dict) else None
    return code if isinstance(code, str) else None
